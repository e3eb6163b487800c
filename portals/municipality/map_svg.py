"""The map as SVG made on the server: one focusable shape per area, simplified to what the eye sees, north up."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import shapely
from shapely.geometry import shape as shape_of
from shapely.geometry.base import BaseGeometry

WIDTH: Final = 760.0
_DETAIL: Final = 0.8
"""Bends smaller than this (side of the triangle, in units of the picture) are left out; neighbours keep a shared border."""


class Canvas:
    """Fits areas in metres (or degrees) into a picture `WIDTH` wide. Areas without a shape are left out."""

    def __init__(self, areas: Mapping[str, Iterable[str]]) -> None:
        """`areas`: code -> GeoJSON geometries that together are the area."""
        shapes = {code: found for code, pieces in areas.items() if (found := _together(pieces)) is not None}
        self.empty = not shapes
        self.paths: dict[str, str] = {}
        """Code -> path data of its outline."""
        self.height = 0.0
        if self.empty:
            return
        left, bottom, right, self._top = shapely.total_bounds(list(shapes.values()))
        self._left = left
        self._across = math.cos(math.radians((bottom + self._top) / 2)) if self._top <= 90 and bottom >= -90 else 1.0
        self._scale = WIDTH / max(1e-9, (right - left) * self._across)
        self.height = round((self._top - bottom) * self._scale, 1)
        simple = shapely.coverage_simplify(list(shapes.values()), _DETAIL / self._scale)
        self.paths = {code: self._path(found) for code, found in zip(shapes, simple, strict=True)}

    def _path(self, geometry: BaseGeometry) -> str:
        rings = []
        for polygon in getattr(geometry, "geoms", [geometry]):
            for ring in [polygon.exterior, *polygon.interiors]:
                points = dict.fromkeys(f"{x:.1f},{y:.1f}" for x, y in map(self._at, ring.coords))
                rings.append("M" + " L".join(points) + " Z")
        return " ".join(rings)

    def _at(self, point: tuple[float, ...]) -> tuple[float, float]:
        return (point[0] - self._left) * self._across * self._scale, (self._top - point[1]) * self._scale


def _together(pieces: Iterable[str]) -> BaseGeometry | None:
    """All polygons of an area as one shape; None where there is none."""
    found = [_polygons(json.loads(piece)) for piece in pieces if piece]
    whole = shapely.union_all([f for f in found if f is not None]) if any(f is not None for f in found) else None
    return None if whole is None or whole.is_empty else whole


def _polygons(geometry: dict[str, Any]) -> BaseGeometry | None:
    """The surface of a shape, made valid; lines and points that come of it or stand alone are nothing to draw."""
    if geometry["type"] not in ("Polygon", "MultiPolygon"):
        return None
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shape_of(geometry))))
    return shapely.union_all([part for part in parts if part.geom_type == "Polygon"])
