"""Two hops in one thread: senders -> first role -> second role, with workers that can be stopped anywhere.

The workers are the real engine and the real outbox sender; what they should have done is written down a second time as
`read_in_order`, one record after the other.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas import codec
from schemas.errors import Refused, Unavailable
from streams.hop import InputRecord, Numbered, Output, Poison
from streams.hop_engine import HopEngine, hop_number
from streams.metrics import WorkerMetrics
from streams.outbox import OutboxSender
from tests.property.hop_memory import Line, Log, MemoryDatabase, MemoryHopStore, Tables

PARTITIONS = (0, 1)
TOLD = "receipts.p1.v1"
BOTH = 2
"""A payload's first byte modulo three is the target partition, or both."""


def delivery(stream: bytes, number: int, payload: bytes) -> bytes:
    return b"|".join((stream, str(number).encode(), payload))


def parted(value: bytes) -> tuple[bytes, int, bytes] | None:
    parts = value.split(b"|")
    return (parts[0], int(parts[1]), parts[2]) if len(parts) == 3 else None


def targets(payload: bytes) -> tuple[int, ...]:
    return PARTITIONS if payload[0] % 3 == BOTH else (payload[0] % 3,)


@dataclass(slots=True)
class FirstRole:
    """Relays payloads; like intake it holds a stream that says two things under one number, and asks for what is missing."""

    name: str = "intake"
    input_topic: str = "delivered.v1"

    def identify(self, record: InputRecord) -> Numbered[bytes] | Poison:
        found = parted(record.value)
        return Poison(record, "unreadable") if found is None else Numbered(record, *found)

    def events_in(self, payload: bytes) -> int:
        return 1

    def apply(self, tx: Tables, accepted: Sequence[Numbered[bytes]]) -> list[Output]:
        outputs = []
        for a in accepted:
            tx.contents[a.stream, a.number] = a.payload
            if a.stream in tx.held:
                outputs.append(self._tell(a, b"held|%s|%d" % (a.stream, a.number)))
                continue
            tx.applied.append((a.record.partition, a.stream, a.number, a.payload))
            outputs += [
                Output("rekeyed.v1", p, a.stream, a.record.value, a.record.partition, a.record.offset)
                for p in targets(a.payload)
            ]
        return outputs

    def seen(self, tx: Tables, record: Numbered[bytes]) -> list[Output]:
        if tx.contents.get((record.stream, record.number)) == record.payload:
            return []
        tx.held.add(record.stream)
        return [self._tell(record, b"equivocation|%s|%d" % (record.stream, record.number))]

    def beyond(self, tx: Tables, record: Numbered[bytes], *, expected: int) -> list[Output]:
        return [self._tell(record, b"expects|%s|%d" % (record.stream, expected))]

    def _tell(self, record: Numbered[bytes], what: bytes) -> Output:
        at = record.record
        return Output(TOLD, 0, b"", what, at.partition, at.offset, numbered=False, final=True)


@dataclass(slots=True)
class SecondRole:
    """Takes what the first relays and says so."""

    name: str = "ledger"
    input_topic: str = "rekeyed.v1"

    def identify(self, record: InputRecord) -> Numbered[bytes] | Poison:
        try:
            stream, number, fields = hop_number(record, from_roles=("intake",))
        except Refused as broken:
            return Poison(record, broken.code)
        return Numbered(record, stream, number, fields["body"])

    def events_in(self, payload: bytes) -> int:
        return 1

    def apply(self, tx: Tables, accepted: Sequence[Numbered[bytes]]) -> list[Output]:
        tx.applied += [(a.record.partition, a.stream, a.number, a.payload) for a in accepted]
        return [
            Output(TOLD, 0, b"", b"final|%d|%s" % (a.record.partition, a.payload), a.record.partition, a.record.offset,
                   numbered=False, final=True)
            for a in accepted
        ]  # fmt: skip

    def seen(self, tx: Tables, record: Numbered[bytes]) -> list[Output]:
        return []

    def beyond(self, tx: Tables, record: Numbered[bytes], *, expected: int) -> list[Output]:
        return []


@dataclass(slots=True)
class Worker:
    """What `streams.worker` wires together, without Faust: a consumer's position, engine, sender."""

    role: FirstRole | SecondRole
    database: MemoryDatabase
    log: Log
    store_type: type[MemoryHopStore] = MemoryHopStore
    engine_type: type[HopEngine] = HopEngine
    sender_type: type[OutboxSender] = OutboxSender
    engine: HopEngine = field(init=False)
    store: MemoryHopStore = field(init=False)
    line: Line = field(init=False)
    sender: OutboxSender = field(init=False)
    position: dict[int, int] = field(default_factory=lambda: dict.fromkeys(PARTITIONS, 0))
    window: list = field(default_factory=list)
    unsent: list = field(default_factory=list)

    def __post_init__(self) -> None:
        metrics = WorkerMetrics(self.role.name)
        self.store = self.store_type(self.database, self.role.name)
        self.engine = self.engine_type(self.role, self.store, metrics)
        self.line = Line(self.log)
        self.sender = self.sender_type({}, metrics, producer=self.line.producer, pause_seconds=0)
        left = self.engine.take_over(PARTITIONS)
        self.unsent = [left] if left else []

    def fetch(self, partition: int, count: int) -> None:
        """Read on; records wait here until a window with them succeeds."""
        records = self.log.read(self.role.input_topic, partition, start=self.position[partition], count=count)
        self.position[partition] += len(records)
        self.window += [found for window in self.engine.windows(records) for found in window]

    def work(self, fault: str = "") -> None:
        """Take the window; where the database goes away nothing is lost and it is tried again later."""
        self.store.fault = fault
        acknowledged = self.sender.acknowledged()
        try:
            rows = self.engine.process(self.window, acknowledged)
        except Unavailable:
            return
        finally:
            self.store.fault = ""
        self.sender.forget(acknowledged)
        self.window = []
        if rows:
            self.unsent.append(rows)

    def send(self, fates: Sequence[str] = ()) -> None:
        """Send the oldest committed window; ends the worker where the line is cut."""
        rows = self.unsent.pop(0) if self.unsent else []
        self.line.fates.extend(fates)
        self.sender.put(rows)
        while not self.sender.idle() and not self.line.cut.is_set():
            time.sleep(0.0001)
        self.line.fates.clear()

    def stop(self) -> None:
        self.sender.stop(seconds=0)


@dataclass(slots=True)
class Reading:
    """What one partition of the first topic says."""

    applied: list[tuple[int, bytes, int, bytes]] = field(default_factory=list)
    told: set[bytes] = field(default_factory=set)
    dead: set[int] = field(default_factory=set)
    last: dict[bytes, int] = field(default_factory=dict)


def read_in_order(partition: int, values: Sequence[bytes]) -> Reading:
    """The hop's promise, without windows, crashes or second workers."""
    out, contents, held = Reading(), {}, set()
    for offset, value in enumerate(values):
        found = parted(value)
        if found is None:
            out.dead.add(offset)
            continue
        stream, number, payload = found
        expected = out.last.get(stream, 0) + 1
        if number > expected:
            out.told.add(b"expects|%s|%d" % (stream, expected))
        elif number < expected:
            if contents[stream, number] != payload:
                held.add(stream)
                out.told.add(b"equivocation|%s|%d" % (stream, number))
        else:
            out.last[stream] = number
            contents[stream, number] = payload
            if stream in held:
                out.told.add(b"held|%s|%d" % (stream, number))
            else:
                out.applied.append((partition, stream, number, payload))
    return out


def dead_letters(log: Log, topic: str) -> set[tuple[int, int]]:
    """(partition, offset) of everything put aside from a topic."""
    found = [codec.decode("dead_letter", v) for v in log.values("dead-letters.v1", 0)]
    return {(d["partition"], d["offset"]) for d in found if d["topic"] == topic}
