"""The areas with one group's figures as GeoJSON (RFC 7946), for maps: each area with its own figure, or named what is around it."""

from __future__ import annotations

import json
from typing import Any

from portals.municipality import words
from portals.municipality.exports import sentences
from portals.municipality.exports.dutch_grid import Ground, ground_of, to_longitude_latitude
from portals.municipality.exports.snapshot import Area, Snapshot
from schemas.values import Month


def geojson_bytes(snapshot: Snapshot, lang: str, *, group: str, year: int) -> bytes:
    """All published areas, with figures of one group and service year. The same bytes for the same snapshot.

    Longitude and latitude where the published shapes lie on the Dutch grid. Shapes on an invented plane stay in its metres, and the file
    says so with `"crs": null` (GeoJSON 2008: no reference system can be assumed): they lie nowhere on Earth.
    """
    areas = snapshot.areas()
    found = {a.code: json.loads(a.geometry) for a in areas if a.geometry}
    shapes = {code: shape for code, shape in found.items() if shape["type"] in ("Polygon", "MultiPolygon")}
    ground = ground_of(shapes.values())
    collection: dict[str, Any] = {
        "type": "FeatureCollection",
        **({} if ground is not Ground.PLANE or not shapes else {"crs": None, "place": sentences.say("no_place", lang)}),
        "about": _about(snapshot, lang, group=group, year=year),
        "features": [
            {
                "type": "Feature", "id": area.code, "properties": _properties(snapshot, area, lang, group=group, year=year),
                "geometry": _shape(shapes.get(area.code), ground),
            }
            for area in areas
        ],
    }  # fmt: skip
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()


def _shape(shape: dict[str, Any] | None, ground: Ground) -> dict[str, Any] | None:
    return to_longitude_latitude(shape) if shape is not None and ground is Ground.GRID else shape


def _about(snapshot: Snapshot, lang: str, *, group: str, year: int) -> dict[str, Any]:
    """What holds of every figure in the file."""
    return {
        "title": words.text("title", lang, name=snapshot.name), "group": group, "group_name": words.group_name(group, lang),
        "service_year": year, "known_until": str(snapshot.month), "snapshot": snapshot.label,
        "completeness": sentences.complete(snapshot, group, lang), "protection": sentences.protection(snapshot, lang),
        "warning": "" if snapshot.macro["protection"] == "full" else words.text("preliminary", lang),
        "held": f"{words.HELD[lang]}. {sentences.say('held_rule', lang)}",
        "source": f"{words.source(json.loads(snapshot.macro['parameters']), lang)} {sentences.say('signed', lang, topics=', '.join(snapshot.topics))} {words.text('no_ggz', lang)}",
    }  # fmt: skip


def _properties(snapshot: Snapshot, area: Area, lang: str, *, group: str, year: int) -> dict[str, Any]:
    row = snapshot.row(area.code, group, year)
    around = snapshot.around(area.code, group, year) if row is None or not row.released else None
    known = row.known_until if row else None
    return {
        "code": area.code, "name": area.name, "level": area.level, "parent": area.parent,
        "state": "undecided" if row is None else "released" if row.released else "held",
        "euros": row.euros if row else None, "households_in_care": row.households if row else None,
        "known_until": None if known is None else str(Month.from_index(known)),
        "note": words.text("undecided", lang) if row is None else sentences.note(row, lang),
        "around": around.area if around else None, "around_name": around.name if around else None,
        "around_euros": around.euros if around else None,
        "around_known_until": str(Month.from_index(around.known_until)) if around else None,
        "inhabitants": area.inhabitants,
    }  # fmt: skip
