"""Sends committed records: in order, again from the first failed one, receipts last.

A Kafka producer, however idempotent, loses records below later ones when the broker is long away; so nothing counts as sent
until everything before it is acknowledged.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from schemas.errors import ContractBroken
from streams.hop_store import OutboxRow
from streams.metrics import WorkerMetrics

AHEAD: Final = 4
"""Windows that may be committed and not yet sent: back-pressure."""
_PAUSE_SECONDS: Final = 0.5


class OutboxSender:
    """A thread that sends windows one after the other. `acknowledged()` gives the ids that may be deleted."""

    def __init__(
        self, settings: dict[str, Any], metrics: WorkerMetrics, *,
        producer: Callable[[dict[str, Any]], Any] = Producer, pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:  # fmt: skip
        """`settings`: librdkafka configuration with the role's certificate. `pause_seconds`: before sending again."""
        self._settings = {
            **settings, "enable.idempotence": True, "acks": "all", "linger.ms": 2, "message.timeout.ms": 30_000,
            "message.max.bytes": 2 * 1024 * 1024, "queue.buffering.max.messages": 200_000, "compression.type": "none",
        }  # fmt: skip
        self._metrics = metrics
        self._windows: queue.Queue[Sequence[OutboxRow] | None] = queue.Queue(maxsize=AHEAD)
        self._done: list[int] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._failed: BaseException | None = None
        self._new_producer, self._pause_seconds = producer, pause_seconds
        self._producer = producer(self._settings)
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def put(self, rows: Sequence[OutboxRow]) -> None:
        """Hand over a committed window; waits while four are on their way. Raises what ended the thread, if it ended."""
        if not rows:
            return
        self._metrics.outbox.inc(len(rows))
        while True:
            if self._failed is not None:
                raise self._failed
            with contextlib.suppress(queue.Full):
                self._windows.put(rows, timeout=1)
                return

    def acknowledged(self) -> list[int]:
        """Ids of records all of whose predecessors are acknowledged too, until they are told to be deleted."""
        with self._lock:
            return list(self._done)

    def forget(self, deleted: Sequence[int]) -> None:
        """These ids, the first that `acknowledged` gave, are deleted: the transaction that did it is committed."""
        with self._lock:
            del self._done[: len(deleted)]

    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return self._windows.unfinished_tasks == 0

    def stop(self, *, seconds: float = 5) -> None:
        """Send what is waiting as far as possible within `seconds`; the rest stays in the database."""
        with contextlib.suppress(queue.Full):
            self._windows.put(None, timeout=seconds)
        self._thread.join(timeout=seconds)
        self._stopping.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        try:
            while (rows := self._windows.get()) is not None:
                self._send([r for r in rows if not r.final])
                self._send([r for r in rows if r.final])
                self._metrics.outbox.dec(len(rows))
                self._windows.task_done()
        except BaseException as failure:  # noqa: BLE001 - handed to the worker's thread, which stops on it
            self._failed = failure

    def _send(self, rows: Sequence[OutboxRow]) -> None:
        """Send rows in order until all are acknowledged; after a failure all from the first unacknowledged one again."""
        start = 0
        while start < len(rows) and not self._stopping.is_set():
            acked = [False] * len(rows)
            self._produce(rows, start, acked)
            while self._producer.flush(1) and not self._stopping.is_set():
                pass
            first = next((i for i in range(start, len(rows)) if not acked[i]), len(rows))
            with self._lock:
                self._done.extend(r.id for r in rows[start:first])
            self._metrics.envelopes_out.inc(first - start)
            start = first
            if start < len(rows):
                self._metrics.waiting.set(1)
                self._stopping.wait(self._pause_seconds)
                self._producer = self._new_producer(self._settings)  # an idempotent producer may be beyond repair
        self._metrics.waiting.set(0)

    def _produce(self, rows: Sequence[OutboxRow], start: int, acked: list[bool]) -> None:
        for index in range(start, len(rows)):
            row = rows[index]

            def told(error: object, _message: object, at: int = index) -> None:
                acked[at] = error is None

            while not self._stopping.is_set():
                try:
                    self._producer.produce(
                        row.topic, key=row.key or None, value=row.value, partition=row.partition, on_delivery=told
                    )
                    break
                except BufferError:
                    self._producer.poll(0.1)
                except KafkaException as refused:
                    if refused.args and refused.args[0].fatal():
                        return
                    msg = f"A record for {row.topic} can't be sent: {refused.args[0].name()}."
                    raise ContractBroken(msg) from refused
            self._producer.poll(0)
