"""Where a person counts: each rule one sentence, and that facts may come in any order."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.frames import ALWAYS, OPEN_END, PLACEMENT_ROW, Place
from schemas.placements import own_household
from schemas.secrets import AddressKey
from schemas.values import Address
from streams.address_book import Location
from streams.intake import (
    Dated,
    Link,
    Residence,
    Spot,
    address_hash,
    linked,
    packed,
    secret_spot,
    spot_at,
    timeline,
    unknown_spot,
)
from tests.unit.ledger_builders import sixteen

ANNE, BRAM, COR = sixteen("Anne"), sixteen("Bram"), sixteen("Cor")
GEMEENTE, CLUSTER = 9901, 99_01_01_01_03
REST = GEMEENTE * 1_000_000
JANUARY, MARCH, JUNE = 20_100, 20_160, 20_250
KEY = AddressKey(bytes(range(32)))


def a_spot(name: str, *, place: Place = Place.HOME, person: bytes = ANNE) -> Spot:
    return spot_at(person=person, address=sixteen(name), location=Location(CLUSTER, GEMEENTE, place))


def dated(day: int, name: str) -> Dated:
    return Dated(day, sixteen(name), a_spot(name))


def stay(from_day: int, name: str, until_day: int | None = None) -> Residence:
    return Residence(from_day, until_day, unknown_spot(ANNE) if name == "nowhere" else a_spot(name))


HERE, THERE, YONDER = a_spot("here"), a_spot("there"), a_spot("yonder")


# --- what kind of place ----------------------------------------------------------------------------------------------------


def test_who_live_at_one_home_are_one_household_in_its_cluster() -> None:
    anne, bram = a_spot("here", person=ANNE), a_spot("here", person=BRAM)
    assert anne == bram
    assert (anne.household, anne.contributor, anne.area) == (sixteen("here"), sixteen("here"), CLUSTER)


def test_in_an_institution_each_is_a_household_the_institution_contributes_and_no_cluster_is_named() -> None:
    anne, bram = (a_spot("home", place=Place.INSTITUTION, person=p) for p in (ANNE, BRAM))
    assert (anne.household, bram.household) == (own_household(ANNE), own_household(BRAM))
    assert anne.contributor == bram.contributor == sixteen("home")
    assert anne.area == bram.area == REST


def test_at_a_shared_address_each_is_a_household_in_its_cluster_and_the_address_contributes() -> None:
    anne, bram = (a_spot("house", place=Place.SHARED, person=p) for p in (ANNE, BRAM))
    assert anne.household != bram.household
    assert anne.contributor == bram.contributor == sixteen("house")
    assert anne.area == CLUSTER


def test_at_a_secret_address_each_is_alone_in_the_rest_and_the_address_leaves_no_trace() -> None:
    spot = a_spot("hidden", place=Place.SECRET)
    assert spot == secret_spot(ANNE, GEMEENTE) == a_spot("hidden elsewhere", place=Place.SECRET)
    assert (spot.household, spot.contributor, spot.area) == (own_household(ANNE), own_household(ANNE), REST)
    assert spot.household != secret_spot(BRAM, GEMEENTE).household


def test_an_address_is_the_same_however_it_is_written_and_another_under_another_key() -> None:
    written = [Address.parse(" 1234 ab", "7", "a"), Address("1234AB", 7, "A")]
    assert len({address_hash(KEY, a) for a in written}) == 1
    assert address_hash(AddressKey(bytes(32)), written[0]) != address_hash(KEY, written[0])


# --- dated addresses ---------------------------------------------------------------------------------------------------------


def test_who_nobody_says_anything_of_is_nowhere() -> None:
    assert timeline([], []) == []
    assert packed([]) == b""


def test_the_earliest_dated_address_holds_for_all_time_before() -> None:
    assert timeline([dated(MARCH, "here")], []) == [(ALWAYS, HERE)]


def test_a_dated_address_holds_until_the_next() -> None:
    facts = [dated(JANUARY, "here"), dated(MARCH, "there"), dated(JUNE, "here")]
    assert timeline(facts, []) == [(ALWAYS, HERE), (MARCH, THERE), (JUNE, HERE)]


def test_the_same_address_said_again_later_is_no_news() -> None:
    assert timeline([dated(JANUARY, "here"), dated(MARCH, "here")], []) == [(ALWAYS, HERE)]


def test_of_two_addresses_on_one_day_the_smaller_hash_wins() -> None:
    smaller = min("here", "there", key=sixteen)
    for names in (("here", "there"), ("there", "here")):
        assert timeline([dated(MARCH, n) for n in names], []) == [(ALWAYS, a_spot(smaller))]


# --- residence files -----------------------------------------------------------------------------------------------------------


def test_once_a_residence_file_names_a_person_no_dated_address_places_him() -> None:
    facts = [dated(JANUARY, "here"), dated(JUNE, "yonder")]
    assert timeline(facts, [stay(MARCH, "there")]) == [(MARCH, THERE)]


def test_before_the_first_stay_a_person_is_unplaced() -> None:
    line = timeline([], [stay(MARCH, "here")])
    assert line[0][0] == MARCH


def test_after_the_end_of_the_last_stay_a_person_is_unplaced() -> None:
    line = timeline([dated(JUNE, "yonder")], [stay(JANUARY, "here", MARCH)])
    assert line == [(JANUARY, HERE), (MARCH + 1, None)]


def test_a_stay_lasts_until_the_next_begins() -> None:
    line = timeline([], [stay(JANUARY, "here", MARCH - 1), stay(MARCH, "there")])
    assert line == [(JANUARY, HERE), (MARCH, THERE)]


@pytest.mark.parametrize("ends", [(None, JUNE), (JUNE, None), (MARCH + 1, JUNE), (None, None)])
def test_of_two_stays_from_one_day_one_counts_whatever_order_they_came_in(ends) -> None:
    """As when two municipalities name the person who moved between them."""
    stays = [stay(MARCH, "here", ends[0]), stay(MARCH, "there", ends[1])]
    line = timeline([], stays)
    assert line == timeline([], stays[::-1])
    assert line[0] == (MARCH, min(HERE, THERE))


def test_the_same_stay_named_twice_lasts_as_long_as_the_longer() -> None:
    stays = [stay(MARCH, "here", JUNE), stay(MARCH, "here")]
    assert timeline([], stays) == timeline([], stays[::-1]) == [(MARCH, HERE)]


def test_a_stay_that_ends_before_it_begins_is_none() -> None:
    assert timeline([], [stay(MARCH, "there", JANUARY), stay(JANUARY, "here")]) == [(JANUARY, HERE)]
    assert timeline([], [stay(JUNE, "there", MARCH)]) == []


def test_an_end_beyond_all_days_is_no_end() -> None:
    line = timeline([], [stay(MARCH, "here", OPEN_END)])
    assert line == [(MARCH, HERE)]
    assert linked([], [Link(BRAM, JANUARY, OPEN_END)], {BRAM: line}) == [(MARCH, HERE)]
    assert len(packed(line)) == PLACEMENT_ROW.itemsize


# --- links ---------------------------------------------------------------------------------------------------------------------


def test_from_the_links_day_a_person_counts_where_the_other_does_also_when_the_other_moves() -> None:
    others = {BRAM: [(ALWAYS, THERE), (JUNE, YONDER)]}
    line = linked([(ALWAYS, HERE)], [Link(BRAM, MARCH, None)], others)
    assert line == [(ALWAYS, HERE), (MARCH, THERE), (JUNE, YONDER)]


def test_after_the_links_last_day_a_person_counts_at_home_again() -> None:
    own = [(ALWAYS, HERE), (JUNE - 1, YONDER)]
    line = linked(own, [Link(BRAM, MARCH, JUNE)], {BRAM: [(ALWAYS, THERE)]})
    assert line == [(ALWAYS, HERE), (MARCH, THERE), (JUNE + 1, YONDER)]


def test_a_link_to_someone_unplaced_leaves_a_person_at_home_until_the_other_has_a_place() -> None:
    line = linked([(ALWAYS, HERE)], [Link(BRAM, MARCH, None)], {BRAM: [(JUNE, THERE)]})
    assert line == [(ALWAYS, HERE), (JUNE, THERE)]
    assert linked([(ALWAYS, HERE)], [Link(COR, MARCH, None)], {}) == [(ALWAYS, HERE)]


def test_someone_without_a_place_gets_one_by_a_link() -> None:
    assert linked([], [Link(BRAM, MARCH, JUNE)], {BRAM: [(ALWAYS, THERE)]}) == [(MARCH, THERE), (JUNE + 1, None)]


def test_of_two_links_the_later_begun_counts_and_after_it_the_earlier_again() -> None:
    links = [Link(BRAM, JANUARY, None), Link(COR, MARCH, JUNE)]
    others = {BRAM: [(ALWAYS, THERE)], COR: [(ALWAYS, YONDER)]}
    expected = [(ALWAYS, HERE), (JANUARY, THERE), (MARCH, YONDER), (JUNE + 1, THERE)]
    assert linked([(ALWAYS, HERE)], links, others) == linked([(ALWAYS, HERE)], links[::-1], others) == expected


def test_a_link_that_ends_before_it_begins_is_none() -> None:
    assert linked([(ALWAYS, HERE)], [Link(BRAM, JUNE, MARCH)], {BRAM: [(ALWAYS, THERE)]}) == [(ALWAYS, HERE)]


# --- in any order --------------------------------------------------------------------------------------------------------------

a_day = st.sampled_from((JANUARY, MARCH, JUNE))
a_name = st.sampled_from(("here", "there", "yonder"))
an_end = st.none() | st.integers(JANUARY - 2, JUNE + 40)
some_dated = st.lists(st.builds(dated, a_day, a_name), max_size=4)
some_stays = st.lists(st.builds(stay, a_day, a_name | st.just("nowhere"), an_end), max_size=4)
some_links = st.lists(st.builds(Link, st.sampled_from((BRAM, COR)), a_day, an_end), max_size=3)


def where(day: int, facts: list[Dated], stays: list[Residence]) -> Spot | None:
    """The rules a second time, for one day."""
    stays = [s for s in stays if s.until_day is None or s.until_day >= s.from_day]
    if stays:
        begun = [s for s in stays if s.from_day <= day]
        if not begun:
            return None
        first = max(s.from_day for s in begun)
        spot = min((s.spot for s in begun if s.from_day == first), key=lambda spot: (spot.area == 0, spot))
        ends = [s.until_day for s in begun if s.from_day == first and s.spot == spot]
        over = first == max(s.from_day for s in stays) and None not in ends and max(ends) < day
        return None if over or spot.area == 0 else spot
    if not facts:
        return None
    first = max((d.day for d in facts if d.day <= day), default=min(d.day for d in facts))
    return min((d.address, d.spot) for d in facts if d.day == first)[1]


@settings(max_examples=150, deadline=None)
@given(some_dated, some_stays, some_dated, some_stays, some_links, st.integers(0, 1000))
def test_the_order_of_facts_never_matters_and_every_day_has_the_place_the_rules_say(
    facts, stays, others_facts, others_stays, links, seed
) -> None:
    def laid(shuffle) -> list:
        others = {BRAM: timeline(shuffle(others_facts), shuffle(others_stays)), COR: timeline(shuffle(facts), [])}
        return linked(timeline(shuffle(facts), shuffle(stays)), shuffle(links), others)

    rng = random.Random(seed)
    line = laid(list)
    assert laid(lambda found: rng.sample(found, len(found))) == line
    assert [d for d, _ in line] == sorted({d for d, _ in line})
    assert all(before != after for (_, before), (_, after) in itertools.pairwise(line))
    for day in (ALWAYS, *range(JANUARY - 3, JUNE + 45, 3), JANUARY, MARCH, JUNE, *(k.until_day or 0 for k in links)):
        expected = where(day, facts, stays)
        for link in sorted(links, key=lambda k: (k.from_day, k.to_person)):
            other = where(day, others_facts, others_stays) if link.to_person == BRAM else where(day, facts, [])
            if link.from_day <= day and (link.until_day is None or day <= link.until_day):
                expected = other or expected
        assert next((spot for d, spot in reversed(line) if d <= day), None) == expected


# --- packed ------------------------------------------------------------------------------


def test_packed_placements_say_day_household_contributor_area_and_kind_and_unplaced_is_area_nought() -> None:
    rows = np.frombuffer(packed([(ALWAYS, HERE), (MARCH, None)]), PLACEMENT_ROW)
    assert rows["from_day"].tolist() == [ALWAYS, MARCH]
    assert rows["area"].tolist() == [CLUSTER, 0]
    assert (rows[0]["household"].tobytes(), rows[0]["contributor"].tobytes()) == (HERE.household, HERE.contributor)
    assert rows[0]["place"] == Place.HOME
