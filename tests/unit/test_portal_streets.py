"""Streets on the page, in the API and in exports: a figure of their own where release gave one, else that of the cluster or buurt they are."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import pytest
from municipality_page_builders import cell, geography, record, released, released_epoch, square
from municipality_page_reading import asked, chosen, in_the_table, opened
from shapely.geometry import shape

from portals.municipality.exports.geojson import geojson_bytes
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.exports.table import records
from portals.municipality.released import Released
from portals.municipality.streets import street_areas
from schemas import codec
from schemas.sealing import sha256

STREET, HELD = "BU99010101.01_02", "BU99010101.02"
NAMES = {
    "Lange laan": (f"{STREET[:11]}01", HELD),
    "Plein": ("BU99010101.03",),
    "Dijk": ("BU99010201.01", "BU99010201.02"),
}
"""Over two of three clusters of a buurt; one cluster; all clusters of a buurt."""


def ground() -> dict[str, Any]:
    datum = geography()
    like = next(a for a in datum["areas"] if a["code"] == HELD)
    datum["areas"].append(like | {"code": "BU99010101.03", "name": "Plein", "geometry": square(500, 0, 500)})
    datum["streets"] = [{"name": name, "cluster": c} for name, own in sorted(NAMES.items()) for c in own]
    return datum


def records_of_june() -> tuple[dict[str, Any], dict[str, Any]]:
    digest = sha256(codec.encode("published_geography", ground()))
    macro, meso = (released_epoch(level=level, geometry_hash=digest) for level in ("macro", "meso"))
    meso["cells"] += [cell("BU99010101.03", "cluster", "total", 31_000), cell(STREET, "street", "total", 141_000)]
    return macro, meso


@lru_cache
def page() -> Released:
    macro, meso = records_of_june()
    return released(record(ground()), record(macro), meso=(record(meso),))


def streets(text: str) -> dict[str, list[str]]:
    """Name -> the other columns of the table of streets."""
    rows = re.findall(r'id="straat-\d+"[^>]*>(.*?)</tr>', text, re.DOTALL)
    found = [[re.sub(r"<[^>]+>", " ", c).strip() for c in re.split(r"</t[hd]>", row)] for row in rows]
    return {row[0]: row[1:] for row in found}


def test_a_buurt_lists_its_streets_with_their_own_figures_or_those_of_the_cluster_they_are() -> None:
    found = streets(opened("/?gebied=BU99010101", page()))
    assert set(found) == {"Lange laan", "Plein"}
    assert found["Lange laan"][:2] == ["€ 141.000", "Kerkbuurt 1; Kerkbuurt 2"]
    assert found["Plein"][:2] == ["€ 31.000", "Plein"]


def test_a_street_that_is_a_whole_buurt_has_the_buurts_figure() -> None:
    text = opened("/?gebied=BU99010201", page())
    assert streets(text)["Dijk"][0] == re.search(r'id="rij-BU99010201".*?number[^>]*>([^<]*)<', text, re.DOTALL)[1]


def test_a_part_that_is_kept_back_shows_the_street_around_it_before_the_buurt() -> None:
    row = in_the_table(opened("/?gebied=BU99010101", page()))[HELD]
    assert "141.000" in row
    assert "Lange laan" in row


def test_a_street_has_an_address_of_its_own() -> None:
    text = opened(f"/?gebied={STREET}", page())
    assert chosen(text) == "Lange laan: € 141.000."
    assert f'<option value="{STREET}" selected>' in text
    assert asked(f"/verloop?gebied={STREET}", page()).status_code == 200


def test_a_municipality_without_whole_streets_has_no_table_of_them() -> None:
    assert 'id="straten"' not in opened("/?gebied=BU99010101")


def test_the_api_gives_streets_as_a_level() -> None:
    areas = asked("/api/v1/areas?level=street", page()).json()["areas"]
    assert [(a["code"], a["name"], a["parent"]) for a in areas] == [(STREET, "Lange laan", "BU99010101")]
    figure = asked(f"/api/v1/figures/2025-06/{STREET}/total/2025", page()).json()["figure"]
    assert (figure["level"], figure["euros"], figure["households"]) == ("street", 141_000, None)
    held = asked(f"/api/v1/figures/2025-06/{HELD}/total/2025", page()).json()["figure"]
    assert held["around"]["area"] == STREET
    cells = asked("/api/v1/cells?level=street", page()).json()["cells"]
    assert [c["area"] for c in cells] == [STREET]


def test_exports_have_the_street_with_its_figure_and_the_shape_of_its_clusters() -> None:
    macro, meso = records_of_june()
    made = Snapshot(macro, meso, ground())
    feature = next(
        f for f in json.loads(geojson_bytes(made, "nl", group="total", year=2025))["features"] if f["id"] == STREET
    )
    assert (feature["properties"]["name"], feature["properties"]["euros"]) == ("Lange laan", 141_000)
    clusters = [shape(json.loads(a["geometry"])) for a in ground()["areas"] if a["code"] in NAMES["Lange laan"]]
    assert shape(feature["geometry"]).area == pytest.approx(sum(c.area for c in clusters))
    assert [row[:3] for row in records(made, "nl") if row[0] == STREET] == [[STREET, "Lange laan", "straat"]]


def test_people_of_a_street_are_those_of_its_clusters_where_all_are_known() -> None:
    datum = ground()
    for area in datum["areas"]:
        area["inhabitants"] = 40 if area["level"] == "cluster" else None
    assert [(a["inhabitants"], a["households"]) for a in street_areas(datum)] == [(80, None)]
