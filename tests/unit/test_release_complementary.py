"""Holds that keep held figures from following by subtraction, in worlds small enough to count by hand."""

from __future__ import annotations

import pytest
from release_builders import (
    CLUSTER,
    OTHER_BUURT,
    OTHER_CLUSTER,
    OTHER_WIJK,
    REST,
    a_contribution,
    cell,
    decided,
    held_too,
    some,
)

from projections.release.audit.holds import COMPLEMENTARY
from projections.release.cells import CellId

THIRD_WIJK = 9901_03_01_01
FINEST = (CLUSTER, OTHER_CLUSTER, OTHER_BUURT, OTHER_WIJK, THIRD_WIJK)
AREAS = {
    "gemeente": [9901], "placed": [9901], "wijk": [990101, 990102, 990103], "buurt": sorted({a // 100 for a in FINEST}), "cluster": list(FINEST),
}  # fmt: skip
ADDRESSES = {CLUSTER: 300, OTHER_CLUSTER: 250, OTHER_BUURT: 220, OTHER_WIJK: 400, THIRD_WIJK: 350}
W1, W2, W3, ALL = cell("WK990101"), cell("WK990102"), cell("WK990103"), cell("GM9901P")


def gate(world: list[tuple], **more: object) -> tuple[set[CellId], set[CellId]]:
    """What is released, and what is held so that nothing follows."""
    found = held_too(world, areas=AREAS, addresses=ADDRESSES, **more)  # type: ignore[arg-type]
    return {c for c, d in found.items() if d.released}, {c for c, d in found.items() if d.reason == COMPLEMENTARY}


def a_town(**thin: int) -> list[tuple]:
    """Twenty households in each cluster and three expensive ones, but for the clusters named with so many."""
    out, first = [], 1
    for name, area in (
        ("c1", CLUSTER),
        ("c2", OTHER_CLUSTER),
        ("b2", OTHER_BUURT),
        ("w2", OTHER_WIJK),
        ("w3", THIRD_WIJK),
    ):
        count = thin.get(name, 20)
        out += some(count, first=first, area=area)
        first += 100
    return out


def test_where_everything_passes_nothing_more_is_held() -> None:
    released, held = gate(a_town())
    assert held == set()
    assert {W1, W2, W3, ALL} <= released


def test_beside_one_wijk_that_is_held_the_one_with_the_fewest_addresses_is_held_too_and_the_sum_stays() -> None:
    released, held = gate(a_town(w2=3))
    assert decided(a_town(w2=3), areas=AREAS)[W3].released, "by itself it passes"
    assert W3 in held
    assert {W1, ALL} <= released
    assert W2 not in released


def test_what_two_held_wijken_are_together_passes_the_rules_too_or_a_third_is_held() -> None:
    released, held = gate(a_town(w2=3, w3=4))
    assert W1 in held, "three and four households are seven, which is not enough"
    assert ALL in released


def test_a_held_part_is_taken_off_as_it_was_last_published_whenever_that_was() -> None:
    """A cluster was published in March and its buurt was not; in June three households came there, beside three in the buurt's other cluster."""
    world = [*a_town(c2=3), *some(3, first=900, area=CLUSTER, epoch=4)]
    cluster, buurt = cell("BU99010101.01"), cell("BU99010101")
    assert held_too(world, epoch=5, areas=AREAS, addresses=ADDRESSES)[buurt].released, (
        "26 households, had nothing been published"
    )
    found = held_too(world, epoch=5, published={cluster: [2]}, areas=AREAS, addresses=ADDRESSES)
    assert found[cluster].reason == "safe since 2"
    assert found[buurt].reason == COMPLEMENTARY


def test_a_sum_whose_only_part_is_held_is_held_itself() -> None:
    """Three households came since March, when the cluster was published and the buurt was not."""
    world = [*a_town(), *some(3, first=900, area=OTHER_BUURT, epoch=4)]
    cluster, buurt = cell("BU99010102.01"), cell("BU99010102")
    found = held_too(world, epoch=5, published={cluster: [2]}, areas=AREAS, addresses=ADDRESSES)
    assert found[cluster].reason == "safe since 2"
    assert decided(world, epoch=5, published={cluster: [2]}, areas=AREAS)[buurt].released
    assert found[buurt].reason == COMPLEMENTARY


def test_a_wijk_of_one_buurt_is_published_in_months_in_which_the_buurt_is_not_due() -> None:
    found = held_too(a_town(), epoch=0, areas=AREAS, addresses=ADDRESSES)
    assert found[W2].released
    assert not [c for c in found if c.level == "buurt"]


def test_a_sum_that_is_held_holds_one_of_its_parts_or_it_would_follow() -> None:
    alone = [a_contribution(1, area=CLUSTER, cents=100_000_00), a_contribution(2, area=OTHER_BUURT, cents=100_00)]
    world = [
        *alone,
        *some(30, first=10, area=OTHER_CLUSTER, cents=100_00),
        *some(30, first=100, area=OTHER_WIJK),
        *some(30, first=200, area=THIRD_WIJK),
    ]
    released, _ = gate(world)
    for parent, children in (
        (W1, ("BU99010101", "BU99010102")),
        (cell("BU99010101"), ("BU99010101.01", "BU99010101.02")),
    ):
        if parent not in released:
            assert not all(cell(c) in released for c in children)


def test_a_group_that_is_held_takes_another_group_with_it_in_the_fixed_order() -> None:
    world = [*a_town(), *some(4, first=1, care="jw-45", area=CLUSTER), *some(20, first=1, care="pw-bijstand", area=CLUSTER),
             *some(20, first=1, care="zvw-wijkverpleging", area=CLUSTER)]  # fmt: skip
    released, held = gate(world)
    assert cell("WK990101", "jeugdwet") not in released
    assert cell("WK990101", "participatiewet") in held
    assert {cell("WK990101", "wmo"), cell("WK990101", "overig"), W1} <= released


def test_a_part_published_before_and_held_now_counts_as_held_for_that_window() -> None:
    """A change of three households in one wijk since January does not follow from the sum's change."""
    world = [*a_town(), *some(3, first=900, area=OTHER_WIJK, epoch=1), *some(18, first=950, area=CLUSTER, epoch=1),
             *some(18, first=1000, area=THIRD_WIJK, epoch=1)]  # fmt: skip
    january = {c: [0] for c, d in held_too(world, epoch=0, areas=AREAS, addresses=ADDRESSES).items() if d.released}
    assert {W1, W2, W3, ALL} <= set(january)
    found = held_too(world, epoch=1, published=january, areas=AREAS, addresses=ADDRESSES)
    assert not found[W2].released
    assert found[W2].reason == "safe since 0"
    assert found[W3].reason == COMPLEMENTARY
    assert found[ALL].released
    assert found[W1].released


def test_finer_figures_are_held_before_the_sum_people_look_for() -> None:
    """In the two held wijken all but a few have Wmo, and Wmo is published there: without it the pool is those few."""
    world = [*some(30, area=CLUSTER), *some(40, first=100, area=CLUSTER, care="pw-bijstand"), *some(40, first=100, area=CLUSTER, care="jw-45"),
             *some(40, first=100, area=CLUSTER, care="zvw-wijkverpleging"),
             a_contribution(500, area=OTHER_WIJK, cents=2_400_00, care="pw-bijstand"), *some(20, first=501, area=OTHER_WIJK),
             *some(20, first=600, area=THIRD_WIJK), *some(3, first=600, area=THIRD_WIJK, care="jw-45")]  # fmt: skip
    alone = {c for c, d in decided(world, areas=AREAS).items() if d.released}
    assert {cell("WK990102", "wmo"), cell("WK990103", "wmo")} <= alone
    released, held = gate(world)
    assert {ALL, W1} <= released
    assert not {W2, W3} & released
    assert {cell("WK990102", "wmo"), cell("WK990103", "wmo")} & held


def test_the_rest_of_the_gemeente_stands_in_no_sum_but_of_its_own_groups() -> None:
    released, held = gate([*a_town(), *some(3, first=900, area=REST)])
    assert cell("GM9901") not in released
    assert held == set()
    assert {ALL, W1, W2, W3} <= released


def test_the_order_of_rows_changes_nothing() -> None:
    world = [*a_town(w2=3, c1=4), *some(4, first=1, care="jw-45", area=CLUSTER)]
    assert gate(world) == gate(world[::-1])


@pytest.mark.parametrize("fewest", [OTHER_WIJK, THIRD_WIJK])
def test_what_is_held_follows_from_addresses_and_never_from_amounts(fewest: int) -> None:
    for cents in (100_00, 200_00, 100_000_00):
        world = [*a_town(c1=2, c2=1, b2=1), *some(20, first=700, area=THIRD_WIJK, cents=cents)]
        found = held_too(world, areas=AREAS, addresses=ADDRESSES | {fewest: 210})
        held = {W2, W3} & {c for c, d in found.items() if d.reason == COMPLEMENTARY}
        assert held == {cell(f"WK{fewest // 10_000:06d}")}
