"""The attackers stand on their own, their truth is asserted, and what they skip they may skip."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from attackers_truth import KINDS, kinds_in
from attacks import Attack, Break, Tally
from counts import interval, remainders_with_counts
from diagnosis import AFTERWARDS, diagnosis
from figures_table import Table
from programmes import UNBOUNDED, Programmes
from reading_releases import Figure, figures
from releases import released_town
from report import Found, as_markdown
from roles import Read, outsider
from small_towns import CLUSTER, a_row, elsewhere, small, spread
from usefulness import by_level_and_group, care_types_per_buurt

from schemas.care import Group
from schemas.values import Month

HERE = Path(__file__).parent
ATTACKERS = (
    "attackers_truth", "reading_releases", "figures_table", "programmes", "attacks", "roles", "said_by_rules", "more_attacks", "differences",
    "own_rules", "counts", "usefulness", "diagnosis", "report", "curves", "tuned", "closed_wijken",
)  # fmt: skip
OURS = ("schemas", "producers", "keyvault", "streams", "projections", "portals", "deploy")


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {n.name for n in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("name", ATTACKERS)
def test_an_attacker_imports_schemas_the_town_and_other_attackers_only(name) -> None:
    for module in imported(HERE / f"{name}.py"):
        top = module.partition(".")[0]
        assert top not in OURS or top == "schemas" or module.startswith("producers.town"), module
        assert not (HERE / f"{top}.py").exists() or top in ATTACKERS, module


def test_a_figure_that_is_not_the_truth_stops_the_attack() -> None:
    released = small(elsewhere())
    seen = figures(released.payloads, first_month=released.first_month, year=released.year)
    Table(released.truth, seen, 1, 50_000).assert_true()
    with pytest.raises(AssertionError, match="truth"):
        Table(released.truth, [replace(seen[0], euros=seen[0].euros + 2_000), *seen[1:]], 1, 50_000).assert_true()


def by_programmes_alone(attack: Attack) -> set[str]:
    """Every amount put to programmes, none skipped."""
    tally = Tally(attack.name)
    for amount in attack.amounts():
        attack.judge(amount, tally)
    return {b.of for b in tally.breaks}


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_skipped_as_free_no_programme_breaks(seed) -> None:
    read = Read.of(released_town("town", seed=seed, months=3, addresses=400))
    skipping = outsider(read)
    assert by_programmes_alone(outsider(read)) == {b.of for b in skipping.run().breaks}


def test_an_exposed_household_is_found_whether_amounts_are_skipped_or_not() -> None:
    released = small([*elsewhere(), *spread("O", 30, count=30, providers=range(11, 21))])
    truth = released.truth
    exposed = Figure("cluster", "BU99010101.01", Group.TOTAL.value, 0, 0, None)
    rows = truth.area == truth.areas.index(CLUSTER)
    table = Table(truth, [replace(exposed, euros=round(int(truth.cents[rows].sum()) / 100_000) * 1_000)], 1, 50_000)
    known = truth.of({f"O{n}" for n in range(29)})
    attack = Attack("neighbour", table, known, truth.household, truth.households)
    assert {b.of for b in attack.run().breaks} == by_programmes_alone(attack) >= {"year of O29"}


def test_a_solver_that_ends_otherwise_is_a_break(monkeypatch) -> None:
    import programmes

    class Failed:
        status, message, fun = 1, "iteration limit", 0.0

    read = Read.of(small(elsewhere()))
    attack = outsider(read)
    attack.programmes.pool[:] = 0
    monkeypatch.setattr(programmes, "linprog", lambda *_a, **_k: Failed())
    target = attack.target_of(0)
    attack.programmes.pool[:] = target.standing
    assert attack.programmes.bound(target, target.atoms, most=True) == 0.0
    assert attack.programmes.broken_solver


def test_what_stands_in_no_figure_is_unbounded() -> None:
    released = small(elsewhere())
    table = Table(released.truth, [], 1, 50_000)
    programmes = Programmes(table, np.zeros(len(released.truth.cents), dtype=bool))
    target = programmes.target("E0", released.truth.of({"E0"}))
    assert programmes.bound(target, target.atoms, most=True) == UNBOUNDED


def all_but_one_withdrawn() -> list:
    """Published while thirty others stood beside it; in the next month all of these are withdrawn."""
    many = {"count": 30, "providers": range(11, 21), "service": "s"}
    return [*elsewhere(), a_row("T", 2), *spread("O", 20, **many), *spread("O", -20, **many, epoch=1)]


def test_what_others_withdraw_after_a_figure_was_published_is_told_apart_from_what_a_hold_would_have_kept() -> None:
    released = small(all_but_one_withdrawn(), months=2)
    found = [b for b in outsider(Read.of(released)).run().breaks if b.of == "year of T"]
    assert found
    assert AFTERWARDS in diagnosis(released, found[0], months=2)


def test_a_total_is_all_kinds_and_a_group_those_of_its_care_types() -> None:
    assert kinds_in("total") == list(range(len(KINDS)))
    assert sorted(k for g in ("wmo", "jeugdwet", "participatiewet", "overig") for k in kinds_in(g)) == list(
        range(len(KINDS))
    )
    assert [KINDS[k] for k in kinds_in("overige-jeugdhulp")] == [
        ("overige-jeugdhulp", False),
        ("overige-jeugdhulp", True),
    ]


@pytest.mark.parametrize(("shown", "between"), [(0, (0, 0)), (10, (1, 12)), (15, (13, 17)), (120, (118, 122))])
def test_a_number_of_households_stands_for_five(shown, between) -> None:
    assert interval(shown) == between


def test_counts_are_joined_where_children_of_a_sum_are_published() -> None:
    read = Read.of(small(elsewhere(), months=3, first=Month(2025, 1)))
    assert any(left.rows.sum() == 0 or left.most_households >= 0 for left in remainders_with_counts(read))


def test_usefulness_is_read_from_the_bytes() -> None:
    read = Read.of(small(elsewhere()))
    found = {(u.level, u.group): u for u in by_level_and_group(read)}
    assert found["placed", "total"].percentages() == (100.0, 100.0, 100.0)
    assert found["placed", "total"].largest_error_euros <= 500
    assert found["cluster", "total"].cells == 3
    assert care_types_per_buurt(read)["huishouden"] == (2, 2)


def test_the_report_says_each_attack_each_break_once_and_what_reproduces_it() -> None:
    found = Found(protection="preliminary")
    one = Break("outsider", "year of A1", "9901010101 wonen-en-opvang", 100_000, 0.0, 110_000.0)
    for _ in range(2):
        found.add("SDC-1", "town", Tally("outsider", attacked=3, programmes=2, narrowest=1.1, breaks=[one]))
        found.breaks.append(("town", 9901, "SDC-1", one, "first in epoch 2, by a figure of that epoch"))
    text = as_markdown(found, command="make attack", day="2026-01-02", what="One world.")
    assert "Run of 2026-01-02: `make attack`. One world. Protection as released: `preliminary`." in text
    assert "| SDC-1 | outsider | town | 6 | 4 | **2** |  |  | 1.10 |" in text
    assert text.count("year of A1") == 1
    assert "first in epoch 2, by a figure of that epoch; by 2 attackers" in text
