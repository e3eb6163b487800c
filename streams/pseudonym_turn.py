"""Turning intake's elements to a new pseudonym key of the vault, or to a new scalar of its own: no BSN is sent, every person stays.

In batches, each its own transaction, beside the deliveries: rows of the coming generation are added while windows go on with the one in use.
When none is missing, windows are held back for the last few, and the coming one is in use. A process that is killed leaves what it
committed, and any other goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from prometheus_client import CollectorRegistry, Gauge

from keyvault import group
from keyvault.client import PublicKey
from schemas.errors import ContractBroken, Unavailable
from schemas.secrets import ScalarKey
from streams import pseudonym_table as table
from streams.hop_store import PostgresHopStore, Transaction

EVERY_SECONDS: Final = 0.5
_WORK_SECONDS: Final = 0.5
_LARGEST_BATCH: Final = 1_000
_FORGET_AT_ONCE: Final = 5_000
_COUNT_EVERY_SECONDS: Final = 10.0


class Turner(Protocol):
    """The vault, as far as a turn needs it."""

    def turned(self, elements: list[bytes], *, old: PublicKey, new: PublicKey) -> list[bytes]:
        """Up to 1,000 elements of the old key as those of the new one, proved. Raises `Unavailable`, `ContractBroken`."""
        ...

    def end_turn(self, *, old: str, new: str) -> None:
        """Nothing is left under the old key."""
        ...


class TurnMetrics:
    """How far a turn is."""

    def __init__(self, registry: CollectorRegistry, role: str = "intake") -> None:
        """Gauges of intake."""

        def gauge(name: str, what: str) -> Any:
            return Gauge(f"zorgstroom_pseudonym_{name}", what, ["role"], registry=registry).labels(role)

        self.elements = gauge("elements", "Elements of the pseudonym key in use.")
        self.turned = gauge("turned", "Of those, how many are turned to the coming key.")
        self.turning = gauge("turning", "1 while elements are turned to another pseudonym key.")
        self.waits = gauge("turn_waits", "1 while the turn waits for the keyvault, or for an order.")
        self.next_scalar = gauge("next_scalar_in_use", "1 once the table is made with the scalar that was to come.")


@dataclass(slots=True)
class PseudonymTurn:
    """Does a little of a turn at a time. Not shared between threads.

    `latest`: the vault's key that the root signed last; `pinned`: any of them by id; `scalars`: intake's own by print, the last is
    the one to be in use.
    """

    store: PostgresHopStore
    vault: Turner
    latest: Callable[[], PublicKey]
    pinned: Callable[[str], PublicKey | None]
    scalars: Mapping[bytes, ScalarKey]
    metrics: TurnMetrics
    log: Any
    _after: bytes = b""
    _batch: int = 1
    _counted: float = field(default=float("-inf"))
    _waits: bool = False

    def prepare(self) -> None:
        """The first pair of keys, where the table has none yet."""
        with self.store.transaction() as tx:
            table.begin(tx, key_id=self.latest().key_id, scalar_print=self._last_print(), state=table.IN_USE)

    def work(self) -> None:
        """Work for a while where something is to be turned; waits for what is away without holding up deliveries. Raises `ContractBroken`."""
        until = time.monotonic() + _WORK_SECONDS
        try:
            while self.step() and time.monotonic() < until:
                pass
        except Unavailable as away:
            if not self._waits:
                self.log.warning("turn waits", reason=str(away))
            self._waits = True
        else:
            if self._waits:
                self.log.info("turn goes on")
            self._waits = False
        self.metrics.waits.set(self._waits)

    def step(self) -> bool:
        """One transaction; whether there is more to do."""
        with self.store.transaction() as tx:
            now = table.generations(tx)
            self._count(tx, now[table.IN_USE])
            self.metrics.turning.set(table.COMING in now)
            self.metrics.next_scalar.set(
                len(self.scalars) > 1
                and now[table.IN_USE].scalar_print == self._last_print()
                and table.LEAVING not in now
            )
            wanted = (self.latest().key_id, self._last_print())
            if len(now) == 1 and (now[table.IN_USE].key_id, now[table.IN_USE].scalar_print) == wanted:
                return False
            if not table.alone(tx):
                return False
            now = table.generations(tx)
            if table.LEAVING in now:
                return self._leave(tx, now[table.LEAVING], now[table.IN_USE])
            if table.COMING in now:
                return self._turn(tx, now[table.IN_USE], now[table.COMING])
            self._scalar(now[table.IN_USE])
            table.begin(tx, key_id=wanted[0], scalar_print=wanted[1], state=table.COMING)
            total = table.count(tx, now[table.IN_USE].number)
        self._after, self._counted = b"", float("-inf")
        self.log.info("turn begins", elements=total, key=wanted[0])
        return True

    def _last_print(self) -> bytes:
        return list(self.scalars)[-1]

    def _count(self, tx: Transaction, used: table.Generation) -> None:
        if time.monotonic() - self._counted < _COUNT_EVERY_SECONDS:
            return
        self._counted = time.monotonic()
        total = table.count(tx, used.number)
        self._batch = min(
            _LARGEST_BATCH, max(1, total // 100)
        )  # a batch lost by a kill is counted twice: a hundredth at most
        coming = table.generations(tx).get(table.COMING)
        self.metrics.elements.set(total)
        self.metrics.turned.set(table.count(tx, coming.number) if coming else 0)

    def _turn(self, tx: Transaction, old: table.Generation, new: table.Generation) -> bool:
        rows = table.not_turned(tx, old.number, new.number, after=self._after, limit=self._batch)
        if rows:
            self._turn_rows(tx, old, new, rows)
            self._after = rows[-1][0]
            return True
        if self._after:  # what came meanwhile may lie anywhere: once more from the beginning
            self._after = b""
            return True
        table.hold_back_windows(tx)
        while rows := table.not_turned(tx, old.number, new.number, after=b"", limit=self._batch):
            self._turn_rows(tx, old, new, rows)
        table.change_over(tx)
        self._counted = float("-inf")
        self.log.info("turned", elements=table.count(tx, new.number), key=new.key_id)
        return True

    def _turn_rows(
        self, tx: Transaction, old: table.Generation, new: table.Generation, rows: list[tuple[bytes, bytes]]
    ) -> None:
        elements = [e for e, _ in rows]
        if old.key_id != new.key_id:
            elements = self.vault.turned(elements, old=self._pin(old.key_id), new=self._pin(new.key_id))
        if old.scalar_print != new.scalar_print:
            factor = group.quotient(self._scalar(new), self._scalar(old)).reveal()
            elements = [group.multiply(factor, e) for e in elements]
        table.save_persons(tx, new.number, dict(zip(elements, (p for _, p in rows), strict=True)))
        self.metrics.turned.inc(len(rows))

    def _leave(self, tx: Transaction, old: table.Generation, new: table.Generation) -> bool:
        """Nothing uses the old pair anymore: the vault destroys its key, and the rows go."""
        if old.key_id != new.key_id:
            self.vault.end_turn(old=old.key_id, new=new.key_id)
        if table.forget_some(tx, old.number, _FORGET_AT_ONCE) < _FORGET_AT_ONCE:
            self.log.info("turn ended", gone=old.key_id)
            self._counted = float("-inf")
        return True

    def _pin(self, key_id: str) -> PublicKey:
        found = self.pinned(key_id)
        if found is None:
            msg = f"The pseudonym key {key_id} is not signed by the network's root."
            raise ContractBroken(msg)
        return found

    def _scalar(self, generation: table.Generation) -> bytes:
        found = self.scalars.get(generation.scalar_print)
        if found is None:
            msg = "One of the two scalars between which intake's table is turned is gone; give it back until the turn has ended."
            raise ContractBroken(msg)
        return found.reveal()
