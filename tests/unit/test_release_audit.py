"""The audit by linear programmes, in worlds small enough that one reader can bound one amount and the others cannot."""

from __future__ import annotations

import numpy as np
import pytest
from audit_worlds import an_audit, broken_plainly, nothing_pruned, told
from highspy import HighsModelStatus
from release_builders import CLUSTER, OTHER_CLUSTER, OTHER_WIJK, REST, a_contribution, cell, held_too, some
from scipy.sparse import csc_matrix

from projections.release.audit import solver
from projections.release.audit.amounts import KINDS, not_withdrawn
from projections.release.audit.judge import Break, Judge
from projections.release.audit.points import everything
from projections.release.audit.targets import suspects_of
from projections.release.audit.views import views
from projections.release.gate import NOTHING

AREAS = {
    "gemeente": [9901],
    "placed": [9901],
    "wijk": [990101],
    "buurt": [99010101],
    "cluster": [CLUSTER, OTHER_CLUSTER],
}
HERE = cell("BU99010101.01")
MONTH, YEAR = 0, 1
TOTAL, OVERIG, GGZ = (KINDS.index(k) for k in ("total", "overig", "ggz"))
SMALL = 240_00  # nothing is promised of amounts up to EUR 250


def breaks(world, released=(HERE,), **more) -> set[tuple]:
    return told(an_audit(world, AREAS, **more).breaks(set(released)))


def both(world, released=(HERE,), **more) -> set[tuple]:
    """What breaks, checked against the same with every programme run and against plain programmes over the whole town."""
    found = breaks(world, released, **more)
    unpruned = an_audit(world, AREAS, **more)
    unpruned.prune = nothing_pruned
    assert told(unpruned.breaks(set(released))) == found
    assert broken_plainly(an_audit(world, AREAS, **more), released) == found
    return found


def roles(found: set[tuple]) -> set[str]:
    return {role for role, *_ in found}


def test_one_large_amount_beside_small_ones_is_bounded_by_everyone() -> None:
    found = both([a_contribution(1, cents=50_000_00, provider=1), *some(12, first=2, cents=SMALL, provider=2)])
    assert roles(found) == {"outsider", "second household", "provider 1"}
    assert ("outsider", 0, TOTAL, YEAR) in found


def test_twelve_alike_are_bounded_by_nobody() -> None:
    world = [a_contribution(h, cents=4_000_00, provider=1 + h % 3) for h in range(1, 13)]
    assert breaks(world) == set()


def test_what_the_other_large_household_can_bound_the_outsider_cannot() -> None:
    world = [a_contribution(1, cents=50_000_00, provider=1), a_contribution(2, cents=45_000_00, provider=1)]
    world += [a_contribution(h, cents=SMALL, provider=2 + h % 3) for h in range(3, 15)]
    found = breaks(world)
    assert roles(found) == {"second household"}
    assert {h for _, h, *_ in found} == {0, 1}


def test_what_a_provider_of_all_the_others_can_bound_nobody_else_can() -> None:
    world = [a_contribution(1, cents=20_000_00, provider=7), *some(12, first=2, cents=2_000_00, provider=8)]
    assert roles(breaks(world)) == {"provider 1"}, "of the two providers in order of their numbers the second"


def test_what_the_funder_can_bound_by_its_own_books_nobody_else_can() -> None:
    world = [a_contribution(1, cents=20_000_00, care="wlz-thuis", provider=9)]
    world += [a_contribution(h, cents=2_000_00, provider=1 + h % 3) for h in range(2, 16)]
    found = breaks(world)
    assert roles(found) == {"funder"}
    assert {kind for _, _, kind, _ in found} == {TOTAL, OVERIG}


def test_what_a_mandate_shows_the_funder_the_funder_without_it_cannot_bound() -> None:
    world = [
        a_contribution(h, cents=cents, care="wlz-thuis", provider=h) for h, cents in ((1, 20_000_00), (2, 15_000_00))
    ]
    world += [a_contribution(h, cents=2_000_00, provider=5 + h % 3) for h in range(3, 16)]
    assert not breaks(world), "two share what the funder cannot know; neither is a provider or the second of both"
    found = breaks(world, mandated=[2])
    assert roles(found) == {"funder with its mandates"}


def test_ggz_stays_vague_by_half_where_other_amounts_need_a_quarter() -> None:
    world = [a_contribution(1, cents=10_000_00, care="zvw-ggz", provider=1)]
    world += [a_contribution(h, cents=SMALL, care="zvw-wijkverpleging", provider=2) for h in range(2, 14)]
    more = [a_contribution(h, cents=SMALL, care="zvw-wijkverpleging", provider=3) for h in range(14, 20)]
    found = {(kind, epoch) for role, _, kind, epoch in breaks(world + more) if role == "outsider"}
    assert (GGZ, YEAR) in found, "EUR 10,000 of 13,500 to 14,500"
    assert (TOTAL, YEAR) not in found


def four_with_ggz(*, others: int) -> list[tuple]:
    """Nobody has much of the sum, and each has a provider of its own."""
    world = [a_contribution(h, cents=5_000_00, care="zvw-ggz", provider=h) for h in range(1, 5)]
    return world + [
        a_contribution(h, cents=cents, care="zvw-wijkverpleging", provider=5 + h % 3)
        for h, cents in enumerate([SMALL] * others, start=5)
    ]


def test_the_ggz_of_an_area_is_bounded_where_that_of_no_household_is() -> None:
    found = both(four_with_ggz(others=16))
    assert roles(found) == {"outsider, GGZ of areas", "funder, GGZ of areas"}, "EUR 20,000 of 23,340 to 24,340"
    assert {kind for _, _, kind, _ in found} == {GGZ}


def test_the_ggz_of_an_area_is_hidden_by_as_much_again_of_other_care() -> None:
    assert breaks(four_with_ggz(others=45)) == set(), "EUR 20,000 of 30,300 to 31,300"


def test_what_the_funder_pays_itself_hides_no_ggz_of_an_area_from_it() -> None:
    world = [*four_with_ggz(others=16), *(a_contribution(h, cents=3_000_00, provider=h) for h in range(30, 42))]
    assert roles(breaks(world)) == {"funder, GGZ of areas"}


def test_the_ggz_of_youth_care_is_hidden_too_where_other_ggz_lies_beside_it() -> None:
    """Two groups apart: of youth care there is hardly anything else, of other care there is enough."""
    world = [a_contribution(h, cents=5_000_00, care="jw-51", provider=h) for h in range(1, 5)]
    world += [a_contribution(h, cents=3_000_00, care="zvw-wijkverpleging", provider=h) for h in range(10, 30)]
    world += [a_contribution(h, cents=3_000_00, care="zvw-ggz", provider=h) for h in range(30, 34)]
    found = breaks(world, released=[HERE, cell("BU99010101", group="jeugdwet")])
    assert roles(found) == {"outsider, GGZ of areas"}


def test_the_ggz_of_a_buurt_follows_from_figures_of_its_clusters() -> None:
    """Each cluster hides its own beside what is held; together they tell it."""
    world = [
        a_contribution(h, cents=5_000_00, care="zvw-ggz", provider=h, area=CLUSTER if h % 2 else OTHER_CLUSTER)
        for h in range(1, 9)
    ]
    world += [a_contribution(h, cents=SMALL, care="zvw-overig", provider=9 + h % 4) for h in range(10, 26)]
    found = both(world, released=[cell("BU99010101")])
    assert roles(found) == {"outsider, GGZ of areas", "funder, GGZ of areas"}


TWO_WIJKEN = AREAS | {"wijk": [990101, 990102], "buurt": [99010101, 99010201], "cluster": [CLUSTER, OTHER_WIJK]}


def ggz_in_two_wijken() -> list[tuple]:
    world = []
    for first, area in ((1, CLUSTER), (101, OTHER_WIJK)):
        world += [
            a_contribution(first + n, cents=5_000_00, care="zvw-ggz", provider=1 + n, area=area) for n in range(4)
        ]
        world += [
            a_contribution(first + n, cents=SMALL, care="zvw-overig", provider=5 + n % 3, area=area)
            for n in range(5, 20)
        ]
    return world


def test_the_ggz_of_the_gemeente_is_bounded_where_that_of_no_wijk_is() -> None:
    found = an_audit(ggz_in_two_wijken(), TWO_WIJKEN).breaks({cell("GM9901P")})
    assert roles(told(found)) == {"outsider, GGZ of areas", "funder, GGZ of areas"}
    assert {len(b.target.areas) for b in found} == {2}, "of both wijken together"


def test_a_credit_of_its_own_bounds_an_amount_from_below() -> None:
    """Everybody else's month is known to be withdrawn, so what the sum fell by more is the target's."""
    world = [a_contribution(h, cents=6_000_00, provider=1) for h in range(1, 4)]
    world += [a_contribution(h, cents=-6_000_00, provider=1, epoch=1) for h in range(1, 4)]
    found = an_audit(world, AREAS, epoch=1, published={HERE: [0]})
    assert ("outsider", 0, TOTAL, 0) in told(found.breaks({HERE}))
    assert ("outsider", 0, TOTAL, 0) not in told(an_audit(world, AREAS, epoch=1, published={}).breaks(set()))


def test_what_earlier_epochs_tell_already_is_counted_and_holds_nothing_more() -> None:
    world = [a_contribution(1, cents=50_000_00), *some(12, first=2, cents=SMALL)]
    later = an_audit(world, AREAS, epoch=1, published={HERE: [0]})
    assert later.breaks(set()) == []
    assert later.counts.before > 0


@pytest.mark.parametrize(
    "mine", [{"second household", "funder"}, {"funder"}, {"second household"}, {"provider 1", "second household"}]
)
def test_whichever_roles_are_asked_about_an_amount_the_answers_are_those_of_whole_programmes(mine) -> None:
    world = [
        a_contribution(1, cents=20_000_00, care="wlz-thuis", provider=9),
        a_contribution(2, cents=9_000_00, care="wlz-thuis", provider=8),
    ]
    world += [a_contribution(h, cents=2_000_00, provider=1 + h % 3) for h in range(3, 16)]
    audit = an_audit(world, AREAS)
    asked: dict[tuple, list] = {}
    for view in (v for v in views(audit.amounts) if v.role in mine):
        for one in suspects_of(everything(view)):
            asked.setdefault(one.amount, []).append(one)
    quick, plain = (Judge(audit.programmes({HERE}), audit.before, narrow_first=n) for n in (True, False))
    told = {amount: [answer for answer, _ in quick.all(suspects)] for amount, suspects in asked.items()}
    assert told == {amount: [answer for answer, _ in plain.all(suspects)] for amount, suspects in asked.items()}


def test_narrowed_by_what_the_rule_says_of_everyone_is_counted_and_nothing_breaks() -> None:
    """Two of 48 and 25 percent: no programme without the rule comes near, with it none is above half."""
    world = [a_contribution(1, cents=48_000_00, provider=1), a_contribution(2, cents=25_000_00, provider=2)]
    world += [a_contribution(h, cents=2_700_00, provider=3 + h % 4) for h in range(3, 13)]
    audit = an_audit(world, AREAS)
    assert told(audit.breaks({HERE})) == set()
    assert audit.counts.excepted > 0


def test_the_rest_of_the_gemeente_is_audited_too() -> None:
    world = [a_contribution(1, cents=50_000_00, area=REST), *some(12, first=2, cents=SMALL, area=REST)]
    found = breaks(world, released=[cell("GM9901")])
    assert ("outsider", 0, TOTAL, YEAR) in found


def test_a_household_in_two_wijken_is_bounded_by_both_together() -> None:
    areas = AREAS | {"wijk": [990101, 990102], "buurt": [99010101, 99010201], "cluster": [CLUSTER, OTHER_WIJK]}
    world = [a_contribution(1, cents=30_000_00, area=a, provider=1) for a in (CLUSTER, OTHER_WIJK)]
    world += [a_contribution(h, cents=SMALL, area=a, provider=2) for a in (CLUSTER, OTHER_WIJK) for h in range(2, 14)]
    both_wijken = {cell("WK990101"), cell("WK990102")}
    assert ("outsider", 0, TOTAL, YEAR) in told(an_audit(world, areas).breaks(both_wijken))
    assert told(an_audit(world, areas).breaks({cell("WK990101")})) == set(), "the other half is not told"


def test_what_is_withdrawn_is_taken_from_the_epoch_with_its_amount_else_from_the_newest() -> None:
    assert not_withdrawn(np.array([[100, 70, -100, 0]])).tolist() == [[0, 70, 0, 0]]
    assert not_withdrawn(np.array([[100, 70, -90, 5]])).tolist() == [[80, 0, 0, 5]]
    assert not_withdrawn(np.array([[-40, 70, 0, 0]])).tolist() == [[0, 70, 0, 0]]


@pytest.mark.parametrize("status", ["kInfeasible", "kUnboundedOrInfeasible", "kTimeLimit", "kSolveError"])
def test_only_an_optimum_or_none_at_all_is_an_answer(monkeypatch, status) -> None:
    told = getattr(HighsModelStatus, status)
    monkeypatch.setattr(solver._Highs, "getModelStatus", lambda _: told)
    assert solver.solved(np.zeros(1), csc_matrix((0, 1)), np.array([[0.0, 1.0]])).status == "failed"


def test_a_solver_that_gives_up_is_a_break_and_nothing_is_published(monkeypatch) -> None:
    world = [a_contribution(1, cents=30_000_00, provider=1)]
    world += [a_contribution(h, cents=SMALL, provider=2 + h % 4, care="wmo-02") for h in range(2, 60)]
    assert any(d.released for d in held_too(world).values())
    monkeypatch.setattr(solver._Highs, "getModelStatus", lambda _: HighsModelStatus.kSolveError)
    found = held_too(world)
    assert not [d for d in found.values() if d.released]
    assert NOTHING in {d.reason for d in found.values()}


def test_breaks_come_in_an_order_that_no_amount_decides() -> None:
    world = [a_contribution(1, cents=50_000_00, provider=1), *some(12, first=2, cents=SMALL, provider=2)]
    found = an_audit(world, AREAS).breaks({HERE})
    assert found == sorted(found, key=Break.order)
