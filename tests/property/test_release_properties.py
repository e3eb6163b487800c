"""The gate against the rules written down a second time, slowly and without columns; and what no world may change."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))
from release_builders import CLUSTER, OTHER_CLUSTER, OTHER_WIJK, REST, a_contribution, cell, decided

from projections.release.cells import LAYERS, PUBLISHED_TYPES, CellId
from projections.release.rounding import rounded_euros, rounded_households
from projections.release.rules import Parameters
from schemas.care import CARE_TYPES

P = Parameters()
CARES = ("wmo-01", "jw-45", "jw-52", "zvw-wijkverpleging", "zvw-ggz")


@st.composite
def contributions(draw: st.DrawFn) -> list[tuple]:
    """Up to forty households, skewed amounts, three providers, two institutions, corrections in later epochs."""
    out = []
    for household in range(1, draw(st.integers(8, 40)) + 1):
        area = draw(st.sampled_from((CLUSTER, CLUSTER, CLUSTER, OTHER_CLUSTER, OTHER_WIJK, REST)))
        contributor = draw(st.sampled_from((None, None, None, None, None, None, 901, 902)))
        out.extend(
            a_contribution(
                household, area=area, contributor=contributor, provider=99_000_001 + draw(st.integers(0, 2)),
                epoch=draw(st.integers(0, 2)), care=draw(st.sampled_from(CARES)),
                cents=draw(st.sampled_from((100, 100, 120, 90, 3000, -100, 20000))) * 100,
            )
            for _ in range(draw(st.integers(1, 3)))
        )  # fmt: skip
    return out


# --- the rules a second time ---------------------------------------------------------------------------------------------


def safe(amounts: dict[bytes, int], joined: set[bytes], *, nothing_passes: bool = True) -> bool:
    sizes = sorted((abs(v) for k, v in amounts.items() if v and k in joined), reverse=True)
    x = [abs(v) for k, v in amounts.items() if v and k not in joined] + ([sum(sizes[:6])] if sizes else []) + sizes[6:]
    if not x:
        return nothing_passes
    x.sort(reverse=True)
    return len(x) >= 10 and x[0] * 2 <= sum(x) and sum(x[:2]) * 4 <= sum(x) * 3


def netted(rows: list[tuple], keep=lambda row: True) -> dict[bytes, int]:
    out: dict[bytes, int] = defaultdict(int)
    for row in rows:
        if keep(row):
            out[row[2]] += row[7]
    return out


def enough_besides_ggz(rows: list[tuple]) -> bool:
    ggz = sum(map(abs, netted(rows, lambda r: CARE_TYPES[r[4]].ggz).values()))
    other = sum(map(abs, netted(rows, lambda r: not CARE_TYPES[r[4]].ggz).values()))
    return ggz == 0 or other * 100 >= (ggz + other) * 40


def first_rule_that_fails(rows: list[tuple], mandated: set[bytes], *, rest: bool) -> str:
    joined = {r[2] for r in rows if r[1] == r[2]} if rest else set()
    if not safe(netted(rows), joined):
        return "safe"
    for provider in {r[3] for r in rows}:
        if not safe(netted(rows, lambda r, p=provider: r[3] != p), joined):
            return "safe_prov"
    overig = [r for r in rows if CARE_TYPES[r[4]].group.value == "overig"]
    unknown = netted(overig, lambda r: r[1] not in mandated)
    if any(netted(overig).values()) and not (any(unknown.values()) and safe(unknown, joined)):
        return "safe_fund"
    if not any(netted(overig).values()) and not safe(unknown, joined):
        return "safe_fund"
    not_shown = [r for r in overig if r[1] not in mandated]
    return "" if all(enough_besides_ggz(part) for part in (rows, overig, not_shown)) else "ggz"


def rows_of(world: list[tuple], which: CellId) -> list[tuple]:
    layer = next(layer for layer in LAYERS if layer.level == which.level)
    found = []
    for row in world:
        number, care = row[0], CARE_TYPES[row[4]]
        placed = number % 100 != 0
        code = {"gemeente": "GM9901", "placed": "GM9901P", "wijk": f"WK{number // 10_000:06d}", "buurt": f"BU{number // 100:08d}",
                "cluster": f"BU{number // 100:08d}.{number % 100:02d}"}.get(layer.level, "")  # fmt: skip
        if (
            layer.level == "street"
            and number // 100 == int(which.area[2:10])
            and f"{number % 100:02d}" in which.area[11:].split("_")
        ):
            code = which.area
        if placed == (layer.level != "gemeente") and code == which.area and row[5] == which.service_year:
            in_group = (
                care.published_as == which.group
                if which.group in PUBLISHED_TYPES
                else which.group in ("total", care.group.value)
            )
            if in_group:
                found.append(row)
    return found


@settings(max_examples=60, deadline=None)
@given(contributions(), st.sets(st.integers(1, 40), max_size=4), st.lists(st.integers(0, 1), max_size=2, unique=True))
def test_every_decision_is_what_the_rules_say_of_every_window(world, mandated, earlier) -> None:
    plain = decided(world, mandated=mandated)
    published = {which: sorted(earlier) for which in plain}
    listed = {m.to_bytes(16, "big") for m in mandated}
    for which, decision in decided(world, mandated=mandated, published=published).items():
        rows = rows_of(world, which)
        reasons = [
            first_rule_that_fails([r for r in rows if r[6] > start], listed, rest=which.level == "gemeente")
            for start in (-1, *sorted(earlier))
        ]
        expected = next((r for r in reasons if r), "")
        assert decision.reason.split(" ")[0] == expected
        if decision.released:
            assert decision.euros == rounded_euros(sum(r[7] for r in rows), P)


@settings(max_examples=40, deadline=None)
@given(contributions(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_rows_cut_in_two_change_no_decision(world, random) -> None:
    before = decided(world)
    cut = [half for row in world for half in ((*row[:7], row[7] - 700, 0), (*row[:7], 700, 0))]
    random.shuffle(cut)
    assert decided(cut) == before


@settings(max_examples=40, deadline=None)
@given(contributions())
def test_a_published_parent_is_the_sum_of_its_children_to_the_rounding(world) -> None:
    found = decided(world)
    children = [cell("WK990101"), cell("WK990201")]
    if all(c in found and found[c].released for c in [*children, cell("GM9901P")]):
        assert abs(found[cell("GM9901P")].euros - sum(found[c].euros for c in children)) <= 500 * 3


@settings(max_examples=40, deadline=None)
@given(contributions(), st.lists(st.integers(0, 1), min_size=1, max_size=2, unique=True))
def test_an_earlier_publication_never_sets_a_held_cell_free(world, earlier) -> None:
    alone = decided(world)
    after = decided(world, published={which: sorted(earlier) for which in alone})
    assert not [c for c, d in after.items() if d.released and not alone[c].released]


@given(st.integers(-(10**13), 10**13))
def test_a_rounded_figure_is_a_multiple_within_half_the_base_and_mirrors_its_sign(cents: int) -> None:
    euros = rounded_euros(cents, P)
    assert euros % P.euros_base == 0
    assert abs(euros * 100 - cents) * 2 <= P.euros_base * 100
    assert rounded_euros(-cents, P) == -euros


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_households_never_show_as_fewer(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert rounded_households(low, P) <= rounded_households(high, P)
    assert rounded_households(high, P) == 0 or rounded_households(high, P) >= 10
