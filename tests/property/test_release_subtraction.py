"""What follows from published figures by subtraction passes the rules: found by plain linear algebra, and counted by the slow rules."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from random import Random
from unittest.mock import patch

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))
from release_builders import CLUSTER, OTHER_BUURT, OTHER_CLUSTER, OTHER_WIJK, REST, a_contribution, held_too
from test_release_properties import first_rule_that_fails, rows_of

from projections.release.audit.audit import Audit
from projections.release.cells import LAYERS, CellId

FINEST = (CLUSTER, OTHER_CLUSTER, OTHER_BUURT, OTHER_WIJK, 9901_02_01_02, 9901_02_02_01, 9901_03_01_01)
CARES = ("wmo-01", "wmo-02", "jw-45", "jw-43", "pw-bijstand", "zvw-wijkverpleging", "zvw-ggz", "wlz-thuis")
EPOCHS = 4
READ = (*CARES, "wmo-04", "wmo-06", "wmo-07", "wmo-08", "jw-47", "pw-reintegratie")
"""Of each published care type one: who reads does not know which are never used here."""


@dataclass(frozen=True)
class Ground:
    """The clusters of a small town, and its streets by their codes; `last_streets`: those of the last epoch, where they are others."""

    finest: tuple[int, ...] = FINEST
    streets: tuple[str, ...] = ()
    households: tuple[int, int] = (120, 420)
    last_streets: tuple[str, ...] = ()

    @property
    def areas(self) -> dict[str, list[int]]:
        wijken, buurten = (sorted({a // unit for a in self.finest}) for unit in (10_000, 100))
        return {"gemeente": [9901], "placed": [9901], "wijk": wijken, "buurt": buurten, "cluster": list(self.finest)}


PLAIN = Ground()


def a_world(seed: int, ground: Ground = PLAIN) -> list[tuple]:
    """Some hundred households, a few of them expensive, moving or corrected in later epochs; a thin area or care type now and then."""
    random, finest = Random(seed), ground.finest
    thin = {a: random.choice((1.0, 1.0, 1.0, 0.15)) for a in finest}
    rare = {c: random.choice((1.0, 1.0, 0.1)) for c in CARES}
    out = []
    for household in range(1, random.randint(*ground.households)):
        area = random.choices((*finest, REST), [*(thin[a] for a in finest), 0.2])[0]
        for _ in range(random.randint(1, 3)):
            care, epoch = random.choices(CARES, [rare[c] for c in CARES])[0], random.randrange(EPOCHS)
            cents = random.choice((100, 150, 150, 300, 5000)) * 100
            fields = {"care": care, "cents": cents, "provider": 99_000_001 + random.randrange(4)}
            out.append(a_contribution(household, area=area, epoch=epoch, **fields))
            if random.random() < 0.05:
                later = random.randrange(epoch, EPOCHS)
                out.append(a_contribution(household, area=area, epoch=later, **(fields | {"cents": -cents})))
                if random.random() < 0.5:
                    out.append(a_contribution(household, area=random.choice(finest), epoch=later, **fields))
    return out


def published_over(world: list[tuple], *, first_month: int, ground: Ground = PLAIN) -> dict[CellId, list[int]]:
    """Cell -> epochs at which it was released by steps 1 and 2, one epoch after the other. The audit has tests of its own; here it would hide what step 2 lets through."""
    found: dict[CellId, list[int]] = defaultdict(list)
    for epoch in range(EPOCHS):
        with patch.object(Audit, "breaks", lambda *_, **__: []):
            decisions = held_too(
                world, epoch=epoch, month=(first_month + epoch) % 12 + 1, published=dict(found), areas=ground.areas,
                addresses={a: a % 97 for a in ground.finest}, streets=ground.last_streets if ground.last_streets and epoch == EPOCHS - 1 else ground.streets,
            )  # fmt: skip
        for cell, decision in decisions.items():
            if decision.released:
                found[cell].append(epoch)
    return found


def all_cells(ground: Ground = PLAIN) -> list[CellId]:
    return [
        CellId(layer.level, layer.code_text(number), group, 2025)
        for layer in LAYERS for number in ground.areas.get(layer.level, ()) for group in layer.groups
    ] + [CellId("street", code, "total", 2025) for code in (*ground.streets, *ground.last_streets)]  # fmt: skip


@example(seed=726043, first_month=0).via("a chain of sums across areas and groups")
@example(seed=79, first_month=0).via("a rest that was published before as a figure of its own")
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**9), first_month=st.sampled_from((0, 1, 2)))
def test_no_cell_that_is_held_follows_from_others_over_any_window_unless_it_passes_the_rules(seed, first_month) -> None:
    world = a_world(seed)
    assert_nothing_follows(world, published_over(world, first_month=first_month), PLAIN)


def assert_nothing_follows(world: list[tuple], published: dict[CellId, list[int]], ground: Ground) -> None:
    grid = [
        a_contribution(1, area=a, care=c, epoch=e) for a in (*ground.finest, REST) for c in READ for e in range(EPOCHS)
    ]
    atoms = [(r[0], r[4], r[6]) for r in grid]  # nor where nothing is
    members = {c: {(r[0], r[4]) for r in rows_of(grid, c)} for c in all_cells(ground)}

    def row(cell: CellId, until: int, since: int = -1) -> list[float]:
        return [float((a, care) in members[cell] and since < epoch <= until) for a, care, epoch in atoms]

    known = np.array([row(c, e) for c, epochs in published.items() for e in epochs])
    basis = np.linalg.svd(known, full_matrices=False)
    space = basis.Vh[basis.S > 1e-8]
    followed = 0
    for cell in all_cells(ground):
        windows = combinations((-1, *range(EPOCHS)), 2)
        for since, until in windows:
            if until in published.get(cell, ()) and (since < 0 or since in published[cell]):
                continue
            wanted = np.array(row(cell, until, since))
            if not wanted.any() or np.linalg.norm(wanted - space.T @ (space @ wanted)) > 1e-6:
                continue
            followed += 1
            inside = [r for r in rows_of(world, cell) if since < r[6] <= until]
            assert first_rule_that_fails(inside, set(), rest=cell.level == "gemeente") == "", (cell, since, until)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from((0, 1, 2)))
def test_what_is_left_of_any_published_figure_without_its_published_parts_passes_the_rules(seed, first_month) -> None:
    world = a_world(seed)
    published = published_over(world, first_month=first_month)
    assert assert_remainders_pass(world, published, PLAIN), "something is always held in these worlds"


def assert_remainders_pass(world: list[tuple], published: dict[CellId, list[int]], ground: Ground) -> int:
    """How many remainders there were."""
    left_over = 0
    for parent, children in sums(ground):
        for since, until in combinations((-1, *published.get(parent, ())), 2):
            rest = [
                c for c in children
                if not (until in published.get(c, ()) and (since < 0 or since in published.get(c, ())))
            ]  # fmt: skip
            inside = [r for c in rest for r in rows_of(world, c) if since < r[6] <= until]
            left_over += bool(inside)
            assert len(rest) != 1 or len(children) == 1, (parent, since, until)
            assert first_rule_that_fails(inside, set(), rest=parent.level == "gemeente") == "", (parent, since, until)
    return left_over


def clusters_in(street: str) -> list[str]:
    """`BU99010101.01_02` -> `BU99010101.01` and `BU99010101.02`."""
    return [f"{street[:11]}{number}" for number in street[11:].split("_")]


def sums(ground: Ground) -> list[tuple[CellId, list[CellId]]]:
    """Written down a second time, by the codes people read."""
    cells, found = all_cells(ground), []
    in_streets = {c for s in ground.streets for c in clusters_in(s)}
    for parent in cells:
        if parent.level == "placed":
            below = [c for c in cells if c.level == "wijk" and c.group == parent.group]
        elif parent.level == "wijk":
            below = [
                c for c in cells if c.level == "buurt" and c.area[2:8] == parent.area[2:] and c.group == parent.group
            ]
        elif parent.level == "buurt":
            below = [
                c for c in cells if c.level == "cluster" and c.area.startswith(parent.area) and c.group == parent.group
            ]
            streets = [
                c for c in cells if c.level == "street" and (c.area[:10], c.group) == (parent.area, parent.group)
            ]
            if streets:
                found.append((parent, [*streets, *(c for c in below if c.area not in in_streets)]))
        elif parent.level == "street":
            below = [c for c in cells if c.level == "cluster" and c.area in clusters_in(parent.area)]
        else:
            below = []
        found += [(parent, below)] if below else []
        if parent.group == "total":
            parts = ("wmo", "jeugdwet", "participatiewet", "overig")
            apart = [c for c in cells if (c.level, c.area) == (parent.level, parent.area) and c.group in parts]
            found += [(parent, apart)] if apart else []
    return found
