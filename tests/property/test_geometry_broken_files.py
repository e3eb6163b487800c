"""Files of areas that were cut, changed or mixed up anywhere: read, or refused in a sentence; never anything else."""

from __future__ import annotations

import contextlib
import json

from geometry_builders import (
    BUURTEN,
    YEAR,
    addresses,
    boundaries,
    collection,
    extract,
    feature,
    population,
    register,
    spots,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.geometry.boundaries import read_boundaries
from projections.geometry.freezing import Drawn
from projections.geometry.geojson_files import read_features
from projections.geometry.ground import put_together
from projections.geometry.ground_text import read_drawn
from projections.geometry.places import Places, read_extract, read_postcode_areas
from projections.geometry.population import read_population
from projections.geometry.register import read_register, register_year
from schemas.errors import SettingsWrong

ROWS = addresses(dict.fromkeys(BUURTEN, 2), each=3)
TEXTS = {
    "boundaries": boundaries(), "register": register(ROWS), "population": population(), "places": extract(spots(ROWS)),
    "clusters": "PC6;Buurt2025;Cluster;Getrokken\n9000AA;99010101;1;2025\n9000AB;99010101;2;2025\n",
    "former": "Cluster;Opgegaan in\nBU99010101.03;BU99010101.01\nBU99010101.04;\n",
    "areas": collection([feature(0) | {"properties": {"postcode6": "9000AA"}}]),
}  # fmt: skip
PIECES = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "9" * 30,
        ";",
        ",",
        "\n",
        '"',
        "null",
        "[]",
        "{}",
        "NaN",
        "1e999",
        "\x00",
        "é",
        "BU",
        "[[[",
        "99010101",
        "9000AA",
    ]
)


def all_of_it(texts: dict[str, str]) -> None:
    """As the command reads them, one after the other."""
    lines = {name: text.splitlines(keepends=True) for name, text in texts.items()}
    ground = read_boundaries(
        {"f": read_features(texts["boundaries"], "f")}, 9901, year=register_year(lines["register"], "f")
    )
    made = read_register(lines["register"], "f", 9901, buurten=ground.buurten)
    people = read_population(
        lines["population"],
        "f",
        9901,
        year=YEAR,
        areas={f"BU{b:08d}" for b in ground.buurten} | {"GM9901", "WK990101", "WK990102"},
    )
    before = read_drawn(lines["clusters"], "f", former=lines["former"], former_where="f")
    for places in (
        read_extract(lines["places"], "f", made.addresses),
        read_postcode_areas(read_features(texts["areas"], "f"), "f"),
        Places(),
    ):
        put_together(ground, made, places, population=people, before=before)
    put_together(ground, made, Places(), population=None, before=Drawn())


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(TEXTS)), st.floats(0, 1), st.integers(0, 12), PIECES)
def test_a_file_changed_anywhere_is_read_or_refused_in_a_sentence(name, place, cut, piece) -> None:
    text = TEXTS[name]
    at = int(place * len(text))
    with contextlib.suppress(SettingsWrong):
        all_of_it(TEXTS | {name: text[:at] + piece + text[at + cut :]})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(TEXTS)), st.sampled_from(sorted(TEXTS)))
def test_a_file_in_the_place_of_another_is_read_or_refused(name, other) -> None:
    with contextlib.suppress(SettingsWrong):
        all_of_it(TEXTS | {name: TEXTS[other]})


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3),
        lambda s: st.lists(s, max_size=4) | st.dictionaries(st.text(max_size=3), s, max_size=3),
        max_leaves=12,
    )
)
def test_anything_in_the_place_of_coordinates_or_properties_is_refused_or_read(value) -> None:
    for changed in (
        {"geometry": {"type": "Polygon", "coordinates": value}},
        {"geometry": value},
        {"properties": value},
    ):
        with contextlib.suppress(SettingsWrong):
            read_boundaries(
                {
                    "f": read_features(
                        json.dumps({"type": "FeatureCollection", "features": [feature(BUURTEN[0]) | changed]}), "f"
                    )
                },
                9901,
                year=YEAR,
            )


def test_unchanged_they_are_read() -> None:
    all_of_it(TEXTS)
