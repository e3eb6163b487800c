"""The audit of one service year: which amounts some role could bound closer than is promised, if these figures were released now.

Fewer figures never make a bound closer, so what is cleared once stays cleared in the same epoch however much more is held.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from projections.release.audit.amounts import KINDS, Amounts
from projections.release.audit.areas import of_areas
from projections.release.audit.counts import Counts
from projections.release.audit.figures import Books, Figure, Limits, Parts, limits, with_now
from projections.release.audit.judge import Break, Judge
from projections.release.audit.points import Open, Shares
from projections.release.audit.programmes import Programmes
from projections.release.audit.prune import pruned
from projections.release.audit.solver import Solved, solved
from projections.release.audit.watched import Watched
from projections.release.cells import CellId
from projections.release.contributions import Year
from projections.release.rules import Parameters
from projections.release.sums import Tree
from schemas.geography import clusters_of_street


@dataclass
class Audit:
    """One service year at one epoch. `published`: what was released before. `solve`: who solves programmes."""

    tree: Tree
    year: Year
    published: Mapping[CellId, Sequence[int]]
    epoch: int
    parameters: Parameters
    solve: Callable[..., Solved] = solved
    prune: Callable[[Books, list[Figure], Shares, Callable[..., Solved], Counts], list[Open]] = pruned
    judge: type[Judge] = Judge
    counts: Counts = field(default_factory=Counts)
    _watched: list[Watched] = field(default_factory=list)
    _pruned: bool = False
    _limits: dict[tuple[CellId, tuple[int, ...]], tuple[Limits, Parts]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        earlier = {
            c: [e for e in epochs if e < self.epoch] for c, epochs in self.published.items() if c in self.tree.number
        }
        self.published = {c: e for c, e in earlier.items() if e}
        known = np.array(
            sorted({self.epoch, *(e for epochs in self.published.values() for e in epochs)}), dtype=np.int64
        )
        areas = sorted(
            {n for c, n in self.tree.number.items() if c.level == "cluster"}
            | {n * 1_000_000 for c, n in self.tree.number.items() if c.level == "gemeente"}
        )
        finest = np.array(areas, dtype=np.int64)
        streets = [np.flatnonzero(np.isin(finest, clusters_of_street(code))) for code in self.tree.streets]
        self.amounts = Amounts.of(self.year, finest, known, streets)
        self.books = Books(self.tree, self.amounts, self.parameters)
        self._watched = [
            Watched(Books(self.tree, amounts, self.parameters), self.solve, self.counts)
            for amounts in (self.amounts, *of_areas(self.year, finest, known, streets))
        ]

    def breaks(self, released: Collection[CellId], *, one_per_place: bool = False) -> list[Break]:
        """Every amount that breaks if these cells are released now, roles from the weakest to the strongest.

        `one_per_place`: of amounts that lie in the same finest areas and groups only some, which is enough to know what to hold for all of them.
        """
        published = with_now(self.published, released, self.epoch)
        figures = self.books.figures(published)
        limits = [self._limit(f) for f in figures]
        self.counts.excepted = self.counts.before = 0
        found: list[Break] = []
        for watched in self._watched:
            mine = watched.figures(published, figures)
            if not self._pruned:
                shares = watched.shares(lambda: self._shares(limits))
                watched.prune(self.prune(watched.books, mine, shares, self.solve, self.counts))
            judge = self.judge(watched.over(mine, [said for said, _ in limits]), partial(self._earlier, watched))
            found += watched.breaks(judge, one_per_place=one_per_place)
        self._pruned = True
        return sorted(found, key=Break.order)

    def _limit(self, figure: Figure) -> tuple[Limits, Parts]:
        key = (figure.cell, tuple(figure.until.tolist()))
        if key not in self._limits:
            self._limits[key] = limits(self.amounts, figure, self.parameters)
        return self._limits[key]

    def _shares(self, said: Sequence[tuple[Limits, Parts]]) -> Shares:
        shape = self.amounts.per_chain_cents.shape
        year, epoch = np.zeros((len(KINDS), *shape)), np.zeros(shape)
        for _, parts in said:
            for kind, part in parts.year.items():
                year[kind, parts.chains] = np.maximum(year[kind, parts.chains], part)
            epoch[parts.chains] = np.maximum(epoch[parts.chains], parts.epoch)
        return Shares(year, epoch)

    def programmes(self, released: Collection[CellId]) -> Programmes:
        """Programmes of households' amounts over everything published, with these cells now."""
        return self._over(self._watched[0], with_now(self.published, released, self.epoch))

    def before(self) -> Programmes:
        """Programmes of households' amounts over what was released in earlier epochs only."""
        return self._earlier(self._watched[0])

    def _earlier(self, watched: Watched) -> Programmes:
        return self._over(watched, self.published)

    def _over(self, watched: Watched, published: Mapping[CellId, Sequence[int]]) -> Programmes:
        figures = watched.books.figures(published)
        if watched.books.amounts.of_areas:
            return watched.over(figures, [])
        return watched.over(figures, [self._limit(f)[0] for f in figures])
