"""What a released record says of the decisions behind it, and which epochs are through."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from projections.release.cells import CellId
from schemas.values import Month
from streams.release_replay import _decisions, _through

FIRST = Month(2025, 1)
CELL = CellId("wijk", "WK990101", "wmo", 2025)


def a_cell(**changes: Any) -> dict[str, Any]:
    return {
        "area": "WK990101", "area_level": "wijk", "group": "wmo", "service_year": 2025, "decision": "released", "euros": 12_000,
        "households": 40, "known_until": FIRST.index + 1,
    } | changes  # fmt: skip


def decided(**changes: Any) -> list[tuple[CellId, bool, int | None]]:
    released = {"epoch": FIRST.index + 1, "awaits_quarter": False, "cells": [a_cell(**changes)]}
    return [(d.cell, d.released, d.euros) for d in _decisions(released)]


def test_a_cell_is_released_in_the_epoch_its_value_is_from_held_where_it_says_so_and_else_was_not_due() -> None:
    assert decided() == [(CELL, True, 12_000)]
    assert decided(decision="held") == [(CELL, False, None)], "a held cell keeps its last value, which is no new one"
    assert decided(known_until=FIRST.index) == []


def test_an_epoch_is_through_when_every_municipality_has_it_on_both_levels() -> None:
    def read(*epochs: int) -> Any:
        return SimpleNamespace(epochs={FIRST.index + e: {} for e in epochs})

    whole = read(0, 1, 2)
    assert _through(FIRST, {9901: (whole, whole), 9902: (whole, read(0, 1))}) == 2
    assert _through(FIRST, {9901: (whole, whole), 9902: (whole, read(0, 2))}) == 1, "no epoch is passed over"
    assert _through(FIRST, {9901: (whole, whole), 9902: (read(1, 2), read(1, 2))}) == 3, (
        "one that joined later has none before"
    )
    assert _through(FIRST, {9901: (read(), read())}) == 0
