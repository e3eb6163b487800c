"""What must hold before a server is started: a free port, room on the disk, and no server of an earlier run on the data.

Each check raises `SettingsWrong` with one sentence that says what is wrong and what to do; nothing is touched by then.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
from pathlib import Path

from schemas.errors import SettingsWrong


def check_port_free(port: int, *, whose: str) -> None:
    """Refuse when another program listens on the loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just closed counts as free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as taken:
            msg = f"Port {port}, which belongs to {whose}, is in use by another program; stop that program first."
            raise SettingsWrong(msg) from taken


def steady_port() -> int:
    """A loopback port that nobody listens on now, below those the system hands out to clients.

    A port from the clients' range could be taken, while its server is down, by a client that calls that very server.
    """
    draw = random.SystemRandom()
    for _ in range(200):
        port = draw.randrange(15_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    msg = "No free port was found between 15000 and 30000; stop some servers."
    raise SettingsWrong(msg)


def check_room(folder: Path, *, megabytes: int) -> None:
    """Refuse when the disk of `folder` (which need not exist yet) has less room than `megabytes`."""
    present = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(present).free // 1_000_000
    if free < megabytes:
        msg = (
            f"The disk of {folder} is full: {free} MB left, {megabytes} MB needed; make room or choose another folder."
        )
        raise SettingsWrong(msg)


def check_folder(folder: Path) -> None:
    """Make the folder, or refuse when that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        allowed = os.access(folder, os.W_OK | os.X_OK)
    except OSError as closed:
        msg = f"The folder {folder} can't be made; choose another with ZORGSTROOM_DATA or --data."
        raise SettingsWrong(msg) from closed
    if not allowed:
        msg = f"The folder {folder} can't be written; choose another with ZORGSTROOM_DATA or --data."
        raise SettingsWrong(msg)


def runs_on(pid: int, folder: Path) -> bool:
    """Whether process `pid` lives and its command line names `folder` (a process id alone is used again by others)."""
    if Path("/proc/self").exists():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
    else:
        command = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False).stdout  # noqa: S607 - the system's own ps
    return str(folder).encode() in command


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it. Raises `SettingsWrong` when something of it can't be removed."""
    try:
        shutil.rmtree(folder)
    except OSError as closed:
        msg = f"The folder {folder} can't be removed; remove it by hand."
        raise SettingsWrong(msg) from closed
