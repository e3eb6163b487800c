"""Release by the calendar, in PostgreSQL, with a clock that is set: when months are cut and go out, and what may happen between decision and publication."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.closing_commands import waiting_epoch
from projections.release.audit import audit as audits
from projections.release.audit.crew import Crew
from projections.release.calendar import Calendar
from projections.release.chosen_parameters import chosen
from projections.release.history import across
from projections.release.signing import verified_payload
from schemas.errors import Refused, Unavailable
from schemas.sealing import verify_key_of
from schemas.values import Month, day_of
from streams import release_store as store
from streams.release_orders import take_order
from streams.release_replay import Lying, put_back
from tests.contract.broken_off import Steps
from tests.contract.release_world import (
    BY_CALENDAR,
    CLUSTERS,
    FIRST,
    GM,
    KEY,
    MACRO,
    MESO,
    OTHER_KEY,
    World,
    at,
    care_of,
    geography,
    one,
)

pytestmark = pytest.mark.servers
MARCH, EPOCH_OF_MARCH = Month(2026, 3), 2


@pytest.fixture
def world(fresh_database: Callable[[str], str]) -> World:
    """A zone that began in January 2026, with care known in each month."""
    made = World(fresh_database("release"), fresh_database("projector"))
    made.book([row for epoch in range(6) for row in care_of(epoch)])
    return made


def until(world: World, day: str) -> World:
    """Everything up to a day was done on its day."""
    world.now = at(day)
    world.work()
    return world


def test_a_month_is_cut_at_its_midnight_and_goes_out_on_the_fifth_working_day_and_the_quarter_on_the_tenth(
    world: World,
) -> None:
    until(world, "2026-03-10")
    before = len(world.released())
    assert [Month.from_index(r["epoch"]) for r in world.released()][-1] == Month(2026, 2)
    world.now = at("2026-03-31", 21)
    world.work()
    assert world.state()[-1] == (1, "published")
    world.now = at("2026-03-31", 22)  # midnight in Amsterdam, summer time
    world.work()
    assert world.state()[-1] == (EPOCH_OF_MARCH, "decided")
    assert len(world.topics.lying["ledger.v1/0"]) == EPOCH_OF_MARCH + 1

    went_out: dict[str, list[bool]] = {}
    for number in range(1, 25):
        day = f"2026-04-{number:02d}"
        count = len(world.released())
        until(world, day)
        for record in world.released()[count:]:
            assert day_of(record["published_on"]) == dt.date.fromisoformat(day)
            went_out.setdefault(day, []).append(record["awaits_quarter"])
    assert went_out == {"2026-04-09": [True], "2026-04-16": [False]}, (
        "Good Friday and Easter Monday are no working days"
    )
    first, second = world.released()[before:]
    of_march = MARCH.index

    def known(record: dict[str, Any], level: str) -> set[int | None]:
        return {c["known_until"] for c in record["cells"] if c["area_level"] == level and c["service_year"] == 2026}

    assert known(first, "wijk") == known(second, "wijk") == {of_march}
    assert known(first, "buurt") == set(), "no buurt of 2026 was published before its first quarter"
    assert known(second, "buurt") == {of_march}
    assert known(world.released(MESO)[-1], "cluster") == {of_march}
    assert first["ledger_hash"] == second["ledger_hash"] == world.released(MESO)[-1]["ledger_hash"]
    assert [h.faults for h in (world.history(), world.history(MESO))] == [[], []]
    assert across(world.history(), world.history(MESO)) == []


def test_a_month_whose_days_have_passed_goes_out_whole_at_once(world: World) -> None:
    until(world, "2026-05-20")
    of_march = [r for r in world.released() if r["epoch"] == MARCH.index]
    assert [r["awaits_quarter"] for r in of_march] == [False]
    assert [r["version"] for r in world.released()] == list(range(1, 5))


def test_without_the_calendar_nothing_closes_by_itself(fresh_database: Callable[[str], str]) -> None:
    world = World(fresh_database("release"), fresh_database("projector"), calendar=Calendar())
    until(world, "2030-01-01")
    assert (world.state(), world.released()) == ([], [])


def test_an_order_counts_only_if_its_month_was_over_when_it_was_given(world: World) -> None:
    def ordered(epoch: int, month: Month, given: dt.datetime) -> bool:
        with store.connect(world.own) as own:
            order = {"epoch": epoch, "month": month.index}
            return take_order(own, order, int(given.timestamp() * 1000), first_month=FIRST.index)

    with pytest.raises(
        Refused, match="to close 2026-01 was ignored: it was given before the end of that month in Amsterdam"
    ):
        ordered(0, FIRST, at("2026-01-31", 22))
    assert ordered(0, FIRST, at("2026-01-31", 23))
    assert not ordered(0, FIRST, at("2026-02-01")), "closed once"
    with pytest.raises(Refused, match=r"2026-02 \(epoch 1\) is the one to close, and months are closed in their order"):
        ordered(2, FIRST.plus(2), at("2026-05-01"))
    with pytest.raises(Refused, match="2026-02"):
        ordered(1, FIRST.plus(2), at("2026-05-01"))
    with pytest.raises(Refused, match="no calendar has"):
        take_order(None, {"epoch": 1, "month": -5}, 0, first_month=0)  # type: ignore[arg-type]
    assert world.state() == [(0, "ordered")]


# --- killed at any moment ------------------------------------------------------------------------------------------------


ROAD = ("2026-03-01", "2026-03-31", "2026-04-01", "2026-04-09", "2026-04-16")
"""March is decided on the first of April, and goes out on the ninth and the sixteenth."""


def road(world: World) -> None:
    for day in ROAD:
        until(world, day)


def said(world: World) -> dict[str, list[dict[str, Any]]]:
    """All that is out but what names the ledger's offsets, at which a marker may lie twice, and the bytes before a record."""
    return {
        topic: [{n: v for n, v in r.items() if n not in ("ledger_hash", "previous")} for r in world.released(topic)]
        for topic in (MACRO, MESO)
    }  # fmt: skip


def test_killed_at_any_moment_release_publishes_once_and_the_same(fresh_database: Callable[[str], str]) -> None:
    undisturbed = World(fresh_database("release"), fresh_database("projector"))
    undisturbed.book([row for epoch in range(3) for row in care_of(epoch)])
    road(undisturbed)
    expected = said(undisturbed)

    killed = World(fresh_database("release_killed"), undisturbed.books)
    steps, kills = Steps(), 0
    killed.topics.steps = steps
    with steps.watched():
        for day in ROAD:
            at_step = 1
            while steps.broken_off(lambda day=day: until(killed, day), at=at_step):  # type: ignore[misc]
                at_step, kills = at_step + 1, kills + 1
                assert said(killed) == {t: v[: len(killed.released(t))] for t, v in expected.items()}
    assert kills > 20
    assert said(killed) == expected
    assert killed.state() == undisturbed.state()
    assert [h.faults for h in (killed.history(), killed.history(MESO))] == [[], []]
    assert {len(set(v)) for t, v in killed.values().items() if t.startswith("ledger")} == {EPOCH_OF_MARCH + 1}


@pytest.mark.parametrize("size", [2, 4])
def test_log_and_released_bytes_are_the_same_with_workers_at_the_audit(
    world: World, fresh_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    world.book(
        [
            row
            for n, c in enumerate(CLUSTERS)
            for row in one(7 + 100 * n, area=c, cents=3_000_00, care="jw-45", year=2026, epoch=n % 3)
        ]
    )
    until(world, "2026-04-16")
    warned: list[str] = []
    with_workers = World(fresh_database("release_with_workers"), world.books, crew=Crew(size, warned.append))
    asked: list[int] = []
    there = Crew.all

    def counted(crew: Crew, *of: Any) -> list[Any] | None:
        found = there(crew, *of)
        asked.append(len(found or ()))
        return found

    monkeypatch.setattr(audits, "LARGE", 1)
    monkeypatch.setattr(Crew, "all", counted)
    until(with_workers, "2026-04-16")
    assert sum(asked) > 4
    assert warned == []
    assert with_workers.values() == world.values()
    assert decisions(with_workers) == decisions(world)


def decisions(world: World) -> list[Any]:
    """Release's own log."""
    with store.connect(world.own) as own:
        return [store.decisions(own, GM, epoch) for epoch, _ in world.state()]


@pytest.mark.parametrize("came_through", range(2))
def test_a_record_whose_arrival_nobody_heard_of_is_not_sent_again(world: World, came_through: int) -> None:
    until(world, "2026-04-08")
    world.topics.broken = came_through
    with pytest.raises(Unavailable):
        until(world, "2026-04-09")
    until(world, "2026-04-16")
    assert [h.faults for h in (world.history(), world.history(MESO))] == [[], []]
    assert [r["awaits_quarter"] for r in world.released() if r["epoch"] == MARCH.index] == [True, False]


# --- the same again --------------------------------------------------------------------------------------------------------


def test_the_same_ledger_and_log_give_the_same_bytes(world: World, fresh_database: Callable[[str], str]) -> None:
    again = World(fresh_database("release_again"), world.books)
    road(world)
    road(again)
    assert again.values() == world.values()


def test_a_lost_log_is_made_anew_from_the_topics_and_goes_on_with_the_same_bytes(
    world: World, fresh_database: Callable[[str], str]
) -> None:
    keys = [verify_key_of(KEY)]
    for lost_on in ("2026-03-10", "2026-04-10", "2026-04-17"):
        until(world, lost_on)
        again = World(fresh_database(f"release_{lost_on[5:].replace('-', '_')}"), world.books)
        again.topics.lying = {t: list(r) for t, r in world.topics.lying.items()}
        with store.connect(again.own) as own, own.transaction():
            macro, meso = (Lying.of(t, again.topics.since(t, 0), lambda _: keys) for t in (MACRO, MESO))
            put_back(own, {GM: (macro, meso)}, FIRST)
        assert again.state() == world.state()
        until(again, "2026-05-12")
        if lost_on == "2026-04-17":
            until(world, "2026-05-12")
            assert {t: v for t, v in again.values().items() if not t.startswith("ledger")} == {
                t: v for t, v in world.values().items() if not t.startswith("ledger")
            }
        assert [h.faults for h in (again.history(), again.history(MESO))] == [[], []]


# --- between decision and publication ---------------------------------------------------------------------------------------

WIJK, BUURT = "WK990101", "BU99010101"
THIN = [
    row
    for n in range(12)
    for row in one(5_000 + n, area=CLUSTERS[0], care="zvw-overig", cents=1_000_00, epoch=EPOCH_OF_MARCH, year=2026)
]
"""Twelve households in one cluster with care that the funder can't subtract; two of them under a mandate leave too few."""


@pytest.fixture
def waiting(world: World) -> World:
    """March 2026 is decided and waits for its day; in every wijk there is care that the funder can't subtract."""
    world.book(THIN)
    for n, c in enumerate(CLUSTERS[1:]):
        world.book(
            [
                row
                for k in range(30)
                for row in one(
                    6_000 + 100 * n + k, area=c, care="zvw-overig", cents=1_000_00, epoch=EPOCH_OF_MARCH, year=2026
                )
            ]
        )
    return until(world, "2026-04-01")


def mandates(world: World, count: int) -> None:
    world.tell_books(
        "INSERT INTO release_mandated SELECT decode(lpad(to_hex(n), 32, '0'), 'hex') FROM generate_series(5000, 4999 + %s) AS n",
        count,
    )


def decision(world: World, area: str, *, topic: str = MACRO) -> str:
    cell = world.cell(area, topic=topic)
    assert cell is not None
    return str(cell["decision"])


def test_without_new_mandates_all_goes_out_as_decided(waiting: World) -> None:
    until(waiting, "2026-04-20")
    assert decision(waiting, BUURT) == "released"


def test_a_mandate_that_comes_before_a_figure_is_out_counts_in_it(waiting: World) -> None:
    mandates(waiting, 4)
    until(waiting, "2026-04-20")
    assert decision(waiting, f"{BUURT}.01", topic=MESO) == "held"


def test_a_mandate_that_comes_after_the_wijken_are_out_counts_in_the_buurten(waiting: World) -> None:
    until(waiting, "2026-04-09")
    assert decision(waiting, WIJK) == "released"
    mandates(waiting, 4)
    until(waiting, "2026-04-20")
    assert decision(waiting, f"{BUURT}.01", topic=MESO) == "held"
    assert waiting.history().faults == waiting.history(MESO).faults == []


def test_where_wijken_that_are_out_would_be_held_now_nothing_below_them_is_published(waiting: World) -> None:
    until(waiting, "2026-04-09")
    assert decision(waiting, WIJK) == "released"
    mandates(waiting, 1_800)
    until(waiting, "2026-04-20")
    below = [
        c for t in (MACRO, MESO) for c in waiting.released(t)[-1]["cells"] if c["area_level"] in ("buurt", "cluster")
    ]
    assert {c["decision"] for c in below} == {"held"}
    assert decision(waiting, WIJK) == "released", "what is out stays as it is"
    assert waiting.history().faults == waiting.history(MESO).faults == []


def test_what_somebody_has_seen_beforehand_stays_as_it_was_decided(waiting: World) -> None:
    with store.connect(waiting.own) as own:
        assert store.previewed(own, EPOCH_OF_MARCH)
    mandates(waiting, 4)
    until(waiting, "2026-04-20")
    assert decision(waiting, f"{BUURT}.01", topic=MESO) == "released"


def test_the_preview_is_what_readers_get_and_no_more(waiting: World) -> None:
    zone: Any = SimpleNamespace(
        postgres=SimpleNamespace(create_role_database=lambda _: waiting.own),
        folder=SimpleNamespace(settings=lambda: {"first_month": str(FIRST)}),
    )
    seen = {level: waiting_epoch(zone, GM, level=level, now=waiting.now) for level in ("macro", "meso")}
    assert seen["macro"][0] == [dt.date(2026, 4, 9), dt.date(2026, 4, 16)]
    until(waiting, "2026-04-09")
    until(waiting, "2026-04-16")
    for level, topic in (("macro", MACRO), ("meso", MESO)):
        out = waiting.released(topic)[-1]
        beforehand = seen[level][1]
        assert beforehand["cells"] == out["cells"]
        assert {n for n in out if out[n] != beforehand[n]} <= {"version", "previous", "published_on"}
    with pytest.raises(Refused, match="No month waits for its day now"):
        waiting_epoch(zone, GM, level="macro", now=waiting.now)


def test_an_erasure_between_decision_and_publication_changes_no_figure(waiting: World) -> None:
    gone = (5_001).to_bytes(16, "big")
    waiting.tell_books(
        "UPDATE release_contributions SET erased = 1, contributor = %s, household = %s WHERE household = %s",
        b"\xaa" * 16,
        b"\xaa" * 16,
        gone,
    )
    until(waiting, "2026-04-20")
    assert decision(waiting, BUURT) == "released"
    assert waiting.history().faults == []


def test_a_key_that_turns_between_decision_and_publication_signs_what_goes_out_after_it(waiting: World) -> None:
    waiting.key = OTHER_KEY
    until(waiting, "2026-04-20")
    of_march = waiting.topics.lying[MACRO][-1]
    assert verified_payload([verify_key_of(OTHER_KEY)], of_march.value)
    assert waiting.history(MACRO, KEY, OTHER_KEY).faults == []
    assert len(waiting.history(MACRO, KEY).faults) == 1, (
        "who knows the key of before alone sees a record that is not signed by it"
    )


def test_areas_that_change_while_an_epoch_waits_come_after_it(waiting: World) -> None:
    waiting.areas = geography(name="Nieuwe naam")
    until(waiting, "2026-04-20")
    assert [len(waiting.history(t).geographies) for t in (MACRO, MESO)] == [2, 2]
    assert waiting.history().faults == waiting.history(MESO).faults == []
    mandates(waiting, 4)
    until(waiting, "2026-05-20")
    assert waiting.history().faults == []


def test_what_was_given_up_stands_in_every_record(fresh_database: Callable[[str], str]) -> None:
    parameters, given_up = chosen({"one_household_may_be_more_than_half_of_a_figure": 60})
    world = World(fresh_database("release"), fresh_database("projector"), parameters=parameters, given_up=given_up)
    until(world, "2026-02-20")
    assert {tuple(r["given_up"]) for t in (MACRO, MESO) for r in world.released(t)} == {
        ("one_household_may_be_more_than_half_of_a_figure: 60",)
    }
    assert world.history().faults == []


def test_the_calendar_of_the_zone_is_what_it_was_set_to(world: World) -> None:
    world.calendar = Calendar.of(
        {"by": "calendar", "since": "2026-01-01", "month_working_day": 1, "quarter_working_day": 1}
    )
    until(world, "2026-02-02")
    assert len(world.released()) == 1
    assert BY_CALENDAR.month_day(FIRST) == dt.date(2026, 2, 6)
