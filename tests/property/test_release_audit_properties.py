"""The audit on random small towns: pruning changes no answer, and whatever breaks is held."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))
from audit_worlds import an_audit, nothing_pruned, told
from release_builders import CLUSTER, OTHER_CLUSTER, OTHER_WIJK, P, a_contribution, decided

from projections.release.audit import audit as audits
from projections.release.audit.holds import Holds
from projections.release.complementary import Complementary
from projections.release.pools import Pools

FINEST = (CLUSTER, OTHER_CLUSTER, OTHER_WIJK)
AREAS = {
    "gemeente": [9901], "placed": [9901], "wijk": [990101, 990102], "buurt": [99010101, 99010201], "cluster": list(FINEST),
}  # fmt: skip
CARES = ("wmo-01", "jw-51", "zvw-ggz", "wlz-thuis")


def a_town(seed: int) -> list[tuple]:
    """A dozen or two households, few of them above what is promised to stay vague; credits, late deliveries."""
    random = Random(seed)
    out = []
    for household in range(1, random.randint(14, 24)):
        fields = {
            "area": random.choice(FINEST), "care": random.choice(CARES), "provider": 1 + random.randrange(2),
            "cents": random.choice((100, 150, 200, 240, 2_000, 9_000) if household < 7 else (100, 150, 200, 240)) * 100,
        }  # fmt: skip
        out.append(a_contribution(household, epoch=random.randrange(2), **fields))
        if random.random() < 0.1:
            out.append(a_contribution(household, epoch=1, **(fields | {"cents": -fields["cents"]})))
    return out


def released(world: list[tuple], *, epoch: int) -> set:
    """What step 1 lets through; with rules this small, step 1 asks for less than it does in earnest."""
    found = decided(world, epoch=epoch, month=3, areas=AREAS)
    some = {c for c, d in found.items() if d.released}
    return some or {c for c in found if c.level in ("placed", "wijk", "buurt") and c.group in ("total", "overig")}


class Unpruned(audits.Judge):
    """Every amount by the whole programme."""

    narrow_first = False

    def __post_init__(self) -> None:
        self.narrow_first = False


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**9))
def test_pruning_changes_no_answer(seed) -> None:
    world = a_town(seed)
    now = released(world, epoch=1)
    published = {c: [0] for c in sorted(released(world, epoch=0))[::2]}
    quick = an_audit(world, AREAS, epoch=1, published=published)
    plain = an_audit(world, AREAS, epoch=1, published=published)
    plain.prune, plain.judge = nothing_pruned, Unpruned
    assert told(quick.breaks(now)) == told(plain.breaks(now))


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**9))
def test_whatever_breaks_is_held_until_nothing_does(seed) -> None:
    world = a_town(seed)
    now = released(world, epoch=1)
    one = an_audit(world, AREAS, epoch=1)
    broken = one.breaks(now)
    holds = Holds(Complementary(Pools(one.tree, one.year, P), set(now), {}, lambda _: 1), one)
    reasons = holds.run()
    if broken:
        assert any(r.startswith("audit: ") for r in reasons.values()) or not holds.complementary.released & now
    assert not an_audit(world, AREAS, epoch=1).breaks(holds.complementary.released)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**9))
def test_one_break_of_each_place_holds_what_all_of_them_would(seed) -> None:
    world = a_town(seed)
    now = released(world, epoch=1)

    def held(audit) -> set:
        holds = Holds(Complementary(Pools(audit.tree, audit.year, P), set(now), {}, lambda _: 1), audit)
        return set(holds.run())

    class Every(type(an_audit(world, AREAS, epoch=1))):
        def breaks(self, released, *, one_per_place: bool = False) -> list:
            return super().breaks(released)

    all_of_them = an_audit(world, AREAS, epoch=1)
    all_of_them.__class__ = Every
    assert held(an_audit(world, AREAS, epoch=1)) == held(all_of_them)
