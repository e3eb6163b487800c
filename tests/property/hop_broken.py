"""Hop protocols with one promise broken each. The machine of `test_hop_properties` must find every one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from streams.hop import Output
from streams.hop_engine import HopEngine
from streams.hop_store import OutboxRow
from streams.outbox import OutboxSender
from tests.property.hop_memory import MemoryHopStore, Tables


class OutboxAfterwards(MemoryHopStore):
    @contextmanager
    def transaction(self) -> Iterator[Tables]:
        with super().transaction() as tx:
            before = dict(tx.outbox)
            yield tx
            late = {i: row for i, row in tx.outbox.items() if i not in before}
            tx.outbox = {i: row for i, row in tx.outbox.items() if i in before}
        self.database.tables.outbox |= late


class NumbersAtOnce(MemoryHopStore):
    def save_numbers(self, tx: Tables, numbers: dict[bytes, int]) -> None:
        self.database.tables.streams |= numbers
        super().save_numbers(tx, numbers)


class OffsetsAtOnce(MemoryHopStore):
    def save_offsets(self, tx: Tables, offsets: dict[int, int]) -> None:
        self.database.tables.offsets |= offsets
        super().save_offsets(tx, offsets)


class OutputNumbersAtOnce(MemoryHopStore):
    def add_outputs(self, tx: Tables, outputs: Sequence[Output]) -> list[OutboxRow]:
        rows = super().add_outputs(tx, outputs)
        self.database.tables.numbers |= tx.numbers
        return rows


class DeletedAtOnce(MemoryHopStore):
    """The rows go out of the outbox in the transaction that made them: sent from memory only."""

    def add_outputs(self, tx: Tables, outputs: Sequence[Output]) -> list[OutboxRow]:
        rows = super().add_outputs(tx, outputs)
        tx.outbox.clear()
        return rows


class NoLookForOthers(HopEngine):
    """Sends only what its own windows made, whoever was there in between."""

    def process(self, window: Sequence[Any], acknowledged: Sequence[int] = ()) -> list[OutboxRow]:
        with self.store.transaction() as tx:
            self._done |= self.store.next_offsets(tx, sorted({record.partition for record, _ in window}))
        return super().process(window, acknowledged)


class NothingFirst(HopEngine):
    """Takes over without sending what is left, and never looks for it."""

    def take_over(self, partitions: Sequence[int]) -> list[OutboxRow]:
        super().take_over(partitions)
        return []


class DeafSender(OutboxSender):
    """Takes a record for acknowledged once it is handed over."""

    def _produce(self, rows: Sequence[OutboxRow], start: int, acked: list[bool]) -> None:
        super()._produce(rows, start, list(acked))
        acked[start:] = [True] * (len(acked) - start)


class OnlyTheFailedAgain(OutboxSender):
    """Sends again what failed, not what followed it."""

    def _send(self, rows: Sequence[OutboxRow]) -> None:
        waiting = list(rows)
        while waiting and not self._stopping.is_set():
            acked = [False] * len(waiting)
            self._produce(waiting, 0, acked)
            while self._producer.flush(1) and not self._stopping.is_set():
                pass
            with self._lock:
                self._done.extend(r.id for r, well in zip(waiting, acked, strict=True) if well)
            waiting = [r for r, well in zip(waiting, acked, strict=True) if not well]


class ReceiptsAmongTheRest(OutboxSender):
    """Sends final receipts where they stand, and not after the rest is acknowledged."""

    def _run(self) -> None:
        while (rows := self._windows.get()) is not None:
            self._send(rows)
            self._windows.task_done()


BROKEN: Final[dict[str, dict[str, Any]]] = {
    "an outbox written after the transaction": {"store_type": OutboxAfterwards},
    "last numbers written outside the transaction": {"store_type": NumbersAtOnce},
    "next offsets written outside the transaction": {"store_type": OffsetsAtOnce},
    "output numbers written outside the transaction": {"store_type": OutputNumbersAtOnce},
    "an outbox emptied before anything is acknowledged": {"store_type": DeletedAtOnce},
    "a worker that does not look for what another committed": {"engine_type": NoLookForOthers},
    "a worker that takes over without sending what is left": {"engine_type": NothingFirst},
}
