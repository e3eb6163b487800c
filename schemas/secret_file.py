"""Files that only their owner may read: written whole or not at all, read as 32 bytes, destroyed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from schemas.errors import SettingsWrong

_BYTES: Final = 32


def read_secret(file: Path, what: str) -> bytes:
    """The 32 bytes; wrap them at once. `what` it is, for the sentence. Raises `SettingsWrong`, also when others may read the file."""
    try:
        others, raw = stat.S_IMODE(file.stat().st_mode) & 0o077, file.read_bytes()
    except OSError as absent:
        msg = f"The {what} {file} can't be read."
        raise SettingsWrong(msg) from absent
    if others:
        msg = f"The {what} {file} may be read by others; set its mode to 0600."
        raise SettingsWrong(msg)
    if len(raw) != _BYTES:
        msg = f"The {what} {file} has not exactly {_BYTES} bytes."
        raise SettingsWrong(msg)
    return raw


def write_private(path: Path, data: bytes) -> None:
    """Write a file only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)


def destroy_file(path: Path) -> None:
    """Overwrite a secret's file and delete it, where it is there."""
    if path.exists():
        with path.open("r+b") as secret:
            secret.write(bytes(path.stat().st_size))
            secret.flush()
            os.fsync(secret.fileno())
        path.unlink()
