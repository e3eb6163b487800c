"""A whole zone on one machine: servers, secrets, certificates, topics, directory, and a process per role.

Everything it makes lies in one folder (`deploy.zone_folder`); what it starts it stops.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException, Producer

from deploy import preflight
from deploy.certificates import Authority, RoleCertificate
from deploy.cluster import Cluster
from deploy.key_register import pseudonym_key_entry, receipts_key_entry, role_key_entries
from deploy.role_settings import of_keyvault, of_worker
from deploy.root_keys import RootKeys, topics_of
from deploy.servers import KafkaServer, PostgresServer, kafka_server, postgres_server
from deploy.settings import Settings, load_settings
from deploy.supervisor import Program, Supervisor
from deploy.zone_folder import ZoneFolder
from keyvault import group
from keyvault.client import VaultClient
from keyvault.erasure_work import COPIES_DAYS
from projections.release.audit.crew import workers
from projections.release.calendar import Calendar, day_in_amsterdam
from projections.release.chosen_parameters import chosen
from schemas import topics
from schemas.certificates import check_not_expired
from schemas.confidentiality import Confidentiality
from schemas.directory import Entry
from schemas.errors import Unavailable
from schemas.mandate_rules import MandateRules
from schemas.retention_rules import RetentionRules
from schemas.secret_file import write_private
from schemas.values import Month
from streams.hop_store import prepared
from streams.projector_store import DDL as PROJECTOR_DDL
from streams.projector_store import grant_release

WORKERS = ("intake", "ledger", "projector", "release")
_MODULES = {role: f"streams.{role}_process" for role in WORKERS} | {"keyvault": "keyvault.process"}


@dataclass(slots=True)
class Zone:
    """One zone. `tell` hears what is being done; `passphrase` asks for the keyvault's, where its wrapping key comes from one."""

    folder: ZoneFolder
    tell: Callable[[str], None] = lambda _: None
    passphrase: Callable[[], bytes] = lambda: b""
    settings: Settings = field(default_factory=load_settings)
    authority: Authority = field(init=False)
    kafka: KafkaServer = field(init=False)
    postgres: PostgresServer = field(init=False)
    supervisor: Supervisor = field(init=False)
    roots: RootKeys = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is started yet."""
        path = self.folder.path
        self.authority, self.roots = Authority(path / "root"), RootKeys(self.folder)
        self.kafka = kafka_server(self.settings, folder=path / "kafka", authority=self.authority, tell=self.tell)
        self.postgres = postgres_server(self.settings, folder=path / "postgres", tell=self.tell)
        root = Path(__file__).resolve().parent.parent
        self.supervisor = Supervisor(
            path / "logs", {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
        )

    # --- making ---------------------------------------------------------------------------------------------------

    def make(
        self, *, municipalities: Sequence[int], first_month: Month, address_dirs: dict[int, Path], by_calendar: bool = False
    ) -> None:  # fmt: skip
        """Write the zone's settings and secrets, if it is new. `address_dirs`: gemeente number -> folder of its registers.

        `by_calendar`: months that end from tomorrow on close by themselves; else all by command.
        """
        if self.folder.exists:
            return
        self.folder.make_secrets({"intake/scalar": group.random_scalar().reveal()})
        ports = {
            name: preflight.steady_port()
            for name in ("keyvault", *(f"metrics/{r}" for r in (*WORKERS, "keyvault", "zone")))
        }
        self.folder.save_settings(
            {
                "municipalities": list(municipalities), "first_month": str(first_month), "ports": ports,
                "address_dirs": {str(k): str(v) for k, v in address_dirs.items()}, "made_on": time.strftime("%Y-%m-%d"),
                "roots": self.roots.make().told(),
                "closing": {"by": "calendar" if by_calendar else "command", "since": str(day_in_amsterdam(dt.datetime.now(dt.UTC)))},
            }
        )  # fmt: skip
        self.folder.add_members(municipalities=[f"gm{m:04d}" for m in municipalities])

    def certificate(self, name: str, *, folder: Path | None = None) -> RoleCertificate:
        """The certificate of a role or member, made at first need."""
        return self.authority.issue(name, folder or self.folder.role(name))

    def reader_certificate(self, name: str) -> RoleCertificate:
        """The certificate of a reader on this machine, for calling only; made at first need."""
        return self.authority.issue(name, self.folder.path / "readers" / name, server=False)

    # --- starting -------------------------------------------------------------------------------------------------

    def start_servers(self) -> None:
        """Start Kafka and PostgreSQL, and bring topics and rights to what the table says."""
        self.tell("PostgreSQL")
        self.postgres.start()
        self.tell("Apache Kafka")
        self.kafka.start()
        self.apply_topics()

    def apply_topics(self) -> None:
        """Bring topics and rights of all members to what the table says."""
        Cluster(self.kafka.admin() | {"log_level": 2}).apply(self.folder.members())

    def check(self) -> None:
        """Check servers, ports and certificates of all roles before anything is touched. Raises `SettingsWrong`."""
        if self.folder.exists:
            self.mandate_rules()
            Confidentiality.of(self.folder.settings().get("confidentiality"))
            RetentionRules.of(self.folder.settings())
            Calendar.of(self.folder.settings().get("closing"))
            chosen(self.folder.settings().get("release_parameters"))
            workers(self.folder.settings().get("audit_workers"))
        self.kafka.check()
        self.postgres.check()
        path = self.folder.path
        for name, port in (self.folder.settings()["ports"] if self.folder.exists else {}).items():
            what = name.removeprefix("metrics/") if name != "page" else "page"
            preflight.check_port_free(port, whose=f"{what} of the zone in {path} (does it run already?)")
        now = dt.datetime.now(dt.UTC)
        for cert in sorted(path.glob("roles/*/cert.pem")):
            check_not_expired(cert, now=now)

    def start(self) -> None:
        """Start everything and wait until it is ready. Raises `SettingsWrong` before anything is touched."""
        self.check()
        self.start_servers()
        self.publish_directory(role_key_entries(self.folder))
        self.tell("keyvault")
        self.start_role("keyvault")
        self.supervisor.wait_ready(["keyvault"])
        self._pin_vault_keys()
        self.tell("intake, ledger, projector, release")
        dsn = self.postgres.create_role_database("projector")
        self.postgres.create_role_database("release")
        with prepared(dsn, PROJECTOR_DDL):
            pass
        grant_release(dsn, "release")
        for role in WORKERS:
            self.start_role(role)
        self.supervisor.wait_ready(WORKERS, seconds=90)

    def start_role(self, role: str, *, instance: str = "") -> str:
        """Start one process of a role (`instance` tells further ones apart); returns the program's name."""
        name = role + instance
        config = of_keyvault(self) if role == "keyvault" else of_worker(self, role, instance=instance)
        path = self.folder.role(role) / f"config{instance}.json"
        write_private(path, json.dumps(config, indent=2).encode())
        ready = self.vault_answers if role == "keyvault" else _ready_at(config["metrics_port"])
        told = self.passphrase() if role == "keyvault" and any("salt" in s for s in self.folder.wrapping()) else b""
        self.supervisor.start(
            Program(name, _MODULES[role], ("--config", str(path)), ready, told + b"\n" if told else b"")
        )
        return name

    def stop(self) -> None:
        """Stop everything this zone started."""
        self.supervisor.stop()
        self.kafka.stop()
        self.postgres.stop()

    # --- settings of the roles ------------------------------------------------------------------------------------

    @property
    def vault_url(self) -> str:
        """Where the keyvault listens."""
        return f"https://127.0.0.1:{self.folder.settings()['ports']['keyvault']}"

    def vault(self, name: str, files: RoleCertificate | None = None) -> VaultClient:
        """A client of the vault with the certificate of `name`."""
        files = files or self.certificate(name)
        return VaultClient(self.vault_url, cert=files.cert, key=files.key, ca=files.ca)

    def vault_answers(self) -> bool:
        """Whether the keyvault answers now."""
        client = self.vault(topics.ADMIN)
        try:
            return client.ready()
        finally:
            client.close()

    def mandate_rules(self) -> MandateRules:
        """What mandates of this zone are held to. Raises `SettingsWrong`."""
        return MandateRules.of(self.folder.settings().get("mandate_rules"))

    def copies_days(self) -> int:
        """How long a copy can be opened: of a topic as long as it is kept, of a backup the setting `backups_kept_days` (the same)."""
        return max(COPIES_DAYS, int(self.folder.settings().get("backups_kept_days", COPIES_DAYS)))

    def households(self) -> dict[str, int]:
        """About how many households each municipality has: the addresses of its register."""
        places = self.folder.settings()["address_dirs"]
        return {m: len((Path(p) / "address_register.csv").read_bytes().splitlines()) - 1 for m, p in places.items()}

    def inhabitants(self) -> int:
        """How many people live in the zone: the setting `inhabitants`, else two per address."""
        named = self.folder.settings().get("inhabitants")
        return int(named) if named is not None else max(1, 2 * sum(self.households().values()))

    def role_config(self, role: str) -> Path:
        """The settings file of a running or stopped role, for commands that do its work (rebuild, dump)."""
        return self.folder.role(role) / "config.json"

    def metrics_url(self, role: str) -> str:
        """Where an operator reads a role's metrics."""
        return f"http://127.0.0.1:{self.folder.settings()['ports'][f'metrics/{role}']}/metrics"

    # --- directory ------------------------------------------------------------------------------------------------

    def _pin_vault_keys(self) -> None:
        """Have the root sign the keyvault's first pseudonym key and its key for receipts, once in a zone's life."""
        if "pseudonym_keys" not in self.folder.settings():
            admin = self.vault(topics.ADMIN)
            key_id, public = admin.public_key("voprf")
            receipts = admin.public_key("receipts")
            admin.close()
            self.publish_directory([pseudonym_key_entry(key_id, public, version=1), receipts_key_entry(*receipts)])
            self.folder.next_pseudonym_version(key_id)

    def role_entries(self) -> list[bytes]:
        """The zone's role keys, each signed by the root: what an admission file carries."""
        return [self.roots.signed(e) for e in role_key_entries(self.folder)]

    def publish_directory(self, entries: Sequence[Entry]) -> None:
        """Put entries on `directory.v1`, signed by the root; what it signed before needs no root key. Raises `Unavailable`, `SettingsWrong`."""
        self.publish_signed([(e.subject, self.roots.signed(e)) for e in entries])

    def publish_signed(self, signed: Sequence[tuple[str, bytes]]) -> None:
        """Put (subject, signed entry) where they belong, in order. Raises `Unavailable`."""
        failed: list[object] = []
        producer = Producer({**self.kafka.admin(), "acks": "all", "log_level": 2})
        for subject, value in signed:
            for topic in topics_of(subject):
                producer.produce(
                    topic, key=subject.encode(), value=value, partition=0,
                    on_delivery=lambda error, _: failed.append(error) if error is not None else None,
                )  # fmt: skip
        try:
            left = producer.flush(20)
        except KafkaException:
            left = 1
        if left or failed:
            msg = "Kafka does not take the directory's entries."
            raise Unavailable(msg)


def _ready_at(port: int) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
                text = answer.read().decode()
        except OSError:
            return False
        return any(line.startswith("zorgstroom_ready{") and line.endswith(" 1.0") for line in text.splitlines())

    return ready
