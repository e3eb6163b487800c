"""Streets with a figure of their own, as areas beside those that are published: each is exactly some whole clusters of a buurt.

Made from which street runs through which cluster, as published; nothing here looks at amounts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from projections.geometry.streets import figures_of_streets, street_cells_of
from schemas.geography import area_code, clusters_of_street, parent_code

Area = dict[str, Any]
_PEOPLE: Final = ("inhabitants", "under_18", "aged_75_and_over", "households")


def street_areas(geography: Mapping[str, Any]) -> list[Area]:
    """In the form of a `published_geography`'s areas, in the order of their codes. People and shape are those of all clusters together, where all have them."""
    clusters = {a["code"]: a for a in geography["areas"] if a["level"] == "cluster"}
    found = []
    for code, name in sorted(street_cells_of(geography).items()):
        own = [clusters[area_code(c)] for c in clusters_of_street(code)]
        found.append(
            {"code": code, "name": name, "level": "street", "parent": parent_code(code), "postcodes": [], "geometry": _together(own)}
            | {p: None if any(a[p] is None for a in own) else sum(a[p] for a in own) for p in _PEOPLE}
        )  # fmt: skip
    return found


def _together(areas: Sequence[Area]) -> str:
    """One MultiPolygon; empty where an area has no shape."""
    shapes = [json.loads(a["geometry"]) for a in areas if a["geometry"]]
    if len(shapes) < len(areas) or any(s["type"] not in ("Polygon", "MultiPolygon") for s in shapes):
        return ""
    parts = [p for s in shapes for p in ([s["coordinates"]] if s["type"] == "Polygon" else s["coordinates"])]
    return json.dumps({"type": "MultiPolygon", "coordinates": parts}, separators=(",", ":"))


def streets_in(geography: Mapping[str, Any], buurt: str) -> list[tuple[str, str]]:
    """(name, code of the area whose figure is its total) of the streets of a buurt that have one: a cluster, the buurt, or the street itself."""
    pairs = [(s["name"], s["cluster"]) for s in geography["streets"]]
    clusters = [a["code"] for a in geography["areas"] if a["level"] == "cluster"]
    return [
        (name, code) for name, code in figures_of_streets(pairs, clusters).items() if buurt in (code, parent_code(code))
    ]
