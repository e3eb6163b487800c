"""A secret of 32 bytes in a file that only its owner may read."""

from __future__ import annotations

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
