"""From the Dutch national grid to longitude and latitude, and from nowhere else: invented towns lie on a plane of their own.

A published shape does not say what its numbers are. They are taken for the national grid (EPSG:28992), or for degrees, when every corner
of every area lies where the European Netherlands lie in it; metres of an invented plane start near zero and run into thousands.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cache
from typing import Any, Final

from pyproj import Transformer

_EAST_METRES: Final = (10_000, 280_000)
_NORTH_METRES: Final = (305_000, 620_000)
"""The European Netherlands on the grid, as EPSG:28992 gives its area of use."""
_DEGREES: Final = ((3.0, 7.4), (50.6, 53.8))
"""The same in longitude and latitude."""
_DECIMALS: Final = 7
"""Of a degree: a centimetre."""
Shape = dict[str, Any]
Ring = list[list[float]]


def rings(shape: Shape) -> list[Ring]:
    """All rings of a polygon or of many."""
    polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    return [ring for polygon in polygons for ring in polygon]


class Ground(Enum):
    """What the numbers of published shapes are."""

    GRID = "the Dutch national grid, in metres"
    DEGREES = "longitude and latitude"
    PLANE = "an invented plane, in metres"


def ground_of(shapes: Iterable[Shape]) -> Ground:
    """What all these shapes together lie on."""
    points = [point for shape in shapes for ring in rings(shape) for point in ring]
    for ground, (across, up) in ((Ground.GRID, (_EAST_METRES, _NORTH_METRES)), (Ground.DEGREES, _DEGREES)):
        if points and all(across[0] <= p[0] <= across[1] and up[0] <= p[1] <= up[1] for p in points):
            return ground
    return Ground.PLANE


def to_longitude_latitude(shape: Shape) -> Shape:
    """A shape on the grid in WGS 84 (OGC:CRS84; within about a metre, no grid of corrections is fetched), outer rings anticlockwise and holes clockwise as RFC 7946 asks."""
    polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    turned = [[_ring(ring, outer=i == 0) for i, ring in enumerate(polygon)] for polygon in polygons]
    return {"type": shape["type"], "coordinates": turned[0] if shape["type"] == "Polygon" else turned}


def _ring(ring: Ring, *, outer: bool) -> Ring:
    east, north = _transformer().transform([p[0] for p in ring], [p[1] for p in ring])
    points = [[round(x, _DECIMALS), round(y, _DECIMALS)] for x, y in zip(east, north, strict=True)]
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))
    return points if (area > 0) == outer else points[::-1]


@cache
def _transformer() -> Transformer:
    return Transformer.from_crs("EPSG:28992", "OGC:CRS84", always_xy=True)
