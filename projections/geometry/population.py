"""Numbers of people per area (the denominators of rates) from a CBS table of one year. Published numbers only, nothing counted here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from projections.geometry.tables import Row, Table
from schemas.errors import SettingsWrong
from schemas.geography import gemeente_code

PEOPLE: Final = ("inhabitants", "under_18", "aged_75_and_over", "households")
_COLUMNS: Final = {
    "area": "area|gebied|regiocode|gebiedscode|gwb_?code(_10)?", "year": "year|jaar", "inhabitants": "inhabitants|inwoners|aantal_?inwoners",
    "under_18": "under[ _]18|jonger[ _]dan[ _]18|tot[ _]18", "aged_75_and_over": "(aged[ _])?75[ _]and[ _]over|75[ _](jaar[ _])?(en|of)[ _]ouder",
    "households": "households|huishoudens|aantal_?huishoudens",
}  # fmt: skip
_UNKNOWN: Final = ("", ".", "-", "x", "-99997", "-99995", "-99999999")
"""How CBS writes what it does not tell."""
_ROUNDING: Final = 10
"""CBS rounds each number by itself: parts may exceed their whole by this much."""


@dataclass(frozen=True, slots=True)
class People:
    """Numbers of one area, None where unknown: inhabitants, of these under 18 and 75 and over; private households."""

    inhabitants: int | None = None
    under_18: int | None = None
    aged_75_and_over: int | None = None
    households: int | None = None


@dataclass(slots=True)
class Population:
    """Numbers per area code (GM, WK, BU) at the start of `year`."""

    year: int
    areas: dict[str, People] = field(default_factory=dict)


def read_population(
    lines: Iterable[str], where: str, gemeente: int, *, year: int, areas: Collection[str]
) -> Population:
    """The rows of one municipality and year; rows of other municipalities are left out, and those of other years where this one is there.

    `areas`: the codes there are. Raises `SettingsWrong`, naming file and line, for an unknown area, a double one, or numbers that can't be.
    """
    made, years = Population(year), set[int]()
    for row in Table(lines, where, columns=_COLUMNS):
        code = _code(row)
        if int(code[2:6]) != gemeente:
            continue
        years.add(found := row.whole("year", "the year"))
        if found != year:
            continue
        if code not in areas:
            msg = (
                f"{row.where}: {code} is not in the boundaries of {year}. Use numbers cut by the boundaries of {year}."
            )
            raise SettingsWrong(msg)
        if code in made.areas:
            msg = f"{row.where}: {code} is there twice for {year}. An area stands once a year; take a line out."
            raise SettingsWrong(msg)
        made.areas[code] = _people(row)
    if not years:
        msg = f"{where} has no row of {gemeente_code(gemeente)}. Use the table of this municipality, or of the whole country."
        raise SettingsWrong(msg)
    if not made.areas:
        held = ", ".join(map(str, sorted(years)))
        msg = f"{where} has numbers of people of {held}; the boundaries are of {year}. Use the table of {year}."
        raise SettingsWrong(msg)
    return made


def _code(row: Row) -> str:
    match = re.fullmatch(r"(GM)(\d{4})|(WK)(\d{6})|(BU)?(\d{7,8})", row.cells["area"].upper())
    if match is None:
        msg = f"{row.where}: the area must be a CBS code, like BU06420101, WK064201 or GM0642."
        raise SettingsWrong(msg)
    return f"BU{int(match[6]):08d}" if match[6] else match[0]


def _people(row: Row) -> People:
    numbers = {n: None if row.cells[n].lower() in _UNKNOWN else row.whole(n, f"the number for {n}") for n in PEOPLE}
    made = People(**numbers)
    whole = made.inhabitants
    if whole is not None:
        for name, part in (("those under 18 and of 75 and over together", (made.under_18 or 0) + (made.aged_75_and_over or 0)),
                           ("the households", made.households or 0)):  # fmt: skip
            if part > whole + _ROUNDING:
                msg = f"{row.where}: {name} are more than the inhabitants. Are the columns in their places?"
                raise SettingsWrong(msg)
    return made
