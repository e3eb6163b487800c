"""The baseline: what is frozen, what is compared equally long after the end of a year, and what is left out and why."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from municipal_builders import ANNE, GM, frozen, record, story
from municipality_page_builders import BUURTEN, HELD_BUURT, HELD_EVER_BUURT, geography, released_epoch, square

from projections.municipal_baseline import (
    boundaries,
    compared,
    epoch_to_compare,
    frozen_fields,
    geometry_hash,
    indexed,
    months_after_the_year,
    providers_asked,
    release_hash,
)  # fmt: skip
from projections.municipal_events import Baseline
from schemas.care import Stream
from schemas.errors import Refused
from schemas.municipal_events import Event, Kind
from schemas.requests import DataRequest
from schemas.values import Month, SenderId

JANUARY, DECEMBER = Month(2025, 1), Month(2025, 12)
THEN, NOW = Month(2026, 3).index, Month(2027, 3).index


def epoch_of(epoch: int, year: int, **change: int) -> dict:
    """A released quarter with figures of one service year; `change`: euros of areas by code."""
    made = released_epoch(epoch)
    cells = [c | {"service_year": year, "euros": change.get(c["area"], c["euros"])} for c in made["cells"]]
    return made | {"cells": cells, "geometry_hash": geometry_hash(geography())}


def baseline_of(then: dict, shapes: dict | None = None) -> Baseline:
    fields = frozen_fields(then, shapes or geography(), service_year=2025, providers=7)
    event = frozen("b1", **fields)
    assert record(Event(Kind.BASELINE_FROZEN, event.fields)), "it is an event that can be written"
    return story(event).baselines["b1"]


def asked(*providers: str, first: Month = JANUARY, last: Month = DECEMBER, gm: int = GM) -> DataRequest:
    return DataRequest(
        gm,
        first,
        last,
        (Stream.WMO,),
        tuple(SenderId(p) for p in providers),
        "oefenen",
        "jeugdwet-7.4",
        dt.date(2026, 2, 1),
    )


def test_it_keeps_geometry_parameters_people_providers_and_which_record_it_is_of() -> None:
    then = epoch_of(THEN, 2025)
    made = baseline_of(then)
    assert made.release_hash == release_hash(then).hex()
    assert made.geometry_hash == then["geometry_hash"].hex()
    assert (made.geometry_year, made.population_year, made.providers, made.parameters) == (2025, None, 7, "{}")
    assert {code for code, _, _ in made.areas} == {a["code"] for a in geography()["areas"] if a["level"] != "cluster"}
    assert made.actor_name == ANNE[1]


def test_a_year_without_figures_and_boundaries_that_are_not_those_of_the_month_are_refused() -> None:
    then = epoch_of(THEN, 2025)
    with pytest.raises(Refused, match="service year"):
        frozen_fields(then, geography(), service_year=2024, providers=7)
    for other in (None, geography() | {"year": 2026}):
        with pytest.raises(Refused, match="boundaries"):
            frozen_fields(then, other, service_year=2025, providers=7)


def test_providers_are_those_the_municipality_itself_asked_for_the_year_each_once() -> None:
    requests = [
        asked("p98000001", "p98000002"), asked("p98000002", first=Month(2025, 12), last=Month(2026, 4)),
        asked("p98000003", first=Month(2026, 1), last=Month(2026, 4)), asked("p98000004", gm=9902),
    ]  # fmt: skip
    assert providers_asked(requests, municipality=GM, year=2025) == 2
    assert providers_asked(requests, municipality=GM, year=2026) == 2


def test_years_are_compared_as_known_equally_long_after_their_end() -> None:
    made = baseline_of(epoch_of(THEN, 2025))
    assert months_after_the_year(made) == 3
    assert epoch_to_compare(made, 2026) == NOW
    assert epoch_to_compare(made, 2028) == NOW + 24


def test_the_change_is_of_areas_known_in_both_years_and_the_rest_is_said() -> None:
    found = compared(
        baseline_of(epoch_of(THEN, 2025)), epoch_of(THEN, 2025), epoch_of(NOW, 2026, GM9901P=5_000_000), geography()
    )
    rows = {(r.area, r.group): r for r in found.rows}
    whole = rows["GM9901P", "total"]
    assert (whole.before, whole.after, whole.change) == (4_400_000, 5_000_000, 600_000)
    assert not any(area in (HELD_BUURT, HELD_EVER_BUURT) for area, _ in rows)
    assert (HELD_BUURT, "wmo") in found.left_out["held-then"]
    assert (HELD_EVER_BUURT, "total") in found.left_out["held-then"]
    assert not any(area == "GM9901" for area, _ in rows), "what has no buurt is no area to compare"
    assert found.year == 2026


def test_what_is_held_or_absent_in_the_later_year_only_is_left_out_too() -> None:
    now = epoch_of(NOW, 2026)
    cells = [
        c | ({"decision": "held", "known_until": NOW - 3} if c["area"] == "WK990101" else {})
        for c in now["cells"]
        if (c["area"], c["group"]) != ("WK990102", "wmo")
    ]
    found = compared(baseline_of(epoch_of(THEN, 2025)), epoch_of(THEN, 2025), now | {"cells": cells}, geography())
    assert ("WK990101", "total") in found.left_out["held-now"]
    assert found.left_out["not-published"] == (("WK990102", "wmo"),)


def test_an_area_whose_boundaries_changed_is_left_out_and_so_is_the_wijk_it_is_in() -> None:
    later = geography()
    moved = next(iter(BUURTEN))
    later["areas"] = [a | {"geometry": square(0, 0, 900)} if a["code"] == moved else a for a in later["areas"]]
    found = compared(baseline_of(epoch_of(THEN, 2025)), epoch_of(THEN, 2025), epoch_of(NOW, 2026), later)
    assert {area for area, _ in found.left_out["boundaries"]} == {moved, f"WK{moved[2:8]}", "GM9901P"}
    assert "WK990102" in {r.area for r in found.rows}


def test_where_a_municipality_has_a_shape_of_its_own_a_border_between_buurten_does_not_change_it() -> None:
    def shaped(first: str) -> dict:
        made = geography()
        made["areas"] = [
            a | {"geometry": square(0, 0, 3000)} if a["level"] == "gemeente" else a | {"geometry": first} if a["code"] == next(iter(BUURTEN)) else a
            for a in made["areas"]
        ]  # fmt: skip
        return made

    one, other = boundaries(shaped(square(0, 0))), boundaries(shaped(square(0, 0, 900)))
    assert one["GM9901"] == other["GM9901"]
    assert one["WK990101"] != other["WK990101"]


def test_a_clusters_boundary_is_none_of_a_baselines_business() -> None:
    later = geography()
    later["areas"] = [a | {"geometry": ""} if a["level"] == "cluster" else a for a in later["areas"]]
    assert boundaries(later) == boundaries(geography())


def test_tariff_rises_go_on_top_of_each_other_and_are_rounded_as_all_figures() -> None:
    assert indexed(1_000_000, percent=Decimal(5), years=1) == 1_050_000
    assert indexed(1_000_000, percent=Decimal(5), years=2) == 1_103_000
    assert indexed(1_000_000, percent=Decimal("-2.5"), years=1) == 975_000
    found = compared(
        baseline_of(epoch_of(THEN, 2025)), epoch_of(THEN, 2025), epoch_of(NOW, 2026), geography(), percent=Decimal(10)
    )
    whole = next(r for r in found.rows if (r.area, r.group) == ("GM9901P", "total"))
    assert (whole.before, whole.indexed, whole.after, whole.change) == (4_400_000, 4_840_000, 4_400_000, -440_000)
