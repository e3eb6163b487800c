"""SDC-11: a wijk of which nothing is published, because the audit's rounds were used up on it, attacked from the gemeente and the other wijken."""

from __future__ import annotations

import pytest
from closed_wijken import against, figures_of, follows
from gate_switches import NO_COMPLEMENTARY, closed_wijk
from reading_releases import Released
from releases import Switches
from roles import Read
from small_towns import OTHER_WIJK, REST, a_row, elsewhere, small, spread

from schemas.values import Month

WIJK = 990102
JANUARY = Month(2025, 1)


def a_giant_in_the_wijk() -> list:
    """Each month the same: of a wijk 40% is one household's, many others have a little, in the other wijk and in the rest is more."""
    return [
        row
        for epoch in range(3)
        for row in (
            *(a_row("T", 2, area=OTHER_WIJK, provider=p, epoch=epoch) for p in range(1, 11)),
            *spread("O", 30, count=30, area=OTHER_WIJK, providers=range(11, 21), epoch=epoch),
            *(r for r in elsewhere(100) if r.area != OTHER_WIJK and epoch == 0),
            *spread("G", 30, count=40, area=OTHER_WIJK - 10_000, providers=range(11, 21), epoch=epoch),
            *spread("S", 10, count=30, area=REST, providers=range(11, 21), epoch=epoch),
        )
    ]


def released(switches: Switches) -> Released:
    return small(a_giant_in_the_wijk(), months=3, first=JANUARY, switches=switches)


@pytest.mark.parametrize("epochs", [(1,), (0, 1, 2)])
def test_a_wijk_that_failed_closed_is_not_found_from_the_gemeente_and_the_other_wijken(epochs) -> None:
    read = Read.of(released(closed_wijk(WIJK, epochs)))
    assert not {f.epoch for f in figures_of(read, WIJK)} & set(epochs)
    assert {f.epoch for f in read.table.figures if f.level == "placed"} == {0, 1, 2}, "the gemeente goes on"
    assert follows(read, WIJK, epochs) == []
    tallies = list(against(read, WIJK, 2))
    assert sum(t.attacked for t in tallies) > 50
    assert [str(b) for t in tallies for b in t.breaks] == []


def test_unless_step_two_is_repeated_a_wijk_that_failed_closed_is_what_is_missing_in_the_sum() -> None:
    assert follows(Read.of(released(closed_wijk(WIJK, (1,), NO_COMPLEMENTARY.patch))), WIJK, (1,))
