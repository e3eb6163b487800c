"""A zone on a Kafka and a PostgreSQL that someone else runs, named by their addresses: the road works and nothing of them is stopped."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy import bench
from deploy.bench_load import MANY, PROVIDERS, Load, register_of
from deploy.certificates import Authority
from deploy.embedded_kafka import EmbeddedKafka
from deploy.embedded_postgres import EmbeddedPostgres
from deploy.order_commands import order_first_load
from deploy.settings import load_settings
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from schemas.errors import SettingsWrong, Unavailable
from schemas.values import Month
from streams.config import RoleConfig
from streams.rebuild import rebuild


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="zorgstroom-named-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def others_kafka(folder: Path) -> Iterator[EmbeddedKafka]:
    """Somebody's cluster, which trusts the zone's certificates."""
    server = EmbeddedKafka(folder / "their-kafka", Authority(folder / "zone" / "root"), load_settings().cache)
    server.start()
    yield server
    server.stop()


def test_the_road_on_servers_of_others(
    folder: Path, others_kafka: EmbeddedKafka, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZORGSTROOM_KAFKA", others_kafka.bootstrap)
    monkeypatch.setenv("ZORGSTROOM_POSTGRES", postgres.admin_dsn)
    zone = Zone(ZoneFolder(folder / "zone"))
    zone.make(municipalities=[9901], first_month=Month(2025, 1), address_dirs={9901: register_of(folder)})
    zone.folder.save_settings(zone.folder.settings() | {"inhabitants": MANY})
    zone.folder.add_members(providers=PROVIDERS)
    zone.start()
    try:
        load = Load(zone)
        load.admit()
        bench.road(zone, load, deliveries=2000, per_envelope=200)
        assert rebuild(RoleConfig.load(zone.role_config("projector"))).equal
        assert not (folder / "zone" / "kafka" / "data").exists(), "nothing embedded was made"
    finally:
        zone.stop()
        forget_databases(postgres)
    assert others_kafka.pid is not None, "not ours to stop"


def test_past_the_days_limit_intake_waits_says_so_and_loses_nothing(
    folder: Path, others_kafka: EmbeddedKafka, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZORGSTROOM_KAFKA", others_kafka.bootstrap)
    monkeypatch.setenv("ZORGSTROOM_POSTGRES", postgres.admin_dsn)
    zone = Zone(ZoneFolder(folder / "zone"))
    zone.make(municipalities=[9901], first_month=Month(2025, 1), address_dirs={9901: register_of(folder)})
    zone.folder.add_members(providers=PROVIDERS)
    for name in ("anne", "bob"):
        zone.folder.admit_operator(name)
    zone.start()
    try:
        load = Load(zone)
        load.admit()
        books = bench.NewBookings(zone.postgres.create_role_database("projector"))
        load.publish(load.envelopes(2000, per_envelope=200))
        log, deadline = zone.supervisor.logs / "intake.log", time.monotonic() + 60
        while "daily limit is reached" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()[-500:]
            time.sleep(0.1)
        with psycopg.connect(zone.postgres.create_role_database("keyvault")) as c:
            assert c.execute("SELECT count, by_order FROM evaluations WHERE caller = 'intake'").fetchone() == (100, 0)
        assert zone.supervisor.tend() == [], "it waits and does not stop"
        order_first_load(zone, 800, why="test")
        books.wait(2000)
        books.close()
        assert rebuild(RoleConfig.load(zone.role_config("projector"))).equal
    finally:
        zone.stop()
        forget_databases(postgres)


def forget_databases(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as c:
        for role in ("intake", "ledger", "projector", "keyvault", "release"):
            c.execute(f"DROP DATABASE IF EXISTS {role} WITH (FORCE)")
            c.execute(f"DROP ROLE IF EXISTS {role}")


def test_an_address_where_nobody_answers_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZORGSTROOM_KAFKA", "127.0.0.1:9")
    zone = Zone(ZoneFolder(folder / "zone"))
    zone.make(municipalities=[9901], first_month=Month(2025, 1), address_dirs={9901: register_of(folder)})
    with pytest.raises(Unavailable, match=r"The Kafka at 127\.0\.0\.1:9 does not let the administrator in"):
        zone.kafka.start()
    monkeypatch.setenv("ZORGSTROOM_KAFKA", "nowhere")
    with pytest.raises(SettingsWrong, match="host:port"):
        load_settings()
