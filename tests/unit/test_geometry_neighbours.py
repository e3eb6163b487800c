"""Who is whose neighbour in a buurt: by shared borders; what borders on nothing, or has no place, is tied to what is nearest."""

from __future__ import annotations

import pytest
from geometry_builders import SIDE, SOUTH, WEST, square
from shapely.geometry import shape

from projections.geometry.neighbours import by_alphabet, from_areas, from_points, reached

BUURT = shape(square(WEST, SOUTH))
NAMES = ["9000AA", "9000AB", "9000AC", "9000AD"]


def block(column: int, row: int = 0):
    return shape(square(WEST + column * 50, SOUTH + row * 50, 50))


def test_those_that_share_a_border_are_neighbours_and_those_that_touch_at_a_corner_are_not() -> None:
    made = from_areas(BUURT, dict(zip(NAMES, [block(0), block(1), block(1, 1), block(2)], strict=True)), NAMES)
    assert made.neighbours == {
        "9000AA": {"9000AB"},
        "9000AB": {"9000AA", "9000AC", "9000AD"},
        "9000AC": {"9000AB"},
        "9000AD": {"9000AB"},
    }


def test_an_island_is_the_neighbour_of_the_nearest_so_that_all_hang_together() -> None:
    made = from_areas(BUURT, dict(zip(NAMES, [block(0), block(1), block(4), block(8)], strict=True)), NAMES)
    assert made.neighbours["9000AC"] == {"9000AB", "9000AD"}
    assert reached(made.neighbours, "9000AA") == set(NAMES)


def test_a_postcode_without_a_place_is_the_neighbour_of_the_one_before_it_and_is_not_drawn() -> None:
    made = from_areas(
        BUURT, {"9000AA": block(0), "9000AC": block(1), "9000AD": shape(square(WEST + 9000, SOUTH))}, NAMES
    )
    assert made.neighbours["9000AB"] == {"9000AA"}
    assert made.neighbours["9000AD"] == {"9000AC"}, "its area lies outside of the buurt"
    assert set(made.shapes) == {"9000AA", "9000AC"}


def test_where_no_postcode_has_a_place_the_alphabet_decides() -> None:
    for made in (by_alphabet(NAMES), from_areas(BUURT, {}, NAMES)):
        assert made.neighbours == {
            "9000AA": {"9000AB"},
            "9000AB": {"9000AA", "9000AC"},
            "9000AC": {"9000AB", "9000AD"},
            "9000AD": {"9000AC"},
        }
        assert not made.by_place


def test_points_share_the_whole_buurt_out_and_one_point_has_all_of_it() -> None:
    points = {"9000AA": [(WEST + 100, SOUTH + 250)], "9000AB": [(WEST + 400, SOUTH + 250), (WEST + 450, SOUTH + 20)]}
    made = from_points(BUURT, points, ["9000AA", "9000AB"])
    assert made.shapes["9000AA"].area == pytest.approx(SIDE * SIDE / 2, rel=0.1)
    assert sum(s.area for s in made.shapes.values()) == pytest.approx(SIDE * SIDE)
    alone = from_points(BUURT, {"9000AA": [(WEST + 1, SOUTH + 1)]}, ["9000AA"])
    assert alone.shapes["9000AA"].area == pytest.approx(SIDE * SIDE)


def test_addresses_on_a_line_or_at_one_place_are_no_trouble() -> None:
    line = {n: [(WEST + 50 * at, SOUTH + 50.0)] for at, n in enumerate(NAMES)}
    assert set(from_points(BUURT, line, NAMES).shapes) == set(NAMES)
    tower = {n: [(WEST + 50, SOUTH + 50)] for n in NAMES}
    made = from_points(BUURT, tower, NAMES)
    assert set(made.shapes) == {"9000AA"}, "the first by name is drawn for all"
    assert reached(made.neighbours, "9000AD") == set(NAMES)
