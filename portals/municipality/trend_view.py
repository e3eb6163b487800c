"""The views over time and about postcodes, for their templates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from portals.municipality import words
from portals.municipality.choice import Choice
from portals.municipality.figures import Figures, placed_code
from portals.municipality.own_words import own_text
from portals.municipality.postcodes import postcodes
from portals.municipality.released import Released
from portals.municipality.trend import Point, trend
from portals.municipality.trend_flags import Numbered, flags, numbered
from portals.municipality.trend_svg import LEFT, became_known, so_far
from portals.municipality.view import Context, frame
from projections.municipal_stories import Mark
from schemas.values import day_number


def trend_page(choice: Choice, figures: Figures, released: Released, marks: Sequence[Mark]) -> Context:
    """The trend of the chosen area and group over the epochs up to the chosen one. `marks`: the municipality's own, by day."""
    epochs = {e: released.figures(e) for e in released.epochs() if e <= choice.epoch}
    found = trend(epochs, choice.area or placed_code(figures.municipality), choice.group, choice.year)
    context = frame(choice, figures, released, "/verloop") | {"trend": found, "interventions": []}
    if found is None:
        return context
    told = numbered(marks, found)
    return context | {
        "interventions": [_said(one, figures, choice) for one in told], "flags": flags(told, found),
        "flagged": {e: [_line(one, choice) for one in told if one.epoch == e] for e in {one.epoch for one in told}},
        "so_far": so_far(found.points), "became": became_known(found.points), "left": LEFT, "points": _ordered(found.points, choice.sort),
        "source_name": figures.area_name(found.source), "borrowed": found.source != found.area,
    }  # fmt: skip


def _said(one: Numbered, figures: Figures, choice: Choice) -> str:
    """A mark in words, with the number of its line."""
    mark, lang = one.mark, choice.lang
    day = words.day(day_number(dt.date.fromisoformat(mark.day)), lang)
    said = {
        "what": mark.what,
        "area": figures.area_name(mark.area),
        "group": words.group_name(mark.group, lang),
        "day": day,
    }
    if one.number is None:
        return own_text("mark_outside", lang, **said)
    return own_text("mark_line", lang, number=one.number, **said)


def _line(one: Numbered, choice: Choice) -> str:
    """The same in short, for the table."""
    return own_text("mark_short", choice.lang, number=one.number, what=one.mark.what)


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
