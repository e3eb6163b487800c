"""PostgreSQL behind the vault. Every key in it is wrapped under a key that is not in it, bound to its table and row.

Its port is `keyvault.ports.Store`; the tables are in `keyvault.tables`. Messages of the database never leave this module:
they may repeat a row.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from keyvault import erasure_table, key_table, log_table, mandate_table, order_table, tables
from keyvault.access_log import Access
from keyvault.erasure_table import Erasure
from keyvault.key_table import KeyState
from keyvault.limits import Taken
from keyvault.mandates import Mandate
from keyvault.wrapping import Wrapping
from schemas.erasure import Proved
from schemas.errors import Unavailable
from schemas.orders import TURN, Order
from schemas.secrets import BoxKey, ScalarKey, SigningKey, WrappingKey


class VaultStore:
    """Safe to use from several threads. Every method raises `Unavailable` when the database is away."""

    def __init__(self, dsn: str, wrapping: WrappingKey) -> None:
        """`wrapping` comes from outside the database and is never written to it."""
        self._engine: Engine = create_engine(
            dsn.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=8, pool_pre_ping=True, pool_timeout=10,
            hide_parameters=True, connect_args={"connect_timeout": 5},
        )  # fmt: skip
        self._wrapping = Wrapping(wrapping)

    def prepare(self, today: dt.date) -> None:
        """Bring the tables to today's form and make the first keys of each use.

        Raises `ContractBroken` when what is there was wrapped under another key or belongs to a newer version.
        """
        with self.transaction() as c:
            tables.prepare(c)
        self.pseudonym_key(today)
        self.signing_key(today)
        for use in ("placement", "section"):
            self.box_key(use, today)
        with self.transaction() as c:
            c.execute(
                text("INSERT INTO vault_wrapping (print, since) VALUES (:p, :d) ON CONFLICT DO NOTHING"),
                {"p": self._wrapping.print, "d": today},
            )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction, also for what stands beside these tables. Raises `Unavailable`."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except (OperationalError, InterfaceError, PoolExhausted) as away:
            msg = "PostgreSQL is away."
            raise Unavailable(msg) from away

    # --- keys -----------------------------------------------------------------------------------------------------

    def _named(self, use: str, make: bytes, today: dt.date) -> tuple[str, bytes]:
        """The active key of a use, made at first need: (key id, secret)."""
        with self.transaction() as c:
            found = key_table.in_state(c, self._wrapping, use)
        if found is not None:
            return found
        with self.transaction() as c:
            return key_table.made(c, self._wrapping, use, make, today)

    def pseudonym_key(self, today: dt.date) -> tuple[str, ScalarKey]:
        """The pseudonym key and its id."""
        key_id, raw = self._named(key_table.PSEUDONYM, key_table.fresh_pseudonym_key(), today)
        return key_id, ScalarKey(raw)

    def next_pseudonym_key(self) -> tuple[str, ScalarKey] | None:
        """The key the pseudonym key is turned to, and its id; None where no turn was ordered."""
        with self.transaction() as c:
            found = key_table.in_state(c, self._wrapping, key_table.PSEUDONYM, key_table.NEXT)
        return found and (found[0], ScalarKey(found[1]))

    def take_turned(self, wanted: int, today: dt.date, *, key_id: str) -> int | None:
        """Count elements that turn away from a key, all or none; what its orders still allow after that, None where it is too many."""
        with self.transaction() as c:
            return order_table.take_turned(c, wanted, today, key_id=key_id)

    def end_turn(self, *, old: str, new: str, today: dt.date) -> bool:
        """Put the next pseudonym key in the place of the old one, which is destroyed. False where that was done before."""
        with self.transaction() as c:
            return key_table.replace_active(c, key_table.PSEUDONYM, old=old, new=new, today=today)

    def box_key(self, use: str, today: dt.date) -> tuple[str, BoxKey]:
        """The `placement` or `section` key and its id."""
        key_id, raw = self._named(use, os.urandom(32), today)
        return key_id, BoxKey(raw)

    def leaving_box_key(self, use: str) -> BoxKey | None:
        """The key of a use that still opens what was sealed to it, and nothing is sealed to any more."""
        with self.transaction() as c:
            found = key_table.in_state(c, self._wrapping, use, key_table.LEAVING)
        return found and BoxKey(found[1])

    def turn_box_key(self, use: str, today: dt.date) -> str | None:
        """Make a further key of a use; the one before is leaving. Its id, or None while an earlier one is still leaving."""
        self.box_key(use, today)
        with self.transaction() as c:
            return key_table.turn(c, self._wrapping, use, os.urandom(32), today)

    def settle_box_key(self, use: str, *, active: str, today: dt.date) -> bool:
        """Destroy what is leaving, if `active` names the active key. False where nothing was leaving, or it does not."""
        with self.transaction() as c:
            return key_table.settle(c, use, active=active, today=today)

    def key_states(self) -> list[KeyState]:
        """All named keys there are and were, without their bytes."""
        with self.transaction() as c:
            wrapping = c.execute(text("SELECT print, since FROM vault_wrapping")).fetchone()
            lies_under = (
                [KeyState("wrapping", bytes(wrapping[0]).hex(), key_table.ACTIVE, wrapping[1])] if wrapping else []
            )
            return key_table.states(c) + lies_under

    def person_keys(self, persons: Sequence[bytes], *, make: bool, today: dt.date) -> list[bytes | None]:
        """Keys of persons in the order asked; made where absent if `make`, else None there."""
        wanted = list(dict.fromkeys(persons))
        with self.transaction() as c:
            found = self._select_keys(c, wanted)
            absent = sorted(p for p in wanted if p not in found)  # in one order, or two ledgers wait for each other
            if absent and make:
                found |= self._made(c, {p: os.urandom(32) for p in absent}, today)
                found |= self._select_keys(c, [p for p in absent if p not in found])  # another was faster
        return [found.get(p) for p in persons]

    def _made(self, c: Connection, fresh: dict[bytes, bytes], today: dt.date) -> dict[bytes, bytes]:
        wrapped = [self._wrapping.wrap(key, b"person_keys/" + person) for person, key in fresh.items()]
        rows = c.exec_driver_sql(
            "INSERT INTO person_keys SELECT p, %s, w FROM unnest(%b::bytea[], %b::bytea[]) AS n(p, w) "
            "WHERE NOT EXISTS (SELECT 1 FROM erased_persons e WHERE e.person = n.p) ON CONFLICT DO NOTHING RETURNING person",
            (today, list(fresh), wrapped),
        )
        return {bytes(p): fresh[bytes(p)] for (p,) in rows}

    def _select_keys(self, c: Connection, persons: list[bytes]) -> dict[bytes, bytes]:
        if not persons:
            return {}
        rows = c.exec_driver_sql("SELECT person, wrapped FROM person_keys WHERE person = ANY(%b)", (persons,))
        return {bytes(p): self._wrapping.unwrap(bytes(w), b"person_keys/" + bytes(p)) for p, w in rows}

    # --- erasure --------------------------------------------------------------------------------------------------

    def erasure(self, request: bytes) -> Erasure | None:
        """What a request to erase came to; None where nobody was erased on it."""
        with self.transaction() as c:
            return erasure_table.erasure(c, request)

    def erase(self, person: bytes, *, by: Proved, at_ms: int, line: tuple[int, bytes]) -> None:
        """Destroy a person's key and end every mandate for him or her, for good. `line`: number and hash in the access log."""
        with self.transaction() as c:
            erasure_table.erase(c, person, by=by, at_ms=at_ms, line=line)

    def year_keys(self, partition: int, years: Sequence[int], today: dt.date) -> list[bytes | None]:
        """The keys of service years in a partition of the ledger, made where absent; None where one was destroyed."""
        with self.transaction() as c:
            return erasure_table.year_keys(c, self._wrapping, partition, years, today)

    def has_year_keys(self, partition: int, years: Sequence[int]) -> bool:
        """Whether any of these years has a key in a partition."""
        with self.transaction() as c:
            return erasure_table.has_year_keys(c, partition, years)

    def destroy_years(self, partition: int, years: Sequence[int]) -> None:
        """Destroy the keys of years in a partition, for good."""
        with self.transaction() as c:
            erasure_table.destroy_years(c, partition, years)

    def signing_key(self, today: dt.date) -> tuple[str, SigningKey]:
        """The key that signs receipts, and its id."""
        key_id, raw = self._named("receipts", os.urandom(32), today)
        return key_id, SigningKey(raw)

    def take_evaluations(self, caller: str, wanted: int, today: dt.date, *, per_day: int) -> Taken:
        """Count up to `wanted` evaluations for a caller, from the day's limit first, then from orders in force; never more."""
        with self.transaction() as c:
            return order_table.take(c, caller, wanted, today, per_day=per_day)

    def place_order(self, order: Order, today: dt.date) -> bool:
        """Keep an order; False where it is there already: an order placed twice is one. One to turn makes the next key."""
        with self.transaction() as c:
            if order.kind == TURN:
                key_table.made(
                    c, self._wrapping, key_table.PSEUDONYM, key_table.fresh_pseudonym_key(), today, state=key_table.NEXT
                )
            return order_table.place_order(c, order)

    def evaluation_days(self, today: dt.date) -> tuple[int, list[int]]:
        """Evaluations of today, and of each earlier day of the last four weeks that had any."""
        with self.transaction() as c:
            return order_table.days(c, today)

    # --- mandates -------------------------------------------------------------------------------------------------

    def mandates_next_offset(self, partition: int) -> int:
        """Where to go on reading mandates.v1."""
        with self.transaction() as c:
            return mandate_table.next_offset(c, partition)

    def learn_mandates(self, states: Sequence[Mandate], *, partition: int, next_offset: int) -> None:
        """Take in mandate states and move the offset, in one transaction. What was withdrawn stays so; an older revision is passed over."""
        with self.transaction() as c:
            mandate_table.learn(c, states, partition=partition, next_offset=next_offset)

    def mandate(self, handle: bytes) -> Mandate | None:
        """A mandate; `given` is False once it was withdrawn by the road, or at the vault by its own municipality."""
        with self.transaction() as c:
            return mandate_table.mandate(c, handle)

    def withdraw(self, handle: bytes, *, by: str, at: dt.datetime) -> None:
        """Close a mandate at once, whatever the road says later. A handle not known yet is closed in advance."""
        with self.transaction() as c:
            mandate_table.withdraw(c, handle, by=by, at=at)

    # --- access log -----------------------------------------------------------------------------------------------

    def write_log(self, access: Access, *, most: int, since_ms: int) -> dict[str, Any]:
        """Append one access record to the chain; returns the `access_record` datum.

        A look that would be given becomes `household-limit` where its reader was given looks at `most` other households
        since `since_ms`: counted in the same transaction, so that no two at once pass it.
        """
        with self.transaction() as c:
            return log_table.write(c, access, most=most, since_ms=since_ms)

    def unpublished_log(self, limit: int) -> list[dict[str, Any]]:
        """The oldest records not yet known to be acknowledged by Kafka, in order."""
        return self._log(
            "WHERE sequence > (SELECT sequence FROM access_log_published) ORDER BY sequence LIMIT :n", n=limit
        )

    def log_lines(self, *, after: int, limit: int) -> list[dict[str, Any]]:
        """Records after a sequence, in order."""
        return self._log("WHERE sequence > :a ORDER BY sequence LIMIT :n", a=after, n=limit)

    def log_of(self, person: bytes, household: bytes, *, limit: int, before_ms: int = 0) -> list[dict[str, Any]]:
        """Records about a person, or about the household a record of that person shows, newest first."""
        return self._log(
            "WHERE (client = (SELECT client FROM log_clients WHERE person = :p) OR household = :h) AND (:b = 0 OR at_ms < :b) "
            "ORDER BY sequence DESC LIMIT :n", p=person, h=household, n=limit, b=before_ms,
        )  # fmt: skip

    def _log(self, condition: str, **values: Any) -> list[dict[str, Any]]:
        with self.transaction() as c:
            return log_table.select(c, condition, **values)

    def log_published(self, sequence: int) -> None:
        """All records up to this one are acknowledged."""
        with self.transaction() as c:
            c.execute(text("UPDATE access_log_published SET sequence = GREATEST(sequence, :s)"), {"s": sequence})

    def log_head(self) -> tuple[int, bytes]:
        """Number and hash of the last access record (0 and zeros when there is none)."""
        with self.transaction() as c:
            return log_table.head(c)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
