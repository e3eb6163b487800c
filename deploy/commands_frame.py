"""What the zone's commands share: which folder, and errors as one sentence."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

from deploy.refusal_log import note_refusal
from deploy.settings import load_settings
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from producers.command_frame import EXIT_REFUSED, EXIT_SETTINGS, err, out, sentences_for
from schemas.errors import SettingsWrong, ZorgstroomError
from schemas.geography import gemeente_number

__all__ = [
    "EXIT_REFUSED", "EXIT_SETTINGS", "DataOption", "Gemeente", "asked_passphrase", "err", "finish_undisturbed", "gemeente_in", "gemeente_of", "heed_signals", "out", "plainly",
    "zone_of",
]  # fmt: skip
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of the zone (default: data, or ZORGSTROOM_DATA).")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Gemeente = Annotated[str, typer.Argument(help="GM and four digits.")]
P = ParamSpec("P")
R = TypeVar("R")


def zone_of(data: Path | None) -> Zone:
    """The zone in a folder. Raises `SettingsWrong` where there is none."""
    folder = ZoneFolder((data or load_settings().data).resolve())
    folder.settings()
    return Zone(folder, passphrase=asked_passphrase)


def asked_passphrase(question: str = "Passphrase of the keyvault", *, confirm: bool = False) -> bytes:
    """The passphrase: the first line of the file that ZORGSTROOM_PASSPHRASE_FILE names, else typed. Raises `SettingsWrong`."""
    named = os.environ.get("ZORGSTROOM_PASSPHRASE_FILE")
    if named is None:
        return str(typer.prompt(question, hide_input=True, confirmation_prompt=confirm)).encode()
    try:
        return Path(named).read_bytes().partition(b"\n")[0].rstrip(b"\r")
    except OSError as absent:
        msg = f"The file {named} with the passphrase can't be read."
        raise SettingsWrong(msg) from absent


def gemeente_of(text: str) -> int:
    """The number of a gemeente named on the command line. Raises `SettingsWrong`."""
    try:
        return gemeente_number(text.upper())
    except ValueError as wrong:
        msg = "A municipality is GM and four digits, e.g. GM9901."
        raise SettingsWrong(msg) from wrong


def gemeente_in(zone: Zone, text: str) -> int:
    """The number of a gemeente of this zone named on the command line. Raises `SettingsWrong`, before anything is made for it."""
    number = gemeente_of(text)
    if number not in zone.folder.settings()["municipalities"]:
        msg = f"{text.upper()} is not in this zone."
        raise SettingsWrong(msg)
    return number


def heed_signals() -> None:
    """SIGTERM and SIGINT end what runs as Ctrl-C does: SIGINT too, since a program started in the background finds it ignored."""
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, signal.default_int_handler)


def finish_undisturbed() -> None:
    """From now on stopping is not broken off by a second Ctrl-C."""
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, signal.SIG_IGN)


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Turn errors into one sentence: exit code 2 for settings, 1 for what was refused or is away, 3 for a fault of ours."""
    return sentences_for(
        stopped=lambda: "Stopped.",
        fault=lambda kind: (
            f"Something went wrong in the program itself ({kind}). Set ZORGSTROOM_DEBUG=1 and try again to see where."
        ),
        note=_note,
    )(command)


def _note(refused: ZorgstroomError, command: str, options: dict[str, Any]) -> None:
    """Keep what was refused in the log of the zone that the command was about."""
    if "data" in options:
        note_refusal((options["data"] or load_settings().data).resolve(), refused, command=command)
