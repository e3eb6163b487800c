"""The map of a real municipality's shapes: drawn, light, neighbours without gaps; and shapes that are none."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path

import pytest

from portals.municipality.map_svg import WIDTH, Canvas

GEO = Path(os.environ.get("ZORGSTROOM_GEO", Path(__file__).parents[3] / "shared" / "data" / "geo"))


def square(x: float, y: float, side: float = 100) -> str:
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)]


def test_north_is_up_and_the_picture_is_filled() -> None:
    canvas = Canvas({"south": [square(0, 0)], "north": [square(0, 100)]})
    assert canvas.height == 2 * WIDTH
    assert max(y for _, y in points(canvas.paths["north"])) <= min(y for _, y in points(canvas.paths["south"]))
    assert {x for x, _ in points(canvas.paths["north"])} == {0.0, WIDTH}


def test_an_area_without_a_shape_is_left_out_and_none_at_all_is_said() -> None:
    point = json.dumps({"type": "Point", "coordinates": [1, 2]})
    assert set(Canvas({"a": [square(0, 0)], "b": [""], "c": [point]}).paths) == {"a"}
    assert Canvas({"b": [""], "c": []}).empty


def test_a_shape_that_crosses_itself_or_folds_to_a_line_is_drawn_as_far_as_it_is_a_surface() -> None:
    crossed = [[0, 0], [100, 100], [100, 0], [0, 100], [0, 0]]
    spiked = [[0, 0], [50, 0], [50, 50], [50, 90], [50, 50], [0, 50], [0, 0]]
    for ring in (crossed, spiked):
        shape = json.dumps({"type": "Polygon", "coordinates": [ring]})
        assert Canvas({"a": [shape], "b": [square(200, 0)]}).paths["a"].startswith("M")


def test_parts_of_an_area_are_drawn_as_one_without_a_border_between_them() -> None:
    canvas = Canvas({"wijk": [square(0, 0), square(100, 0)]})
    assert canvas.paths["wijk"].count("M") == 1


def test_a_hole_and_an_island_stay() -> None:
    outer = [[0, 0], [300, 0], [300, 300], [0, 300], [0, 0]]
    hole = [[100, 100], [200, 100], [200, 200], [100, 200], [100, 100]]
    holed = json.dumps({"type": "Polygon", "coordinates": [outer, hole]})
    assert Canvas({"a": [holed], "b": [square(400, 0)]}).paths["a"].count("M") == 2
    island = json.dumps({"type": "MultiPolygon", "coordinates": [[outer], json.loads(square(500, 0))["coordinates"]]})
    assert Canvas({"a": [island]}).paths["a"].count("M") == 2


@pytest.mark.parametrize("name", ["zwijndrecht", "hendrik-ido-ambacht"])
@pytest.mark.parametrize("crs", ["rd", "wgs84"])
def test_real_shapes_are_light_and_neighbours_share_their_border(name: str, crs: str) -> None:
    path = GEO / f"buurten_2024_{name}_{crs}.geojson"
    if not path.exists():
        pytest.skip("the real shapes are not here; name their folder with ZORGSTROOM_GEO")
    features = json.loads(path.read_text("utf-8"))["features"]
    canvas = Canvas({str(n): [json.dumps(f["geometry"])] for n, f in enumerate(features)})
    assert len(canvas.paths) == len(features)
    drawn = "".join(canvas.paths.values())
    assert len(gzip.compress(drawn.encode())) < 40_000
    ends = [set(points(p)) for p in canvas.paths.values()]
    shared = [any(mine & other for j, other in enumerate(ends) if i != j) for i, mine in enumerate(ends)]
    assert sum(shared) >= len(shared) - 1
    assert 0.3 < canvas.height / WIDTH < 3
