"""GeoJSON as a file that may be broken: its features, each with properties and a shape, or a sentence that names file and place.

Source: RFC 7946, and the `crs` member of the older GeoJSON of 2008, which Dutch files still carry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape

from projections.geometry.coordinates import Reference, reference_of, to_rd
from schemas.errors import SettingsWrong


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature. `properties` with names in lower case; `shape` a valid (multi)polygon in RD metres; `where` names it in sentences."""

    properties: Mapping[str, Any]
    shape: Any
    where: str


@dataclass(frozen=True, slots=True)
class Collection:
    """The features of a file, and its other members (`year` and the like)."""

    features: list[Feature]
    members: Mapping[str, Any]


def read_features(text: str, where: str) -> Collection:
    """All features of a GeoJSON text in RD metres; `where` is the file's name. Raises `SettingsWrong`."""
    document = _document(text, where)
    rows = document.get("features")
    if document.get("type") != "FeatureCollection" or not isinstance(rows, list):
        msg = f"{where} is no GeoJSON FeatureCollection. Export the areas as GeoJSON and try again."
        raise SettingsWrong(msg)
    if not rows:
        msg = f"{where} has no features. Export the areas as GeoJSON and try again."
        raise SettingsWrong(msg)
    found = [_feature(row, f"{where} feature {n}") for n, row in enumerate(rows, 1)]
    bounds = shapely.total_bounds([f.shape for f in found])
    if reference_of(document.get("crs"), tuple(bounds), where) is Reference.WGS84:
        found = [Feature(f.properties, _valid(to_rd(f.shape), f.where), f.where) for f in found]
    members = {k: v for k, v in document.items() if k not in ("features", "type", "crs")}
    return Collection(found, members)


def _document(text: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as broken:
        msg = f"{where} line {broken.lineno}, character {broken.colno}: this is no JSON. Fetch or export the file again; it may be cut off."
        raise SettingsWrong(msg) from broken
    except RecursionError as deep:
        msg = f"{where} is nested too deep to be GeoJSON. Fetch or export the file again."
        raise SettingsWrong(msg) from deep
    if not isinstance(document, dict):
        msg = f"{where} is no GeoJSON FeatureCollection. Export the areas as GeoJSON and try again."
        raise SettingsWrong(msg)
    return document


def _feature(row: Any, where: str) -> Feature:
    properties = row.get("properties") if isinstance(row, dict) else None
    if not isinstance(properties, dict):
        msg = f"{where} has no properties; a code and a name are needed."
        raise SettingsWrong(msg)
    geometry = row.get("geometry")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        what = f"a {kind}" if kind in ("Point", "MultiPoint", "LineString", "MultiLineString") else "no shape"
        msg = f"{where} is {what}; a Polygon or MultiPolygon is needed. Use the layer with areas, not with labels."
        raise SettingsWrong(msg)
    try:
        with np.errstate(invalid="ignore"):
            made = shapely.force_2d(shape(geometry))
    except Exception as broken:
        msg = f"{where} has a shape whose coordinates can't be read; rings of pairs of numbers are needed."
        raise SettingsWrong(msg) from broken
    return Feature({str(k).lower(): v for k, v in properties.items()}, _valid(made, where), where)


def _valid(made: Any, where: str) -> Any:
    """The polygons of a shape, mended where a ring crosses itself. Raises `SettingsWrong` where nothing is left."""
    if not np.isfinite(shapely.get_coordinates(made)).all():
        made = shapely.Polygon()
    if not shapely.is_valid(made):
        made = polygons_of(shapely.make_valid(made))
    if shapely.is_empty(made) or shapely.area(made) <= 0:
        msg = f"{where} has a shape without area; rings of at least three different points are needed."
        raise SettingsWrong(msg)
    return made


def polygons_of(made: Any) -> Any:
    """The polygons in a shape of any kind as one (multi)polygon, lines and points left out; empty where there are none."""
    parts = [p for p in shapely.get_parts(shapely.get_parts(made)) if p.geom_type == "Polygon" and p.area > 0]
    return shapely.union_all(parts) if parts else shapely.Polygon()
