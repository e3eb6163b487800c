"""The audit of one service year: which amounts some role could bound closer than is promised, if these figures were released now.

Fewer figures never make a bound closer, so what is cleared once stays cleared in the same epoch however much more is held.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, cast

import numpy as np

from projections.release.audit.amounts import KINDS, Amounts, Floats
from projections.release.audit.areas import of_areas
from projections.release.audit.counts import Counts
from projections.release.audit.crew import Crew
from projections.release.audit.figures import Books, Figure, Limits, Parts, limits, with_now
from projections.release.audit.judge import Break, Judge
from projections.release.audit.pieces import Answer, Judged, Piece, judged
from projections.release.audit.points import Open, PointPiece, Points, Shares
from projections.release.audit.programmes import Programmes
from projections.release.audit.prune import pruned
from projections.release.audit.solver import Solved, solved
from projections.release.audit.watched import Watched
from projections.release.cells import CellId
from projections.release.contributions import Year
from projections.release.rules import Parameters
from projections.release.sums import Tree
from schemas.geography import clusters_of_street

LARGE: Final = 30_000
"""From so many amounts of households per finest area, group and epoch on, worker processes save more than it takes to start them."""
Told = tuple[Tree, Year, dict[CellId, Sequence[int]], int, Parameters]


@dataclass
class Audit:
    """One service year at one epoch. `published`: what was released before. `solve`: who solves programmes; `crew`: worker processes that may help."""

    tree: Tree
    year: Year
    published: Mapping[CellId, Sequence[int]]
    epoch: int
    parameters: Parameters
    solve: Callable[..., Solved] = solved
    prune: Callable[[Books, Shares, Points, Counts], list[Open]] = pruned
    judge: type[Judge] = Judge
    crew: Crew | None = None
    counts: Counts = field(default_factory=Counts)
    _watched: list[Watched] = field(default_factory=list)
    _pruned: bool = False
    _released: tuple[CellId, ...] = ()
    _published: Mapping[CellId, Sequence[int]] = field(default_factory=dict)
    _figures: dict[int, list[Figure]] = field(default_factory=dict)
    _points: dict[int, Points] = field(default_factory=dict)
    _judges: dict[int, Judge] = field(default_factory=dict)
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
        self.begin(released)
        self.counts.excepted = self.counts.before = 0
        if not self._pruned:
            self._prune()
        pieces = [p for n, w in enumerate(self._watched) for p in w.pieces(n, one_per_place=one_per_place)]
        found: list[Break] = []
        for piece, answer in zip(pieces, self._all(pieces), strict=True):
            found += self._watched[piece.watched].take(piece, cast("Judged", answer))
        self._forget()
        return sorted(found, key=Break.order)

    def begin(self, released: Collection[CellId]) -> None:
        """From now on pieces are done as if these cells were released now."""
        self._released = tuple(sorted(released))
        self._published = with_now(self.published, released, self.epoch)
        self._forget()

    def _forget(self) -> None:
        """What was made for one set of figures, which may be as large as all the rest."""
        self._figures, self._points, self._judges = {}, {}, {}

    def do(self, piece: Piece) -> Answer:
        """One piece of work. The same in every process that has this audit."""
        if isinstance(piece, PointPiece):
            return self._points_of(piece.watched).of_block(piece)
        return judged(piece, self._judge_of(piece.watched), self._watched[piece.watched].roles)

    def _all(self, pieces: Sequence[Piece]) -> Sequence[Answer]:
        """All pieces, in their order, whoever did them."""
        found = self.crew.all(self.told, self._released, pieces) if self.crew and self._pays() else None
        return [self.do(p) for p in pieces] if found is None else found

    def told(self) -> Told:
        """What another process needs to make the same audit."""
        return self.tree, self.year, dict(self.published), self.epoch, self.parameters

    def _pays(self) -> bool:
        return self.amounts.per_chain_cents.size >= LARGE

    def _prune(self) -> None:
        shares = self._shares([self._limit(f) for f in self._figures_of(0)])
        for n, watched in enumerate(self._watched):
            points = self._points_of(n)
            if self.crew and self._pays():
                points = replace(points, each=self._all_points)
            watched.prune(self.prune(watched.books, watched.shares(lambda: shares), points, self.counts))
        self._pruned = True

    def _all_points(self, pieces: Sequence[PointPiece]) -> list[Floats | None]:
        return [cast("Floats | None", found) for found in self._all(pieces)]

    def _figures_of(self, watched: int) -> list[Figure]:
        if 0 not in self._figures:
            self._figures[0] = self.books.figures(self._published)
        if watched not in self._figures:
            self._figures[watched] = self._watched[watched].figures(self._published, self._figures[0])
        return self._figures[watched]

    def _points_of(self, watched: int) -> Points:
        if watched not in self._points:
            books = self._watched[watched].books
            self._points[watched] = Points(books, self._figures_of(watched), self.solve, watched=watched)
        return self._points[watched]

    def _judge_of(self, watched: int) -> Judge:
        if watched not in self._judges:
            limits = [self._limit(f)[0] for f in self._figures_of(0)]
            one = self._watched[watched]
            self._judges[watched] = self.judge(one.over(self._figures_of(watched), limits), partial(self._earlier, one))
        return self._judges[watched]

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
