"""Wakes what of a zone a command needs, if it sleeps, and puts to sleep again exactly what it woke."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from deploy import preflight
from deploy.embedded_kafka import EmbeddedKafka
from deploy.embedded_postgres import EmbeddedPostgres
from deploy.zone import Zone


def _kafka_runs(server: EmbeddedKafka) -> bool:
    note = server.data_dir / "pid"
    return note.exists() and preflight.runs_on(int(note.read_text()), server.data_dir)


@contextmanager
def awake(zone: Zone, *, kafka: bool = False, vault: bool = False) -> Iterator[Zone]:
    """PostgreSQL runs inside, Kafka and the keyvault too if asked. Servers someone else runs are left alone."""
    woken = []
    try:
        if isinstance(zone.postgres, EmbeddedPostgres) and zone.postgres.pid is None:
            woken.append(zone.postgres.stop)
            zone.postgres.start()
        if kafka and isinstance(zone.kafka, EmbeddedKafka) and not _kafka_runs(zone.kafka):
            woken.append(zone.kafka.stop)
            zone.kafka.start()
        if vault and not zone.vault_answers():
            woken.append(zone.supervisor.stop)
            zone.start_role("keyvault")
            zone.supervisor.wait_ready(["keyvault"])
        yield zone
    finally:
        for stop in reversed(woken):
            stop()
