"""The programme of one amount: the most and the least it can be for one role, given everything published.

Variables: how far each atom may lie from the truth (of the wijken concerned each finest area, finest group and epoch; every other wijk as one remainder each), and the
target's own contributions where it is active, free in sign with running sums of at least 0 and never more than its atom. Rows: `figures`; with
`limited` also what the single-cell rule says of everyone.

All of them are put to the solver as how far they lie from the truth, which is always possible: it begins there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from scipy.sparse import csc_matrix, hstack

from projections.release.audit.amounts import IS_OVERIG_TYPE, TYPES, Floats
from projections.release.audit.figures import REST, Books, Figure, Limits
from projections.release.audit.points import UNIT
from projections.release.audit.solver import Solved, Triplets, solved
from projections.release.audit.views import View
from projections.release.contributions import Flags, Ints

EVERY: Final = 1_000_000
"""All other wijken: the whole programme."""


@dataclass(frozen=True)
class Target:
    """One amount of one household for one role. `pairs`: (chain, epoch) where it is active; `chosen`: those the amount sums; `beside`: households it knows."""

    view: View
    household: int
    chains: Ints
    columns: Ints
    chosen: Flags
    cents: int
    beside: tuple[int, ...] = ()
    together: tuple[View, ...] = ()
    """Other roles that know nothing of this household: others' deliveries are what none of them knows."""
    spared: tuple[Target, ...] = ()
    """The same amount for roles that know more: nothing is taken away that one of them knows."""

    @property
    def areas(self) -> Ints:
        """The finest areas it lies in."""
        return np.unique(self.view.amounts.area[self.chains])


@dataclass(frozen=True)
class Frame:
    """The rows of all figures over the atoms of some wijken, the others as remainders. `index`: (area, type, epoch) -> column, -1 outside."""

    index: Ints
    others: tuple[int, ...]
    rest: Ints
    rows: csc_matrix
    low: Floats
    high: Floats


@dataclass
class Programmes:
    """All programmes over one set of published figures. `limits`: of each figure, by its place in `figures`."""

    books: Books
    figures: list[Figure]
    limits: list[Limits]
    solve: Callable[..., Solved] = solved
    run: int = 0
    _frames: dict[tuple[tuple[int, ...], int], Frame] = field(default_factory=dict)
    _at_most: dict[tuple[str, int, tuple[int, ...]], dict[tuple[int, ...], float]] = field(default_factory=dict)

    def bound(self, target: Target, *, most: bool, limited: bool, moving: int = EVERY) -> Solved:
        """The most (or least) of the amount in cents. `moving`: so many other wijken; the rest stay as they are, which may only make the bound closer."""
        self.run += 1
        frame = self.frame(target, moving=moving)
        atoms, hidden = frame.rows.shape[1], self.hidden(target)
        true = target.view.cents[target.chains, target.columns] / UNIT
        low, high = self._bounds(target, frame, hidden)
        rows, most_of = self._own(target, frame, hidden, limited=limited)
        cost = np.where(target.chosen, -1.0 if most else 1.0, 0.0)
        pairs = np.full(len(true), np.inf)
        found = self.solve(
            np.r_[np.zeros(atoms), cost],
            hstack([frame.rows, csc_matrix((frame.rows.shape[0], len(true)))], format="csc"),
            np.c_[np.r_[low, -pairs], np.r_[high, pairs]],
            (rows, most_of - rows[:, atoms:] @ true),
        )
        least = found.least + float(cost @ true)
        return Solved(found.status, (-least if most else least) * UNIT, found.values)

    def excepted(self, target: Target) -> float:
        """The most of the amount by the single-cell rule alone, in cents."""
        rows = Triplets(len(target.chains))
        limit = [*self._running(target, rows, 0), *self._limited(target, rows, 0)]
        cost = np.where(target.chosen, -1.0, 0.0)
        bounds = np.tile([-np.inf, np.inf], (len(cost), 1))
        found = self.solve(cost, csc_matrix((0, len(cost))), bounds, (rows.matrix(), np.array(limit)))
        return np.inf if found.status == "unbounded" else -found.least * UNIT

    def frame(self, target: Target, *, moving: int) -> Frame:
        """The rows a programme of this target is over."""
        key = (tuple(np.unique(self.books.blocks[target.areas]).tolist()), moving)
        if key not in self._frames:
            self._frames[key] = self._made(*key)
        return self._frames[key]

    def _made(self, wanted: tuple[int, ...], moving: int) -> Frame:
        a, blocks = self.books.amounts, self.books.blocks
        detail = np.flatnonzero(np.isin(blocks, wanted))
        others: tuple[int, ...] = ()
        if wanted != (REST,):
            after = [b for b in np.unique(blocks).tolist() if b not in wanted and b != REST]
            after.sort(key=lambda b: (b < max(wanted), b))
            others = tuple(sorted(after[:moving]))
        size = len(TYPES) * len(a.epochs)
        index = np.full(a.shape, -1, dtype=np.int64)
        index[detail] = np.arange(len(detail) * size).reshape(len(detail), *a.shape[1:])
        rest = len(detail) * size + np.arange(len(others) * size).reshape(len(others), *a.shape[1:])
        used = [f for f in self.figures if self._matters(f, wanted, others)]
        column = (len(detail) + len(others)) * size
        t = Triplets(column + sum(len(f.until) for f in used))
        low, high = np.zeros(t.columns), np.full(t.columns, np.inf)
        for f in used:
            inside, outside = (
                f.areas[index[f.areas, 0, 0] >= 0],
                np.array([others.index(b) for b in np.unique(blocks[f.areas]).tolist() if b in others], dtype=np.int64),
            )
            low[column : column + len(f.until)], high[column : column + len(f.until)] = f.low / UNIT, f.high / UNIT
            here, there = index[inside][:, f.types], rest[outside][:, f.types]
            for nth in range(len(f.until)):
                span = slice(*f.window(nth))
                atoms = np.r_[here[:, :, span].ravel(), there[:, :, span].ravel()]
                t.row(atoms.astype(np.int64), column + nth, column + nth - 1 if nth else -1)
            column += len(f.until)
        return Frame(index, others, rest, t.matrix(), low, high)

    def _matters(self, figure: Figure, wanted: tuple[int, ...], others: tuple[int, ...]) -> bool:
        inside = set(np.unique(self.books.blocks[figure.areas]).tolist())
        return bool(inside & set(wanted)) or (figure.cell.level == "wijk" and bool(inside & set(others)))

    def _bounds(self, target: Target, frame: Frame, hidden: Floats) -> tuple[Floats, Floats]:
        low, high = frame.low.copy(), frame.high.copy()
        inside = frame.index >= 0
        low[frame.index[inside]] = -hidden[inside] / UNIT
        for i, block in enumerate(frame.others):
            low[frame.rest[i]] = -hidden[self.books.blocks == block].sum(axis=0) / UNIT
        if target.view.only_overig:
            for index in (frame.index[inside.any(axis=(1, 2))], frame.rest):
                known = index[:, ~IS_OVERIG_TYPE].ravel()
                low[known] = high[known] = 0.0
        a = target.view.amounts
        low[frame.index[a.area[target.chains], a.type[target.chains], target.columns]] = -np.inf
        return low, high

    def hidden(self, target: Target) -> Floats:
        """Per atom others' deliveries that were never withdrawn, and nobody's that it knows."""
        view, a = target.view, target.view.amounts
        out: Floats = np.minimum.reduce([view.others_of_all, *(v.others_of_all for v in target.together)]).astype(float)
        for household in (target.household, *target.beside):
            mine = slice(*a.first_chain[household : household + 2])
            np.subtract.at(out, (a.area[mine], a.type[mine]), view.kept[mine])
        for more in target.spared:
            out = np.minimum(out, self.hidden(more))
        return out

    def _own(self, target: Target, frame: Frame, hidden: Floats, *, limited: bool) -> tuple[csc_matrix, Floats]:
        a, first = target.view.amounts, frame.rows.shape[1]
        rows = Triplets(first + len(target.chains))
        limit = []
        for i, (chain, e) in enumerate(zip(target.chains.tolist(), target.columns.tolist(), strict=True)):
            atom = (a.area[chain], a.type[chain], e)
            rows.add(np.array([first + i, frame.index[atom]]), np.array([1.0, -1.0]))
            limit.append((hidden[atom] + target.view.cents[chain, e]) / UNIT)
        limit += self._running(target, rows, first)
        if limited:
            limit += self._limited(target, rows, first)
        return rows.matrix(), np.array(limit)

    def _running(self, target: Target, rows: Triplets, first: int) -> list[float]:
        """Running sums of at least 0, or of what they are where that is less."""
        limit = []
        for chain in np.unique(target.chains).tolist():
            mine = np.flatnonzero(target.chains == chain)
            true = np.cumsum(target.view.cents[chain, target.columns[mine]])
            for n in range(len(mine)):
                rows.add(first + mine[: n + 1], np.full(n + 1, -1.0))
                limit.append(float(max(0, -true[n])) / UNIT)
        return limit

    def _limited(self, target: Target, rows: Triplets, first: int) -> list[float]:
        tightest = self.at_most(target)
        for pairs in tightest:
            rows.add(first + np.array(pairs, dtype=np.int64), np.ones(len(pairs)))
        return [value / UNIT for value in tightest.values()]

    def at_most(self, target: Target) -> dict[tuple[int, ...], float]:
        """Pairs -> their most in cents: no more than half of what any figure says of any window, nor than three quarters with a household it knows."""
        key = (target.view.role, target.household, target.beside)
        if key not in self._at_most:
            self._at_most[key] = self._tightest(target)
        return self._at_most[key]

    def _tightest(self, target: Target) -> dict[tuple[int, ...], float]:
        a = target.view.amounts
        tightest: dict[tuple[int, ...], float] = {}
        area, kind = a.area[target.chains], a.type[target.chains]
        in_area, in_type = self._lies_in
        around = in_area[:, area] & in_type[:, kind]
        for at in np.flatnonzero(around.any(axis=1)).tolist():
            said, inside = self.limits[at], around[at]
            mine = np.arange(*a.first_chain[target.household : target.household + 2])
            own = mine[in_area[at, a.area[mine]] & in_type[at, a.type[mine]]]
            known = _in_windows(a.per_chain_cents[own] - target.view.cents[own], said)
            most = said.half - known
            for beside in target.beside:
                other = np.arange(*a.first_chain[beside : beside + 2])
                theirs = other[in_area[at, a.area[other]] & in_type[at, a.type[other]]]
                most = np.minimum(
                    most, said.three_quarters - np.abs(_in_windows(a.per_chain_cents[theirs], said)) - known
                )
            for start, end, value in zip(said.start.tolist(), said.end.tolist(), most.tolist(), strict=True):
                pairs = tuple(np.flatnonzero(inside & (target.columns >= start) & (target.columns < end)).tolist())
                if pairs:
                    tightest[pairs] = min(value, tightest.get(pairs, np.inf))
        return tightest

    @cached_property
    def _lies_in(self) -> tuple[Flags, Flags]:
        """Of each figure with a limit, which finest areas and which finest groups it sums."""
        shape = self.books.amounts.shape
        in_area, in_type = (
            np.zeros((len(self.limits), shape[0]), dtype=bool),
            np.zeros((len(self.limits), shape[1]), dtype=bool),
        )
        for at, said in enumerate(self.limits):
            in_area[at, said.figure.areas] = in_type[at, said.figure.types] = True
        return in_area, in_type


def _in_windows(cents: Ints, said: Limits) -> Floats:
    """What some chains have in each window of a figure."""
    total = np.r_[0, np.cumsum(cents.sum(axis=0))].astype(float)
    found: Floats = total[said.end] - total[said.start]
    return found
