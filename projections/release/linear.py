"""What follows exactly from published figures by adding and subtracting any of them, across areas and groups at once.

A figure is a set of atoms, one for each finest area and finest group. It follows from others when its indicator lies in the space theirs span. All
that is needed of the atoms is how many of them two figures share, so nothing is as large as the atoms are many.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from projections.release.cells import TYPES_OF_GROUP, CellId
from projections.release.sums import Tree
from schemas.care import Group

Floats = NDArray[np.float64]
_NOTHING_LEFT: Final = 1e-7
"""Of a figure's atoms, the part that may be left over where it follows; numbers of atoms are whole."""
_FINEST: Final = {
    g.value: frozenset(TYPES_OF_GROUP.get(g.value, (g.value,))) for g in Group if g is not Group.TOTAL
}  # fmt: skip


def finest_groups(group: str) -> frozenset[str]:
    """The groups and care types of which none is published more finely that a group consists of."""
    if group == Group.TOTAL.value:
        return frozenset().union(*_FINEST.values())
    return _FINEST.get(group, frozenset({group}))


@dataclass(slots=True)
class _Place:
    """Where a cell stands: its level's unit and number, and how many finest areas it has."""

    chain: tuple[str, ...]
    leaves: int


@dataclass
class Followed:
    """Figures that follow from a set of published ones. `weights`: figure -> those that take part, with their factors."""

    weights: dict[CellId, dict[CellId, float]] = field(default_factory=dict)

    def __contains__(self, cell: CellId) -> bool:
        """Whether it is published or follows."""
        return cell in self.weights


@dataclass
class Linear:
    """The figures of one service year. `tree`: all of them, with the sums they stand in."""

    tree: Tree

    @cached_property
    def cells(self) -> list[CellId]:
        """Every figure there is, in the order of their ids."""
        return sorted(self.tree.number)

    @cached_property
    def _index(self) -> dict[CellId, int]:
        return {c: i for i, c in enumerate(self.cells)}

    @cached_property
    def _shared(self) -> Floats:
        """How many atoms each two figures share."""
        places = [self._place(c) for c in self.cells]
        kinds = sorted({c.group for c in self.cells})
        at = [kinds.index(c.group) for c in self.cells]
        groups = np.array([[len(finest_groups(a) & finest_groups(b)) for b in kinds] for a in kinds], dtype=float)
        leaves = np.array([p.leaves for p in places], dtype=float)
        found = np.zeros((len(places), len(places)))
        below: dict[tuple[str, ...], list[int]] = {}
        for i, place in enumerate(places):
            for depth in range(1, len(place.chain) + 1):
                below.setdefault(place.chain[:depth], []).append(i)
        for i, place in enumerate(places):
            inside = np.array(below[place.chain])
            found[i, inside] = found[inside, i] = leaves[inside]
        overlap: Floats = found * groups[np.ix_(at, at)]
        return overlap

    def _place(self, cell: CellId) -> _Place:
        """The areas around a cell from the gemeente down, and its finest areas."""
        number = self.tree.number[cell]
        if cell.level == "gemeente":
            return _Place(("rest", str(number)), 1)
        depth = {"placed": 0, "wijk": 1, "buurt": 2, "cluster": 3}[cell.level]
        chain = ("placed", *(str(number // 100 ** (depth - d)) for d in range(depth + 1)))
        return _Place(chain, self._leaves(cell.level, number))

    def _leaves(self, level: str, number: int) -> int:
        if level == "cluster":
            return 1
        lower = {"placed": "wijk", "wijk": "buurt", "buurt": "cluster"}[level]
        inside = self._areas.get((lower, number), ())
        return sum(self._leaves(lower, n) for n in inside) or 1

    @cached_property
    def _areas(self) -> dict[tuple[str, int], list[int]]:
        found: dict[tuple[str, int], list[int]] = {}
        for level, number in sorted({(c.level, n) for c, n in self.tree.number.items()}):
            found.setdefault((level, number // 100), []).append(number)
        return found

    def followed(self, published: Collection[CellId]) -> Followed:
        """All figures that are published or follow from those that are."""
        known = sorted(self._index[c] for c in published if c in self._index)
        if not known:
            return Followed()
        shared = self._shared
        values, vectors = np.linalg.eigh(shared[np.ix_(known, known)])
        keep = values > values[-1] * 1e-10
        inverse = (vectors[:, keep] / values[keep]) @ vectors[:, keep].T
        factors = inverse @ shared[known, :]
        left = np.diag(shared) - np.einsum("ij,ij->j", shared[known, :], factors)
        found = Followed()
        for i in np.flatnonzero(left <= _NOTHING_LEFT * np.diag(shared)).tolist():
            parts = np.flatnonzero(np.abs(factors[:, i]) > 1e-6).tolist()
            found.weights[self.cells[i]] = {self.cells[known[p]]: float(factors[p, i]) for p in parts}
        return found

    def epochs(self, published: dict[CellId, Iterable[int]]) -> dict[int, Followed]:
        """Epoch -> what followed from the figures of that epoch alone."""
        of_epoch: dict[int, set[CellId]] = {}
        for cell, epochs in published.items():
            for epoch in epochs:
                of_epoch.setdefault(epoch, set()).add(cell)
        return {epoch: self.followed(cells) for epoch, cells in sorted(of_epoch.items())}
