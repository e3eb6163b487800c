"""The hop protocol under any interleaving of crashes, retries, doubles, stale workers and lost sends; and broken ones, found."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from streams.hop import Verdict, verdict
from streams.hop_store import OutboxRow
from streams.metrics import WorkerMetrics
from streams.outbox import OutboxSender
from tests.property.hop_broken import BROKEN, DeafSender, OnlyTheFailedAgain, ReceiptsAmongTheRest
from tests.property.hop_memory import Line, Log, MemoryDatabase
from tests.property.hop_world import (
    PARTITIONS,
    TOLD,
    FirstRole,
    SecondRole,
    Worker,
    dead_letters,
    delivery,
    read_in_order,
    targets,
)

STREAMS = {b"north": 0, b"south": 1, b"east": 0}
WORKERS = ("first", "first again", "second", "second again")
STEPS = ("next_offsets", "last_numbers", "save_numbers", "add_outputs", "leftovers", "save_offsets", "delete", "commit",
         "reply to commit", "reply to commit")  # fmt: skip
FATES = st.lists(st.sampled_from(("well", "lost", "unheard", "cut")), max_size=3)
a_stream = st.sampled_from(sorted(STREAMS))
a_worker = st.sampled_from(WORKERS)
a_partition = st.sampled_from(PARTITIONS)
_PLAIN = {
    "deadline": None,
    "database": None,
    "phases": (Phase.explicit, Phase.generate),
    "suppress_health_check": list(HealthCheck),
}


class Hops(RuleBasedStateMachine):
    """Senders, two hops of two workers each (either may be stale), and everything that can go wrong on the way."""

    parts: Mapping[str, Any] = {}

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.said: dict[bytes, list[bytes]] = {s: [] for s in STREAMS}
        self.databases = {"first": MemoryDatabase(), "second": MemoryDatabase()}
        self.workers = {name: self._start(name) for name in WORKERS}

    def _start(self, name: str) -> Worker:
        hop = name.split(" ", maxsplit=1)[0]
        return Worker(FirstRole() if hop == "first" else SecondRole(), self.databases[hop], self.log, **self.parts)

    # --- what senders do ---

    @rule(
        stream=a_stream,
        payloads=st.lists(st.integers(0, 5), min_size=1, max_size=5),
        lost=st.sampled_from((9, 9, 0, 1)),
    )
    def says(self, stream: bytes, payloads: Sequence[int], lost: int) -> None:
        for index, payload in enumerate(payloads):
            self.said[stream].append(bytes([payload]))
            if index != lost:
                self._arrives(stream, len(self.said[stream]), self.said[stream][-1])

    @rule(stream=a_stream, back=st.integers(0, 3))
    def says_again(self, stream: bytes, back: int) -> None:
        number = len(self.said[stream]) - back
        if number > 0:
            self._arrives(stream, number, self.said[stream][number - 1])

    @rule(stream=a_stream, back=st.integers(0, 3))
    def says_something_else(self, stream: bytes, back: int) -> None:
        number = len(self.said[stream]) - back
        if number > 0:
            self._arrives(stream, number, b"\x09")

    @rule(partition=a_partition)
    def says_nonsense(self, partition: int) -> None:
        self.log.add("delivered.v1", partition, b"nonsense")

    def _arrives(self, stream: bytes, number: int, payload: bytes) -> None:
        self.log.add("delivered.v1", STREAMS[stream], delivery(stream, number, payload))

    # --- what workers do ---

    @rule(who=a_worker, partition=a_partition, count=st.integers(1, 4))
    def fetches(self, who: str, partition: int, count: int) -> None:
        self.workers[who].fetch(partition, count)

    @rule(who=a_worker, partition=a_partition, fault=st.sampled_from(STEPS) | st.just(""))
    def takes(self, who: str, partition: int, fault: str) -> None:
        self.workers[who].fetch(partition, 6)
        self.workers[who].work(fault)

    @rule(who=a_worker, fates=FATES)
    def sends(self, who: str, fates: Sequence[str]) -> None:
        worker = self.workers[who]
        worker.send(fates)
        if worker.line.cut.is_set():
            self.dies(who, 2)

    @rule(who=a_worker, behind=st.integers(0, 4))
    def dies(self, who: str, behind: int) -> None:
        """A new process takes over, reading again from somewhere at or before what is committed."""
        self.workers[who].stop()
        new = self.workers[who] = self._start(who)
        committed = new.database.tables.offsets
        new.position = {p: max(0, committed.get(p, 0) - behind) for p in PARTITIONS}

    # --- what must hold ---

    def _read(self, partition: int, count: int | None = None):
        return read_in_order(partition, self.log.values("delivered.v1", partition)[:count])

    @invariant()
    def the_first_hop_applied_what_it_read_once_and_in_order(self) -> None:
        tables = self.databases["first"].tables
        for p in PARTITIONS:
            expected = self._read(p, tables.offsets.get(p, 0))
            assert [a for a in tables.applied if a[0] == p] == expected.applied
            assert {s: n for s, n in tables.streams.items() if STREAMS[s] == p} == expected.last

    @invariant()
    def the_second_hop_applied_a_beginning_of_what_the_first_made(self) -> None:
        for (source, target), made in self._made().items():
            got = self._got(source, target)
            assert got == made[: len(got)]

    @invariant()
    def a_final_receipt_follows_what_the_second_hop_committed(self) -> None:
        offered = {b"final|%d|%s" % (a[0], a[3]) for a in self.databases["second"].tables.applied}
        assert {v for v in self.log.values(TOLD, 0) if v.startswith(b"final")} <= offered

    def _made(self) -> dict[tuple[int, int], list[bytes]]:
        applied = self.databases["first"].tables.applied
        return {
            (source, target): [delivery(*a[1:]) for a in applied if a[0] == source and target in targets(a[3])]
            for source in PARTITIONS for target in PARTITIONS
        }  # fmt: skip

    def _got(self, source: int, target: int) -> list[bytes]:
        stream = b"intake/%d/%d" % (source, target)
        found = [a for a in self.databases["second"].tables.applied if a[:2] == (target, stream)]
        assert [a[2] for a in found] == list(range(1, len(found) + 1))
        return [a[3] for a in found]

    def teardown(self) -> None:
        """Two workers die for good; senders send again what was not taken; the other two go on without being restarted."""
        for name in ("first", "second"):
            self.workers[name].stop()
        for stream, said in self.said.items():
            known = self.databases["first"].tables.streams.get(stream, 0)
            for number in range(max(1, known), len(said) + 1):
                self._arrives(stream, number, said[number - 1])
        for name in ("first again", "second again"):
            worker = self.workers[name]
            for p in PARTITIONS:
                self.log.add(worker.role.input_topic, p, b"nonsense")
                worker.fetch(p, 1000)
            worker.work()
            while worker.unsent:
                worker.send()
            worker.work()
            worker.stop()
        self._everything_arrived()

    def _everything_arrived(self) -> None:
        self.the_first_hop_applied_what_it_read_once_and_in_order()
        for (source, target), made in self._made().items():
            assert self._got(source, target) == made
        told = set(self.log.values(TOLD, 0))
        finals = {b"final|%d|%s" % (a[0], a[3]) for a in self.databases["second"].tables.applied}
        read = {p: self._read(p) for p in PARTITIONS}
        assert told == finals | read[0].told | read[1].told
        assert dead_letters(self.log, "delivered.v1") == {(p, offset) for p in PARTITIONS for offset in read[p].dead}
        assert {s: n for r in read.values() for s, n in r.last.items()} == {
            s: len(m) for s, m in self.said.items() if m
        }
        assert not self.databases["first"].tables.outbox
        assert not self.databases["second"].tables.outbox


class TestHops(Hops.TestCase):
    settings = settings(max_examples=80, stateful_step_count=40, **_PLAIN)


def found_by_the_machine(parts: Mapping[str, Any]) -> bool:
    """Whether some interleaving breaks a promise of a protocol made of these parts."""
    broken = type("BrokenHops", (Hops,), {"parts": parts})
    often = settings(max_examples=400, stateful_step_count=40, derandomize=True, report_multiple_bugs=False, **_PLAIN)
    try:
        run_state_machine_as_test(broken, settings=often)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_the_machine_finds_a_protocol_with(name: str) -> None:
    assert found_by_the_machine(BROKEN[name])


@pytest.mark.parametrize("mistaken", [Verdict.SEEN, Verdict.BEYOND])
def test_the_machine_finds_a_worker_that_takes_what_is(mistaken: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    def lenient(last: int, number: int) -> Verdict:
        return Verdict.NEXT if verdict(last, number) is mistaken else verdict(last, number)

    monkeypatch.setattr("streams.hop_engine.verdict", lenient)
    assert found_by_the_machine({})


# --- the sender alone: a line that loses any records ---------------------------------------------------------------------


def what_arrives(sender_type: type[OutboxSender], windows: Sequence[Sequence[bool]], fates: Sequence[str]) -> None:
    """Send windows of rows (true: a final receipt) over a bad line; raises where a promise breaks."""
    line = Line(Log(), deque(fates))
    sender = sender_type({}, WorkerMetrics("ledger"), producer=line.producer, pause_seconds=0)
    ids = itertools.count(1)
    rows = [
        [OutboxRow(i, 0, TOLD, 0, b"", b"%d" % i, final) for i, final in zip(ids, w, strict=False)] for w in windows
    ]
    for window in rows:
        sender.put(window)
    while not sender.idle():
        time.sleep(0.0001)
    sender.stop(seconds=1)
    arrived = [int(v) for v in line.log.values(TOLD, 0)]
    promised = [r.id for w in rows for final in (False, True) for r in w if r.final == final]
    taken = 0
    for number in arrived:  # the receiver's three-way rule, on the order in which they should come
        taken += promised[taken : taken + 1] == [number]
    assert taken == len(promised)
    for window in rows:
        rest = [r.id for r in window if not r.final]
        for receipt in (r.id for r in window if r.final):
            assert set(rest) <= set(arrived[: arrived.index(receipt)])
    assert sender.acknowledged() == promised


SENDING = (
    st.lists(st.lists(st.sampled_from((False, False, True)), min_size=1, max_size=6), min_size=1, max_size=3),
    st.lists(st.sampled_from(("well", "lost", "unheard")), max_size=12),
)


@settings(max_examples=100, **_PLAIN)
@given(*SENDING)
def test_whatever_the_line_loses_all_arrives_in_order_and_receipts_after_the_rest(windows, fates) -> None:
    what_arrives(OutboxSender, windows, fates)


@pytest.mark.parametrize("broken", [DeafSender, OnlyTheFailedAgain, ReceiptsAmongTheRest])
def test_a_sender_that_keeps_no_promise_is_found(broken: type[OutboxSender]) -> None:
    @settings(max_examples=200, derandomize=True, report_multiple_bugs=False, **_PLAIN)
    @given(*SENDING)
    def sends(windows, fates) -> None:
        what_arrives(broken, windows, fates)

    with pytest.raises(AssertionError):
        sends()
