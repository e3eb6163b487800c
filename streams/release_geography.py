"""The areas of a municipality as published: names, levels and shapes from its `geography.geojson`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from projections.geometry.streets import street_cells_of
from projections.release.cells import Street, streets_of
from schemas import codec
from schemas.errors import SettingsWrong

LEVELS = ("gemeente", "wijk", "buurt", "cluster")
PEOPLE = ("inhabitants", "under_18", "aged_75_and_over", "households")
"""Numbers of people of an area, each absent where unknown."""


def read(folder: Path, municipality: int, *, year: int) -> dict[str, Any]:
    """The `published_geography` datum of one municipality. Raises `SettingsWrong`, naming the file.

    The file's members `year` and `population_year` say of which years its boundaries and numbers of people are, `streets` which
    street runs through which cluster; `year` is for a file that does not say it.
    """
    path = folder / "geography.geojson"
    try:
        document = json.loads(path.read_text("utf-8"))
        areas = [_area(f) for f in document["features"]]
        own = sorted((a for a in areas if a["level"] in LEVELS), key=lambda a: (LEVELS.index(a["level"]), a["code"]))
        name = next((a["name"] for a in own if a["level"] == "gemeente"), f"GM{municipality:04d}")
        datum = {
            "municipality": municipality,
            "name": name,
            "year": document.get("year") or year,
            "population_year": document.get("population_year"),
            "areas": own,
            "streets": sorted(
                ({"name": s["name"], "cluster": s["cluster"]} for s in document.get("streets") or ()),
                key=lambda s: (s["name"], s["cluster"]),
            ),
        }
        encoded(datum)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as wrong:
        msg = f"The geography {path} can't be read: GeoJSON features with code, name, level and parent are needed."
        raise SettingsWrong(msg) from wrong
    clusters = {a["code"] for a in own if a["level"] == "cluster"}
    for street in datum["streets"]:
        if street["cluster"] not in clusters:
            msg = f"The geography {path} has a street in a cluster that it has no feature of. Draw it again with `zorgstroom municipality geometry`."
            raise SettingsWrong(msg)
    return datum


def _area(feature: dict[str, Any]) -> dict[str, Any]:
    properties, shape = feature["properties"], feature.get("geometry")
    return {
        "code": properties["code"], "name": properties["name"], "level": properties["level"], "parent": properties.get("parent") or "",
        "geometry": json.dumps(shape, separators=(",", ":")) if shape else "",
        "postcodes": sorted(properties.get("postcodes") or ()),
    } | {name: properties.get(name) for name in PEOPLE}  # fmt: skip


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


def streets(datum: dict[str, Any]) -> tuple[Street, ...]:
    """The streets with figures of their own, as the numbers of their clusters."""
    return streets_of(street_cells_of(datum))


def households(datum: dict[str, Any]) -> dict[tuple[str, int], int]:
    """(level, area number) -> all households of the area; the placed whole has those of the municipality. Absent where unknown."""
    known = {
        (a["level"], int(re.sub(r"\D", "", a["code"]))): a["households"] for a in datum["areas"] if a["households"]
    }
    placed = {("placed", number): count for (level, number), count in known.items() if level == "gemeente"}
    return known | placed
