"""Value types of the domain: money, months, identifiers, addresses. If one exists, it is valid.

Identifiers of equal shape are different types: a person, a household and a mandate handle can't be exchanged.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Self

from schemas.errors import Refused

EPOCH_DAY = dt.date(1970, 1, 1)
"""Day 0 of every day number on the wire (Avro logical type `date`)."""

MAX_LINE_CENTS = 100_000_000
"""Bound of one line: EUR 1,000,000. Above it a line is refused (`amount`): a slipped comma, not care."""

MAX_QUANTITY = 1_000_000_000
"""Bound of one line's volume (hundredths of a unit) and tariff (cents): what is summed must stay a number of 64 bits."""

MAX_AGE_YEARS = 5
"""Services that began longer before the header's day are refused (`too-old`)."""


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH_DAY).days


def day_of(number: int) -> dt.date:
    """Date of a day number."""
    return EPOCH_DAY + dt.timedelta(days=number)


@dataclass(frozen=True, slots=True, order=True)
class Cents:
    """An amount in integer eurocents; may be negative (a credit)."""

    value: int

    def __post_init__(self) -> None:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            msg = "money is integer eurocents"
            raise TypeError(msg)

    def __add__(self, other: Cents) -> Cents:
        return Cents(self.value + other.value)

    def __neg__(self) -> Cents:
        return Cents(-self.value)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, `YYYY-MM`: of services, declarations and epochs."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1900 <= self.year <= 2999 and 1 <= self.month <= 12):
            msg = "a month is YYYY-MM"
            raise ValueError(msg)

    @classmethod
    def parse(cls, text: str) -> Self:
        """`2025-03` -> Month. Raises `ValueError`."""
        match = re.fullmatch(r"(\d{4})-(\d{2})", text)
        if match is None:
            msg = "a month is YYYY-MM"
            raise ValueError(msg)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: dt.date) -> Self:
        """The month `day` lies in."""
        return cls(day.year, day.month)

    def plus(self, months: int) -> Month:
        """The month `months` later (earlier if negative)."""
        index = self.index + months
        return Month(index // 12, index % 12 + 1)

    @property
    def index(self) -> int:
        """Months since year 0: one integer on the wire and in tables (2025-01 -> 24300)."""
        return self.year * 12 + self.month - 1

    @classmethod
    def from_index(cls, index: int) -> Self:
        """Inverse of `index`."""
        return cls(index // 12, index % 12 + 1)

    @property
    def first_day(self) -> dt.date:
        """First day of the month."""
        return dt.date(self.year, self.month, 1)

    @property
    def last_day(self) -> dt.date:
        """Last day of the month."""
        return self.plus(1).first_day - dt.timedelta(days=1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, slots=True, order=True)
class _Id16:
    """Sixteen opaque bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if not isinstance(self.raw, bytes) or len(self.raw) != 16:
            msg = f"{type(self).__name__} takes 16 bytes"
            raise ValueError(msg)

    @property
    def hex(self) -> str:
        """Lower-case hexadecimal."""
        return self.raw.hex()


class PersonId(_Id16):
    """A person's pseudonym inside the zone."""

    __slots__ = ()


class HouseholdId(_Id16):
    """A household's pseudonym inside the zone."""

    __slots__ = ()


class ContributorId(_Id16):
    """Who counts as one contributor to a figure: a household, or all at one institution or shared address."""

    __slots__ = ()


class MandateHandle(_Id16):
    """The random handle of one mandate: key of one record on `household.<gm>.v1`."""

    __slots__ = ()


class SubjectHandle(_Id16):
    """A provider's own keyed handle for one of its clients."""

    __slots__ = ()


class ReferenceHandle(_Id16):
    """HMAC of a reference with its law, of an assignment or of a declaration number, under the provider's secret."""

    __slots__ = ()


class OutboxId(_Id16):
    """The random id of one outbox of one sender."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, order=True)
class SenderId:
    """Who may send: a provider `p` + AGB code (8 digits) or a municipality `gm` + code (4 digits). Also its principal."""

    text: str

    def __post_init__(self) -> None:
        if re.fullmatch(r"p\d{8}|gm\d{4}", self.text) is None:
            msg = "a sender is p + 8 digits (provider, AGB code) or gm + 4 digits (municipality)"
            raise ValueError(msg)

    @property
    def is_municipality(self) -> bool:
        """Whether this sender is a municipality."""
        return self.text.startswith("gm")

    @property
    def number(self) -> int:
        """AGB code or gemeente code as integer."""
        return int(self.text.lstrip("pgm"))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Address:
    """A Dutch address: postcode `3331AB`, house number, suffix (upper case, may be empty). Raises `Refused` (`address`)."""

    postcode: str
    number: int
    suffix: str = ""

    def __post_init__(self) -> None:
        if re.fullmatch(r"[1-9]\d{3}[A-Z]{2}", self.postcode) is None or not 1 <= self.number <= 99999:
            raise Refused("address", "An address needs a postcode like 1234AB and a house number.")
        if re.fullmatch(r"[A-Z0-9-]{0,8}", self.suffix) is None:
            raise Refused("address", "A house number suffix has at most 8 letters, digits or dashes.")

    def __repr__(self) -> str:
        return "Address(***)"

    @classmethod
    def parse(cls, postcode: str, number: str | int, suffix: str | None = "") -> Self:
        """Tidy what people type: spaces and case of the postcode and suffix. Raises `Refused` (`address`)."""
        try:
            house = int(str(number).strip())
        except ValueError as wrong:
            raise Refused("address", "The house number is a whole number; letters go into the suffix.") from wrong
        tidy_suffix = re.sub(r"\s+", "", suffix or "").upper()
        return cls(re.sub(r"\s+", "", postcode).upper(), house, tidy_suffix)

    def canonical(self) -> bytes:
        """The one byte form that is hashed: `3331AB|12|A`."""
        return f"{self.postcode}|{self.number}|{self.suffix}".encode()
