"""One window of records through one role, exactly once: the hop protocol's core, driven by tests and by the worker alike.

Knows no Kafka and no SQL: state comes through the `HopStore` port, records to send go back to the caller after the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from schemas import codec
from schemas.errors import ContractBroken
from streams.dead_letters import dead_letter
from streams.hop import InputRecord, Numbered, Output, Payload, Poison, Role, Verdict, verdict
from streams.hop_store import OutboxRow
from streams.metrics import WorkerMetrics

MAX_WINDOW_EVENTS = 5_000
Tx = TypeVar("Tx")


class HopStore(Protocol[Tx]):
    """What the engine asks of a database; see `PostgresHopStore` for what each promises."""

    def transaction(self) -> AbstractContextManager[Tx]: ...
    def next_offsets(self, tx: Tx, partitions: Sequence[int]) -> dict[int, int]: ...
    def save_offsets(self, tx: Tx, offsets: dict[int, int]) -> None: ...
    def last_numbers(self, tx: Tx, streams: Iterable[bytes]) -> dict[bytes, int]: ...
    def save_numbers(self, tx: Tx, numbers: dict[bytes, int]) -> None: ...
    def add_outputs(self, tx: Tx, outputs: Sequence[Output]) -> list[OutboxRow]: ...
    def leftovers(self, tx: Tx, partitions: Sequence[int]) -> list[OutboxRow]: ...
    def delete(self, tx: Tx, ids: Sequence[int]) -> None: ...


@dataclass(slots=True)
class HopEngine(Generic[Payload, Tx]):
    """Runs a role over windows. One thread at a time."""

    role: Role[Payload, Tx]
    store: HopStore[Tx]
    metrics: WorkerMetrics
    window_events: int = MAX_WINDOW_EVENTS
    _done: dict[int, int] = field(default_factory=dict)
    _gaps: dict[bytes, int] = field(default_factory=dict)
    """Streams whose next number is missing, and the partition they come by: for the metric alone."""

    def windows(self, records: Sequence[InputRecord]) -> Iterable[list[tuple[InputRecord, Numbered[Payload] | Poison]]]:
        """Identify records and cut them into windows of about 5,000 events."""
        window: list[tuple[InputRecord, Numbered[Payload] | Poison]] = []
        events = 0
        for record in records:
            found = self.role.identify(record)
            size = self.role.events_in(found.payload) if isinstance(found, Numbered) else 1
            if window and events + size > self.window_events:
                yield window
                window, events = [], 0
            window.append((record, found))
            events += size
        if window:
            yield window

    def take_over(self, partitions: Sequence[int]) -> list[OutboxRow]:
        """Begin on partitions: what an earlier owner committed and did not get sent, to be sent first."""
        with self.store.transaction() as tx:
            offsets = self.store.next_offsets(tx, partitions)
            rows = self.store.leftovers(tx, partitions)
        self._done |= offsets
        self._gaps = {stream: p for stream, p in self._gaps.items() if p in partitions}
        self.metrics.open_gaps.set(len(self._gaps))
        return rows

    def process(
        self, window: Sequence[tuple[InputRecord, Numbered[Payload] | Poison]], acknowledged: Sequence[int] = ()
    ) -> list[OutboxRow]:
        """Take one window in one transaction and return what to send, in order. `acknowledged`: outbox ids to forget.

        Where a partition isn't as this engine left it (a stale worker's window, or a commit whose answer got lost) nobody
        may be sending what was committed there: then all that waits in the outbox is returned, before what this window adds.
        Raises `ContractBroken` when a record lies beyond the database's next offset, `Unavailable` to be tried again.
        """
        partitions = sorted({record.partition for record, _ in window})
        with self.store.transaction() as tx:
            offsets = self.store.next_offsets(tx, partitions)
            as_left = all(self._done.get(p) == offset for p, offset in offsets.items())
            fresh = self._fresh(window, offsets)
            outputs = self._take(tx, fresh)
            self.store.save_offsets(tx, offsets)
            rows = self.store.add_outputs(tx, outputs)
            self.store.delete(tx, acknowledged)
            if not as_left:
                rows = self.store.leftovers(tx, partitions)
        self._done |= offsets
        return rows

    def _fresh(
        self, window: Sequence[tuple[InputRecord, Numbered[Payload] | Poison]], offsets: dict[int, int]
    ) -> list[tuple[InputRecord, Numbered[Payload] | Poison]]:
        """The records whose offset is the next one; moves `offsets` on."""
        fresh = []
        overtaken = False
        for record, found in window:
            step = verdict(offsets[record.partition] - 1, record.offset)
            if step is Verdict.BEYOND:
                msg = (
                    f"{self.role.input_topic} partition {record.partition} goes on at offset {record.offset}, but the "
                    f"database of {self.role.name} expects {offsets[record.partition]}: a restored backup or expired "
                    "retention. Stop all workers of this role and run `zorgstroom operator restore`."
                )
                raise ContractBroken(msg)
            if step is Verdict.SEEN:
                overtaken = overtaken or record.offset >= self._done.get(record.partition, 1 << 62)
                continue
            offsets[record.partition] = record.offset + 1
            fresh.append((record, found))
        if overtaken:
            self.metrics.stale.inc()
        return fresh

    def _take(self, tx: Tx, fresh: Sequence[tuple[InputRecord, Numbered[Payload] | Poison]]) -> list[Output]:
        numbers = self.store.last_numbers(tx, {f.stream for _, f in fresh if isinstance(f, Numbered)})
        moved: dict[bytes, int] = {}
        accepted: list[Numbered[Payload]] = []
        outputs: list[Output] = []
        for record, found in fresh:
            if isinstance(found, Poison):
                outputs.append(dead_letter(self.metrics, self.role.input_topic, record, found.reason))
                continue
            step = verdict(numbers[found.stream], found.number)
            if step is Verdict.NEXT:
                numbers[found.stream] = moved[found.stream] = found.number
                self._gaps.pop(found.stream, None)
                accepted.append(found)
                continue
            outputs.extend(self._apply(tx, accepted))  # so that `seen` finds what came earlier in this window
            accepted = []
            if step is Verdict.SEEN:
                self.metrics.duplicates.inc()
                outputs.extend(self.role.seen(tx, found))
            else:
                self.metrics.gaps.inc()
                self._gaps[found.stream] = record.partition
                outputs.extend(self.role.beyond(tx, found, expected=numbers[found.stream] + 1))
        outputs.extend(self._apply(tx, accepted))
        if moved:
            self.store.save_numbers(tx, moved)
        self.metrics.open_gaps.set(len(self._gaps))
        return outputs

    def _apply(self, tx: Tx, accepted: Sequence[Numbered[Payload]]) -> Sequence[Output]:
        if not accepted:
            return ()
        outputs = self.role.apply(tx, accepted)
        events = sum(self.role.events_in(a.payload) for a in accepted)
        self.metrics.envelopes_in.inc(len(accepted))
        self.metrics.events_in.inc(events)
        self.metrics.window_events.observe(events)
        return outputs


def hop_number(record: InputRecord, *, from_roles: Sequence[str]) -> tuple[bytes, int, dict[str, Any]]:
    """Open a HopRecord: (stream, number, fields). Raises `Refused` (`unreadable`, `schema`) for anything else."""
    from schemas.errors import Refused

    fields = codec.decode("hop_record", record.value)
    if fields["role"] not in from_roles or fields["number"] < 1:
        raise Refused("unreadable", "A hop record of a role that does not write here.")
    stream = f"{fields['role']}/{fields['source_partition']}/{record.partition}".encode()
    return stream, int(fields["number"]), fields
