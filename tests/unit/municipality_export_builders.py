"""Snapshots of the invented municipality to export, and the cells as they stand on its topics."""

from __future__ import annotations

from typing import Any

from municipality_page_builders import JUNE, geography, released_epoch

from portals.municipality.exports.snapshot import Snapshot

NASTY = '=HYPERLINK("http://x";"y")'
"""A name that a spreadsheet would run."""


def snapshot(epoch: int = JUNE, *, named: dict[str, str] | None = None, **other: Any) -> Snapshot:
    """Macro and meso of one epoch; `named` renames areas, the rest changes the macro record."""
    ground = geography()
    for area in ground["areas"]:
        area["name"] = (named or {}).get(area["code"], area["name"])
    return Snapshot(released_epoch(epoch, **other), released_epoch(epoch, level="meso"), ground)


def on_the_topics(made: Snapshot) -> dict[tuple[str, str, int], dict[str, Any]]:
    """Cell id -> the cell as it stands on its topic."""
    assert made.meso is not None
    cells = [*made.macro["cells"], *made.meso["cells"]]
    return {(c["area"], c["group"], c["service_year"]): c for c in cells}
