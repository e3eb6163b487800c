"""What is said about how concentrated the money is, in Dutch (B1) and English; the page and the exports say the same."""

from __future__ import annotations

from typing import Final

from portals.municipality import words
from portals.municipality.concentration import LAST_POINT, MORE, Concentration, Stacked

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "head": ("Hoe het geld is verdeeld", "How the money is spread"),
    "within": ("De helft van het geld ging naar hooguit {percent}% van alle huishoudens", "Half of the money went to at most {percent}% of all households"),
    "more": ("De helft van het geld ging naar meer dan {percent}% van alle huishoudens", "Half of the money went to more than {percent}% of all households"),
    "unsaid": ("Naar hoeveel huishoudens de helft van het geld ging, is niet te zeggen", "To how many households half of the money went can't be said"),
    "stacked": ("{count} huishoudens hadden zorg van {providers} of meer aanbieders", "{count} households had care from {providers} providers or more"),
    "few": ("minder dan {least}", "fewer than {least}"),
    "too_few": ("een klein aantal", "a small number of"),
    "what": ("Zorgjaar {year}, alle geldstromen samen, zoals bekend eind {month}. Dit cijfer is één keer uitgegeven en verandert niet meer.",
             "Service year {year}, all money streams together, as known at the end of {month}. This figure was published once and changes no more."),
    "coming": ("Van zorgjaar {year} is dit er nog niet: het komt met de cijfers van eind {month}. Dan is alles over dat jaar bekend, en verandert het niet meer.",
               "Of service year {year} this is not there yet: it comes with the figures of the end of {month}. All about that year is known then, and it changes no more."),
    "missing": ("Van zorgjaar {year} is dit uitgegeven met de cijfers van eind {month}, en die ontbreken hier.",
                "Of service year {year} this was published with the figures of the end of {month}, which are missing here."),
    "not_here": ("Van zorgjaar {year} wordt dit voor {area} niet gezegd: er zijn minder dan {least} huishoudens met zorg, of het is niet bekend hoeveel huishoudens er wonen.",
                 "Of service year {year} this is not said of {area}: fewer than {least} households are in care, or it is not known how many households live there."),
    "around": ("Dit wordt alleen gezegd van de hele gemeente en van wijken met {least} huishoudens met zorg of meer. Hier ziet u {area}, waar {chosen} in ligt.",
               "This is said only of the whole municipality and of districts with {least} households in care or more. You see {area}, in which {chosen} lies."),
    "latest": ("Het laatste dat is uitgegeven: zorgjaar {year}", "The last that was published: service year {year}"),
    "all": ("Alle huishoudens zijn alle die er wonen, met zorg of zonder. Die met de hoogste bedragen tellen eerst.",
            "All households are all that live there, in care or not. Those with the largest amounts count first."),
    "bars": ("De helft van het geld en de huishoudens waar die naartoe ging", "Half of the money, and the households it went to"),
    "money": ("Geld", "Money"),
    "households": ("Huishoudens", "Households"),
    "half": ("de helft", "half"),
    "percent_of_all": ("hooguit {percent}%", "at most {percent}%"),
    "percent_more": ("meer dan {percent}%", "more than {percent}%"),
    "curve": ("Welk deel van het geld naar wie ging", "Which part of the money went to whom"),
    "curve_households": ("Deel van alle huishoudens", "Part of all households"),
    "curve_money": ("Deel van het geld", "Part of the money"),
    "curve_points": ("Alleen de punten zijn uitgegeven; de lijn ertussen helpt het oog.", "Only the points were published; the line between them helps the eye."),
    "curve_none": ("Een lijn met meer punten is er alleen voor de hele gemeente.", "A line with more points exists for the whole municipality only."),
    "providers_head": ("Huishoudens naar aantal aanbieders", "Households by number of providers"),
    "providers": ("Aanbieders", "Providers"),
    "or_more": ("{providers} of meer", "{providers} or more"),
    "providers_note": ("Wie in een instelling woont of op een gedeeld of geheim adres telt hier niet mee.", "Whoever lives in an institution or at a shared or secret address is not counted here."),
    "rounded": ("Afgerond op {base}.", "Rounded to {base}."),
    "in_snapshot": ("Hoe het geld is verdeeld over huishoudens, en hoeveel aanbieders zij hebben, is één keer uitgegeven per zorgjaar: met de cijfers van december van het jaar erna.",
                    "How the money is spread over households, and how many providers they have, is published once per service year: with the December figures of the year after."),
    "sheet_has": ("In deze momentopname: van zorgjaar {years}, op een eigen blad.", "In this snapshot: of service year {years}, on a sheet of its own."),
    "sheet_none": ("In deze momentopname staat er geen.", "This snapshot has none."),
    "half_column": ("De helft van het geld gaat naar hooguit (% van alle huishoudens)", "Half of the money goes to at most (% of all households)"),
    "said": ("In woorden", "In words"),
    "curve_column": ("% van het geld naar {percent}% van de huishoudens", "% of the money to {percent}% of the households"),
    "stacked_column": ("Huishoudens met {providers} aanbieders", "Households with {providers} providers"),
    "stacked_column_one": ("Huishoudens met 1 aanbieder", "Households with 1 provider"),
    "stacked_column_more": ("Huishoudens met {providers} of meer aanbieders", "Households with {providers} or more providers"),
}  # fmt: skip


def say(key: str, lang: str, /, **values: object) -> str:
    """One of these sentences."""
    return TEXTS[key][lang == "en"].format(**values)


def sentence(of: Concentration, lang: str) -> str:
    """All in one sentence: within which share of the households half of the money lies, and how many have the most providers."""
    half = (
        say("unsaid", lang) if of.half_within is None
        else say("more", lang, percent=LAST_POINT) if of.half_within == MORE
        else say("within", lang, percent=of.half_within)
    )  # fmt: skip
    if not of.stacked:
        return f"{half}."
    most = of.stacked[-1]
    count = counted(of, most, lang)
    return f"{half}; {say('stacked', lang, count=count, providers=most.providers)}."


def share(of: Concentration, lang: str) -> str:
    """`hooguit 5%` of all households, `meer dan 25%`; a dash where it can't be said."""
    if of.half_within is None:
        return "\N{EN DASH}"
    if of.half_within == MORE:
        return say("percent_more", lang, percent=LAST_POINT)
    return say("percent_of_all", lang, percent=of.half_within)


def counted(of: Concentration, row: Stacked, lang: str) -> str:
    """A number of households; where it is not said, below how many it lies."""
    if row.households is not None:
        return words.number(row.households, lang)
    return say("too_few", lang) if of.least is None else say("few", lang, least=of.least)


def providers(row: Stacked, lang: str) -> str:
    """`1`, `2`, `3`, `4 of meer`."""
    return say("or_more", lang, providers=row.providers) if row.or_more else str(row.providers)


def stacked_column(row: Stacked, lang: str) -> str:
    """The head of the column of a number of providers."""
    key = "stacked_column_more" if row.or_more else "stacked_column_one" if row.providers == 1 else "stacked_column"
    return say(key, lang, providers=row.providers)
