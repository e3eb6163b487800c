"""The audit of one service year: which amounts some role could bound closer than is promised, if these figures were released now.

Fewer figures never make a bound closer, so what is cleared once stays cleared in the same epoch however much more is held.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from projections.release.audit.amounts import KINDS, Amounts
from projections.release.audit.counts import Counts
from projections.release.audit.figures import Books, Figure, Limits, Parts, limits, with_now
from projections.release.audit.judge import Break, Judge
from projections.release.audit.points import Open, Shares
from projections.release.audit.programmes import Programmes
from projections.release.audit.prune import pruned
from projections.release.audit.solver import Solved, solved
from projections.release.audit.targets import Amount, Suspect, place_of, suspects_of, targets
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
    _suspects: dict[Amount, list[Suspect]] | None = None
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

    def breaks(self, released: Collection[CellId], *, one_per_place: bool = False) -> list[Break]:
        """Every amount that breaks if these cells are released now, roles from the weakest to the strongest.

        `one_per_place`: of amounts that lie in the same finest areas and groups only some, which is enough to know what to hold for all of them.
        """
        figures = self.books.figures(with_now(self.published, released, self.epoch))
        said = [self._limit(f) for f in figures]
        if self._suspects is None:
            left = self.prune(self.books, figures, self._shares(said), self.solve, self.counts)
            self._suspects = {}
            for one in (s for o in left for s in suspects_of(o)):
                self._suspects.setdefault(one.amount, []).append(one)
        programmes = self._over(figures)
        found: list[Break] = []
        kept: dict[Amount, list[Suspect]] = {}
        self.counts.excepted = self.counts.before = 0
        judge = self.judge(programmes, self.before)
        places: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        for amount, suspects in self._suspects.items():
            asked: list[Suspect] = []
            kept[amount] = []
            for suspect in suspects:
                (kept[amount] if one_per_place and _lies_in(suspect, places) else asked).append(suspect)
            for suspect, (told, broken) in zip(asked, judge.all(asked) if asked else (), strict=True):
                if told != "clear":
                    kept[amount].append(suspect)
                if broken is not None:
                    found.append(broken)
                    places.add(place_of(broken.target))
                self.counts.excepted += told == "excepted"
                self.counts.before += told == "before"
        self._suspects = {amount: left for amount, left in kept.items() if left}
        self.counts.programmes += programmes.run + judge.run_before
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
        """Programmes over everything published, with these cells now."""
        return self._over(self.books.figures(with_now(self.published, released, self.epoch)))

    def before(self) -> Programmes:
        """Programmes over what was released in earlier epochs only."""
        return self._over(self.books.figures(self.published))

    def _over(self, figures: list[Figure]) -> Programmes:
        return Programmes(self.books, figures, [self._limit(f)[0] for f in figures], self.solve)


def _lies_in(suspect: Suspect, places: Collection[tuple[tuple[int, ...], tuple[int, ...]]]) -> bool:
    """Whether an amount lies where one broke already in this round."""
    return bool(places) and any(place_of(t) in places for t in targets(suspect.view, suspect.amount)[:1])
