"""The invented town's ground: people, streets and places beside its shapes, and the command for real municipalities draws it too."""

from __future__ import annotations

import csv
import json
from collections import defaultdict

import pytest
from shapely.geometry import Point, shape
from typer.testing import CliRunner

from deploy.cli import app
from producers.town.files import invent
from producers.town.ground_files import write_ground
from projections.geometry.streets import street_cells_of, whole_streets
from schemas.geography import clusters_of_street
from streams import release_geography


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ground")
    for municipality in invent(seed=1, months=1, addresses=8000).municipalities:
        write_ground(folder / f"GM{municipality.number}", municipality)
    return folder


def rows(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter=";"))


def drawn(town, gemeente: int, out, *more: str):
    own = town / f"GM{gemeente}"
    words = [
        "--boundaries",
        own / "geography.geojson",
        "--register",
        own / "address_register.csv",
        "--places",
        own / "places.csv",
    ]
    words += ["--population", own / "population.csv", "--out", out]
    result = CliRunner().invoke(app, ["municipality", "geometry", f"GM{gemeente}", *map(str, words), *more])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("gemeente", [9901, 9902])
def test_every_buurt_and_wijk_has_numbers_of_people_that_can_be(town, gemeente) -> None:
    datum = release_geography.read(town / f"GM{gemeente}", gemeente, year=1)
    assert datum["year"] == datum["population_year"] == 2025
    upper = [a for a in datum["areas"] if a["level"] != "cluster"]
    assert all(
        a["inhabitants"] >= a["under_18"] + a["aged_75_and_over"] and 0 <= a["households"] <= a["inhabitants"]
        for a in upper
    )
    whole = upper[0]
    assert 1.8 < whole["inhabitants"] / whole["households"] < 2.6
    assert 0.13 < whole["under_18"] / whole["inhabitants"] < 0.25
    assert 0.06 < whole["aged_75_and_over"] / whole["inhabitants"] < 0.15
    wijken = sum(a["inhabitants"] for a in upper if a["level"] == "wijk")
    assert abs(wijken - whole["inhabitants"]) <= 3 * len(upper)
    assert all(a["inhabitants"] is None for a in datum["areas"] if a["level"] == "cluster"), (
        "CBS publishes none by cluster"
    )


@pytest.mark.parametrize("gemeente", [9901, 9902])
def test_clusters_are_called_by_streets_each_name_once_and_some_streets_are_whole_clusters(town, gemeente) -> None:
    datum = release_geography.read(town / f"GM{gemeente}", gemeente, year=1)
    pairs = [(s["name"], s["cluster"]) for s in datum["streets"]]
    clusters = [a for a in datum["areas"] if a["level"] == "cluster"]
    assert {c for _, c in pairs} == {a["code"] for a in clusters}
    assert len({a["name"] for a in clusters}) == len(clusters)
    assert all(any(a["name"].startswith(n) for n, c in pairs if c == a["code"]) for a in clusters)
    assert 0 < len(whole_streets(pairs)) < len({n for n, _ in pairs}) / 2


@pytest.mark.parametrize("gemeente", [9901, 9902])
def test_one_or_two_streets_run_through_two_whole_clusters_of_a_buurt_that_has_more(town, gemeente) -> None:
    datum = release_geography.read(town / f"GM{gemeente}", gemeente, year=1)
    long = street_cells_of(datum)
    assert 1 <= len(long) <= 2
    assert all(name.startswith("Lange ") for name in long.values())
    assert release_geography.streets(datum) == tuple(clusters_of_street(code) for code in sorted(long))


def test_every_address_lies_in_the_shape_of_its_cluster(town) -> None:
    own = town / "GM9901"
    shapes = {
        f["properties"]["code"]: shape(f["geometry"])
        for f in json.loads((own / "geography.geojson").read_text())["features"]
    }
    buurt = {(r["PC6"], r["Huisnummer"]): int(r["Buurt2025"]) for r in rows(own / "address_register.csv")}
    cluster = {(r["PC6"], int(r["Buurt2025"])): int(r["Cluster"]) for r in rows(own / "clusters.csv")}
    for row in rows(own / "places.csv"):
        at = buurt[row["postcode"], row["huisnummer"]]
        code = f"BU{at:08d}.{cluster[row['postcode'], at]:02d}"
        assert shapes[code].distance(Point(float(row["x"]), float(row["y"]))) < 1


def test_the_command_keeps_the_towns_own_clusters_and_draws_as_many_in_an_empty_folder(town, tmp_path) -> None:
    own = town / "GM9902"
    count = len({(r["Buurt2025"], r["Cluster"]) for r in rows(own / "clusters.csv")})
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "clusters.csv").write_bytes((own / "clusters.csv").read_bytes())
    said = drawn(town, 9902, kept, "--yes")
    assert f"Kept as they were: {count} clusters" in said
    assert "went up in" not in said
    assert [(r["PC6"], r["Buurt2025"], r["Cluster"]) for r in rows(kept / "clusters.csv")] == [
        (r["PC6"], r["Buurt2025"], r["Cluster"]) for r in rows(own / "clusters.csv")
    ]
    drawn(town, 9902, tmp_path / "new")
    sizes = defaultdict(list)
    for area in json.loads((tmp_path / "new" / "geography.geojson").read_text())["features"]:
        if area["properties"]["level"] == "cluster":
            sizes[area["properties"]["parent"]].append(area["properties"]["addresses"])
    assert all(len(found) == 1 or min(found) >= 200 for found in sizes.values())
    assert abs(sum(map(len, sizes.values())) - count) <= 0.3 * count
    before, after = (release_geography.read(f, 9902, year=1) for f in (own, tmp_path / "new"))
    assert [(a["code"], a["name"], a["inhabitants"]) for a in before["areas"] if a["level"] == "buurt"] == [
        (a["code"], a["name"], a["inhabitants"]) for a in after["areas"] if a["level"] == "buurt"
    ]
