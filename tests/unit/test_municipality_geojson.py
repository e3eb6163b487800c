"""The GeoJSON export: figures as on the topics, and places as far as the published shapes say where they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from municipality_export_builders import on_the_topics, snapshot
from municipality_page_builders import HELD_EVER_BUURT, WIJKEN, geography, released_epoch
from shapely.geometry import Polygon, shape

from portals.municipality.exports.dutch_grid import Ground, ground_of
from portals.municipality.exports.geojson import geojson_bytes
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.words import HELD, TEXTS
from schemas.values import Month

ONZE_LIEVE_VROUWETOREN = (155_000.0, 463_000.0), (5.38720621, 52.15517440)
"""The middle of the Dutch grid at Amersfoort, and where that is (Kadaster, RDNAPTRANS)."""


def opened(made: Snapshot, group: str = "total", lang: str = "nl") -> dict[str, Any]:
    return json.loads(geojson_bytes(made, lang, group=group, year=2025))


def moved(across: float, up: float, scale: float = 1.0) -> Snapshot:
    """The invented municipality somewhere else."""
    ground = geography()
    for area in ground["areas"]:
        if area["geometry"]:
            found = json.loads(area["geometry"])
            found["coordinates"] = [
                [[x * scale + across, y * scale + up] for x, y in ring] for ring in found["coordinates"]
            ]
            area["geometry"] = json.dumps(found)
    return Snapshot(released_epoch(), None, ground)


@pytest.mark.parametrize("group", ["total", "wmo", "begeleiding"])
def test_every_area_has_its_own_cell_of_the_topics_or_says_why_not(group: str) -> None:
    made = snapshot()
    cells = on_the_topics(made)
    features = opened(made, group)["features"]
    assert [f["id"] for f in features] == [f["properties"]["code"] for f in features]
    assert {f["id"] for f in features} == {"GM9901P"} | {
        a["code"] for a in geography()["areas"] if a["level"] != "gemeente"
    }
    for feature in features:
        cell, said = cells.get((feature["id"], group, 2025)), feature["properties"]
        assert said["state"] == ("undecided" if cell is None else cell["decision"])
        assert said["euros"] == (cell["euros"] if cell else None)
        assert said["households_in_care"] == (cell["households"] if cell else None)
        known = cell["known_until"] if cell else None
        assert said["known_until"] == (None if known is None else str(Month.from_index(known)))
        assert (f"{HELD['nl']}." == said["note"]) == (said["state"] == "held")
        assert (said["note"] == TEXTS["undecided"][0]) == (said["state"] == "undecided")
        if said["state"] == "released":
            assert said["around"] is said["around_euros"] is None


def test_an_area_without_a_figure_of_its_own_names_the_one_around_it() -> None:
    found = {f["id"]: f["properties"] for f in opened(snapshot(), "begeleiding")["features"]}
    assert found["BU99010101"]["euros"] is None
    assert (found["BU99010101"]["around"], found["BU99010101"]["around_euros"]) == ("WK990101", 250_000)
    found = {f["id"]: f["properties"] for f in opened(snapshot())["features"]}
    assert found[HELD_EVER_BUURT]["around_name"] == WIJKEN["WK990102"]
    assert found[HELD_EVER_BUURT]["around_known_until"] == "2025-06"


def test_it_says_from_which_snapshot_how_complete_and_how_guarded() -> None:
    about = opened(snapshot(), "jeugdwet")["about"]
    assert about["snapshot"] == "GM9901 2025-06, macro 1, meso 1"
    assert about["known_until"] == "2025-06"
    assert about["completeness"].startswith("Jeugdwet: 9 van 12 gevraagde aanbiedermaanden afgesloten")
    assert about["warning"].startswith("Voorlopige bescherming")
    assert opened(snapshot(), "overig")["about"]["completeness"] == "Wordt voor deze groep niet gegeven."


def test_an_invented_plane_is_not_put_on_earth() -> None:
    made = opened(snapshot())
    assert made["crs"] is None
    assert "verzonnen vlak" in made["place"]
    buurt = next(f for f in made["features"] if f["id"] == "BU99010101")
    assert buurt["geometry"]["coordinates"][0][2] == [1000, 1000]


def test_the_dutch_grid_becomes_longitude_and_latitude() -> None:
    (east, north), (longitude, latitude) = ONZE_LIEVE_VROUWETOREN
    made = opened(moved(east, north))
    assert "crs" not in made
    buurt = next(f for f in made["features"] if f["id"] == "BU99010101")
    assert buurt["geometry"]["coordinates"][0][0] == pytest.approx([longitude, latitude], abs=2e-5)
    for feature in made["features"]:
        if feature["geometry"]:
            polygon = shape(feature["geometry"])
            assert isinstance(polygon, Polygon)
            assert polygon.exterior.is_ccw
            assert polygon.is_valid


def test_rings_turn_as_the_standard_asks_whichever_way_they_came() -> None:
    ground = geography()
    outer, hole = (
        [[0, 0], [0, 900], [900, 900], [900, 0], [0, 0]],
        [[300, 300], [600, 300], [600, 600], [300, 600], [300, 300]],
    )
    rings = [[[x + 155_000, y + 463_000] for x, y in ring] for ring in (outer, hole)]
    for area in ground["areas"]:
        area["geometry"] = (
            json.dumps({"type": "MultiPolygon", "coordinates": [rings]}) if area["code"] == "BU99010101" else ""
        )
    made = opened(Snapshot(released_epoch(), None, ground))
    (drawn,) = [shape(f["geometry"]) for f in made["features"] if f["geometry"]]
    (polygon,) = drawn.geoms
    assert polygon.exterior.is_ccw
    assert not polygon.interiors[0].is_ccw


def test_what_is_no_area_is_not_drawn() -> None:
    ground = geography()
    for area in ground["areas"]:
        if area["code"] == "BU99010101":
            area["geometry"] = json.dumps({"type": "Point", "coordinates": [155_000, 463_000]})
    features = {f["id"]: f for f in opened(Snapshot(released_epoch(), None, ground))["features"]}
    assert features["BU99010101"]["geometry"] is None
    assert features["BU99010101"]["properties"]["euros"] == 220_000
    assert features["BU99010102"]["geometry"]


def test_degrees_stay_degrees() -> None:
    made = opened(moved(5.0, 52.0, scale=1e-5))
    assert "crs" not in made
    assert next(f for f in made["features"] if f["id"] == "BU99010101")["geometry"]["coordinates"][0][0] == [5.0, 52.0]


@pytest.mark.parametrize(
    ("point", "ground"),
    [
        ((155_000, 463_000), Ground.GRID), ((0, 0), Ground.PLANE), ((5.1, 52.1), Ground.DEGREES), ((52.1, 5.1), Ground.PLANE),
        ((155_000, 5_780_000), Ground.PLANE),
    ],
)  # fmt: skip
def test_what_shapes_lie_on_is_told_by_where_every_corner_is(point: tuple[float, float], ground: Ground) -> None:
    here = {"type": "Polygon", "coordinates": [[list(point)] * 4]}
    assert ground_of([here]) is ground
    assert ground_of([here, {"type": "Polygon", "coordinates": [[[3_000, 4_000]] * 4]}]) is Ground.PLANE
    assert ground_of([]) is Ground.PLANE
