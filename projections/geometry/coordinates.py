"""Where coordinates lie: Dutch RD metres (EPSG:28992) or degrees (WGS84); everything inside is RD. Decided by what a file says and by range."""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any, Final

import shapely

from schemas.errors import SettingsWrong

Bounds = tuple[float, ...]
"""Least x, least y, most x, most y."""

RD_CRS: Final = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}
"""The `crs` member of GeoJSON in RD metres."""
_RD: Final = (-10_000.0, 280_000.0, 320_000.0, 660_000.0)
_WGS84: Final = (2.5, 50.0, 8.0, 54.5)
"""The Netherlands with some room around it."""


class Reference(Enum):
    """The two coordinate systems of Dutch files."""

    RD = "RD (EPSG:28992)"
    WGS84 = "degrees (WGS84)"


def reference_of(crs: Any, bounds: Bounds, where: str) -> Reference:
    """Which system a file is in, by its `crs` member (may be None) and the bounds of all its shapes. Raises `SettingsWrong`."""
    by_range = _by_range(bounds)
    if by_range is None:
        turned = _by_range((bounds[1], bounds[0], bounds[3], bounds[2])) is Reference.WGS84
        why = "have latitude before longitude; turn them round" if turned else "are not in the Netherlands"
        msg = f"{where}: the coordinates {why}. RD metres (EPSG:28992) or degrees (WGS84, longitude first) are needed."
        raise SettingsWrong(msg)
    said = _said(crs, where)
    if said is not None and said is not by_range:
        msg = f"{where} says that it is in {said.value}, but its coordinates are in {by_range.value}. Export it again, or correct the member `crs`."
        raise SettingsWrong(msg)
    return by_range


def _by_range(bounds: Bounds) -> Reference | None:
    for reference, room in ((Reference.RD, _RD), (Reference.WGS84, _WGS84)):
        if bounds[0] >= room[0] and bounds[1] >= room[1] and bounds[2] <= room[2] and bounds[3] <= room[3]:
            return reference
    return None


def _said(crs: Any, where: str) -> Reference | None:
    if crs is None:
        return None
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = str(properties.get("name", "")) if isinstance(properties, dict) else ""
    if name.endswith("28992"):
        return Reference.RD
    if name.endswith(("CRS84", "4326", "4258")):
        return Reference.WGS84
    msg = f"{where} is in another coordinate system. Export it in RD (EPSG:28992) or in degrees (WGS84)."
    raise SettingsWrong(msg)


@cache
def _transformer() -> Any:
    from pyproj import Transformer

    return Transformer.from_crs("EPSG:4326", "EPSG:28992", always_xy=True)


def to_rd(made: Any) -> Any:
    """A shape in degrees as one in RD metres (within about a metre: the grid of corrections is not fetched)."""
    return shapely.transform(made, _transformer().transform, interleaved=False)
