"""The vault's store in memory, for tests of what stands on it. The contract suite holds it to what PostgreSQL does."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from keyvault import group
from keyvault.access_log import FIRST, GIVEN, LIMIT, LOOK, NOBODY, Access, chained
from keyvault.erasure_table import Erasure
from keyvault.key_table import KeyState
from keyvault.limits import MEDIAN_DAYS, Taken, turns_allowed
from keyvault.mandates import Mandate
from schemas.erasure import Proved
from schemas.errors import Unavailable
from schemas.orders import FIRST_LOAD, TURN, Order
from schemas.secrets import BoxKey, ScalarKey, SigningKey


@dataclass(slots=True)
class InMemoryVaultStore:
    """One process, one thread at a time. `away` makes every method raise `Unavailable`."""

    away: bool = False
    _named: dict[str, tuple[str, bytes]] = field(default_factory=dict, repr=False)
    _made: dict[str, tuple[str, dt.date]] = field(default_factory=dict)
    _ended: dict[str, dt.date] = field(default_factory=dict)
    _persons: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    _erased: dict[bytes, Erasure] = field(default_factory=dict, repr=False)
    _years: dict[tuple[int, int], bytes] = field(default_factory=dict, repr=False)
    _evaluations: dict[tuple[str, dt.date], tuple[int, int]] = field(default_factory=dict)
    _orders: dict[bytes, tuple[Order, int]] = field(default_factory=dict)
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
        name = use.removesuffix("/next")
        if use not in self._named:
            self._named[use] = (f"{name}-{today:%Y%m%d}-{os.urandom(3).hex()}", fresh)
            self._made[self._named[use][0]] = (name, today)
        return self._named[use]

    def pseudonym_key(self, today: dt.date) -> tuple[str, ScalarKey]:
        """As the port says."""
        key_id, raw = self._key("voprf", group.random_scalar().reveal(), today)
        return key_id, ScalarKey(raw)

    def next_pseudonym_key(self) -> tuple[str, ScalarKey] | None:
        """As the port says."""
        self._here()
        found = self._named.get("voprf/next")
        return found and (found[0], ScalarKey(found[1]))

    def take_turned(self, wanted: int, today: dt.date, *, key_id: str) -> int | None:
        """As the port says."""
        self._here()
        orders = [
            (o, used) for o, used in self._orders.values() if (o.kind, o.key_id) == (TURN, key_id) and o.until >= today
        ]
        left = sum(turns_allowed(o.number) - used for o, used in orders)
        if left < wanted:
            return None
        rest = wanted
        for order, used in orders:
            part = min(rest, turns_allowed(order.number) - used)
            self._orders[order.id] = (order, used + part)
            rest -= part
        return left - wanted

    def end_turn(self, *, old: str, new: str, today: dt.date) -> bool:
        """As the port says."""
        self._here()
        if (self._named["voprf"][0], self._named.get("voprf/next", ("",))[0]) != (old, new):
            return False
        self._ended[old] = today
        self._named["voprf"] = self._named.pop("voprf/next")
        return True

    def box_key(self, use: str, today: dt.date) -> tuple[str, BoxKey]:
        """As the port says."""
        key_id, raw = self._key(use, os.urandom(32), today)
        return key_id, BoxKey(raw)

    def leaving_box_key(self, use: str) -> BoxKey | None:
        """As the port says."""
        self._here()
        found = self._named.get(f"{use}/leaving")
        return found and BoxKey(found[1])

    def turn_box_key(self, use: str, today: dt.date) -> str | None:
        """As the port says."""
        self.box_key(use, today)
        if f"{use}/leaving" in self._named:
            return None
        self._named[f"{use}/leaving"] = self._named.pop(use)
        return self.box_key(use, today)[0]

    def settle_box_key(self, use: str, *, active: str, today: dt.date) -> bool:
        """As the port says."""
        leaving = self._named.get(f"{use}/leaving")
        if leaving is None or self.box_key(use, today)[0] != active:
            return False
        self._ended[self._named.pop(f"{use}/leaving")[0]] = today
        return True

    def key_states(self) -> list[KeyState]:
        """As the port says."""
        self._here()
        live = {key_id: name.partition("/")[2] or "active" for name, (key_id, _) in self._named.items()}
        return sorted(
            (
                KeyState(use, k, live.get(k, "destroyed"), day, self._ended.get(k))
                for k, (use, day) in self._made.items()
            ),
            key=lambda s: (s.use, s.made_on, s.key_id),
        )

    def person_keys(self, persons: Sequence[bytes], *, make: bool, today: dt.date) -> list[bytes | None]:  # noqa: ARG002 - the port's
        """As the port says."""
        self._here()
        if make:
            for person in persons:
                if person not in self._erased:
                    self._persons.setdefault(person, os.urandom(32))
        return [self._persons.get(p) for p in persons]

    def is_erased(self, person: bytes) -> bool:
        """Whether a person's key was destroyed."""
        return person in self._erased

    def erasure(self, request: bytes) -> Erasure | None:
        """As the port says."""
        self._here()
        return next((e for e in self._erased.values() if e.decision.request == request), None)

    def erase(self, person: bytes, *, by: Proved, at_ms: int, line: tuple[int, bytes]) -> None:
        """As the port says."""
        self._here()
        self._persons.pop(person, None)
        self._clients.pop(person, None)
        ended = [h for h, m in self._mandates.items() if m.person == person and m.given]
        for handle in ended:
            self._mandates[handle] = replace(self._mandates[handle], given=False)
        self._erased[person] = Erasure(person, by.decision, by.deciders, at_ms, len(ended), *line)

    def year_keys(self, partition: int, years: Sequence[int], today: dt.date) -> list[bytes | None]:  # noqa: ARG002 - the port's
        """As the port says."""
        self._here()
        return [self._years.setdefault((partition, year), os.urandom(32)) or None for year in years]

    def has_year_keys(self, partition: int, years: Sequence[int]) -> bool:
        """As the port says."""
        self._here()
        return any(self._years.get((partition, year)) for year in years)

    def destroy_years(self, partition: int, years: Sequence[int]) -> None:
        """As the port says."""
        self._here()
        self._years |= {(partition, year): b"" for year in years}

    def signing_key(self, today: dt.date) -> tuple[str, SigningKey]:
        """As the port says."""
        key_id, raw = self._key("receipts", os.urandom(32), today)
        return key_id, SigningKey(raw)

    def take_evaluations(self, caller: str, wanted: int, today: dt.date, *, per_day: int) -> Taken:
        """As the port says."""
        self._here()
        count, by_order = self._evaluations.get((caller, today), (0, 0))
        orders = [o for o in sorted(self._orders.values(), key=lambda o: (o[0].until, o[0].id))
                  if o[0].kind == FIRST_LOAD and o[0].caller == caller and o[0].until >= today]  # fmt: skip
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

    def place_order(self, order: Order, today: dt.date) -> bool:
        """As the port says."""
        self._here()
        if order.kind == TURN:
            self._key("voprf/next", group.random_scalar().reveal(), today)
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
                person = state.person if known is None else known.person
                given = state.given and (known is None or known.given) and person not in self._erased
                self._mandates[state.handle] = replace(state, given=given, person=person)
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
        client = NOBODY if access.person == NOBODY else self._clients.setdefault(access.person, os.urandom(16))
        if access.result == GIVEN and access.action == LOOK:
            households = {
                r["household"] for r in self._log
                if (r["who"], r["action"], r["result"]) == (access.who, LOOK, GIVEN) and r["at_ms"] >= since_ms
            } - {access.household}  # fmt: skip
            access = replace(access, result=LIMIT, sections=()) if len(households) >= most else access
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

    def log_of(self, person: bytes, household: bytes, *, limit: int, before_ms: int = 0) -> list[dict[str, Any]]:
        """As the port says."""
        self._here()
        client = self._clients.get(person)
        own = (r for r in reversed(self._log) if r["client"] == client or r["household"] == household)
        return [r for r in own if not before_ms or r["at_ms"] < before_ms][:limit]

    def log_published(self, sequence: int) -> None:
        """As the port says."""
        self._here()
        self._published = max(self._published, sequence)

    def log_head(self) -> tuple[int, bytes]:
        """As the port says."""
        self._here()
        return (len(self._log), bytes(self._log[-1]["hash"])) if self._log else (0, FIRST)
