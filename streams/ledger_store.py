"""The ledger's tables: references it has taken, debits that stand, mandate handles. Loaded and saved once per window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from streams.hop_store import Transaction
from streams.ledger import Books, Known

DDL: Final = (
    "CREATE TABLE IF NOT EXISTS known_references (provider bigint, reference bytea, person bytea NOT NULL, "
    "row bytea NOT NULL, withdrawn boolean NOT NULL, PRIMARY KEY (provider, reference))",
    "CREATE TABLE IF NOT EXISTS open_debits (slot bytea PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS mandate_handles (handle bytea PRIMARY KEY, municipality int NOT NULL, "
    "person bytea NOT NULL, change bytea NOT NULL, withdrawn boolean NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class GivenMandate:
    """A mandate as given: who gave it, for whose household, the encoded `MandateChange`, and whether it was withdrawn."""

    municipality: int
    person: bytes
    change: bytes
    withdrawn: bool


def load_books(
    tx: Transaction, references: Iterable[tuple[int, bytes]], slots: Iterable[bytes]
) -> Books:
    """What the ledger knows of these references and slots."""
    wanted = list(set(references))
    known: dict[tuple[int, bytes], Known] = {}
    if wanted:
        providers, handles = zip(*wanted, strict=True)
        for provider, reference, person, row, withdrawn in tx.execute(
            "SELECT r.provider, r.reference, r.person, r.row, r.withdrawn FROM unnest(%b::bigint[], %b::bytea[]) AS k(p, r) "
            "JOIN known_references r ON r.provider = k.p AND r.reference = k.r",
            (list(providers), list(handles)), binary=True,
        ):  # fmt: skip
            known[int(str(provider)), bytes(reference)] = Known(bytes(person), bytes(row), bool(withdrawn))  # type: ignore[arg-type, call-overload]
    open_slots = {
        bytes(slot)  # type: ignore[arg-type, call-overload]
        for (slot,) in tx.execute("SELECT slot FROM open_debits WHERE slot = ANY(%b)", (list(set(slots)),), binary=True)
    }
    return Books(known, open_slots)


def open_slots(tx: Transaction, slots: Sequence[bytes]) -> set[bytes]:
    """Which of these slots hold a standing debit."""
    rows = tx.execute("SELECT slot FROM open_debits WHERE slot = ANY(%b)", (list(slots),), binary=True)
    return {bytes(slot) for (slot,) in rows}  # type: ignore[arg-type, call-overload]


def save_books(tx: Transaction, books: Books) -> None:
    """Write what the window added and changed. References are new: the partition's lock keeps others away."""
    old_withdrawn = [key for key in books.withdrawn if key not in books.added]
    if old_withdrawn:
        providers, references = zip(*old_withdrawn, strict=True)
        tx.execute(
            "UPDATE known_references r SET withdrawn = true FROM unnest(%s::bigint[], %s::bytea[]) AS k(p, f) "
            "WHERE r.provider = k.p AND r.reference = k.f", (list(providers), list(references)),
        )  # fmt: skip
    if books.added:
        with tx.cursor().copy("COPY known_references FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "bytea", "bytea", "bytea", "bool"])
            for (provider, reference), k in books.added.items():
                copy.write_row((provider, reference, k.person, k.row, k.withdrawn))
    if books.closed:
        tx.execute("DELETE FROM open_debits WHERE slot = ANY(%s)", (list(books.closed),))
    if books.opened:
        tx.execute("INSERT INTO open_debits SELECT unnest(%b::bytea[])", (list(books.opened),))


def mandates(tx: Transaction, handles: Sequence[bytes]) -> dict[bytes, GivenMandate]:
    """What is known of these handles."""
    rows = tx.execute(
        "SELECT handle, municipality, person, change, withdrawn FROM mandate_handles WHERE handle = ANY(%s)", (list(handles),)
    )
    return {
        bytes(h): GivenMandate(int(str(m)), bytes(p), bytes(c), bool(w))  # type: ignore[arg-type, call-overload]
        for h, m, p, c, w in rows
    }


def save_mandate(tx: Transaction, handle: bytes, given: GivenMandate) -> None:
    """Keep a mandate, or that it was withdrawn."""
    tx.execute(
        "INSERT INTO mandate_handles VALUES (%s, %s, %s, %s, %s) ON CONFLICT (handle) DO UPDATE SET withdrawn = EXCLUDED.withdrawn",
        (handle, given.municipality, given.person, given.change, given.withdrawn),
    )
