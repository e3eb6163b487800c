"""The fold from ledger to bookings and cards on generated histories: no window, order, move or correction leaves a trace."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.bookings import BOOKING, summed
from projections.household_card import household_card
from schemas.care import CARE_TYPES
from schemas.frames import ALWAYS, Kind
from schemas.geography import gemeente_of
from schemas.values import day_of
from tests.property.books_in_memory import folded
from tests.property.ledger_histories import (
    Closed,
    History,
    Placed,
    a_person,
    a_service,
    expected_books,
    histories,
    partition_of_record,
    some_stays,
    withdrawn,
)

NEWEST = 100
"""A version above those of any history."""
few = settings(max_examples=40, deadline=None)
a_place = st.integers(0, 19)


def at(history: History, index: int, step: object) -> History:
    """The history with one record more."""
    return [*history[:index], (step,), *history[index:]]


def cents_by(frame: np.ndarray, *names: str) -> Counter:
    """Delivered cents per service year, funding group and what is named."""
    found: Counter = Counter()
    for b in frame[frame["kind"] == Kind.DELIVERED]:
        key = (
            day_of(int(b["service_day"])).year,
            CARE_TYPES[int(b["care_type"])].group,
            *(b[n].tobytes() for n in names),
        )
        found[key] += int(b["cents"])
    return Counter({k: v for k, v in found.items() if v})


@few
@given(histories())
def test_an_epochs_bookings_are_what_changed_in_what_stands(history: History) -> None:
    assert folded(history, lambda _: 1).books() == expected_books(history)


@few
@given(histories(), st.lists(st.integers(1, 4), min_size=1))
def test_a_replay_in_one_fold_equals_live_in_any_windows(history: History, sizes: list[int]) -> None:
    live, replay = folded(history, lambda n: sizes[n % len(sizes)]), folded(history)
    assert live.books() == replay.books()
    assert live.placements == replay.placements
    assert live.ends == replay.ends
    assert live.open_epochs == replay.open_epochs


@few
@given(histories(), st.lists(st.integers(1, 4), min_size=1))
def test_how_partitions_take_turns_changes_nothing(history: History, sizes: list[int]) -> None:
    apart = sorted(history, key=partition_of_record)
    assert folded(apart, lambda n: sizes[n % len(sizes)]).books() == folded(history).books()


@few
@given(histories(epochs=False), a_person, some_stays(), a_place, a_place)
def test_a_placement_before_or_after_the_services_gives_the_same_bookings(history, person, stays, early, late) -> None:
    placed = Placed(person, NEWEST, stays)
    one, other = at(history, early, placed), at(history, late, placed)
    assert folded(one, lambda _: 1).books() == folded(other, lambda _: 1).books()


@few
@given(histories(), a_person, some_stays(), a_place, a_place)
def test_a_placement_known_in_a_later_epoch_gives_the_same_totals(history, person, stays, early, late) -> None:
    placed = Placed(person, NEWEST, stays)
    one, other = at(history, early, placed), at(history, late, placed)
    assert folded(one).books(with_epoch=False) == folded(other).books(with_epoch=False)


@few
@given(histories(epochs=False), a_service, a_place, a_place)
def test_a_service_withdrawn_in_its_epoch_leaves_no_row_no_cents_and_no_household(history, service, one, two) -> None:
    said = at(at(history, max(one, two), withdrawn(service)), min(one, two), service)
    with_it, without = folded(said), folded(history)
    assert with_it.books() == without.books()
    assert with_it.ends == without.ends


@few
@given(histories(), a_service, a_place, a_place)
def test_a_service_withdrawn_later_leaves_no_row_no_cents_and_no_household_in_all(history, service, one, two) -> None:
    said = at(at(history, max(one, two), withdrawn(service)), min(one, two), service)
    assert folded(said).books(with_epoch=False) == folded(history).books(with_epoch=False)


@few
@given(histories())
def test_areas_households_and_contributors_sum_to_what_was_delivered_in_every_year_and_group(history: History) -> None:
    frame = folded(history).frame
    rows = np.concatenate([
        np.zeros(0, BOOKING), *(s.row_as_booking() for record in history for s in record if hasattr(s, "cents"))
    ])  # fmt: skip
    delivered = cents_by(rows)
    for name in ("area", "household", "contributor", "provider", "person"):
        sums: Counter = Counter()
        for key, cents in cents_by(frame, name).items():
            sums[key[:2]] += cents
        assert Counter({k: v for k, v in sums.items() if v}) == delivered
    by_payer = cents_by(frame, "payer")
    assert by_payer == cents_by(rows, "payer")


@few
@given(histories())
def test_in_every_epoch_areas_sum_to_households(history: History) -> None:
    frame = summed(folded(history).frame)
    for epoch in np.unique(frame["epoch"]):
        this = frame[frame["epoch"] == epoch]
        pairs = cents_by(this, "area", "household")
        for position, name in ((2, "area"), (3, "household")):
            sums: Counter = Counter()
            for key, cents in pairs.items():
                sums[(*key[:2], key[position])] += cents
            assert Counter({k: v for k, v in sums.items() if v}) == cents_by(this, name)


@few
@given(histories(epochs=False), a_person, some_stays(), some_stays())
def test_moving_and_moving_back_changes_nothing(history, person, home, away) -> None:
    stayed = [*history, (Placed(person, NEWEST, home),)]
    moved = [*stayed, (Placed(person, NEWEST + 1, away),), (Placed(person, NEWEST + 2, home),)]
    assert folded(moved, lambda _: 1).books() == folded(stayed).books()


@few
@given(histories(), a_person, some_stays(), some_stays())
def test_moving_back_after_the_epoch_is_closed_changes_no_total(history, person, home, away) -> None:
    stayed = [*history, (Placed(person, NEWEST, home),)]
    moved = [
        *stayed,
        (Placed(person, NEWEST + 1, away),),
        (Closed(0),),
        (Closed(1),),
        (Placed(person, NEWEST + 2, home),),
    ]
    assert folded(moved).books(with_epoch=False) == folded(stayed).books(with_epoch=False)


@few
@given(histories(epochs=False), st.randoms(use_true_random=False))
def test_the_order_among_different_persons_changes_nothing(history: History, random) -> None:
    steps = [s for record in history for s in record]
    turns = [s.person for s in steps]
    random.shuffle(turns)
    queues = {p: iter([s for s in steps if s.person == p]) for p in set(turns)}
    assert folded([(next(queues[p]),) for p in turns]).books() == folded(history).books()


@few
@given(histories(epochs=False), a_person, some_stays(), some_stays(), a_place)
def test_an_older_version_of_a_placement_changes_nothing(history, person, newest, older, index) -> None:
    known = [(Placed(person, NEWEST, newest),), *history]
    late = at(known, 1 + index, Placed(person, NEWEST - 1, older))
    again = at(late, 1 + index, Placed(person, NEWEST, newest))
    for told in (late, again):
        assert folded(told, lambda _: 1).books() == folded(known).books()


@few
@given(a_service, st.booleans())
def test_someone_without_a_place_counts_alone_in_the_rest_of_who_pays(service, placed_later: bool) -> None:
    history: History = [(service,)]
    if placed_later:
        history.append((Placed(service.person, 1, ((service.day + 1, "home", 99_01_01_01_01),)),))
    (booking,) = summed(folded(history).frame)
    assert (booking["area"], gemeente_of(int(booking["area"]))) == (service.payer * 1_000_000, service.payer)
    assert booking["household"] == booking["contributor"] != booking["person"]


# --- cards ---------------------------------------------------------------------------------------------------------------


def cards(frame: np.ndarray) -> dict[bytes, dict]:
    """The card of every household."""
    return {
        h.tobytes(): household_card(frame[frame["household"] == h], known_on=1, epoch=1)
        for h in np.unique(frame["household"])
    }


@few
@given(histories())
def test_the_lines_of_all_cards_sum_to_what_was_delivered_and_members_are_numbered_from_one(history: History) -> None:
    frame = folded(history).frame
    made = cards(frame)
    for household, card in made.items():
        mine = frame[(frame["household"] == np.void(household)) & (frame["kind"] == Kind.DELIVERED)]
        assert sum(line["cents"] for line in card["lines"]) == mine["cents"].sum()
        assert sum(line["count"] for line in card["lines"]) == mine["count"].sum()
        assert {line["member"] for line in card["lines"]} == set(range(1, card["members"] + 1))


@few
@given(histories(), st.randoms(use_true_random=False))
def test_a_card_is_the_same_in_any_order_and_from_sums_as_from_single_bookings(history: History, random) -> None:
    frame = folded(history).frame
    order = list(range(len(frame)))
    random.shuffle(order)
    shown = {h: card for h, card in cards(frame).items() if card["lines"]}
    assert {h: card for h, card in cards(frame[order]).items() if card["lines"]} == shown
    assert {h: card for h, card in cards(summed(frame, with_epoch=False)).items() if card["lines"]} == shown


@few
@given(histories(), a_service, a_place, a_place)
def test_a_withdrawn_service_leaves_no_trace_on_any_card(history, service, one, two) -> None:
    said = at(at(history, max(one, two), withdrawn(service)), min(one, two), service)
    before, after = cards(folded(history).frame), cards(folded(said).frame)
    nothing = {"known_on": 1, "epoch": 1, "members": 0, "subject": 0, "lines": []}
    for household in before.keys() | after.keys():
        assert after.get(household, nothing) == before.get(household, nothing)


@few
@given(histories(epochs=False, moves=False), a_service)
def test_who_has_moved_away_is_on_the_new_card_and_not_on_the_old(history, service) -> None:
    home, away = ((ALWAYS, "home", 99_01_01_01_01),), ((ALWAYS, "away", 99_01_02_03_04),)
    moved = [
        (Placed(service.person, 1, home),),
        *history,
        (replace(service, cents=5),),
        (Placed(service.person, 2, away),),
    ]
    shown = [card for card in cards(folded(moved).frame).values() if card["lines"]]
    alone = [(Placed(service.person, 1, away),), *history, (replace(service, cents=5),)]
    assert shown == [card for card in cards(folded(alone).frame).values() if card["lines"]]
