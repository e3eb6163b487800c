"""Each rule of the gate on the smallest world that passes and the nearest one that must not."""

from __future__ import annotations

import numpy as np
import pytest
from release_builders import REST, a_contribution, cell, decided

from projections.release.rounding import rounded_euros, rounded_households
from projections.release.rules import Parameters

P = Parameters()


def reason(contributions, *, of=None, **more) -> str:
    return decided(contributions, **more)[of or cell()].reason


def spread(amounts: list[int], **fields) -> list[tuple]:
    """One household per amount (euros), each amount paid by three providers in equal parts: SAFE_PROV follows SAFE."""
    return [
        a_contribution(i + 1, cents=euros * 100, provider=99_000_001 + p, **fields)
        for i, euros in enumerate(amounts)
        for p in range(3)
    ]


def test_ten_equal_households_are_safe_and_nine_are_not() -> None:
    assert reason(spread([100] * 10)) == ""
    assert reason(spread([100] * 9)) == "safe"


def test_the_largest_may_be_half_and_not_more() -> None:
    assert reason(spread([900] + [100] * 9)) == ""
    assert reason(spread([901] + [100] * 9)) == "safe"


def test_the_two_largest_may_be_three_quarters_and_not_more() -> None:
    assert reason(spread([200, 160] + [15] * 8)) == ""
    assert reason(spread([201, 160] + [15] * 8)) == "safe"


def test_households_whose_amounts_cancel_do_not_count() -> None:
    ninth_cancelled = spread([100] * 10) + [
        a_contribution(10, cents=-100_00, provider=99_000_001 + p) for p in range(3)
    ]
    assert reason(ninth_cancelled) == "safe"


def test_negative_amounts_count_by_their_size() -> None:
    assert reason(spread([100] * 5 + [-100] * 5)) == ""
    assert reason(spread([-901] + [100] * 9)) == "safe"


def test_all_of_one_institution_are_one_contributor() -> None:
    apart = [a_contribution(i, provider=99_000_001 + p, area=9901_01_01_01) for i in range(1, 13) for p in range(3)]
    shared = [
        a_contribution(i, provider=99_000_001 + p, contributor=99 if i > 8 else None)
        for i in range(1, 13)
        for p in range(3)
    ]
    assert reason(apart) == ""
    assert reason(shared) == "safe"


def test_of_secret_addresses_the_six_largest_are_one_contributor() -> None:
    secret = spread([100] * 15, area=REST)
    assert reason(secret, of=cell("GM9901"), areas={"gemeente": [9901]}) == ""
    assert reason(spread([100] * 14, area=REST), of=cell("GM9901")) == "safe"
    assert reason(spread([100] * 6 + [75] * 8 + [1], area=REST), of=cell("GM9901")) == ""
    assert reason(spread([101] * 6 + [75] * 8 + [1], area=REST), of=cell("GM9901")) == "safe"


def test_who_was_erased_adds_nothing_to_n_and_joins_the_largest_other() -> None:
    assert reason(spread([100] * 10) + spread([100], erased=True)[-3:]) == ""
    nine = spread([100] * 9) + [a_contribution(50, provider=99_000_001 + p, erased=True) for p in range(3)]
    assert reason(nine) == "safe"
    gone = [a_contribution(50, cents=240_00, provider=99_000_001 + p, erased=True) for p in range(3)]
    half = spread([660] + [100] * 9)
    assert reason(half) == ""
    assert reason(half + gone) == ""
    assert reason(half + [(*g[:7], g[7] + 1, g[8]) for g in gone]) == "safe"
    assert decided(half + gone)[cell()].households == decided(half)[cell()].households == 10
    assert reason(gone) == "safe", "alone it is nobody's protection"


def test_an_institution_in_the_rest_is_not_joined_with_secret_addresses() -> None:
    institution = [
        a_contribution(50 + i, cents=600_00, area=REST, contributor=99, provider=99_000_001 + i % 3) for i in range(3)
    ]
    secret = [a_contribution(i, area=REST, provider=99_000_001 + p) for i in range(1, 15) for p in range(3)]
    assert reason(institution + secret, of=cell("GM9901")) == ""
    assert reason([(*r[:7], r[7] * 3, r[8]) for r in institution] + secret, of=cell("GM9901")) == "safe"


def test_without_any_one_provider_the_rest_is_safe_too() -> None:
    small = [a_contribution(i, provider=1) for i in range(1, 11)]
    assert reason(small) == ""  # nothing is left without the only provider
    assert reason([*small, *[a_contribution(i, provider=2) for i in range(11, 20)]]) == "safe_prov"
    assert reason([*small, *[a_contribution(i, provider=2) for i in range(11, 21)]]) == ""


def test_a_giant_hidden_behind_a_provider_that_knows_all_others_is_held() -> None:
    known = [a_contribution(i, cents=1000_00, provider=1) for i in range(1, 20)]
    others = [a_contribution(i, cents=10_00, provider=2) for i in range(20, 30)]
    assert reason(known + others) == ""
    assert reason([*known, *others, a_contribution(40, cents=500_00, provider=2)]) == "safe_prov"


def test_a_households_amount_of_two_providers_is_taken_apart() -> None:
    base = [a_contribution(i, provider=p) for i in range(1, 12) for p in (1, 2)]
    assert reason(base) == ""
    heavy = [*base, a_contribution(1, cents=2000_00, provider=1)]
    assert reason(heavy) == "safe"
    lifted = [
        *base,
        *[a_contribution(i, cents=2000_00, provider=1) for i in range(1, 4)],
        a_contribution(1, cents=1500_00, provider=2),
    ]
    assert reason(lifted) == "safe_prov"


def test_what_the_funder_cannot_subtract_is_safe_on_its_own() -> None:
    wmo = spread([100] * 20)
    assert (
        reason(
            wmo
            + [
                a_contribution(i, care="zvw-wijkverpleging", provider=99_000_001 + p)
                for i in range(1, 11)
                for p in range(3)
            ]
        )
        == ""
    )
    assert (
        reason(
            wmo
            + [
                a_contribution(i, care="zvw-wijkverpleging", provider=99_000_001 + p)
                for i in range(1, 10)
                for p in range(3)
            ]
        )
        == "safe_fund"
    )


def test_households_ever_under_a_mandate_do_not_protect_the_others_from_the_funder() -> None:
    world = spread([100] * 10, care="zvw-wijkverpleging")
    assert reason(world) == ""
    assert reason(world, mandated=[3]) == "safe_fund"
    assert reason(world + spread([100] * 11, care="zvw-wijkverpleging")[-3:], mandated=[3]) == ""


def test_care_of_which_the_mandates_show_all_is_held() -> None:
    world = spread([100] * 20) + [
        a_contribution(3, care="zvw-wijkverpleging", provider=99_000_001 + p) for p in range(3)
    ]
    assert reason(world, mandated=[3]) == "safe_fund"


def ggz_world(ggz_euros: int, *, care: str, ggz: str) -> list[tuple]:
    return spread([600] * 12, care=care) + spread([ggz_euros] * 12, care=ggz)


@pytest.mark.parametrize(
    ("care", "ggz"), [("zvw-wijkverpleging", "zvw-ggz"), ("wlz-thuis", "wlz-ggz"), ("jw-45", "jw-52")]
)
def test_forty_percent_of_a_window_with_ggz_is_something_else(care: str, ggz: str) -> None:
    assert reason(ggz_world(900, care=care, ggz=ggz)) == ""
    assert reason(ggz_world(901, care=care, ggz=ggz)) == "ggz"


def test_ggz_is_hidden_inside_the_care_the_funder_cannot_subtract_too() -> None:
    wmo = spread([9000] * 12)
    assert reason(wmo + ggz_world(900, care="zvw-overig", ggz="zvw-ggz")) == ""
    assert reason(wmo + ggz_world(901, care="zvw-overig", ggz="zvw-ggz")) == "ggz"


def test_what_the_mandates_show_of_the_other_care_hides_no_ggz_from_the_funder() -> None:
    shown = [a_contribution(99, cents=4000_00, care="zvw-overig", provider=99_000_001 + p) for p in range(3)]
    world = ggz_world(1200, care="zvw-overig", ggz="zvw-ggz") + shown
    assert reason(world) == ""
    assert reason(world, mandated=[99]) == "ggz"


def test_a_window_in_which_no_household_changed_passes() -> None:
    world = spread([100] * 10)
    published = {cell(): [0, 1]}
    assert reason(world, published=published) == ""


def test_every_difference_with_an_earlier_publication_is_judged() -> None:
    first = spread([100] * 30)
    second = [a_contribution(i, epoch=1, cents=5_00) for i in range(1, 31)]
    one_more = [a_contribution(1, epoch=2, cents=1_00)]
    assert reason(first + second + one_more) == ""
    assert reason(first + second + one_more, published={cell(): [0]}) == ""
    assert reason(first + second + one_more, published={cell(): [0, 1]}) == "safe since 1"


def test_neighbouring_windows_that_are_safe_do_not_hide_a_longer_one_that_is_not() -> None:
    """Sixty households published, all credited, redeclared with one more: each step is safe, first and last differ by one."""
    sixty = spread([100] * 60)
    credited = [(*r[:6], 1, -r[7], 0) for r in sixty]
    again = [(*r[:6], 2, r[7], 0) for r in [*sixty, a_contribution(99)]]
    world = [*sixty, *credited, *again]
    assert reason(world, published={cell(): [0]}) == "safe since 0"
    assert reason(world, published={cell(): [1]}) == ""


def test_a_publication_of_another_year_opens_no_window() -> None:
    world = [*spread([100] * 30), a_contribution(1, epoch=2, cents=100)]
    assert reason(world, published={cell(year=2024): [1]}) == ""


@pytest.mark.parametrize(
    ("cents", "euros"),
    [(0, 0), (49_999, 0), (50_000, 1000), (149_999, 1000), (150_000, 2000), (-50_000, -1000), (-49_999, 0)],
)
def test_euros_are_rounded_to_a_thousand(cents: int, euros: int) -> None:
    assert rounded_euros(cents, P) == euros


@pytest.mark.parametrize(
    ("count", "shown"), [(0, 0), (1, 10), (9, 10), (10, 10), (12, 10), (13, 15), (17, 15), (18, 20)]
)
def test_households_are_rounded_to_five_and_never_below_ten(count: int, shown: int) -> None:
    assert rounded_households(count, P) == shown


def test_the_numbers_of_the_rules_are_those_of_the_publication_standard() -> None:
    assert list(P.as_dict().values()) == [10, 50, 75, 40, 1000, 5, 10]


def test_money_stays_integer_up_to_billions() -> None:
    huge = [(*r[:7], 9_000_000_000_00 + r[7], 0) for r in spread([1] * 12)]
    found = decided(huge)[cell()]
    assert found.released
    assert found.euros == np.int64(12 * 3 * 9_000_000_000)
