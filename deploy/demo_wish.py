"""What a demo is asked to make, and who hears how far it is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from projections.release.calendar import is_over
from schemas.errors import SettingsWrong
from schemas.values import Month

FIRST_MONTH: Final = Month(2025, 1)
"""The first month of every invented town."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the demo is to make."""

    data: Path
    addresses: int = 20_000
    months: int = 12
    seed: int = 1
    world: str = "town"


def check_months(months: int, now: dt.datetime) -> None:
    """Raise `SettingsWrong` where one of so many months is not over yet: the demo closes each of them, and none is closed before its end."""
    over = next(n for n in range(months, -1, -1) if n == 0 or is_over(FIRST_MONTH.plus(n - 1), now))
    if over < months:
        last = FIRST_MONTH.plus(months - 1)
        msg = f"{months} months from {FIRST_MONTH} on end with {last}, which is not over yet. Ask for at most {over}."
        raise SettingsWrong(msg)


class Teller:
    """Hears progress. `stage`: what is being done, how far, of how much."""

    def stage(self, what: str, done: int = 0, of: int = 0) -> None:
        """Nothing, unless someone looks."""
