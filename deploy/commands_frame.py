"""What the zone's commands share: which folder, and errors as one sentence."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer
from rich.console import Console

from deploy.settings import load_settings
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from schemas.errors import SettingsWrong, ZorgstroomError

EXIT_REFUSED, EXIT_SETTINGS = 1, 2
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of the zone (default: data, or ZORGSTROOM_DATA).")
]
P = ParamSpec("P")
R = TypeVar("R")


def zone_of(data: Path | None) -> Zone:
    """The zone in a folder. Raises `SettingsWrong` where there is none."""
    folder = ZoneFolder((data or load_settings().data).resolve())
    folder.settings()
    return Zone(folder)


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Turn our errors into one sentence: exit code 2 for settings, 1 for what was refused or is away."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SettingsWrong as wrong:
            err.print(str(wrong), markup=False)
            raise typer.Exit(EXIT_SETTINGS) from wrong
        except ZorgstroomError as refused:
            err.print(str(refused), markup=False)
            raise typer.Exit(EXIT_REFUSED) from refused

    return wrapped
