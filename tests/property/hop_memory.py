"""A hop store in memory that can fail at any step, and a log that can lose records. For tests of the hop protocol."""

from __future__ import annotations

import copy
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from schemas import codec
from schemas.errors import Unavailable
from streams.hop import InputRecord, Output
from streams.hop_store import OutboxRow


@dataclass(slots=True)
class Tables:
    """All that a role's database holds; a transaction works on a copy."""

    offsets: dict[int, int] = field(default_factory=dict)
    streams: dict[bytes, int] = field(default_factory=dict)
    numbers: dict[tuple[str, int, int], int] = field(default_factory=dict)
    outbox: dict[int, OutboxRow] = field(default_factory=dict)
    next_id: int = 1
    applied: list[tuple[Any, ...]] = field(default_factory=list)
    contents: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    held: set[bytes] = field(default_factory=set)


@dataclass(slots=True)
class MemoryDatabase:
    """What is committed, and the lock that makes one transaction follow the other."""

    tables: Tables = field(default_factory=Tables)
    lock: Any = field(default_factory=threading.RLock)


@dataclass(slots=True)
class MemoryHopStore:
    """`HopStore` in memory. `fault` names the step at which the database goes away, once."""

    database: MemoryDatabase
    role: str
    fault: str = ""

    def reach(self, step: str) -> None:
        """Go away here if that was asked for."""
        if self.fault == step:
            self.fault = ""
            msg = "The database is away."
            raise Unavailable(msg)

    @contextmanager
    def transaction(self) -> Iterator[Tables]:
        with self.database.lock:
            tx = copy.copy(self.database.tables)
            for name in ("offsets", "streams", "numbers", "outbox", "applied", "contents", "held"):
                setattr(tx, name, copy.copy(getattr(tx, name)))
            yield tx
            self.reach("commit")
            self.database.tables = tx
        self.reach("reply to commit")

    def next_offsets(self, tx: Tables, partitions: Sequence[int]) -> dict[int, int]:
        self.reach("next_offsets")
        return {p: tx.offsets.get(p, 0) for p in partitions}

    def save_offsets(self, tx: Tables, offsets: dict[int, int]) -> None:
        tx.offsets |= offsets
        self.reach("save_offsets")

    def last_numbers(self, tx: Tables, streams: Iterable[bytes]) -> dict[bytes, int]:
        self.reach("last_numbers")
        return {s: tx.streams.get(s, 0) for s in streams}

    def save_numbers(self, tx: Tables, numbers: dict[bytes, int]) -> None:
        tx.streams |= numbers
        self.reach("save_numbers")

    def add_outputs(self, tx: Tables, outputs: Sequence[Output]) -> list[OutboxRow]:
        rows = []
        for o in outputs:
            value: bytes | None = o.body or None
            if o.numbered:
                key = (o.topic, o.source_partition, o.partition)
                number = tx.numbers[key] = tx.numbers.get(key, 0) + 1
                value = codec.encode(
                    "hop_record",
                    {"role": self.role, "source_partition": o.source_partition, "source_offset": o.source_offset,
                     "number": number, "body": o.body},
                )  # fmt: skip
            rows.append(OutboxRow(tx.next_id, o.source_partition, o.topic, o.partition, o.key, value, o.final))
            tx.next_id += 1
        tx.outbox |= {r.id: r for r in rows}
        self.reach("add_outputs")
        return rows

    def leftovers(self, tx: Tables, partitions: Sequence[int]) -> list[OutboxRow]:
        self.reach("leftovers")
        return [row for _, row in sorted(tx.outbox.items()) if row.source_partition in partitions]

    def delete(self, tx: Tables, ids: Sequence[int]) -> None:
        for i in ids:
            tx.outbox.pop(i, None)
        self.reach("delete")


@dataclass(slots=True)
class Log:
    """Topics and partitions, only ever added to."""

    records: dict[tuple[str, int], list[tuple[bytes, bytes]]] = field(default_factory=lambda: defaultdict(list))

    def read(self, topic: str, partition: int, *, start: int, count: int) -> list[InputRecord]:
        """Up to `count` records from an offset on."""
        found = self.records[topic, partition][start : start + count]
        return [InputRecord(partition, start + i, key, value, 0) for i, (key, value) in enumerate(found)]

    def add(self, topic: str, partition: int, value: bytes, key: bytes = b"") -> None:
        self.records[topic, partition].append((key, value))

    def values(self, topic: str, partition: int) -> list[bytes]:
        return [value for _, value in self.records[topic, partition]]


@dataclass(slots=True)
class Line:
    """The line from one process to the log; `fates` decides what becomes of the next records, then all goes well.

    `lost`: not in the log, the sender is told; `unheard`: in the log, the sender is told it is not; `cut`: from here on
    nothing arrives and nothing is told.
    """

    log: Log
    fates: deque[str] = field(default_factory=deque)
    cut: threading.Event = field(default_factory=threading.Event)
    sent: list[tuple[str, bytes]] = field(default_factory=list)

    def producer(self, _settings: dict[str, Any]) -> _Producer:
        """What `OutboxSender` takes for a Kafka producer."""
        return _Producer(self)


class _Producer:
    def __init__(self, line: Line) -> None:
        self.line = line
        self.told: list[Callable[[], None]] = []

    def produce(self, topic: str, *, key: bytes | None, value: bytes | None, partition: int, on_delivery: Any) -> None:
        line = self.line
        fate = line.fates.popleft() if line.fates else "well"
        if fate == "cut":
            line.cut.set()
        if line.cut.is_set():
            return
        if fate != "lost":
            line.log.add(topic, partition, value or b"", key or b"")
            line.sent.append((topic, value or b""))
        self.told.append(lambda: on_delivery(None if fate == "well" else fate, None))

    def poll(self, _seconds: float) -> int:
        return 0

    def flush(self, _seconds: float) -> int:
        while self.told:
            self.told.pop(0)()
        if self.line.cut.is_set():
            time.sleep(0.0005)
            return 1
        return 0
