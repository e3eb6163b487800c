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


def drawn(text: str) -> dict[str, tuple[str, str]]:
    """Area -> what its shape on the map of the buurt says, and its class; whichever kind is drawn."""
    found = re.findall(r'id="(?:deel|straten)-([^"]+)"[^>]*aria-label="([^"]*)"><path[^>]*class="area ([^"]+)"', text)
    return {code: (label, klass) for code, label, klass in found}


def test_the_map_of_a_buurt_draws_its_parts_or_its_streets_and_leaves_nothing_blank() -> None:
    parts = drawn(opened("/?gebied=BU99010101", page()))
    assert set(parts) == {c for own in NAMES.values() for c in own if c.startswith("BU99010101")}
    assert parts[HELD][0].endswith("Lange laan: € 141.000")
    text = opened("/?gebied=BU99010101&delen=straat", page())
    assert drawn(text) == {
        STREET: ("Lange laan: € 141.000.", "class-1"), NAMES["Plein"][0]: ("Plein: € 31.000.", "class-0"),
    }  # fmt: skip
    assert set(streets(text)) == {"Lange laan", "Plein"}, "the table says what the map says"
    assert (
        'id="teken-straat" href="?maand=2025-06&groep=total&jaar=2025&gebied=BU99010101&delen=straat&lang=nl" aria-current'
        in text
    )
    assert 'name="delen" value="straat"' in text, "who chooses another month keeps it"
    assert text.index('id="straten"') < text.index('id="deel"')


def test_a_street_is_drawn_as_its_clusters_without_the_border_between_them() -> None:
    text = opened("/?gebied=BU99010101&delen=straat", page())
    path = re.search(rf'id="straten-{STREET}"[^>]*><path d="([^"]+)"', text)[1]
    assert path.count("M") == 1
    corners = {tuple(map(float, p.split(","))) for p in re.findall(r"[\d.]+,[\d.]+", path)}
    assert {x for x, y in corners if y == 380.0} == {380.0}, (
        "of the border in the middle only its end at the neighbour is left"
    )


def test_where_streets_are_drawn_a_part_in_none_of_them_is_drawn_as_itself_and_a_held_street_is_hatched() -> None:
    datum = ground()
    datum["streets"] += [{"name": name, "cluster": NAMES["Plein"][0]} for name in ("Achterom", "Steeg")]
    macro, meso = (
        {**r, "geometry_hash": sha256(codec.encode("published_geography", datum))} for r in records_of_june()
    )
    meso["cells"] = [
        c if c["area"] != STREET else cell(STREET, "street", "total", None, held=True) for c in meso["cells"]
    ]
    text = opened("/?gebied=BU99010101&delen=straat", released(record(datum), record(macro), meso=(record(meso),)))
    found = drawn(text)
    assert set(found) == {STREET, NAMES["Plein"][0]}
    assert found[STREET][1] == "held none"
    assert found[STREET][0].startswith("Lange laan. Achtergehouden om huishoudens te beschermen")
    assert text.count('class="hatching"') > 0
    assert streets(text)["Plein"][1] == "Deel dat bij geen straat met een eigen cijfer hoort"


def test_a_buurt_that_is_one_street_is_drawn_as_itself() -> None:
    assert set(drawn(opened("/?gebied=BU99010201&delen=straat", page()))) == {"BU99010201"}


def test_a_buurt_without_whole_streets_has_its_parts_drawn_whatever_was_chosen() -> None:
    text = opened("/?gebied=BU99010101&delen=straat")
    assert set(drawn(text)) == {"BU99010101.01", "BU99010101.02"}
    assert 'id="soorten"' not in text


def test_an_unknown_kind_of_parts_is_said_and_not_repeated() -> None:
    text = opened("/?gebied=BU99010101&delen=huisnummer", page())
    assert "huisnummer" not in text
    assert set(drawn(text)) == set(drawn(opened("/?gebied=BU99010101", page())))
