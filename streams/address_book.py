"""From an address to its area: the municipalities' registers, read once. Knows addresses, never persons.

Files of one municipality: `address_register.csv` (CBS pc6hnr form), `clusters.csv`, `special_addresses.csv`.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import Refused, SettingsWrong
from schemas.frames import Place
from schemas.values import Address

_PLACES = {"instelling": Place.INSTITUTION, "gedeeld": Place.SHARED}


@dataclass(frozen=True, slots=True)
class Location:
    """Where an address lies: area integer of its cluster, gemeente number, and what kind of place it is."""

    area: int
    gemeente: int
    place: Place


@dataclass(slots=True)
class AddressBook:
    """All registers of a network."""

    _buurt: dict[tuple[str, int], int] = field(default_factory=dict)
    _cluster: dict[tuple[str, int], int] = field(default_factory=dict)
    _special: dict[bytes, Place] = field(default_factory=dict)

    @classmethod
    def read(cls, folders: list[Path]) -> AddressBook:
        """Read the files of each municipality's folder. Raises `SettingsWrong`, naming file and line."""
        book = cls()
        for folder in folders:
            for row, where in _rows(folder / "address_register.csv", 5):
                book._buurt[row[0].replace(" ", ""), _number(row[1], where)] = _number(row[2].removeprefix("BU"), where)
            for row, where in _rows(folder / "clusters.csv", 3):
                book._cluster[row[0].replace(" ", ""), _number(row[1].removeprefix("BU"), where)] = _number(
                    row[2], where
                )
            for row, where in _rows(folder / "special_addresses.csv", 4):
                if row[3] not in _PLACES:
                    msg = f"{where}: the kind of a special address is `instelling` or `gedeeld`."
                    raise SettingsWrong(msg)
                try:
                    address = Address.parse(row[0], row[1], row[2])
                except Refused as wrong:
                    msg = f"{where}: a postcode like 1234AB and a house number are needed."
                    raise SettingsWrong(msg) from wrong
                book._special[address.canonical()] = _PLACES[row[3]]
        return book

    def locate(self, address: Address) -> Location | None:
        """Where an address lies, or None when no register has its postcode and number."""
        buurt = self._buurt.get((address.postcode, address.number))
        if buurt is None:
            return None
        cluster = self._cluster.get((address.postcode, buurt))
        if cluster is None:
            return None
        place = self._special.get(address.canonical(), Place.HOME)
        return Location(buurt * 100 + cluster, buurt // 10_000, place)

    def per_area(self) -> dict[int, int]:
        """Area integer of each cluster -> how many addresses the register has in it."""
        found: Counter[int] = Counter()
        for (postcode, _), buurt in self._buurt.items():
            cluster = self._cluster.get((postcode, buurt))
            if cluster is not None:
                found[buurt * 100 + cluster] += 1
        return dict(found)

    def __len__(self) -> int:
        return len(self._buurt)


def _number(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError as wrong:
        msg = f"{where}: house numbers, buurt codes and cluster numbers are whole numbers."
        raise SettingsWrong(msg) from wrong


def _rows(path: Path, columns: int) -> list[tuple[list[str], str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, delimiter=";")
            next(reader, None)
            found = [(row, f"{path} line {n}") for n, row in enumerate(reader, start=2) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as absent:
        msg = f"The register {path} can't be read as UTF-8 text with semicolons."
        raise SettingsWrong(msg) from absent
    for row, where in found:
        if len(row) < columns:
            msg = f"{where}: {columns} columns separated by semicolons are needed."
            raise SettingsWrong(msg)
    return found
