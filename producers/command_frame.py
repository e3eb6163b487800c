"""What every provider command shares: the profile, the language, and errors as one sentence instead of a stack trace."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import typer
from rich.console import Console

from schemas.errors import SettingsWrong, ZorgstroomError

EXIT_REFUSED, EXIT_SETTINGS, EXIT_UNEXPECTED = 1, 2, 3
DEFAULT_PROFILE: Final = Path.home() / ".zorgstroom"
P = ParamSpec("P")
R = TypeVar("R")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Chosen:
    """The options before the command: set once by the callback."""

    profile: Path = DEFAULT_PROFILE
    lang: str = "nl"


def say(dutch: str, english: str) -> str:
    """The sentence in the chosen language."""
    return dutch if Chosen.lang == "nl" else english


def amount(cents: int) -> str:
    """Euros as written in the chosen language: 1.840,50 or 1,840.50."""
    written = f"{cents / 100:,.2f}"
    return written.translate(str.maketrans(",.", ".,")) if Chosen.lang == "nl" else written


def sentences_for(
    *,
    stopped: Callable[[], str],
    fault: Callable[[str], str],
    lang: Callable[[], str] = lambda: "en",
    note: Callable[[ZorgstroomError, str, dict[str, Any]], None] = lambda _refused, _command, _options: None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator that turns errors into one sentence, in the language `lang` tells, and an exit code.

    `stopped`: what to say after Ctrl-C; `fault`: what to say of a fault of ours, given its kind; `note`: is given what
    was refused, the name of the command and its options.
    `ZORGSTROOM_DEBUG=1` shows its stack trace instead.
    """

    def framed(command: Callable[P, R]) -> Callable[P, R]:
        door = command.__module__.rpartition(".")[2].removesuffix("_commands").removesuffix("_command")
        name = f"{door} {command.__name__}"

        @functools.wraps(command)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return command(*args, **kwargs)
            except SettingsWrong as wrong:
                note(wrong, name, kwargs)
                err.print(wrong.text(lang()), markup=False)
                raise typer.Exit(EXIT_SETTINGS) from wrong
            except ZorgstroomError as refused:
                note(refused, name, kwargs)
                err.print(refused.text(lang()), markup=False)
                raise typer.Exit(EXIT_REFUSED) from refused
            except KeyboardInterrupt:
                err.print(stopped())
                raise typer.Exit(EXIT_REFUSED) from None
            except (typer.Exit, typer.Abort, typer.BadParameter):
                raise
            except Exception as unexpected:
                if os.environ.get("ZORGSTROOM_DEBUG"):
                    raise
                err.print(fault(type(unexpected).__name__))
                raise typer.Exit(EXIT_UNEXPECTED) from None

        return wrapped

    return framed


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    """The frame of a provider's commands."""
    return sentences_for(
        lang=lambda: Chosen.lang,
        stopped=lambda: say(
            "Gestopt; wat al was aangenomen blijft in de uitbak.", "Stopped; what was taken stays in the outbox."
        ),
        fault=lambda kind: say(
            f"Er ging iets mis in het programma zelf ({kind}). Er is niets half verstuurd. Zet ZORGSTROOM_DEBUG=1 en "
            "probeer opnieuw om te zien waar.",
            f"Something went wrong in the program itself ({kind}). Nothing was half sent. Set ZORGSTROOM_DEBUG=1 and "
            "try again to see where.",
        ),
    )(command)


def interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()
