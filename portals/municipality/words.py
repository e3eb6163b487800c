"""The page's words in Dutch and English, and how numbers and months are written in each."""

from __future__ import annotations

from typing import Final

from schemas.care import CARE_TYPES
from schemas.values import Month

HELD: Final = {
    "nl": "Achtergehouden om huishoudens te beschermen: het zijn er te weinig, of te weinig aanbieders, of één weegt te zwaar",
    "en": "Kept back to protect households: too few of them or of providers, or one weighs too much",
}
TEXTS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Geleverde zorg in {name}", "Care delivered in {name}"),
    "skip": ("Naar de cijfers", "To the figures"),
    "month": ("Bekend tot en met", "As known at the end of"),
    "group": ("Geldstroom", "Money stream"),
    "year": ("Zorgjaar", "Service year"),
    "show": ("Toon", "Show"),
    "known": ("Zorgjaar {year} tot nu toe, zoals bekend eind {month}", "Service year {year} so far, as known at the end of {month}"),
    "preliminary": (
        "Voorlopige bescherming: sommen en verschillen zijn beschermd, de controle over alle cijfers samen is nog niet in werking. "
        "Gebruik deze cijfers alleen om te oefenen.",
        "Preliminary protection: sums and differences are guarded, the audit over all figures together is not in force yet. "
        "Use these figures for practice only.",
    ),
    "given_up": ("Deze gemeente heeft een deel van de bescherming opgegeven:", "This municipality gave up some of the protection:"),
    "figures_of_fewer_than_10_contributors": ("een cijfer mag van minder dan 10 huishoudens of instellingen zijn", "a figure may be of fewer than 10 households or institutions"),
    "one_household_may_be_more_than_half_of_a_figure": ("één huishouden mag meer dan de helft van een cijfer zijn", "one household may be more than half of a figure"),
    "two_households_may_be_more_than_three_quarters_of_a_figure": (
        "twee huishoudens mogen samen meer dan driekwart van een cijfer zijn", "two households may be more than three quarters of a figure"),
    "mental_health_care_may_be_more_than_60_percent_of_a_figure": (
        "geestelijke gezondheidszorg mag meer dan 60% van een cijfer zijn", "mental health care may be more than 60% of a figure"),
    "euros_finer_than_1000": ("bedragen zijn fijner afgerond dan op 1.000 euro", "amounts are rounded finer than to 1,000 euros"),
    "households_finer_than_5": ("huishoudens zijn fijner afgerond dan op 5", "households are rounded finer than to 5"),
    "counts_of_fewer_than_10_households": ("aantallen onder de 10 huishoudens worden getoond", "counts below 10 households are shown"),
    "map_buurt": ("Kaart per buurt", "Map per neighbourhood"),
    "map_wijk": ("Kaart per wijk", "Map per district"),
    "map_wijk_why": ("Buurten komen eens per kwartaal en alleen per geldstroom; voor deze keuze zijn wijken het fijnst.",
                     "Neighbourhoods come once a quarter and per money stream only; for this choice districts are the finest."),
    "table": ("Dezelfde cijfers als tabel", "The same figures as a table"),
    "area": ("Gebied", "Area"),
    "level": ("Niveau", "Level"),
    "euros": ("Euro", "Euros"),
    "households": ("Huishoudens", "Households"),
    "state": ("Toelichting", "Note"),
    "parent": ("Hier ziet u {parent}: het kleinste gebied eromheen dat wel getoond mag worden.",
               "You see {parent}: the smallest area around it that may be shown."),
    "older": ("Cijfer van eind {month}.", "Figure of the end of {month}."),
    "last": ("Eigen laatst getoonde cijfer: {euros}, van eind {month}.", "Its own last shown figure: {euros}, of the end of {month}."),
    "never": ("Nog niet getoond.", "Not shown yet."),
    "undecided": ("Voor dit gebied niet of nog niet apart getoond.", "Not, or not yet, shown apart for this area."),
    "streams": ("Alle geldstromen, verdeeld", "All money streams, split"),
    "streams_none": ("Voor dit gebied mag niet elke geldstroom apart worden getoond. Dit is de verdeling van {parent}.",
                     "Not every money stream of this area may be shown apart. This is the split of {parent}."),
    "streams_missing": ("Niet apart getoond: {names}.", "Not shown apart: {names}."),
    "clusters": ("Binnen deze buurt", "Within this neighbourhood"),
    "complete": ("Volledigheid", "Completeness"),
    "complete_line": ("{group}: {closed} van {asked} gevraagde aanbiedermaanden afgesloten", "{group}: {closed} of {asked} provider months asked are closed"),
    "complete_none": ("Er is nog niets gevraagd aan aanbieders.", "Nothing was asked of providers yet."),
    "empty": ("Er is nog geen maand afgesloten. Zodra de eerste maand is afgesloten staan de cijfers hier.",
              "No month is closed yet. As soon as the first month is closed its figures are here."),
    "empty_how": ("Een maand wordt uitgegeven op de vijfde werkdag erna, een kwartaal op de tiende. De beheerder sluit een maand die voorbij is met: zorgstroom operator close-month",
                  "A month is published on the fifth working day after it, a quarter on the tenth. The operator closes a month that is over with: zorgstroom operator close-month"),
    "choose": ("Kies een gebied op de kaart of in de tabel.", "Choose an area on the map or in the table."),
    "legend_held": ("achtergehouden; u ziet het gebied eromheen", "kept back; you see the area around it"),
    "rest": ("Zonder buurt: geheim adres, instelling of onbekend adres", "Without neighbourhood: secret address, institution or unknown address"),
    "no_ggz": ("Geestelijke gezondheidszorg zit in de totalen en wordt nergens apart getoond.",
               "Mental health care is inside the totals and is shown apart nowhere."),
    "source": ("Elk cijfer is ondertekend uitgegeven, afgerond op 1.000 euro en 5 huishoudens.", "Every figure was released under signature, rounded to 1,000 euros and 5 households."),
    "whole": ("Hele gemeente", "Whole municipality"),
}  # fmt: skip
GROUPS: Final = {
    "total": ("Alle geldstromen samen", "All money streams"), "wmo": ("Wmo", "Wmo (social support)"),
    "jeugdwet": ("Jeugdwet", "Jeugdwet (youth)"), "participatiewet": ("Participatiewet", "Participatiewet (work and income)"),
    "overig": ("Overige zorg (Zvw en Wlz)", "Other care (Zvw and Wlz)"),
}  # fmt: skip
LEVELS: Final = {
    "placed": ("gemeente", "municipality"), "gemeente": ("zonder buurt", "without neighbourhood"), "wijk": ("wijk", "district"),
    "buurt": ("buurt", "neighbourhood"), "cluster": ("deel van een buurt", "part of a neighbourhood"),
}  # fmt: skip
_MONTHS: Final = (
    [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
)


def text(key: str, lang: str, /, **values: object) -> str:
    """One of the page's sentences."""
    return TEXTS[key][lang == "en"].format(**values)


def group_name(group: str, lang: str) -> str:
    """A funding group or published care type in words."""
    if group in GROUPS:
        return GROUPS[group][lang == "en"]
    labels = sorted(
        {t.label if lang == "nl" else t.label_en for t in CARE_TYPES.values() if t.published_as == group and not t.ggz}
    )
    return f"{group.replace('-', ' ').capitalize()} ({', '.join(labels[:3]).lower()})"


def month_name(index: int, lang: str) -> str:
    """`juni 2025`."""
    month = Month.from_index(index)
    return f"{_MONTHS[lang == 'en'][month.month - 1]} {month.year}"


def euros(value: int, lang: str) -> str:
    """`€ 1.234.000` or `€ 1,234,000`."""
    written = f"{abs(value):,}"
    return f"{'-' if value < 0 else ''}€ {written.replace(',', '.') if lang == 'nl' else written}"


def figure(value: int | None, lang: str) -> str:
    """An amount, or a dash where none was ever released."""
    return "\N{EN DASH}" if value is None else euros(value, lang)
