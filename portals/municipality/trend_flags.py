"""Dated marks of the municipality in the pictures of a trend: a line at the day, with a number that the list under the pictures explains.

A point stands at the end of its month or quarter, a bar over the whole of it: so each picture has the day at its own place.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from portals.municipality.trend import Trend
from portals.municipality.trend_svg import LEFT, WIDTH
from projections.municipal_stories import Mark

_BOX: Final = 18.0
_DIGIT: Final = 7.0
_APART: Final = 2.0
_OF_A_POINT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Numbered:
    """A mark and its `number` in the pictures, None where its day lies outside them. `epoch`: month index of the point whose month or quarter has the day."""

    number: int | None
    epoch: int | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Flag:
    """One box over the lines at `xs`: `label` is a number, or the first and last of lines too close for a box each. `left`, `width`: of the box."""

    xs: tuple[float, ...]
    left: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class Flags:
    """Lines in the picture of the service year so far, and in that of what became known."""

    so_far: tuple[Flag, ...]
    became: tuple[Flag, ...]


def numbered(marks: Iterable[Mark], trend: Trend) -> list[Numbered]:
    """All marks by day, those inside the pictures numbered from 1."""
    found: list[Numbered] = []
    inside = 0
    for mark in marks:
        place = _place(mark, trend)
        inside += place is not None
        epoch = None if place is None else trend.points[int(place)].epoch
        found.append(Numbered(None if place is None else inside, epoch, mark))
    return found


def flags(marks: Sequence[Numbered], trend: Trend) -> Flags:
    """The lines of marks inside the pictures."""
    step = (WIDTH - LEFT) / max(1, len(trend.points))
    places = [p for one in marks if (p := _place(one.mark, trend)) is not None]
    points = [LEFT + max(0.0, place - _OF_A_POINT) * step for place in places]
    return Flags(_boxed(points), _boxed([LEFT + place * step for place in places]))


def _place(mark: Mark, trend: Trend) -> float | None:
    """Where a day lies among the points' months or quarters: 2.5 is the middle of the third. A day of a period that was not released stands at its end."""
    epochs = [p.epoch for p in trend.points]
    if not epochs or not epochs[0] - trend.months_apart < mark.month <= epochs[-1]:
        return None
    nth = next(n for n, epoch in enumerate(epochs) if mark.month <= epoch)
    day = dt.date.fromisoformat(mark.day)
    months = mark.month - (epochs[nth] - trend.months_apart + 1) + (day.day - 1) / monthrange(day.year, day.month)[1]
    return nth + max(0.0, months / trend.months_apart)


def _boxed(xs: Sequence[float]) -> tuple[Flag, ...]:
    """A box for each line, or one for several where they would touch."""
    made: list[Flag] = []
    first = 1
    for number, x in enumerate(xs, 1):
        if made and _left(x, _BOX) < made[-1].left + made[-1].width + _APART:
            last = made.pop()
            made.append(_flag((*last.xs, x), first, number))
        else:
            first = number
            made.append(_flag((x,), number, number))
    return tuple(made)


def _flag(xs: tuple[float, ...], first: int, last: int) -> Flag:
    label = str(first) if first == last else f"{first}\N{EN DASH}{last}"
    width = max(_BOX, _DIGIT * (len(label) + 1))
    return Flag(tuple(round(x, 1) for x in xs), round(_left(xs[0], width), 1), width, label)


def _left(x: float, width: float) -> float:
    return min(x - _BOX / 2, WIDTH - width)
