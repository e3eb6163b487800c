"""The Kafka and the PostgreSQL of a zone: embedded ones, or those whose addresses the settings name.

Both kinds answer the same questions, so that nothing after this file knows which it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy import role_databases
from deploy.certificates import Authority, RoleCertificate
from deploy.embedded_kafka import EmbeddedKafka
from deploy.embedded_postgres import EmbeddedPostgres
from deploy.kafka_properties import ADMIN
from deploy.settings import Settings
from schemas.errors import SettingsWrong, Unavailable


class KafkaServer(Protocol):
    """A cluster to start, stop and reach."""

    @property
    def bootstrap(self) -> str:
        """Address for clients."""

    def client(self, certificate: RoleCertificate) -> dict[str, Any]:
        """A librdkafka configuration for a principal."""

    def admin(self) -> dict[str, Any]:
        """The administrator's configuration."""

    def check(self) -> None:
        """Whether it can be started here; touches nothing. Raises `SettingsWrong`."""

    def start(self) -> None:
        """Return when it serves; raises `SettingsWrong` or `Unavailable`."""

    def stop(self) -> None:
        """Stop what `start` started."""


class PostgresServer(Protocol):
    """A database server to start, stop and make databases on."""

    @property
    def admin_dsn(self) -> str:
        """The superuser's address."""

    def create_role_database(self, role: str) -> str:
        """Make or find the database of a role; its address."""

    def check(self) -> None:
        """Whether it can be started here; touches nothing. Raises `SettingsWrong`."""

    def start(self) -> None:
        """Return when it answers; raises `SettingsWrong` or `Unavailable`."""

    def stop(self) -> None:
        """Stop what `start` started."""


@dataclass(frozen=True, slots=True)
class ExternalKafka:
    """A cluster that someone else runs; `administrator` is a superuser there."""

    bootstrap: str
    administrator: RoleCertificate

    def client(self, certificate: RoleCertificate) -> dict[str, Any]:
        """A librdkafka configuration for a principal."""
        return {"bootstrap.servers": self.bootstrap, **certificate.kafka}

    def admin(self) -> dict[str, Any]:
        """The administrator's configuration."""
        return self.client(self.administrator)

    def check(self) -> None:
        """Nothing: whoever runs it checks it."""

    def start(self) -> None:
        """Ask whether it answers. Raises `Unavailable`."""
        try:
            AdminClient({**self.admin(), "log_level": 0}).list_topics(timeout=10)
        except KafkaException as away:
            msg = f"The Kafka at {self.bootstrap} does not let the administrator in within 10 s."
            raise Unavailable(msg) from away

    def stop(self) -> None:
        """Nothing: it is not ours."""


@dataclass(frozen=True, slots=True, repr=False)
class ExternalPostgres:
    """A server that someone else runs; role passwords are kept in `folder`."""

    admin_dsn: str
    folder: Path

    def create_role_database(self, role: str) -> str:
        """Make or find the database of a role; its address."""
        return role_databases.create(self.admin_dsn, role=role, password_file=self.folder / f"{role}.password")

    def check(self) -> None:
        """Nothing: whoever runs it checks it."""

    def start(self) -> None:
        """Ask whether it answers. Raises `Unavailable`."""
        try:
            psycopg.connect(self.admin_dsn, connect_timeout=10).close()
        except psycopg.OperationalError:
            msg = "The PostgreSQL of ZORGSTROOM_POSTGRES does not let the administrator in within 10 s."
            raise Unavailable(msg) from None  # the cause names the login

    def stop(self) -> None:
        """Nothing: it is not ours."""


def kafka_server(
    settings: Settings, *, folder: Path, authority: Authority, tell: Callable[[str], None] = print
) -> KafkaServer:
    """The Kafka of the zone; `folder` is its data folder when embedded. `tell` hears what takes long."""
    if settings.kafka is None:
        return EmbeddedKafka(folder, authority, settings.cache, heap_mb=settings.kafka_heap_mb, tell=tell)
    if settings.kafka_admin is None:
        return ExternalKafka(settings.kafka, authority.issue(ADMIN, folder / "admin"))
    given = settings.kafka_admin
    files = RoleCertificate(ADMIN, given / "cert.pem", given / "key.pem", given / "ca.pem")
    for path in (files.cert, files.key, files.ca):
        if not path.is_file():
            msg = f"The setting ZORGSTROOM_KAFKA_ADMIN names a folder without {path.name}."
            raise SettingsWrong(msg)
    return ExternalKafka(settings.kafka, files)


def postgres_server(settings: Settings, *, folder: Path, tell: Callable[[str], None] = print) -> PostgresServer:
    """The PostgreSQL of the zone; `folder` is its data folder when embedded, and keeps the roles' passwords."""
    if settings.postgres is None:
        return EmbeddedPostgres(folder, tell=tell)
    return ExternalPostgres(settings.postgres.get_secret_value(), folder)
