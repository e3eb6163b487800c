"""Which element stands for which person, under which pair of keys: intake's rows, and how they go from one pair to the next.

A generation is one pair: the vault's pseudonym key and intake's own scalar, of which the table knows no more than a print. Windows read and
add rows of the generation in use, and hold it in use until they end; a turn adds rows of the coming one beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from keyvault import group
from schemas.errors import ContractBroken
from schemas.secrets import ScalarKey
from streams.hop_store import Transaction

DDL: Final = (
    "CREATE TABLE IF NOT EXISTS pseudonym_keys (generation int PRIMARY KEY, key_id text NOT NULL, scalar_print bytea NOT NULL, "
    "state text NOT NULL CHECK (state IN ('in-use', 'coming', 'leaving', 'gone')))",
    "CREATE UNIQUE INDEX IF NOT EXISTS pseudonym_keys_by_state ON pseudonym_keys (state) WHERE state <> 'gone'",
    "CREATE TABLE IF NOT EXISTS elements (generation int, element bytea, person bytea NOT NULL, PRIMARY KEY (generation, element), "
    "UNIQUE (generation, person))",
    "CREATE TABLE IF NOT EXISTS erased_persons (person bytea PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
    "CREATE TABLE IF NOT EXISTS identities_kept (person bytea PRIMARY KEY)",
)
IN_USE, COMING, LEAVING = "in-use", "coming", "leaving"
_TURN_LOCK: Final = 7_201_004


def scalar_print(scalar: ScalarKey) -> bytes:
    """What tells one scalar from another and gives neither away (8 bytes)."""
    return hashlib.sha256(b"zorgstroom scalar print 1" + group.times_base(scalar.reveal())).digest()[:8]


@dataclass(frozen=True, slots=True)
class Generation:
    """One pair of keys: the id of the vault's, the print of intake's own scalar."""

    number: int
    key_id: str
    scalar_print: bytes


def generations(tx: Transaction) -> dict[str, Generation]:
    """By state; what is gone is left out."""
    rows = tx.execute("SELECT state, generation, key_id, scalar_print FROM pseudonym_keys WHERE state <> 'gone'")
    return {str(s): Generation(int(str(g)), str(k), bytes(p)) for s, g, k, p in rows}  # type: ignore[arg-type, call-overload]


def in_use(tx: Transaction) -> Generation:
    """The generation in use, which stays so until the transaction ends. Raises `ContractBroken` where there is none."""
    for _ in range(2):  # it may change hands while this one waits for it: then the newcomer is there at the second try
        row = tx.execute(
            "SELECT generation, key_id, scalar_print FROM pseudonym_keys WHERE state = 'in-use' FOR SHARE"
        ).fetchone()
        if row is not None:
            return Generation(int(str(row[0])), str(row[1]), bytes(row[2]))  # type: ignore[call-overload]
    msg = "Intake's table of pseudonyms names no key in use."
    raise ContractBroken(msg)


def begin(tx: Transaction, *, key_id: str, scalar_print: bytes, state: str) -> None:
    """Write down a pair of keys: the first in use, or one to come. What is there already stays."""
    tx.execute(
        "INSERT INTO pseudonym_keys SELECT coalesce(max(generation), 0) + 1, %s, %s, %s FROM pseudonym_keys "
        "HAVING %s <> 'in-use' OR count(*) = 0 ON CONFLICT DO NOTHING",
        (key_id, scalar_print, state, state),
    )


def persons_of(tx: Transaction, generation: int, elements: Sequence[bytes]) -> dict[bytes, bytes]:
    """Element -> person id."""
    rows = tx.execute(
        "SELECT element, person FROM elements WHERE generation = %b AND element = ANY(%b)",
        (generation, list(elements)),
        binary=True,
    )
    return {bytes(e): bytes(p) for e, p in rows}  # type: ignore[arg-type, call-overload]


def save_persons(tx: Transaction, generation: int, rows: dict[bytes, bytes]) -> None:
    """Remember elements at first sight; a person id follows from the element, so twice is the same.

    Who was erased while the row was on its way gets none, and leaves none.
    """
    if rows:
        tx.execute(
            "INSERT INTO elements SELECT %b::int, e, p FROM unnest(%b::bytea[], %b::bytea[]) AS n(e, p) "
            "WHERE NOT EXISTS (SELECT 1 FROM erased_persons WHERE person = n.p) ON CONFLICT DO NOTHING",
            (generation, list(rows), list(rows.values())),
        )


def erased(tx: Transaction, persons: Collection[bytes]) -> set[bytes]:
    """Which of these persons were erased."""
    if not persons or tx.execute("SELECT 1 FROM erased_persons LIMIT 1").fetchone() is None:
        return set()
    rows = tx.execute("SELECT person FROM erased_persons WHERE person = ANY(%b)", (list(persons),), binary=True)
    return {bytes(p) for (p,) in rows}  # type: ignore[arg-type, call-overload]


def unlink(tx: Transaction, person: bytes) -> None:
    """Forget which element stands for a person, for good: whoever returns is a new person. No turn is under way meanwhile."""
    tx.execute("SELECT pg_advisory_xact_lock(%s)", (_TURN_LOCK,))
    tx.execute("INSERT INTO erased_persons (person) VALUES (%s) ON CONFLICT DO NOTHING", (person,))
    tx.execute("DELETE FROM identities_kept WHERE person = %s", (person,))
    tx.execute(
        "DELETE FROM elements WHERE generation IN (SELECT generation FROM pseudonym_keys) AND person = %s", (person,)
    )


def alone(tx: Transaction) -> bool:
    """Whether this transaction may turn elements: one at a time does, of all of intake's processes."""
    row = tx.execute("SELECT pg_try_advisory_xact_lock(%s)", (_TURN_LOCK,)).fetchone()
    return row is not None and bool(row[0])


def count(tx: Transaction, generation: int) -> int:
    """How many elements a generation has."""
    row = tx.execute("SELECT count(*) FROM elements WHERE generation = %s", (generation,)).fetchone()
    return int(str(row[0])) if row else 0


def not_turned(tx: Transaction, old: int, new: int, *, after: bytes, limit: int) -> list[tuple[bytes, bytes]]:
    """(element, person) of one generation whose person the other does not have yet, in order of element, after one."""
    rows = tx.execute(
        "SELECT o.element, o.person FROM elements o WHERE o.generation = %b AND o.element > %b AND NOT EXISTS "
        "(SELECT 1 FROM elements n WHERE n.generation = %b AND n.person = o.person) ORDER BY o.element LIMIT %b",
        (old, after, new, limit), binary=True,
    )  # fmt: skip
    return [(bytes(e), bytes(p)) for e, p in rows]  # type: ignore[arg-type, call-overload]


def change_over(tx: Transaction) -> None:
    """The coming generation is in use from here on, and the one that was leaves; with windows held back."""
    tx.execute("UPDATE pseudonym_keys SET state = 'leaving' WHERE state = 'in-use'")
    tx.execute("UPDATE pseudonym_keys SET state = 'in-use' WHERE state = 'coming'")


def hold_back_windows(tx: Transaction) -> None:
    """No window begins before this transaction ends, and none is under way: no element of the generation in use comes anymore."""
    tx.execute("SELECT 1 FROM pseudonym_keys WHERE state = 'in-use' FOR UPDATE")


def forget_some(tx: Transaction, generation: int, limit: int) -> int:
    """Delete elements of a generation that leaves; how many there were. With the last of them it is gone."""
    found = tx.execute(
        "DELETE FROM elements WHERE (generation, element) IN "
        "(SELECT generation, element FROM elements WHERE generation = %s LIMIT %s)",
        (generation, limit),
    ).rowcount
    if found < limit:
        tx.execute("UPDATE pseudonym_keys SET state = 'gone' WHERE generation = %s", (generation,))
    return found
