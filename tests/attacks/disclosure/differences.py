"""SDC-3: every figure that exact arithmetic derives from what was published, over every window, across areas and groups.

Two ways: what is left of a figure without those published inside of it, and all cells and windows in the space that all figures span (row reduction
modulo a prime, so that nothing is lost to rounding of numbers).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from attackers_truth import KINDS, Flags, Ints, kinds_in
from figures_table import Table
from reading_releases import Figure, inside

PRIME: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Difference:
    """What follows: `grid` (finest area x kind) over the epochs after `start` until `end`; `said` in words."""

    said: str
    grid: Flags
    start: int
    end: int

    def rows(self, table: Table) -> Flags:
        """The rows of the truth it sums."""
        truth = table.truth
        found: Flags = self.grid[truth.area, truth.kind] & (truth.epoch > self.start) & (truth.epoch <= self.end)
        return found


def _grid(table: Table, level: str, area: str, group: str) -> Flags:
    out = np.zeros((len(table.truth.areas), len(KINDS)), dtype=bool)
    out[np.ix_(np.flatnonzero(inside(level, area, table.truth.areas)), kinds_in(group))] = True
    return out


def remainders(table: Table) -> Iterator[Difference]:
    """Each published window of a cell, and what is left of it without the figures inside of it that were published at both its ends."""
    at: dict[int, set[tuple[str, str, str]]] = {}
    for figure in table.figures:
        at.setdefault(figure.epoch, set()).add(figure.cell)
    grids = {f.cell: _grid(table, *f.cell) for f in table.figures}
    for end, cells in sorted(at.items()):
        for start in (-1, *(s for s in sorted(at) if s < end)):
            both = cells if start < 0 else cells & at[start]
            for cell in sorted(both):
                yield Difference(f"{' '.join(cell)}, epochs {start + 1}-{end}", grids[cell], start, end)
                for way in ("area", "group", "area first", "group first"):
                    left = _left(grids, cell, both, way)
                    if left.any() and (left != grids[cell]).any():
                        yield Difference(
                            f"{' '.join(cell)} less what is inside by {way}, epochs {start + 1}-{end}", left, start, end
                        )


def _left(
    grids: dict[tuple[str, str, str], Flags], cell: tuple[str, str, str], both: Iterable[tuple[str, str, str]], way: str
) -> Flags:
    """What is left of a figure when each published figure that lies wholly in what is left so far is taken off, the widest first."""
    left = grids[cell].copy()

    def width(other: tuple[str, str, str]) -> tuple[int, int, tuple[str, str, str]]:
        areas, kinds = int(grids[other].any(axis=1).sum()), int(grids[other].any(axis=0).sum())
        return (-areas, -kinds, other) if way.startswith("area") else (-kinds, -areas, other)

    for other in sorted(both, key=width):
        of_way = {"area": other[2] == cell[2], "group": other[1] == cell[1]}.get(way, True)
        if other != cell and of_way and not (grids[other] & ~left).any():
            left &= ~grids[other]
    return left


def spanned(table: Table, cells: Iterable[tuple[str, str, str]]) -> Iterator[Difference]:
    """Each cell and window that is a combination of published figures, whatever their cells and epochs."""
    basis = _reduced(table.sums.astype(np.int64))
    for cell in sorted(set(cells)):
        grid = _grid(table, *cell)
        for end in range(table.epochs):
            for start in range(-1, end):
                wanted = _per_class(table, grid, start, end)
                if wanted is not None and not _rest_of(basis, wanted).any():
                    yield Difference(f"{' '.join(cell)} by combination, epochs {start + 1}-{end}", grid, start, end)


def _per_class(table: Table, grid: Flags, start: int, end: int) -> Ints | None:
    """The window as a row over classes, or None where it cuts a class."""
    atoms = np.zeros((*grid.shape, table.epochs), dtype=bool)
    atoms[:, :, start + 1 : end + 1] = grid[:, :, None]
    taken, out = table.class_of[atoms.ravel()], table.class_of[~atoms.ravel()]
    row = np.zeros(table.sums.shape[1], dtype=np.int64)
    row[taken] = 1
    return None if row[out].any() or table.unseen[taken].any() else row


def _reduced(rows: Ints) -> list[tuple[int, Ints]]:
    """The rows in echelon form modulo the prime: each with the place of its first number, which is one."""
    basis: list[tuple[int, Ints]] = []
    for row in rows:
        rest = _rest_of(basis, row)
        if rest.any():
            lead = int(np.flatnonzero(rest)[0])
            basis.append((lead, rest * pow(int(rest[lead]), -1, PRIME) % PRIME))
    return basis


def _rest_of(basis: list[tuple[int, Ints]], row: Ints) -> Ints:
    rest = row % PRIME
    for lead, one in basis:
        if rest[lead]:
            rest = (rest - rest[lead] * one) % PRIME
    return rest


def of_figure(table: Table, figure: Figure) -> Difference:
    """A published running total as a difference."""
    return Difference(" ".join(figure.cell), _grid(table, *figure.cell), -1, figure.epoch)
