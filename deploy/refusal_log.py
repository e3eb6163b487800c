"""What a tool itself refused, in `logs/refused.log` of the zone's folder: when, which command, whose login, what kind; nothing that was typed.

What reaches the zone is refused and logged there; a caseworker nobody knows, a purpose that is not in the list or a mandate of ten years
never gets so far, and is told to whoever watches all the same.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import getpass
import json
import os
from pathlib import Path
from typing import Final

from schemas.errors import Refused, SettingsWrong, Unavailable, ZorgstroomError

FILE: Final = Path("logs") / "refused.log"
_MOST_BYTES: Final = 8 * 1024 * 1024
"""Then the file is put aside as `refused.log.1`, in the place of the one before."""


def note_refusal(folder: Path, refused: ZorgstroomError, *, command: str) -> None:
    """Append a line to the log of the zone in `folder`, of a command by its name; none where there is no zone, or the log cannot be written."""
    if not (folder / "zone.json").is_file():
        return
    line = {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "command": command,
        "who": _login(),
        "refused": kind_of(refused),
    }
    path = folder / FILE
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _MOST_BYTES:
            path.replace(path.with_name(path.name + ".1"))
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(opened, "ab", buffering=0) as log:  # noqa: PTH123 - of a descriptor
            log.write(json.dumps(line).encode() + b"\n")


def kind_of(refused: ZorgstroomError) -> str:
    """The code of what was refused; `settings` for what was typed or set wrongly, `away` for what was to be waited for, else `stopped`."""
    if isinstance(refused, Refused):
        return refused.code
    if isinstance(refused, SettingsWrong):
        return "settings"
    return "away" if isinstance(refused, Unavailable) else "stopped"


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "?"
