"""Tables as text that may be wrong: columns by any of their names, rows with the place they stand at. Semicolons, commas or tabs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.errors import SettingsWrong

_NO_TEXT: Final = ": this can't be read as text in columns (UTF-8). Export the table again."
_POSTCODE: Final = re.compile(r"[1-9]\d{3}[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: cells by column, empty where the column or the cell is not there; `where` is file and line."""

    cells: Mapping[str, str]
    where: str

    def postcode(self) -> str:
        """The postcode as `1234AB`. Raises `SettingsWrong`."""
        made = self.cells["postcode"].replace(" ", "").upper()
        if not _POSTCODE.fullmatch(made):
            msg = f"{self.where}: the postcode must be like 1234AB."
            raise SettingsWrong(msg)
        return made

    def whole(self, column: str, what: str, *, most: int = 99_999_999) -> int:
        """A whole number from 0. Raises `SettingsWrong` with `what` it should be."""
        text = self.cells[column]
        if not (text.isascii() and text.isdecimal() and len(text) < 12 and int(text) <= most):
            msg = f"{self.where}: {what} must be a whole number."
            raise SettingsWrong(msg)
        return int(text)


class Table:
    """A table read line by line. `columns` as its head names them, by our names."""

    def __init__(
        self, lines: Iterable[str], where: str, *, columns: Mapping[str, str], optional: Iterable[str] = ()
    ) -> None:
        """`columns`: our name -> pattern of the names it may have in the head, any case. Raises `SettingsWrong` for a head that lacks one."""
        self._lines, self._where = iter(lines), where
        try:
            first = next(self._lines, "").lstrip("\ufeff")
            delimiter = max(";,\t", key=first.count)
            self.head = [h.strip() for h in next(csv.reader([first], delimiter=delimiter), [])]
        except (csv.Error, UnicodeDecodeError) as broken:
            raise SettingsWrong(f"{where} line 1{_NO_TEXT}") from broken
        self._delimiter, self._columns = delimiter, dict[str, int]()
        for name, pattern in columns.items():
            places = [n for n, h in enumerate(self.head) if re.fullmatch(pattern, h, re.IGNORECASE)]
            if len(places) > 1:
                msg = f"{where} line 1: the column for {name} is there {len(places)} times ({', '.join(self.head[p] for p in places)}). Leave one."
                raise SettingsWrong(msg)
            if not places and name not in optional:
                msg = f"{where} line 1: there is no column for {name}. The first line must name the columns."
                raise SettingsWrong(msg)
            self._columns |= dict.fromkeys([name], places[0]) if places else {}
        self._optional = [name for name in columns if name not in self._columns]

    def heading(self, name: str) -> str:
        """How the head names one of our columns."""
        return self.head[self._columns[name]]

    def __iter__(self) -> Iterator[Row]:
        """All rows that are not empty. Raises `SettingsWrong` for one with fewer cells than the head."""
        needed, missing = max(self._columns.values()) + 1, dict.fromkeys(self._optional, "")
        rows = csv.reader(self._lines, delimiter=self._delimiter)
        try:
            for cells in rows:
                if not any(map(str.strip, cells)):
                    continue
                where = f"{self._where} line {rows.line_num + 1}"
                if len(cells) < needed:
                    msg = f"{where}: {len(self.head)} columns are needed, as in the first line."
                    raise SettingsWrong(msg)
                yield Row({n: cells[c].strip() for n, c in self._columns.items()} | missing, where)
        except csv.Error as broken:
            raise SettingsWrong(f"{self._where} line {rows.line_num + 1}{_NO_TEXT}") from broken
        except UnicodeDecodeError as broken:  # text is decoded ahead of the lines it has
            raise SettingsWrong(f"{self._where} after line {rows.line_num + 1}{_NO_TEXT}") from broken
