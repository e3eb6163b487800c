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
_INSIDE: Final = {"cluster": (1, 0), "buurt": (100, 1), "wijk": (10_000, 101), "placed": (1_000_000, 10_101)}
"""Level -> how many finest areas its numbers have room for, and the number of the first inside."""
_FINEST: Final = {
    g.value: frozenset(TYPES_OF_GROUP.get(g.value, (g.value,))) for g in Group if g is not Group.TOTAL
}  # fmt: skip


def finest_groups(group: str) -> frozenset[str]:
    """The groups and care types of which none is published more finely that a group consists of."""
    if group == Group.TOTAL.value:
        return frozenset().union(*_FINEST.values())
    return _FINEST.get(group, frozenset({group}))


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
        kinds = sorted({c.group for c in self.cells})
        groups = np.array([[len(finest_groups(a) & finest_groups(b)) for b in kinds] for a in kinds], dtype=float)
        kind = [kinds.index(c.group) for c in self.cells]
        of_area = {(c.level, c.area): c for c in self.cells}
        place = {known: i for i, known in enumerate(of_area)}
        area = [place[c.level, c.area] for c in self.cells]
        finest = self._finest()
        inside = np.array([self.tree.covers(c, finest) for c in of_area.values()], dtype=float)
        overlap: Floats = (inside @ inside.T)[np.ix_(area, area)] * groups[np.ix_(kind, kind)]
        return overlap

    def _finest(self) -> NDArray[np.int64]:
        """Numbers of the finest areas: the clusters, the rest of a gemeente, and one inside of each area of which no cluster is known."""
        at = {level: {n for c, n in self.tree.number.items() if c.level == level} for level in _INSIDE}
        found = set(at["cluster"])
        for level, (unit, first) in _INSIDE.items():
            found |= {n * unit + first for n in at[level] - {f // unit for f in found}}
        rest = {n * 1_000_000 for c, n in self.tree.number.items() if c.level == "gemeente"}
        return np.array(sorted(found | rest), dtype=np.int64)

    def followed(self, published: Collection[CellId], *, from_what: bool = True) -> Followed:
        """All figures that are published or follow from those that are. `from_what`: with weights; else these are empty."""
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
            parts = np.flatnonzero(np.abs(factors[:, i]) > 1e-6).tolist() if from_what else []
            found.weights[self.cells[i]] = {self.cells[known[p]]: float(factors[p, i]) for p in parts}
        return found

    def epochs(self, published: dict[CellId, Iterable[int]]) -> dict[int, Followed]:
        """Epoch -> what followed from the figures of that epoch alone, without weights."""
        of_epoch: dict[int, set[CellId]] = {}
        for cell, epochs in published.items():
            for epoch in epochs:
                of_epoch.setdefault(epoch, set()).add(cell)
        found = {
            cells: self.followed(cells, from_what=False) for cells in {frozenset(cells) for cells in of_epoch.values()}
        }
        return {epoch: found[frozenset(cells)] for epoch, cells in sorted(of_epoch.items())}
