"""What happens to figures when the world does not keep to the calendar: each case of docs/release.md with its rule, in release's own database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from projections.release.history import checked
from schemas import topics
from schemas.care import Stream
from schemas.requests import DataRequest
from schemas.sealing import verify_key_of
from schemas.values import Month, SenderId
from streams import release_store as store
from streams.release_replay import Lying, put_back
from tests.contract.release_world import (
    CLUSTERS,
    FIRST,
    GM,
    KEY,
    MACRO,
    MESO,
    World,
    at,
    care_of,
    geography,
    one,
)

pytestmark = pytest.mark.servers
WIJK, OTHER_WIJK = "WK990101", "WK990102"
PLACED = "GM9901P"
GIANT = 77_777


@pytest.fixture
def world(fresh_database: Callable[[str], str]) -> World:
    """January 2026 is out, with one household among the others that has more to come."""
    made = World(fresh_database("release"), fresh_database("projector"))
    made.book(care_of(0))
    made.book(one(GIANT, area=CLUSTERS[0], year=2026, cents=5_000_00))
    return until(made, "2026-02-20")


def until(world: World, day: str) -> World:
    world.now = at(day)
    world.work()
    return world


def figure(
    world: World, area: str, group: str = "wmo", *, topic: str = MACRO, year: int = 2026
) -> tuple[str, int | None, str]:
    """Decision, euros, and the month the value is from."""
    cell = world.cell(area, group, topic=topic, year=year)
    assert cell is not None
    known = cell["known_until"]
    return cell["decision"], cell["euros"], "" if known is None else str(Month.from_index(known))


def whole(world: World) -> None:
    """Nothing that was out was touched."""
    for topic in (MACRO, MESO):
        assert world.history(topic).faults == []


def test_a_late_event_goes_into_the_month_in_which_it_came_and_what_is_out_stays(world: World) -> None:
    before = world.released()[0]
    world.book(care_of(1, cents=400_00))
    until(world, "2026-03-20")
    assert world.released()[0] == before
    january, february = (
        next(c for c in r["cells"] if (c["area"], c["group"], c["service_year"]) == (PLACED, "wmo", 2026))
        for r in world.released()
    )
    assert february["euros"] - january["euros"] == round(18 * len(CLUSTERS) * 400 / 1_000) * 1_000
    whole(world)


def test_a_late_event_of_one_household_alone_holds_the_cell_until_more_comes(world: World) -> None:
    _, euros, _ = figure(world, WIJK)
    world.book(one(GIANT, area=CLUSTERS[0], year=2026, cents=30_000_00, epoch=1))
    until(world, "2026-03-20")
    assert figure(world, WIJK) == ("held", euros, "2026-01"), "the difference would be that one household"
    whole(world)


def test_a_correction_of_one_household_shows_nowhere_by_itself(world: World) -> None:
    _, euros, _ = figure(world, WIJK)
    world.book(one(GIANT, area=CLUSTERS[0], year=2026, cents=-5_000_00, epoch=1))
    world.book(one(GIANT, area=CLUSTERS[0], year=2026, cents=4_000_00, epoch=1))
    until(world, "2026-03-20")
    assert figure(world, WIJK) == ("held", euros, "2026-01")
    whole(world)


def test_a_correction_that_is_taken_back_in_its_month_changes_nothing(world: World) -> None:
    _, euros, _ = figure(world, WIJK)
    world.book(one(GIANT, area=CLUSTERS[0], year=2026, cents=-5_000_00, epoch=1))
    world.book(one(GIANT, area=CLUSTERS[0], year=2026, cents=5_000_00, epoch=1))
    until(world, "2026-03-20")
    assert figure(world, WIJK) == ("released", euros, "2026-02"), "a window in which no household changed passes"


def test_a_move_that_is_known_late_is_seen_in_neither_wijk_and_changes_no_total(world: World) -> None:
    totals = {area: figure(world, area) for area in (WIJK, OTHER_WIJK, PLACED)}
    world.book(one(GIANT, area=CLUSTERS[0], year=2026, cents=-5_000_00, epoch=1))
    world.book(one(GIANT, area=CLUSTERS[-1], year=2026, cents=5_000_00, epoch=1))
    until(world, "2026-03-20")
    for area in (WIJK, OTHER_WIJK):
        assert figure(world, area) == ("held", *totals[area][1:]), area
    assert figure(world, PLACED) == ("released", totals[PLACED][1], "2026-02")
    whole(world)


def test_all_credited_and_declared_again_with_one_household_more_does_not_show_that_one(world: World) -> None:
    _, euros, _ = figure(world, WIJK)
    world.book([(*r[:7], -r[7], r[8]) for r in care_of(1)])
    until(world, "2026-03-20")
    world.book(care_of(2))
    world.book(one(88_888, area=CLUSTERS[0], year=2026, cents=9_000_00, epoch=2))
    until(world, "2026-04-20")
    decision, shown, known = figure(world, WIJK)
    assert decision == "held", "January and March differ by that household exactly"
    assert (shown, known) != (euros + 9_000, "2026-03")  # type: ignore[operator]
    whole(world)


def test_a_new_year_has_cells_of_its_own_and_the_old_one_goes_on_for_a_year(
    fresh_database: Callable[[str], str],
) -> None:
    buurt = CLUSTERS[:2]
    world = World(
        fresh_database("release"), fresh_database("projector"), first=Month(2026, 11), areas=geography(buurt), now=at("2026-11-10")
    )  # fmt: skip
    world.book(care_of(0, clusters=buurt))
    world.book(care_of(2, year=2027, cents=300_00, clusters=buurt))
    world.book(care_of(2, year=2026, cents=500_00, clusters=buurt))
    until(world, "2027-02-20")
    assert figure(world, WIJK, year=2027)[::2] == ("released", "2027-01")
    assert figure(world, WIJK, year=2026)[::2] == ("released", "2027-01"), (
        "late bookings of 2026 are told until the end of 2027"
    )
    until(world, "2028-01-20")
    assert figure(world, WIJK, year=2026)[2] == "2027-12"
    world.book(care_of(14, year=2026, cents=999_00, clusters=buurt))
    until(world, "2028-02-20")
    assert {c["service_year"] for t in (MACRO, MESO) for c in world.released(t)[-1]["cells"]} == {2027, 2028}, (
        "2026 is closed for good"
    )
    whole(world)


def test_boundaries_that_change_open_new_cells_and_leave_the_old_ones_as_they_stood(world: World) -> None:
    stood = figure(world, WIJK)
    kept = [c for c in CLUSTERS if c // 10_000 % 100 == 2]
    moved = [9901_03_01_01, 9901_03_01_02]
    world.areas = geography([*kept, *moved])
    world.book(care_of(1, clusters=moved))
    until(world, "2026-03-20")
    assert world.released()[0]["geometry_hash"] != world.released()[-1]["geometry_hash"]
    assert figure(world, "WK990103") == ("held", None, ""), "the whole rose by this one new wijk alone since January"
    assert figure(world, WIJK)[1] == stood[1], "nothing was delivered there since"
    whole(world)


def test_a_provider_that_stops_reporting_lowers_the_completeness_and_no_figure(world: World) -> None:
    request = DataRequest(
        municipality=GM, first_month=FIRST, last_month=FIRST.plus(11), streams=(Stream.WMO,), providers=(SenderId("p99000001"), SenderId("p99000002")),
        why="test", ground="jeugdwet-7.4", by=dt.date(2026, 12, 31),
    )  # fmt: skip
    with store.connect(world.own) as own:
        store.ask(own, request=request.id, municipality=GM, datum=request.encoded())
    for provider, months in ((99_000_001, (0, 1, 2)), (99_000_002, (0,))):
        for month in months:
            world.tell_books(
                "INSERT INTO release_coverage VALUES (%s, %s, 'wmo', %s)", provider, GM, FIRST.index + month
            )
    shown = figure(world, PLACED)[1]
    until(world, "2026-04-20")
    wmo = next(c for c in world.released()[-1]["completeness"] if c["group"] == "wmo")
    assert (wmo["months_closed"], wmo["months_asked"]) == (4, 6)
    assert figure(world, PLACED)[1] == shown
    assert not any(c["group"] == "overig" for c in world.released()[-1]["completeness"])
    whole(world)


def test_a_municipality_that_joins_later_begins_with_the_month_in_which_it_joined(
    world: World, fresh_database: Callable[[str], str]
) -> None:
    late = 9902
    clusters = [late * 1_000_000 + c % 1_000_000 for c in CLUSTERS]
    world.joined = {late: geography(clusters)}
    world.book(
        [
            (*r[:1], (int.from_bytes(r[1], "big") + 100_000).to_bytes(16, "big"), *r[2:])
            for r in care_of(1, clusters=clusters)
        ]
    )
    until(world, "2026-03-20")
    theirs = topics.macro_topic(late)
    assert [(r["version"], str(Month.from_index(r["epoch"]))) for r in world.released(theirs)] == [(1, "2026-02")]
    assert [r["version"] for r in world.released()] == [1, 2]
    keys = [verify_key_of(KEY)]
    records = [(r.value, r.appended_ms) for r in world.topics.lying[theirs]]
    assert checked(theirs, records, lambda _: keys).faults == []
    whole(world)

    again = World(fresh_database("release_again"), world.books, joined=world.joined)
    again.topics.lying = {t: list(r) for t, r in world.topics.lying.items()}
    with store.connect(again.own) as own, own.transaction():
        read = {}
        for m in (GM, late):
            macro, meso = (
                Lying.of(t, again.topics.since(t, 0), lambda _: keys)
                for t in (topics.macro_topic(m), topics.meso_topic(m))
            )
            read[m] = (macro, meso)
        put_back(own, read, FIRST)
    assert again.state() == world.state()
    until(again, "2026-04-20")
    until(world, "2026-04-20")
    assert again.released(theirs) == world.released(theirs)
    assert again.released() == world.released()
