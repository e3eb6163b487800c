"""What release reads of a municipality's geography: areas, numbers of people, streets, and of which years they are."""

from __future__ import annotations

import json

import pytest

from schemas import codec
from schemas.errors import SettingsWrong
from streams import release_geography


def area(code: str, level: str, parent: str | None, **more: object) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": {"code": code, "name": code, "level": level, "parent": parent} | more,
        "geometry": None,
    }


def written(folder, **members: object):
    features = [
        area("GM9901", "gemeente", None, inhabitants=900, households=400), area("WK990101", "wijk", "GM9901"), area("BU99010101", "buurt", "WK990101"),
        area("BU99010101.01", "cluster", "BU99010101", postcodes=["9000SD", "9000SA"]),
    ]  # fmt: skip
    (folder / "geography.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features} | members))
    return folder


def test_years_people_and_streets_are_read_and_travel_as_they_are(tmp_path) -> None:
    streets = [{"name": "Plein", "cluster": "BU99010101.01"}, {"name": "Laan", "cluster": "BU99010101.01"}]
    datum = release_geography.read(written(tmp_path, year=2024, population_year=2023, streets=streets), 9901, year=2025)
    assert (datum["year"], datum["population_year"]) == (2024, 2023)
    assert [s["name"] for s in datum["streets"]] == ["Laan", "Plein"]
    assert (datum["areas"][0]["inhabitants"], datum["areas"][0]["under_18"]) == (900, None)
    assert codec.decode("published_geography", release_geography.encoded(datum)) == datum


def test_a_file_that_says_no_year_is_of_the_year_it_is_read_for_and_has_no_streets(tmp_path) -> None:
    datum = release_geography.read(written(tmp_path), 9901, year=2025)
    assert (datum["year"], datum["population_year"], datum["streets"]) == (2025, None, [])


@pytest.mark.parametrize(
    "members",
    [
        {"population_year": "2024"},
        {"year": "this"},
        {"streets": [{"name": "Laan"}]},
        {"streets": [{"name": "Laan", "cluster": "BU99010101.02"}]},
        {"streets": "Laan"},
        {"features": [area("GM9901", "gemeente", None, inhabitants="many")]},
        {"features": 3},
    ],
)  # fmt: skip
def test_members_of_another_kind_are_refused_with_the_file_named(tmp_path, members) -> None:
    with pytest.raises(SettingsWrong, match=r"geography\.geojson"):
        release_geography.read(written(tmp_path, **members), 9901, year=2025)
