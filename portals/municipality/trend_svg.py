"""The trend as two SVG pictures made on the server: the service year so far, and what became known, both with completeness drawn in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from portals.municipality.trend import Point

WIDTH: Final = 640.0
HEIGHT: Final = 300.0
LEFT: Final = 104.0
TOP: Final = 14.0
BOTTOM: Final = 216.0
STRIP_TOP: Final = 250.0
STRIP_HEIGHT: Final = 18.0
_TICKS: Final = 4
_BAR_SHARE: Final = 0.62


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across, at a round amount."""

    y: float
    euros: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One month: where it stands, and how it is drawn.

    `kind`: whole (all reported), partly (providers are missing: hatched or hollow) or held (nothing was published at one of the ends).
    `share`: of what was asked, 0 to 1, None where nothing was asked.
    """

    epoch: int
    x: float
    y: float
    width: float
    height: float
    kind: str
    share: float | None
    named: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the line between two published months; dashed where providers are missing at its end."""

    x1: float
    y1: float
    x2: float
    y2: float
    dashed: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """All there is to draw. `zero`: height of the line of nothing; `step`: width of a month."""

    ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    pieces: tuple[Piece, ...]
    zero: float
    step: float


def so_far(points: Sequence[Point]) -> Chart:
    """The service year so far as a line with a gap where nothing was published."""
    scale = _Scale([p.euros for p in points], len(points))
    marks = [scale.mark(i, p, p.euros, wide=False) for i, p in enumerate(points)]
    pieces = [
        Piece(a.x, a.y, b.x, b.y, dashed=b.kind == "partly")
        for a, b in pairwise(marks)
        if "held" not in (a.kind, b.kind)
    ]
    return Chart(scale.ticks(), tuple(marks), tuple(pieces), scale.y(0), scale.step)


def became_known(points: Sequence[Point]) -> Chart:
    """What became known in each month or quarter as bars; hatched where providers are missing."""
    scale = _Scale([p.became_known for p in points], len(points))
    marks = [scale.mark(i, p, p.became_known, wide=True) for i, p in enumerate(points)]
    return Chart(scale.ticks(), tuple(marks), (), scale.y(0), scale.step)


class _Scale:
    """From amounts to heights, with round numbers at the lines."""

    def __init__(self, amounts: Iterable[int | None], count: int) -> None:
        known = [0, *(a for a in amounts if a is not None)]
        self._tick = _round_step(max(known) - min(known))
        self._low = min(known) // self._tick * self._tick
        self._high = max(self._tick, -(-max(known) // self._tick) * self._tick)
        self.step = (WIDTH - LEFT) / max(1, count)
        self._sparse = max(1, round(count / 12 + 0.49))

    def y(self, euros: int) -> float:
        """Height of an amount in the picture."""
        return round(BOTTOM - (euros - self._low) / (self._high - self._low) * (BOTTOM - TOP), 1)

    def ticks(self) -> tuple[Tick, ...]:
        """The lines across."""
        return tuple(Tick(self.y(at), at) for at in range(self._low, self._high + 1, self._tick))

    def mark(self, nth: int, point: Point, euros: int | None, *, wide: bool) -> Mark:
        """A month in the picture: the middle of a point, or the left upper corner of a bar."""
        middle = LEFT + (nth + 0.5) * self.step
        kind = "held" if euros is None else "whole" if point.complete.whole or not point.complete.asked else "partly"
        share = point.complete.percent / 100 if point.complete.percent is not None else None
        top, foot = (TOP, BOTTOM) if euros is None else (self.y(max(euros, 0)), self.y(min(euros, 0)))
        width = self.step * (_BAR_SHARE if wide else 1)
        y = self.y(euros) if euros is not None and not wide else top
        x = middle - width / 2 if wide else middle
        named = nth % self._sparse == 0
        return Mark(point.epoch, round(x, 1), y, round(width, 1), round(foot - top, 1), kind, share, named)


def _round_step(span: int) -> int:
    """1, 2 or 5 times a power of ten, so that about four lines cover the span; at least 1,000."""
    step = 1_000
    while step * _TICKS < span:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step
