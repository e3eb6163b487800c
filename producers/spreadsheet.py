"""A spreadsheet's rows -> deliveries. Every bad cell is named, with what would be right; the good rows stay usable.

For money streams without a message standard. Knows the template's columns; the municipality that pays comes from the caller.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from producers.deliveries import Delivery, Format, Reading, check_age
from producers.findings import Finding, Severity, Where
from producers.istandaard import REMEDIES, refuse_file
from producers.spreadsheet_cells import (
    Cell,
    CellWrong,
    bsn_of_cell,
    cents_of,
    day_of_cell,
    hundredths_of,
    is_empty,
    text_of,
)
from producers.spreadsheet_rows import Table, csv_table, xlsx_table
from producers.spreadsheet_words import care_type_named, stream_of, unit_named
from schemas.care import CareType, Stream
from schemas.errors import ContractBroken, Refused
from schemas.secrets import Bsn
from schemas.values import MAX_LINE_CENTS, Address, Cents

MAX_REFERENCE: Final = 60
_REQUIRED: Final = ("BSN", "geldstroom", "zorgsoort", "van", "tot", "bedrag")
T = TypeVar("T")


@dataclass(slots=True)
class _Sheet:
    """What has been read so far of one table."""

    table: Table
    source: str
    payer: int
    today: dt.date
    items: list[Delivery] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    made: list[tuple[int, str]] = field(default_factory=list)
    references: set[tuple[Stream, str]] = field(default_factory=set)
    persons: dict[Cell, Bsn] = field(default_factory=dict)

    def take(self, number: int, row: Sequence[Cell]) -> None:
        """One row that is not empty."""
        cells = {name: row[i] if i < len(row) else None for name, i in self.table.columns.items()}
        before = len(self.findings)
        for name in _REQUIRED:
            if is_empty(cells[name]):
                self._found(number, name, CellWrong("Vul deze cel in.", "Fill in this cell."))
                cells[name] = None
        bsn = self._read(number, "BSN", cells, self._person)
        stream = self._read(number, "geldstroom", cells, stream_of)
        care_type = self._read(number, "zorgsoort", cells, lambda c: care_type_named(c, stream)) if stream else None
        first = self._read(number, "van", cells, day_of_cell)
        last = self._read(number, "tot", cells, day_of_cell)
        cents = self._read(number, "bedrag", cells, _line_cents)
        volume = self._read(number, "aantal", cells, hundredths_of)
        unit = self._read(number, "eenheid", cells, unit_named)
        address = self._address(number, cells)
        if first is not None and last is not None:
            self._check_days(number, first=first, last=last)
        if volume is not None and is_empty(cells["eenheid"]):
            self._found(
                number,
                "eenheid",
                CellWrong("Zeg bij een aantal de eenheid, zoals uur.", "Say the unit, like uur.", code="unit"),
            )
        reference = self._reference(number, cells, stream)
        if len(self.findings) > before:
            return
        if bsn is None or care_type is None or first is None or last is None or cents is None:
            raise ContractBroken("A row without findings has all it needs.")
        self._add(number, bsn=bsn, care_type=care_type, days=(first, last), cents=cents, reference=reference,
                  volume=volume, unit=unit, address=address)  # fmt: skip

    def _add(
        self, number: int, *, bsn: Bsn, care_type: CareType, days: tuple[dt.date, dt.date], cents: int, reference: str,
        volume: int | None, unit: int | None, address: Address | None,
    ) -> None:  # fmt: skip
        self.items.append(Delivery(
            bsn=bsn, payer=self.payer, care_type=care_type, first_day=days[0], last_day=days[1], cents=Cents(cents),
            reference=reference, volume_hundredths=volume, unit=unit, address=address,
            address_as_of=None if address is None else days[0],
        ))  # fmt: skip
        self.lines.append(number)

    def _person(self, cell: Cell) -> Bsn:
        """One value object per person: rows of the same person share it."""
        known = self.persons.get(cell)
        if known is None:
            known = self.persons[cell] = bsn_of_cell(cell)
        return known

    def _read(self, number: int, name: str, cells: dict[str, Cell], parse: Callable[[Cell], T]) -> T | None:
        cell = cells[name]
        if is_empty(cell):
            return None
        try:
            return parse(cell)
        except CellWrong as wrong:
            self._found(number, name, wrong)
            return None

    def _found(self, number: int, name: str, wrong: CellWrong) -> None:
        self.findings.append(
            Finding(wrong.code, Severity.LINE, self.table.where(name, number), wrong.right_nl, wrong.right_en)
        )

    def _address(self, number: int, cells: dict[str, Cell]) -> Address | None:
        postcode, house = cells["postcode"], cells["huisnummer"]
        if is_empty(postcode) and is_empty(house):
            return None
        empty = "postcode" if is_empty(postcode) else "huisnummer" if is_empty(house) else None
        try:
            return Address.parse(text_of(postcode), text_of(house), text_of(cells.get("toevoeging")))
        except Refused as refused:
            self._found(number, empty or _wrong_address_cell(text_of(postcode), text_of(house)), CellWrong(
                "Schrijf de postcode als 1234AB, het huisnummer als getal en een letter bij toevoeging.",
                "Write the postcode as 1234AB, the house number as a number and a letter under toevoeging.", code=refused.code,
            ))  # fmt: skip
            return None

    def _check_days(self, number: int, *, first: dt.date, last: dt.date) -> None:
        try:
            check_age(first, today=self.today)
        except Refused as refused:
            self._found(number, "van", CellWrong(*REMEDIES[refused.code], code=refused.code))
        if last < first:
            self._found(number, "tot", CellWrong(*REMEDIES["period"], code="period"))

    def _reference(self, number: int, cells: dict[str, Cell], stream: Stream | None) -> str:
        written = text_of(cells.get("referentie"))
        if not written:
            written = f"{made_stem(self.source)}|{number}"
            self.made.append((number, written))
        elif len(written) > MAX_REFERENCE or not written.isprintable():
            self._found(number, "referentie", CellWrong(f"Gebruik hoogstens {MAX_REFERENCE} gewone tekens.",
                                                        f"Use at most {MAX_REFERENCE} plain characters."))  # fmt: skip
        if stream is not None:
            if (stream, written) in self.references:
                self._found(number, "referentie", CellWrong(*REMEDIES["8021"], code="8021"))
            self.references.add((stream, written))
        return written


def made_stem(source: str) -> str:
    """The part of a file's name that goes into made references: printable, at most 60 characters."""
    return "".join(c if c.isprintable() else "_" for c in source)[:MAX_REFERENCE]


def _wrong_address_cell(postcode: str, house: str) -> str:
    try:
        Address.parse(postcode, 1)
    except Refused:
        return "postcode"
    try:
        Address.parse("1234AB", house)
    except Refused:
        return "huisnummer"
    return "toevoeging"


def _line_cents(cell: Cell) -> int:
    cents = cents_of(cell)
    if cents < 0:
        raise CellWrong(
            "Stuur een correctie door de hele maand opnieuw aan te leveren met --replaces.",
            "Correct by sending the whole month again with --replaces.", code="negative",
        )  # fmt: skip
    if cents > MAX_LINE_CENTS:
        raise CellWrong(*REMEDIES["amount"], code="amount")
    return cents


def _reading(table: Table, *, source: str, payer: int, today: dt.date, form: Format) -> Reading:
    sheet = _Sheet(table, source, payer, today)
    for number, row in table.filled():
        sheet.take(number, row)
    if not sheet.lines and not sheet.findings:
        refuse_file("file-empty", "Vul onder de kolomnamen een regel per levering in.",
                    "Fill in one line per delivery under the column names.", where=Where(sheet=table.sheet))  # fmt: skip
    if sheet.made:
        sheet.findings.append(Finding(
            "reference-made", Severity.NOTE, Where(sheet=table.sheet), "Bewaar de kopie met referenties voor een latere correctie.",
            "Keep the copy with references for a later correction.",
        ))  # fmt: skip
    return Reading(source=source, format=form, items=tuple(sheet.items), lines=tuple(sheet.lines),
                   findings=tuple(sheet.findings), to_write_back=tuple(sheet.made))  # fmt: skip


def read_xlsx(data: bytes, *, source: str, payer: int, today: dt.date) -> Reading:
    """Read a workbook. Raises `FileRefused` where there are no rows to read."""
    return _reading(xlsx_table(data), source=source, payer=payer, today=today, form=Format.XLSX)


def read_csv(data: bytes, *, source: str, payer: int, today: dt.date) -> Reading:
    """Read a csv. Raises `FileRefused` where there are no rows to read."""
    return _reading(csv_table(data), source=source, payer=payer, today=today, form=Format.CSV)
