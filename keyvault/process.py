"""The vault's process: everything wired in one place, from settings to a clean stop.

Ready is what `GET /ready` says: the database answers and all mandates are known.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from keyvault.access_log import KafkaAccessLog
from keyvault.mandate_subscriber import MandateSubscriber
from keyvault.metrics import VaultMetrics
from keyvault.mutual_tls import listening_socket, server
from keyvault.service import build_app
from keyvault.settings import VaultSettings
from keyvault.store import VaultStore
from keyvault.vault import Vault
from schemas.errors import ContractBroken, SettingsWrong, Unavailable

EXIT_SETTINGS: Final = 2
EXIT_CONTRACT: Final = 3


def run(path: Path) -> None:
    """Run the vault until it is told to stop. Raises `SettingsWrong` before anything is touched, `ContractBroken` later."""
    signal.signal(signal.SIGTERM, _stop)
    settings, log = VaultSettings.load(path), _logger()
    settings.check(dt.datetime.now(dt.UTC))
    wrapping = settings.wrapping_key()
    metrics = VaultMetrics()
    listening = listening_socket(settings.host, settings.port)
    stop_metrics = metrics.serve(settings.metrics_port)
    store = VaultStore(settings.database_dsn, wrapping)
    broken: list[str] = []
    try:
        _prepared(store, metrics, log)
        kafka = settings.kafka_client()
        vault = Vault(
            store,
            KafkaAccessLog(kafka),
            settings.projector_signing_public_key,
            metrics,
            rules=settings.mandate_rules,
            evaluations=settings.evaluations,
        )

        def end(sentence: str) -> None:
            broken.append(sentence)
            http.should_exit = True

        mandates = MandateSubscriber(kafka, store, meter=metrics, log=log, broken=end)
        app = build_app(
            vault, meter=metrics, tell=lambda told: log.error("failed", reason=told), level=mandates.level.is_set
        )
        http = server(
            app,
            host=settings.host,
            port=settings.port,
            cert=settings.tls.cert,
            key=settings.tls.key,
            ca=settings.tls.ca,
        )
        metrics.ready_when(lambda: http.started and mandates.level.is_set())
        try:
            mandates.start()
            log.info("started")
            http.run(sockets=[listening])
        finally:
            mandates.stop()
    finally:
        listening.close()
        stop_metrics()
        store.close()
    if broken:
        raise ContractBroken(broken[0])


def _stop(_number: int, _frame: Any) -> None:
    raise SystemExit(0)


def _prepared(store: VaultStore, metrics: VaultMetrics, log: Any) -> None:
    """Wait for PostgreSQL and bring its tables to today's form."""
    waits = False
    while True:
        try:
            store.prepare(dt.datetime.now(dt.UTC).date())
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
