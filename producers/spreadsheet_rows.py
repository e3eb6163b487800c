"""A spreadsheet as rows of cells: xlsx (and its kin) by calamine, csv by the csv module, with the header found and named.

Refuses what would eat the memory before it is opened. Knows column names, not what is in them.
"""

from __future__ import annotations

import csv
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook

from producers.findings import Finding, Severity, Where
from producers.istandaard import FileRefused, refuse_file
from producers.spreadsheet_cells import Cell, is_empty

SHEET: Final = "Leveringen"
COLUMNS: Final = ("BSN", "postcode", "huisnummer", "toevoeging", "geldstroom", "zorgsoort", "van", "tot", "aantal", "eenheid",
                  "bedrag", "referentie")  # fmt: skip
OPTIONAL: Final = frozenset({"toevoeging", "referentie"})
MAX_ROWS: Final = 199_999
MAX_UNPACKED_BYTES: Final = 300 * 1024 * 1024
_HEADER_WITHIN: Final = 20

_FAR_CELL: Final = re.compile(rb"""\br\s*=\s*["'](?:[A-Z]{3}|[B-Z][A-Z]|[A-Z]{1,2}(?:[2-9]\d{5}|\d{7,}))""")
"""A cell beyond column AZ or row 199,999: one such cell makes the reader lay out everything before it."""


@dataclass(frozen=True, slots=True)
class Table:
    """All rows as they stand; `header` is the index of the header's row, `columns` the index of each known column."""

    sheet: str | None
    rows: Sequence[Sequence[Cell]]
    header: int
    columns: dict[str, int]
    delimiter: str | None = None

    def filled(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """Row number as the spreadsheet shows it (from 1) and cells of every row below the header that is not empty."""
        for number, row in enumerate(self.rows[self.header + 1 :], self.header + 2):
            if not all(map(is_empty, row)):
                yield number, row

    def where(self, column: str, row: int, *, reference: str | None = None) -> Where:
        """The place of a cell, like sheet Leveringen, B17."""
        return Where(
            line=row, sheet=self.sheet, cell=f"{letters(self.columns.get(column, 0))}{row}", reference=reference
        )


def letters(index: int) -> str:
    """Column letters of a 0-based index: 0 -> A, 27 -> AB."""
    text, index = "", index + 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


def xlsx_table(data: bytes) -> Table:
    """The sheet Leveringen, or the only sheet, of a workbook. Raises `FileRefused`."""
    _refuse_bombs(data)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = book.sheet_names
        name = next((n for n in names if _tidy(n) == _tidy(SHEET)), names[0] if len(names) == 1 else None)
        if name is None:
            refuse_file(
                "sheet-missing", f"Noem het blad met de regels {SHEET}.", f"Call the sheet with the lines {SHEET}."
            )
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (CalamineError, ValueError, OSError) as fault:
        raise FileRefused(_UNREADABLE) from fault
    return _table(rows, sheet=name, delimiter=None)


def csv_table(data: bytes) -> Table:
    """The rows of a csv with `;`, `,` or tab, in UTF-8, UTF-16 or Windows-1252. Raises `FileRefused`."""
    text = _decoded(data)
    head = text.splitlines()[:_HEADER_WITHIN]
    header_line = next((line for line in head if "bsn" in line.casefold()), head[0] if head else "")
    delimiter = max(";,\t", key=header_line.count)
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        refuse_file(
            "file-format",
            "Sla het bestand opnieuw op als csv.",
            "Save the file as csv again.",
            where=Where(line=len(rows) + 1),
        )
    if len(rows) > MAX_ROWS:
        refuse_file("file-size", f"Een spreadsheet heeft hoogstens {MAX_ROWS} rijen; splits het bestand.",
                    f"A spreadsheet has at most {MAX_ROWS} rows; split the file.")  # fmt: skip
    return _table(rows, sheet=None, delimiter=delimiter)


_UNREADABLE: Final = Finding(
    "file-format", Severity.MESSAGE, remedy_nl="Sla het bestand opnieuw op als xlsx, zonder wachtwoord.",
    remedy_en="Save the file as xlsx again, without a password.",
)  # fmt: skip


def _table(rows: Sequence[Sequence[Cell]], *, sheet: str | None, delimiter: str | None) -> Table:
    """Find the header and its columns. Raises `FileRefused` (`column-missing`, `column-twice`, `file-format`)."""
    header = next((i for i, row in enumerate(rows[:_HEADER_WITHIN]) if any(_tidy(c) == "bsn" for c in row)), 0)
    found = [_tidy(c) for c in rows[header]] if rows else []
    columns = {}
    for name in COLUMNS:
        places = [i for i, text in enumerate(found) if text == _tidy(name)]
        if len(places) > 1:
            refuse_file("column-twice", f"Laat een van de kolommen {name} weg.", f"Leave out one of the columns {name}.",
                        where=Where(sheet=sheet, line=header + 1, cell=f"{letters(places[1])}{header + 1}"))  # fmt: skip
        if places:
            columns[name] = places[0]
    if not columns:
        refuse_file("file-format", "De eerste rij hoort de kolomnamen van het sjabloon te hebben.",
                    "The first row should hold the template's column names.", where=Where(sheet=sheet))  # fmt: skip
    absent = [name for name in COLUMNS if name not in columns and name not in OPTIONAL]
    if absent:
        listed = ", ".join(absent)
        refuse_file("column-missing", f"Voeg toe: {listed}. Gebruik het sjabloon.", f"Add: {listed}. Use the template.",
                    where=Where(sheet=sheet, line=header + 1))  # fmt: skip
    return Table(sheet, rows, header, columns, delimiter)


def _tidy(cell: Cell) -> str:
    """A name without case, spaces and underscores."""
    return re.sub(r"[\s_\u00a0\ufeff]", "", str(cell)).casefold()


def _decoded(data: bytes) -> str:
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    return refuse_file("file-format", "Sla een spreadsheet op als xlsx of csv.", "Save a spreadsheet as xlsx or csv.")


_BROKEN_ZIP: Final = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error, RuntimeError, ValueError, KeyError,
    EOFError, OSError,
)  # fmt: skip
"""What zipfile raises for damaged archives; NotImplementedError is a RuntimeError, UnicodeDecodeError a ValueError."""


def _refuse_bombs(data: bytes) -> None:
    """Refuse a workbook that unpacks to too much, or with a cell so far out that reading it would take all memory."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            parts = packed.infolist()
            if sum(p.file_size for p in parts) > MAX_UNPACKED_BYTES:
                refuse_file(
                    "file-size", "Zet alleen de leveringen in het bestand.", "Put only deliveries into the file."
                )
            # Every part is unpacked once, sizes and checksums verified: a part may be larger than it says.
            far = [p for p in parts if _FAR_CELL.search(packed.read(p)) and p.filename.startswith("xl/worksheets/")]
    except _BROKEN_ZIP as fault:
        raise FileRefused(_UNREADABLE) from fault
    if far:
        refuse_file("file-size", f"Een blad heeft hoogstens {MAX_ROWS} rijen en kolommen A tot AZ; haal de rest weg.",
                    f"A sheet has at most {MAX_ROWS} rows and columns A to AZ; remove the rest.")  # fmt: skip
