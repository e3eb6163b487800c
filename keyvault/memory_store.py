"""The vault's store in memory, for tests of what stands on it. The contract suite holds it to what PostgreSQL does."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from keyvault import voprf
from keyvault.access_log import FIRST, GIVEN, LIMIT, LOOK, NOBODY, Access, chained
from keyvault.limits import MEDIAN_DAYS, Taken
from keyvault.mandates import Mandate
from schemas.errors import Unavailable
from schemas.orders import EvaluationOrder
from schemas.secrets import BoxKey, ScalarKey


@dataclass(slots=True)
class InMemoryVaultStore:
    """One process, one thread at a time. `away` makes every method raise `Unavailable`."""

    away: bool = False
    _named: dict[str, tuple[str, bytes]] = field(default_factory=dict, repr=False)
    _persons: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    _evaluations: dict[tuple[str, dt.date], tuple[int, int]] = field(default_factory=dict)
    _orders: dict[bytes, tuple[EvaluationOrder, int]] = field(default_factory=dict)
    _mandates: dict[bytes, Mandate] = field(default_factory=dict)
    _withdrawn: set[tuple[bytes, str]] = field(default_factory=set)
    _offsets: dict[int, int] = field(default_factory=dict)
    _clients: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    _log: list[dict[str, Any]] = field(default_factory=list)
    _published: int = 0

    def _here(self) -> None:
        if self.away:
            msg = "PostgreSQL is away."
            raise Unavailable(msg)

    def _key(self, use: str, fresh: bytes, today: dt.date) -> tuple[str, bytes]:
        self._here()
        return self._named.setdefault(use, (f"{use}-{today:%Y%m%d}-{os.urandom(3).hex()}", fresh))

    def pseudonym_key(self, today: dt.date) -> tuple[str, ScalarKey]:
        """As the port says."""
        key_id, raw = self._key("voprf", voprf.random_scalar().reveal(), today)
        return key_id, ScalarKey(raw)

    def box_key(self, use: str, today: dt.date) -> tuple[str, BoxKey]:
        """As the port says."""
        key_id, raw = self._key(use, os.urandom(32), today)
        return key_id, BoxKey(raw)

    def person_keys(self, persons: Sequence[bytes], *, make: bool, today: dt.date) -> list[bytes | None]:  # noqa: ARG002 - the port's
        """As the port says."""
        self._here()
        if make:
            for person in persons:
                self._persons.setdefault(person, os.urandom(32))
        return [self._persons.get(p) for p in persons]

    def take_evaluations(self, caller: str, wanted: int, today: dt.date, *, per_day: int) -> Taken:
        """As the port says."""
        self._here()
        count, by_order = self._evaluations.get((caller, today), (0, 0))
        orders = [o for o in sorted(self._orders.values(), key=lambda o: (o[0].until, o[0].id))
                  if o[0].caller == caller and o[0].until >= today]  # fmt: skip
        standing = max(0, per_day - (count - by_order))
        available = standing + sum(order.number - used for order, used in orders)
        granted = min(wanted, available)
        rest = ordered = max(0, granted - standing)
        for order, used in orders:
            part = min(rest, order.number - used)
            self._orders[order.id] = (order, used + part)
            rest -= part
        self._evaluations[caller, today] = (count + granted, by_order + ordered)
        return Taken(granted, available - granted, max(0, standing - granted))

    def place_order(self, order: EvaluationOrder) -> bool:
        """As the port says."""
        self._here()
        fresh = order.id not in self._orders
        self._orders.setdefault(order.id, (order, 0))
        return fresh

    def evaluation_days(self, today: dt.date) -> tuple[int, list[int]]:
        """As the port says."""
        self._here()
        days: dict[dt.date, int] = {}
        for (_, day), (count, _) in self._evaluations.items():
            if count and today - dt.timedelta(days=MEDIAN_DAYS) < day <= today:
                days[day] = days.get(day, 0) + count
        return days.pop(today, 0), list(days.values())

    def mandates_next_offset(self, partition: int) -> int:
        """As the port says."""
        self._here()
        return self._offsets.get(partition, 0)

    def learn_mandates(self, states: Sequence[Mandate], *, partition: int, next_offset: int) -> None:
        """As the port says."""
        self._here()
        for state in states:
            known = self._mandates.get(state.handle)
            if known is None or state.revision >= known.revision:
                self._mandates[state.handle] = replace(state, given=state.given and (known is None or known.given))
        self._offsets[partition] = max(next_offset, self._offsets.get(partition, 0))

    def mandate(self, handle: bytes) -> Mandate | None:
        """As the port says."""
        self._here()
        found = self._mandates.get(handle)
        return found and replace(found, given=found.given and (handle, found.gemeente) not in self._withdrawn)

    def withdraw(self, handle: bytes, *, by: str, at: dt.datetime) -> None:  # noqa: ARG002 - the port's
        """As the port says."""
        self._here()
        self._withdrawn.add((handle, by))

    def write_log(self, access: Access, *, most: int, since_ms: int) -> dict[str, Any]:
        """As the port says."""
        self._here()
        client = self._clients.setdefault(access.mandate.person, os.urandom(16)) if access.mandate else NOBODY
        if access.result == GIVEN and access.action == LOOK:
            clients = {
                r["client"] for r in self._log
                if (r["who"], r["action"], r["result"]) == (access.who, LOOK, GIVEN) and r["at_ms"] >= since_ms
            } - {client}  # fmt: skip
            access = replace(access, result=LIMIT, sections=()) if len(clients) >= most else access
        sequence, head = self.log_head()
        self._log.append(chained(access, client=client, sequence=sequence + 1, previous_hash=head))
        return self._log[-1]

    def unpublished_log(self, limit: int) -> list[dict[str, Any]]:
        """As the port says."""
        self._here()
        return self._log[self._published : self._published + limit]

    def log_lines(self, *, after: int, limit: int) -> list[dict[str, Any]]:
        """As the port says."""
        self._here()
        return self._log[after : after + limit]

    def log_of(self, person: bytes, household: bytes, *, limit: int) -> list[dict[str, Any]]:
        """As the port says."""
        self._here()
        client = self._clients.get(person)
        return [r for r in reversed(self._log) if r["client"] == client or r["household"] == household][:limit]

    def log_published(self, sequence: int) -> None:
        """As the port says."""
        self._here()
        self._published = max(self._published, sequence)

    def log_head(self) -> tuple[int, bytes]:
        """As the port says."""
        self._here()
        return (len(self._log), bytes(self._log[-1]["hash"])) if self._log else (0, FIRST)
