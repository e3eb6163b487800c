"""The areas of a municipality as published: names, levels and shapes from its `geography.geojson`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from schemas import codec
from schemas.errors import SettingsWrong

LEVELS = ("gemeente", "wijk", "buurt", "cluster")
PEOPLE = ("inhabitants", "under_18", "aged_75_and_over", "households")
"""Numbers of people of an area, each absent where unknown."""


def read(folder: Path, municipality: int, *, year: int) -> dict[str, Any]:
    """The `published_geography` datum of one municipality, with boundaries of `year`. Raises `SettingsWrong`, naming the file."""
    path = folder / "geography.geojson"
    try:
        features = json.loads(path.read_text("utf-8"))["features"]
        areas = [
            {
                "code": f["properties"]["code"], "name": f["properties"]["name"], "level": f["properties"]["level"],
                "parent": f["properties"].get("parent") or "",
                "geometry": json.dumps(f["geometry"], separators=(",", ":")) if f.get("geometry") else "",
                "postcodes": sorted(f["properties"].get("postcodes") or ()),
            } | {name: f["properties"].get(name) for name in PEOPLE}
            for f in features
        ]  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        msg = f"The geography {path} can't be read: GeoJSON features with code, name, level and parent are needed."
        raise SettingsWrong(msg) from wrong
    own = sorted((a for a in areas if a["level"] in LEVELS), key=lambda a: (LEVELS.index(a["level"]), a["code"]))
    name = next((a["name"] for a in own if a["level"] == "gemeente"), f"GM{municipality:04d}")
    return {
        "municipality": municipality,
        "name": name,
        "year": year,
        "population_year": None,
        "areas": own,
        "streets": [],
    }


def encoded(datum: dict[str, Any]) -> bytes:
    """The encoded record, whose SHA-256 is the geometry hash of every release."""
    return codec.encode("published_geography", datum)


def numbers(datum: dict[str, Any]) -> dict[str, list[int]]:
    """Level -> numbers of all areas at it, as the gate's layers number them."""
    found: dict[str, list[int]] = {level: [] for level in (*LEVELS, "placed")}
    for area in datum["areas"]:
        found[area["level"]].append(int(re.sub(r"\D", "", area["code"])))
    found["placed"] = list(found["gemeente"])
    return found
