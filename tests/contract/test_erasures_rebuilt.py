"""Erasures and closed years in random histories: whoever folds the log later, with the keys that are left by then, gets the live books."""

from __future__ import annotations

import datetime as dt
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg
import pytest
from erasure_builders import a_decision, signed

from schemas import codec
from schemas.frames import ALWAYS
from schemas.sealing import box_public_key, seal_events, seal_to, verify_key_of
from schemas.secrets import BoxKey, DataKey, SigningKey
from schemas.values import Month, day_number
from streams import projector_store as store
from streams.epoch_marker import marker
from streams.hop import InputRecord
from streams.hop_engine import HopEngine
from streams.hop_store import PostgresHopStore, prepared
from streams.ledger import ledger_rows
from streams.metrics import WorkerMetrics
from streams.projector import Projector
from streams.projector_erasure import Settling
from tests.unit.ledger_builders import PROVIDER, a_hop_record, a_line, a_row

pytestmark = pytest.mark.servers
RELEASE, FIRST = SigningKey(b"\x0b" * 32), Month(2025, 10)
AREA = 9901_01_01_03


@dataclass
class Keys:
    """The vault, as far as the projector sees it."""

    made: dict[Any, bytes] = field(default_factory=dict)
    gone: set[Any] = field(default_factory=set)

    def key(self, name: Any) -> bytes | None:
        return None if name in self.gone else self.made.setdefault(name, os.urandom(32))

    def keys(self, persons: Sequence[bytes]) -> dict[bytes, DataKey]:
        return {p: DataKey(k) for p in persons if (k := self.key(p)) is not None}

    def year_keys(self, partition: int, years: Sequence[int]) -> list[DataKey | None]:
        return [None if (k := self.key((partition, y))) is None else DataKey(k) for y in years]

    def destroy_year(self, partition: int, year: int) -> None:
        self.gone.add((partition, year))

    def destroy(self, person: bytes, decision: bytes) -> None:
        assert decision == signed(a_decision(person))
        self.gone.add(person)


class PlacementKeys:
    """Of each person, as long as the person's key is there."""

    def __init__(self, keys: Keys) -> None:
        self.of = keys

    def keys(self, persons: Sequence[bytes]) -> dict[bytes, BoxKey]:
        return {
            p: BoxKey(k) for p in persons if p not in self.of.gone and (k := self.of.key(("placed", p))) is not None
        }


class Log:
    """Partition 3 of the ledger, with its live projector."""

    def __init__(self, dsn: Callable[[str], str]) -> None:
        self.dsn, self.vault, self.records = dsn, Keys(), list[InputRecord]()
        self.numbers = {"ledger": 0, "release": 0}
        self.live = dsn("live")
        self.engine = self.projector(self.live, publish=True)
        self.read = 0

    def projector(self, dsn: str, *, publish: bool) -> HopEngine[Any, Any]:
        with prepared(dsn, store.DDL):
            pass
        metrics = WorkerMetrics("projector")
        role = Projector(
            keys=self.vault, placement_keys=PlacementKeys(self.vault), release_keys=lambda _: [verify_key_of(RELEASE)], metrics=metrics, publish=publish,
            settling=Settling(self.vault.year_keys, self.vault.destroy, self.vault.destroy_year, FIRST.index),
        )  # fmt: skip
        return HopEngine(role, PostgresHopStore(dsn, "projector"), metrics)

    def append(self, body: bytes, role: str = "ledger") -> None:
        self.numbers[role] += 1
        self.records.append(
            a_hop_record(body, role=role, number=self.numbers[role], partition=3, offset=len(self.records))
        )

    def say(
        self,
        *,
        events: dict[bytes, bytes] | None = None,
        placed: dict[bytes, bytes] | None = None,
        erased: Sequence[bytes] = (),
    ) -> None:
        sealed = [
            {"person": p, "sealed": seal_events(DataKey(self.vault.made.setdefault(p, os.urandom(32))), p, "events", rows)}
            for p, rows in (events or {}).items()
        ]  # fmt: skip
        placements = [
            {"person": p, "version": 1, "sealed": seal_to(box_public_key(BoxKey(self.vault.made.setdefault(("placed", p), os.urandom(32)))), line)}
            for p, line in (placed or {}).items()
        ]  # fmt: skip
        gone = [{"person": p, "decision": signed(a_decision(p)), "references": b""} for p in erased]
        fields = {
            "day": 20_000,
            "placements": placements,
            "events": sealed,
            "mandates": [],
            "months": [],
            "erased": gone,
        }
        self.append(codec.encode("person_events", fields))

    def close_month(self) -> None:
        epoch = self.numbers["release"]
        self.append(marker(RELEASE, partition=3, epoch=epoch, month=FIRST.index + epoch), "release")

    def work(self, most: int) -> None:
        """Let the live projector read up to so many records; what it writes goes to the end of the log."""
        batch = self.records[self.read : self.read + most]
        self.read += len(batch)
        for window in self.engine.windows(batch):
            for row in self.engine.process(window):
                if row.topic == "ledger.v1":
                    assert row.value is not None
                    self.records.append(InputRecord(3, len(self.records), b"", row.value, 0))
                elif row.topic == "dead-letters.v1":
                    pytest.fail(f"a dead letter: {codec.decode('dead_letter', row.value)}")

    def hash_of(self, dsn: str) -> str:
        with psycopg.connect(dsn) as c:
            return store.books_hash(c)

    def rebuilt(self, name: str, *, at_once: int) -> str:
        """The books of all that the live projector has read, folded anew with the keys of now."""
        dsn = self.dsn(name)
        engine = self.projector(dsn, publish=False)
        for start in range(0, self.read, at_once):
            for window in engine.windows(self.records[start : min(self.read, start + at_once)]):
                engine.process(window)
        engine.store.close()
        return self.hash_of(dsn)


@pytest.fixture
def log(fresh_database: Callable[[str], str]) -> Iterator[Log]:
    made = Log(fresh_database)
    yield made
    made.engine.store.close()


def delivered(rng: random.Random, number: int) -> bytes:
    day = day_number(dt.date(rng.choice((2022, 2023, 2024, 2025)), rng.randint(1, 12), 1))
    until = day + rng.choice((0, 40))
    return ledger_rows(a_row(f"R{number}", from_day=day, to_day=until, cents=rng.randint(1, 99_999)), PROVIDER)


@pytest.mark.parametrize("seed", [0, 1, 2, *(pytest.param(n, marks=pytest.mark.long) for n in range(3, 12))])
def test_whatever_is_erased_and_closed_when_the_rebuild_is_the_same(log: Log, seed: int) -> None:
    rng = random.Random(seed)
    living = [bytes([n]) * 16 for n in range(1, 13)]
    for step in range(70):
        act = rng.random()
        person = rng.choice(living)
        if act < 0.6:
            log.say(events={person: delivered(rng, step)})
        elif act < 0.7:
            log.say(placed={person: a_line((ALWAYS, f"home {step % 4}", AREA))})
        elif act < 0.82 and len(living) > 3:
            gone = [living.pop(rng.randrange(len(living))) for _ in range(rng.randint(1, 2))]
            log.say(erased=gone)
        else:
            log.close_month()
        if rng.random() < 0.4:
            log.work(rng.randint(1, 9))
        if step % 23 == 22:
            assert log.rebuilt(f"at{step}", at_once=rng.randint(1, 40)) == log.hash_of(log.live)
    while log.read < len(log.records):
        log.work(5)
    assert log.rebuilt("end", at_once=1000) == log.rebuilt("again", at_once=3) == log.hash_of(log.live)


def total(log: Log) -> dict[int, int]:
    with psycopg.connect(log.live) as c:
        rows = c.execute(
            "SELECT extract(year FROM date '1970-01-01' + service_day)::int, sum(cents)::bigint FROM bookings GROUP BY 1"
        ).fetchall()
    return {int(y): int(v) for y, v in rows if v}


def test_a_year_that_closes_for_good_leaves_one_total_per_cell_and_no_number_of_anybody(log: Log) -> None:
    persons = [bytes([n]) * 16 for n in range(1, 5)]
    of_2024 = [
        ledger_rows(a_row(f"Q{n}", from_day=day_number(dt.date(2024, 5, 1)), cents=1000 + n), PROVIDER)
        for n in range(4)
    ]
    of_2025 = [
        ledger_rows(a_row(f"P{n}", from_day=day_number(dt.date(2025, 5, 1)), cents=50 + n), PROVIDER) for n in range(4)
    ]
    for person, rows in zip(persons, zip(of_2024, of_2025, strict=True), strict=True):
        log.say(events={person: b"".join(rows)})
    log.say(erased=persons[:3])
    log.work(100)
    log.work(100)
    before = total(log)
    assert before == {2024: 4006, 2025: 206}
    assert log.vault.gone == set(persons[:3])
    for _ in range(3):
        log.close_month()  # October, November, December 2025: of 2024 figures are published still
    log.work(100)
    with psycopg.connect(log.live) as c:
        assert c.execute("SELECT count(*), count(DISTINCT year) FROM settled_years").fetchone() == (6, 2)
    log.close_month()  # January 2026
    log.work(100)
    log.work(100)
    assert total(log) == before
    assert (3, 2024) in log.vault.gone
    with psycopg.connect(log.live) as c:
        closed = c.execute("SELECT household, provider, volume, count, sum(cents) FROM bookings WHERE person = household AND service_day < %s "
                           "GROUP BY 1, 2, 3, 4", (day_number(dt.date(2025, 1, 1)),)).fetchall()  # fmt: skip
        assert c.execute("SELECT DISTINCT year FROM settled_years").fetchall() == [(2025,)]
    assert len(closed) == 1
    assert closed[0][1:4] == (0, 0, 0)
    assert int(closed[0][4]) == 1000 + 1001 + 1002
    log.say(erased=persons[3:])  # somebody later: into the total at once
    log.work(100)
    log.work(100)
    assert total(log) == before
    assert log.rebuilt("late", at_once=1000) == log.hash_of(log.live)
    np.testing.assert_equal(len(log.vault.gone), 5)
