"""Which cells there are and when: areas, groups, quarters, the rest, rounding, and nothing of mental health care apart."""

from __future__ import annotations

import pytest
from release_builders import (
    AREAS,
    CLUSTER,
    OTHER_BUURT,
    OTHER_CLUSTER,
    OTHER_WIJK,
    REST,
    a_contribution,
    cell,
    decided,
    some,
)  # fmt: skip

from projections.release.cells import GROUPS, IN_GROUP, LAYERS, PUBLISHED_TYPES
from schemas.care import CARE_TYPES

QUARTERLY = {"buurt", "cluster"}


def world() -> list[tuple]:
    return [
        *some(30, area=CLUSTER), *some(30, first=101, area=OTHER_CLUSTER), *some(30, first=201, area=OTHER_BUURT),
        *some(30, first=301, area=OTHER_WIJK), *some(30, first=401, area=REST),
    ]  # fmt: skip


def test_each_area_is_the_sum_of_its_children_and_the_rest_stands_beside_it() -> None:
    found = decided([(*r[:7], 1000_00, 0) for r in world()])
    shown = {c.area: d.euros for c, d in found.items() if c.group == "total"}
    assert shown["BU99010101.01"] == shown["BU99010101.02"] == 30_000
    assert shown["BU99010101"] == 60_000
    assert shown["WK990101"] == 90_000
    assert shown["GM9901P"] == 120_000
    assert shown["GM9901"] == 30_000


@pytest.mark.parametrize("month", range(1, 13))
def test_buurten_and_clusters_are_decided_in_the_last_month_of_a_quarter(month: int) -> None:
    levels = {c.level for c in decided(world(), month=month)}
    assert levels == {"gemeente", "placed", "wijk"} | (QUARTERLY if month in (3, 6, 9, 12) else set())


def test_finer_care_types_stop_at_the_wijk_and_clusters_have_totals_only() -> None:
    groups: dict[str, set[str]] = {}
    for c in decided(world()):
        groups.setdefault(c.level, set()).add(c.group)
    assert groups["wijk"] == groups["placed"] == groups["gemeente"] == {*GROUPS, *PUBLISHED_TYPES}
    assert groups["buurt"] == set(GROUPS)
    assert groups["cluster"] == {"total"}


def test_mental_health_care_has_no_cell_of_its_own_anywhere() -> None:
    ggz = {i for i, t in CARE_TYPES.items() if t.ggz}
    for layer in LAYERS:
        for group in layer.groups:
            inside = {i for i in CARE_TYPES if IN_GROUP[group][i]}
            assert inside - ggz, f"{group} is mental health care and nothing else"
            assert "ggz" not in group


def test_counts_of_households_stop_at_the_buurt() -> None:
    found = decided(world())
    assert found[cell("BU99010101")].households == 60
    assert found[cell("BU99010101.01")].households is None
    assert found[cell("BU99010101.01")].released


def test_a_household_counts_once_however_many_services_it_has() -> None:
    twice = [*some(30), *some(30, care="wmo-02"), *some(30, care="jw-45")]
    assert decided(twice)[cell("GM9901P")].households == 30


def test_a_household_whose_service_was_withdrawn_is_not_counted() -> None:
    withdrawn = [a_contribution(i, cents=-100_00, epoch=1) for i in range(1, 11)]
    assert decided([*some(40), *withdrawn])[cell()].households == 30


def test_a_held_cell_says_no_figure_and_a_released_one_no_reason() -> None:
    found = decided([*some(5), *some(30, first=101, area=OTHER_CLUSTER)])
    held, released = found[cell("BU99010101.01")], found[cell("BU99010101.02")]
    assert (held.released, held.euros, held.households, held.reason) == (False, None, None, "safe")
    assert (released.released, released.reason) == (True, "")


def test_an_area_without_any_care_is_released_as_nothing() -> None:
    found = decided([], areas=AREAS)
    assert all(d.released and d.euros == 0 for d in found.values())


def test_what_comes_after_the_epoch_changes_nothing() -> None:
    later = [a_contribution(i, epoch=3, cents=900_00) for i in range(1, 31)]
    assert decided(world()) == decided([*world(), *later])


def test_years_are_cells_of_their_own() -> None:
    found = decided([*world(), *some(4, first=501, year=2024)], years=(2024, 2025))
    assert found[cell()].released
    assert found[cell(year=2024)].reason == "safe"


def test_the_order_of_the_rows_changes_nothing() -> None:
    mixed = [*world(), *some(12, care="zvw-ggz"), *some(25, care="zvw-overig"), a_contribution(3, cents=99_999_00)]
    assert decided(mixed) == decided(mixed[::-1])
