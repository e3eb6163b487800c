"""The map of the council's page as a picture of its own (SVG): the page's shapes, classes and colours, hatched where an area has no figure of its own."""

from __future__ import annotations

import itertools
from typing import Final

from portals.municipality import words
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.map_svg import WIDTH, Canvas
from portals.municipality.measures import COLOURS, Measure, bounds, class_of
from schemas.care import Group

LEGEND_COLOURS: Final = COLOURS
_CLASSES: Final = bounds(Measure.EUROS, Group.TOTAL, change=False)
_MARGIN: Final = 4
_HATCH: Final = (
    '<defs><pattern id="hatch" width="12" height="12" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="12" height="12" fill="#ffffff"/><rect width="3" height="12" fill="#767676"/></pattern></defs>'
)


def legend_bounds(lang: str) -> list[str]:
    """What each colour stands for, in words."""
    said = [words.euros(b, lang) for b in _CLASSES]
    between = [f"{low} \N{EN DASH} {high}" for low, high in itertools.pairwise(said)]
    return [f"< {said[0]}", *between, f"≥ {said[-1]}"]


def map_picture(snapshot: Snapshot, level: str, *, year: int) -> str:
    """All areas of a level with their totals; empty where none has a shape. A wijk without a shape is drawn as its buurten."""
    figures = snapshot.figures
    pieces: dict[str, list[str]] = {a["code"]: [a["geometry"]] for a in figures.of_level(level)}
    if level == "wijk":
        for buurt in figures.of_level("buurt"):
            if not pieces.get(buurt["parent"], ["drawn"])[0]:
                pieces[buurt["parent"]].append(buurt["geometry"])
    canvas = Canvas(pieces)
    if canvas.empty:
        return ""
    paths = [f'<path d="{canvas.paths[code]}" fill="{_fill(snapshot, code, year)}"/>' for code in sorted(canvas.paths)]
    box = f"{-_MARGIN} {-_MARGIN} {WIDTH + 2 * _MARGIN:g} {canvas.height + 2 * _MARGIN:g}"
    drawn = f'<g stroke="#333333" stroke-width="1.5" fill-rule="evenodd">{"".join(paths)}</g>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{_HATCH}{drawn}</svg>'


def _fill(snapshot: Snapshot, code: str, year: int) -> str:
    row = snapshot.row(code, "total", year)
    return (
        COLOURS[class_of(row.euros, _CLASSES)]
        if row is not None and row.released and row.euros is not None
        else "url(#hatch)"
    )
