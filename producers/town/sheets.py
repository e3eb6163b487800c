"""The town's spreadsheets: the template's columns, as xlsx with typed cells or as csv the way people type it."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import xlsxwriter

from producers.spreadsheet_rows import COLUMNS, SHEET
from producers.spreadsheet_words import STREAM_NAMES
from producers.town.evidence import shows_address, true_home
from producers.town.history import Line
from schemas.care import CARE_TYPE_BY_CODE
from schemas.values import Month

_FIXED = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
"""The workbook's date of making, so that the same town has the same bytes."""


def write_xlsx(path: Path, lines: Sequence[Line], *, months: tuple[Month, ...]) -> None:
    """Write sheet Leveringen with date and number cells."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    book.set_properties({"created": _FIXED.replace(tzinfo=None)})
    day = book.add_format({"num_format": "dd-mm-yyyy"})
    sheet = book.add_worksheet(SHEET)
    sheet.write_row(0, 0, COLUMNS)
    for row, line in enumerate(lines, 1):
        bsn, postcode, number, suffix, stream, care, *_, reference = _texts(line, months)
        for place, text in enumerate((bsn, postcode)):
            sheet.write_string(row, place, text)
        if number:
            sheet.write_number(row, 2, int(number))
        sheet.write_string(row, 3, suffix)
        sheet.write_string(row, 4, stream)
        sheet.write_string(row, 5, care)
        sheet.write_datetime(row, 6, dt.datetime.combine(line.first, dt.time()), day)
        sheet.write_datetime(row, 7, dt.datetime.combine(line.last, dt.time()), day)
        # A sheet knows only floats; the reader gets the very cents back.
        sheet.write_number(row, 10, line.cents / 100)
        sheet.write_string(row, 11, reference)
    book.close()


def write_csv_sheet(path: Path, lines: Sequence[Line], *, months: tuple[Month, ...]) -> None:
    """Write the same columns with semicolons, days as 31-01-2025 and amounts as 1.234,56."""
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        writer.writerow(COLUMNS)
        writer.writerows(_texts(line, months) for line in lines)


def _texts(line: Line, months: tuple[Month, ...]) -> tuple[str, ...]:
    care = CARE_TYPE_BY_CODE[line.care]
    home = true_home(line.person, line.first, months=months) if shows_address(line) else None
    euros = f"{line.cents // 100:,}".replace(",", ".") + f",{line.cents % 100:02d}"
    return (
        line.bsn, home.postcode if home else "", str(home.number) if home else "", home.suffix if home else "", STREAM_NAMES[care.stream], care.label,
        f"{line.first:%d-%m-%Y}", f"{line.last:%d-%m-%Y}", "", "", euros, line.reference,
    )  # fmt: skip
