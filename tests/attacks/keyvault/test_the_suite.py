"""The attacks on the keyvault and the road, each with the tests that make it: the table is held against what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

TESTS = Path(__file__).parents[2]
ATTACKS: Final = {
    "CR-1 flip each byte": (
        "attacks/keyvault/test_flipped_bytes.py::test_no_byte_of_it_can_be_flipped",
        "attacks/keyvault/test_flipped_bytes.py::test_every_schema_with_a_signature_a_seal_or_a_hash_is_in_the_table",
        "unit/test_envelope.py::test_every_flipped_byte_of_an_envelope_is_refused",
        "unit/test_officers_sharing.py::test_any_changed_byte_of_a_sealed_number_is_refused",
        "contract/test_database_backup.py::test_any_change_a_cut_a_longer_file_and_another_key_put_nothing_back",
        "integration/test_road_bad_input.py::test_a_byte_flipped_anywhere_is_a_dead_letter_and_the_good_one_goes_on",
    ),
    "CR-2 swap parts, topics, providers, keys, numbers": (
        "attacks/keyvault/test_swapped_parts.py::test_of_ten_thousand_exchanges_none_is_taken",
        "attacks/keyvault/test_swapped_parts.py::test_an_intake_that_exchanges_contents_is_seen_by_the_ledger",
    ),
    "CR-3 fuzz every parser": (
        "attacks/keyvault/test_fuzz_parsers.py::test_every_door_of_the_vault_is_among_them_with_a_body_that_it_takes",
        "attacks/keyvault/test_fuzz_parsers.py::test_every_reader_reads_its_sample",
        "attacks/keyvault/test_fuzz_parsers.py::test_twenty_thousand_inputs_give_only_our_own_errors",
        "attacks/keyvault/test_fuzz_parsers.py::test_a_million_inputs_give_only_our_own_errors",
    ),
    "CR-4 replay everything": (
        "attacks/keyvault/test_replays.py::test_the_ledgers_records_three_times_leave_the_projector_with_the_same_books",
        "attacks/keyvault/test_replays.py::test_intakes_records_three_times_leave_the_ledger_as_after_once",
        "attacks/keyvault/test_replays.py::test_the_same_things_in_new_envelopes_change_nothing_and_are_told_as_known",
        "attacks/keyvault/test_replays.py::test_mandates_three_times_and_in_any_order_leave_the_newest",
        "attacks/keyvault/test_replays.py::test_a_look_is_a_look_each_time_and_a_line_each_time",
        "attacks/keyvault/test_replays.py::test_a_withdrawal_an_order_an_erasure_and_the_ends_of_keys_three_times_are_one",
        "attacks/keyvault/test_replays.py::test_the_end_of_a_turn_three_times_ends_one_key",
        "attacks/keyvault/test_replays.py::test_evaluations_asked_again_are_counted_again_and_give_the_same",
        "attacks/keyvault/test_replays.py::test_lines_of_the_log_three_times_on_the_topic_are_one_log",
        "attacks/keyvault/test_replays.py::test_entries_of_the_directory_and_changes_of_the_root_three_times_leave_the_newest",
        "attacks/keyvault/test_replays.py::test_household_records_again_leave_the_newest_and_none_comes_back_after_its_mandates_end",
        "attacks/keyvault/test_replays.py::test_releases_again_leave_the_newest",
        "attacks/keyvault/test_replays.py::test_orders_to_close_and_requests_of_municipalities_three_times_are_one",
        "attacks/keyvault/test_replays.py::test_receipts_three_times_end_their_numbers_once",
        "faults/test_order.py::test_doubles_shuffling_and_late_months_change_no_household_and_no_cell",
        "unit/test_officers_naming.py::test_a_replay_changes_nothing",
        "integration/test_road_bad_input.py::test_an_envelope_twice_is_skipped",
        "property/test_hop_properties.py::test_whatever_the_line_loses_all_arrives_in_order_and_receipts_after_the_rest",
    ),
    "CR-5 equivocation": (
        "attacks/keyvault/test_equivocation.py::test_two_envelopes_under_one_number_put_the_sender_on_hold_and_the_first_stays",
        "attacks/keyvault/test_equivocation.py::test_two_outboxes_that_say_different_things_of_one_reference_leave_the_first",
        "attacks/keyvault/test_equivocation.py::test_of_two_entries_or_two_changes_of_the_root_under_one_version_each_keeps_the_first_it_heard",
        "attacks/keyvault/test_equivocation.py::test_two_mandates_under_one_handle_and_two_changes_of_one_revision_leave_the_first",
        "attacks/keyvault/test_equivocation.py::test_two_orders_under_one_id_allow_what_the_first_one_says",
        "attacks/keyvault/test_equivocation.py::test_a_decision_for_two_persons_erases_one_and_two_decisions_on_a_request_are_one",
        "attacks/keyvault/test_equivocation.py::test_two_releases_under_one_version_or_another_topics_are_counted_and_the_first_stays",
        "attacks/keyvault/test_equivocation.py::test_two_geographies_are_told_apart_by_their_municipality",
        "attacks/keyvault/test_equivocation.py::test_two_markers_for_one_epoch_stop_the_projector_with_one_sentence",
        "attacks/keyvault/test_equivocation.py::test_a_log_forked_between_two_readers_shows_as_soon_as_their_heads_meet",
        "attacks/keyvault/test_equivocation.py::test_pseudonyms_under_two_keys_fail_at_the_pinned_one",
        "attacks/keyvault/test_equivocation.py::test_another_key_of_a_person_for_the_ledger_than_for_the_projector_gives_a_letter_and_no_booking",
        "attacks/keyvault/test_equivocation.py::test_another_key_for_a_section_opens_nothing_at_the_reader",
        "attacks/keyvault/test_equivocation.py::test_two_records_of_one_version_are_both_opened_and_the_reader_keeps_the_first",
        "integration/test_road_bad_input.py::test_something_else_under_a_number_puts_the_sender_and_nobody_else_on_hold",
        "unit/test_access_log.py::test_heads_come_from_files_and_two_lines_under_one_number_are_a_fork",
    ),
    "CR-6 expired, revoked, unknown, unsigned keys": (
        "faults/test_other_keys.py::test_a_sender_renews_its_key_and_what_is_appended_with_a_revoked_one_does_not_count",
        "unit/test_roots.py::test_any_two_of_three_sign_and_one_alone_or_the_same_twice_do_not",
        "contract/test_pseudonym_turn.py::test_a_key_the_root_did_not_sign_and_a_proof_for_another_key_change_nothing",
        "unit/test_officers_naming.py::test_officers_who_left_are_refused_at_every_step",
        "unit/test_directory_days.py::test_a_key_whose_last_day_has_passed_is_sealed_to_by_nobody",
        "unit/test_key_register.py::test_after_its_days_the_old_key_is_due_and_destroyed_its_file_is_gone_and_its_entry_ends",
        "faults/test_other_keys.py::test_senders_learn_a_new_key_and_the_old_one_opens_until_it_is_destroyed",
        "integration/test_keyvault_service.py::test_a_foreign_an_expired_and_an_early_certificate_are_refused",
        "integration/test_embedded_kafka.py::test_an_expired_certificate_is_refused",
        "integration/test_ledger_role.py::test_what_was_appended_with_a_revoked_key_is_refused_again_and_what_was_appended_before_is_taken",
        "integration/test_ledger_role.py::test_a_content_under_an_unknown_key_is_refused_whole_with_a_receipt",
    ),
    "CR-7 drop, reorder, cut the log": (
        "unit/test_access_log.py::test_any_line_removed_changed_or_moved_is_found",
        "unit/test_access_log.py::test_a_log_that_was_cut_shows_to_whoever_was_shown_its_end",
        "integration/test_keyvault_process.py::test_a_database_older_than_its_log_on_kafka_stops_it_with_one_sentence",
    ),
    "CR-8 each role with all its keys": (
        "attacks/test_keys_in_hand.py::test_a_holder_opens_what_it_is_granted_and_nothing_else",
        "attacks/test_keys_in_hand.py::test_the_keyvault_with_its_database_would_open_a_written_list_and_may_read_none_of_it",
        "attacks/test_keys_in_hand.py::test_each_kind_of_part_lies_on_the_topics",
        "attacks/keyvault/test_stolen_databases.py::test_what_the_page_says_follows_and_nothing_else",
        "attacks/test_access_matrix.py::test_what_each_principal_can_do_is_exactly_the_table",
    ),
    "CR-9 the municipality against micro": (
        "attacks/test_who_sees_what.py::test_one_municipality_reads_no_byte_of_another",
        "attacks/test_keys_in_hand.py::test_a_holder_opens_what_it_is_granted_and_nothing_else",
    ),
    "CR-10 canaries in every byte": (
        "attacks/test_who_sees_what.py::test_no_byte_of_the_zone_holds_a_bsn_or_a_name",
        "attacks/test_who_sees_what.py::test_the_search_would_find_one",
        "faults/test_canaries.py::test_no_role_holds_what_it_never_sees_before_and_after_an_erasure",
    ),
    "CR-11 stolen databases": (
        "attacks/keyvault/test_stolen_databases.py::test_projector_and_release_know_which_households_are_under_a_mandate_and_no_reader",
        "attacks/keyvault/test_stolen_databases.py::test_rekeyed_shows_in_the_clear_which_sender_named_whom",
        "attacks/keyvault/test_stolen_databases.py::test_intakes_secrets_beside_the_projectors_database_give_amounts_per_address",
        "attacks/keyvault/test_stolen_databases.py::test_what_never_opened_would_have_opened_with_the_right_value",
        "attacks/keyvault/test_stolen_databases.py::test_what_the_page_says_follows_and_nothing_else",
        "attacks/keyvault/test_stolen_databases.py::test_the_page_has_a_row_for_each_database_and_each_two_and_every_word_in_one_place",
        "attacks/keyvault/test_stolen_databases.py::test_each_key_to_turn_has_a_turn",
        "attacks/keyvault/test_stolen_databases.py::test_with_intakes_and_the_keyvaults_secrets_everybody_is_found_by_number",
        "attacks/keyvault/test_stolen_databases.py::test_a_provider_finds_its_own_clients_in_the_ledgers_rows",
        "attacks/keyvault/test_stolen_databases.py::test_of_a_figure_held_back_release_has_no_amount",
        "attacks/test_who_sees_what.py::test_nobody_but_intake_gets_a_pseudonym",
        "integration/test_keyvault_service.py::test_nothing_in_the_database_opens_without_the_wrapping_key",
    ),
    "CR-12 the vault as an oracle": (
        "integration/test_keyvault_service.py::test_the_days_limit_holds_over_restarts_and_many_callers_and_none_is_lost_in_between",
        "unit/test_keyvault_limits.py::test_past_the_limit_nothing_is_given_and_the_try_is_logged_and_counted",
    ),
    "CR-13 sizes and times": (
        "attacks/test_unlinkable_handles.py::test_the_rounds_of_two_worlds_with_other_households_are_the_same",
        "attacks/test_unlinkable_handles.py::test_an_attacker_who_pairs_handles_by_when_they_come_finds_no_more_than_a_guess",
    ),
    "CR-14 kill -9 at each step": (
        "contract/test_pseudonym_turn.py::test_broken_off_at_any_point_it_is_finished_by_the_next_process",
        "contract/test_pseudonym_turn.py::test_broken_off_between_any_two_commits_every_bsn_is_who_it_was",
        "contract/test_rewrap.py::test_broken_off_anywhere_everything_is_as_it_was",
        "contract/test_erasure_broken_off.py::test_an_erasure_broken_off_before_any_command_or_record_ends_as_one_that_was_not",
        "contract/test_year_closed_broken_off.py::test_a_year_that_closes_broken_off_before_any_command_or_record_ends_as_one_that_did_undisturbed",
        "contract/test_section_key_broken_off.py::test_the_section_key_turns_wherever_it_is_broken_off_and_no_live_record_is_shut_for_a_moment",
        "contract/test_handing_on_broken_off.py::test_wherever_handing_on_is_broken_off_a_committee_is_in_force_and_typed_again_it_finishes",
        "faults/test_commands_broken_off.py::test_killed_at_each_step_nothing_is_lost_in_between_and_typed_again_it_is_done",
        "faults/test_other_keys.py::test_the_section_key_turns_though_keyvault_and_projector_are_killed_meanwhile",
        "faults/test_erasure.py::test_a_hundred_erasures_under_kills_leave_the_books_what_the_ledger_says",
        "faults/test_key_turns.py::test_with_kills_and_deliveries_every_test_bsn_is_who_it_was",
    ),
    "CR-15 all links after rotation": (
        "faults/test_key_turns.py::test_with_kills_and_deliveries_every_test_bsn_is_who_it_was",
        "contract/test_pseudonym_turn.py::test_a_hundred_thousand_random_elements_turn_and_every_one_is_right",
    ),
    "CR-16 a withdrawn caseworker": (
        "attacks/keyvault/test_withdrawn_caseworker.py::test_a_withdrawn_caseworker_with_everything_kept_opens_nothing_newer_whatever_is_tried",
        "integration/test_demo.py::test_a_mandate_withdrawn_at_the_vault_closes_at_once_and_leaves_the_topic_by_the_road",
        "integration/test_keyvault_service.py::test_a_withdrawal_at_the_vault_closes_at_once_and_only_its_municipality_can",
    ),
}


def is_there(named: str) -> bool:
    file, _, function = named.partition("::")
    path = TESTS / file
    return (
        path.is_file()
        and re.search(rf"^def {re.escape(function)}\(", path.read_text("utf-8"), re.MULTILINE) is not None
    )


def test_all_sixteen_have_a_row() -> None:
    assert [int(name.split()[0].removeprefix("CR-")) for name in ATTACKS] == list(range(1, 17))
    assert not is_there("unit/test_envelope.py::test_that_is_not_there")


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_attack_names_tests_that_are_there(attack: str) -> None:
    assert ATTACKS[attack]
    assert [t for t in ATTACKS[attack] if not is_there(t)] == []
