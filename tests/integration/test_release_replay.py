"""Release's database is lost: it does not begin over, and is made anew from what was released."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from psycopg import sql
from typer.testing import CliRunner

from deploy.cli import app
from deploy.demo import Demo
from deploy.zone import Zone
from schemas import topics
from streams import release_store as store
from streams.config import RoleConfig
from streams.release_replay import is_empty


def renamed(zone: Zone, before: str, after: str) -> None:
    with psycopg.connect(zone.postgres.admin_dsn, autocommit=True) as c:  # type: ignore[attr-defined]
        names = sql.Identifier(before), sql.Identifier(after)
        c.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            (before,),
        )
        c.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))


@pytest.fixture
def lost(demo: Demo) -> Iterator[str]:
    """Release stands still and its database is away under another name (given); both are back afterwards."""
    zone, kept = demo.zone, "release_kept"
    zone.supervisor.stop(["release"])
    renamed(zone, "release", kept)
    yield kept
    zone.supervisor.stop(["release"])
    with psycopg.connect(zone.postgres.admin_dsn, autocommit=True) as c:  # type: ignore[attr-defined]
        c.execute("DROP DATABASE IF EXISTS release WITH (FORCE)")
    renamed(zone, kept, "release")
    start(zone)


def start(zone: Zone) -> None:
    zone.start_role("release")
    zone.supervisor.wait_ready(["release"])


def stopped(zone: Zone) -> str:
    """What is said when release stops for good."""
    deadline = time.monotonic() + 30
    while not (told := zone.supervisor.tend()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return " ".join(told)


def ends(demo: Demo) -> dict[str, int]:
    """Offset behind the last record of each released topic."""
    zone = demo.zone
    reader = Consumer(zone.kafka.client(zone.certificate("release")) | {"group.id": "release.test"})
    numbers = zone.folder.settings()["municipalities"]
    names = [topic(m) for m in numbers for topic in (topics.macro_topic, topics.meso_topic)]
    found = {name: reader.get_watermark_offsets(TopicPartition(name, 0), timeout=10)[1] for name in names}
    reader.close()
    return found


def test_release_goes_on_from_what_it_published_and_never_begins_over(demo: Demo, lost: str) -> None:
    zone, data = demo.zone, str(demo.zone.folder.path)
    before = ends(demo)
    zone.start_role("release")
    assert "were released before. Stop the zone and type `zorgstroom operator replay`" in stopped(zone)
    zone.supervisor.stop(["release"])

    said = CliRunner().invoke(app, ["operator", "replay", "--data", data])
    assert said.exit_code == 0, said.output
    assert f"release: {demo.wish.months} epochs" in " ".join(said.output.split())
    assert said.output.count("its database is there") == 2
    own = RoleConfig.load(zone.role_config("release")).database_dsn
    kept = own.rsplit("/", 1)[0] + f"/{lost}"
    with store.connect(own) as made, store.connect(kept) as there:
        for municipality in zone.folder.settings()["municipalities"]:
            assert store.published(made, municipality) == store.published(there, municipality)
            assert store.latest(made, municipality) == store.latest(there, municipality)
            assert any(store.latest(made, municipality).values())
        assert store.geography_hashes(made) == store.geography_hashes(there)
        closings = "SELECT epoch, month, state FROM closings ORDER BY 1"
        assert made.execute(closings).fetchall() == there.execute(closings).fetchall()
    assert not is_empty(RoleConfig.load(zone.role_config("release")))
    again = CliRunner().invoke(app, ["operator", "replay", "--data", data])
    assert again.output.count("its database is there") == 3

    start(zone)
    deadline = time.monotonic() + 30
    while True:
        with store.connect(own) as made:
            if store.next_offset(made, "orders_read") == demo.wish.months:
                break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    time.sleep(1)
    assert ends(demo) == before, "nothing is published a second time"
