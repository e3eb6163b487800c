"""Shapes that tile a plane: buurten as blocks of a wobbly fine grid, so that neighbours share every corner. RD metres."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from random import Random
from typing import Final

Cell = tuple[int, int]
Point = tuple[float, float]
Ring = list[list[float]]

WEST_METRES, SOUTH_METRES = 145_000.0, 508_000.0
"""RD coordinates of the corner of the first plane: in the Markermeer, where nobody lives."""
CELL_METRES: Final = 110.0
_PER_BUURT: Final = 6
"""Fine cells across an average buurt, both ways."""
_WOBBLE: Final = 0.28


class Plane:
    """The fine grid of one municipality: which cells each buurt has, and the outline of any set of cells."""

    def __init__(self, random: Random, *, rows: Sequence[int], offset_metres: float) -> None:
        """`rows[r]`: how many buurten lie in row r. The left and right edges are straight, so that neighbours fit."""
        self.width = _PER_BUURT * max(rows)
        self.height = _PER_BUURT * len(rows)
        self.width_metres = self.width * CELL_METRES
        self._corners = {
            (x, y): self._corner(random, x, y, offset_metres)
            for x in range(self.width + 1)
            for y in range(self.height + 1)
        }
        self._lines = [self._line(random, _PER_BUURT * r) for r in range(1, len(rows))]
        self.blocks = [block for r, count in enumerate(rows) for block in self._row(random, r, count)]

    def _corner(self, random: Random, x: int, y: int, offset: float) -> Point:
        dx, dy = (random.uniform(-_WOBBLE, _WOBBLE) for _ in range(2))
        if x in (0, self.width):
            dx = 0.0
        east, north = WEST_METRES + offset + (x + dx) * CELL_METRES, SOUTH_METRES + (y + dy) * CELL_METRES
        return round(east, 1), round(north, 1)

    def _line(self, random: Random, height: int) -> list[int]:
        """Per column, where one row of buurten ends and the next begins: a line that wanders."""
        line, step = [], 0
        for _ in range(self.width):
            step = max(-1, min(1, step + random.choice((-1, 0, 0, 0, 1))))
            line.append(height + step)
        return line

    def _row(self, random: Random, row: int, count: int) -> list[list[Cell]]:
        share = self.width / count
        cuts = [0, *(round(share * i + random.uniform(-0.2, 0.2) * share) for i in range(1, count)), self.width]
        return [self._block(row, low, high) for low, high in itertools.pairwise(cuts)]

    def _block(self, row: int, low: int, high: int) -> list[Cell]:
        """The cells of a buurt, column by column, up and down: any run of them hangs together."""
        cells = []
        for x in range(low, high):
            bottom = self._lines[row - 1][x] if row else 0
            top = self._lines[row][x] if row < len(self._lines) else self.height
            column = [(x, y) for y in range(bottom, top)]
            cells += column if (x - low) % 2 == 0 else column[::-1]
        return cells

    def inside(self, cell: Cell, along: float, up: float) -> Point:
        """A point of a cell: parts of its width and height from its lower left corner."""
        x, y = cell
        corners = [self._corners[x + dx, y + dy] for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1))]
        weights = ((1 - along) * (1 - up), along * (1 - up), (1 - along) * up, along * up)
        east, north = (round(sum(w * c[axis] for w, c in zip(weights, corners, strict=True)), 1) for axis in (0, 1))
        return east, north

    def outlines(self, cells: Iterable[Cell]) -> list[Ring]:
        """The closed outlines of a set of cells, counter-clockwise."""
        edges: dict[tuple[Cell, Cell], None] = {}
        for x, y in cells:
            round_trip = ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y))
            for edge in itertools.pairwise(round_trip):
                if (edge[1], edge[0]) in edges:
                    del edges[edge[1], edge[0]]
                else:
                    edges[edge] = None
        following: dict[Cell, list[Cell]] = {}
        for start, end in edges:
            following.setdefault(start, []).append(end)
        rings = []
        while following:
            start = at = next(iter(following))
            ring = [list(self._corners[start])]
            while True:
                ends = following[at]
                after = ends.pop()
                if not ends:
                    del following[at]
                at = after
                ring.append(list(self._corners[at]))
                if at == start:
                    break
            rings.append(ring)
        return rings


def parts(cells: Sequence[Cell], count: int) -> list[list[Cell]]:
    """The cells of a buurt in `count` connected parts of about equal size."""
    cuts = [round(len(cells) * n / count) for n in range(count + 1)]
    return [list(cells[low:high]) for low, high in itertools.pairwise(cuts)]
