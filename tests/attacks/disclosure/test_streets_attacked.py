"""Streets as rows beside buurten and clusters: what is left of a buurt without its street, and a town with one attacked as it is read."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from attackers_truth import Row
from gate_switches import NO_GGZ, switched
from more_attacks import ggz_of_areas
from reading_releases import Released, inside
from releases import AS_IT_IS, Switches, release, released_town
from roles import Read
from small_towns import ADDRESSES, AREAS, CLUSTER, MARCH, a_row, elsewhere, spread
from suite import ATTACKS, the_largest
from usefulness import by_level_and_group

from projections.release.cells import CellId
from projections.release.sums import Tree

STREET = "BU99010101.01_02"
CLUSTERS = tuple(CLUSTER + n for n in range(4))


def _of_clusters_only(tree: Tree, *_: object) -> None:
    """The street is a figure that stands in no sum."""
    tree.number.setdefault(CellId("street", STREET, "total", MARCH.year), CLUSTERS[0])


NO_STREETS = switched(lambda: patch.object(Tree, "_with_streets", _of_clusters_only))


def a_buurt_with_a_street() -> list[Row]:
    """Thirty households in each of the street's two clusters; beside it three in one cluster and four in another, T among them."""
    rows = [*elsewhere()]
    for area, name in zip(CLUSTERS[:2], "AB", strict=True):
        rows += spread(name, 150, count=30, providers=range(11, 16), area=area)
    rows += spread("C", 30, count=3, providers=range(11, 16), area=CLUSTERS[2])
    rows += spread("D", 20, count=4, providers=range(11, 16), area=CLUSTERS[3])
    return [*rows, *(a_row("T", 40 / 5, provider=p, area=CLUSTERS[2]) for p in range(11, 16))]


def a_street_of_ggz() -> list[Row]:
    """Nine tenths of what the street costs is GGZ; in its buurt it is half."""
    rows = [*elsewhere(), *elsewhere(care="zvw-overig")]
    for area, name in zip(CLUSTERS[:2], "AB", strict=True):
        rows += spread(f"{name}g", 90, count=30, care="zvw-ggz", providers=range(11, 16), area=area)
        rows += spread(f"{name}o", 10, count=30, care="zvw-overig", providers=range(11, 16), area=area)
    for area, name in zip(CLUSTERS[2:], "CD", strict=True):
        rows += spread(name, 90, count=30, care="zvw-overig", providers=range(11, 16), area=area)
    return rows


def released(switches: Switches, rows: list[Row] | None = None) -> Released:
    areas = AREAS | {"cluster": sorted({*AREAS["cluster"], *CLUSTERS})}
    addresses = ADDRESSES | dict.fromkeys(CLUSTERS, 200)
    return release(
        a_buurt_with_a_street() if rows is None else rows, areas, addresses, municipality=9901, first=MARCH, months=1, switches=switches,
        streets=(CLUSTERS[:2],),
    )  # fmt: skip


@pytest.mark.parametrize(("switches", "is_found"), [(NO_STREETS, True), (AS_IT_IS, False)])
def test_without_the_sums_of_streets_a_buurt_less_its_street_tells_of_a_few_households(switches, is_found) -> None:
    read = Read.of(released(switches))
    assert ("street" in {f.level for f in read.table.figures}) or not is_found
    broken = [str(b) for t in ATTACKS["SDC-3"](read, the_largest(1)) for b in t.breaks]
    assert bool(broken) == is_found, broken


@pytest.mark.parametrize(("switches", "is_found"), [(NO_GGZ, True), (AS_IT_IS, False)])
def test_without_its_rule_the_ggz_of_a_street_is_bounded_as_that_of_any_other_area(switches, is_found) -> None:
    read = Read.of(released(switches, a_street_of_ggz()))
    assert read.streets == (STREET,)
    broken = {b.of.split()[-1] for b in ggz_of_areas(read, "outsider", read.nothing()).breaks if "street" in b.of}
    assert broken == ({STREET} if is_found else set())


def test_usefulness_tells_of_streets_where_there_are_any(with_a_street) -> None:
    streets = next(u for u in by_level_and_group(with_a_street) if u.level == "street")
    assert streets.cells == len(with_a_street.streets) > 0
    assert streets.of_any_epoch > 0
    assert streets.shown_cents <= streets.true_cents * 1.01


def test_the_code_of_a_street_is_all_an_attacker_needs() -> None:
    assert inside("street", STREET, [*CLUSTERS, 9901_01_02_01, 9901_00_00_00]).tolist() == [True, True, *[False] * 4]


@pytest.mark.parametrize("sdc", ["SDC-1", "SDC-2", "SDC-3"])
def test_no_promise_is_broken_in_a_town_with_a_street(with_a_street, sdc) -> None:
    assert any(f.level == "street" for f in with_a_street.table.figures)
    tallies = list(ATTACKS[sdc](with_a_street, the_largest(1)))
    assert sum(t.attacked for t in tallies) > 100
    assert [str(b) for t in tallies for b in t.breaks] == []


@pytest.fixture(scope="module")
def with_a_street() -> Read:
    return Read.of(released_town("town", seed=5, months=3, addresses=1400))
