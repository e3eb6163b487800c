"""SDC-8: what can be read from records besides the figures: how many there are, which cells they name, what changes when something held does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from attacks import Attack
from figures_table import Table
from more_attacks import ggz_of_areas
from reading_releases import Figure, Released, figures, snapshots
from roles import Read, outsider
from said_by_rules import SaidByRules, by_clause
from small_towns import OTHER_WIJK, REST, a_row, elsewhere, small, spread

from schemas.values import Month

JANUARY = Month(2025, 1)


def one_in_the_rest(percent: float) -> list:
    return [*elsewhere(), a_row("T", percent, area=REST)]


def names(released: Released) -> list[tuple]:
    return [
        (s.level, s.epoch, tuple(sorted(s.standing)))
        for s in snapshots(released.payloads, first_month=released.first_month)
    ]


def test_the_same_records_name_the_same_cells_whoever_is_in_care() -> None:
    with_care = names(small(one_in_the_rest(40), months=3, first=JANUARY))
    assert with_care == names(small([], months=3, first=JANUARY))
    assert [(level, epoch) for level, epoch, _ in with_care] == [
        (level, e) for e in range(3) for level in ("macro", "meso")
    ]


def test_what_is_held_leaves_no_trace_in_any_byte() -> None:
    little, much = (small(one_in_the_rest(p), months=3, first=JANUARY) for p in (1, 90))
    assert little.payloads == much.payloads
    assert small([*elsewhere(), a_row("T", 90)], months=3, first=JANUARY).payloads != much.payloads


def test_outside_a_cell_is_released_or_held_and_nothing_else() -> None:
    seen = snapshots(small(one_in_the_rest(40)).payloads, first_month=JANUARY.index + 2)
    assert {d for s in seen for d in s.standing.values()} == {"released", "held"}


def nearly_half() -> list:
    """Of a wijk 46% is one household's, which the rules let pass."""
    return [
        a_row("T", 46, area=OTHER_WIJK, provider=1),
        *spread("O", 54, count=40, area=OTHER_WIJK, providers=range(11, 31)),
        *elsewhere(30)[40 * 5 :],
    ]


def test_the_rule_itself_says_less_than_the_promise_and_all_together_say_no_more_than_it() -> None:
    read = Read.of(small(nearly_half()))
    assert any(f.cell == ("wijk", "WK990102", "total") for f in read.table.figures)
    plain, tally = outsider(read).run(), SaidByRules(outsider(read)).run()
    assert not plain.breaks
    assert tally.excepted > 0
    assert tally.narrowest == pytest.approx(0.5 * 100.1 / 46, rel=0.01)
    assert tally.breaks == []


def test_a_bound_beyond_the_rule_is_a_break() -> None:
    read = Read.of(small(nearly_half()))
    neighbour = replace(outsider(read), known=read.truth.of({f"O{n}" for n in range(38)}))
    tally = SaidByRules(neighbour, without=read.nothing()).run()
    assert {b.of for b in tally.breaks} >= {"year of T"}


def test_of_a_held_cell_the_loosest_clause_says_nothing() -> None:
    released = small(
        [
            *elsewhere(),
            a_row("T", 40, area=OTHER_WIJK, care="jw-45"),
            *spread("O", 1, count=3, area=OTHER_WIJK, care="jw-45"),
        ]
    )
    held = Figure("wijk", "WK990102", "jeugdwet", 0, 0, None)
    seen = figures(released.payloads, first_month=released.first_month, year=released.year)
    assert held.cell not in {f.cell for f in seen}
    table = Table(released.truth, seen, 1, 50_000, apart=[held])
    truth = released.truth
    attack = Attack("outsider", table, Read.of(released).nothing(), truth.household, truth.households)
    found = by_clause(attack, held, truth.households.index("T"))
    loosest = min(low for low, _ in found.values()), max(high for _, high in found.values())
    assert loosest == attack_alone(attack, held, truth.households.index("T"))
    assert loosest[0] == 0
    assert loosest[1] > 1.25 * 40_000_000


def hidden_by_one_with_a_mandate() -> list:
    """Of other care in a cluster 45% is no GGZ, most of it of one household that the funder sees under a mandate."""
    return [
        *spread("G", 55, count=30, care="zvw-ggz", providers=range(11, 21)), *spread("O", 15, count=30, care="zvw-overig", providers=range(21, 31)),
        *spread("M", 30, count=1, care="zvw-overig", providers=range(31, 41)), *elsewhere(care="zvw-overig"),
    ]  # fmt: skip


def test_ggz_of_an_area_is_hidden_from_the_funder_also_where_its_mandates_show_the_rest_of_the_other_care() -> None:
    read = Read.of(small(hidden_by_one_with_a_mandate(), mandated=frozenset({"M0"})))
    tally = ggz_of_areas(read, "funder", read.funded())
    assert tally.attacked > 0
    assert not tally.breaks


def attack_alone(attack: Attack, held: Figure, number: int) -> tuple[float, float]:
    """Without any clause."""
    target = attack.target_of(number)
    mine = {a for a in target.atoms if attack.table.mask(held)[a]}
    return attack.programmes.bound(target, mine, most=False), attack.programmes.bound(target, mine, most=True)
