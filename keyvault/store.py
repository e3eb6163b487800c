"""PostgreSQL behind the vault. Every key in it is wrapped under a key that is not in it, bound to its table and row.

Its port is `keyvault.ports.Store`; the tables are in `keyvault.tables`. Messages of the database never leave this module:
they may repeat a row.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from keyvault import evaluation_table, tables, voprf
from keyvault.access_log import FIRST, GIVEN, LIMIT, LOOK, NOBODY, Access, chained
from keyvault.limits import Taken
from keyvault.mandates import Mandate, gemeente_of
from schemas.errors import ContractBroken, Refused, Unavailable
from schemas.orders import EvaluationOrder
from schemas.sealing import open_under, seal_under
from schemas.secrets import BoxKey, DataKey, ScalarKey, WrappingKey

_NAMED_LOCK: Final = 7_201_002
_LOG_LOCK: Final = 7_201_003
_MANDATE_FIELDS: Final = (
    "handle", "person", "municipality", "reader", "purpose", "ground", "valid_from", "valid_until", "state", "revision", "grantor",
)  # fmt: skip
_LOG_FIELDS: Final = (
    "sequence", "at_ms", "action", "sections", "client", "household", "handle", "who", "source", "municipality", "grantor", "purpose",
    "ground", "result", "previous_hash", "hash",
)  # fmt: skip
_LOG_COLUMNS: Final = ", ".join(_LOG_FIELDS)


class VaultStore:
    """Safe to use from several threads. Every method raises `Unavailable` when the database is away."""

    def __init__(self, dsn: str, wrapping: WrappingKey) -> None:
        """`wrapping` comes from outside the database and is never written to it."""
        self._engine: Engine = create_engine(
            dsn.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=8, pool_pre_ping=True, pool_timeout=10,
            hide_parameters=True, connect_args={"connect_timeout": 5},
        )  # fmt: skip
        self._wrapping = DataKey(wrapping.reveal())

    def prepare(self, today: dt.date) -> None:
        """Bring the tables to today's form and make the first keys of each use.

        Raises `ContractBroken` when what is there was wrapped under another key or belongs to a newer version.
        """
        with self._begin() as c:
            tables.prepare(c)
        self.pseudonym_key(today)
        for use in ("placement", "section"):
            self.box_key(use, today)

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except (OperationalError, InterfaceError, PoolExhausted) as away:
            msg = "PostgreSQL is away."
            raise Unavailable(msg) from away

    def _wrap(self, secret: bytes, row: bytes) -> bytes:
        return seal_under(self._wrapping, secret, row)

    def _unwrap(self, wrapped: bytes, row: bytes) -> bytes:
        try:
            return open_under(self._wrapping, wrapped, row)
        except Refused as wrong:
            msg = "A key in the vault's database does not open with this wrapping key."
            raise ContractBroken(msg) from wrong

    # --- keys -----------------------------------------------------------------------------------------------------

    def _active(self, c: Connection, use: str) -> tuple[str, bytes] | None:
        row = c.execute(
            text("SELECT key_id, wrapped FROM named_keys WHERE use = :u AND state = 'active'"), {"u": use}
        ).fetchone()
        return row and (str(row[0]), self._unwrap(bytes(row[1]), f"named_keys/{use}/{row[0]}".encode()))

    def _named(self, use: str, make: bytes, today: dt.date) -> tuple[str, bytes]:
        """The active key of a use, made at first need: (key id, secret)."""
        with self._begin() as c:
            found = self._active(c, use)
        if found is not None:
            return found
        with self._begin() as c:
            c.execute(text("SELECT pg_advisory_xact_lock(:l)"), {"l": _NAMED_LOCK})
            found = self._active(c, use)
            if found is None:
                key_id = f"{use}-{today:%Y%m%d}-{os.urandom(3).hex()}"
                wrapped = self._wrap(make, f"named_keys/{use}/{key_id}".encode())
                c.execute(
                    text("INSERT INTO named_keys VALUES (:u, :k, 'active', :d, :w)"),
                    {"u": use, "k": key_id, "d": today, "w": wrapped},
                )
                found = key_id, make
        return found

    def pseudonym_key(self, today: dt.date) -> tuple[str, ScalarKey]:
        """The pseudonym key and its id."""
        key_id, raw = self._named("voprf", voprf.random_scalar().reveal(), today)
        return key_id, ScalarKey(raw)

    def box_key(self, use: str, today: dt.date) -> tuple[str, BoxKey]:
        """The `placement` or `section` key and its id."""
        key_id, raw = self._named(use, os.urandom(32), today)
        return key_id, BoxKey(raw)

    def person_keys(self, persons: Sequence[bytes], *, make: bool, today: dt.date) -> list[bytes | None]:
        """Keys of persons in the order asked; made where absent if `make`, else None there."""
        wanted = list(dict.fromkeys(persons))
        with self._begin() as c:
            found = self._select_keys(c, wanted)
            absent = sorted(p for p in wanted if p not in found)  # in one order, or two ledgers wait for each other
            if absent and make:
                found |= self._made(c, {p: os.urandom(32) for p in absent}, today)
                found |= self._select_keys(c, [p for p in absent if p not in found])  # another was faster
        return [found.get(p) for p in persons]

    def _made(self, c: Connection, fresh: dict[bytes, bytes], today: dt.date) -> dict[bytes, bytes]:
        wrapped = [self._wrap(key, b"person_keys/" + person) for person, key in fresh.items()]
        rows = c.exec_driver_sql(
            "INSERT INTO person_keys SELECT p, %s, w FROM unnest(%b::bytea[], %b::bytea[]) AS n(p, w) "
            "ON CONFLICT DO NOTHING RETURNING person",
            (today, list(fresh), wrapped),
        )
        return {bytes(p): fresh[bytes(p)] for (p,) in rows}

    def _select_keys(self, c: Connection, persons: list[bytes]) -> dict[bytes, bytes]:
        if not persons:
            return {}
        rows = c.exec_driver_sql("SELECT person, wrapped FROM person_keys WHERE person = ANY(%b)", (persons,))
        return {bytes(p): self._unwrap(bytes(w), b"person_keys/" + bytes(p)) for p, w in rows}

    def take_evaluations(self, caller: str, wanted: int, today: dt.date, *, per_day: int) -> Taken:
        """Count up to `wanted` evaluations for a caller, from the day's limit first, then from orders in force; never more."""
        with self._begin() as c:
            return evaluation_table.take(c, caller, wanted, today, per_day=per_day)

    def place_order(self, order: EvaluationOrder) -> bool:
        """Keep an order; False where it is there already: an order placed twice is one."""
        with self._begin() as c:
            return evaluation_table.place_order(c, order)

    def evaluation_days(self, today: dt.date) -> tuple[int, list[int]]:
        """Evaluations of today, and of each earlier day of the last four weeks that had any."""
        with self._begin() as c:
            return evaluation_table.days(c, today)

    # --- mandates -------------------------------------------------------------------------------------------------

    def mandates_next_offset(self, partition: int) -> int:
        """Where to go on reading mandates.v1."""
        with self._begin() as c:
            found = c.execute(
                text("SELECT next_offset FROM mandates_read WHERE partition = :p"), {"p": partition}
            ).scalar()
        return int(found or 0)

    def learn_mandates(self, states: Sequence[Mandate], *, partition: int, next_offset: int) -> None:
        """Take in mandate states and move the offset, in one transaction. What was withdrawn stays so; an older revision is passed over."""
        columns = ", ".join(_MANDATE_FIELDS)
        learn = text(
            f"INSERT INTO mandates ({columns}) VALUES ({', '.join(f':{n}' for n in _MANDATE_FIELDS)}) "  # noqa: S608 - constants
            "ON CONFLICT (handle) DO UPDATE SET purpose = EXCLUDED.purpose, ground = EXCLUDED.ground, "
            "valid_until = EXCLUDED.valid_until, revision = EXCLUDED.revision, grantor = EXCLUDED.grantor, "
            "state = CASE WHEN mandates.state = 'withdrawn' THEN mandates.state ELSE EXCLUDED.state END "
            "WHERE EXCLUDED.revision >= mandates.revision"
        )
        move = text(
            "INSERT INTO mandates_read VALUES (:p, :o) ON CONFLICT (partition) DO UPDATE "
            "SET next_offset = GREATEST(mandates_read.next_offset, EXCLUDED.next_offset)"
        )
        with self._begin() as c:
            for m in states:
                fields = {n: getattr(m, n) for n in _MANDATE_FIELDS if n != "state"}
                fields["state"] = "given" if m.given else "withdrawn"
                c.execute(learn, fields)
            c.execute(move, {"p": partition, "o": next_offset})

    def mandate(self, handle: bytes) -> Mandate | None:
        """A mandate; `given` is False once it was withdrawn by the road, or at the vault by its own municipality."""
        with self._begin() as c:
            columns = ", ".join(_MANDATE_FIELDS)
            row = c.execute(
                text(
                    f"SELECT {columns}, ARRAY(SELECT w.withdrawn_by FROM withdrawn_here w WHERE w.handle = m.handle) AS by_them "  # noqa: S608 - constants
                    "FROM mandates m WHERE handle = :h"
                ), {"h": handle},
            ).mappings().fetchone()  # fmt: skip
        if row is None:
            return None
        fields: dict[str, Any] = {
            n: bytes(row[n]) if n in ("handle", "person") else row[n] for n in _MANDATE_FIELDS if n != "state"
        }
        return Mandate(
            **fields, given=row["state"] == "given" and gemeente_of(row["municipality"]) not in row["by_them"]
        )

    def withdraw(self, handle: bytes, *, by: str, at: dt.datetime) -> None:
        """Close a mandate at once, whatever the road says later. A handle not known yet is closed in advance."""
        with self._begin() as c:
            c.execute(
                text(
                    "INSERT INTO withdrawn_here (handle, withdrawn_by, at) VALUES (:h, :b, :t) ON CONFLICT DO NOTHING"
                ),
                {"h": handle, "b": by, "t": at},
            )

    # --- access log -----------------------------------------------------------------------------------------------

    def write_log(self, access: Access, *, most: int, since_ms: int) -> dict[str, Any]:
        """Append one access record to the chain; returns the `access_record` datum.

        A look that would be given becomes `household-limit` where its reader was given looks at `most` other households
        since `since_ms`: counted in the same transaction, so that no two at once pass it.
        """
        others = text(
            "SELECT count(DISTINCT client) FROM access_log WHERE who = :w AND action = 'look' AND result = 'given' "
            "AND at_ms >= :s AND client <> :c"
        )
        with self._begin() as c:
            c.execute(text("SELECT pg_advisory_xact_lock(:l)"), {"l": _LOG_LOCK})
            client = self._client(c, access.mandate.person) if access.mandate else NOBODY
            if access.result == GIVEN and access.action == LOOK:
                seen = c.execute(others, {"w": access.who, "s": since_ms, "c": client}).scalar_one()
                access = replace(access, result=LIMIT, sections=()) if seen >= most else access
            last = c.execute(text("SELECT sequence, hash FROM access_log ORDER BY sequence DESC LIMIT 1")).fetchone()
            record = chained(
                access, client=client, sequence=int(last[0]) + 1 if last else 1,
                previous_hash=bytes(last[1]) if last else FIRST,
            )  # fmt: skip
            values = ", ".join(f":{name}" for name in _LOG_FIELDS)
            c.execute(text(f"INSERT INTO access_log ({_LOG_COLUMNS}) VALUES ({values})"), record)  # noqa: S608 - constants
        return record

    @staticmethod
    def _client(c: Connection, person: bytes) -> bytes:
        """What the log calls a person: random, so that a line tells nothing once the person's row is gone."""
        made = text("INSERT INTO log_clients VALUES (:p, :c) ON CONFLICT DO NOTHING")
        c.execute(made, {"p": person, "c": os.urandom(16)})
        return bytes(c.execute(text("SELECT client FROM log_clients WHERE person = :p"), {"p": person}).scalar_one())

    def unpublished_log(self, limit: int) -> list[dict[str, Any]]:
        """The oldest records not yet known to be acknowledged by Kafka, in order."""
        return self._log(
            "WHERE sequence > (SELECT sequence FROM access_log_published) ORDER BY sequence LIMIT :n", n=limit
        )

    def log_lines(self, *, after: int, limit: int) -> list[dict[str, Any]]:
        """Records after a sequence, in order."""
        return self._log("WHERE sequence > :a ORDER BY sequence LIMIT :n", a=after, n=limit)

    def log_of(self, person: bytes, household: bytes, *, limit: int) -> list[dict[str, Any]]:
        """Records about a person, or about the household a record of that person shows, newest first."""
        return self._log(
            "WHERE client = (SELECT client FROM log_clients WHERE person = :p) OR household = :h ORDER BY sequence DESC LIMIT :n",
            p=person, h=household, n=limit,
        )  # fmt: skip

    def _log(self, condition: str, **values: Any) -> list[dict[str, Any]]:
        with self._begin() as c:
            rows = c.execute(text(f"SELECT {_LOG_COLUMNS} FROM access_log {condition}"), values).fetchall()  # noqa: S608 - constants
        return [
            {n: bytes(v) if isinstance(v, memoryview) else v for n, v in zip(_LOG_FIELDS, r, strict=True)} for r in rows
        ]

    def log_published(self, sequence: int) -> None:
        """All records up to this one are acknowledged."""
        with self._begin() as c:
            c.execute(text("UPDATE access_log_published SET sequence = GREATEST(sequence, :s)"), {"s": sequence})

    def log_head(self) -> tuple[int, bytes]:
        """Number and hash of the last access record (0 and zeros when there is none)."""
        with self._begin() as c:
            last = c.execute(text("SELECT sequence, hash FROM access_log ORDER BY sequence DESC LIMIT 1")).fetchone()
        return (int(last[0]), bytes(last[1])) if last is not None else (0, FIRST)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
