"""What a worker is told when it starts: one JSON file, checked field by field before anything is touched."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keyvault.client import VaultClient
from schemas.certificates import check_not_expired
from schemas.errors import SettingsWrong
from schemas.roots import Roots
from schemas.secret_file import read_secret
from schemas.values import Month


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """Address and certificate of one principal at Kafka."""

    bootstrap: str
    ca: Path
    cert: Path
    key: Path

    @classmethod
    def of(cls, fields: dict[str, str]) -> KafkaAccess:
        """From the JSON's `kafka` object."""
        return cls(fields["bootstrap"], Path(fields["ca"]), Path(fields["cert"]), Path(fields["key"]))

    def client(self, **more: Any) -> dict[str, Any]:
        """A librdkafka configuration; `more` with underscores for dots."""
        return {
            "bootstrap.servers": self.bootstrap, "security.protocol": "ssl", "ssl.ca.location": str(self.ca),
            "ssl.certificate.location": str(self.cert), "ssl.key.location": str(self.key), "log_level": 2,
            **{k.replace("_", "."): v for k, v in more.items()},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RoleConfig:
    """Settings of one role; see docs/copy-this.md."""

    role: str
    kafka: KafkaAccess
    database_dsn: str = field(repr=False)
    roots: Roots
    secrets_dir: Path
    metrics_port: int
    first_month: Month
    municipalities: tuple[int, ...]
    vault_url: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> RoleConfig:
        """Read and check the file. Raises `SettingsWrong`, one sentence that names file and field, never a value."""
        try:
            d = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as broken:
            msg = f"The settings file {path} can't be read as JSON."
            raise SettingsWrong(msg) from broken
        where = "role"
        try:
            role = str(d["role"])
            where = "kafka"
            kafka = KafkaAccess.of(d["kafka"])
            where = "vault"
            vault_url = str(d["vault"]["url"]) if d.get("vault") else ""
            where = "database_dsn"
            dsn = str(d["database_dsn"])
            where = "roots"
            roots = Roots.of(d["roots"])
            where = "secrets_dir"
            secrets_dir = Path(d["secrets_dir"])
            where = "metrics_port"
            metrics_port = int(d["metrics_port"])
            where = "first_month"
            first_month = Month.parse(d["first_month"])
            where = "municipalities"
            municipalities = tuple(int(m) for m in d["municipalities"])
        except (KeyError, ValueError, TypeError) as wrong:
            msg = f"The settings file {path} lacks a usable `{where}`."
            raise SettingsWrong(msg) from wrong
        for file in (kafka.ca, kafka.cert, kafka.key):
            if not file.is_file():
                msg = f"The certificate file {file} named in {path} is not there."
                raise SettingsWrong(msg)
        check_not_expired(kafka.cert)
        return cls(
            role=role, kafka=kafka, database_dsn=dsn, roots=roots, secrets_dir=secrets_dir,
            metrics_port=metrics_port, first_month=first_month, municipalities=municipalities, vault_url=vault_url,
            extra=dict(d.get("extra") or {}),
        )  # fmt: skip

    def vault_client(self) -> VaultClient:
        """A client of the vault with this role's certificate; nothing connects before its first call. Raises `SettingsWrong`."""
        if not self.vault_url:
            msg = f"The settings of {self.role} lack `vault`."
            raise SettingsWrong(msg)
        return VaultClient(self.vault_url, cert=self.kafka.cert, key=self.kafka.key, ca=self.kafka.ca)

    def secret(self, name: str) -> bytes:
        """The 32 bytes of one secret; wrap them at once. Raises `SettingsWrong`, also where others may read the file.

        From the credential `name` of the operating system (systemd's `LoadCredential`), where there is one; else from `secrets_dir`.
        """
        return read_secret(self._secret_file(name), "secret file")

    def secrets_of(self, use: str) -> list[bytes]:
        """Today's secret of a use and those before it that were not destroyed: `use`, and files or credentials named `use.` and more."""
        given = os.environ.get("CREDENTIALS_DIRECTORY")
        names = {p.name.removesuffix(".key") for p in self.secrets_dir.glob(f"{use}*.key")}
        names |= {p.name for p in Path(given).glob(f"{use}*")} if given else set()
        found = []
        for name in sorted(n for n in names if n == use or n.startswith(f"{use}.")):
            try:
                found.append(self.secret(name))
            except SettingsWrong:
                if self._secret_file(name).exists():
                    raise
        return found  # one that was destroyed between the two looks is not there

    def has_secret(self, name: str) -> bool:
        """Whether a secret is there that need not be."""
        return self._secret_file(name).is_file()

    def _secret_file(self, name: str) -> Path:
        given = os.environ.get("CREDENTIALS_DIRECTORY")
        credential = Path(given) / name if given else None
        return credential if credential and credential.is_file() else self.secrets_dir / f"{name}.key"
