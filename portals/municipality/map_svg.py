"""The map as SVG made on the server: one focusable shape per area, fixed classes, hatching where an area is kept back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 760.0
CLASSES: Final = (50_000, 150_000, 400_000, 1_000_000, 3_000_000)
"""Upper bounds in euros; they never change under one's hands."""
COLOURS: Final = ("#f1eef6", "#bdc9e1", "#74a9cf", "#3690c0", "#0570b0", "#034e7b")
"""Light to dark, told apart by the colour-blind and in grey print."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One area on the map: path data and its class (None: it shows another area's figure)."""

    code: str
    path: str
    klass: int | None


def class_of(euros: int) -> int:
    """Index into COLOURS."""
    return next((i for i, bound in enumerate(CLASSES) if euros < bound), len(CLASSES))


def _rings(geometry: str) -> list[list[list[float]]]:
    if not geometry:
        return []
    shape = json.loads(geometry)
    polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    return [ring for polygon in polygons for ring in polygon]


class Canvas:
    """Fits areas in metres into a picture `WIDTH` wide, north up."""

    def __init__(self, areas: Mapping[str, Iterable[str]]) -> None:
        """`areas`: code -> GeoJSON geometries that together are the area; empty ones are left out."""
        self._rings = {code: [ring for g in pieces for ring in _rings(g)] for code, pieces in areas.items()}
        points = [p for rings in self._rings.values() for ring in rings for p in ring]
        self.empty = not points
        if self.empty:
            self._left, self._top, self._scale, self.height = 0.0, 0.0, 1.0, 0.0
            return
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        self._left, self._top = min(xs), max(ys)
        self._scale = WIDTH / max(1.0, max(xs) - min(xs))
        self.height = round((max(ys) - min(ys)) * self._scale, 1)

    def shape(self, code: str, klass: int | None) -> Shape:
        """The drawn shape of an area."""
        drawn = [[self._at(p) for p in ring] for ring in self._rings.get(code, [])]
        return Shape(
            code, " ".join("M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in ring) + " Z" for ring in drawn), klass
        )

    def _at(self, point: list[float]) -> tuple[float, float]:
        return (point[0] - self._left) * self._scale, (self._top - point[1]) * self._scale
