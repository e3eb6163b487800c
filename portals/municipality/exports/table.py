"""The table of figures, column by column: the same in Excel, CSV, either language. A cell's own value never stands in the column of another's."""

from __future__ import annotations

from typing import Final

from portals.municipality import words
from portals.municipality.exports import sentences
from portals.municipality.exports.snapshot import Row, Snapshot
from schemas.values import Month

Value = str | int | None

COLUMNS: Final = (
    "area_code", "area_name", "level", "group_code", "group_name", "year", "state", "euros", "households", "value_of", "note",
    "around_code", "around_name", "around_euros", "around_of", "known", "snapshot", "completeness", "protection",
)  # fmt: skip
"""Keys of `sentences.TEXTS`, in the order in which the columns stand."""


def head(lang: str) -> list[str]:
    """The columns' names."""
    return [sentences.say(c, lang) for c in COLUMNS]


def records(snapshot: Snapshot, lang: str) -> list[list[Value]]:
    """One list per cell, as long as `COLUMNS`; None where there is no value. Months are `YYYY-MM`."""
    groups = {g: words.group_name(g, lang) for g in snapshot.group_order()}
    complete = {g: sentences.complete(snapshot, g, lang) for g in groups}
    of_all: list[Value] = [str(snapshot.month), snapshot.label]
    guarded = sentences.protection(snapshot, lang)
    return [
        [*_own(row, groups[row.group], lang), *_around(row), *of_all, complete[row.group], guarded]
        for row in snapshot.rows
    ]


def _own(row: Row, group_name: str, lang: str) -> list[Value]:
    return [
        row.area, sentences.area_name(row, lang), sentences.level_name(row.level, lang), row.group, group_name, row.service_year,
        sentences.state(row, lang), row.euros, row.households, _month(row.known_until), sentences.note(row, lang),
    ]  # fmt: skip


def _around(row: Row) -> list[Value]:
    if row.around is None:
        return [None] * 4
    return [row.around.area, row.around.name, row.around.euros, _month(row.around.known_until)]


def _month(index: int | None) -> str | None:
    return None if index is None else str(Month.from_index(index))
