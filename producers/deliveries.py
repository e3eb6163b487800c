"""What a provider has to say, as values: delivered, withdrawn, granted, month closed, and the reading of one file.

Each of the first three is one row of `schemas.frames.DELIVERY_ROW`. If one exists it is valid by itself; what only the
ledger knows (earlier references, other files) is not judged here. Nothing here reads files, seals or sends.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from producers.findings import Finding, Severity
from schemas.care import FREQUENCIES, UNITS, CareType, Stream
from schemas.errors import Refused
from schemas.secrets import Bsn
from schemas.values import MAX_AGE_YEARS, MAX_LINE_CENTS, MAX_QUANTITY, Address, Cents, Month

MAX_REFERENCE_LENGTH = 120
"""Characters of a reference. The standard's own have at most 20; those made from file name and row are longer."""

WITHDRAWN_HERE, WITHDRAWN_BY_ANSWER = "intrekking|", "325|"
WITHDRAWAL_PREFIXES = (WITHDRAWN_HERE, WITHDRAWN_BY_ANSWER)
"""Before the reference of a delivery that is taken out: the reference of that withdrawal itself."""


class Format(StrEnum):
    """What kind of file a reading came from."""

    MESSAGE_323 = "323"
    MESSAGE_301 = "301"
    MESSAGE_325 = "325"
    XLSX = "xlsx"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivered service. `payer`: gemeente number; `volume_hundredths` of the unit; both days included.

    Its reference is unique per provider and law (`stream`). Raises `Refused` (`unit`, `period`, `amount`, `unreadable`).
    """

    bsn: Bsn
    payer: int
    care_type: CareType
    first_day: dt.date
    last_day: dt.date
    cents: Cents
    reference: str
    product: str = ""
    assignment: str | None = None
    volume_hundredths: int | None = None
    unit: int | None = None
    tariff_cents: int | None = None
    address: Address | None = None
    address_as_of: dt.date | None = None

    def __post_init__(self) -> None:
        _check_row(self)

    @property
    def stream(self) -> Stream:
        """The money stream: the law in whose space the reference is unique."""
        return self.care_type.stream


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Takes out the delivery `withdrawn_reference` of the same law; the other fields repeat that delivery's.

    `reference` is its own. Raises `Refused` as `Delivery` does.
    """

    bsn: Bsn
    payer: int
    care_type: CareType
    first_day: dt.date
    last_day: dt.date
    cents: Cents
    reference: str
    withdrawn_reference: str
    product: str = ""
    assignment: str | None = None
    volume_hundredths: int | None = None
    unit: int | None = None
    tariff_cents: int | None = None

    def __post_init__(self) -> None:
        _check_row(self)
        _check_reference(self.withdrawn_reference)

    @property
    def stream(self) -> Stream:
        """The law of both references."""
        return self.care_type.stream


@dataclass(frozen=True, slots=True)
class Grant:
    """What the municipality granted (301), with the BRP address where it names one, known as of its Dagtekening, and month of birth.

    `last_day` None = no end; `frequency` as in WMO757 (0 not given); `cents` the budget, 0 where none. Raises as `Delivery`.
    """

    bsn: Bsn
    payer: int
    care_type: CareType
    first_day: dt.date
    last_day: dt.date | None
    cents: Cents
    reference: str
    product: str = ""
    assignment: str | None = None
    volume_hundredths: int | None = None
    unit: int | None = None
    frequency: int = 0
    address: Address | None = None
    address_as_of: dt.date | None = None
    born: Month | None = None

    def __post_init__(self) -> None:
        _check_row(self)
        if self.frequency not in FREQUENCIES:
            raise Refused("unit", "Unknown frequency; WMO757 has 1, 2, 4 and 6.")

    @property
    def stream(self) -> Stream:
        """The law under which it was granted."""
        return self.care_type.stream

    @property
    def tariff_cents(self) -> None:
        """A grant names no tariff."""
        return


@dataclass(frozen=True, slots=True)
class MonthClosed:
    """The provider says of one stream, payer and month: all was sent, or nothing was delivered."""

    payer: int
    stream: Stream
    month: Month
    nothing_delivered: bool


Item = Delivery | Withdrawal | Grant
"""What one line of a file becomes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading one file. `lines[i]` is the XML line or sheet row of `items[i]`.

    `sender` and `receiver` are the codes the message names (AGB or gemeente; None in a spreadsheet), `month` its
    declaration month, `declaration` its DeclaratieNummer (323, 325).
    `to_write_back`: (sheet row, reference) wherever the reference in force is not the one in the file. A reading with a finding for the message has no items.
    """

    source: str
    format: Format | None
    items: tuple[Item, ...] = ()
    lines: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()
    sender: str | None = None
    receiver: str | None = None
    month: Month | None = None
    declaration: str | None = None
    to_write_back: tuple[tuple[int, str], ...] = ()

    @property
    def refused_whole(self) -> bool:
        """Whether nothing of this file may be sent."""
        return any(f.severity is Severity.MESSAGE for f in self.findings)

    @property
    def has_refusals(self) -> bool:
        """Whether something of this file stays out; sending the rest needs the provider's yes."""
        return any(f.severity is not Severity.NOTE for f in self.findings)

    @property
    def total_cents(self) -> Cents:
        """Deliveries minus withdrawals of what may be sent; grants do not count."""
        total = 0
        for item in self.items:
            if type(item) is Delivery:
                total += item.cents.value
            elif type(item) is Withdrawal:
                total -= item.cents.value
        return Cents(total)


def oldest_day(today: dt.date) -> dt.date:
    """The first day a service may begin to be taken today (29 February becomes 28 February)."""
    year = today.year - MAX_AGE_YEARS
    try:
        return today.replace(year=year)
    except ValueError:
        return today.replace(year=year, day=28)


def check_age(first_day: dt.date, *, today: dt.date) -> None:
    """Refuse what begins after today (`future`) or more than five years ago (`too-old`), as the ledger will."""
    if first_day > today:
        raise Refused("future", "The first day lies in the future.")
    if first_day < oldest_day(today):
        raise Refused("too-old", "The first day lies more than five years back.")


def _check_reference(reference: str) -> None:
    if not 0 < len(reference) <= MAX_REFERENCE_LENGTH or not reference.isprintable():
        raise Refused("unreadable", f"A reference has 1 to {MAX_REFERENCE_LENGTH} printable characters.")


def _check_row(row: Item) -> None:
    if row.unit is not None and row.unit not in UNITS:
        raise Refused("unit", "Unknown unit; WJ756 names 01, 04, 14, 16, 82, 83 and 84.")
    if row.last_day is not None and row.last_day < row.first_day:
        raise Refused("period", "The last day lies before the first.")
    if not 0 <= row.cents.value <= MAX_LINE_CENTS:
        raise Refused("amount", "An amount of one line lies between 0 and EUR 1,000,000.")
    volume, tariff = row.volume_hundredths, row.tariff_cents
    if volume is not None and not 0 <= volume <= MAX_QUANTITY:
        raise Refused("unreadable", "A volume of one line lies between 0 and 10,000,000 units.")
    if tariff is not None and not 0 <= tariff <= MAX_LINE_CENTS:
        raise Refused("amount", "A tariff is not negative.")
    if len(row.product) > 5 or not row.product.isascii():
        raise Refused("unreadable", "A product code has at most five plain characters.")
    _check_reference(row.reference)
