"""How concentrated a service year is goes out once, with its last figures, and verify finds one that is restated or comes at another time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portals.municipality.choice import choose
from portals.municipality.concentration_view import concentration_section
from portals.municipality.released import Released
from projections.release.changes import changes_against
from schemas.sealing import verify_key_of
from tests.contract.release_world import CLUSTERS, GM, KEY, MACRO, MESO, World, at, care_of, geography

pytestmark = pytest.mark.servers


@pytest.fixture
def world(fresh_database: Callable[[str], str]) -> World:
    """Care of 2025 for households in two wijken, more of it for some, known early in 2026; 2,000 households live there."""
    made = World(fresh_database("release"), fresh_database("projector"))
    for area in made.areas["areas"]:
        area["households"] = {"gemeente": 2_000, "wijk": 1_000}.get(area["level"])
    rows = [
        row for n in range(4) for row in care_of(n, year=2025, cents=(n + 1) * 500_00, clusters=CLUSTERS[: 8 - 2 * n])
    ]
    more = [(*r[:1], b"%016d" % n, b"%016d" % n, *r[3:]) for n, r in enumerate(care_of(4, year=2025) * 2)]
    made.book(rows + more)
    return made


def test_it_is_said_once_with_the_last_figures_of_the_year(world: World) -> None:
    world.now = at("2027-01-25")
    world.work()
    records = world.released()
    assert records[-1]["epoch"] % 12 == 11
    by_month = {r["epoch"]: r["concentration"] for r in records}
    last = by_month.pop(records[-1]["epoch"])
    assert not any(by_month.values()), "in no other month"
    whole = next(c for c in last if c["area"] == f"GM{GM}P")
    assert whole["service_year"] == 2025
    assert whole["half_within"] in (5, 10, 15, 20, 25)
    assert whole["curve"]
    assert whole["stacked"][0] is not None
    assert {c["area_level"] for c in last} == {"placed", "wijk"}
    assert not any(r["concentration"] for r in world.released(MESO)), "the municipality reads it in one place"
    assert world.history(MACRO).faults == []
    again = world.values()
    world.work()
    assert world.values() == again


def test_without_the_number_of_households_nothing_is_said(world: World) -> None:
    world.areas = geography()
    world.now = at("2027-01-25")
    world.work()
    assert not any(r["concentration"] for r in world.released())


def test_said_at_another_time_or_said_differently_is_found(world: World) -> None:
    world.now = at("2027-01-25")
    world.work()
    before, after = world.released()[-2:]
    areas = {a["code"] for a in world.areas["areas"]} | {f"GM{GM}P"}
    said = after["concentration"]
    early = list(changes_against(None, before | {"concentration": said}, areas))
    assert any("with which it does not end" in f for f in early)
    twice = after | {"awaits_quarter": True}
    anew = after | {"concentration": [c | {"half_within": 1} for c in said]}
    assert any("restates how concentrated" in f for f in changes_against(twice, anew, areas))
    assert not any("concentrated" in f for f in changes_against(twice, after, areas))


def test_the_municipalitys_page_shows_what_release_said(world: World) -> None:
    world.now = at("2027-01-25")
    world.work()
    page = Released({}, GM, lambda _: [verify_key_of(KEY)])
    for lying in world.topics.lying[MACRO]:
        page.macro.take(lying.value, lying.appended_ms)
    assert page.macro.refused == 0
    whole, *wijken = page.figures(page.epochs()[-1]).concentration.values()
    (told,) = (c for c in world.released()[-1]["concentration"] if c["area_level"] == "placed")
    query = {"maand": "2026-12", "jaar": "2025", "lang": "en"}
    found = choose(query, page.epochs(), page.figures)
    assert found is not None
    section = concentration_section(*found, page)
    assert section["said"] == whole
    assert section["sentence"].startswith(f"Half of the money went to at most {told['half_within']}% of all households")
    assert [(p["households"], p["money"]) for p in told["curve"]] == section["points"]
    assert {w.level for w in wijken} == {"wijk"}
    assert [row.households for row, _ in section["stacked"]] == told["stacked"]
