"""What the vault is told when it starts: one JSON file, checked field by field before anything is touched."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from keyvault.erasure_work import COPIES_DAYS
from keyvault.limits import DAILY_SHARE, EvaluationRules
from keyvault.wrapping import WrappingSource
from schemas.errors import SettingsWrong
from schemas.mandate_rules import MandateRules
from schemas.roots import Roots
from schemas.secrets import WrappingKey


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Certificate, its private key and the network's authority."""

    cert: Path
    key: Path
    ca: Path


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """Settings of the keyvault. `bootstrap`: address of Kafka."""

    database_dsn: str
    bootstrap: str
    kafka: CertificateFiles
    tls: CertificateFiles
    host: str
    port: int
    metrics_port: int
    wrapping: tuple[WrappingSource, ...]
    evaluations: EvaluationRules
    roots: Roots
    copies_days: int = COPIES_DAYS
    """How long a copy in a topic or a backup can be opened."""
    pseudonym_key: str = ""
    """Id of a key that the zone has already: an empty database in its place is a lost one, and no new key is made."""
    mandate_rules: MandateRules = field(default_factory=MandateRules)

    @classmethod
    def load(cls, path: Path) -> VaultSettings:
        """Read and check the file. Raises `SettingsWrong`, one sentence that names file and field, never a value."""
        try:
            d: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as broken:
            msg = f"The settings file {path} can't be read as JSON."
            raise SettingsWrong(msg) from broken
        field = "database_dsn"
        try:
            dsn = make_url(d["database_dsn"]).render_as_string(hide_password=False)
            field = "kafka"
            bootstrap, kafka = str(d["kafka"]["bootstrap"]), _files(d["kafka"])
            field = "tls"
            tls = _files(d["tls"])
            field = "host"
            host = str(d["host"])
            field = "port"
            port = _port(d["port"])
            field = "metrics_port"
            metrics_port = _port(d["metrics_port"])
            field = "wrapping"
            wrapping = tuple(WrappingSource.of(source) for source in d["wrapping"])
            if not wrapping:
                raise ValueError  # noqa: TRY301 - one sentence for every field
            field = "inhabitants"
            inhabitants = _positive(d["inhabitants"])
            field = "operators"
            operators = {str(name): _key32(key) for name, key in dict(d.get("operators") or {}).items()}
            field = "roots"
            roots = Roots.of(d["roots"])
            field = "copies_days"
            copies_days = _positive(d.get("copies_days", COPIES_DAYS))
            field = "pseudonym_key"
            expected = str(d.get("pseudonym_key") or "")
            field = "new_persons_a_day"
            share = float(d.get("new_persons_a_day", DAILY_SHARE))
            if not 0 < share <= 1:
                raise ValueError  # noqa: TRY301 - one sentence for every field
        except (KeyError, ValueError, TypeError, ArgumentError) as wrong:
            msg = f"The settings file {path} lacks a usable `{field}`."
            raise SettingsWrong(msg) from wrong
        return cls(
            database_dsn=dsn, bootstrap=bootstrap, kafka=kafka, tls=tls, host=host, port=port, metrics_port=metrics_port,
            wrapping=wrapping, evaluations=EvaluationRules(inhabitants, share, operators=operators),
            roots=roots, copies_days=copies_days, pseudonym_key=expected, mandate_rules=MandateRules.of(d.get("mandate_rules")),
        )  # fmt: skip

    def check(self, now: dt.datetime) -> None:
        """Refuse certificates that are absent, unreadable, expired or not valid yet. Raises `SettingsWrong`."""
        for files in (self.kafka, self.tls):
            for file in (files.cert, files.ca):
                _check_validity(file, now)
            if not files.key.is_file():
                msg = f"The private key {files.key} is not there."
                raise SettingsWrong(msg)

    def wrapping_keys(self, passphrase: Callable[[], bytes]) -> list[WrappingKey]:
        """The keys under which everything in the database may lie: today's and, during a turn, the next. Raises `SettingsWrong`.

        `passphrase` is asked at most once, and only where one of them comes from it.
        """
        typed: list[bytes] = []

        def once() -> bytes:
            typed[:] = typed or [passphrase()]
            return typed[0]

        return [source.key(once) for source in self.wrapping]

    def kafka_client(self) -> dict[str, Any]:
        """A librdkafka configuration."""
        return {
            "bootstrap.servers": self.bootstrap, "security.protocol": "ssl", "ssl.ca.location": str(self.kafka.ca),
            "ssl.certificate.location": str(self.kafka.cert), "ssl.key.location": str(self.kafka.key), "log_level": 2,
        }  # fmt: skip


def _files(fields: dict[str, str]) -> CertificateFiles:
    return CertificateFiles(Path(fields["cert"]), Path(fields["key"]), Path(fields["ca"]))


def _port(value: Any) -> int:
    port = int(value)
    if not 0 < port < 65_536:
        raise ValueError
    return port


def _positive(value: Any) -> int:
    number = int(value)
    if number <= 0:
        raise ValueError
    return number


def _key32(text: str) -> bytes:
    raw = bytes.fromhex(text)
    if len(raw) != 32:
        raise ValueError
    return raw


def _check_validity(file: Path, now: dt.datetime) -> None:
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as broken:
        msg = f"The certificate {file} can't be read; ask for a new one."
        raise SettingsWrong(msg) from broken
    if now > certificate.not_valid_after_utc:
        msg = f"The certificate {file} expired on {certificate.not_valid_after_utc:%Y-%m-%d}; ask for a new one."
        raise SettingsWrong(msg)
    if now < certificate.not_valid_before_utc:
        msg = f"The certificate {file} is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} on; check the clock."
        raise SettingsWrong(msg)
