"""What is held because the audit broke: the finest released cell around each target, then a whole wijk, then everything.

After each round step 2 is repeated, since what is held now must not follow from the rest. Nothing here looks at amounts: which cell is held goes by its level,
its group's fixed order and its id.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from projections.release.audit.audit import Audit
from projections.release.audit.figures import REST, types_of
from projections.release.audit.judge import Break
from projections.release.audit.targets import place_of
from projections.release.cells import CellId
from projections.release.complementary import Complementary, rank
from projections.release.contributions import Ints
from schemas.geography import clusters_of_street

ROUNDS: Final = 50
"""After so many rounds nothing of the wijk is published."""
COMPLEMENTARY: Final = "complementary"
"""The reason of a hold that keeps others from following by subtraction."""
_FINEST_FIRST: Final = ("cluster", "street", "buurt", "wijk", "placed", "gemeente")
_BLOCK_OF_LEVEL: Final = {"cluster": 10_000, "street": 10_000, "buurt": 100, "wijk": 1}


@dataclass
class Holds:
    """The holds of one service year by steps 2 and 3. `reasons`: cell -> why it is held; `nothing`: nothing at all may be published this epoch."""

    complementary: Complementary
    audit: Audit
    rounds: int = ROUNDS
    reasons: dict[CellId, str] = field(default_factory=dict)
    nothing: bool = False
    _rounds_of: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _closed: set[int] = field(default_factory=set)

    def run(self) -> dict[CellId, str]:
        """Hold until no role can bound an amount closer than is promised."""
        while True:
            self._step_two()
            breaks = self.audit.breaks(self.complementary.released, one_per_place=True)
            if not breaks:
                return self.reasons
            if not self._held_for(breaks):
                self.nothing = True
                for cell in sorted(self.complementary.released):
                    self._hold(cell, "audit: nothing could be published")
                return self.reasons

    def _step_two(self) -> None:
        before = len(self.complementary.held)
        self.complementary.run()
        for cell in self.complementary.held[before:]:
            self.reasons.setdefault(cell, COMPLEMENTARY)

    def _held_for(self, breaks: list[Break]) -> bool:
        """One round: hold around every target. False where the wijken of one are closed already."""
        cells: dict[CellId, str] = {}
        close: set[int] = set()
        for block in {b for one in breaks for b in self._blocks(one)}:
            self._rounds_of[block] += 1
        for one in breaks:
            blocks = self._blocks(one)
            cell = self._finest(one)
            if blocks <= self._closed:
                return False
            if cell is None or any(self._rounds_of[b] > self.rounds for b in blocks - self._closed):
                close |= blocks
            else:
                cells.setdefault(cell, f"audit: {_role(one)}")
        for cell in sorted(cells):
            self._hold(cell, cells[cell])
        for cell in sorted(c for c in self.complementary.released if self._block(c) in close):
            self._hold(cell, "audit: wijk")
        self._closed |= close
        return True

    def _hold(self, cell: CellId, reason: str) -> None:
        self.reasons[cell] = reason
        self.complementary.hold(cell)

    def _blocks(self, one: Break) -> set[int]:
        return set(self.audit.books.blocks[self._places(one, one.target.areas)].tolist())

    def _places(self, one: Break, areas: Ints) -> Ints:
        """Finest areas of a break's amounts among all of them."""
        of_it = one.target.view.amounts.areas[areas]
        return np.searchsorted(self.audit.books.amounts.areas, of_it).astype(np.int64)

    def _block(self, cell: CellId) -> int | None:
        """The wijk a cell lies in, or the rest; None for the gemeente as placed."""
        if cell.level == "gemeente":
            return REST
        unit = _BLOCK_OF_LEVEL.get(cell.level)
        return None if unit is None else self.audit.tree.number[cell] // unit

    def _finest(self, one: Break) -> CellId | None:
        """The finest released cell around what the amount lies in."""
        areas, kinds = (np.array(part, dtype=np.int64) for part in place_of(one.target))
        areas = self._places(one, areas)
        finer = ("cluster", "street", "buurt") if one.target.view.amounts.by_wijk else ()
        numbers = {level: set(self.audit.books.codes(level)[areas].tolist()) for level in _FINEST_FIRST}
        around = [
            c for c in self.complementary.released
            if c.level not in finer and self._lies_around(c, numbers) and np.isin(types_of(c.group), kinds).any()
        ]  # fmt: skip
        return min(around, key=lambda c: (_FINEST_FIRST.index(c.level), rank(c), c), default=None)

    def _lies_around(self, cell: CellId, numbers: dict[str, set[int]]) -> bool:
        """Whether a cell sums some of the finest areas of which `numbers` has the number at each level."""
        if cell.level == "street":
            return not numbers["cluster"].isdisjoint(clusters_of_street(cell.area))
        return self.audit.tree.number[cell] in numbers[cell.level]


def _role(one: Break) -> str:
    """Which kind of reader; of a provider not which."""
    return "provider" if one.role.startswith("provider") else one.role
