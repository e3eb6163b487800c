"""What every store of the hop protocol promises: the one in memory and PostgreSQL pass the same suite."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from schemas import codec
from schemas.errors import Unavailable
from streams.hop import InputRecord
from streams.hop_engine import HopEngine
from streams.hop_store import restore_offsets
from streams.metrics import WorkerMetrics
from tests.contract.hop_databases import STREAM, InMemory, InPostgres, Relay, a_record, an_output

LONG_ENOUGH = 10
"""Seconds after which a worker that waits is taken for stuck."""


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.servers)])
def database(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = InMemory() if request.param == "memory" else InPostgres(request.getfixturevalue("fresh_database")("hop"))
    yield made
    made.close()


def an_engine(database: Any, store: Any = None) -> HopEngine[bytes, Any]:
    return HopEngine(Relay(database), store or database.store(), WorkerMetrics("intake"))


def taken(engine: HopEngine[bytes, Any], *records: InputRecord) -> list[int]:
    """Process records as one window; the numbers of what is to be sent."""
    (window,) = engine.windows(records)
    return [numbers_in(row) for row in engine.process(window)]


def numbers_in(row: Any) -> int:
    return int(codec.decode("hop_record", row.value)["number"])


def written(store: Any) -> tuple[Any, ...]:
    """All that a store holds of partition 0."""
    with store.transaction() as tx:
        return (
            store.next_offsets(tx, [0]), store.last_numbers(tx, [STREAM]), len(store.leftovers(tx, [0])),
        )  # fmt: skip


NOTHING_YET = ({0: 0}, {STREAM: 0}, 0)


def write_all(database: Any, store: Any, tx: Any, *, stop_after: str = "") -> None:
    """One window's whole transaction, broken off after a step."""
    steps: list[tuple[str, Callable[[], object]]] = [
        ("offsets read", lambda: store.next_offsets(tx, [0])),
        ("numbers read", lambda: store.last_numbers(tx, [STREAM])),
        ("state", lambda: database.note(tx, "state")),
        ("numbers", lambda: store.save_numbers(tx, {STREAM: 7})),
        ("offsets", lambda: store.save_offsets(tx, {0: 5})),
        ("outbox", lambda: store.add_outputs(tx, [an_output()])),
        ("deleted", lambda: store.delete(tx, [999])),
    ]
    for name, step in steps:
        step()
        if name == stop_after:
            raise ZeroDivisionError


def test_nothing_is_known_of_a_new_partition_and_a_new_stream(database: Any) -> None:
    assert written(database.store()) == NOTHING_YET


def test_state_offsets_numbers_and_outbox_are_there_together_after_the_commit(database: Any) -> None:
    store, other = database.store(), database.store()
    with store.transaction() as tx:
        write_all(database, store, tx)
    assert written(other) == ({0: 5}, {STREAM: 7}, 1)
    assert database.noted() == ["state"]


@pytest.mark.parametrize("step", ["offsets read", "numbers read", "state", "numbers", "offsets", "outbox", "deleted"])
def test_a_transaction_broken_off_leaves_nothing(database: Any, step: str) -> None:
    store = database.store()
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        write_all(database, store, tx, stop_after=step)
    assert written(store) == NOTHING_YET
    assert database.noted() == []
    with store.transaction() as tx:
        assert numbers_in(store.add_outputs(tx, [an_output()])[0]) == 1


def test_outputs_are_numbered_per_topic_source_and_target_and_wrapped(database: Any) -> None:
    store = database.store()
    places = [("a", 0, 0), ("a", 0, 1), ("a", 1, 0), ("b", 0, 0), ("a", 0, 0)]
    outputs = [an_output(b"%d" % i, topic=t, source_partition=s, partition=p) for i, (t, s, p) in enumerate(places)]
    with store.transaction() as tx:
        first = store.add_outputs(tx, outputs)
    with store.transaction() as tx:
        second = store.add_outputs(tx, outputs)
    assert [numbers_in(r) for r in first] == [1, 1, 1, 1, 2]
    assert [numbers_in(r) for r in second] == [3, 2, 2, 2, 4]
    assert [(r.topic, r.source_partition, r.partition) for r in first] == places
    wrapped = codec.decode("hop_record", second[4].value)
    assert wrapped == {"role": "intake", "source_partition": 0, "source_offset": 0, "number": 4, "body": b"4"}
    ids = [r.id for r in first + second]
    assert ids == sorted(set(ids))


def test_what_carries_no_number_goes_as_it_is_and_an_empty_body_is_a_tombstone(database: Any) -> None:
    store = database.store()
    receipt, gone = an_output(b"told", numbered=False, final=True, key=b""), an_output(b"", numbered=False)
    with store.transaction() as tx:
        rows = store.add_outputs(tx, [receipt, gone, an_output()])
        assert store.add_outputs(tx, []) == []
    assert [(r.key, r.value, r.final) for r in rows[:2]] == [(b"", b"told", True), (b"key", None, False)]
    assert numbers_in(rows[2]) == 1
    with store.transaction() as tx:
        assert store.leftovers(tx, [0]) == rows


def test_the_outbox_gives_the_asked_partitions_in_order_until_deleted(database: Any) -> None:
    store = database.store()
    with store.transaction() as tx:
        rows = store.add_outputs(tx, [an_output(b"%d" % i, source_partition=i % 3) for i in range(9)])
    with store.transaction() as tx:
        assert store.leftovers(tx, [2, 0]) == [r for r in rows if r.source_partition != 1]
        store.delete(tx, [rows[0].id, rows[4].id, 10**9])
        store.delete(tx, [])
    with store.transaction() as tx:
        assert store.leftovers(tx, [0, 1, 2]) == [r for r in rows if r.id not in {rows[0].id, rows[4].id}]
        assert store.leftovers(tx, []) == []


@pytest.mark.parametrize("known", [True, False])
def test_a_second_worker_waits_for_the_partition_and_finds_what_the_first_committed(database: Any, known: bool) -> None:
    store, second = database.store(), database.store()
    if known:
        written(store)
    found: list[tuple[Any, ...]] = []
    waiting = threading.Thread(target=lambda: found.append(written(second)))
    with store.transaction() as tx:
        write_all(database, store, tx)
        waiting.start()
        waiting.join(0.3)
        assert not found
    waiting.join(LONG_ENOUGH)
    assert found == [({0: 5}, {STREAM: 7}, 1)]


def test_workers_racing_over_the_same_records_apply_each_once_and_in_order(database: Any) -> None:
    count, partitions = 24, (0, 1)
    start = threading.Barrier(3)
    sent: list[Any] = []

    def work(size: int) -> None:
        engine = an_engine(database)
        start.wait(LONG_ENOUGH)
        for first in range(0, count, size):
            records = [a_record(o, partition=p) for o in range(first, first + size) for p in partitions]
            (window,) = engine.windows(records)
            sent.extend(engine.process(window))

    workers = [threading.Thread(target=work, args=(size,)) for size in (1, 2, 3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(LONG_ENOUGH)
    noted = database.noted()
    store = database.store()
    with store.transaction() as tx:
        assert store.next_offsets(tx, partitions) == dict.fromkeys(partitions, count)
        for p in partitions:
            assert [n for n in noted if n.startswith(f"{p}:")] == [f"{p}:{n}" for n in range(1, count + 1)]
            rows = store.leftovers(tx, [p])
            assert [numbers_in(r) for r in rows] == list(range(1, count + 1))
            assert [codec.decode("hop_record", r.value)["body"] for r in rows] == [
                b"%d" % n for n in range(1, count + 1)
            ]
            assert {r.id for r in rows} <= {r.id for r in sent}


def test_what_a_stale_worker_committed_and_did_not_send_goes_before_the_next_window(database: Any) -> None:
    healthy, stale = an_engine(database), an_engine(database)
    assert healthy.take_over([0]) == []
    assert taken(healthy, a_record(0)) == [1]
    assert taken(stale, a_record(0), a_record(1)) == [1, 2]
    assert taken(healthy, a_record(1), a_record(2)) == [1, 2, 3]
    assert taken(healthy, a_record(3)) == [4]
    assert [numbers_in(r) for r in an_engine(database).take_over([0])] == [1, 2, 3, 4]


def test_a_commit_whose_answer_got_lost_is_sent_when_the_window_is_tried_again(database: Any) -> None:
    store = database.store()
    engine = an_engine(database, store=AnswerLost(store))
    engine.take_over([0])
    engine.store.lost = True
    with pytest.raises(Unavailable):
        taken(engine, a_record(0))
    assert taken(engine, a_record(0)) == [1]
    assert database.noted() == ["0:1"]


class AnswerLost:
    """A store whose connection dies after a commit, before its answer."""

    def __init__(self, store: Any) -> None:
        self.store, self.lost = store, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self.store.transaction() as tx:
            yield tx
        if self.lost:
            self.lost = False
            raise Unavailable("Away.")


# --- PostgreSQL alone -----------------------------------------------------------------------------------------------------


@pytest.mark.servers
def test_a_worker_whose_connection_dies_is_told_so_and_goes_on_with_nothing_written(fresh_database: Any) -> None:
    database = InPostgres(fresh_database("hop"))
    store = database.store()
    with pytest.raises(Unavailable), store.transaction() as tx:  # noqa: PT012 - where it dies is the point
        write_all(database, store, tx)
        tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert written(store) == NOTHING_YET
    with store.transaction() as tx:
        write_all(database, store, tx)
    assert restore_offsets(database.dsn) == {0: 5}
    database.close()


@pytest.mark.servers
def test_workers_on_two_partitions_do_not_wait_for_each_other(fresh_database: Any) -> None:
    database = InPostgres(fresh_database("hop"))
    one, other = an_engine(database), an_engine(database)
    taken(one, a_record(0)), taken(other, a_record(0, partition=1))
    with one.store.transaction() as tx:
        one.store.next_offsets(tx, [0])
        assert taken(other, a_record(1, partition=1)) == [2]
    database.close()


def test_an_open_gap_shows_until_it_is_filled_or_belongs_to_another(database: Any) -> None:
    engine = an_engine(database)

    def gaps() -> float | None:
        return engine.metrics.registry.get_sample_value("zorgstroom_open_gaps", {"role": "intake"})

    def take(number: int, *, at: int) -> None:
        taken(engine, InputRecord(0, at, b"", b"%d" % number, 0))

    engine.take_over([0])
    take(1, at=0)
    take(3, at=1)
    assert gaps() == 1
    take(2, at=2)
    take(3, at=3)
    assert gaps() == 0
    take(9, at=4)
    assert gaps() == 1
    engine.take_over([1])
    assert gaps() == 0
