"""Streets of whole clusters as figures of their own: what they sum, what is held beside them, and what becomes of one that is no street any more."""

from __future__ import annotations

import pytest
from audit_worlds import an_audit
from release_builders import P, a_contribution, cell, held_too, some

from projections.release.audit.holds import COMPLEMENTARY
from projections.release.audit.targets import targets
from projections.release.audit.views import views
from projections.release.cells import CellId
from projections.release.linear import Linear
from projections.release.rounding import rounded_euros
from projections.release.sums import Tree, all_areas
from schemas.geography import clusters_of_street, is_street, parent_code, street_code

FIRST, SECOND, THIRD, FOURTH = (9901_01_01_01 + n for n in range(4))
ELSEWHERE = 9901_02_01_01
FINEST = (FIRST, SECOND, THIRD, FOURTH, ELSEWHERE)
AREAS = {
    "gemeente": [9901], "placed": [9901], "wijk": [990101, 990201], "buurt": [99010101, 99020101], "cluster": list(FINEST),
}  # fmt: skip
ADDRESSES = {FIRST: 300, SECOND: 260, THIRD: 240, FOURTH: 220, ELSEWHERE: 400}
LONG = "BU99010101.01_02"
STREET, BUURT = cell(LONG), cell("BU99010101")
C1, C2, C3, C4 = (cell(f"BU99010101.{n:02d}") for n in range(1, 5))


def a_town(**counts: int) -> list[tuple]:
    """Thirty households in each cluster, but for those named (c1, c2, ...) with so many."""
    return [
        row for nth, area in enumerate(FINEST, 1) for row in some(counts.get(f"c{nth}", 30), first=100 * nth, area=area)
    ]


def decided(world: list[tuple], **more: object) -> dict[CellId, object]:
    return held_too(world, areas=AREAS, addresses=ADDRESSES, **{"streets": [LONG], **more})  # type: ignore[arg-type]


def test_the_code_of_a_street_says_which_clusters_it_is() -> None:
    assert street_code([SECOND, FIRST]) == LONG
    assert clusters_of_street(LONG) == (FIRST, SECOND)
    assert parent_code(LONG) == "BU99010101"
    assert is_street(LONG)
    assert not is_street("BU99010101.01")


@pytest.mark.parametrize("clusters", [[FIRST], [FIRST, FIRST], [FIRST, ELSEWHERE], [FIRST, 9901_01_01_00], []])
def test_one_cluster_and_clusters_of_two_buurten_make_no_street(clusters) -> None:
    with pytest.raises(ValueError, match="two or more clusters of one buurt"):
        street_code(clusters)


@pytest.mark.parametrize(
    "code", ["BU99010101.01", "BU99010101.02_01", "BU99010101.01_01", "BU99010101.00_01", "WK990101.01_02"]
)
def test_what_is_not_the_code_of_a_street_is_refused(code) -> None:
    with pytest.raises(ValueError, match="looks like"):
        clusters_of_street(code)


def test_a_street_is_the_sum_of_its_clusters_and_has_a_total_only() -> None:
    found = decided(a_town())
    assert found[STREET].released
    assert found[STREET].euros == rounded_euros(60 * 100_00, P)
    assert found[STREET].households is None
    assert [c for c in found if c.level == "street"] == [STREET]


def test_streets_are_decided_with_their_buurt_once_a_quarter() -> None:
    assert not [c for c in decided(a_town(), month=2) if c.level == "street"]


def test_where_there_are_no_streets_there_are_none_of_their_cells_and_everything_else_is_as_with_one_that_holds_nothing() -> None:  # fmt: skip
    without, beside = decided(a_town(), streets=()), decided(a_town())
    assert {c: d for c, d in beside.items() if c != STREET} == without


def test_a_street_shows_what_its_clusters_can_not() -> None:
    found = decided(a_town(c1=8, c2=9))
    assert found[STREET].released
    assert not found[C1].released
    assert not found[C2].released


def test_a_cluster_does_not_follow_from_its_street_without_the_others_of_it() -> None:
    """The first is held as one of three households; beside the fourth, held too, the buurt alone would let the second out."""
    world = a_town(c1=3, c4=8)
    assert decided(world, streets=())[C2].released
    found = decided(world)
    assert found[STREET].released
    assert not found[C1].released
    assert found[C2].reason == COMPLEMENTARY


def test_what_is_left_of_a_buurt_without_its_streets_passes_the_rules_too() -> None:
    """All four are held, together they pass; without the street twelve households would be left, eight without their largest provider."""
    found = decided(a_town(c1=8, c2=8, c3=6, c4=6))
    assert found[BUURT].released
    assert found[STREET].reason == COMPLEMENTARY


def test_a_street_that_fails_by_itself_holds_one_of_its_clusters() -> None:
    """Sixteen households moved within the street and four came: enough changed in each of its clusters, and four in the street."""
    moved = [
        row
        for h in range(100, 116)
        for row in (
            a_contribution(h, area=FIRST, cents=-100_00, epoch=5),
            a_contribution(h, area=SECOND, cents=100_00, epoch=5),
        )
    ]
    world = [*a_town(c1=40), *moved, *some(4, first=900, area=SECOND, epoch=5)]
    published = {c: [2] for c in (C1, C2, STREET)}
    found = decided(world, epoch=5, published=published)
    assert found[STREET].reason == "safe since 2"
    assert {found[C1].reason, found[C2].reason} == {"", COMPLEMENTARY}


def test_a_street_that_is_none_any_more_is_not_decided_and_still_counts_as_published() -> None:
    """Its two clusters are published again, and three households more are what they changed by since."""
    world = [*a_town(), *some(3, first=900, area=FIRST, epoch=5), *some(30, first=950, area=THIRD, epoch=5)]
    alone = decided(world, epoch=5, streets=())
    found = decided(world, epoch=5, streets=(), published={STREET: [2]})
    assert {alone[c].reason for c in (C1, C2)} == {""}
    assert STREET not in found
    assert COMPLEMENTARY in {found[c].reason for c in (C1, C2)}


def test_figures_that_follow_are_found_across_streets() -> None:
    tree = Tree.of(all_areas(AREAS, []), 2025, ((FIRST, SECOND),), [cell("BU99010101.02_03")])
    linear = Linear(tree)
    followed = linear.followed({BUURT, STREET, C3}).weights
    assert followed[C4] == pytest.approx({BUURT: 1, STREET: -1, C3: -1})
    assert C1 not in followed
    assert cell("BU99010101.02_03") in linear.followed({C2, C3})


def test_the_second_household_of_a_street_is_one_of_the_audits_readers() -> None:
    """The street's largest is in the first cluster; the next is in the second, and of nothing else the second."""
    world = [
        *a_town(), a_contribution(1, area=FIRST, cents=9_000_00), a_contribution(2, area=SECOND, cents=8_000_00),
        a_contribution(3, area=THIRD, cents=8_500_00), a_contribution(4, area=FIRST, cents=7_000_00),
    ]  # fmt: skip
    beside = {}
    for streets in ((), ((FIRST, SECOND),)):
        audit = an_audit(world, AREAS, streets=streets)
        second = next(v for v in views(audit.amounts) if v.second)
        sizes = second.per_household(second.cents)[:, -1]
        largest = int(sizes.argmax())
        readers = {int(sizes[b]) for t in targets(second, (largest, 0, 0)) for b in t.beside}
        beside[streets] = readers
    assert 8_000_00 not in beside[()]
    assert beside[(FIRST, SECOND),] == beside[()] | {8_000_00}


def test_the_ggz_of_a_street_is_bounded_where_that_of_no_other_area_is() -> None:
    """Eight households of its two clusters have GGZ worth EUR 40,000 and little else; the other clusters of the buurt have more GGZ, and more of all."""
    world = [
        a_contribution(n, cents=5_000_00, care="zvw-ggz", provider=n, area=FIRST if n % 2 else SECOND) for n in range(8)
    ]
    world += [
        a_contribution(20 + n, cents=200_00, provider=9 + n % 4, area=FIRST if n % 2 else SECOND) for n in range(16)
    ]
    world += [a_contribution(50 + n, cents=5_000_00, care="zvw-ggz", provider=n % 8, area=THIRD) for n in range(12)]
    world += [a_contribution(70 + n, cents=5_000_00, care="zvw-overig", provider=n % 8, area=THIRD) for n in range(40)]
    watched = {}
    for streets in ((), ((FIRST, SECOND),)):
        released = {BUURT, STREET} if streets else {BUURT}
        found = an_audit(world, AREAS, streets=streets).breaks(released)
        watched[streets] = {(b.role, len(b.target.areas)) for b in found}
    assert watched[()] == set()
    assert watched[(FIRST, SECOND),] == {("outsider, GGZ of areas", 2), ("funder, GGZ of areas", 2)}
