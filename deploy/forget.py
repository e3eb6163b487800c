"""`python -m deploy.forget FOLDER` (`make demo-clean`): forget a demo, its data folder and what PostgreSQL keeps elsewhere for it.

Asks first. Removes only a folder that a zone made; stops servers that an earlier run left on it, by their process ids.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from deploy import preflight
from deploy.embedded_postgres import EmbeddedPostgres
from schemas.errors import SettingsWrong, ZorgstroomError

_SIGNS = ("zone.json", "members.json", "root", "roles", "kafka", "postgres")
_STOP_SECONDS = 20.0


def is_zone(folder: Path) -> bool:
    """Whether there is a zone; False for a folder that is empty or not there. Raises `SettingsWrong` for one that is something else."""
    if not folder.exists() or not any(folder.iterdir()):
        return False
    if not any((folder / sign).exists() for sign in _SIGNS):
        msg = f"{folder} holds no zone of Zorgstroom and is left as it is."
        raise SettingsWrong(msg)
    return True


def forget(folder: Path) -> bool:
    """Remove the zone in `folder`; False when there is none. Raises `SettingsWrong` for a folder that is something else."""
    if not is_zone(folder):
        return False
    _stop_kafka(folder / "kafka")
    if (folder / "postgres").is_dir():
        postgres = EmbeddedPostgres(folder / "postgres")
        postgres.stop()
        postgres.forget()
    preflight.remove_folder(folder)
    return True


def _stop_kafka(folder: Path) -> None:
    note = folder / "pid"
    if not note.exists():
        return
    pid, deadline = int(note.read_text()), time.monotonic() + _STOP_SECONDS
    if preflight.runs_on(pid, folder.resolve()):
        os.kill(pid, signal.SIGTERM)
    while preflight.runs_on(pid, folder.resolve()):
        if time.monotonic() > deadline:
            msg = f"Kafka (process {pid}) still runs on {folder}; stop it with `kill {pid}` and try again."
            raise SettingsWrong(msg)
        time.sleep(0.1)


def main(
    folder: Annotated[Path, typer.Argument(help="Data folder of the demo.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be forgotten.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a demo: all keys, databases and topics in its folder. One sentence either way."""
    try:
        there = is_zone(folder)
        if there and not dry_run:
            if not yes:
                typer.confirm(f"All in {folder} goes for good, its keys too. Forget it?", abort=True)
            forget(folder)
    except ZorgstroomError as refused:
        print(refused, file=sys.stderr)
        sys.exit(2)
    done = f"{folder} would be forgotten. Nothing was done." if dry_run else "The demo's data are gone."
    print(done if there else "There were no data to forget.")


if __name__ == "__main__":
    typer.run(main)
