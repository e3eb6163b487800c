"""The vault's tables. Every key in them is wrapped under the wrapping key, bound to its table and row.

Places kept for what comes next: pseudonym keys carry an id and a state (rotation), person keys a key id and a day
(retention, erasure), evaluations are counted per caller and day (limits).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from keyvault import voprf
from schemas import codec
from schemas.errors import Refused, Unavailable
from schemas.sealing import open_under, seal_under, sha256
from schemas.secrets import BoxKey, DataKey, ScalarKey, WrappingKey

_DDL: Final = """
CREATE TABLE IF NOT EXISTS named_keys (use text, key_id text, state text NOT NULL, made_on date NOT NULL,
    wrapped bytea NOT NULL, PRIMARY KEY (use, key_id));
CREATE TABLE IF NOT EXISTS person_keys (person bytea PRIMARY KEY, made_on date NOT NULL, wrapped bytea NOT NULL);
CREATE TABLE IF NOT EXISTS mandates (handle bytea PRIMARY KEY, person bytea NOT NULL, municipality int NOT NULL,
    reader text NOT NULL, purpose text NOT NULL, ground text NOT NULL, valid_from date NOT NULL,
    valid_until date NOT NULL, state text NOT NULL);
CREATE TABLE IF NOT EXISTS mandates_read (partition int PRIMARY KEY, next_offset bigint NOT NULL);
CREATE TABLE IF NOT EXISTS withdrawn_here (handle bytea PRIMARY KEY, withdrawn_by text NOT NULL, at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS access_log (sequence bigint PRIMARY KEY, at_ms bigint NOT NULL, handle bytea NOT NULL,
    reader text NOT NULL, purpose text NOT NULL, ground text NOT NULL, result text NOT NULL,
    previous_hash bytea NOT NULL, hash bytea NOT NULL);
CREATE TABLE IF NOT EXISTS evaluations (caller text, day date, count bigint NOT NULL, PRIMARY KEY (caller, day));
"""
_LOG_LOCK: Final = 7_201_003


@dataclass(frozen=True, slots=True)
class Mandate:
    """A mandate as the vault knows it."""

    handle: bytes
    person: bytes
    municipality: int
    reader: str
    purpose: str
    ground: str
    valid_from: dt.date
    valid_until: dt.date
    given: bool


class VaultStore:
    """PostgreSQL behind the vault. Safe to use from several threads; raises `Unavailable` when the database is away."""

    def __init__(self, dsn: str, wrapping: WrappingKey) -> None:
        """`wrapping` comes from outside the database and is never written to it."""
        self._engine: Engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=8, pool_pre_ping=True)
        self._wrapping = DataKey(wrapping.reveal())

    def prepare(self) -> None:
        """Make the tables where they are absent."""
        with self._begin() as c:
            c.execute(text("SELECT pg_advisory_xact_lock(7201001)"))
            for statement in _DDL.split(";\n"):
                if statement.strip():
                    c.execute(text(statement))

    def _begin(self) -> Any:
        try:
            return self._engine.begin()
        except OperationalError as away:
            msg = "PostgreSQL is away."
            raise Unavailable(msg) from away

    def _wrap(self, secret: bytes, row: bytes) -> bytes:
        return seal_under(self._wrapping, secret, row)

    def _unwrap(self, wrapped: bytes, row: bytes) -> bytes:
        return open_under(self._wrapping, wrapped, row)

    def _named(self, use: str, make: bytes, today: dt.date) -> tuple[str, bytes]:
        """The active key of a use, made at first need: (key id, secret)."""
        with self._begin() as c:
            c.execute(text("SELECT pg_advisory_xact_lock(7201002)"))
            row = c.execute(
                text("SELECT key_id, wrapped FROM named_keys WHERE use = :u AND state = 'active'"), {"u": use}
            ).fetchone()
            if row is not None:
                return str(row[0]), self._unwrap(bytes(row[1]), f"named_keys/{use}/{row[0]}".encode())
            key_id = f"{use}-{today:%Y%m%d}-{os.urandom(3).hex()}"
            c.execute(
                text("INSERT INTO named_keys VALUES (:u, :k, 'active', :d, :w)"),
                {"u": use, "k": key_id, "d": today, "w": self._wrap(make, f"named_keys/{use}/{key_id}".encode())},
            )
            return key_id, make

    def pseudonym_key(self, today: dt.date) -> tuple[str, ScalarKey]:
        """The pseudonym key and its id."""
        key_id, raw = self._named("voprf", voprf.random_scalar().reveal(), today)
        return key_id, ScalarKey(raw)

    def box_key(self, use: str, today: dt.date) -> tuple[str, BoxKey]:
        """The placement or section key and its id."""
        key_id, raw = self._named(use, os.urandom(32), today)
        return key_id, BoxKey(raw)

    def person_keys(self, persons: Sequence[bytes], *, make: bool, today: dt.date) -> list[bytes | None]:
        """Keys of persons in the order asked; made where absent if `make`, else None there."""
        wanted = list(dict.fromkeys(persons))
        with self._begin() as c:
            found = self._select_keys(c, wanted)
            absent = [p for p in wanted if p not in found]
            if absent and make:
                c.exec_driver_sql(
                    "INSERT INTO person_keys SELECT p, %s, w FROM unnest(%s::bytea[], %s::bytea[]) AS n(p, w) "
                    "ON CONFLICT DO NOTHING",
                    (today, absent, [self._wrap(os.urandom(32), b"person_keys/" + p) for p in absent]),
                )
                found |= self._select_keys(c, absent)
        return [found.get(p) for p in persons]

    def _select_keys(self, c: Connection, persons: list[bytes]) -> dict[bytes, bytes]:
        rows = c.exec_driver_sql("SELECT person, wrapped FROM person_keys WHERE person = ANY(%s)", (persons,))
        return {bytes(p): self._unwrap(bytes(w), b"person_keys/" + bytes(p)) for p, w in rows}

    def count_evaluations(self, caller: str, count: int, today: dt.date) -> int:
        """Add to the caller's count of the day; returns the day's total."""
        with self._begin() as c:
            row = c.execute(
                text(
                    "INSERT INTO evaluations VALUES (:c, :d, :n) ON CONFLICT (caller, day) "
                    "DO UPDATE SET count = evaluations.count + :n RETURNING count"
                ), {"c": caller, "d": today, "n": count},
            ).fetchone()  # fmt: skip
            return int(row[0])

    def mandates_next_offset(self, partition: int) -> int:
        """Where to go on reading mandates.v1."""
        with self._begin() as c:
            row = c.execute(text("SELECT next_offset FROM mandates_read WHERE partition = :p"), {"p": partition}).fetchone()
            return int(row[0]) if row else 0

    def learn_mandates(self, states: Sequence[Mandate], *, partition: int, next_offset: int) -> None:
        """Take in mandate states and move the offset, in one transaction."""
        with self._begin() as c:
            for m in states:
                c.execute(
                    text(
                        "INSERT INTO mandates VALUES (:handle, :person, :municipality, :reader, :purpose, :ground, "
                        ":valid_from, :valid_until, :state) ON CONFLICT (handle) DO UPDATE SET state = EXCLUDED.state"
                    ),
                    {
                        "handle": m.handle, "person": m.person, "municipality": m.municipality, "reader": m.reader,
                        "purpose": m.purpose, "ground": m.ground, "valid_from": m.valid_from,
                        "valid_until": m.valid_until, "state": "given" if m.given else "withdrawn",
                    },
                )  # fmt: skip
            c.execute(
                text(
                    "INSERT INTO mandates_read VALUES (:p, :o) "
                    "ON CONFLICT (partition) DO UPDATE SET next_offset = EXCLUDED.next_offset"
                ), {"p": partition, "o": next_offset},
            )  # fmt: skip

    def mandate(self, handle: bytes) -> Mandate | None:
        """A mandate; `given` is False once it was withdrawn by the road or at the vault itself."""
        with self._begin() as c:
            row = c.execute(
                text(
                    "SELECT m.person, m.municipality, m.reader, m.purpose, m.ground, m.valid_from, m.valid_until, "
                    "m.state = 'given' AND w.handle IS NULL FROM mandates m LEFT JOIN withdrawn_here w USING (handle) "
                    "WHERE handle = :h"
                ), {"h": handle},
            ).fetchone()  # fmt: skip
        if row is None:
            return None
        return Mandate(
            handle=handle, person=bytes(row[0]), municipality=row[1], reader=row[2], purpose=row[3], ground=row[4],
            valid_from=row[5], valid_until=row[6], given=bool(row[7]),
        )  # fmt: skip

    def withdraw(self, handle: bytes, *, by: str, at: dt.datetime) -> None:
        """Close a mandate at once, whatever the road says later. A handle not known yet is closed in advance."""
        with self._begin() as c:
            c.execute(
                text("INSERT INTO withdrawn_here VALUES (:h, :b, :t) ON CONFLICT DO NOTHING"),
                {"h": handle, "b": by, "t": at},
            )

    def write_log(self, *, at_ms: int, handle: bytes, reader: str, mandate: Mandate | None, result: str) -> dict[str, Any]:
        """Append one access record, chained by hash to the one before; returns the `access_record` datum."""
        with self._begin() as c:
            c.execute(text("SELECT pg_advisory_xact_lock(:l)"), {"l": _LOG_LOCK})
            last = c.execute(text("SELECT sequence, hash FROM access_log ORDER BY sequence DESC LIMIT 1")).fetchone()
            record: dict[str, Any] = {
                "sequence": int(last[0]) + 1 if last else 1, "at_ms": at_ms, "handle": handle, "reader": reader,
                "purpose": mandate.purpose if mandate else "", "ground": mandate.ground if mandate else "",
                "result": result, "previous_hash": bytes(last[1]) if last else bytes(32),
            }  # fmt: skip
            record["hash"] = log_hash(record)
            c.execute(
                text(
                    "INSERT INTO access_log VALUES (:sequence, :at_ms, :handle, :reader, :purpose, :ground, :result, "
                    ":previous_hash, :hash)"
                ), record,
            )  # fmt: skip
        return record

    def log_head(self) -> bytes:
        """Hash of the last access record (zeros when there is none)."""
        with self._begin() as c:
            last = c.execute(text("SELECT hash FROM access_log ORDER BY sequence DESC LIMIT 1")).fetchone()
        return bytes(last[0]) if last else bytes(32)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def log_hash(record: dict[str, Any]) -> bytes:
    """Hash of an access record: SHA-256 over the encoded record with its own hash as zeros (the previous one included)."""
    return sha256(codec.encode("access_record", record | {"hash": bytes(32)}))


def known_person(person: bytes) -> bytes:
    """Check the shape of a person id. Raises `Refused` (`unreadable`)."""
    if len(person) != 16:
        raise Refused("unreadable", "A person id has 16 bytes.")
    return person
