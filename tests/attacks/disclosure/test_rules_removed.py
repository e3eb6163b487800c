"""SDC-9: the attacks themselves are tried. Each rule is taken out of the gate in turn, and an attack that is silent otherwise turns red."""

from __future__ import annotations

import numpy as np
import pytest
import reading_releases
from attackers_truth import Flags, Row
from attacks import Attack
from differences import remainders
from gate_switches import (
    NO_COMPLEMENTARY,
    NO_FUNDER,
    NO_GGZ,
    NO_HALF,
    NO_LEAST,
    NO_PROVIDERS,
    NO_REST,
    NO_ROUNDING,
    NO_SIX,
    NO_THREE_QUARTERS,
    NO_WINDOWS,
    switched,
)
from more_attacks import by_the_tariff, ggz_of_areas
from own_rules import OwnRules
from reading_releases import Released
from releases import AS_IT_IS, Switches
from roles import Read, funder, outsider, providers
from small_towns import MARCH, OTHER_WIJK, REST, a_row, elsewhere, small, spread

from schemas.values import Month


def found(attack: Attack, household: str) -> list[str]:
    """The breaks of amounts of one household."""
    return [str(b) for b in attack.run().breaks if f"of {household} " in str(b)]


def knowing(released: Released, households: set[str], *, ggz: bool = False) -> Attack:
    read = Read.of(released)
    return Attack(
        "neighbour", read.table, read.truth.of(households), read.truth.household, read.truth.households, only_ggz=ggz
    )  # fmt: skip


def unsafe(released: Released) -> list[str]:
    """Differences that are not SAFE."""
    read = Read.of(released)
    rules = OwnRules(read.truth)
    return [d.said for d in remainders(read.table) if not rules.is_safe(d.rows(read.table))]


def four_households() -> list[Row]:
    """The target, one with little, and two whose costs the attacker knows."""
    return [
        a_row("T", 49),
        a_row("L", 6, provider=2),
        a_row("A", 25, provider=3),
        a_row("B", 20, provider=4),
        *elsewhere(),
    ]


def test_fewer_than_ten_let_one_who_knows_all_but_two_find_the_third() -> None:
    assert found(knowing(small(four_households(), switches=NO_LEAST), {"A", "B"}), "T")
    assert not found(knowing(small(four_households(), switches=NO_PROVIDERS), {"A", "B"}), "T")


def ggz_of_one(first: str, second: str) -> list[Row]:
    """Of overige zorg alone, 60% is GGZ of one household (its parts under two names), 12% of a neighbour."""
    return [
        a_row(first, 30, care="zvw-ggz", provider=1, contributor=first), a_row(second, 30, care="zvw-ggz", provider=1, contributor=second),
        a_row("N", 12, care="zvw-overig", provider=2),
        *spread("O", 28, count=14, care="zvw-overig", providers=range(31, 41)), *elsewhere(care="zvw-overig"),
    ]  # fmt: skip


def one_ggz() -> list[Row]:
    rows = ggz_of_one("T", "T2")
    return [a_row("T", 60, care="zvw-ggz"), *rows[2:]]


def test_more_than_half_lets_the_neighbour_find_ggz_closer_than_half() -> None:
    assert found(knowing(small(one_ggz(), switches=NO_HALF), {"N"}, ggz=True), "T")
    assert not found(knowing(small(one_ggz()), {"N"}, ggz=True), "T")


def two_giants() -> list[Row]:
    return [a_row("T", 48), a_row("S", 48), *spread("O", 4, count=12, providers=range(2, 5)), *elsewhere()]


def test_more_than_three_quarters_of_two_lets_the_second_find_the_first() -> None:
    assert found(knowing(small(two_giants(), switches=NO_THREE_QUARTERS), {"S"}), "T")
    assert not found(knowing(small(two_giants()), {"S"}), "T")


def one_large_provider() -> list[Row]:
    return [
        a_row("T", 9, provider=2),
        *spread("O", 1, count=2, providers=(3,)),
        *spread("P", 90, count=15),
        *elsewhere(),
    ]


def by_provider(released: Released, agb: str) -> Attack:
    return next(a for a in providers(Read.of(released)) if a.name.endswith(agb))


def test_without_safe_prov_the_large_provider_finds_the_one_it_does_not_serve() -> None:
    assert found(by_provider(small(one_large_provider(), switches=NO_PROVIDERS), "98000001"), "T")
    assert not found(by_provider(small(one_large_provider()), "98000001"), "T")


def one_in_other_care() -> list[Row]:
    """Of the funder's own Wmo 90%, of what it does not pay nearly all one household's."""
    return [
        a_row("T", 9, care="wlz-thuis", provider=2), *spread("O", 1, count=12, care="zvw-overig", providers=range(31, 41)),
        *spread("P", 90, count=20, providers=range(11, 21)), *elsewhere(), *elsewhere(care="zvw-overig"),
    ]  # fmt: skip


def test_without_safe_fund_the_funder_subtracts_its_books_and_finds_the_rest() -> None:
    assert found(funder(Read.of(small(one_in_other_care(), switches=NO_FUNDER))), "T")
    assert not found(funder(Read.of(small(one_in_other_care()))), "T")


def mostly_ggz() -> list[Row]:
    return [
        *spread("G", 90, count=20, care="zvw-ggz", providers=range(11, 21)),
        *spread("O", 10, count=20, care="zvw-overig", providers=range(21, 31)), *elsewhere(care="zvw-overig"),
    ]  # fmt: skip


def test_below_forty_percent_of_other_care_the_ggz_of_an_area_is_read_off() -> None:
    def cluster_found(switches: Switches) -> list[str]:
        read = Read.of(small(mostly_ggz(), switches=switches))
        return [str(b) for b in ggz_of_areas(read, "outsider", read.nothing()).breaks if "cluster" in str(b)]

    assert cluster_found(NO_GGZ)
    assert not cluster_found(AS_IT_IS)


def sixty_redeclared() -> list[Row]:
    """Sixty published, all credited in the next month, declared anew together with one new household in the month after."""
    many = {"count": 60, "providers": range(1, 4)}
    return [
        *spread("O", 50, **many, service="a"), *spread("O", -50, **many, epoch=1, service="a"), *spread("O", 50, **many, epoch=2, service="b"),
        a_row("T", 2, epoch=2), *elsewhere(),
    ]  # fmt: skip


def one_newcomer() -> list[Row]:
    return [*spread("O", 50, count=60, providers=range(1, 11)), a_row("T", 2, epoch=1), *elsewhere()]


def test_without_the_windows_a_newcomer_is_the_difference_of_two_snapshots() -> None:
    first = Month(2025, 1)
    assert found(outsider(Read.of(small(one_newcomer(), months=3, first=first, switches=NO_WINDOWS))), "T")
    assert not found(outsider(Read.of(small(one_newcomer(), months=3, first=first))), "T")


def test_without_the_windows_sixty_redeclared_show_the_new_one_between_the_first_and_the_third_snapshot() -> None:
    first = Month(2025, 1)
    assert unsafe(small(sixty_redeclared(), months=3, first=first, switches=NO_WINDOWS))
    assert not unsafe(small(sixty_redeclared(), months=3, first=first))


def one_unsafe_wijk() -> list[Row]:
    """All but nothing of a wijk is one household's; the rest of the gemeente is safe."""
    return [
        *elsewhere()[40 * 5 :],
        a_row("T", 40, area=OTHER_WIJK),
        *spread("O", 1, count=12, area=OTHER_WIJK, providers=range(2, 12)),
    ]


def test_without_complementary_holds_the_held_wijk_is_what_is_missing_in_the_sum() -> None:
    assert found(outsider(Read.of(small(one_unsafe_wijk(), switches=NO_COMPLEMENTARY))), "T")
    assert not found(outsider(Read.of(small(one_unsafe_wijk()))), "T")


def one_in_the_rest() -> list[Row]:
    return [*elsewhere(), a_row("T", 40, area=REST), *spread("R", 1, count=12, area=REST, providers=range(2, 12))]


def test_a_gemeente_with_the_rest_in_it_gives_the_rest_away(monkeypatch) -> None:
    assert not found(outsider(Read.of(small(one_in_the_rest()))), "T")
    switched = small(one_in_the_rest(), switches=NO_REST)
    monkeypatch.setattr(reading_releases, "REST_ALONE", False)
    assert found(outsider(Read.of(switched)), "T")


def family_in_hiding() -> list[Row]:
    """One family at a secret address: to the zone four persons who live alone."""
    return [
        *(a_row(f"T{n}", 22, area=REST, provider=n + 1) for n in range(4)),
        *spread("R", 12, count=12, area=REST, providers=range(11, 21)), *elsewhere(),
    ]  # fmt: skip


def as_one(released: Released, family: set[str]) -> Attack:
    """The outsider, for whom the members are one target."""
    read = Read.of(released)
    mine: Flags = read.truth.of(family)
    who = np.where(mine, len(read.truth.households), read.truth.household)
    return Attack("outsider", read.table, read.nothing(), who, [*read.truth.households, "FAMILY"])


def test_unless_six_in_the_rest_are_one_a_family_in_hiding_is_found() -> None:
    family = {f"T{n}" for n in range(4)}
    assert found(as_one(small(family_in_hiding(), switches=NO_SIX), family), "FAMILY")
    assert not found(as_one(small(family_in_hiding(), switches=NO_PROVIDERS), family), "FAMILY")


def test_unless_those_erased_join_the_largest_the_neighbour_finds_ggz_of_one_household_of_which_a_part_was_erased() -> (
    None
):
    rows = ggz_of_one("T", "gone")

    def neighbour(erased: frozenset[str]) -> list[str]:
        read = Read.of(small(rows, erased=erased, switches=switched()))
        mine = read.truth.of({"T", "gone"})
        who = np.where(mine, len(read.truth.households), read.truth.household)
        attack = Attack(
            "neighbour", read.table, read.truth.of({"N"}), who, [*read.truth.households, "BOTH"], only_ggz=True
        )
        return found(attack, "BOTH")

    assert neighbour(frozenset())
    assert not neighbour(frozenset({"gone"}))


def by_contract() -> list[Row]:
    """Forty households at EUR 1,000 each piece of work, and one at EUR 700."""
    pieces = [a_row(f"O{n}", 0.1 * (1 + n % 3), provider=11 + n % 10) for n in range(40)]
    return [*pieces, a_row("T", 0.07, provider=11), *elsewhere(40)]


@pytest.mark.parametrize(("switches", "is_found"), [(NO_ROUNDING, True), (AS_IT_IS, False)])
def test_without_rounding_the_one_amount_that_is_no_multiple_of_the_tariff_is_what_is_left_over(
    switches, is_found
) -> None:
    read = Read.of(small(by_contract(), switches=switches))
    cluster = [f for f in read.table.figures if f.level == "cluster" and f.area.endswith("0101.01")]
    assert cluster
    low, high = by_the_tariff(cluster[0].euros, step=1_000, base=read.parameters["euros_base"])
    assert (low > 700 * 0.75 and high < 700 * 1.25) == is_found


def test_the_small_towns_are_released_where_nothing_is_wrong() -> None:
    read = Read.of(small(elsewhere()))
    assert {f.cell for f in read.table.figures} >= {
        ("wijk", "WK990101", "total"),
        ("cluster", "BU99010102.01", "total"),
        ("placed", "GM9901P", "wmo"),
    }
    assert MARCH.month == 3
