"""The process `release`: reads orders and requests, then does one step after the other. A second one waits its turn."""

from __future__ import annotations

import argparse
import datetime as dt
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from projections.release.audit.crew import Crew, workers
from projections.release.calendar import Calendar
from projections.release.chosen_parameters import chosen
from schemas.directory_follower import DirectoryFollower
from schemas.errors import SettingsWrong, Unavailable, ZorgstroomError
from schemas.requests import TOPIC as REQUESTS
from streams import release_geography as geography
from streams import release_store as store
from streams.address_book import AddressBook
from streams.config import RoleConfig
from streams.hop_store import prepared
from streams.logs import logger
from streams.metrics import WorkerMetrics
from streams.own_signing import OwnSigning
from streams.release import Release
from streams.release_orders import Follower
from streams.release_replay import check_not_lost
from streams.release_topics import KafkaTopics

EXIT_SETTINGS, EXIT_CONTRACT = 2, 3
_IDLE_SECONDS, _AWAY_SECONDS = 0.05, 1.0
_TOPICS: Final = ((REQUESTS, "requests_read"), ("orders.v1", "orders_read"))


def build(config: RoleConfig, metrics: WorkerMetrics, signing: OwnSigning, *, say: Callable[[str], None]) -> Release:
    """Everything release is made of, nothing connected. `say`: is told what it had to do in another way. Raises `SettingsWrong`."""
    books = config.extra.get("projector_dsn")
    if not books:
        msg = "The settings of release lack `extra.projector_dsn`."
        raise SettingsWrong(msg)
    folders = [Path(p) for p in config.extra.get("address_dirs", [])]
    if len(folders) != len(config.municipalities):
        msg = "The settings of release need one folder in `extra.address_dirs` per municipality."
        raise SettingsWrong(msg)
    addresses = {m: AddressBook.read([f]).per_area() for m, f in zip(config.municipalities, folders, strict=True)}
    geographies = {
        m: geography.read(f, m, year=config.first_month.year)
        for m, f in zip(config.municipalities, folders, strict=True)
    }
    parameters, given_up = chosen(config.extra.get("release_parameters"))
    crew = Crew(workers(config.extra.get("audit_workers")), say)
    return Release(
        books_dsn=books, topics=KafkaTopics(config.kafka.client()), signing=signing.current, geographies=geographies, addresses=addresses,
        first_month=config.first_month.index, metrics=metrics, parameters=parameters, given_up=given_up,
        calendar=Calendar.of(config.extra.get("closing")), crew=crew,
    )  # fmt: skip


@dataclass(slots=True)
class Turn:
    """Release at work: its connection, which holds the lock of its database, and what it reads."""

    config: RoleConfig
    release: Release
    metrics: WorkerMetrics
    log: Any
    _own: store.Connection | None = None
    _followers: list[Follower] = field(default_factory=list)

    def work(self) -> bool:
        """One round; False when there was nothing to do, or another release is at work. Raises `Unavailable`."""
        if self._own is None:
            with prepared(self.config.database_dsn, store.DDL):
                pass
            self._own = store.connect(self.config.database_dsn)
        if not self._followers:
            self.metrics.is_ready.set(1)
            if not store.take_the_lead(self._own):
                return False
            check_not_lost(self._own, self.config.kafka.client(), self.config.municipalities)
            self._followers = [self._follower(topic, table) for topic, table in _TOPICS]
        busy = [follower.take(self._own) for follower in self._followers]
        return self.release.step(self._own, dt.datetime.now(dt.UTC)) or any(busy)

    def _follower(self, topic: str, table: str) -> Follower:
        return Follower(
            self.config.kafka.client(), topic, table, first_month=self.config.first_month.index,
            municipalities=self.config.municipalities, roots=self.config.roots, metrics=self.metrics, log=self.log,
        )  # fmt: skip

    def end(self) -> None:
        """Let go of everything; the next round begins anew."""
        for follower in self._followers:
            follower.close()
        self._followers = []
        if self._own is not None:
            self._own.close()
            self._own = None
        self.release.forget_connections()


def run(config: RoleConfig) -> None:
    """Run until SIGTERM; what is away is waited for."""
    metrics, log, stopping = WorkerMetrics(config.role), logger(config.role), threading.Event()
    follower = DirectoryFollower(config.roots, config.kafka.client(), role=config.role)
    release = build(
        config,
        metrics,
        OwnSigning(config.role, follower.wait, lambda: config.secrets_of("signing")),
        say=lambda what: log.warning("audit", reason=what),
    )
    follower.start()
    metrics.serve(config.metrics_port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    turn, waiting = Turn(config, release, metrics, log), False
    while not stopping.is_set():
        try:
            busy = turn.work()
        except (Unavailable, psycopg.OperationalError) as away:
            if not waiting:
                log.warning("waiting", reason=str(away) if isinstance(away, Unavailable) else "PostgreSQL is away.")
            waiting = True
            metrics.waiting.set(1)
            turn.end()
            stopping.wait(_AWAY_SECONDS)
            continue
        if waiting:
            log.info("going on")
            waiting = False
            metrics.waiting.set(0)
        if not busy:
            stopping.wait(_IDLE_SECONDS)
    turn.end()
    follower.stop()


def _place(failure: BaseException) -> str:
    """File and line where it happened: never the message, which may repeat data."""
    trace, place = failure.__traceback__, "?"
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def main() -> None:
    """Entry: `--config FILE`. Settings that are wrong: one sentence and exit code 2."""
    parser = argparse.ArgumentParser(description="Closes epochs and publishes what may be published.")
    parser.add_argument("--config", required=True, type=Path, help="settings (JSON)")
    chosen = parser.parse_args()
    try:
        run(RoleConfig.load(chosen.config))
    except SettingsWrong as wrong:
        print(wrong)  # noqa: T201 - the last line of the log is what the supervisor shows
        sys.exit(EXIT_SETTINGS)
    except ZorgstroomError as broken:
        print(broken)  # noqa: T201
        sys.exit(EXIT_CONTRACT)
    except Exception as unexpected:  # noqa: BLE001 - the one place that catches broadly: it stops the process
        print(f"Release stopped: unexpected {type(unexpected).__name__} in {_place(unexpected)}.")  # noqa: T201
        sys.exit(EXIT_CONTRACT)


if __name__ == "__main__":
    main()
