"""A service year that closes for good, broken off before each command and each record: the next processes finish it, as undisturbed.

In each of eight partitions of the ledger a year after the other closes; each closing is broken off one step later than the one before.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from broken_off import AT_EACH, Steps, Where
from erasure_builders import a_decision, signed
from ledger_builders import PROVIDER, TODAY, a_hop_record, a_row
from two_worlds import Worlds, books, parted, rebuilt, the_same, told_once
from whole_road import DAY, RELEASE, ROLES, Road, address_book, network

from deploy.embedded_postgres import EmbeddedPostgres
from keyvault.access_log import first_break
from schemas import codec
from schemas.sealing import seal_events
from schemas.values import Month, day_number
from streams.epoch_marker import marker
from streams.ledger import ledger_rows

pytestmark = pytest.mark.servers
PARTITIONS, FIRST = range(8), Month(2001, 11)
YEARS = range(2000, 2020)
"""The first marker of 2002 closes 2000 for good, and so on."""


def person_of(partition: int) -> bytes:
    return bytes([partition + 1]) * 16


class Writers:
    """Ledger and release, as far as they write to the projector's topic."""

    def __init__(self, *roads: Road) -> None:
        self.roads, self.numbers = list(roads), Counter[tuple[str, int]]()

    def say(self, partition: int, body: bytes, role: str = "ledger") -> None:
        self.numbers[role, partition] += 1
        record = a_hop_record(body, role=role, number=self.numbers[role, partition], source=partition)
        for road in self.roads:
            road.topics["ledger.v1"][partition].append((b"", record.value))

    def person_events(self, partition: int, **part: Any) -> None:
        empty = {"placements": [], "events": [], "mandates": [], "months": [], "erased": []}
        self.say(partition, codec.encode("person_events", {"day": TODAY} | empty | part))

    def close_month(self, partition: int) -> None:
        epoch = self.numbers["release", partition]
        self.say(partition, marker(RELEASE, partition=partition, epoch=epoch, month=FIRST.index + epoch), "release")


def delivered(year: int, partition: int) -> bytes:
    return ledger_rows(
        a_row((year, partition), cents=year + partition, from_day=day_number(dt.date(year, 5, 1))), PROVIDER
    )


@pytest.fixture
def writers(
    fresh_database: Callable[[str], str], postgres: EmbeddedPostgres, tmp_path: Path
) -> Iterator[tuple[Writers, Worlds]]:
    """Eight persons, one in each partition, with something in each year, and erased."""
    struck = Road(
        {r: fresh_database(f"{r}_struck") for r in ROLES}, network(), address_book(tmp_path, 1), Steps(), FIRST
    )
    struck.start()
    made = Writers(struck)
    for partition in PARTITIONS:
        person = person_of(partition)
        (key,) = struck.clients["ledger"].person_keys([person])
        assert key is not None
        rows = b"".join(delivered(year, partition) for year in YEARS)
        made.person_events(partition, events=[{"person": person, "sealed": seal_events(key, person, "events", rows)}])
        made.person_events(
            partition, erased=[{"person": person, "decision": signed(a_decision(person)), "references": b""}]
        )
    struck.run()
    for partition in PARTITIONS:
        struck.vault_store.year_keys(partition, [0], DAY)
    with parted(struck, postgres) as both:
        made.roads.append(both.still)
        yield made, both


def by_year(road: Road) -> list[tuple[Any, ...]]:
    with psycopg.connect(road.dsns["projector"]) as c:
        return c.execute(
            "SELECT area, care_type, extract(year FROM date '1970-01-01' + service_day), sum(cents) FROM bookings GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ).fetchall()


def closed_on_topic(road: Road, partition: int) -> set[int]:
    bodies = (codec.decode("hop_record", v or b"")["body"] for _, v in road.topics["ledger.v1"][partition])
    return {codec.decode("year_settled", b)["year"] for b in bodies if codec.name_of(b) == "year_settled"}


@AT_EACH
def test_a_year_that_closes_broken_off_before_any_command_or_record_ends_as_one_that_did_undisturbed(
    where_to: Where, writers: tuple[Writers, Worlds], fresh_database: Callable[[str], str]
) -> None:
    write, worlds = writers
    road, totals = worlds.struck, by_year(worlds.struck)
    where_to.set(road.steps)
    assert len(totals) == len(YEARS)
    for n, (year, partition) in enumerate(itertools.product(YEARS, PARTITIONS)):
        if partition == 0:  # all up to the January that closes it
            for each in PARTITIONS:
                while (FIRST.index + write.numbers["release", each]) % 12 or not write.numbers["release", each]:
                    write.close_month(each)
            road.run()
        write.close_month(partition)
        killed = road.steps.broken_off(road.run, at=where_to.step(n))
        where = f"before step {where_to.step(n)}, {road.steps.names[-1]}"
        assert by_year(road) == totals, where
        if not road.vault_store.has_year_keys(partition, [year]):
            assert year in closed_on_topic(road, partition), f"{where}: the key went before the total was safe"
        if killed and not where_to.alone:
            road.start()
            road.run()
        assert by_year(road) == totals, where
        assert road.vault_store.year_keys(partition, [year], DAY) == [None], where
        with psycopg.connect(road.dsns["projector"]) as c:
            left = c.execute("SELECT 1 FROM settled_years WHERE (partition, year) = (%s, %s)", (partition, year))
            assert left.fetchall() == [], where
        if not killed:
            break
    assert not killed, "more steps than there are years"
    assert where_to.step(n) > where_to.least(commits=40, commands=100, keyvault=10), "closing a year has steps"
    worlds.still.run()
    assert by_year(worlds.still) == totals
    the_same(worlds)
    told_once(road.topics["ledger.v1"])
    lines = road.log.whole()
    assert first_break(lines) is None
    assert sum(r["action"] == "year-end" for r in lines) >= n + 1
    assert rebuilt(road, fresh_database("rebuilt")) == books(road.dsns["projector"])
