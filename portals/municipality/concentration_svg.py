"""Small pictures of how concentrated the money is, made on the server: half of the money over its households, the curve, and counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from portals.municipality.concentration import LAST_POINT, MORE, Stacked

WIDTH: Final = 400.0
"""Of a bar that stands for a hundred percent."""
_PERCENT: Final = 100
_HALF: Final = 50
LEFT: Final = 54.0
RIGHT: Final = 386.0
TOP: Final = 12.0
BOTTOM: Final = 168.0
_LINES: Final = (0, 25, 50, 75, 100)
_NAMES_APART: Final = 26.0


@dataclass(frozen=True, slots=True)
class Halves:
    """Two bars of `WIDTH`: the half of the money, and the households it went to.

    `households`: width of what is surely within; `open`: width of what may be beside it, where it is more than can be said: the
    largest amounts come first, so half of the money never goes to more than half of the households.
    """

    money: float
    households: float
    open: float


def halves(half_within: int | None) -> Halves | None:
    """The bars for what is said; None where nothing is."""
    if half_within is None:
        return None
    percent = LAST_POINT if half_within == MORE else half_within
    width = WIDTH * percent / _PERCENT
    return Halves(WIDTH / 2, width, WIDTH * _HALF / _PERCENT - width if half_within == MORE else 0.0)


@dataclass(frozen=True, slots=True)
class Dot:
    """A published point: where it stands, and its percentages. `named`: whether there is room for its number under the picture."""

    x: float
    y: float
    households: int
    money: int
    named: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """Published points from the origin; `lines`: (height, percent) of the lines across."""

    dots: tuple[Dot, ...]
    pieces: tuple[tuple[float, float, float, float], ...]
    lines: tuple[tuple[float, int], ...]


def curve(points: Sequence[tuple[int, int]]) -> Curve | None:
    """The curve over (percent of households, percent of the money); None without points."""
    if not points:
        return None
    dots: list[Dot] = []
    last_named = LEFT
    for households, money in points:
        x = round(LEFT + (RIGHT - LEFT) * min(households, LAST_POINT) / LAST_POINT, 1)
        named = x - last_named >= _NAMES_APART
        last_named = x if named else last_named
        dots.append(Dot(x, _height(money), households, money, named))
    ends = [(LEFT, BOTTOM), *((d.x, d.y) for d in dots)]
    return Curve(tuple(dots), tuple((*a, *b) for a, b in pairwise(ends)), tuple((_height(p), p) for p in _LINES))


def _height(percent: int) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * percent / _PERCENT, 1)


def widths(rows: Iterable[Stacked]) -> list[float | None]:
    """Widths of one bar per number of providers, the longest `WIDTH`; None where the number is not said."""
    counts = [row.households for row in rows]
    most = max((c for c in counts if c is not None), default=0)
    return [None if c is None else round(WIDTH * c / most, 1) if most else 0.0 for c in counts]
