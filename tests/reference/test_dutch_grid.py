"""Real boundaries on the Dutch grid come out where CBS puts them on Earth. Needs the reference data; skips without."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from portals.municipality.exports.dutch_grid import Ground, ground_of, rings, to_longitude_latitude

GEO = Path(os.environ.get("ZORGSTROOM_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "geo"
pytestmark = pytest.mark.skipif(not GEO.is_dir(), reason="the reference data (boundaries of buurten) is not here")
THREE_METRES = 3 / 70_000
"""In degrees of longitude at this latitude; the reference is rounded to a millionth of a degree and uses no grid of corrections either."""


@pytest.mark.parametrize("municipality", ["hendrik-ido-ambacht", "zwijndrecht"])
def test_real_buurten_lie_where_the_reference_has_them(municipality: str) -> None:
    on_grid, on_earth = (
        {
            f["id"]: f["geometry"]
            for f in json.loads((GEO / f"buurten_2024_{municipality}_{kind}.geojson").read_text("utf-8"))["features"]
        }
        for kind in ("rd", "wgs84")
    )
    assert ground_of(on_grid.values()) is Ground.GRID
    assert ground_of(on_earth.values()) is Ground.DEGREES
    assert set(on_grid) == set(on_earth)
    for buurt, shape in on_grid.items():
        made = [sorted(ring) for ring in rings(to_longitude_latitude(shape))]
        told = [sorted(ring) for ring in rings(on_earth[buurt])]
        assert len(made) == len(told)
        for mine, theirs in zip(made, told, strict=True):
            assert [p for point in mine for p in point] == pytest.approx(
                [p for point in theirs for p in point], abs=THREE_METRES
            )
