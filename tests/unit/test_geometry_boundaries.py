"""Boundaries in each of the makes CBS publishes them in: names of properties of several years, layers apart, water, other municipalities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from geometry_builders import (
    BUURTEN,
    SIDE,
    SOUTH,
    WEST,
    YEAR,
    Files,
    addresses,
    collection,
    extract,
    population,
    register,
    spots,
    square,
)

from projections.geometry.boundaries import Boundaries, read_boundaries
from projections.geometry.geojson_files import read_features
from schemas.errors import SettingsWrong

Properties = Callable[[str, str], dict[str, Any]]
MAKES: dict[str, Properties] = {
    "wijken en buurten": lambda code, name: {
        {"BU": "buurtcode", "WK": "wijkcode", "GM": "gemeentecode"}[code[:2]]: code,
        {"BU": "buurtnaam", "WK": "wijknaam", "GM": "gemeentenaam"}[code[:2]]: name,
        "gemeentecode": "GM9901", "jaar": YEAR, "water": "NEE",
    },
    "gebiedsindelingen": lambda code, name: {"statcode": code, "statnaam": name, "jrstatcode": f"{YEAR}{code}", "rubriek": "x"},
    "shapefile": lambda code, name: {f"{code[:2]}_CODE": code, f"{code[:2]}_NAAM": name, "JAAR": str(YEAR), "H2O": "NEE"},
    "our own": lambda code, name: {"code": code, "name": name, "level": "x"},
}  # fmt: skip


def one(properties: dict[str, Any], nth: int = 0) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": square(WEST + nth * SIDE, SOUTH)}


def layers(make: Properties, **members: Any) -> Boundaries:
    buurten = [one(make(f"BU{b:08d}", f"Buurt {b % 100}"), n) for n, b in enumerate(BUURTEN)]
    above = [one(make("WK990101", "Oost")), one(make("WK990102", "West"), 2), one(make("GM9901", "Lindermonde"))]
    texts = {"buurten.geojson": collection(buurten, **members), "above.geojson": collection(above, **members)}
    return read_boundaries({name: read_features(text, name) for name, text in texts.items()}, 9901, year=None)


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_layers_of_every_make_give_the_same_names_codes_and_year(make) -> None:
    made = layers(make, year=YEAR)
    assert (made.name, made.year) == ("Lindermonde", YEAR)
    assert made.wijken == {990101: "Oost", 990102: "West"}
    assert {b.code: b.name for b in made.buurten.values()} == {f"BU{b:08d}": f"Buurt {b % 100}" for b in BUURTEN}


def test_water_clusters_and_other_municipalities_are_left_out() -> None:
    make = MAKES["wijken en buurten"]
    features = [
        one(make("BU99010101", "Dorp")),
        one(make("BU99010101", "Meer") | {"water": "JA"}, 4),
        one(make("BU12340101", "Elders"), 5),
    ]
    features += [one({"code": "BU99010101.01", "name": "cluster"})]
    made = read_boundaries({"f": read_features(collection(features), "f")}, 9901, year=None)
    assert [b.name for b in made.buurten.values()] == ["Dorp"]
    assert made.wijken == {990101: "Wijk 01"}


def test_of_several_years_in_one_file_the_one_asked_for_is_taken() -> None:
    make = MAKES["wijken en buurten"]
    features = [one(make("BU99010101", f"Dorp {year}") | {"jaar": year}) for year in (2023, 2024)]
    files = {"f": read_features(collection(features), "f")}
    assert read_boundaries(files, 9901, year=2023).buurten[99010101].name == "Dorp 2023"
    with pytest.raises(SettingsWrong, match=r"holds boundaries of 2023, 2024\. Name the year with --year"):
        read_boundaries(files, 9901, year=None)
    with pytest.raises(SettingsWrong, match="no boundaries of 2025, only of 2023, 2024"):
        read_boundaries(files, 9901, year=2025)


def test_tables_with_english_heads_are_read_too(tmp_path) -> None:
    texts = {}
    for lang in ("nl", "en"):
        files = Files(tmp_path / lang)
        places, people = extract(spots(addresses())), population()
        if lang == "en":
            places = places.replace("postcode;huisnummer;straat;x;y", "postcode,number,street,x,y").replace(";", ",")
            people = people.replace(
                "gebied;jaar;inwoners;jonger dan 18;75 en ouder;huishoudens",
                "area,year,inhabitants,under 18,75 and over,households",
            )
            people = people.replace(";", ",")
        files.write("places.csv", places)
        files.write("population.csv", people)
        files.write("register.csv", register(addresses()))
        assert files.run().exit_code == 0
        texts[lang] = (files.out / "geography.geojson").read_text()
    assert texts["nl"] == texts["en"]
