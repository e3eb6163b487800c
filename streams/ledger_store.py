"""The ledger's tables: references it has taken, debits that stand, mandate handles. Loaded and saved once per window.

Columns go to PostgreSQL as one string of bytes and are cut there: a list of thousands of handles costs more to write down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from schemas.frames import ZERO16, Kind
from schemas.sealing import sha256
from streams.hop_store import Transaction
from streams.ledger import Books, Known, slot_of_row
from streams.ledger_mandates import GivenMandate

DDL: Final = (
    """CREATE TABLE IF NOT EXISTS known_references (provider bigint, reference bytea, person bytea NOT NULL,
    row bytea NOT NULL, withdrawn boolean NOT NULL, PRIMARY KEY (provider, reference))""",
    "CREATE TABLE IF NOT EXISTS open_debits (slot bytea PRIMARY KEY)",
    """CREATE TABLE IF NOT EXISTS standing_grants (provider bigint, assignment bytea, person bytea NOT NULL, row bytea NOT NULL,
    PRIMARY KEY (provider, assignment))""",
    """CREATE TABLE IF NOT EXISTS mandate_handles (handle bytea PRIMARY KEY, municipality int NOT NULL,
    person bytea NOT NULL, change bytea NOT NULL, withdrawn boolean NOT NULL)""",
    "ALTER TABLE mandate_handles ADD COLUMN IF NOT EXISTS valid_until int NOT NULL DEFAULT 2147483647",
    "ALTER TABLE mandate_handles ADD COLUMN IF NOT EXISTS limited boolean NOT NULL DEFAULT true",
    "ALTER TABLE mandate_handles ADD COLUMN IF NOT EXISTS valid_from int NOT NULL DEFAULT 0",
    "CREATE TABLE IF NOT EXISTS erased_persons (person bytea PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS gone_references (mark bytea PRIMARY KEY)",
)
_COPY_HEAD: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_END: Final = b"\xff\xff"
_CUT: Final = "SELECT substring(%b::bytea FROM n * 16 + 1 FOR 16) AS cut FROM generate_series(0, %b::int - 1) AS n"


def load_books(tx: Transaction, references: Collection[tuple[int, bytes]], slots: Iterable[bytes]) -> Books:
    """What the ledger knows of these references and slots."""
    wanted: dict[int, set[bytes]] = defaultdict(set)
    for provider, reference in references:
        wanted[provider].add(reference)
    known: dict[tuple[int, bytes], Known] = {}
    for provider, handles in wanted.items():
        rows: Iterable[Any] = tx.execute(
            f"SELECT r.reference, r.person, r.row, r.withdrawn FROM ({_CUT}) AS c "  # noqa: S608 - a constant
            "JOIN known_references r ON r.provider = %b AND r.reference = c.cut",
            (b"".join(handles), len(handles), provider), binary=True,
        )  # fmt: skip
        for reference, person, row, withdrawn in rows:
            known[provider, reference] = Known(person, row, withdrawn=withdrawn)
    return Books(known, open_slots(tx, set(slots)), gone=_gone(tx, references))


def mark(provider: int, reference: bytes) -> bytes:
    """What stays of a reference once its person is erased: 16 bytes that tell neither provider nor reference."""
    return sha256(b"gone reference" + provider.to_bytes(8, "big") + reference)[:16]


def _gone(tx: Transaction, references: Collection[tuple[int, bytes]]) -> set[tuple[int, bytes]]:
    """Which of these references were delivered to someone who was erased."""
    if tx.execute("SELECT 1 FROM gone_references LIMIT 1").fetchone() is None:
        return set()
    marks = {mark(*own): own for own in references}
    rows: Iterable[Any] = tx.execute(
        f"SELECT mark FROM ({_CUT}) AS c JOIN gone_references ON mark = c.cut",  # noqa: S608 - a constant
        (b"".join(marks), len(marks)), binary=True,
    )  # fmt: skip
    return {marks[m] for (m,) in rows}


def erased(tx: Transaction, persons: Collection[bytes]) -> set[bytes]:
    """Which of these persons were erased."""
    if not persons or tx.execute("SELECT 1 FROM erased_persons LIMIT 1").fetchone() is None:
        return set()
    rows: Iterable[Any] = tx.execute("SELECT person FROM erased_persons WHERE person = ANY(%b)", (list(persons),))
    return {bytes(p) for (p,) in rows}


def erase(tx: Transaction, person: bytes, *, marks: Collection[bytes] = ()) -> list[bytes]:
    """Forget all that is known of a person, for good; the marks of what was delivered to him or her, sorted, so that it is not taken again.

    `marks`: those that are known already.
    """
    found: Iterable[Any] = tx.execute(
        "DELETE FROM known_references WHERE person = %b RETURNING provider, reference, row", (person,), binary=True
    )
    rows = [(int(provider), bytes(reference), bytes(row)) for provider, reference, row in found]
    debits = (slot_of_row(person, row) for _, _, row in rows if row[0] == Kind.DELIVERED)
    tx.execute("DELETE FROM open_debits WHERE slot = ANY(%b)", ([slot for slot in debits if slot is not None],))
    gone = sorted({*marks, *(mark(provider, reference) for provider, reference, _ in rows)})
    tx.execute("INSERT INTO gone_references SELECT unnest(%b::bytea[]) ON CONFLICT DO NOTHING", (gone,))
    tx.execute("DELETE FROM standing_grants WHERE person = %b", (person,))
    tx.execute("UPDATE mandate_handles SET person = %b, withdrawn = true WHERE person = %b", (ZERO16, person))
    tx.execute("INSERT INTO erased_persons VALUES (%b) ON CONFLICT DO NOTHING", (person,))
    return gone


def open_slots(tx: Transaction, slots: Collection[bytes]) -> set[bytes]:
    """Which of these slots hold a standing debit."""
    if not slots:
        return set()
    rows: Iterable[Any] = tx.execute(
        f"SELECT slot FROM ({_CUT}) AS c JOIN open_debits ON slot = c.cut",  # noqa: S608 - a constant
        (b"".join(slots), len(slots)), binary=True,
    )  # fmt: skip
    return {slot for (slot,) in rows}


def standing_grants(tx: Transaction, wanted: Collection[tuple[int, bytes]]) -> dict[tuple[int, bytes], Known]:
    """The grants that stand, of these (provider, assignment)."""
    if not wanted:
        return {}
    providers, assignments = zip(*sorted(wanted), strict=True)
    rows: Iterable[Any] = tx.execute(
        "SELECT g.* FROM standing_grants g JOIN unnest(%b::bigint[], %b::bytea[]) AS k(p, a) "
        "ON g.provider = k.p AND g.assignment = k.a", (list(providers), list(assignments)),
    )  # fmt: skip
    return {(int(p), bytes(a)): Known(bytes(person), bytes(row)) for p, a, person, row in rows}


def save_books(tx: Transaction, books: Books) -> None:
    """Write what the window added and changed. References are new: the partition's lock keeps others away."""
    old_withdrawn = [key for key in books.withdrawn if key not in books.added]
    if old_withdrawn:
        providers, references = zip(*old_withdrawn, strict=True)
        tx.execute(
            "UPDATE known_references r SET withdrawn = true FROM unnest(%b::bigint[], %b::bytea[]) AS k(p, f) "
            "WHERE r.provider = k.p AND r.reference = k.f", (list(providers), list(references)),
        )  # fmt: skip
    if books.added:
        with tx.cursor().copy("COPY known_references FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(_COPY_HEAD + _copied(books.added) + _COPY_END)
    if books.granted:
        with tx.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO standing_grants VALUES (%b, %b, %b, %b) ON CONFLICT (provider, assignment) "
                "DO UPDATE SET person = EXCLUDED.person, row = EXCLUDED.row",
                [(*key, books.grants[key].person, books.grants[key].row) for key in sorted(books.granted)],
            )
    if books.closed:
        tx.execute("DELETE FROM open_debits WHERE slot = ANY(%b)", (list(books.closed),))
    if books.opened:
        slots = _packed(b"".join(books.opened), [("slot", 16)])
        with tx.cursor().copy("COPY open_debits FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(_COPY_HEAD + slots + _COPY_END)


def _copied(added: Mapping[tuple[int, bytes], Known]) -> bytes:
    """References as COPY's binary rows; a withdrawal's is longer than a debit's."""
    by_size: dict[int, list[bytes]] = defaultdict(list)
    for (provider, reference), k in added.items():
        flag = b"\x01" if k.withdrawn else b"\x00"
        by_size[len(k.row)].append(provider.to_bytes(8, "big") + reference + k.person + k.row + flag)
    return b"".join(
        _packed(b"".join(rows), [("provider", 8), ("reference", 16), ("person", 16), ("row", size), ("withdrawn", 1)])
        for size, rows in by_size.items()
    )


def _packed(columns: bytes, layout: Sequence[tuple[str, int]]) -> bytes:
    """Rows of fixed widths, each field with its length before it, as COPY's binary format has them."""
    bare = np.frombuffer(columns, np.dtype([(name, f"V{size}") for name, size in layout]))
    framed = [part for name, size in layout for part in ((f"size of {name}", ">i4"), (name, f"V{size}"))]
    rows = np.zeros(len(bare), np.dtype([("fields", ">i2"), *framed]))
    rows["fields"] = len(layout)
    for name, size in layout:
        rows[f"size of {name}"], rows[name] = size, bare[name]
    return rows.tobytes()


def mandates(tx: Transaction, handles: Sequence[bytes]) -> dict[bytes, GivenMandate]:
    """What is known of these handles."""
    rows: Iterable[Any] = tx.execute(
        "SELECT handle, municipality, person, change, withdrawn FROM mandate_handles WHERE handle = ANY(%b)",
        (list(handles),),
    )
    return {bytes(h): GivenMandate(m, bytes(p), bytes(c), withdrawn=w) for h, m, p, c, w in rows}


def live_mandates(tx: Transaction, municipalities: Collection[int], *, day: int) -> dict[int, set[bytes]]:
    """Persons under caseworkers' mandates of these municipalities that are not withdrawn and end on `day` or later."""
    live: dict[int, set[bytes]] = {m: set() for m in municipalities}
    rows: Iterable[Any] = tx.execute(
        "SELECT DISTINCT municipality, person FROM mandate_handles "
        "WHERE municipality = ANY(%b) AND limited AND NOT withdrawn AND valid_until >= %b", (list(municipalities), day),
    )  # fmt: skip
    for municipality, person in rows:
        live[municipality].add(bytes(person))
    return live


def family_mandates(tx: Transaction, municipalities: Collection[int], *, since: int) -> dict[int, set[bytes]]:
    """Persons for whose own file these municipalities gave mandates that begin after the day `since`, withdrawn ones included."""
    found: dict[int, set[bytes]] = {m: set() for m in municipalities}
    rows: Iterable[Any] = tx.execute(
        "SELECT DISTINCT municipality, person FROM mandate_handles WHERE municipality = ANY(%b) AND NOT limited AND valid_from > %b",
        (list(municipalities), since),
    )
    for municipality, person in rows:
        found[municipality].add(bytes(person))
    return found


def save_mandates(tx: Transaction, changed: Mapping[bytes, GivenMandate]) -> None:
    """Keep mandates as they stand after the window."""
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO mandate_handles (handle, municipality, person, change, withdrawn, valid_until, limited, valid_from) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (handle) DO UPDATE SET change = EXCLUDED.change, "
            "withdrawn = EXCLUDED.withdrawn, valid_until = EXCLUDED.valid_until",
            [
                (
                    handle,
                    g.municipality,
                    g.person,
                    g.change,
                    g.withdrawn,
                    g.terms.valid_until,
                    g.is_limited,
                    g.terms.valid_from,
                )
                for handle, g in changed.items()
            ],
        )
