"""What people type into cells: amounts, numbers, days, citizen numbers, house numbers. Each parser says what is wrong.

Knows nothing of rows and sheets. An error never repeats the cell's content.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from schemas.errors import Refused
from schemas.secrets import Bsn

Cell = str | int | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta | None
"""What a cell of a spreadsheet may hold; a csv has texts only."""


class CellWrong(ValueError):  # noqa: N818 - named for what happened
    """A cell that can't be used. Carries a code of `schemas.codes` or `findings.FILE_CODES` and what would be right."""

    def __init__(self, right_nl: str, right_en: str, *, code: str = "cell") -> None:
        """`right_*`: what would be right, as a sentence; never the content of the cell."""
        super().__init__(right_en)
        self.code = code
        self.right_nl = right_nl
        self.right_en = right_en


_AMOUNT: Final = ("Vul een bedrag in euro's in, zoals 1234,56.", "Fill in an amount in euros, like 1234.56.")
_AMOUNT_UNCLEAR: Final = (
    "Het is niet duidelijk of dit duizendtallen of decimalen zijn; schrijf het bedrag als 1234,56.",
    "It is unclear whether these are thousands or decimals; write the amount as 1234.56.",
)
_AMOUNT_FINE: Final = ("Rond het bedrag af op hele centen.", "Round the amount to whole cents.")
_VOLUME: Final = ("Vul een aantal in, zoals 12 of 7,5.", "Fill in a number, like 12 or 7.5.")
_DAY: Final = ("Vul een datum in, zoals 01-03-2025 of 2025-03-01.", "Fill in a date, like 01-03-2025 or 2025-03-01.")

_DUTCH = re.compile(r"[1-9]\d{0,2}(\.\d{3})+(,\d{1,2})?", re.ASCII)
_ENGLISH = re.compile(r"[1-9]\d{0,2}(,\d{3})+\.\d{1,2}", re.ASCII)
_PLAIN = re.compile(r"\d+([.,]\d{1,2})?", re.ASCII)
_DECIMAL = re.compile(r"\d+(,\d+|\.\d{1,2}|\.\d{4,})?", re.ASCII)
_MOST_DIGITS: Final = 15


def is_empty(cell: Cell) -> bool:
    """Whether nothing is in it, or only spaces."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def text_of(cell: Cell) -> str:
    """The content as tidy text; whole numbers without `.0`."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def cents_of(cell: Cell) -> int:
    """Eurocents of an amount in euros: 1.234,56, 1234.56, 1234,56, 12, or a number cell; may be negative.

    Thousands may have points (1.234) or, with decimals, commas (1,234.56); `1,234` is refused as unclear. Raises `CellWrong`.
    """
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        raise CellWrong(*_AMOUNT)
    if isinstance(cell, (int, float)):
        return _cents_of_number(cell)
    sign, written = _bare_amount(cell)
    if _PLAIN.fullmatch(written):
        number = written.replace(",", ".")
    elif _DUTCH.fullmatch(written):
        number = written.replace(".", "").replace(",", ".")
    elif _ENGLISH.fullmatch(written):
        number = written.replace(",", "")
    elif re.fullmatch(r"\d{1,3},\d{3}", written, re.ASCII):
        raise CellWrong(*_AMOUNT_UNCLEAR)
    elif re.fullmatch(r"\d+[.,]\d{3,}", written, re.ASCII):
        raise CellWrong(*_AMOUNT_FINE)
    else:
        raise CellWrong(*_AMOUNT)
    if len(number) > _MOST_DIGITS:
        raise CellWrong(*_AMOUNT)
    return sign * int(Decimal(number) * 100)


def _bare_amount(cell: str) -> tuple[int, str]:
    """Sign and digits of an amount: without euro sign, spaces, and `,-` for no cents."""
    written = re.sub(r"[\s\u00a0\u202f]|€|EUR", "", cell, flags=re.IGNORECASE).replace("\u2212", "-")
    written = re.sub(r",(-|\u2013|--)$", "", written)
    return (-1, written[1:]) if written.startswith("-") else (1, written)


def _cents_of_number(number: float) -> int:
    """Of a number cell; sums in a sheet carry noise far below a cent, which is no reason to refuse."""
    if not abs(number) < 10**_MOST_DIGITS:
        raise CellWrong(*_AMOUNT)
    exact = Decimal(repr(number)) * 100
    cents = exact.to_integral_value()
    if abs(exact - cents) > Decimal("0.0001"):
        raise CellWrong(*_AMOUNT_FINE)
    return int(cents)


def hundredths_of(cell: Cell) -> int:
    """Hundredths of a number: 12, 7,5, 7.5 or a number cell, rounded half-even; `1.234` is refused as unclear. Raises `CellWrong`."""
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        raise CellWrong(*_VOLUME)
    written = repr(cell) if not isinstance(cell, str) else re.sub(r"[\s\u00a0\u202f]", "", cell).replace(",", ".")
    if isinstance(cell, str) and not _DECIMAL.fullmatch(re.sub(r"[\s\u00a0\u202f]", "", cell)):
        raise CellWrong(*_VOLUME)
    if len(written) > 2 * _MOST_DIGITS or (not isinstance(cell, str) and not 0 <= cell < 10**9):
        raise CellWrong(*_VOLUME)
    return int((Decimal(written) * 100).to_integral_value())


def day_of_cell(cell: Cell) -> dt.date:
    """A day: a date cell, 2025-03-01, 01-03-2025, 1/3/2025 or 1.3.2025 (day first). Raises `CellWrong`."""
    if isinstance(cell, dt.datetime):
        return cell.date()
    if isinstance(cell, dt.date):
        return cell
    found = _day_of_text(cell.strip()) if isinstance(cell, str) else None
    if found is None:
        raise CellWrong(*_DAY)
    return found


@lru_cache(maxsize=4096)
def _day_of_text(written: str) -> dt.date | None:
    iso = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})([T ]00:00(:00)?)?", written, re.ASCII)
    dutch = re.fullmatch(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})", written, re.ASCII)
    try:
        if iso:
            return dt.date(int(iso[1]), int(iso[2]), int(iso[3]))
        return dt.date(int(dutch[4]), int(dutch[3]), int(dutch[1])) if dutch else None
    except ValueError:
        return None


def bsn_of_cell(cell: Cell) -> Bsn:
    """A BSN; leading zeros a number cell has lost are put back, points and spaces left out. Raises `CellWrong` (`bsn`)."""
    digits = re.sub(r"[\s.\u00a0]", "", text_of(cell)) if not isinstance(cell, bool) else ""
    try:
        return Bsn(digits.zfill(9) if 7 <= len(digits) <= 9 else digits)
    except Refused as refused:
        raise CellWrong(
            "Zoek het juiste BSN op in uw administratie.",
            "Look up the right BSN in your administration.",
            code=refused.code,
        ) from None
