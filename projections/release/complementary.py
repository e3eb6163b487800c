"""Holds that keep held cells from following by subtraction: step 2 of an epoch, to a fixpoint.

For each sum and every window between two publications of its parent (and since the start), the children that are not published at both ends
are what a reader can derive together: at least two, and they pass all of step 1. Else one more child is held: that with the fewest addresses, of
groups the first in a fixed order, never by amount, since that would tell; and when there is none left, the parent. The same is asked of what is left of the pool
without whatever of it is published more finely, by areas, by groups, and by both; there the finer figures are held, not the sum: people look for totals.
A parent that is held, for whatever reason, holds a child of each sum below it. Then what follows from all figures of an epoch at once, across areas and
groups (`projections.release.linear`), passes the rules too, or one of the figures it follows from is held.

Of the third step's remainders (a parent without published children, over every pair of epochs) this covers those whose window begins and ends with the parent, those of which every cell was
published at one earlier epoch, and those in which each held child is taken off as it was last published; `linear` covers every single figure that follows from all figures of one epoch, over every
window in which it does. What mixes more epochs than that, and rounding, and what a reader knows besides, are rows of the programmes (`projections.release.audit`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from projections.release.cells import CellId
from projections.release.linear import Followed, Linear
from projections.release.pools import START, Pools
from projections.release.sums import By, Sum
from schemas.care import Group

_FIRST_HELD: Final = (Group.PARTICIPATIEWET.value, Group.JEUGDWET.value, Group.OVERIG.value, Group.WMO.value)
"""Of the groups of a total; care types of a group are held in the order of their names."""
_WAYS: Final[tuple[tuple[By, ...], ...]] = (("group",), ("area",), ("area", "group"), ("group", "area"))


@dataclass(slots=True)
class Complementary:
    """The holds of one service year at one epoch.

    `released`: what step 1 lets through, less what is held here; `published`: epochs at which a cell was released before;
    `addresses`: how many addresses a cell's area has.
    """

    pools: Pools
    released: set[CellId]
    published: Mapping[CellId, Sequence[int]]
    addresses: Callable[[CellId], int]
    held: list[CellId] = field(default_factory=list)
    _linear: Linear | None = None
    _before: Mapping[int, Followed] = field(default_factory=dict)

    def run(self) -> list[CellId]:
        """Hold until nothing follows; what was held, in order. Deterministic: ties by cell id. May be run again after more was held."""
        if self._linear is None:
            self._linear, year = Linear(self.pools.tree), set(self.pools.tree.number)
            self._before = self._linear.epochs({c: e for c, e in self.published.items() if c in year})
        while True:
            self._sums()
            broken = self._that_follows(self._linear, self._before)
            if broken is None:
                return self.held
            self.hold(min(broken, key=lambda c: (rank(c), self.addresses(c), c)))

    def _that_follows(self, linear: Linear, before: Mapping[int, Followed]) -> dict[CellId, float] | None:
        """Published figures from which one follows that does not pass the rules over some window; None where there is none."""
        now = linear.followed(self.released)
        for cell, parts in now.weights.items():
            starts = [START, *(epoch for epoch, followed in before.items() if cell in followed)]
            unjudged = [s for s in starts if not self._at_both_ends(cell, s)]
            if not all(self.pools.passes(frozenset({cell}), s) for s in unjudged):
                return {c: w for c, w in parts.items() if c != cell} or parts
        return None

    def _sums(self) -> None:
        before = -1
        while before != len(self.held):
            before = len(self.held)
            for one in self.pools.tree.sums:
                if one.parent in self.released:
                    self._of_released(one)
                elif all(child in self.released for child in one.children):
                    self.hold(self._least(one, list(one.children)))

    def _of_released(self, one: Sum) -> None:
        for start in (START, *sorted(self.published.get(one.parent, ()))):
            while (pool := self._pool(one, start)) and not self._is_safe(one, pool, start):
                candidates = [c for c in one.children if c not in pool]
                if not candidates:
                    self.hold(one.parent)
                    return
                self.hold(self._least(one, candidates))
        while not self._last_known_is_safe(one):
            candidates = [c for c in one.children if c in self.released]
            if not candidates:
                self.hold(one.parent)
                return
            self.hold(self._least(one, candidates))

    def _last_known_is_safe(self, one: Sum) -> bool:
        """Whether a sum passes without what each held child was when it was last published, whichever epochs these are.

        Also where held children are counted by what is published more finely inside of them, by groups or by areas.
        """
        if one.parent not in self.released:
            return True
        pool = [c for c in one.children if c not in self.released]
        for way in ((), *_WAYS):
            held = self._finest(pool, START, way, [])
            since = frozenset((c, max(self.published.get(c, ()), default=START)) for c in held)
            if not self.pools.passes_since(since):
                return False
        return True

    def _pool(self, one: Sum, start: int) -> list[CellId]:
        return [c for c in one.children if not self._at_both_ends(c, start)]

    def _at_both_ends(self, cell: CellId, start: int) -> bool:
        return cell in self.released and (start == START or start in self.published.get(cell, ()))

    def _is_safe(self, one: Sum, pool: list[CellId], start: int) -> bool:
        """Whether a pool may follow; the only part of a sum is the sum itself. Where it may as whole cells only, what is published more finely inside of it is held, one after the other."""
        if len(pool) < min(2, len(one.children)) or not self._passes(pool, start, ()):
            return False
        for way in _WAYS:
            while not self._passes(pool, start, way):
                finer: list[CellId] = []
                self._finest(pool, start, way, finer)
                self.hold(min(finer, key=lambda c: (rank(c), self.addresses(c), c)))
        return True

    def _passes(self, pool: list[CellId], start: int, way: tuple[By, ...]) -> bool:
        cells = frozenset(self._finest(pool, start, way, []))
        return all(self.pools.passes(cells, s) for s in self._known_at(cells, start))

    def _known_at(self, cells: frozenset[CellId], start: int) -> list[int]:
        """The beginnings of the windows over which a pool follows: `start`, and each epoch at which every cell of it was published itself."""
        if start != START or not cells:
            return [start]
        common = set.intersection(*(set(self.published.get(c, ())) for c in cells))
        return [start, *sorted(common)]

    def _finest(self, pool: list[CellId], start: int, way: tuple[By, ...], finer: list[CellId]) -> list[CellId]:
        """What of a pool is not published more finely, one step of the way after the other; what is goes into `finer`."""
        cells = pool
        for by in way:
            cells = [x for c in cells for x in self._held_below(c, start, by, finer)]
        return cells

    def _held_below(self, cell: CellId, start: int, by: By, finer: list[CellId]) -> list[CellId]:
        below = self.pools.tree.below(cell, by)
        if below is None:
            return [cell]
        held = []
        for child in below.children:
            if self._at_both_ends(child, start):
                finer.append(child)
            else:
                held += self._held_below(child, start, by, finer)
        return held

    def _least(self, one: Sum, candidates: list[CellId]) -> CellId:
        if one.by == "area":
            return min(candidates, key=lambda c: (self.addresses(c), c))
        return min(candidates, key=lambda c: (rank(c), c))

    def hold(self, cell: CellId) -> None:
        """Hold one cell that is released."""
        self.released.discard(cell)
        self.held.append(cell)


def rank(cell: CellId) -> int:
    """Care types are held before groups, groups in their order, totals last."""
    if cell.group == Group.TOTAL.value:
        return len(_FIRST_HELD) + 1
    return _FIRST_HELD.index(cell.group) + 1 if cell.group in _FIRST_HELD else 0
