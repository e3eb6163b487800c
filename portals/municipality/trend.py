"""The trend of one area and group: what was published at the end of each month, and how complete it was then.

Two questions that are never mixed: what was *delivered in* a service year, as known at the end of each month (it only grows, but for
corrections), and what *became known in* each month or quarter (it is low where providers have not reported yet). So every point
carries the share of what providers were asked that was in by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portals.municipality.compare import MONTHS_OF_QUARTER, Changes
from portals.municipality.figures import Figures
from portals.municipality.measures import stream_of


@dataclass(frozen=True, slots=True)
class Complete:
    """Provider months closed of those asked so far, of one group or all that tell it; None asked: nothing to tell."""

    closed: int
    asked: int

    @property
    def percent(self) -> int | None:
        """Whole percents, rounded down so that 100 is all; None where nothing was asked."""
        return self.closed * 100 // self.asked if self.asked else None

    @property
    def whole(self) -> bool:
        """Whether all that was asked is in."""
        return self.asked > 0 and self.closed >= self.asked


@dataclass(frozen=True, slots=True)
class Point:
    """The end of one month (an index). `euros`: the service year so far, None where it was not published then.

    `became_known`: what came in since the point before, which was `since` (None: the start of the year); None where either
    end was not published. `held`: kept back then.
    """

    epoch: int
    euros: int | None
    became_known: int | None
    since: int | None
    complete: Complete
    held: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """Points of one area (`source`: the area they are of, that or one around it) and service year, oldest first."""

    area: str
    source: str
    group: str
    year: int
    points: tuple[Point, ...]
    months_apart: int


def complete(figures: Figures, group: str) -> Complete:
    """How much of what was asked of providers of this group (of all, for the total) was in at the end of that month."""
    stream = stream_of(group)
    told = [c for c in figures.completeness if stream in ("total", c["group"])]
    return Complete(sum(c["months_closed"] for c in told), sum(c["months_asked"] for c in told))


def trend(epochs: Mapping[int, Figures], area: str, group: str, year: int) -> Trend | None:
    """The trend of the area, or of the smallest area around it of which something was published in that service year."""
    if not epochs:
        return None
    newest = epochs[max(epochs)]
    of_year = {e: f for e, f in sorted(epochs.items()) if e >= year * 12}
    for at in newest.outward(area):
        if any(f.published(at, group, year) is not None for f in of_year.values()):
            return _of(at, area, group, year, of_year)
    return None


def _of(source: str, area: str, group: str, year: int, epochs: Mapping[int, Figures]) -> Trend:
    level = next(iter(epochs.values())).level(source)
    apart = MONTHS_OF_QUARTER if level in ("buurt", "street", "cluster") else 1
    points = []
    for epoch, figures in epochs.items():
        cell = figures.own(source, group, year)
        if (epoch + 1) % apart or cell is None:
            continue
        before = epoch - apart
        started = before < year * 12
        changes = None
        if started or before in epochs:
            changes = Changes(None if started else epochs[before], figures).own(source, group, year)
        points.append(
            Point(
                epoch, figures.published(source, group, year), changes, None if started else before, complete(figures, group),
                held=cell["decision"] == "held",
            )
        )  # fmt: skip
    return Trend(area, source, group, year, tuple(points), apart)
