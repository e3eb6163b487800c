"""An operator's key turns: the new one counts from the keyvault's next start on, and with it orders signed by the old one alone count no more."""

from __future__ import annotations

import json
import os

from deploy.zone_folder import ZoneFolder
from schemas.errors import SettingsWrong
from schemas.sealing import verify_key_of
from schemas.secret_file import destroy_file, write_private
from schemas.secrets import SigningKey


def renew_operator(folder: ZoneFolder, name: str) -> bool:
    """Put a new key in the place of an operator's; False where one was made already of which the keyvault was not told yet.

    Broken off anywhere, it finishes when called again. Raises `SettingsWrong` where there is no such operator.
    """
    file = folder.operator_file(name)
    public, coming = file.with_suffix(".public"), file.with_suffix(".next")
    if not public.exists():
        msg = f"There is no operator {name}; admit one with `zorgstroom operator order admit-operator {name}`."
        raise SettingsWrong(msg)
    if not coming.exists():
        if file.exists() and _not_told(folder, name):
            return False
        write_private(coming, os.urandom(32))
    write_private(public, verify_key_of(SigningKey(coming.read_bytes())))
    destroy_file(file)
    coming.replace(file)
    return True


def _not_told(folder: ZoneFolder, name: str) -> bool:
    """Whether the keyvault started last with another key of this operator than the one that lies here, or with none."""
    settings = folder.role("keyvault") / "config.json"
    try:
        told = json.loads(settings.read_text("utf-8"))["operators"] if settings.exists() else {}
    except (OSError, ValueError, KeyError, TypeError) as broken:
        msg = f"{settings} can't be read; start the zone, which writes it anew, and type this again."
        raise SettingsWrong(msg) from broken
    return bool(told.get(name) != folder.operators()[name].hex())
