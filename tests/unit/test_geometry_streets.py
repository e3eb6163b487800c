"""Which streets are whole clusters: no address of another street, known or not, lies in any cluster of theirs."""

from __future__ import annotations

from projections.geometry.names import by_postcodes, by_streets, told_apart
from projections.geometry.places import read_extract
from projections.geometry.streets import (
    UNKNOWN_STREET,
    figures_of_streets,
    most_first,
    street_cells,
    street_pairs,
    streets_of,
    whole_streets,
)


def test_a_street_that_fills_its_clusters_is_whole_and_one_that_shares_a_cluster_is_not() -> None:
    pairs = [
        ("Lange laan", "c1"),
        ("Lange laan", "c2"),
        ("Kerkweg", "c3"),
        ("Plein", "c3"),
        ("Plein", "c4"),
        ("Hof", "c5"),
    ]
    assert whole_streets(pairs) == {"Hof": ["c5"], "Lange laan": ["c1", "c2"]}


def test_one_shared_cluster_of_many_keeps_a_street_from_being_whole() -> None:
    assert whole_streets([("A", "c1"), ("A", "c2"), ("A", "c3"), ("B", "c3")]) == {}


def test_a_streets_figure_is_its_clusters_or_its_buurts_or_its_own_and_none_where_it_lies_in_two_buurten() -> None:
    one, other = "BU99010101", "BU99010102"
    pairs = [
        ("Hof", f"{one}.01"), ("Lange laan", f"{one}.02"), ("Lange laan", f"{one}.04"), ("Kade", f"{one}.03"), ("Plein", f"{one}.03"),
        ("Dijk", f"{other}.01"), ("Dijk", f"{other}.02"), ("Singel", "BU99010103.01"), ("Singel", "BU99010104.01"),
    ]  # fmt: skip
    clusters = {c for _, c in pairs} | {"BU99010103.02"}
    figures = {"Hof": f"{one}.01", "Lange laan": f"{one}.02_04", "Dijk": other}
    assert figures_of_streets(pairs, clusters) == figures
    assert street_cells(pairs, clusters) == {f"{one}.02_04": "Lange laan"}


def test_a_cluster_with_an_address_of_unknown_street_is_no_part_of_a_whole_one() -> None:
    known = {("9000AA", 1): "A", ("9000AB", 1): "B"}
    streets = streets_of([("9000AA", 1), ("9000AB", 1), ("9000AC", 1)], known)
    cluster = {("9000AA", 1): "c1", ("9000AB", 1): "c2", ("9000AC", 1): "c2"}
    pairs = street_pairs(streets, cluster)
    assert (UNKNOWN_STREET, "c2") in pairs
    assert whole_streets(pairs) == {"A": ["c1"]}
    assert whole_streets([("A", "c1"), (UNKNOWN_STREET, "c2")]) == {"A": ["c1"]}, "unknown is no street"


def test_an_address_the_extract_lacks_is_on_the_street_of_its_postcode_where_that_has_one() -> None:
    known = {("9000AA", 1): "A", ("9000AB", 1): "B", ("9000AB", 3): "C"}
    found = streets_of([("9000AA", 9), ("9000AB", 9)], known)
    assert found == {("9000AA", 9): "A", ("9000AB", 9): UNKNOWN_STREET}


def test_streets_of_one_name_in_two_towns_are_two_streets() -> None:
    lines = [
        "postcode;huisnummer;straat;x;y;woonplaats",
        "9000AA;1;Dorpsstraat;;;Oost",
        "9100AA;1;Dorpsstraat;;;West",
        "9100AB;1;Hof;;;West",
    ]
    made = read_extract(lines, "f", [("9000AA", 1), ("9100AA", 1), ("9100AB", 1)])
    assert set(made.streets.values()) == {"Dorpsstraat (Oost)", "Dorpsstraat (West)", "Hof"}


def test_names_say_the_most_of_a_cluster_and_never_the_same_twice() -> None:
    assert most_first(["B", "A", "B", UNKNOWN_STREET, "C"]) == ["B", "A", "C"]
    assert by_streets(["A", "B", "C"]) == "A, B, C"
    assert by_streets(["A", "B", "C", "D"]) == "A, B, C e.o."
    assert by_postcodes(["1A", "1B", "1D"], ["1A", "1B", "1C", "1D", "1E"]) == "1A-1B, 1D"
    names = told_apart({"c1": ("A", "1A-1B"), "c2": ("A", "1C"), "c3": ("", "1D"), "c4": ("B", "1E")})
    assert names == {"c1": "A (1A-1B)", "c2": "A (1C)", "c3": "1D", "c4": "B"}
