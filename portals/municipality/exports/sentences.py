"""What exports say beside their figures, in Dutch and English; the page's own sentences are taken from `portals.municipality.words`."""

from __future__ import annotations

from typing import Final

from portals.municipality import words
from portals.municipality.exports.snapshot import Row, Snapshot

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "explain": ("Uitleg", "Explained"),
    "figures": ("Cijfers", "Figures"),
    "completeness": ("Volledigheid", "Completeness"),
    "concentration": ("Verdeling", "Spread"),
    "areas": ("Gebieden", "Areas"),
    "known": ("Bekend tot en met", "As known at the end of"),
    "snapshot": ("Momentopname", "Snapshot"),
    "published": ("Uitgegeven op", "Published on"),
    "protection": ("Bescherming", "Protection"),
    "preliminary": ("voorlopig", "preliminary"),
    "full": ("volledig", "full"),
    "given_up": ("opgegeven: {names}", "given up: {names}"),
    "year_so_far": ("Elk bedrag is het zorgjaar tot nu toe: zorg die in dat jaar is geleverd, voor zover bekend aan het eind van de genoemde maand.",
                    "Each amount is the service year so far: care delivered in that year, as far as known at the end of the month named."),
    "held_rule": ("Een gebied dat is achtergehouden houdt het cijfer dat het laatst is uitgegeven, met de maand waar dat van is, of heeft geen cijfer. Ernaast "
                  "staat het kleinste gebied eromheen dat wel getoond mag worden: dat is het cijfer van dát gebied. Tel die kolom niet op.",
                  "An area that is kept back keeps the figure last published, with the month it is of, or has none. Beside it stands the "
                  "smallest area around it that may be shown: that is the figure of that area. Do not add up that column."),
    "held_how": ("Achtergehouden in deze momentopname: {held} van {all} cijfers.", "Kept back in this snapshot: {held} of {all} figures."),
    "area_code": ("Gebied", "Area"),
    "area_name": ("Naam", "Name"),
    "level": ("Niveau", "Level"),
    "group_code": ("Groep", "Group"),
    "group_name": ("Geldstroom of soort zorg", "Money stream or kind of care"),
    "year": ("Zorgjaar", "Service year"),
    "state": ("Stand", "State"),
    "euros": ("Euro", "Euros"),
    "households": ("Huishoudens met zorg", "Households in care"),
    "value_of": ("Cijfer van eind", "Figure of the end of"),
    "note": ("Toelichting", "Note"),
    "around_code": ("Gebied eromheen", "Area around it"),
    "around_name": ("Naam van het gebied eromheen", "Name of the area around it"),
    "around_euros": ("Euro van het gebied eromheen", "Euros of the area around it"),
    "around_of": ("Cijfer eromheen van eind", "Figure around it of the end of"),
    "released": ("getoond", "shown"),
    "held": ("achtergehouden", "kept back"),
    "undecided": ("niet apart getoond", "not shown apart"),
    "not_given": ("Wordt voor deze groep niet gegeven.", "Is not given for this group."),
    "columns": ("De kolommen", "The columns"),
    "months_closed": ("Aanbiedermaanden afgesloten", "Provider months closed"),
    "months_asked": ("Aanbiedermaanden gevraagd", "Provider months asked"),
    "parent": ("Ligt in", "Lies in"),
    "inhabitants": ("Inwoners", "Inhabitants"),
    "private_households": ("Particuliere huishoudens", "Private households"),
    "population_year": ("Inwoners en huishoudens: begin {year}.", "Inhabitants and households: start of {year}."),
    "boundaries": ("Grenzen van {year}.", "Boundaries of {year}."),
    "rules": ("Regels", "Rules"),
    "geometry_hash": ("Vingerafdruk van de grenzen (SHA-256)", "Fingerprint of the boundaries (SHA-256)"),
    "ledger_hash": ("Vingerafdruk van de stand van het grootboek (SHA-256)", "Fingerprint of the ledger's position (SHA-256)"),
    "software": ("Versie van het programma", "Version of the program"),
    "read_from": ("Gelezen uit", "Read from"),
    "signed": ("De handtekening van de uitgever (Ed25519) is nagekeken bij het lezen van {topics}.",
               "The publisher's signature (Ed25519) was checked when {topics} was read."),
    "no_place": ("De vormen staan in meters op een verzonnen vlak, niet op een plek op aarde.",
                 "The shapes are in metres on an invented plane, not at a place on Earth."),
    "what_held": ("Achtergehouden", "Kept back"),
    "held_areas": ("{level}: {held} van {all}. {names}", "{level}: {held} of {all}. {names}"),
    "and_more": ("en nog {count}", "and {count} more"),
    "none_held": ("Geen enkel gebied in deze kaart is achtergehouden.", "No area on this map is kept back."),
    "missing": ("Niet apart getoond: {names}.", "Not shown apart: {names}."),
    "map": ("Kaart: alle geldstromen samen, per {level}", "Map: all money streams, per {level}"),
    "map_older": ("Op de kaart staan ook cijfers van eerder, van eind {months}.", "The map has earlier figures too, of the end of {months}."),
    "map_alt": ("Kaart van {name}; de bedragen staan in het Excel-bestand.", "Map of {name}; the amounts are in the Excel file."),
    "legend_held": ("achtergehouden of niet apart getoond", "kept back or not shown apart"),
    "so_many": ("{count} huishoudens met zorg", "{count} households in care"),
    "council": ("Voor de raad", "For the council"),
    "change_head": ("Verschil met de nulmeting", "Change since the baseline"),
    "change_was": ("Nulmeting “{name}”, zorgjaar {year} zoals bekend eind {month}: {euros}.", "Baseline “{name}”, service year {year} as known at the end of {month}: {euros}."),
    "change_now": ("Zorgjaar {year}, even lang na het eind van dat jaar (eind {month}): {euros}.",
                   "Service year {year}, equally long after the end of that year (end of {month}): {euros}."),
    "change_now_within": ("Zorgjaar {year}, even ver in dat jaar (eind {month}): {euros}.", "Service year {year}, equally far into that year (end of {month}): {euros}."),
    "change_coming": ("Zorgjaar {year} is met de nulmeting te vergelijken zodra de cijfers van eind {month} er zijn.",
                      "Service year {year} can be compared with the baseline once the figures of the end of {month} are out."),
    "change_left_out": ("Zorgjaar {year} is voor de hele gemeente niet met de nulmeting te vergelijken. Reden: {reason}.",
                        "Service year {year} can't be compared with the baseline for the whole municipality. Reason: {reason}."),
    "no_baseline": ("Er is nog geen nulmeting.", "There is no baseline yet."),
    "no_earlier_baseline": ("Er is geen nulmeting van een zorgjaar voor {year}.", "There is no baseline of a service year before {year}."),
    "story_head": ("Het verhaal erbij", "The story beside it"),
    "story_more": ("Het hele verhaal staat op de pagina van de gemeente: {path}", "The whole story is on the municipality's page: {path}"),
    "no_story": ("Over zorgjaar {year} is nog geen verhaal voor de raad vrijgegeven.", "No story for the council was released of service year {year} yet."),
}  # fmt: skip


def say(key: str, lang: str, /, **values: object) -> str:
    """One of the exports' sentences."""
    return TEXTS[key][lang == "en"].format(**values)


def state(row: Row, lang: str) -> str:
    """Shown or kept back, in a word."""
    return say("released" if row.released else "held", lang)


def area_name(row: Row, lang: str) -> str:
    """The name of a row's area; what has no buurt is called so."""
    return words.text("rest", lang) if row.level == "gemeente" else row.name


def note(row: Row, lang: str) -> str:
    """The one sentence where the cell is kept back, else nothing."""
    return "" if row.released else f"{words.HELD[lang]}."


def complete(snapshot: Snapshot, group: str, lang: str) -> str:
    """How complete the figures of a group are, in words."""
    lines = [
        words.text(
            "complete_line", lang, group=words.group_name(c.group, lang), closed=c.months_closed, asked=c.months_asked,
            percent=100 * c.months_closed // c.months_asked,
        )
        for c in snapshot.completeness_of(group)
    ]  # fmt: skip
    return "; ".join(lines) + "." if lines else say("not_given", lang)


def protection(snapshot: Snapshot, lang: str) -> str:
    """How far the figures are guarded, with what was given up."""
    said = say("full" if snapshot.macro["protection"] == "full" else "preliminary", lang)
    return "; ".join(
        [said, *([say("given_up", lang, names=words.given_up(snapshot.given_up, lang))] if snapshot.given_up else [])]
    )


def level_name(level: str, lang: str) -> str:
    """A level in words."""
    return words.LEVELS[level][lang == "en"] if level in words.LEVELS else level
