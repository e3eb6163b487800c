"""Streets as rows beside buurten and clusters: what is left of a buurt without its street, and a town with one attacked as it is read."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from attackers_truth import Row
from gate_switches import switched
from reading_releases import Released, inside
from releases import AS_IT_IS, Switches, release, released_town
from roles import Read
from small_towns import ADDRESSES, AREAS, CLUSTER, MARCH, a_row, elsewhere, spread
from suite import ATTACKS, the_largest

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


def released(switches: Switches) -> Released:
    areas = AREAS | {"cluster": sorted({*AREAS["cluster"], *CLUSTERS})}
    addresses = ADDRESSES | dict.fromkeys(CLUSTERS, 200)
    return release(
        a_buurt_with_a_street(), areas, addresses, municipality=9901, first=MARCH, months=1, switches=switches,
        streets=(CLUSTERS[:2],),
    )  # fmt: skip


@pytest.mark.parametrize(("switches", "is_found"), [(NO_STREETS, True), (AS_IT_IS, False)])
def test_without_the_sums_of_streets_a_buurt_less_its_street_tells_of_a_few_households(switches, is_found) -> None:
    read = Read.of(released(switches))
    assert ("street" in {f.level for f in read.table.figures}) or not is_found
    broken = [str(b) for t in ATTACKS["SDC-3"](read, the_largest(1)) for b in t.breaks]
    assert bool(broken) == is_found, broken


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
