"""SDC-12: the curve, the counts, rates and exports beside the euros. None of them tells, joined with the others, what one household costs."""

from __future__ import annotations

import numpy as np
import pytest
from curves import curves_attacked, most_of_one, said
from gate_switches import NO_ORDER, switched
from reading_releases import Released, concentrations
from releases import Switches
from roles import Read
from small_towns import CLUSTER, OTHER_CLUSTER, OTHER_WIJK, a_row, small

AREAS = (CLUSTER, OTHER_CLUSTER, OTHER_WIJK)
A_THOUSAND = {CLUSTER: 400, OTHER_CLUSTER: 300, OTHER_WIJK: 300}
ALL = range(1, 21)


def one_among_equals(first: float = 12) -> list:
    """Of a thousand households one has six times as much as each of the 44 that come next, and two hundred have next to nothing."""
    return [
        *(a_row("T", first / len(ALL), provider=p) for p in ALL),
        *(
            a_row(f"N{n}", 0.5, provider=1 + (7 * n + 3 * p) % 20, area=AREAS[n % 3], service=f"N{n}/{p}")
            for n in range(44)
            for p in range(4)
        ),
        *(a_row(f"O{n}", 0.05, provider=1 + n % 20, area=AREAS[n % 3]) for n in range(200)),
    ]


NO_AUDIT = switched()


def town_of(rows: list, switches: Switches = NO_AUDIT) -> Released:
    return small(rows, addresses=A_THOUSAND, switches=switches)


def test_unless_the_order_of_households_is_minded_the_curve_tells_what_the_largest_costs() -> None:
    broken = curves_attacked(Read.of(town_of(one_among_equals(), NO_ORDER)), 2)
    assert any(b.of.startswith("year of") and b.attacker.startswith("outsider") for b in broken.breaks)
    as_it_is = curves_attacked(Read.of(town_of(one_among_equals())), 2)
    assert as_it_is.attacked > 20
    assert as_it_is.breaks == []


def test_a_point_that_tells_too_much_is_left_out_and_the_others_stay() -> None:
    (with_all,), (less,) = (
        [c for c in concentrations(town_of(one_among_equals(), s).payloads, year=2025) if c.level == "placed"]
        for s in (NO_ORDER, NO_AUDIT)
    )
    assert [p for p, _ in with_all.curve] == [1, 2, 3, 5, 10, 15, 20, 25]
    assert less.curve
    assert set(less.curve) < set(with_all.curve)


@pytest.mark.parametrize("seed", range(3))
def test_no_curve_of_any_shape_tells_what_one_household_costs(seed: int) -> None:
    random = np.random.default_rng(seed)
    shapes = (
        random.choice([0.05, 2, 2.2], 260, p=[0.7, 0.2, 0.1]),
        np.r_[random.uniform(3, 14), np.where(np.arange(259) < 40, 2, 0.05)],
        random.lognormal(0, 1.5, 260),
    )
    care = ("wmo-01", "zvw-overig", "zvw-ggz", "pw-bijstand")
    amounts = shapes[seed] / shapes[seed].sum() * 100
    rows = [
        a_row(
            f"H{n}", a / 2, care=str(random.choice(care, p=[0.4, 0.35, 0.1, 0.15])), provider=int(random.integers(1, 13)),
            area=AREAS[n % 3], service=f"H{n}/{part}",
        )
        for n, a in enumerate(amounts.tolist()) for part in range(2)
    ]  # fmt: skip
    tally = curves_attacked(Read.of(town_of(rows)), 2)
    assert tally.attacked > 20
    assert tally.breaks == []


def test_who_knows_more_of_others_finds_less_room_for_one() -> None:
    of = next(said(Read.of(town_of(one_among_equals(), NO_ORDER))))
    nothing, all_second = np.zeros(44, dtype=np.int64), np.full(44, 2_000_000, dtype=np.int64)
    assert 12_000_000 <= most_of_one(of, all_second) <= most_of_one(of, nothing) < 12_000_000 * 1.25
