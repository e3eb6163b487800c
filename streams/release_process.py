"""The process `release`: reads orders and requests, then does one step after the other."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import Consumer, TopicPartition

from schemas import codec
from schemas.errors import ContractBroken, Refused, SettingsWrong, Unavailable
from schemas.secrets import SigningKey
from streams import release_geography as geography
from streams import release_store as store
from streams.config import RoleConfig
from streams.hop_store import prepared
from streams.logs import logger
from streams.metrics import WorkerMetrics
from streams.release import Release

EXIT_SETTINGS, EXIT_CONTRACT = 2, 3


class Follower:
    """Reads a small topic into release's database; offset and rows in one transaction."""

    def __init__(self, settings: dict[str, Any], topic: str, table: str, own_dsn: str) -> None:
        """`table`: where the offset is kept."""
        self._consumer = Consumer(settings | {"group.id": f"release.{table}", "enable.auto.commit": False})
        self._table, self._dsn = table, own_dsn
        with store.connect(own_dsn) as own:
            self._consumer.assign([TopicPartition(topic, 0, store.next_offset(own, table))])

    def take(self) -> bool:
        """Take what has come; True when there was something."""
        records = [r for r in self._consumer.consume(50, 0.1) if r.error() is None]
        if not records:
            return False
        with store.connect(self._dsn) as own:
            for record in records:
                try:
                    self._one(own, record.value() or b"")
                except Refused:
                    continue  # what is not an order or request of this version orders nothing
            store.save_offset(own, self._table, int(records[-1].offset()) + 1)
        return True

    def _one(self, own: store.Connection, data: bytes) -> None:
        if codec.name_of(data) == "close_epoch_order":
            d = codec.decode("close_epoch_order", data)
            store.order(own, d["epoch"], d["month"])
        else:
            d = codec.decode("data_request", data)
            own.execute(
                "INSERT INTO requests VALUES (%s, %s, %s) ON CONFLICT (request) DO UPDATE SET datum = EXCLUDED.datum",
                (d["request"], d["municipality"], data),
            )

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()


def build(config: RoleConfig, metrics: WorkerMetrics) -> tuple[Release, list[Follower]]:
    """Everything release is made of."""
    books = config.extra.get("projector_dsn")
    if not books:
        msg = "The settings of release lack `extra.projector_dsn`."
        raise SettingsWrong(msg)
    folders = [Path(p) for p in config.extra.get("address_dirs", [])]
    if len(folders) != len(config.municipalities):
        msg = "The settings of release need one folder in `extra.address_dirs` per municipality."
        raise SettingsWrong(msg)
    geographies = {m: geography.read(f, m) for m, f in zip(config.municipalities, folders, strict=True)}
    with prepared(config.database_dsn, store.DDL):
        pass
    kafka = config.kafka.client()
    release = Release(config.database_dsn, books, kafka, SigningKey(config.secret("signing")), geographies, metrics)
    followers = [
        Follower(kafka, "requests.v1", "requests_read", config.database_dsn),
        Follower(kafka, "orders.v1", "orders_read", config.database_dsn),
    ]
    return release, followers


def run(config: RoleConfig) -> None:
    """Run until SIGTERM; what is away is waited for."""
    metrics, log, stopping = WorkerMetrics(config.role), logger(config.role), threading.Event()
    metrics.serve(config.metrics_port)
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    built: tuple[Release, list[Follower]] | None = None
    told = False
    while not stopping.is_set():
        try:
            built = built or build(config, metrics)
            metrics.is_ready.set(1)
            release, followers = built
            busy = [f.take() for f in followers]
            busy.append(release.step())
            if told:
                log.info("going on")
            told = False
            metrics.waiting.set(0)
            if not any(busy):
                stopping.wait(0.05)
        except (Unavailable, psycopg.OperationalError) as away:
            if not told:
                log.warning("waiting", reason=str(away) if isinstance(away, Unavailable) else "PostgreSQL is away.")
            told = True
            metrics.waiting.set(1)
            stopping.wait(1)
    for follower in built[1] if built else ():
        follower.close()


def main() -> None:
    """Entry: `--config FILE`."""
    parser = argparse.ArgumentParser(description="Closes epochs and publishes what may be published.")
    parser.add_argument("--config", required=True, type=Path, help="settings (JSON)")
    try:
        run(RoleConfig.load(parser.parse_args().config))
    except SettingsWrong as wrong:
        print(wrong)  # noqa: T201 - the last line of the log is what the supervisor shows
        sys.exit(EXIT_SETTINGS)
    except ContractBroken as broken:
        print(broken)  # noqa: T201
        sys.exit(EXIT_CONTRACT)


if __name__ == "__main__":
    main()
