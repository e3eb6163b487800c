"""From what a provider has to say to the two parts of an envelope: packed rows on one side, subjects on the other.

References, assignments and clients leave only as handles under the provider's own secret. One envelope has one subject
per BSN and address, at most 1,000 events.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from producers.deliveries import Delivery, Grant, Item, MonthClosed, Withdrawal
from schemas.envelope import MAX_EVENTS
from schemas.frames import DELIVERY_ROW, NO_VALUE, OPEN_END, ZERO16, Kind
from schemas.sealing import keyed_handle
from schemas.secrets import Bsn, HandleKey
from schemas.values import Address, Month, day_number


@dataclass(slots=True)
class Packed:
    """The two parts of one envelope, and which handle stands for which reference (for the provider's own eyes)."""

    identity: dict[str, Any]
    content: dict[str, Any]
    events: int
    references: dict[bytes, tuple[str, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Subjects:
    """Persons of one envelope, each once per address and day, and month of birth."""

    secret: HandleKey
    rows: list[dict[str, Any]] = field(default_factory=list)
    _index: dict[tuple[bytes, Address | None, dt.date | None, Month | None], int] = field(default_factory=dict)
    _handles: dict[str, bytes] = field(default_factory=dict)

    def index(
        self, bsn: Bsn, address: Address | None = None, as_of: dt.date | None = None, born: Month | None = None
    ) -> int:
        """The subject's index, added at first need."""
        digits = bsn.reveal()
        handle = self._handles.get(digits)
        if handle is None:
            handle = self._handles[digits] = keyed_handle(self.secret, "subject", digits)
        key = (handle, address, as_of if address else None, born)
        found = self._index.get(key)
        if found is None:
            found = self._index[key] = len(self.rows)
            place = None
            if address is not None:
                place = {"postcode": address.postcode, "number": address.number, "suffix": address.suffix}
            self.rows.append(
                {"handle": handle, "bsn": digits, "address": place,
                 "as_of": day_number(as_of) if address is not None and as_of is not None else None,
                 "born": None if born is None else born.index}
            )  # fmt: skip
        return found


def reference_handle(secret: HandleKey, law: str, reference: str) -> bytes:
    """The handle of a reference; unique per law, as references are."""
    return keyed_handle(secret, "reference", f"{law}|{reference}")


def content_of(**parts: Any) -> dict[str, Any]:
    """A `content_part` datum with what is not named empty."""
    return {"rows": b"", "months": [], "mandates": [], "mandates_changed": [], "mandates_withdrawn": []} | parts


def identity_of(**parts: Any) -> dict[str, Any]:
    """An `identity_part` datum with what is not named empty."""
    return {"subjects": [], "residences": [], "links": [], "erasures_asked": [], "erasures_decided": []} | parts


def pack(
    items: Sequence[Item], *, secret: HandleKey, lines: Sequence[int] | None = None, limit: int = MAX_EVENTS
) -> Iterator[Packed]:
    """Cut items, in order, into envelopes of at most `limit` events. `lines`: where each stood in its file."""
    numbers = lines if lines is not None else [0] * len(items)
    for start in range(0, len(items), limit):
        yield _pack_one(items[start : start + limit], numbers[start : start + limit], secret)


def _pack_one(items: Sequence[Item], lines: Sequence[int], secret: HandleKey) -> Packed:
    subjects = Subjects(secret)
    references: dict[bytes, tuple[str, int]] = {}
    rows = []
    for item, line in zip(items, lines, strict=True):
        own = reference_handle(secret, item.stream.value, item.reference)
        references[own] = (item.reference, line)
        rows.append(_row(item, own, subjects, secret))
    packed = np.array(rows, dtype=DELIVERY_ROW).tobytes() if rows else b""
    return Packed(identity_of(subjects=subjects.rows), content_of(rows=packed), len(rows), references)


def _row(item: Item, own: bytes, subjects: Subjects, secret: HandleKey) -> tuple[Any, ...]:
    previous, kind, frequency = ZERO16, Kind.DELIVERED, 0
    address: Address | None = None
    as_of: dt.date | None = None
    born: Month | None = None
    match item:
        case Withdrawal():
            kind = Kind.WITHDRAWN
            previous = reference_handle(secret, item.stream.value, item.withdrawn_reference)
        case Grant():
            kind, frequency, address, as_of = Kind.GRANTED, item.frequency, item.address, item.address_as_of
            born = item.born
        case Delivery():
            address, as_of = item.address, item.address_as_of
    assignment = (
        keyed_handle(secret, "assignment", f"{item.stream.value}|{item.payer}|{item.assignment}")
        if item.assignment
        else ZERO16
    )
    return (
        int(kind), subjects.index(item.bsn, address, as_of, born), item.payer, item.care_type.id, item.unit or 0, frequency,
        day_number(item.first_day), OPEN_END if item.last_day is None else day_number(item.last_day),
        NO_VALUE if item.volume_hundredths is None else item.volume_hundredths,
        NO_VALUE if item.tariff_cents is None else item.tariff_cents, item.cents.value, own, previous, assignment,
        item.product.encode("ascii"),
    )  # fmt: skip


def pack_months(months: Sequence[MonthClosed]) -> Packed:
    """One envelope that closes months."""
    rows = [
        {"payer": m.payer, "stream": m.stream.value, "month": m.month.index, "nothing_delivered": m.nothing_delivered}
        for m in months
    ]
    return Packed(identity_of(), content_of(months=rows), len(rows))
