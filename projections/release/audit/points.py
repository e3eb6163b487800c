"""Clears most amounts without a programme of their own: other books that would have printed the same figures.

A point is a deviation of every atom that no published figure shows. Where with it, or with none at all, an amount could be as much larger as is promised, no
reader bounds it closer, since a bound holds in every point. One programme per wijk looks for a point that serves as many amounts as possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.sparse import csc_matrix, hstack

from projections.release.audit.amounts import GGZ, IS_OVERIG_TYPE, KINDS, TYPES, Amounts, Floats
from projections.release.audit.figures import REST, Books, Figure
from projections.release.audit.solver import Solved, Triplets, solved
from projections.release.audit.views import DOWN, LEAST_CENTS, ROUNDED, UP, View
from projections.release.contributions import Flags, Ints

UNIT: Final = 100_000
"""Cents of one unit in programmes."""
_MARGIN: Final = 1e-4
"""A point gives an atom this part more than it needs, so that rounding leaves enough."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Per chain and epoch the largest part that its household has of what the single-cell rule leaves it in any window around the epoch.

    `year[kind]`: its amounts of that kind alone, all epochs; `epoch`: those of that epoch alone. Whatever else it has could be less, unless it withdrew something.
    """

    year: Floats
    epoch: Floats

    @classmethod
    def none(cls, amounts: Amounts) -> Shares:
        """Where the single-cell rule leaves everything."""
        shape = amounts.per_chain_cents.shape
        return cls(np.zeros((len(KINDS), *shape)), np.zeros(shape))


@dataclass(slots=True)
class Open:
    """What is not cleared for one role: `more[household, kind, epoch]` (last: the year) that may be bounded from above, `less[household]` from below."""

    view: View
    more: Flags
    less: Flags

    def any(self) -> bool:
        """Whether anything is left."""
        return bool(self.more.any() or self.less.any())

    def count(self) -> int:
        """Amounts left."""
        return int(self.more.sum() + self.less.sum())


def promised(view: View) -> Flags:
    """(household, kind, epoch or year) -> whether the amount is above what is promised to stay vague."""
    found = np.stack([view.per_household(view.of_kind(k)[0]) > LEAST_CENTS for k in range(len(KINDS))], axis=1)
    if view.amounts.of_areas:
        found[:, [k for k in range(len(KINDS)) if k != GGZ]] = False
    return found


def everything(view: View) -> Open:
    """All that is promised, open."""
    more = promised(view)
    return Open(view, more, view.withdrew & more.any(axis=(1, 2)))


def cleared(was: Open, point: Floats | None, shares: Shares) -> Open:
    """What is left at a point (deviation of each atom in cents; None: as it lies)."""
    view, a = was.view, was.view.amounts
    more = was.more.copy()
    for kind in range(len(KINDS)):
        households: Flags = np.asarray(more[:, kind].any(axis=1))
        chains = np.flatnonzero(households[a.household])
        if not len(chains):
            continue
        cents, active = view.of_kind(kind, chains)
        could = (view.cents[chains] + view.others(kind, chains)).astype(float)
        if point is not None:
            could += point[a.area[chains], a.type[chains]]
        could[~active] = 0.0
        up, steady = np.maximum(view.cents[chains], 0), ~view.withdrew[a.household[chains]][:, None]
        least = view.per_household(cents, chains) * UP[kind] * (1 + ROUNDED)
        of_kind, whole = shares.year[kind][chains], shares.year[0][chains]
        for columns, share in ((slice(-1), shares.epoch[chains]), (slice(-1, None), of_kind)):
            if more[:, kind, columns].any():
                most = _at_most(up, np.where(steady, share, whole))
                closed = view.per_household(np.minimum(could, most), chains) < least
                more[households, kind, columns] &= closed[:, columns]
    return Open(view, more, was.less & ~_less(view, point) if was.less.any() else was.less)


def _at_most(up: Ints, share: Floats) -> Floats:
    """What the single-cell rule leaves of each contribution when all are scaled alike; of one below zero, nothing more than zero."""
    most: Floats = np.divide(up, share, out=np.where(up > 0, np.inf, 0.0), where=(share > 0) & (up > 0))
    return most


def _least_others(view: View) -> Ints:
    return np.minimum.reduce([view.others(k) for k in range(len(KINDS))]) if view.second else view.others(0)


def _less(view: View, point: Floats | None) -> Flags:
    """Households all of whose amounts could be scaled down: others make up for what they would have withdrawn less."""
    a = view.amounts
    moved = 0 if point is None else point[a.area, a.type]
    fails = (view.cents < 0) & (_least_others(view) + moved < -view.cents * (1 - _down(view))[:, None])
    out = np.ones(a.households, dtype=bool)
    out[a.household[fails.any(axis=1)]] = False
    return out


def _down(view: View) -> Floats:
    has = np.zeros(view.amounts.households, dtype=bool)
    has[view.amounts.household[(view.ggz != 0).any(axis=1)]] = True
    down: Floats = np.where(has, DOWN[GGZ], DOWN[0])[view.amounts.household]
    return down


def needs(was: Open) -> tuple[Floats, Floats]:
    """Per atom, in cents: how much more it should hold so that what is open in it is cleared, and the largest contribution of what is open there."""
    view, a = was.view, was.view.amounts
    more, part = np.zeros(view.cents.shape), np.zeros(view.cents.shape)
    for kind in range(len(KINDS)):
        chains = np.flatnonzero(np.asarray(was.more[:, kind].any(axis=1))[a.household])
        if len(chains):
            cents, active = view.of_kind(kind, chains)
            wanted = active & (was.more[:, kind, :-1] | was.more[:, kind, -1:])[a.household[chains]]
            need = UP[kind] * (1 + _MARGIN) * cents - view.cents[chains] - view.others(kind, chains)
            more[chains] = np.maximum(more[chains], np.where(wanted, need, 0.0))
            part[chains] = np.maximum(part[chains], np.where(wanted, cents, 0))
    if was.less.any():
        wanted = (view.cents < 0) & was.less[a.household][:, None]
        need = -view.cents * (1 - _down(view) + _MARGIN)[:, None] - _least_others(view)
        more, part = np.maximum(more, np.where(wanted, need, 0.0)), np.maximum(part, np.where(wanted, -view.cents, 0))
    return a.atoms(more, np.maximum), a.atoms(part, np.maximum)


def room(views: Iterable[View]) -> Floats:
    """Per atom what may be taken away whichever of these roles reads and whoever is attacked, in cents."""
    left: Floats = np.maximum(np.minimum.reduce([v.others_of_all - v.largest_of_all for v in views]), 0).astype(float)
    return left


@dataclass(frozen=True, slots=True)
class PointPiece:
    """A point of one block: per atom in units of programmes what is needed, the largest part, and what may be given (`needs`, `room`)."""

    watched: int
    block: int
    need: Floats
    part: Floats
    give: Floats
    only_overig: bool

    @property
    def size(self) -> int:
        """How much work it is, beside pieces of its kind."""
        return self.need.size


@dataclass(slots=True)
class Points:
    """Looks for points. `figures`: everything published; each wijk gets an equal part of the leeway of the gemeente's figures, so that its points add up.

    `each`: does the pieces elsewhere; `watched`: whose they are.
    """

    books: Books
    figures: list[Figure]
    solve: Callable[..., Solved] = solved
    each: Callable[[Sequence[PointPiece]], Sequence[Floats | None]] | None = None
    watched: int = 0
    programmes: int = 0
    _rows: dict[int, list[tuple[Figure, float]]] = field(default_factory=dict)
    _frames: dict[int, tuple[csc_matrix, csc_matrix, Floats, Floats]] = field(default_factory=dict)

    def point(self, need: Floats, part: Floats, may_give: Floats, *, only_overig: bool) -> Floats:
        """A deviation of every atom, in cents, that no figure shows and that serves as much of what is open as it can (see `needs`)."""
        out = np.zeros(self.books.amounts.shape)
        blocks = self.books.blocks
        inside = {b: np.flatnonzero(blocks == b) for b in np.unique(blocks).tolist()}
        pieces = [
            PointPiece(self.watched, b, need[areas] / UNIT, part[areas] / UNIT, may_give[areas] / UNIT, only_overig)
            for b, areas in inside.items() if (need[areas] > 0).any()
        ]  # fmt: skip
        self.programmes += len(pieces)
        answers = self.each(pieces) if self.each else [self.of_block(p) for p in pieces]
        for piece, found in zip(pieces, answers, strict=True):
            if found is not None:
                out[inside[piece.block]] = found * UNIT
        return out

    def of_block(self, piece: PointPiece) -> Floats | None:
        """Columns: each atom, once more each atom in which something is open (up to what it needs, rewarded), and each figure's deviation."""
        need, part, give, only_overig = piece.need, piece.part, piece.give, piece.only_overig
        free = np.broadcast_to(np.where(only_overig, IS_OVERIG_TYPE, np.True_)[None, :, None], need.shape)
        wanted = np.flatnonzero(np.where(free, part, 0.0).ravel() > 0)
        most, largest = need.ravel()[wanted], part.ravel()[wanted]
        worth = 1 / np.maximum(most, largest / 4)
        if self.books.amounts.of_areas:  # one amount lies in many atoms: what one of them lacks, another may have
            most, worth = largest, np.ones(len(wanted))
        rows, of_figures, low, high = self._frame(piece.block, np.flatnonzero(self.books.blocks == piece.block))
        bounds = np.c_[np.where(free, -give, 0.0).ravel(), np.where(free, np.inf, 0.0).ravel()]
        again = np.c_[bounds[wanted, 0], most]
        bounds[wanted, 0] = 0.0
        gain = np.zeros(len(bounds) + len(wanted) + len(low))
        gain[len(bounds) : len(bounds) + len(wanted)] = worth
        equal = hstack([rows, rows[:, wanted], of_figures], format="csc")
        found = self.solve(-gain, equal, np.r_[bounds, again, np.c_[low, high]])
        if found.status != "optimal" or found.values is None:
            return None
        values = found.values[: len(bounds)].copy()
        values[wanted] += found.values[len(bounds) : len(bounds) + len(wanted)]
        return values.reshape(need.shape)

    def _frame(self, block: int, areas: Ints) -> tuple[csc_matrix, csc_matrix, Floats, Floats]:
        """The rows of a block's figures over its atoms and over their deviations, and how far these may go."""
        if block not in self._frames:
            index = np.arange(len(areas) * len(TYPES) * self.books.amounts.shape[2]).reshape(len(areas), len(TYPES), -1)
            place = {int(x): i for i, x in enumerate(areas)}
            of = self._of(block)
            t = Triplets(index.size + sum(len(f.until) for f, _ in of))
            column, low, high = index.size, [np.zeros(0)], [np.zeros(0)]
            for figure, leeway in of:
                inside = np.array([place[int(x)] for x in figure.areas if int(x) in place], dtype=np.int64)
                low.append(figure.low * leeway / UNIT)
                high.append(figure.high * leeway / UNIT)
                atoms = index[inside][:, figure.types]
                for nth in range(len(figure.until)):
                    t.row(
                        atoms[:, :, slice(*figure.window(nth))].ravel(), column + nth, column + nth - 1 if nth else -1
                    )
                column += len(figure.until)
            matrix = t.matrix()
            self._frames[block] = (
                matrix[:, : index.size],
                matrix[:, index.size :],
                np.concatenate(low),
                np.concatenate(high),
            )
        return self._frames[block]

    def _of(self, block: int) -> list[tuple[Figure, float]]:
        """The figures that tell of a block, and how much of their leeway it gets."""
        if not self._rows:
            of_area = self.books.blocks
            wijken = max(1, len(np.unique(of_area[of_area != REST])))
            for figure in self.figures:
                inside = np.unique(of_area[figure.areas]).tolist()
                for b in inside:
                    self._rows.setdefault(b, []).append(
                        (figure, 1.0 if len(inside) == 1 and figure.cell.level != "placed" else 1.0 / wijken)
                    )
        return self._rows.get(block, [])
