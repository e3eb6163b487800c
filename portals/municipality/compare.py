"""Differences of two published figures of one cell: what became known between two epochs of one service year.

The release gate has judged every pair of publications of a cell within a service year, and nothing else: so both figures must have been
published, each at its own end, of the same area and group. Between service years two figures stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from portals.municipality.figures import Figures, Shown, anywhere

MONTHS_OF_QUARTER: Final = 3


class Period(StrEnum):
    """What an amount is of: the service year so far, or what became known in one quarter or month."""

    YEAR = "jaar"
    QUARTER = "kwartaal"
    MONTH = "maand"

    @property
    def months(self) -> int:
        """How many months."""
        return {Period.YEAR: 12, Period.QUARTER: MONTHS_OF_QUARTER, Period.MONTH: 1}[self]


@dataclass(frozen=True, slots=True)
class Window:
    """From the end of month `before` (None: from the start of the service year) to the end of month `after`: month indexes."""

    before: int | None
    after: int


def window(period: Period, epoch: int, year: int, epochs: Collection[int]) -> Window | None:
    """The quarter or month that ends at the newest epoch not after `epoch`, for one service year.

    None where one of its ends was never published: a figure of it cannot be had.
    """
    after = epoch if period is Period.MONTH else epoch - (epoch + 1) % MONTHS_OF_QUARTER
    before = after - period.months
    if after not in epochs or after < year * 12:
        return None
    if before < year * 12:
        return Window(None, after)
    return Window(before, after) if before in epochs else None


class Changes:
    """The differences of two epochs, in the same words as `Figures`."""

    def __init__(self, before: Figures | None, after: Figures) -> None:
        """`before` None: since the start of the service year, when everything was nothing."""
        self._before, self._after = before, after

    def own(self, code: str, group: str, year: int) -> int | None:
        """Euros that became known of one cell; None unless it was published at both ends."""
        after = self._after.published(code, group, year)
        before = 0 if self._before is None else self._before.published(code, group, year)
        return None if after is None or before is None else after - before

    def decided_at(self, level: str, group: str, year: int) -> bool:
        """Whether areas of this level were due at both ends."""
        return self._after.due_at(level, group, year) and (
            self._before is None or self._before.due_at(level, group, year)
        )

    def shown(self, code: str, group: str, year: int, usable: Callable[[str], bool] = anywhere) -> Shown:
        """The difference of an area, else that of the smallest area around it which was published at both ends."""
        ends = [self._after] if self._before is None else [self._before, self._after]
        mine = [end.own(code, group, year) for end in ends]
        held = any(cell is not None and cell["decision"] == "held" for cell in mine)
        decided = all(cell is not None for cell in mine)
        few = self.own(code, group, year) is not None and not usable(code)
        for at in self._after.outward(code):
            euros = self.own(at, group, year)
            if euros is not None and usable(at):
                return Shown(code, at, euros, None, None, held=held, decided=decided, last=None, few=few)
        return Shown(code, code, None, None, None, held=held, decided=decided, last=None, few=few)
