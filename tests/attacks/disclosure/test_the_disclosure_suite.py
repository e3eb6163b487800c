"""The attacks of the contract on disclosure, each with the tests that make it: the table is held against what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

HERE = Path(__file__).parent
WORLDS_TEST = "test_attacks_on_worlds.py::test_no_promise_is_broken"
ATTACKS: Final = {
    "SDC-1 outsider, all snapshots": (WORLDS_TEST, "test_attackers.py::test_what_is_skipped_as_free_no_programme_breaks"),
    "SDC-2 the second largest household": (WORLDS_TEST,),
    "SDC-3 differences": (
        WORLDS_TEST,
        "test_rules_removed.py::test_without_the_windows_sixty_redeclared_show_the_new_one_between_the_first_and_the_third_snapshot",
    ),
    "SDC-4 moves, corrections, late events": (
        WORLDS_TEST,
        "test_attackers.py::test_what_others_withdraw_after_a_figure_was_published_is_told_apart_from_what_a_hold_would_have_kept",
    ),
    "SDC-5 GGZ": (WORLDS_TEST,),
    "SDC-6 each provider, and a sham one": (
        WORLDS_TEST, "test_attacks_on_worlds.py::test_a_provider_that_invents_clients_and_credits_them_learns_nothing_of_others",
    ),
    "SDC-7 the funder": (WORLDS_TEST, "test_rules_removed.py::test_without_safe_fund_the_funder_subtracts_its_books_and_finds_the_rest"),
    "SDC-8 what decisions and bytes say": (
        WORLDS_TEST,
        "test_what_bytes_say.py::test_the_same_records_name_the_same_cells_whoever_is_in_care",
        "test_what_bytes_say.py::test_what_is_held_leaves_no_trace_in_any_byte",
        "test_what_bytes_say.py::test_of_a_held_cell_the_loosest_clause_says_nothing",
        "test_what_bytes_say.py::test_the_rule_itself_says_less_than_the_promise_and_all_together_say_no_more_than_it",
        "test_tuned.py::test_a_figure_flips_where_the_target_with_the_sham_is_half_of_it",
        "test_tuned.py::test_when_it_is_held_the_provider_learns_nothing_since_any_clause_may_have_failed",
        "test_tuned.py::test_when_it_is_released_the_provider_learns_the_excepted_bound_and_nothing_by_programmes",
    ),
    "SDC-9 the tests themselves": (
        "test_rules_removed.py::test_fewer_than_ten_let_one_who_knows_all_but_two_find_the_third",
        "test_rules_removed.py::test_more_than_half_lets_the_neighbour_find_ggz_closer_than_half",
        "test_rules_removed.py::test_more_than_three_quarters_of_two_lets_the_second_find_the_first",
        "test_rules_removed.py::test_without_safe_prov_the_large_provider_finds_the_one_it_does_not_serve",
        "test_rules_removed.py::test_without_safe_fund_the_funder_subtracts_its_books_and_finds_the_rest",
        "test_rules_removed.py::test_below_forty_percent_of_other_care_the_ggz_of_an_area_is_read_off",
        "test_rules_removed.py::test_without_the_windows_a_newcomer_is_the_difference_of_two_snapshots",
        "test_rules_removed.py::test_without_complementary_holds_the_held_wijk_is_what_is_missing_in_the_sum",
        "test_rules_removed.py::test_a_gemeente_with_the_rest_in_it_gives_the_rest_away",
        "test_rules_removed.py::test_unless_six_in_the_rest_are_one_a_family_in_hiding_is_found",
        "test_rules_removed.py::test_unless_those_erased_join_the_largest_the_neighbour_finds_ggz_of_one_household_of_which_a_part_was_erased",
        "test_figures_joined.py::test_unless_the_order_of_households_is_minded_the_curve_tells_what_the_largest_costs",
        "test_closed_wijken.py::test_unless_step_two_is_repeated_a_wijk_that_failed_closed_is_what_is_missing_in_the_sum",
        "test_rules_removed.py::test_without_rounding_the_one_amount_that_is_no_multiple_of_the_tariff_is_what_is_left_over",
    ),
    "SDC-10 caps": (WORLDS_TEST,),
    "SDC-11 residuals": (
        WORLDS_TEST, "test_closed_wijken.py::test_a_wijk_that_failed_closed_is_not_found_from_the_gemeente_and_the_other_wijken",
    ),
    "SDC-12 figures joined": (
        WORLDS_TEST, "test_attackers.py::test_a_number_of_households_stands_for_five",
        "test_figures_joined.py::test_no_curve_of_any_shape_tells_what_one_household_costs",
        "test_tuned.py::test_rounding_hides_the_one_that_is_no_multiple_of_the_tariff_up_to_two_thousand_euros",
    ),
    "SDC-13 two years, two geometries": ("test_attacks_on_worlds.py::test_two_years_with_two_geometries_are_reported",),
}  # fmt: skip


def is_there(named: str) -> bool:
    file, _, function = named.partition("::")
    path = HERE / file
    return (
        path.is_file()
        and re.search(rf"^def {re.escape(function)}\(", path.read_text("utf-8"), re.MULTILINE) is not None
    )


def test_all_thirteen_have_a_row() -> None:
    assert [int(name.split()[0].removeprefix("SDC-")) for name in ATTACKS] == list(range(1, 14))
    assert not is_there("test_rules_removed.py::test_that_is_not_there")


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_attack_names_tests_that_are_there(attack: str) -> None:
    assert ATTACKS[attack]
    assert [t for t in ATTACKS[attack] if not is_there(t)] == []
