"""A snapshot is exported with the areas it was made on, whatever areas came after it: the same bytes on any day, and what the page says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from municipality_page_builders import JUNE, geography, record, released, released_epoch
from municipality_page_reading import opened
from municipality_served import ask

from portals.municipality.app import build_app
from projections.municipal_baseline import geometry_hash

MAY, BUURT = "2025-05", "BU99010101"


def renamed() -> dict[str, Any]:
    """The areas of a month later: one buurt has another name, another number of people and a year of its own."""
    ground = geography() | {"year": 2026}
    for area in ground["areas"]:
        if area["code"] == BUURT:
            area |= {"name": "Nieuwe naam", "inhabitants": 900}
    return ground


def before_and_after() -> tuple[Any, Any]:
    """The page when only May is out, and when June came after it on other areas."""
    may = [record(geography()), *_epoch(JUNE - 1, geography())]
    return released(*may), released(*may, record(renamed()), *_epoch(JUNE, renamed()))


def _epoch(epoch: int, ground: dict[str, Any]) -> list[bytes]:
    return [record(released_epoch(epoch, version=1 + epoch - (JUNE - 1), geometry_hash=geometry_hash(ground)))]


@pytest.mark.parametrize(
    "address",
    [
        *(f"/export/{name}?maand={MAY}" for name in ("figures.xlsx", "figures.csv", "areas.geojson", "council.pdf")),
        f"/api/v1/areas?epoch={MAY}", f"/api/v1/cells?epoch={MAY}", f"/api/v1/snapshots/{MAY}",
    ],
)  # fmt: skip
def test_other_areas_later_do_not_change_what_a_snapshot_gives(address: str) -> None:
    early, late = (ask(address, app=build_app(page, ready=lambda: True)) for page in before_and_after())
    assert early.status_code == late.status_code == 200
    assert early.content == late.content


def test_the_newest_snapshot_has_the_new_areas_and_the_page_says_the_same_as_the_file() -> None:
    _, late = before_and_after()
    for month, new in ((MAY, False), ("2025-06", True)):
        shapes = json.loads(
            ask(f"/export/areas.geojson?maand={month}", app=build_app(late, ready=lambda: True)).content
        )
        there = {f["id"]: f["properties"]["name"] for f in shapes["features"]}[BUURT]
        assert (there == "Nieuwe naam") is new
        assert there in opened(f"/?maand={month}&gebied={BUURT}", page=late)
