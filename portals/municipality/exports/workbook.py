"""The figures as an Excel file: an explaining sheet, the figures, how complete they are, and the areas. No formula, no link, no clock."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

import xlsxwriter

from portals.municipality import words
from portals.municipality.exports import concentration_table
from portals.municipality.exports.concentration_table import said_of
from portals.municipality.exports.explanation import explanation
from portals.municipality.exports.harmless import harmless
from portals.municipality.exports.sentences import level_name, say
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.exports.table import COLUMNS, Value, head, records

_OPTIONS: Final = {
    "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
}  # fmt: skip
_EUROS: Final = {"euros", "around_euros"}
_WIDTHS: Final = {"area_name": 28, "group_name": 30, "note": 40, "around_name": 28, "completeness": 40, "snapshot": 30}


def workbook_bytes(snapshot: Snapshot, lang: str) -> bytes:
    """The whole file; the same bytes for the same snapshot, dated at the end of its month."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, _OPTIONS)
    ends = snapshot.month.plus(1)
    book.set_properties({
        "title": harmless(words.text("title", lang, name=snapshot.name)), "comments": snapshot.label,
        "created": dt.datetime(ends.year, ends.month, 1, tzinfo=dt.UTC) - dt.timedelta(days=1),
    })  # fmt: skip
    _explain(book, snapshot, lang)
    _figures(book, snapshot, lang)
    _complete(book, snapshot, lang)
    if said_of(snapshot):
        _concentration(book, snapshot, lang)
    if snapshot.geography is not None:
        _areas(book, snapshot, lang)
    book.close()
    return out.getvalue()


def _explain(book: Any, snapshot: Snapshot, lang: str) -> None:
    sheet = book.add_worksheet(say("explain", lang))
    bold, wrapped = book.add_format({"bold": True, "valign": "top"}), book.add_format({"text_wrap": True})
    sheet.set_column(0, 0, 34, bold)
    sheet.set_column(1, 1, 100, wrapped)
    for at, (about, said) in enumerate(explanation(snapshot, lang)):
        sheet.write_string(at, 0, harmless(about), bold)
        sheet.write_string(at, 1, harmless(said), wrapped)


def _figures(book: Any, snapshot: Snapshot, lang: str) -> None:
    sheet, rows = book.add_worksheet(say("figures", lang)), records(snapshot, lang)
    euros = book.add_format({"num_format": "#,##0"})
    for at, key in enumerate(COLUMNS):
        sheet.set_column(at, at, _WIDTHS.get(key, 14), euros if key in _EUROS else None)
    _table(sheet, head(lang), rows, bold=book.add_format({"bold": True}))


def _complete(book: Any, snapshot: Snapshot, lang: str) -> None:
    sheet = book.add_worksheet(say("completeness", lang))
    sheet.set_column(0, 3, 30)
    names = [say(key, lang) for key in ("group_code", "group_name", "months_closed", "months_asked")]
    rows: list[list[Value]] = [
        [c.group, words.group_name(c.group, lang), c.months_closed, c.months_asked] for c in snapshot.completeness()
    ]
    _table(sheet, names, rows, bold=book.add_format({"bold": True}))


def _concentration(book: Any, snapshot: Snapshot, lang: str) -> None:
    sheet = book.add_worksheet(say("concentration", lang))
    sheet.set_column(0, 3, 16)
    sheet.set_column(4, 4, 70)
    sheet.set_column(5, 24, 18)
    _table(
        sheet,
        concentration_table.head(snapshot, lang),
        concentration_table.records(snapshot, lang),
        bold=book.add_format({"bold": True, "text_wrap": True, "valign": "top"}),
    )


def _areas(book: Any, snapshot: Snapshot, lang: str) -> None:
    sheet = book.add_worksheet(say("areas", lang))
    sheet.set_column(0, 5, 20)
    keys = ("area_code", "area_name", "level", "parent", "inhabitants", "private_households")
    rows: list[list[Value]] = [
        [a.code, a.name, level_name(a.level, lang), a.parent, a.inhabitants, a.households] for a in snapshot.areas()
    ]
    _table(sheet, [say(key, lang) for key in keys], rows, bold=book.add_format({"bold": True}))


def _table(sheet: Any, names: Sequence[str], rows: Iterable[Sequence[Value]], *, bold: Any) -> None:
    """A head that stays in view, and rows under it that can be filtered."""
    for column, name in enumerate(names):
        sheet.write_string(0, column, name, bold)
    last = 0
    for last, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(last, column, harmless(value))
            elif value is not None:
                sheet.write_number(last, column, value)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, last, len(names) - 1)
