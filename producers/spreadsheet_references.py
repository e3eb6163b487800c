"""A copy of a spreadsheet in which every line has its reference, so that a later correction can name the same lines.

Writes beside the original and never over a file that is there. Values only: formulas become what they showed.
"""

from __future__ import annotations

import csv
from pathlib import Path

from producers.deliveries import Format, Reading
from producers.spreadsheet_cells import Cell
from producers.spreadsheet_rows import Table, csv_table, xlsx_table
from producers.spreadsheet_template import close_book, new_book, write_explanation, write_sheet
from schemas.errors import SettingsWrong

_COLUMN = "referentie"


def complete_references(path: Path, reading: Reading, *, folder: Path | None = None) -> Path | None:
    """Write `<name>-met-referenties.xlsx|csv` with the references of `reading.to_write_back`; None when none is to write.

    `folder`: where to, beside the original when None. Raises `SettingsWrong` where it can't be written, `FileRefused` where
    the file is no longer the one that was read.
    """
    if not reading.to_write_back or reading.format not in (Format.XLSX, Format.CSV):
        return None
    data = path.read_bytes()
    is_csv = reading.format is Format.CSV
    table = csv_table(data) if is_csv else xlsx_table(data)
    rows, columns = _completed(table, dict(reading.to_write_back))
    target = _free_name(path, folder=folder or path.parent, suffix=".csv" if is_csv else ".xlsx")
    if is_csv:
        _write_csv(target, rows, delimiter=table.delimiter or ";")
    else:
        book = new_book(target)
        write_sheet(book, rows, header=table.header, columns=columns)
        write_explanation(book)
        close_book(book)
    return target


def _completed(table: Table, references: dict[int, str]) -> tuple[list[list[Cell]], dict[str, int]]:
    """All rows with the references in; a column is added where there is none."""
    columns = dict(table.columns)
    rows = [list(row) for row in table.rows]
    if _COLUMN not in columns:
        columns[_COLUMN] = max(map(len, rows))
    place = columns[_COLUMN]
    for number, row in enumerate(rows, 1):
        made = _COLUMN if number == table.header + 1 else references.get(number)
        if made is not None:
            row.extend([None] * (place + 1 - len(row)))
            row[place] = made
    return rows, columns


def _free_name(path: Path, *, folder: Path, suffix: str) -> Path:
    stem = path.stem.removesuffix("-met-referenties")
    for turn in range(1, 1000):
        target = folder / f"{stem}-met-referenties{'' if turn == 1 else f'-{turn}'}{suffix}"
        if not target.exists():
            return target
    raise SettingsWrong("There are a thousand copies with references already; remove the old ones.")


def _write_csv(target: Path, rows: list[list[Cell]], *, delimiter: str) -> None:
    try:
        with target.open("x", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(["" if c is None else c for c in row] for row in rows)
    except OSError as wrong:
        raise SettingsWrong(
            "The copy with references can't be written; check folder, permissions and free space."
        ) from wrong
