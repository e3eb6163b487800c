"""The views over time and about postcodes, for their templates."""

from __future__ import annotations

from dataclasses import replace

from portals.municipality.choice import Choice
from portals.municipality.figures import Figures, placed_code
from portals.municipality.postcodes import postcodes
from portals.municipality.released import Released
from portals.municipality.trend import Point, trend
from portals.municipality.trend_svg import became_known, so_far
from portals.municipality.view import Context, frame


def trend_page(choice: Choice, figures: Figures, released: Released) -> Context:
    """The trend of the chosen area and group over the epochs up to the chosen one."""
    epochs = {e: released.figures(e) for e in released.epochs() if e <= choice.epoch}
    found = trend(epochs, choice.area or placed_code(figures.municipality), choice.group, choice.year)
    context = frame(choice, figures, released, "/verloop") | {"trend": found}
    if found is None:
        return context
    return context | {
        "so_far": so_far(found.points), "became": became_known(found.points), "points": _ordered(found.points, choice.sort),
        "source_name": figures.area_name(found.source), "borrowed": found.source != found.area,
    }  # fmt: skip


def _ordered(points: tuple[Point, ...], sort: str) -> list[Point]:
    """In the order of time, or as asked; what was not shown comes last."""
    field, _, direction = sort.partition("-")
    if field == "naam":
        return sorted(points, key=lambda p: p.epoch, reverse=direction == "af")
    if field not in ("euro", "waarde"):
        return list(points)

    def amount(point: Point) -> int | None:
        return point.euros if field == "euro" else point.became_known

    known = [p for p in points if amount(p) is not None]
    known.sort(key=lambda p: (amount(p) or 0) * (1 if direction == "op" else -1))
    return known + [p for p in points if amount(p) is None]


def postcodes_page(choice: Choice, figures: Figures, released: Released) -> Context:
    """Why there is nothing per postcode: of the whole municipality and all money streams, whatever is chosen."""
    return frame(replace(choice, group="total", area=""), figures, released, "/postcodes") | {
        "counts": postcodes(figures, choice.year)
    }
