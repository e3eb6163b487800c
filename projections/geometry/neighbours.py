"""Which postcodes of a buurt are neighbours, and their shapes: from points of addresses, from areas, or by alphabet where neither is there."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import shapely

from projections.geometry.geojson_files import polygons_of
from projections.geometry.places import Point

_REACH_METRES: Final = 5.0
"""So far apart two shapes still border on each other (a path, a generalised outline)."""
_BORDER_METRES: Final = 10.0
"""A border shorter than this is a corner."""


@dataclass(slots=True)
class Layout:
    """The postcodes of one buurt. `shapes` lacks those that are not drawn; `neighbours` hangs together and goes both ways."""

    neighbours: dict[str, set[str]]
    shapes: dict[str, Any] = field(default_factory=dict)
    by_place: bool = False
    """Whether places decided who is whose neighbour; else the alphabet did."""


def by_alphabet(postcodes: Sequence[str]) -> Layout:
    """Each postcode is the neighbour of the next one in alphabetical order; nothing is drawn."""
    neighbours: dict[str, set[str]] = {p: set() for p in postcodes}
    for one, other in itertools.pairwise(sorted(postcodes)):
        _link(neighbours, one, other)
    return Layout(neighbours)


def from_points(buurt: Any, points: Mapping[str, Sequence[Point]], postcodes: Sequence[str]) -> Layout:
    """Each place of the buurt belongs to the nearest address (Voronoi), so that shapes fill the buurt. `points`: per postcode, RD metres."""
    owner: dict[Point, str] = {}
    for postcode, own in sorted(points.items()):
        for x, y in own:
            owner.setdefault((round(x, 1), round(y, 1)), postcode)
    if len(owner) < 2:
        cells = [shapely.box(*shapely.bounds(buurt))] * len(owner)
    else:
        cells = list(shapely.voronoi_polygons(shapely.MultiPoint(list(owner)), extend_to=buurt, ordered=True).geoms)
    parts: dict[str, list[Any]] = defaultdict(list)
    for cell, postcode in zip(cells, owner.values(), strict=True):
        parts[postcode].append(cell)
    return _laid_out(buurt, {p: shapely.union_all(own) for p, own in sorted(parts.items())}, postcodes)


def from_areas(buurt: Any, areas: Mapping[str, Any], postcodes: Sequence[str]) -> Layout:
    """Shapes of postcodes as they are given, cut to the buurt."""
    return _laid_out(buurt, {p: areas[p] for p in sorted(postcodes) if p in areas}, postcodes)


def _laid_out(buurt: Any, whole: Mapping[str, Any], postcodes: Sequence[str]) -> Layout:
    cut = {p: polygons_of(shapely.intersection(own, buurt)) for p, own in whole.items()}
    shapes = {p: own for p, own in cut.items() if not own.is_empty}
    if not shapes:
        return by_alphabet(postcodes)
    neighbours: dict[str, set[str]] = {p: set() for p in sorted(postcodes)}
    names = list(shapes)
    wide = {p: shapely.buffer(own, _REACH_METRES) for p, own in shapes.items()}
    tree = shapely.STRtree([shapes[p] for p in names])
    for nth, one in enumerate(names):
        for at in tree.query(wide[one]):
            other = names[int(at)]
            if at > nth and shapely.intersection(wide[one], shapes[other]).area >= _REACH_METRES * _BORDER_METRES:
                _link(neighbours, one, other)
    _join_islands(neighbours, shapes)
    _join_unplaced(neighbours, names)
    return Layout(neighbours, shapes, by_place=True)


def _link(neighbours: dict[str, set[str]], one: str, other: str) -> None:
    neighbours[one].add(other)
    neighbours[other].add(one)


def reached(neighbours: Mapping[str, set[str]], start: str) -> set[str]:
    """All that hangs together with `start`, itself too."""
    seen, left = {start}, [start]
    while left:
        new = neighbours[left.pop()] - seen
        seen |= new
        left += new
    return seen


def _join_islands(neighbours: dict[str, set[str]], shapes: Mapping[str, Any]) -> None:
    """Shapes that border on nothing become neighbours of the nearest one, until all hang together."""
    names = list(shapes)
    inside = reached(neighbours, names[0])
    if len(inside) == len(names):
        return
    rows = np.array([shapes[n] for n in names], dtype=object)
    metres = shapely.distance(rows[:, None], rows[None, :])
    while len(inside) < len(names):
        within = np.array([n in inside for n in names])
        near = np.where(within[:, None] & ~within[None, :], metres, np.inf)
        one, other = (names[int(i)] for i in np.unravel_index(int(np.argmin(near)), near.shape))
        _link(neighbours, one, other)
        inside |= reached(neighbours, other)


def _join_unplaced(neighbours: dict[str, set[str]], placed: Sequence[str]) -> None:
    """A postcode without a place is the neighbour of the placed one before it in alphabetical order, or of the first."""
    known = sorted(placed)
    for postcode in sorted(set(neighbours) - set(known)):
        _link(neighbours, postcode, max((p for p in known if p < postcode), default=known[0]))
