"""The page's words in Dutch and English, and how numbers and months are written in each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from portals.municipality.measures import Measure
from portals.municipality.sentences import TEXTS
from schemas.care import CARE_TYPES
from schemas.values import Month

HELD: Final = {
    "nl": "Achtergehouden om huishoudens te beschermen: het zijn er te weinig, of te weinig aanbieders, of één weegt te zwaar",
    "en": "Kept back to protect households: too few of them or of providers, or one weighs too much",
}
GROUPS: Final = {
    "total": ("Alle geldstromen samen", "All money streams"), "wmo": ("Wmo", "Wmo (social support)"),
    "jeugdwet": ("Jeugdwet", "Jeugdwet (youth)"), "participatiewet": ("Participatiewet", "Participatiewet (work and income)"),
    "overig": ("Overige zorg (Zvw en Wlz)", "Other care (Zvw and Wlz)"),
}  # fmt: skip
TYPES: Final = {
    "begeleiding": ("Begeleiding", "Guidance"), "dagbesteding": ("Dagbesteding", "Day activities"), "huishouden": ("Hulp bij het huishouden", "Household help"),
    "hulpmiddelen-en-vervoer": ("Hulpmiddelen en vervoer", "Aids and transport"), "wonen-en-opvang": ("Wonen en opvang", "Housing and shelter"),
    "overige-wmo": ("Overige Wmo", "Other Wmo"), "verblijf": ("Verblijf", "Stay"), "overige-jeugdhulp": ("Overige jeugdhulp", "Other youth care"),
    "bescherming-en-reclassering": ("Bescherming en reclassering", "Protection and probation"), "inkomen": ("Inkomen", "Income"), "werk": ("Werk", "Work"),
}  # fmt: skip
LEVELS: Final = {
    "placed": ("gemeente", "municipality"), "gemeente": ("zonder buurt", "without neighbourhood"), "wijk": ("wijk", "district"),
    "buurt": ("buurt", "neighbourhood"), "street": ("straat", "street"), "cluster": ("deel van een buurt", "part of a neighbourhood"),
}  # fmt: skip
MEASURES: Final = {
    Measure.EUROS: ("Euro", "Euros"), Measure.PER_INHABITANT: ("Euro per inwoner", "Euros per inhabitant"),
    Measure.PER_HOUSEHOLD: ("Euro per huishouden", "Euros per household"), Measure.PER_THOUSAND: ("Euro per 1.000 inwoners", "Euros per 1,000 inhabitants"),
    Measure.PER_YOUTH: ("Euro per inwoner onder 18", "Euros per inhabitant under 18"),
}  # fmt: skip
_MONTHS: Final = (
    ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"),
    ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
)  # fmt: skip


def text(key: str, lang: str, /, **values: object) -> str:
    """One of the page's sentences."""
    return TEXTS[key][lang == "en"].format(**values)


def source(parameters: Mapping[str, Any], lang: str) -> str:
    """That every figure is signed, and what it is rounded to by the numbers of its own release; one of before those were told has the standard ones."""
    euros_base, households_base = parameters.get("euros_base", 1_000), parameters.get("households_base", 5)
    return text("source", lang, euros=number(euros_base, lang), households=number(households_base, lang))


def given_up(told: Iterable[str], lang: str) -> str:
    """What of the protection was given up, as `name: number` of a release, in words; empty where nothing was. A name without words keeps its own."""
    parts = [given.partition(": ") for given in told]
    said = [f"{text(name, lang) if name in TEXTS else name}{f' ({to})' if to else ''}" for name, _, to in parts]
    return "; ".join(said)


def group_name(group: str, lang: str) -> str:
    """A funding group or published care type in words."""
    if group in GROUPS:
        return GROUPS[group][lang == "en"]
    labels = sorted(
        {t.label if lang == "nl" else t.label_en for t in CARE_TYPES.values() if t.published_as == group and not t.ggz}
    )
    return f"{group_short(group, lang)} ({', '.join(labels[:3]).lower()})" if labels else group_short(group, lang)


def group_short(group: str, lang: str) -> str:
    """The same without examples, where room is scarce; one without words keeps its own name."""
    return (GROUPS.get(group) or TYPES.get(group, (group, group)))[lang == "en"]


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


def measured(value: int | None, measure: Measure, lang: str) -> str:
    """An amount with what it is divided by: `€ 271 per inwoner`."""
    unit = MEASURES[measure][lang == "en"].partition(" ")[2]
    return figure(value, lang) if value is None or not unit else f"{figure(value, lang)} {unit}"


def number(value: float | Decimal | None, lang: str) -> str:
    """`1.234` or `4,5`; in English `1,234` or `4.5`; a dash where it is not known."""
    if value is None:
        return "\N{EN DASH}"
    written = f"{value:,}"
    return written.translate(str.maketrans(",.", ".,")) if lang == "nl" else written


def short_month(index: int, lang: str) -> str:
    """`jun` or, in January, `jan 2025`."""
    month = Month.from_index(index)
    short = "mrt" if lang == "nl" and month.month == 3 else _MONTHS[lang == "en"][month.month - 1][:3]
    return f"{short} {month.year}" if month.month == 1 else short


def day(number: int, lang: str) -> str:
    """Days since 1970-01-01 -> `7 juli 2025`."""
    found = dt.date(1970, 1, 1) + dt.timedelta(days=number)
    return f"{found.day} {_MONTHS[lang == 'en'][found.month - 1]} {found.year}"
