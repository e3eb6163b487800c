"""The address register of one municipality in the CBS pc6hnr form: which postcode and house number lies in which buurt. No persons.

Source: CBS, "Buurt, wijk en gemeente voor postcode en huisnummer", once a year; `PC6;Huisnummer;Buurt20xx;Wijk20xx;Gemeente20xx`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from projections.geometry.tables import Row, Table
from schemas.errors import SettingsWrong
from schemas.geography import gemeente_code

_COLUMNS: Final = {
    "postcode": "pc6|postcode6?", "number": "huisnummer|huisnr|number", "buurt": r"buurt(code)?_?(20\d\d)?",
    "wijk": r"wijk(code)?_?(20\d\d)?", "gemeente": r"gemeente(code)?_?(20\d\d)?",
}  # fmt: skip


@dataclass(slots=True)
class Register:
    """`addresses`: postcode and house number -> buurt number."""

    addresses: dict[tuple[str, int], int] = field(default_factory=dict)

    def by_buurt(self) -> dict[int, dict[str, int]]:
        """Buurt number -> postcode -> how many addresses it has there. A postcode may lie in several buurten."""
        counted: dict[int, Counter[str]] = defaultdict(Counter)
        for (postcode, _), buurt in self.addresses.items():
            counted[buurt][postcode] += 1
        return {buurt: dict(sorted(found.items())) for buurt, found in sorted(counted.items())}

    def in_several_buurten(self) -> list[str]:
        """Postcodes with addresses in more than one buurt: each part counts where it lies."""
        seen: dict[str, set[int]] = defaultdict(set)
        for (postcode, _), buurt in self.addresses.items():
            seen[postcode].add(buurt)
        return sorted(p for p, buurten in seen.items() if len(buurten) > 1)


def register_year(lines: Iterable[str], where: str) -> int | None:
    """The year in the head of a register (`Buurt2024`), None where there is none. Raises `SettingsWrong`."""
    digits = Table(lines, where, columns=_COLUMNS, optional=("wijk", "gemeente")).heading("buurt")[-4:]
    return int(digits) if digits.isdecimal() else None


def read_register(lines: Iterable[str], where: str, gemeente: int, *, buurten: Collection[int]) -> Register:
    """The register's rows of one municipality; a file of the whole country may hold others.

    `buurten`: those there are. Raises `SettingsWrong`, naming file and line; also where nothing of the municipality is in it.
    """
    made = Register()
    for row in Table(lines, where, columns=_COLUMNS, optional=("wijk", "gemeente")):
        buurt = _buurt(row, gemeente)
        if buurt is None:
            continue
        if buurt not in buurten:
            msg = (
                f"{row.where}: BU{buurt:08d} is not in the boundaries. Use a register and boundaries of the same year."
            )
            raise SettingsWrong(msg)
        address = row.postcode(), row.whole("number", "the house number", most=99_999)
        if made.addresses.setdefault(address, buurt) != buurt:
            other = made.addresses[address]
            msg = f"{row.where}: this postcode and number lies in BU{buurt:08d} here and in BU{other:08d} above. It lies in one; take a line out."
            raise SettingsWrong(msg)
    if not made.addresses:
        msg = f"{where} has no address of {gemeente_code(gemeente)}. Use the register of this municipality, or of the whole country."
        raise SettingsWrong(msg)
    return made


def _buurt(row: Row, gemeente: int) -> int | None:
    """The buurt of a row of this municipality, None for a row of another. Raises `SettingsWrong` where the columns contradict each other."""
    numbers = [row.cells[c].upper().removeprefix(p) for c, p in (("buurt", "BU"), ("wijk", "WK"), ("gemeente", "GM"))]
    if not all(n.isascii() and n.isdecimal() and len(n) <= 8 for n in numbers if n) or not numbers[0]:
        msg = f"{row.where}: buurt, wijk and gemeente must be CBS codes, like 6420101 or BU06420101."
        raise SettingsWrong(msg)
    buurt, wijk, own = (
        int(numbers[0]),
        int(numbers[1] or int(numbers[0]) // 100),
        int(numbers[2] or int(numbers[0]) // 10_000),
    )
    if gemeente not in (buurt // 10_000, own):
        return None
    if (buurt // 100, buurt // 10_000) != (wijk, own):
        msg = f"{row.where}: buurt, wijk and gemeente do not belong together. Fetch the register again."
        raise SettingsWrong(msg)
    return buurt
