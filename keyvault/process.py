"""The vault's process: everything wired in one place, from settings to a clean stop.

Ready is what `GET /ready` says: the database answers and all mandates are known.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from keyvault.access_log import KafkaAccessLog
from keyvault.erasure_work import ErasureWork
from keyvault.log_on_topic import check_log_goes_on
from keyvault.mandate_subscriber import MandateSubscriber
from keyvault.metrics import VaultMetrics
from keyvault.mutual_tls import listening_socket, server
from keyvault.officers.board import Board
from keyvault.officers.naming import Naming
from keyvault.officers.store import PostgresOfficerStore
from keyvault.rewrap import known_print, only_vault
from keyvault.service import build_app
from keyvault.settings import VaultSettings
from keyvault.store import VaultStore
from keyvault.vault import Vault
from keyvault.wrapping import chosen
from schemas.directory_follower import DirectoryFollower
from schemas.errors import ContractBroken, SettingsWrong, Unavailable
from schemas.secrets import WrappingKey
from schemas.values import day_number

EXIT_SETTINGS: Final = 2
EXIT_CONTRACT: Final = 3


def run(path: Path) -> None:
    """Run the vault until it is told to stop. Raises `SettingsWrong` before anything is touched, `ContractBroken` later."""
    signal.signal(signal.SIGTERM, _stop)
    settings, log = VaultSettings.load(path), _logger()
    settings.check(dt.datetime.now(dt.UTC))
    wrapping = settings.wrapping_keys(lambda: sys.stdin.buffer.readline().rstrip(b"\r\n"))
    metrics = VaultMetrics()
    listening = listening_socket(settings.host, settings.port)
    stop_metrics = metrics.serve(settings.metrics_port)
    broken: list[str] = []
    try:
        _when_it_is_there(lambda: known_print(settings.database_dsn), metrics, log)
        with only_vault(settings.database_dsn):
            known = known_print(settings.database_dsn)
            if known is None and settings.pseudonym_key:
                msg = (
                    f"The keyvault's database is empty, and this zone has the pseudonym key {settings.pseudonym_key}: without it nobody is who they "
                    "were. Put its backup back (`zorgstroom operator backup restore keyvault`)."
                )
                raise ContractBroken(msg)
            key = chosen(wrapping, known)
            _serve(settings, key, metrics, log, listening, broken)
    finally:
        listening.close()
        stop_metrics()
    if broken:
        raise ContractBroken(broken[0])


def _serve(
    settings: VaultSettings,
    wrapping: WrappingKey,
    metrics: VaultMetrics,
    log: Any,
    listening: socket.socket,
    broken: list[str],
) -> None:
    """Everything that stands on the database, until the end; `broken` hears why, where it ends by itself."""
    store = VaultStore(settings.database_dsn, wrapping)
    try:
        _when_it_is_there(lambda: store.prepare(dt.datetime.now(dt.UTC).date()), metrics, log)
        kafka, officers = settings.kafka_client(), PostgresOfficerStore(store.transaction)
        _when_it_is_there(lambda: check_log_goes_on(kafka, store), metrics, log)
        follower = DirectoryFollower(settings.roots, kafka, role="keyvault")
        known = follower.directory
        vault = Vault(
            store,
            KafkaAccessLog(kafka),
            lambda ms: known.proves("projector", ms),
            metrics,
            rules=settings.mandate_rules,
            evaluations=settings.evaluations,
            untold=lambda: officers.not_told_yet(day_number(dt.datetime.now(dt.UTC).date())),
        )

        def end(sentence: str) -> None:
            broken.append(sentence)
            http.should_exit = True

        def level() -> bool:
            return mandates.level.is_set() and follower.caught_up

        mandates = MandateSubscriber(kafka, store, follower.any_grantor_key, meter=metrics, log=log, broken=end)
        erasures = ErasureWork(
            vault,
            known.decides,
            lambda key_id: known.signed_role_key("keyvault", "receipts", key_id),
            settings.copies_days,
        )
        app = build_app(
            vault,
            meter=metrics,
            tell=lambda told: log.error("failed", reason=told),
            level=level,
            erasures=erasures,
            naming=Naming(
                vault,
                Board(
                    vault, officers, known.counting_officer, known.any_officer, known.is_officer, known.signed_officers
                ),
            ),
        )
        http = server(
            app,
            host=settings.host,
            port=settings.port,
            cert=settings.tls.cert,
            key=settings.tls.key,
            ca=settings.tls.ca,
        )
        metrics.ready_when(lambda: http.started and level())
        try:
            mandates.start()
            follower.start()
            log.info("started")
            http.run(sockets=[listening])
        finally:
            mandates.stop()
            follower.stop()
    finally:
        store.close()


def _stop(_number: int, _frame: Any) -> None:
    raise SystemExit(0)


def _when_it_is_there(work: Callable[[], object], metrics: VaultMetrics, log: Any) -> None:
    """Do something with the database or Kafka, waiting for either."""
    waits = False
    while True:
        try:
            work()
        except Unavailable as away:
            if not waits:
                log.warning("waiting", reason=str(away))
            waits = True
            metrics.waiting(waits=True)
            time.sleep(1)
        else:
            metrics.waiting(waits=False)
            return


def _logger() -> Any:
    """JSON lines on standard output; libraries only from WARNING on, and uvicorn not at all: it would print requests' traces."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout), cache_logger_on_first_use=True,
    )  # fmt: skip
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    return structlog.get_logger(role="keyvault")


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry: `--config FILE`. Settings that are wrong: one sentence and exit code 2; a broken contract: 3."""
    parser = argparse.ArgumentParser(description="The keyvault.")
    parser.add_argument("--config", required=True, type=Path, help="settings (JSON)")
    try:
        run(parser.parse_args(arguments).config)
    except SettingsWrong as wrong:
        print(wrong)  # noqa: T201 - the last line of the log is what the supervisor shows
        sys.exit(EXIT_SETTINGS)
    except ContractBroken as broken:
        print(broken)  # noqa: T201
        sys.exit(EXIT_CONTRACT)


if __name__ == "__main__":
    main()
