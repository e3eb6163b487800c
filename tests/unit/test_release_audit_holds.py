"""What is held when the audit breaks: round after round, then the wijk, then everything; and the same again from scratch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from audit_worlds import an_audit
from release_builders import CLUSTER, OTHER_WIJK, P, a_contribution, cell, held_too, some

from projections.release.audit import audit as audits
from projections.release.audit.holds import Holds
from projections.release.audit.judge import Break
from projections.release.audit.targets import targets
from projections.release.audit.views import views
from projections.release.cells import CellId
from projections.release.complementary import Complementary
from projections.release.gate import NOTHING
from projections.release.pools import Pools

AREAS = {
    "gemeente": [9901], "placed": [9901], "wijk": [990101, 990102], "buurt": [99010101, 99010201], "cluster": [CLUSTER, OTHER_WIJK],
}  # fmt: skip
WORLD = [*some(40, area=CLUSTER, cents=400_00), *some(40, first=101, area=OTHER_WIJK, cents=400_00)]
HERE = {"WK990101", "BU99010101", "BU99010101.01"}


@dataclass
class Broken:
    """An audit that breaks for the first household of wijk 1 while `still` says so."""

    real: audits.Audit
    still: object
    seen: list[set[CellId]] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    def breaks(self, released: set[CellId], *, one_per_place: bool) -> list[Break]:
        assert one_per_place
        self.seen.append(set(released))
        view = next(views(self.real.amounts))
        amount = (0, 0, len(self.real.amounts.epochs))
        return [Break("outsider", targets(view, amount)[0], amount)] if self.still(released) else []


def holds(still, *, rounds: int = 50) -> tuple[Holds, Broken]:
    real = an_audit(WORLD, AREAS, epoch=2)
    broken = Broken(real, still)
    released = {c for c, d in held_too(WORLD, areas=AREAS).items() if d.released}
    complementary = Complementary(Pools(real.tree, real.year, P), released, {}, lambda _: 300)
    return Holds(complementary, broken, rounds=rounds), broken


def test_the_finest_cell_around_the_target_is_held_first_and_the_reason_names_the_role() -> None:
    finest = cell("BU99010101.01")
    found, _ = holds(lambda released: finest in released)
    assert found.run()[finest] == "audit: outsider"
    assert not found.nothing
    assert cell("GM9901P") in found.complementary.released


def test_cells_are_held_from_fine_to_coarse_while_it_breaks() -> None:
    found, broken = holds(lambda released: any(c.area in HERE for c in released))
    found.run()
    assert not found.nothing
    assert not [c for c in found.complementary.released if c.area in HERE]
    sizes = [len(s) for s in broken.seen]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes), "each round holds something more"


def test_there_are_fifty_rounds() -> None:
    assert holds(lambda _: False)[0].rounds == Holds.__dataclass_fields__["rounds"].default == 50


def test_after_the_rounds_nothing_of_the_wijk_is_published_and_the_gemeente_is() -> None:
    found, broken = holds(lambda released: any(c.area in HERE for c in released), rounds=1)
    reasons = found.run()
    assert "audit: wijk" in reasons.values()
    assert len(broken.seen) == 3, "one round for a cell, one for the wijk, and then nothing breaks"
    assert not found.nothing


def test_where_it_follows_even_then_nothing_at_all_is_published() -> None:
    found, _ = holds(lambda _: True, rounds=2)
    found.run()
    assert found.nothing
    assert not found.complementary.released


def test_a_year_that_may_not_be_published_takes_the_other_years_with_it(monkeypatch) -> None:
    monkeypatch.setattr(Holds, "run", lambda self: setattr(self, "nothing", True) or {})
    found = held_too(WORLD, areas=AREAS)
    assert NOTHING in {d.reason for d in found.values()}
    assert not [d for d in found.values() if d.released]


def test_an_epoch_recomputed_from_scratch_gives_the_same_decisions_in_any_order_of_rows() -> None:
    random = np.random.default_rng(3)
    cents = (random.lognormal(5, 1.5, 60) * 100).astype(int).tolist()
    world = [
        a_contribution(h, cents=c + 100, area=CLUSTER if h % 2 else OTHER_WIJK, epoch=h % 3, provider=1 + h % 3)
        for h, c in enumerate(cents, start=1)
    ]
    first = held_too(world, areas=AREAS)
    assert held_too([world[i] for i in random.permutation(len(world))], areas=AREAS) == first


def test_for_the_ggz_of_the_gemeente_no_figure_below_a_wijk_is_held_first() -> None:
    world = []
    for first, area in ((1, CLUSTER), (101, OTHER_WIJK)):
        world += [a_contribution(first + n, cents=500_000, care="zvw-ggz", provider=1 + n, area=area) for n in range(4)]
        world += [
            a_contribution(first + n, cents=24_000, provider=5 + n % 3, care="zvw-overig", area=area)
            for n in range(5, 20)
        ]
    real = an_audit(world, AREAS)
    released = {cell("GM9901P"), cell("BU99010101.01", group="total")}
    quiet = Complementary(Pools(real.tree, real.year, P), set(released), {}, lambda _: 300)
    found = Holds(quiet, real)
    breaks = [b for b in real.breaks({cell("GM9901P")}) if b.target.view.amounts.by_wijk]
    assert {found._finest(b) for b in breaks} == {cell("GM9901P")}
    assert {tuple(sorted(found._blocks(b))) for b in breaks} == {(990101, 990102)}
