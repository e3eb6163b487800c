"""A provider that uses the gate as an oracle, and one that knows the tariff of everybody else: what they learn, and where it ends."""

from __future__ import annotations

import pytest
from attacks import Attack
from figures_table import Table
from gate_switches import switched
from more_attacks import by_the_tariff
from reading_releases import Figure, Released, figures
from roles import Read, providers
from said_by_rules import by_clause
from small_towns import CLUSTER, WHOLE, a_row, elsewhere, small, spread
from tuned import by_tariffs, rest_of, told_of_their_own_clients

CELL = ("cluster", "BU99010101.01", "total")
SHAM = 99
TARGET = 20
"""Percent of the whole that others deliver to the target; the other households have four times as much."""


def with_sham(percent: float) -> Released:
    """One provider declares so much more for the target."""
    others = spread("O", 4 * TARGET, count=40, providers=range(11, 31))
    return small([a_row("T", TARGET), a_row("T", percent, provider=SHAM), *others, *elsewhere()], switches=switched())


def the_provider(released: Released, *, apart: list[Figure]) -> Attack:
    truth, read = released.truth, Read.of(released)
    seen = figures(released.payloads, first_month=released.first_month, year=released.year)
    name = next(a.name for a in providers(read) if a.name.endswith(str(SHAM)))
    known = read.delivered_by(name.removeprefix("provider "))
    return Attack(name, Table(truth, seen, 1, 50_000, apart=apart), known, truth.household, truth.households)


@pytest.mark.parametrize(("percent", "is_released"), [(0.5, True), (55, True), (65, False), (500, False)])
def test_a_figure_flips_where_the_target_with_the_sham_is_half_of_it(percent, is_released) -> None:
    seen = {f.cell: f for f in Read.of(with_sham(percent)).table.figures}
    assert (CELL in seen) == is_released
    if is_released:
        most = rest_of(seen[CELL].euros * 100, round(percent * WHOLE / 100))
        assert most + 100_000 >= TARGET * WHOLE / 100, "true, but for rounding"


def test_when_it_is_held_the_provider_learns_nothing_since_any_clause_may_have_failed() -> None:
    released, held = with_sham(65), Figure(*CELL, 0, 0, None)
    attack = the_provider(released, apart=[held])
    found = by_clause(attack, held, released.truth.households.index("T"))
    low, high = min(low for low, _ in found.values()), max(high for _, high in found.values())
    assert low == 0
    assert high > 1.25 * TARGET * WHOLE / 100


def test_when_it_is_released_the_provider_learns_the_excepted_bound_and_nothing_by_programmes() -> None:
    released = with_sham(55)
    assert [str(b) for b in the_provider(released, apart=[]).run().breaks] == []
    read = Read.of(released)
    tally = told_of_their_own_clients(read, [read.truth.providers.index(f"980000{SHAM}")])
    assert tally.excepted > 0
    assert 1 < tally.narrowest < 1.25, "the price of rules that are public: one answer per publication"


def trajectories(step: float, odd: float) -> list:
    """Forty households at a fixed price a trajectory, in percents of the whole, and one with part of one."""
    return [
        *(a_row(f"O{n}", step * (1 + n % 2), provider=11 + n % 10) for n in range(40)),
        a_row("T", odd, provider=11),
        *elsewhere(400 * step),
    ]


@pytest.mark.parametrize(
    ("step", "odd", "is_found"),
    [(1_000, 700, False), (4_000, 1_600, False), (4_000, 1_900, False), (4_000, 3_000, True)],
)
def test_rounding_hides_the_one_that_is_no_multiple_of_the_tariff_up_to_two_thousand_euros(step, odd, is_found) -> None:
    read = Read.of(small(trajectories(step / 10_000, odd / 10_000), switches=switched()))
    figure = next(f for f in read.table.figures if f.cell == CELL)
    low, high = by_the_tariff(figure.euros, step=step, base=read.parameters["euros_base"])
    assert low <= odd <= high
    assert (low > odd * 0.75 and high < odd * 1.25) == is_found
    assert bool(by_tariffs(read).breaks) == is_found


def test_the_cluster_of_these_towns_is_the_one_that_is_looked_at() -> None:
    assert CELL[1] == f"BU{CLUSTER // 100}.{CLUSTER % 100:02d}"
