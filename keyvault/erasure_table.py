"""Rows of erasure in the vault's database: who was erased, and the keys under which what they left is kept. Inside a transaction."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from keyvault.wrapping import Wrapping
from schemas.erasure import Decision, Proved


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person whose key was destroyed. `mandates`: how many ended with it; `log_sequence`, `log_hash`: its line in the access log."""

    person: bytes = field(repr=False)
    decision: Decision
    deciders: tuple[str, ...]
    at_ms: int
    mandates: int
    log_sequence: int
    log_hash: bytes = field(repr=False)


def erasure(c: Connection, request: bytes) -> Erasure | None:
    """What a request came to."""
    row = c.execute(
        text(
            "SELECT person, decision, deciders, at_ms, mandates, log_sequence, log_hash FROM erased_persons WHERE request = :r"
        ),
        {"r": request},
    ).fetchone()
    if row is None:
        return None
    person, decision, deciders, at_ms, mandates, sequence, log_hash = row
    return Erasure(
        bytes(person), Decision.decode(bytes(decision)), tuple(deciders.split(",")), at_ms, mandates, sequence, bytes(log_hash)
    )  # fmt: skip


def erase(c: Connection, person: bytes, *, by: Proved, at_ms: int, line: tuple[int, bytes]) -> None:
    """Destroy a person's key and end every mandate for him or her, for good."""
    c.execute(text("DELETE FROM person_keys WHERE person = :p"), {"p": person})
    ended = c.execute(
        text("UPDATE mandates SET state = 'withdrawn' WHERE person = :p AND state <> 'withdrawn'"), {"p": person}
    ).rowcount
    for table in ("log_clients", "sealed_identities"):
        c.execute(text(f"DELETE FROM {table} WHERE person = :p"), {"p": person})  # noqa: S608 - constants
    c.execute(
        text(
            "INSERT INTO erased_persons (person, request, decision, deciders, at_ms, mandates, log_sequence, log_hash) "
            "VALUES (:p, :r, :d, :n, :a, :m, :s, :h)"
        ),
        {
            "p": person, "r": by.decision.request, "d": by.decision.encoded(), "n": ",".join(by.deciders), "a": at_ms, "m": ended,
            "s": line[0], "h": line[1],
        },
    )  # fmt: skip


def year_keys(
    c: Connection, wrapping: Wrapping, partition: int, years: Sequence[int], today: dt.date
) -> list[bytes | None]:
    """The keys of service years in a partition of the ledger, made where absent; None where one was destroyed."""
    found: list[bytes | None] = []
    for year in years:
        name = f"year_keys/{partition}/{year}".encode()
        own = {"p": partition, "y": year}
        c.execute(
            text("INSERT INTO year_keys VALUES (:p, :y, :d, :w) ON CONFLICT DO NOTHING"),
            own | {"d": today, "w": wrapping.wrap(os.urandom(32), name)},
        )
        row = c.execute(text("SELECT wrapped FROM year_keys WHERE partition = :p AND year = :y"), own).scalar_one()
        found.append(wrapping.unwrap(bytes(row), name) if row else None)
    return found


def has_year_keys(c: Connection, partition: int, years: Sequence[int]) -> bool:
    """Whether any of these years has a key in a partition."""
    found = c.execute(
        text("SELECT 1 FROM year_keys WHERE partition = :p AND year = ANY(:y) AND length(wrapped) > 0 LIMIT 1"),
        {"p": partition, "y": list(years)},
    )
    return found.fetchone() is not None


def destroy_years(c: Connection, partition: int, years: Sequence[int]) -> None:
    """Destroy the keys of years in a partition: their rows stay, without bytes, so that none is made again."""
    for year in years:
        c.execute(
            text(
                "INSERT INTO year_keys VALUES (:p, :y, CURRENT_DATE, ''::bytea) ON CONFLICT (partition, year) DO UPDATE SET wrapped = ''::bytea"
            ),
            {"p": partition, "y": year},
        )
