"""Files of areas, addresses, places and people that are wrong: one sentence that names file and place and says what to do; nothing is written."""

from __future__ import annotations

import json

import pytest
from geometry_builders import (
    BUURTEN,
    SIDE,
    SOUTH,
    WEST,
    YEAR,
    Files,
    addresses,
    boundaries,
    collection,
    extract,
    feature,
    population,
    postcode,
    register,
    spots,
    square,
)  # fmt: skip
from pyproj import Transformer
from shapely.geometry import shape

from projections.geometry.coordinates import Reference, reference_of, to_rd
from schemas.errors import SettingsWrong

TO_DEGREES = Transformer.from_crs("EPSG:28992", "EPSG:4326", always_xy=True)
RD = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}


@pytest.fixture
def files(tmp_path) -> Files:
    return Files(tmp_path)


def with_geometry(geometry: object) -> str:
    return collection([feature(BUURTEN[0]) | {"geometry": geometry}])


def ring(*points: tuple[float, float]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [list(map(list, points))]}


def turned_into_degrees(*, swapped: bool = False, **members: object) -> str:
    made = json.loads(boundaries())
    for one in made["features"]:
        points = [TO_DEGREES.transform(*p) for p in one["geometry"]["coordinates"][0]]
        one["geometry"]["coordinates"] = [[[y, x] if swapped else [x, y] for x, y in points]]
    return json.dumps(made | members)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (boundaries()[:-40], "line 1, character"),
        ("", "line 1, character"),
        ("[]", "no GeoJSON FeatureCollection"),
        ('{"type": "Topology", "objects": {}}', "no GeoJSON FeatureCollection"),
        (collection([]), "has no features"),
        ('{"type": "FeatureCollection", "features": ' + "[" * 100_000, "nested too deep"),
        (collection([3]), "feature 1 has no properties"),
        (with_geometry(None), "feature 1 is no shape"),
        (with_geometry({"type": "Point", "coordinates": [WEST, SOUTH]}), "feature 1 is a Point"),
        (with_geometry({"type": "Polygon", "coordinates": [["a", "b"]]}), "feature 1 has a shape whose coordinates can't be read"),
        (with_geometry({"type": "Polygon", "coordinates": [[[WEST, SOUTH], [WEST, None], [WEST, SOUTH]]]}), "feature 1 has a shape"),
        (with_geometry(ring((WEST, SOUTH), (WEST, SOUTH), (WEST, SOUTH), (WEST, SOUTH))), "feature 1 has a shape without area"),
        (with_geometry(ring((WEST, SOUTH), (float("nan"), SOUTH), (WEST, SOUTH + 9), (WEST, SOUTH))), "feature 1 has a shape"),
        (with_geometry(square(-4_000_000, 900_000)), "not in the Netherlands"),
        (turned_into_degrees(swapped=True), "latitude before longitude"),
        (turned_into_degrees(crs=RD), "but its coordinates are in degrees"),
        (json.dumps(json.loads(boundaries()) | {"crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}), "another coordinate system"),
        (collection([feature(BUURTEN[0], buurtcode="Dorp")]), "feature 1 has no CBS code"),
        (collection([feature(99020101)]), "no buurt of GM9901"),
        (collection([feature(BUURTEN[0]), feature(BUURTEN[1], 1), feature(BUURTEN[0], 2)]), "BU99010101 is there twice, also as"),
        (collection([feature(BUURTEN[0]), feature(BUURTEN[1])]), "lie over each other"),
        (collection([feature(b, n, jaar=2023) for n, b in enumerate(BUURTEN)]), "no boundaries of 2025, only of 2023"),
    ],
)  # fmt: skip
def test_boundaries_that_are_wrong_are_refused_with_file_and_place(files, text, says) -> None:
    files.write("boundaries.geojson", text)
    said = files.refused()
    assert "boundaries.geojson" in said or "lie over each other" in said
    assert says in said


def test_bytes_that_are_no_text_are_refused(files) -> None:
    for name in ("boundaries.geojson", "register.csv"):
        kept = (files.folder / name).read_bytes()
        (files.folder / name).write_bytes(b"\xff\xfe\x00" + kept)
        assert name in files.refused()
        (files.folder / name).write_bytes(kept)


def test_a_file_that_is_not_there_is_named(files) -> None:
    (files.folder / "register.csv").unlink()
    assert "register.csv can't be read" in files.refused()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: there is no column for postcode"),
        ("x" * 200_000, "line 1: this can't be read as text in columns"),
        (register([("9000AA", 1, BUURTEN[0])]) + '"' + "x" * 200_000, "line 3: this can't be read as text in columns"),
        (register([]), "register.csv has no address of GM9901"),
        (register([("1234AB", 1, 12345678)]), "register.csv has no address of GM9901"),
        (register([*addresses(), ("9100AA", 1, 99010177)]), f"line {len(addresses()) + 2}: BU99010177 is not in the boundaries"),
        (register([("1234", 1, BUURTEN[0])]), "line 2: the postcode must be like 1234AB"),
        (register(addresses()).replace(";1;", ";een;", 1), "line 2: the house number must be a whole number"),
        (register([("9000AA", 1, BUURTEN[0]), ("9000AA", 1, BUURTEN[1])]), "line 3: this postcode and number lies in BU99010102 here and in BU99010101 above"),
        ("PC6;Huisnummer;Buurt2025;Wijk2025;Gemeente2025\n9000AA;1;99010101;990102;9901\n", "line 2: buurt, wijk and gemeente do not belong together"),
        ("PC6;Huisnummer;Buurt2025;Wijk2025;Gemeente2025\n9000AA;1\n", "line 2: 5 columns are needed"),
        ("PC6;Huisnummer;Buurt2025;Buurt2024;Gemeente2025\n", "there 2 times (Buurt2025, Buurt2024)"),
        (register(addresses(), 2024), "no boundaries of 2024, only of 2025"),
    ],
)  # fmt: skip
def test_a_register_that_is_wrong_is_refused_with_file_and_line(files, text, says) -> None:
    files.write("register.csv", text)
    assert says in files.refused()


def test_a_buurt_that_the_boundaries_lack_is_named_by_the_line_of_the_register(files) -> None:
    files.write("boundaries.geojson", collection([feature(b, n) for n, b in enumerate(BUURTEN[:2])]))
    assert "BU99010201 is not in the boundaries" in files.refused()


def test_a_postcode_in_two_buurten_counts_in_each_by_its_house_numbers(files) -> None:
    shared = [("9999ZZ", 1, BUURTEN[0]), ("9999ZZ", 3, BUURTEN[1])]
    files.write("register.csv", register([*addresses(), *shared]))
    files.write("places.csv", extract(spots(addresses())))
    result = files.run()
    assert result.exit_code == 0
    assert "of which each address counts in its own: 1 (9999ZZ)" in result.output
    assert {c[:10] for c, own in files.clusters().items() if "9999ZZ" in own} == {"BU99010101", "BU99010102"}


@pytest.mark.parametrize("year", range(2019, 2026))
def test_heads_of_any_year_and_with_commas_are_read(files, year) -> None:
    files.write("boundaries.geojson", collection([feature(b, n, jaar=year) for n, b in enumerate(BUURTEN)]))
    files.write("register.csv", register(addresses(), year).replace(";", ","))
    assert files.run().exit_code == 0


def test_the_year_can_be_named_where_no_file_says_it_and_must_be(files) -> None:
    files.write("boundaries.geojson", collection([feature(b, n, jaar="") for n, b in enumerate(BUURTEN)]))
    files.write("register.csv", register(addresses()).replace(str(YEAR), ""))
    assert "Name the year with --year" in files.refused()
    assert files.run("--year", "2021").exit_code == 0
    assert files.geojson()["year"] == 2021


def test_a_register_of_another_year_than_named_is_refused(files) -> None:
    assert "cut by the boundaries of 2025, not of 2021" in files.refused("--year", "2021")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (population(2024), "has numbers of people of 2024; the boundaries are of 2025"),
        (population().replace("BU99010201", "BU99010233"), "line 7: BU99010233 is not in the boundaries of 2025"),
        (population() + f"BU99010201;{YEAR};1;1;1;1\n", "line 8: BU99010201 is there twice for 2025"),
        (population().replace("4800", "veel"), "line 2: the number for inhabitants must be a whole number"),
        (
            population().replace(";960;", ";9960;"),
            "line 2: those under 18 and of 75 and over together are more than the inhabitants",
        ),
        (population().replace("gebied;jaar", "gebied;periode"), "line 1: there is no column for year"),
        (population().replace("9901", "9902"), "has no row of GM9901"),
        (population().replace("GM9901", "Lindermonde"), "line 2: the area must be a CBS code"),
    ],
)
def test_numbers_of_people_that_are_wrong_are_refused_with_file_and_line(files, text, says) -> None:
    files.write("population.csv", text)
    assert says in files.refused()


def test_what_cbs_does_not_tell_is_unknown_and_not_zero(files) -> None:
    rows = [r for r in population().splitlines() if not r.startswith("WK990102")]
    files.write("population.csv", "\n".join(rows).replace(f"BU99010101;{YEAR};1600", f"BU99010101;{YEAR};."))
    result = files.run()
    assert "without rates: 2 (WK990102, BU99010101)" in result.output
    found = {f["properties"]["code"]: f["properties"] for f in files.geojson()["features"]}
    assert found["BU99010101"]["inhabitants"] is None
    assert found["BU99010101"]["households"] == 800
    assert found["BU99010102"]["inhabitants"] == 1600


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("9000AA", 1, "Laan", WEST, SOUTH), ("9000AA", 1, "Plein", WEST, SOUTH)], "line 3: this postcode and number is on another street"),
        ([("9000AA", 1, "Laan", "oost", SOUTH)], "line 2: x and y must be numbers"),
        ([("9000AA", 1, "Laan", 12, 13)], "places.csv: the coordinates are not in the Netherlands"),
        ([("9876ZZ", 1, "Laan", WEST, SOUTH)], "places.csv has no address of the address register"),
    ],
)  # fmt: skip
def test_an_extract_that_is_wrong_is_refused_with_file_and_line(files, rows, says) -> None:
    files.write("places.csv", extract(rows))
    assert says in files.refused()


def test_postcode_areas_without_a_postcode_are_refused(files) -> None:
    files.write("places.geojson", collection([feature(BUURTEN[0])]))
    assert "feature 1 has no postcode" in files.refused()


def test_no_refusal_repeats_a_postcode_or_a_house_number(files) -> None:
    files.write("register.csv", register([(postcode(0), 12345, BUURTEN[0]), (postcode(0), 12345, BUURTEN[1])]))
    said = files.refused()
    assert postcode(0) not in said
    assert "12345" not in said


def test_degrees_become_the_same_ground_as_rd_within_a_metre(files, tmp_path) -> None:
    other = Files(tmp_path / "degrees")
    other.write("boundaries.geojson", turned_into_degrees())
    rows = [(p, n, s, *TO_DEGREES.transform(x, y)) for p, n, s, x, y in spots(addresses())]
    other.write("places.csv", extract(rows))
    files.write("places.csv", extract(spots(addresses())))
    assert files.run().exit_code == other.run().exit_code == 0
    assert files.clusters() == other.clusters()
    for one, two in zip(files.geojson()["features"], other.geojson()["features"], strict=True):
        assert shape(one["geometry"]).hausdorff_distance(shape(two["geometry"])) < 1


def test_coordinates_are_told_apart_by_what_the_file_says_and_by_range() -> None:
    assert reference_of(None, (WEST, SOUTH, WEST + SIDE, SOUTH + SIDE), "f") is Reference.RD
    assert reference_of(RD, (WEST, SOUTH, WEST + SIDE, SOUTH + SIDE), "f") is Reference.RD
    assert (
        reference_of(
            {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}, (4.0, 51.0, 5.0, 52.0), "f"
        )
        is Reference.WGS84
    )
    with pytest.raises(SettingsWrong, match="not in the Netherlands"):
        reference_of(None, (4.0, 51.0, WEST, SOUTH), "f")


def test_the_tower_at_amersfoort_is_the_origin_of_rd() -> None:
    """RD's own definition: 155000, 463000 is 52.15517 N, 5.38721 E (Kadaster)."""
    tower = to_rd(shape({"type": "Point", "coordinates": [5.38720621, 52.15517440]}))
    assert (tower.x, tower.y) == pytest.approx((155_000, 463_000), abs=1)


def test_a_ring_that_crosses_itself_is_mended(files) -> None:
    bow = ring((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (WEST + SIDE, SOUTH), (WEST, SOUTH + SIDE), (WEST, SOUTH))
    files.write("boundaries.geojson", with_geometry(bow))
    files.write("register.csv", register(addresses({BUURTEN[0]: 3})))
    assert files.run().exit_code == 0
    drawn = next(f for f in files.geojson()["features"] if f["properties"]["level"] == "buurt")
    assert shape(drawn["geometry"]).is_valid
    assert shape(drawn["geometry"]).area == pytest.approx(SIDE * SIDE / 2, rel=0.01)
