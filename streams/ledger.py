"""The ledger's rules without I/O: what of an envelope's rows is accepted, refused or a duplicate, and what is written of it.

Rows are checked as columns where a rule looks at one row alone, and one by one in order where earlier rows matter:
references, withdrawals, second debits. Codes are those of the iWmo/iJw standard where it has one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from schemas.care import CARE_TYPES, UNITS
from schemas.frames import DELIVERY_ROW, LEDGER_ROW, ZERO16, Kind, Rows
from schemas.values import MAX_AGE_YEARS, MAX_LINE_CENTS, day_number, day_of

_SHARED_FIELDS: Final = tuple(n for n in LEDGER_ROW.names or () if n in (DELIVERY_ROW.names or ()))
_CARE_IDS: Final = np.array(sorted(CARE_TYPES), dtype=np.int64)
_UNIT_IDS: Final = np.array([0, *sorted(UNITS)], dtype=np.int64)
_SIZE: Final = LEDGER_ROW.itemsize


@dataclass(slots=True)
class Known:
    """A reference the ledger has taken: whose, the row as written, and whether it was withdrawn."""

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


@dataclass(slots=True)
class Judged:
    """What became of one envelope's rows: (person, ledger row) accepted in order, refused (position, code), duplicates."""

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
    rows: Rows, *, payers: frozenset[int], day: int, subjects: list[bytes], refusals: dict[int, str]
) -> list[str | None]:
    """The first rule each row breaks by itself, or None. `subjects`: person id per subject, zeros where refused."""
    count = len(rows)
    codes: list[str | None] = [None] * count

    def mark(wrong: Any, code: str) -> None:
        for index in np.flatnonzero(wrong):
            codes[index] = codes[index] or code

    subject = rows["subject"].astype(np.int64)
    for index in np.flatnonzero(subject >= len(subjects)):
        codes[index] = "subject"
    if refusals:
        for index in np.flatnonzero(np.isin(subject, list(refusals))):
            codes[index] = codes[index] or refusals[int(subject[index])]
    first, last, kind = rows["from_day"].astype(np.int64), rows["to_day"].astype(np.int64), rows["kind"]
    granted = kind == Kind.GRANTED
    mark(kind > max(Kind), "kind")
    mark(~np.isin(rows["payer"].astype(np.int64), list(payers)), "payer")
    mark(~np.isin(rows["care_type"].astype(np.int64), _CARE_IDS), "category")
    mark(~np.isin(rows["unit"].astype(np.int64), _UNIT_IDS), "unit")
    mark(last < first, "period")
    mark((first > day) & ~granted, "future")
    mark((first < oldest_day(day)) & ~granted, "too-old")
    mark((rows["cents"] < 0) | (rows["cents"] > MAX_LINE_CENTS), "amount")
    return codes


def ledger_rows(rows: Rows, provider: int) -> bytes:
    """The rows as the ledger writes them, packed."""
    out = np.zeros(len(rows), LEDGER_ROW)
    for name in _SHARED_FIELDS:
        out[name] = rows[name]
    out["provider"] = provider
    return out.tobytes()


def slots_of(rows: Rows, persons: list[bytes], provider: int) -> list[bytes | None]:
    """What a second debit would share with a first, per row: person, provider, assignment, care type, product, period.

    None where no assignment is given. `persons`: one per row.
    """
    prefix = int(provider).to_bytes(4, "little")
    assignments = rows["assignment"].tolist()
    fields = np.empty(len(rows), np.dtype([("c", "<u2"), ("p", "S5"), ("f", "<i4"), ("t", "<i4")]))
    fields["c"], fields["p"], fields["f"], fields["t"] = (
        rows["care_type"], rows["product"], rows["from_day"], rows["to_day"],
    )  # fmt: skip
    packed, size = fields.tobytes(), fields.dtype.itemsize
    return [
        None if a == ZERO16
        else hashlib.blake2b(p + prefix + a + packed[i * size : (i + 1) * size], digest_size=16).digest()
        for i, (a, p) in enumerate(zip(assignments, persons, strict=True))
    ]  # fmt: skip


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
    codes: list[str | None]


def prepare(
    rows: Rows, *, provider: int, payers: frozenset[int], day: int, subjects: list[bytes], refusals: dict[int, str]
) -> Prepared:
    """Everything about an envelope's rows that needs no look-up."""
    codes = field_codes(rows, payers=payers, day=day, subjects=subjects, refusals=refusals)
    named = [subjects[i] if i < len(subjects) else ZERO16 for i in rows["subject"].tolist()]
    return Prepared(
        rows=rows, provider=provider, written=ledger_rows(rows, provider), persons=named,
        references=rows["reference"].tolist(), previous=rows["previous"].tolist(),
        slots=slots_of(rows, named, provider), codes=codes,
    )  # fmt: skip


def judge(p: Prepared, books: Books) -> Judged:
    """Take the rows in order; `books` changes as they are accepted."""
    result = Judged()
    kinds = p.rows["kind"].tolist()
    known, provider = books.known, p.provider
    for i, code in enumerate(p.codes):
        if code is not None:
            result.refused.append((i, code))
            continue
        person, own = p.persons[i], (provider, p.references[i])
        row = p.written[i * _SIZE : (i + 1) * _SIZE]
        before = known.get(own)
        if kinds[i] == Kind.WITHDRAWN:
            found = _withdraw(person, own, (provider, p.previous[i]), books)
            if isinstance(found, str):
                result.refused.append((i, found))
            elif found is None:
                result.duplicates += 1
            else:
                result.accepted.append((person, found))
            continue
        slot = p.slots[i] if kinds[i] == Kind.DELIVERED else None
        if before is not None:
            if before.person == person and before.row == row:
                result.duplicates += 1
            else:
                result.refused.append((i, "8021"))
        elif slot is not None and slot in books.open_slots:
            result.refused.append((i, "9389"))
        else:
            known[own] = books.added[own] = Known(person, row)
            if slot is not None:
                books.open_slots.add(slot)
                if slot in books.closed:
                    books.closed.discard(slot)
                else:
                    books.opened.add(slot)
            result.accepted.append((person, row))
    return result


def _withdraw(person: bytes, own: tuple[int, bytes], debit_key: tuple[int, bytes], books: Books) -> bytes | str | None:
    """Take one withdrawal: the row to write, a code, or None for a duplicate."""
    debit, before = books.known.get(debit_key), books.known.get(own)
    if before is not None:
        same = (
            debit is not None and before.person == person and debit.person == person and before.row == _as_withdrawn(debit.row)
        )
        return None if same else "8021"
    if debit is None or debit.person != person or debit.row[0] != Kind.DELIVERED:
        return "8017"
    if debit.withdrawn:
        return "9390"
    debit.withdrawn = True
    books.withdrawn.add(debit_key)
    row = _as_withdrawn(debit.row)
    books.known[own] = books.added[own] = Known(person, row)
    slot = slot_of_row(person, debit.row)
    if slot is not None and slot in books.open_slots:
        books.open_slots.discard(slot)
        if slot in books.opened:
            books.opened.discard(slot)
        else:
            books.closed.add(slot)
    return row


def _as_withdrawn(row: bytes) -> bytes:
    """The debit's row with its first field, the kind, changed."""
    return bytes([Kind.WITHDRAWN]) + row[1:]

