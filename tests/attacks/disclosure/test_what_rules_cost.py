"""The measure of what each rule costs: every figure is released or held by one of them, and holds for sums only take away."""

from __future__ import annotations

from random import Random

import pytest
from usefulness import by_level_and_group
from what_rules_cost import STEPS, invented, lines, released, rows_of, shape_of, types

from producers.town.geography import municipality_of
from producers.town.scale import Scale

BUURTEN = {99010101: 500, 99010102: 450, 99010201: 480, 99010202: 30}


@pytest.fixture(scope="module")
def measured() -> dict:
    ground = municipality_of(Random(1), 9901, BUURTEN)
    town = invented(ground, seed=1, scale=Scale(of_all=True), months=3)
    rows = rows_of(town, 9901, 2025)
    assert shape_of(town, rows).startswith("1,460 addresses, 4 buurten")
    return {step: released(town, rows, STEPS[step], 3) for step in (1, 2)}


def test_each_total_is_of_the_last_month_or_held_by_one_rule(measured) -> None:
    for read, log in measured.values():
        for one in (u for u in by_level_and_group(read) if u.group == "total" and u.level in ("buurt", "cluster")):
            assert one.of_last_epoch + sum(log.reasons(one.level).values()) == one.cells > 0


def test_the_second_step_only_holds_more(measured) -> None:
    (alone, before), (with_sums, after) = measured[1], measured[2]
    assert not before.reasons("cluster")["complementary"]
    assert after.reasons("cluster")["complementary"] > 0
    for one, two in zip(by_level_and_group(alone), by_level_and_group(with_sums), strict=True):
        assert (one.level, one.group, one.cells) == (two.level, two.group, two.cells)
        assert one.of_last_epoch >= two.of_last_epoch


def test_a_row_has_every_rule(measured) -> None:
    found = list(lines(2, *measured[2]))
    assert {row.count("|") for row in found} == {14}
    assert sum("buurt," in row for row in found) == 4
    assert "huishouden" in types(measured[2][0])
