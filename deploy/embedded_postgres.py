"""A real PostgreSQL on this machine, from the binaries of a Python package: one login with a password per role.

Runs on a loopback port with scram-sha-256; the port and the data survive a restart. Its log holds no statement, no value
and no detail of an error, since those could be a person's.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deploy import preflight, role_databases
from deploy.postgres_place import Place, note_of_elsewhere, place_for
from schemas.errors import SettingsWrong, Unavailable
from schemas.secret_file import write_private

SUPERUSER: Final = "zorgstroom_admin"
_ROOM_MEGABYTES = 500
_SETTINGS: Final = {
    # two cores, a few dozen processes
    "shared_buffers": "256MB",
    "max_connections": "80",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    # a commit is on the disk before it counts: the hop protocol rests on it
    "fsync": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}


def _silent(_: str) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class EmbeddedPostgres:
    """One server with its data in `data_dir`. `tell` hears where the data went when that is another folder."""

    data_dir: Path
    tell: Callable[[str], None] = _silent
    _place: Place | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.data_dir = self.data_dir.resolve()

    @property
    def folder(self) -> Path:
        """Where cluster and logs are: `data_dir`, or the place that was found for a server started by root."""
        return note_of_elsewhere(self.data_dir) or self.data_dir

    @property
    def port(self) -> int:
        """Loopback port; the same after every restart."""
        path = self.data_dir / "port"
        if not path.exists():
            preflight.check_folder(self.data_dir)
            write_private(path, str(preflight.steady_port()).encode())
        return int(path.read_text())

    @property
    def log_file(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    @property
    def pid(self) -> int | None:
        """Process id while running, also of a server an earlier run left behind."""
        pid_file = self.folder / "cluster" / "postmaster.pid"
        if not pid_file.exists():
            return None
        pid = int(pid_file.read_text().split()[0])
        return pid if preflight.runs_on(pid, self.folder / "cluster") else None

    @property
    def admin_dsn(self) -> str:
        """The superuser's address, for setting up and for tests only."""
        password = (self.data_dir / "superuser.password").read_text().strip()
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.port}/postgres"

    def check(self) -> None:
        """Whether it can be started; touches nothing. Raises `SettingsWrong`: disk full, port in use."""
        if self.pid is not None:
            return
        preflight.check_room(self.data_dir, megabytes=_ROOM_MEGABYTES)
        if (self.data_dir / "port").exists():
            preflight.check_port_free(self.port, whose=f"the PostgreSQL of {self.data_dir}")

    def start(self) -> None:
        """Start (making the cluster at first use) and wait until it answers; takes over one that runs on this data.

        Raises `SettingsWrong` before anything is touched: as `check`, or the folder is closed. Raises `Unavailable`
        when the server does not come up.
        """
        preflight.check_folder(self.data_dir)
        if self.pid is not None:
            return
        self.check()
        place = self._placed()
        if not (place.folder / "cluster" / "PG_VERSION").exists():
            self._initialise(place)
        (place.folder / "cluster" / "postmaster.pid").unlink(missing_ok=True)  # of a machine that lost its power
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        self._run(
            ["pg_ctl", "-D", str(place.folder / "cluster"), "-w", "-t", "60", "-l", str(place.folder / "server.log"),
             "-o", f"-p {self.port} -h 127.0.0.1 -k '' {options}", "start"], what="start",
        )  # fmt: skip

    def _placed(self) -> Place:
        if self._place is None:
            self._place = place_for(self.data_dir, root=os.geteuid() == 0)
            if self._place.folder != self.data_dir:
                self.tell(f"PostgreSQL can't run as root inside {self.data_dir}; its data are in {self._place.folder}.")
            for name in ("programs.log", "server.log"):
                (self._place.folder / name).touch(mode=0o600)
                self._place.own(self._place.folder / name)
        return self._place

    def _initialise(self, place: Place) -> None:
        password_file, cluster = self.data_dir / "superuser.password", place.folder / "cluster"
        write_private(password_file, secrets.token_urlsafe(24).encode())
        handed_over = place.folder / "initial.password"
        write_private(handed_over, password_file.read_bytes())
        cluster.mkdir(mode=0o700, exist_ok=True)
        place.own(cluster)
        place.own(handed_over)
        try:
            self._run(
                ["initdb", "-D", str(cluster), "-U", SUPERUSER, f"--pwfile={handed_over}", "--auth=scram-sha-256",
                 "-E", "UTF8", "--locale=C", "--data-checksums"], what="make its cluster",
            )  # fmt: skip
        finally:
            handed_over.unlink()

    def _run(self, command: list[str], *, what: str) -> None:
        """Run one of the server's own programs as the right user; what it says goes to a file."""
        place = self._placed()
        identity: dict[str, Any] = {}
        if place.user is not None:
            identity = {"user": place.user.pw_uid, "group": place.user.pw_gid, "extra_groups": []}
        program, *arguments = command
        with (place.folder / "programs.log").open("ab") as log:
            done = subprocess.run(
                [str(place.binaries / program), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                check=False, timeout=90, cwd="/", umask=0o077,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}, **identity,
            )  # fmt: skip
        if done.returncode != 0:
            msg = f"PostgreSQL could not {what}; see {place.folder / 'programs.log'} and {place.folder / 'server.log'}."
            raise Unavailable(msg)

    def create_role_database(self, role: str) -> str:
        """Make database and login `role` (no other role may connect), or find them; returns the address."""
        return role_databases.create(self.admin_dsn, role=role, password_file=self.data_dir / f"{role}.password")

    def stop(self) -> None:
        """Stop it, if it runs. Open connections are ended, nothing committed is lost."""
        self._stop("fast")

    def kill9(self) -> None:
        """Stop without a checkpoint, as a crash would, for fault tests."""
        self._stop("immediate")

    def _stop(self, mode: str) -> None:
        if self.pid is not None:
            cluster = str(self._placed().folder / "cluster")
            self._run(["pg_ctl", "-D", cluster, "-m", mode, "-w", "-t", "60", "stop"], what="stop")

    def forget(self) -> None:
        """Remove what lies outside `data_dir`. The server must be stopped."""
        elsewhere = note_of_elsewhere(self.data_dir)
        if elsewhere is None:
            return
        if self.pid is not None:
            msg = f"PostgreSQL still runs on {elsewhere}; stop it first."
            raise SettingsWrong(msg)
        preflight.remove_folder(elsewhere)
