"""Micro records on a real PostgreSQL: every live one in every round, as it is then, and taken away in the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest

from schemas.care import CARE_TYPE_BY_CODE
from schemas.frames import ALWAYS
from schemas.placements import own_household
from schemas.values import Month, day_number
from streams.household_records import RecordRules
from tests.integration.records_in_postgres import AREA, LAST, START, Records, cards, cents, plain
from tests.unit.ledger_builders import a_ledger_row, sixteen

ANNE, BRAM, HANDLE, BRAMS = sixteen("Anne"), sixteen("Bram"), bytes(range(16)), bytes(range(16, 32))
MARCH, THE_TWELFTH = day_number(dt.date(2025, 3, 1)), day_number(dt.date(2025, 6, 12))
HOME, OTHER_HOME = (ALWAYS, "home", AREA), (ALWAYS, "another home", AREA)
GGZ, YOUTH_CARE = CARE_TYPE_BY_CODE["zvw-ggz"].id, CARE_TYPE_BY_CODE["jw-45"].id


@pytest.fixture
def records(fresh_database: Callable[[str], str]) -> Iterator[Records]:
    made = Records(fresh_database("projector"))
    made.place(ANNE, HOME, (THE_TWELFTH, "elsewhere", AREA))
    made.deliver(ANNE, at=HOME, from_day=MARCH, cents=700)
    made.give(HANDLE, ANNE)
    yield made
    made.close()


def common(record: dict | None) -> int:
    return cents(cards(record)["common"])


def test_every_live_record_goes_in_every_round_under_a_new_number_and_fresh_keys(records: Records) -> None:
    projector = records.projector()
    (first,), (second,) = records.records(projector), records.records(projector)
    assert (common(first), common(second)) == (700, 700)
    assert second["version"] > first["version"]
    assert {s["ciphertext"] for s in first["sections"]}.isdisjoint(s["ciphertext"] for s in second["sections"])
    records.deliver(ANNE, at=HOME, from_day=MARCH, cents=50)
    assert common(records.records(projector)[0]) == 750


def test_one_projector_at_a_time_sends_and_who_takes_over_knows_what_changed_meanwhile(records: Records) -> None:
    one, other = records.projector(), records.projector()
    first = records.records(one)[0]
    assert records.records(other) == []
    records.execute("UPDATE leases SET until = now() - interval '1 second' WHERE name = 'household records'")
    assert records.records(other)[0]["version"] > first["version"]
    assert records.records(one) == []
    records.deliver(ANNE, at=HOME, from_day=MARCH, cents=50)
    assert common(records.records(other)[0]) == 750
    records.execute("UPDATE leases SET until = now() - interval '1 second' WHERE name = 'household records'")
    assert common(records.records(one)[0]) == 750, "the mark was taken by the other one"


def test_a_record_is_as_the_day_makes_it(records: Records) -> None:
    projector = records.projector()
    assert common(records.records(projector)[0]) == 700
    records.now = START + dt.timedelta(days=2)
    assert common(records.records(projector)[0]) == 0, (
        "Anne moved on the twelfth: the card is of the household she lives in"
    )


def test_a_large_municipality_is_spread_over_ticks_and_each_record_goes_once_a_round(records: Records) -> None:
    for n in range(30):
        records.give(sixteen(f"handle {n}"), ANNE)
    projector = records.projector(RecordRules(tick_seconds=1, bytes_per_second=40_000))
    sent = [records.tick(projector) for _ in range(2 * 5)]
    ticks = 5
    rounds = [[row.key for one in sent[i : i + ticks] for row in one] for i in range(0, 2 * ticks, ticks)]
    assert all(sum(len(r.value or b"") for r in one) <= 40_000 for one in sent)
    assert [len(r) for r in rounds] == [31, 31]
    assert set(rounds[0]) == set(rounds[1])
    assert rounds[0] != rounds[1], "in another order"


def test_while_kafka_is_away_nothing_piles_up(records: Records) -> None:
    projector = records.projector()
    records.tick(projector)
    records.execute("INSERT INTO hop_outbox VALUES (1, 0, 'household.gm9901.v1', 0, '', '', false)")
    assert records.tick(projector) == []
    records.execute("DELETE FROM hop_outbox")
    assert len(records.tick(projector)) == 1


def test_a_mandate_past_its_end_becomes_a_tombstone_that_goes_again_for_thirty_nights(records: Records) -> None:
    projector = records.projector()
    records.now = dt.datetime.combine(LAST, dt.time(23), dt.UTC)
    assert common(records.records(projector)[0]) == 0, "its last day"
    records.now = dt.datetime.combine(LAST, dt.time(1), dt.UTC) + dt.timedelta(days=1)
    assert (records.records(projector), records.records(projector)) == ([None], [])
    nights = [
        records.records(projector) + records.records(projector)
        for records.now in (dt.datetime(2025, 6, 22, 3, tzinfo=dt.UTC) + dt.timedelta(n) for n in range(35))
    ]
    assert nights == [[None]] * 30 + [[]] * 5
    assert {(r.topic, r.key) for r in records.sent} == {("household.gm9901.v1", HANDLE)}


def test_a_withdrawn_mandate_becomes_a_tombstone_and_who_is_unplaced_is_alone(records: Records) -> None:
    projector = records.projector()
    records.execute("DELETE FROM placements")
    assert common(records.records(projector)[0]) == 0
    records.execute("UPDATE bookings SET household = %s", own_household(ANNE))
    records.execute("UPDATE mandates SET marked = true")
    assert common(records.records(projector)[0]) == 700
    records.execute("UPDATE mandates SET given = false, marked = true")
    assert records.records(projector) == [None]


def test_what_the_person_keeps_private_goes_only_into_records_whose_purpose_opens_it(records: Records) -> None:
    youth, own = sixteen("youth"), sixteen("own")
    records.place(ANNE, HOME, born=Month(2010, 5))
    records.give(youth, ANNE, purpose="youth-help")
    records.give(own, ANNE, purpose="own-file")
    records.deliver(ANNE, at=HOME, from_day=MARCH, cents=30, care_type=GGZ)
    records.deliver(ANNE, at=HOME, from_day=MARCH, cents=4, care_type=YOUTH_CARE)
    found = {
        r["handle"]: {name: cents(c) for name, c in cards(r).items()} for r in records.records(records.projector())
    }
    assert found == {
        HANDLE: {"common": 700}, youth: {"common": 700, "youth": 4}, own: {"common": 700, "ggz": 30, "youth": 4},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("born", "private"),
    [(Month(2013, 3), True), (Month(2013, 4), False), (None, True)],
    ids=["twelve", "younger", "unknown"],
)
def test_youth_care_is_private_from_twelve_on_and_where_nobody_knows_the_age(
    records: Records, born: Month | None, private: bool
) -> None:  # fmt: skip
    records.place(ANNE, HOME, born=born)
    records.deliver(ANNE, at=HOME, from_day=MARCH, cents=4, care_type=YOUTH_CARE)
    assert common(records.records(records.projector())[0]) == (700 if private else 704)


def test_two_worlds_that_differ_in_a_hidden_service_give_byte_equal_sections_and_the_same_ticks(
    fresh_database: Callable[[str], str],
) -> None:
    """Anne's mandate shows her household; what Bram there keeps private changes nothing of it, nor what Anne keeps private herself.

    Bram's own mandate shows it to him, and also then no record is longer or comes at another time.
    """
    worlds = []
    for hidden in (False, True):
        world = Records(fresh_database(f"world_{int(hidden)}"))
        for person in (ANNE, BRAM):
            world.place(person, HOME)
            world.deliver(person, at=HOME, from_day=MARCH, cents=700)
        world.give(HANDLE, ANNE)
        world.give(BRAMS, BRAM, purpose="own-file")
        projector, sent = world.projector(seed=1), []
        for step in range(4):
            if hidden and step:
                world.deliver(
                    BRAM, at=HOME, from_day=MARCH - 40 * step, cents=10_000 * step, care_type=GGZ, provider=step
                )
                world.deliver(ANNE, at=HOME, from_day=MARCH + step, cents=1, care_type=GGZ)
                if step == 3:  # more than his section holds
                    many = [a_ledger_row(from_day=MARCH, cents=1, care_type=GGZ, provider=100 + n) for n in range(60)]
                    world.deliver_all(BRAM, many, at=HOME)
            sent.append(
                [(r["handle"], r["version"], plain(r)) for r in world.records(projector) if r and r["handle"] == HANDLE]
            )
        worlds.append((sent, [(r.topic, r.partition, r.key, len(r.value or b"")) for r in world.sent]))
        world.close()
    assert worlds[0] == worlds[1]
    assert cards_of(worlds[0]) == {"common"}


def test_a_household_too_large_for_a_record_shows_its_newest_lines_and_says_how_many_are_left_out(
    records: Records,
) -> None:
    """And no other household waits for it."""
    records.place(BRAM, OTHER_HOME)
    records.deliver(BRAM, at=OTHER_HOME, from_day=MARCH, cents=300)
    records.give(BRAMS, BRAM)
    many = [a_ledger_row(from_day=MARCH - 31 * (n % 3), cents=1, provider=1 + n) for n in range(3_000)]
    records.deliver_all(ANNE, many, at=HOME)
    found = {r["handle"]: r for r in records.records(records.projector()) if r}
    shown = cards(found[HANDLE])["common"]
    assert len(shown["lines"]) + shown["left_out"] == 3_001
    assert shown["left_out"] > 0
    months = [line["last_month"] for line in shown["lines"]]
    assert months.count(max(months)) == 1_001, "all of the newest month"
    assert months.count(min(months)) < 1_000
    assert common(found[BRAMS]) == 300
    assert cards(found[BRAMS])["common"]["left_out"] == 0


def cards_of(world: tuple[list, list]) -> set[str]:
    """Sections of a world that hold anything: those that do have more than padding in them."""
    return {
        name[1]
        for tick in world[0]
        for _, _, opened in tick
        for name, padded in opened.items()
        if padded.strip(b"\x00\x80")
    }


def test_a_new_section_key_is_settled_only_after_a_full_round_under_it_was_acknowledged(records: Records) -> None:
    projector = records.projector()
    records.tick(projector)
    assert records.settled == []
    records.section_key_id = "section-2"
    records.tick(projector)
    assert records.settled == ["section-1"], "the round of before is done; this one went under the new key"
    records.execute(
        "INSERT INTO hop_outbox (source_partition, topic, target_partition, key, final) VALUES (0, 'household.gm9901.v1', 0, '', false)"
    )
    records.tick(projector)
    assert records.settled == ["section-1"], "not while records are on their way"
    records.execute("DELETE FROM hop_outbox")
    records.tick(projector)
    records.tick(projector)
    assert records.settled == ["section-1", "section-2"]
