"""Streets beside clusters: nothing follows from a street without its published clusters, nor from a buurt without its published streets."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from test_release_subtraction import Ground, a_world, assert_nothing_follows, assert_remainders_pass, published_over

STREETS = Ground(
    finest=(
        9901_01_01_01, 9901_01_01_02, 9901_01_01_03, 9901_01_01_04, 9901_01_02_01, 9901_02_01_01, 9901_02_01_02, 9901_02_01_03, 9901_02_01_04,
        9901_02_01_05, 9901_02_01_06,
    ),
    streets=("BU99010101.01_02", "BU99020101.01_04", "BU99020101.02_03_06"),
    households=(500, 900),
)  # fmt: skip
"""A buurt with one street and two other clusters, and one with two streets and another cluster."""


@example(seed=3).via("a buurt without its street is one cluster")
@example(seed=5).via("a street without its published cluster")
@settings(max_examples=1, deadline=None)
@given(st.integers(0, 10**9))
def test_nothing_follows_from_streets_and_clusters_and_buurten_over_any_window_unless_it_passes_the_rules(seed) -> None:
    world = a_world(seed, STREETS)
    published = published_over(world, first_month=2, ground=STREETS)
    assert_nothing_follows(world, published, STREETS)
    assert_remainders_pass(world, published, STREETS)


def test_nothing_follows_where_streets_consist_of_other_clusters_from_one_quarter_to_the_next() -> None:
    ground = replace(STREETS, last_streets=("BU99010101.02_03", "BU99020101.01_02_04", "BU99020101.03_06"))
    world = a_world(3, ground)
    published = published_over(world, first_month=2, ground=ground)
    assert {c.area for c in published if c.level == "street"} & set(ground.last_streets)
    assert {c.area for c in published if c.level == "street"} & set(ground.streets)
    assert_nothing_follows(world, published, ground)
