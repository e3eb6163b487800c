"""What is said of how concentrated the money is: true, monotone, and never about a band of households that would not pass as a cell."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from release_builders import CLUSTER, OTHER_WIJK, a_contribution, rows

from projections.release import concentration
from projections.release.concentration import POINTS, Concentration, of_year
from projections.release.contributions import Contributions
from projections.release.rules import Parameters

AREAS = {"placed": [9901], "wijk": [990101, 990102]}
P = Parameters()


def said(world: list[tuple], *, all_households: int = 10_000, **more: object) -> dict[str, Concentration]:
    year = Contributions(rows(world), epoch=0, mandated=()).year(2025)
    households = {("placed", 9901): all_households, ("wijk", 990101): all_households, ("wijk", 990102): 0}
    found = of_year(year, 2025, areas=AREAS, households=households, parameters=P, **more)  # type: ignore[arg-type]
    return {c.area: c for c in found}


def falling(count: int = 400, *, first: int = 1, scale: int = 10_000_00) -> list[tuple]:
    """Households whose amounts fall as 1, 1/2, 1/3, ... but for a flat top of forty."""
    return [a_contribution(first + n, cents=scale // max(40, n + 1), provider=99_000_001 + n % 5) for n in range(count)]


def test_it_says_within_which_share_of_all_households_half_of_the_money_goes() -> None:
    world = falling()
    amounts = sorted((w[7] for w in world), reverse=True)
    for everybody in (1_000, 2_000, 4_000, 8_000):
        wanted = next((p for p in POINTS if 2 * sum(amounts[: p * everybody // 100]) >= sum(amounts)), 0)
        assert said(world, all_households=everybody)["GM9901P"].half_within == wanted
    equal = [a_contribution(n, provider=99_000_001 + n % 5) for n in range(1, 401)]
    assert said(equal, all_households=401)["GM9901P"].half_within == 0, (
        "a hundred of them have a quarter: more than 25%"
    )


def test_the_order_of_rows_changes_nothing_and_what_is_negative_on_balance_counts_as_nothing() -> None:
    world = falling()
    owing = [a_contribution(9_000 + n, cents=-5_000_00, provider=99_000_001 + n % 5) for n in range(3)]
    assert said(world) == said(world[::-1])
    assert said(world + owing)["GM9901P"].half_within == said(world)["GM9901P"].half_within


@pytest.mark.parametrize("households", [199, 200])
def test_below_two_hundred_households_in_care_nothing_is_said(households: int) -> None:
    assert bool(said(falling(households))) == (households == 200)


def test_without_the_number_of_all_households_nothing_is_said() -> None:
    assert said(falling(), all_households=0) == {}
    assert said(falling(), all_households=300) == {}, (
        "fewer live there than are in care: the numbers do not belong together"
    )


def test_one_household_with_most_of_the_money_is_in_no_band() -> None:
    world = [*falling(), a_contribution(9_999, cents=9_000_000_00)]
    found = said(world)["GM9901P"]
    assert found.half_within is None
    assert found.curve == ()


def test_each_band_of_the_curve_and_every_union_of_them_would_pass_as_a_cell() -> None:
    world = falling(900)
    found = said(world, all_households=3_000)["GM9901P"]
    assert len(found.curve) > 3
    shares = [share for _, share in found.curve]
    assert shares == sorted(shares)
    amounts = sorted((w[7] for w in world), reverse=True)
    ends = [0, *(percent * 3_000 // 100 for percent, _ in found.curve), len(amounts)]
    for start, end in itertools.combinations(ends, 2):
        band = amounts[start:end]
        assert len(band) >= 10
        assert 2 * band[0] <= sum(band)
        assert 4 * (band[0] + band[1]) <= 3 * sum(band)
    for (_, share), end in zip(found.curve, ends[1:], strict=False):
        assert share == round(100 * sum(amounts[:end]) / sum(amounts))


def test_a_band_of_one_provider_is_joined_with_the_next() -> None:
    world = falling(900)
    whole = said(world, all_households=3_000)["GM9901P"].curve
    top = [(*w[:3], 99_000_009, *w[4:]) if n < 25 else w for n, w in enumerate(world)]
    found = said(top, all_households=3_000)["GM9901P"].curve
    assert whole[0][0] == 1
    assert found[0][0] > 1, "without that provider five are left in the first band"


def test_a_wijk_has_no_curve() -> None:
    assert said(falling())["WK990101"].curve == ()
    assert "WK990102" not in said([*falling(), *falling(first=5_000)]), "its number of households is not known"


def test_households_by_number_of_providers_are_to_five_and_never_below_ten() -> None:
    world, household = [], 1
    for providers, count in ((1, 203), (2, 41), (3, 12), (4, 6), (5, 3)):
        for _ in range(count):
            world += [a_contribution(household, provider=99_000_001 + p) for p in range(providers)]
            household += 1
    assert said(world)["GM9901P"].stacked == (205, 40, 10, None)


def test_a_provider_whose_deliveries_were_all_credited_is_not_counted() -> None:
    world = falling(250)
    credited = [a_contribution(n, cents=c, provider=99_000_777) for n in range(1, 60) for c in (500_00, -500_00)]
    assert said(world + credited)["GM9901P"].stacked == said(world)["GM9901P"].stacked


def test_who_was_erased_is_no_household_and_the_money_stays() -> None:
    world = falling(400)
    gone = [a_contribution(7_000 + n, cents=9_000, erased=True, provider=99_000_001 + n % 5) for n in range(50)]
    assert said(world + gone)["GM9901P"].stacked == said(world)["GM9901P"].stacked
    assert said([*falling(199), *gone]) == {}


def test_random_worlds_say_only_what_is_true() -> None:
    random = np.random.default_rng(5)
    for _ in range(60):
        count = int(random.integers(200, 500))
        amounts = np.sort((random.pareto(1.3, count) * 1_000_00).astype(int) + 1)[::-1]
        world = [a_contribution(n + 1, cents=int(c), provider=99_000_001 + n % 7) for n, c in enumerate(amounts)]
        everybody = int(random.integers(count, 6_000))
        found = said(world, all_households=everybody).get("GM9901P")
        assert found is not None
        if found.half_within:
            assert 2 * amounts[: found.half_within * everybody // 100].sum() >= amounts.sum()
        for percent, share in found.curve:
            true = 100 * amounts[: percent * everybody // 100].sum() / amounts.sum()
            assert abs(share - true) <= 0.5


def test_the_whole_municipality_is_placed_households_only() -> None:
    world = falling(300)
    assert (
        said([*world, *(a_contribution(8_000 + n, area=9901_000000) for n in range(30))])["GM9901P"]
        == said(world)["GM9901P"]
    )
    assert concentration.LEVELS == ("placed", "wijk")
    assert {CLUSTER // 10_000, OTHER_WIJK // 10_000} == set(AREAS["wijk"])
