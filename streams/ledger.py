"""The ledger's rules without I/O: what of an envelope's rows is accepted, refused or a duplicate, and what is written of it.

Rows are checked as columns where a rule looks at one row alone, and one by one in order where earlier rows matter:
references, withdrawals, second debits. Codes are those of the iWmo/iJw standard where it has one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from schemas.care import CARE_TYPES, FREQUENCIES, UNITS
from schemas.frames import DELIVERY_ROW, LEDGER_ROW, NO_VALUE, ZERO16, Kind, Rows
from schemas.values import MAX_AGE_YEARS, MAX_LINE_CENTS, MAX_QUANTITY, Month, day_number, day_of

_SHARED_FIELDS: Final = tuple(n for n in LEDGER_ROW.names or () if n in (DELIVERY_ROW.names or ()))
_CARE_IDS: Final = np.array(sorted(CARE_TYPES), dtype=np.int64)
_UNIT_IDS: Final = np.array([0, *sorted(UNITS)], dtype=np.int64)
_SENT_KINDS: Final = (Kind.DELIVERED, Kind.WITHDRAWN, Kind.GRANTED)
_SIZE: Final = LEDGER_ROW.itemsize
_GRANTED_FROM: Final = day_number(Month(1950, 1).first_day)
_GRANTED_UNTIL: Final = day_number(Month(2999, 1).first_day)
_SLOT_FIELDS: Final = np.dtype([("assignment", "V16"), ("c", "<u2"), ("p", "S5"), ("f", "<i4"), ("t", "<i4")])


@dataclass(slots=True)
class Known:
    """A reference the ledger has taken: whose, the row as sent, and whether it was withdrawn.

    Behind a withdrawal's row stands the reference it names, so that word for word the same is the same bytes.
    """

    person: bytes
    row: bytes
    withdrawn: bool = False


@dataclass(slots=True)
class Books:
    """What the ledger knows that a window may touch, and what the window adds. Keys are (provider, reference)."""

    known: dict[tuple[int, bytes], Known]
    open_slots: set[bytes]
    added: dict[tuple[int, bytes], Known] = field(default_factory=dict)
    withdrawn: set[tuple[int, bytes]] = field(default_factory=set)
    opened: set[bytes] = field(default_factory=set)
    closed: set[bytes] = field(default_factory=set)
    grants: dict[tuple[int, bytes], Known] = field(default_factory=dict)
    """The grant that stands, per (provider, assignment)."""
    granted: set[tuple[int, bytes]] = field(default_factory=set)
    gone: set[tuple[int, bytes]] = field(default_factory=set)
    """References of what was delivered to someone who was erased."""
    erased: set[bytes] = field(default_factory=set)
    """Persons whom the window has erased so far."""

    def is_gone(self, own: tuple[int, bytes]) -> bool:
        """Whether a reference is of someone who was erased; nothing is told of it any more."""
        known = self.known.get(own)
        return own in self.gone or (known is not None and known.person in self.erased)

    def remember(self, own: tuple[int, bytes], known: Known) -> None:
        """Take a new reference."""
        self.known[own] = self.added[own] = known

    def open(self, slot: bytes) -> None:
        """A debit stands now."""
        self.open_slots.add(slot)
        if slot in self.closed:
            self.closed.discard(slot)
        else:
            self.opened.add(slot)

    def close(self, slot: bytes) -> None:
        """It stands no more."""
        self.open_slots.discard(slot)
        if slot in self.opened:
            self.opened.discard(slot)
        else:
            self.closed.add(slot)


@dataclass(slots=True)
class Judged:
    """What became of one envelope's rows: (person, what is written) accepted in order, refused (position, code), duplicates.

    Of one row accepted one ledger row is written; of a withdrawal, and of a grant that follows another of its assignment, two.
    """

    accepted: list[tuple[bytes, bytes]] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    duplicates: int = 0


def oldest_day(day: int) -> int:
    """The first service day taken on a header's day: five years back."""
    today = day_of(day)
    try:
        return day_number(today.replace(year=today.year - MAX_AGE_YEARS))
    except ValueError:
        return day_number(today.replace(year=today.year - MAX_AGE_YEARS, day=28))


def field_codes(
    rows: Rows, *, payers: frozenset[int], day: int, subjects: Sequence[bytes], refusals: dict[int, str]
) -> list[str | None]:
    """The first rule each row breaks by itself, or None. `subjects`: person id per subject, zeros where there is none.

    What is granted may begin after the header's day and long before it: only what was delivered can't.
    """
    of_subject = [refusals.get(i) or ("subject" if person == ZERO16 else None) for i, person in enumerate(subjects)]
    count = len(of_subject)
    codes = [of_subject[s] if s < count else "subject" for s in rows["subject"].tolist()]

    def mark(wrong: Any, code: str) -> None:
        for index in np.flatnonzero(wrong):
            codes[index] = codes[index] or code

    first, last, kind = rows["from_day"], rows["to_day"], rows["kind"]
    granted = kind == Kind.GRANTED
    mark(~np.isin(kind, _SENT_KINDS), "kind")
    mark(~np.isin(rows["payer"], np.array(sorted(payers), dtype=np.int64)), "payer")
    mark(~np.isin(rows["care_type"], _CARE_IDS), "category")
    mark(~np.isin(rows["unit"], _UNIT_IDS), "unit")
    mark(~np.isin(rows["frequency"], FREQUENCIES), "unit")
    mark(last < first, "period")
    mark(granted & ((first < _GRANTED_FROM) | (first > _GRANTED_UNTIL)), "period")
    mark((first > day) & ~granted, "future")
    mark((first < oldest_day(day)) & ~granted, "too-old")
    mark((rows["cents"] < 0) | (rows["cents"] > MAX_LINE_CENTS), "amount")
    for name in ("volume", "tariff_cents"):
        mark((rows[name] < NO_VALUE) | (rows[name] > MAX_QUANTITY), "amount")
    return codes


def ledger_rows(rows: Rows, provider: int) -> bytes:
    """The rows as the ledger writes them, packed."""
    out = np.zeros(len(rows), LEDGER_ROW)
    for name in _SHARED_FIELDS:
        out[name] = rows[name]
    out["provider"] = provider
    return out.tobytes()


def slots_of(rows: Rows, persons: Sequence[bytes], provider: int) -> list[bytes | None]:
    """What a second debit would share with a first, per row: person, provider, assignment, care type, product, period.

    None where no assignment is given. `persons`: one per row.
    """
    fields = np.zeros(len(rows), _SLOT_FIELDS)
    fields["assignment"], fields["c"], fields["p"] = rows["assignment"], rows["care_type"], rows["product"]
    fields["f"], fields["t"] = rows["from_day"], rows["to_day"]
    prefix, packed, size = int(provider).to_bytes(4, "little"), fields.tobytes(), _SLOT_FIELDS.itemsize
    pieces = [packed[i : i + size] for i in range(0, len(packed), size)]
    return [
        None if piece.startswith(ZERO16) else hashlib.blake2b(person + prefix + piece, digest_size=16).digest()
        for piece, person in zip(pieces, persons, strict=True)
    ]


def slot_of_row(person: bytes, row: bytes) -> bytes | None:
    """The slot of one written row, for closing it when the row is withdrawn."""
    frame = np.frombuffer(row, LEDGER_ROW)
    return slots_of(frame, [person], int(frame["provider"][0]))[0]


@dataclass(slots=True)
class Prepared:
    """An envelope's rows made ready: written form, person, reference and slot per row, and codes found so far."""

    rows: Rows
    provider: int
    written: bytes
    persons: list[bytes]
    references: list[bytes]
    previous: list[bytes]
    slots: list[bytes | None]
    assignments: list[bytes]
    codes: list[str | None]

    def row(self, index: int) -> bytes:
        """One row as the ledger writes it."""
        return self.written[index * _SIZE : (index + 1) * _SIZE]


def prepare(
    rows: Rows, *, provider: int, payers: frozenset[int], day: int, subjects: Sequence[bytes], refusals: dict[int, str]
) -> Prepared:
    """Everything about an envelope's rows that needs no look-up."""
    codes = field_codes(rows, payers=payers, day=day, subjects=subjects, refusals=refusals)
    count = len(subjects)
    named = [subjects[i] if i < count else ZERO16 for i in rows["subject"].tolist()]
    return Prepared(
        rows=rows, provider=provider, written=ledger_rows(rows, provider), persons=named,
        references=rows["reference"].tolist(), previous=rows["previous"].tolist(),
        slots=slots_of(rows, named, provider), assignments=rows["assignment"].tolist(), codes=codes,
    )  # fmt: skip


def judge(p: Prepared, books: Books) -> Judged:
    """Take the rows in order; `books` changes as they are accepted."""
    result = Judged()
    for i, (code, kind) in enumerate(zip(p.codes, p.rows["kind"].tolist(), strict=True)):
        found = code or TAKEN[kind](p, i, books)
        if found is None:
            result.duplicates += 1
        elif isinstance(found, str):
            result.refused.append((i, found))
        else:
            result.accepted.append((p.persons[i], found))
    return result


def _deliver(p: Prepared, i: int, books: Books) -> bytes | str | None:
    """Take one debit: the row to write, a code, or None for a duplicate."""
    slot = p.slots[i]
    found = _new(p, i, books, blocked=slot is not None and slot in books.open_slots)
    if slot is not None and isinstance(found, bytes):
        books.open(slot)
    return found


def _grant(p: Prepared, i: int, books: Books) -> bytes | str | None:
    """Take one grant; it stands in no debit's way. Where one of the same assignment stood, that one is taken back first."""
    found = _new(p, i, books, blocked=False)
    own, person = (p.provider, p.assignments[i]), p.persons[i]
    if not isinstance(found, bytes) or own[1] == ZERO16:
        return found
    before = books.grants.get(own)
    books.grants[own] = Known(person, found)
    books.granted.add(own)
    if before is None or before.person != person:
        return found
    return bytes([Kind.GRANT_ENDED]) + before.row[1:] + found


def _new(p: Prepared, i: int, books: Books, *, blocked: bool) -> bytes | str | None:
    own, person, row = (p.provider, p.references[i]), p.persons[i], p.row(i)
    if books.is_gone(own):
        return "gone"
    before = books.known.get(own)
    if before is not None:
        return None if before.person == person and before.row == row else "8021"
    if blocked:
        return "9389"
    books.remember(own, Known(person, row))
    return row


def _withdraw(p: Prepared, i: int, books: Books) -> bytes | str | None:
    """Take one withdrawal: what is written repeats its debit in all but the kind, and what it said itself stands behind that."""
    own, person, row = (p.provider, p.references[i]), p.persons[i], p.row(i) + p.previous[i]
    debit_key = (p.provider, p.previous[i])
    if books.is_gone(own) or books.is_gone(debit_key):
        return "gone"
    before = books.known.get(own)
    if before is not None:
        return None if before.person == person and before.row == row else "8021"
    debit = books.known.get(debit_key)
    if debit is None or debit.person != person or debit.row[0] != Kind.DELIVERED:
        return "8017"
    if debit.withdrawn:
        return "9390"
    debit.withdrawn = True
    books.withdrawn.add(debit_key)
    books.remember(own, Known(person, row))
    slot = slot_of_row(person, debit.row)
    if slot is not None and slot in books.open_slots:
        books.close(slot)
    return bytes([Kind.WITHDRAWN]) + debit.row[1:] + bytes([Kind.WITHDRAWAL_SAID]) + row[1:_SIZE]


TAKEN: Final[dict[int, Callable[[Prepared, int, Books], bytes | str | None]]] = {
    Kind.DELIVERED: _deliver,
    Kind.WITHDRAWN: _withdraw,
    Kind.GRANTED: _grant,
}
"""How a row of each kind is taken; a test holds it against `Kind`."""
