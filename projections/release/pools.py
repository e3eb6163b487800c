"""What a reader can derive by subtraction, put to the rules: any set of cells of one service year, over any window, as one figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from projections.release.cells import IN_GROUP, CellId
from projections.release.contributions import Flags, Ints, Year
from projections.release.rules import Keys, Parameters, Rules
from projections.release.sums import Tree

START: Final = -1
"""The window since the start of the service year; others start after an earlier publication's epoch."""


@dataclass(slots=True)
class Pools:
    """The pools of one service year. Results are remembered: the fixpoint asks for many of them again."""

    tree: Tree
    year: Year
    parameters: Parameters
    _parts: dict[CellId, Flags] = field(default_factory=dict)
    _known: dict[frozenset[tuple[CellId, int]], bool] = field(default_factory=dict)

    def passes(self, cells: frozenset[CellId], start: int) -> bool:
        """Whether the sum of `cells` (no two overlap) since `start` passes all of step 1, each contributor's amounts netted over all of them."""
        return self.passes_since(frozenset((cell, start) for cell in cells))

    def passes_since(self, cells: frozenset[tuple[CellId, int]]) -> bool:
        """The same where each cell counts since an epoch of its own."""
        if cells not in self._known:
            self._known[cells] = self._passes(cells)
        return self._known[cells]

    def _passes(self, cells: frozenset[tuple[CellId, int]]) -> bool:
        y, since = self.year, np.full(len(self.year.contributor), -1)
        for cell, start in cells:
            since[self._part(cell)] = start + 1
        rows = np.flatnonzero(since >= 0)
        keys = Keys(
            cells=1, cell=np.zeros(len(rows), dtype=np.int64), contributor=y.contributor[rows], provider=y.provider[rows],
            overig=y.overig[rows], ggz=y.ggz[rows], mandated=y.mandated[rows], joined=y.joined[rows], erased=y.erased[rows],
        )  # fmt: skip
        cents: Ints = y.since[rows, since[rows]]
        return bool(Rules(keys, self.parameters).reasons(cents)[0] < 0)

    def _part(self, cell: CellId) -> Flags:
        if cell not in self._parts:
            self._parts[cell] = self.tree.covers(cell, self.year.area) & IN_GROUP[cell.group][self.year.care]
        return self._parts[cell]
