"""Kafka, PostgreSQL or the keyvault away for a while: everything waits, says so, goes on by itself and loses nothing."""

from __future__ import annotations

import datetime as dt
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from runs import a_demo

from deploy.demo import Demo
from deploy.embedded_kafka import EmbeddedKafka
from deploy.embedded_postgres import EmbeddedPostgres
from deploy.zone import WORKERS
from producers.deliveries import Delivery, Withdrawal
from producers.publisher import Publisher
from producers.town.oracle import compare
from schemas.care import CARE_TYPES
from schemas.secrets import Bsn, passes_eleven_test
from schemas.values import Cents
from streams.config import RoleConfig
from streams.rebuild import dump, rebuild

AWAY_SECONDS = 12.0
MARCH = dt.date(2025, 3, 1)
PERSONS = {
    "postgres": range(999_950_000, 999_952_000),
    "keyvault": range(999_952_000, 999_954_000),
    "kafka": range(999_954_000, 999_956_000),
}
"""Nobody of the town, and in each test people the keyvault has not seen."""


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with a_demo(addresses=600, months=1, seed=31) as running:
        running.run()
        yield running


def deliveries(name: str, *, persons: range) -> list[Delivery]:
    care = next(c for c in CARE_TYPES.values() if c.stream.value == "wmo")
    bsns = [b for n in persons if passes_eleven_test(b := f"{n:09d}")]
    return [
        Delivery(
            bsn=Bsn(bsn), payer=9901, care_type=care, first_day=MARCH, last_day=MARCH + dt.timedelta(days=30),
            cents=Cents(1000 + at), reference=f"{name}-{at}",
        )
        for at, bsn in enumerate(bsns)
    ]  # fmt: skip


def takes_back(given: Delivery) -> Withdrawal:
    return Withdrawal(
        bsn=given.bsn, payer=given.payer, care_type=given.care_type, first_day=given.first_day, last_day=given.last_day,
        cents=given.cents, reference=f"{given.reference}-c", withdrawn_reference=given.reference,
    )  # fmt: skip


def says_it_waits(demo: Demo, roles: tuple[str, ...]) -> bool:
    for role in roles:
        with urllib.request.urlopen(demo.zone.metrics_url(role)) as answer:
            if f'zorgstroom_waiting{{role="{role}"}} 1.0'.encode() in answer.read():
                return True
    return False


def how_it_stands(demo: Demo, publisher: Publisher) -> str:
    """What to look at when nothing goes on: the publisher's state, each role's last line and what it waits for."""
    supervisor = demo.zone.supervisor
    waiting = [role for role in (*WORKERS, "keyvault") if says_it_waits(demo, (role,))]
    return f"{publisher.state()} waiting: {waiting} " + "; ".join(
        f"{n}: {supervisor.last_line(n)}" for n in supervisor.pids()
    )


def went_through(
    demo: Demo, name: str, away: Callable[[], None], back: Callable[[], None], waits: Callable[[], bool]
) -> None:
    sender = min(p.name for p in (demo.town / "providers").iterdir())
    publisher: Publisher = demo.publisher(sender)
    publisher.told = lambda _: None
    before = len(publisher.receipts())
    sent = deliveries(name, persons=PERSONS[name])
    away()
    try:
        publisher.publish_items(sent, file=f"{name}.csv")
        deadline = time.monotonic() + AWAY_SECONDS
        said = False
        while time.monotonic() < deadline:
            said = said or waits()
            time.sleep(0.5)
        assert said
        assert publisher.outbox.waiting_count() > 0
    finally:
        back()
    assert publisher.wait(seconds=90), how_it_stands(demo, publisher)
    assert [r.accepted for r in publisher.receipts()[before:]] == [len(sent)]
    publisher.publish_items([takes_back(d) for d in sent], file=f"{name}-terug.csv")
    assert publisher.wait(seconds=60)


def test_postgresql_away(demo: Demo) -> None:
    postgres = demo.zone.postgres
    assert isinstance(postgres, EmbeddedPostgres)
    went_through(demo, "postgres", postgres.kill9, postgres.start, lambda: says_it_waits(demo, ("intake",)))


def test_the_keyvault_away(demo: Demo) -> None:
    def back() -> None:
        demo.zone.start_role("keyvault")
        demo.zone.supervisor.wait_ready(["keyvault"])

    went_through(
        demo,
        "keyvault",
        lambda: demo.zone.supervisor.stop(["keyvault"]),
        back,
        lambda: says_it_waits(demo, ("intake",)),
    )


def test_kafka_away(demo: Demo) -> None:
    kafka = demo.zone.kafka
    assert isinstance(kafka, EmbeddedKafka)
    publisher = demo.publisher(min(p.name for p in (demo.town / "providers").iterdir()))
    went_through(demo, "kafka", kafka.stop, kafka.start, lambda: publisher.state()["waiting_for"] == "Kafka")


def test_afterwards_the_books_are_the_towns_and_nobody_died(demo: Demo, tmp_path: Path) -> None:
    assert demo.zone.supervisor.tend() == []
    config = RoleConfig.load(demo.zone.role_config("projector"))
    deadline = time.monotonic() + 60
    while (differences := _differences(config, demo, tmp_path)) and time.monotonic() < deadline:
        time.sleep(1)  # the last receipt leaves the ledger a moment before the projector has read the ledger
    assert differences == []
    assert rebuild(config).equal


def _differences(config: RoleConfig, demo: Demo, folder: Path) -> list[str]:
    dump(config, folder)
    return compare(folder, demo.town)
