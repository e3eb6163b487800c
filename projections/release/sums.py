"""Which figures add up to which: gemeente (placed) of wijken, wijk of buurten, buurt of clusters; total of groups, group of care types.

A buurt with streets is two sums: of its clusters, and of its streets and the clusters outside them; each street is one of its clusters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from projections.release.cells import GROUPS, LAYERS, TYPES_OF_GROUP, CellId, Layer, Street
from schemas.care import Group
from schemas.geography import clusters_of_street

By = Literal["area", "group"]
LAYER: Final = {layer.level: layer for layer in LAYERS}
_CHILD_LEVEL: Final = {"placed": "wijk", "wijk": "buurt", "buurt": "cluster"}
_PARTS: Final = {Group.TOTAL.value: tuple(g for g in GROUPS if g != Group.TOTAL.value), **TYPES_OF_GROUP}


@dataclass(frozen=True, slots=True, order=True)
class Sum:
    """One figure that is exactly the sum of others."""

    parent: CellId
    by: By
    children: tuple[CellId, ...]


@dataclass(slots=True)
class Tree:
    """All sums of one service year, from above to below. `number`: area number of a cell, as its layer numbers it.

    Streets that were published before and are none any more (`known`) are cells of it and stand in no sum: they are not decided again.
    """

    sums: list[Sum] = field(default_factory=list)
    number: dict[CellId, int] = field(default_factory=dict)
    _below: dict[tuple[CellId, By], Sum] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        areas: Mapping[str, Collection[int]],
        year: int,
        streets: tuple[Street, ...] = (),
        known: Iterable[CellId] = (),
    ) -> Tree:
        """`areas`: level -> all area numbers at it; `streets`: those with cells now, no two with a cluster in common; `known`: cells of streets published before."""
        tree = cls()
        children = _children(areas)
        for layer in LAYERS:
            for number in sorted(areas.get(layer.level, ())):
                cells = {g: tree.cell(layer, number, g, year) for g in layer.groups}
                lower = LAYER.get(_CHILD_LEVEL.get(layer.level, ""))
                for group, cell in cells.items():
                    inside = [cells[p] for p in _PARTS.get(group, ()) if p in cells]
                    tree._add(cell, "group", inside)
                    if lower is not None and group in lower.groups:
                        below = [tree.cell(lower, n, group, year) for n in children[layer.level, number]]
                        tree._add(cell, "area", below)
                        if layer.level == "buurt":
                            tree._with_streets(cell, below, [s for s in streets if s[0] // 100 == number])
        for cell in known:
            tree.number.setdefault(cell, clusters_of_street(cell.area)[0])
        return tree

    def _with_streets(self, buurt: CellId, clusters: list[CellId], streets: list[Street]) -> None:
        """The sums of a buurt's streets. What lies below the buurt is from then on its streets and the clusters outside them."""
        if not streets:
            return
        layer = replace(LAYER["street"], streets=tuple(streets))
        of = {s: [c for c in clusters if self.number[c] in s] for s in streets}
        cells = {s: self.cell(layer, s[0], buurt.group, buurt.service_year) for s in streets}
        inside = {c for own in of.values() for c in own}
        self._add(buurt, "area", [*cells.values(), *(c for c in clusters if c not in inside)])
        for street, own in of.items():
            self._add(cells[street], "area", own)

    def covers(self, cell: CellId, finest: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which finest areas (by number) a cell sums."""
        if cell.level == "street":
            return np.isin(finest, clusters_of_street(cell.area))
        inside: NDArray[np.bool_] = LAYER[cell.level].codes(finest) == self.number[cell]
        return inside

    @property
    def streets(self) -> list[str]:
        """Codes of the streets, those published before included."""
        return sorted({c.area for c in self.number if c.level == "street"})

    def cell(self, layer: Layer, number: int, group: str, year: int) -> CellId:
        """A cell, remembered with its area number."""
        cell = CellId(layer.level, layer.code_text(number), group, year)
        self.number[cell] = number
        return cell

    def _add(self, parent: CellId, by: By, children: list[CellId]) -> None:
        if children:
            made = Sum(parent, by, tuple(children))
            self.sums.append(made)
            self._below[parent, by] = made

    def below(self, cell: CellId, by: By) -> Sum | None:
        """The sum a cell is of areas or of groups, or None."""
        return self._below.get((cell, by))


def _children(areas: Mapping[str, Collection[int]]) -> dict[tuple[str, int], list[int]]:
    """(level, area number) -> numbers of the areas it consists of."""
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for parent, child in _CHILD_LEVEL.items():
        for number in sorted(areas.get(child, ())):
            found[parent, number // 100].append(number)
    return found


def all_areas(areas: Mapping[str, Collection[int]], finest: Iterator[int] | Collection[int]) -> dict[str, set[int]]:
    """Level -> area numbers of the geography and of contributions (`finest` areas) together."""
    found = {layer.level: set(areas.get(layer.level, ())) for layer in LAYERS}
    for area in finest:
        if area % 100 == 0:
            found["gemeente"].add(area // 1_000_000)
            continue
        for level, unit in (("placed", 1_000_000), ("wijk", 10_000), ("buurt", 100), ("cluster", 1)):
            found[level].add(area // unit)
    return found
