"""What was published of one service year, as rows over atoms: for each figure and epoch, how far the sum may lie from the truth.

Deviations stand for amounts: a figure says that the sum of all deviations in it stays within half the rounding base of what was printed, whatever a role
knows and whatever was withdrawn. All in cents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from projections.release.audit.amounts import GGZ, IN_KIND, TYPES, Amounts, Floats
from projections.release.cells import CellId
from projections.release.contributions import Flags, Ints
from projections.release.linear import finest_groups
from projections.release.rounding import rounded_euros
from projections.release.rules import Parameters
from projections.release.sums import LAYER, Tree

REST = -1
"""The block of what has no wijk."""


@dataclass(frozen=True)
class Figure:
    """One cell with its publications: `areas` and `types` it sums, `until` the number of columns each publication covers, `low` and `high` how far off."""

    cell: CellId
    areas: Ints
    types: Ints
    until: Ints
    low: Ints
    high: Ints

    def window(self, nth: int) -> tuple[int, int]:
        """The columns that came between two publications."""
        return (int(self.until[nth - 1]) if nth else 0), int(self.until[nth])


@dataclass(frozen=True)
class Books:
    """All figures there can be: where each lies. `blocks`: the wijk of each finest area, `REST` where it has none."""

    tree: Tree
    amounts: Amounts
    parameters: Parameters

    @cached_property
    def blocks(self) -> Ints:
        """Of each finest area."""
        a = self.amounts.areas
        return np.where(a % 100 == 0, REST, a // 10_000).astype(np.int64)

    def codes(self, level: str) -> Ints:
        """The number at a level of each finest area, -1 where it does not belong to it."""
        return LAYER[level].codes(self.amounts.areas)

    @cached_property
    def _inside(self) -> dict[tuple[str, int], Ints]:
        """(level, number) -> indices of its finest areas."""
        found: dict[tuple[str, int], Ints] = {}
        for level in LAYER:
            codes = self.codes(level)
            for number in np.unique(codes[codes >= 0]).tolist():
                found[level, number] = np.flatnonzero(codes == number)
        return found

    def _finest_of(self, cell: CellId) -> Ints:
        """Indices of the finest areas a cell sums."""
        if cell.level == "street":
            return np.flatnonzero(self.tree.covers(cell, self.amounts.areas))
        return self._inside.get((cell.level, self.tree.number[cell]), np.zeros(0, np.int64))

    @cached_property
    def _cumulative(self) -> Ints:
        return np.cumsum(self.amounts.totals, axis=2)

    def figures(self, published: Mapping[CellId, Iterable[int]]) -> list[Figure]:
        """Every figure that was published once or more, in the order of its cell. `published`: cell -> epochs."""
        found = []
        for cell in sorted(c for c in published if c in self.tree.number):
            at = np.searchsorted(self.amounts.epochs, sorted(published[cell]))
            areas = self._finest_of(cell)
            types = types_of(cell.group)
            too_fine = self.amounts.by_wijk and cell.level in ("buurt", "street", "cluster")
            if len(at) and len(areas) and not too_fine:
                found.append(self._figure(cell, areas, types, at.astype(np.int64) + 1))
        return found

    def _figure(self, cell: CellId, areas: Ints, types: Ints, until: Ints) -> Figure:
        true = self._cumulative[np.ix_(areas, types, until - 1)].sum(axis=(0, 1))
        printed = np.array([rounded_euros(int(t), self.parameters) * 100 for t in true], dtype=np.int64)
        half = self.parameters.euros_base * 50
        return Figure(cell, areas, types, until, printed - true - half, printed - true + half)


_TYPES_OF: dict[str, Ints] = {}


def types_of(group: str) -> Ints:
    """Indices of the finest groups a group consists of."""
    if group not in _TYPES_OF:
        _TYPES_OF[group] = np.array([i for i, t in enumerate(TYPES) if t in finest_groups(group)], dtype=np.int64)
    return _TYPES_OF[group]


@dataclass(frozen=True)
class Limits:
    """What the single-cell rule says of everyone, per window of a figure (columns `start` to `end`): the most of one household, and of any two, in cents."""

    figure: Figure
    start: Ints
    end: Ints
    half: Floats
    three_quarters: Floats


@dataclass(frozen=True)
class Parts:
    """Of a figure's `chains`, per epoch the part each household's amounts have of their limit: `year[kind]`, `epoch` (see `points.Shares`)."""

    chains: Ints
    year: dict[int, Floats]
    epoch: Floats


def limits(amounts: Amounts, figure: Figure, parameters: Parameters) -> tuple[Limits, Parts]:
    """What the single-cell rule leaves anyone of a figure, and how much of that each household has."""
    chains = chains_in(amounts, figure)
    cents = amounts.per_chain_cents[chains]
    households, of = np.unique(amounts.household[chains], return_inverse=True)

    def per_household(values: Ints) -> Ints:
        out = np.zeros((len(households), len(amounts.epochs) + 1), dtype=np.int64)
        np.add.at(out[:, 1:], of, values)
        return out

    ends = np.r_[0, figure.until]
    low, high = np.triu_indices(len(ends), 1)
    net = np.cumsum(per_household(cents), axis=1)[:, ends]
    size = np.abs(net[:, high] - net[:, low])
    slack = np.r_[0, figure.high][high] - np.r_[0, figure.low][low]
    first, second = _two_largest(size)
    whole = size.sum(axis=0) + slack
    half = np.maximum(whole * (parameters.largest_share / 100), first)
    two = np.maximum(whole * (parameters.two_largest_share / 100), first + second)
    most = np.minimum(half, two - np.where(size == first, second, first))
    windows = list(zip(ends[low].tolist(), ends[high].tolist(), strict=True))
    up = per_household(np.maximum(cents, 0))
    year: dict[int, Floats] = {}
    for kind in range(GGZ):
        mine = IN_KIND[kind][amounts.type[chains]]
        if kind and mine.any() and mine.all():
            year[kind] = year[0]
        elif mine.any():
            one = np.cumsum(
                up if mine.all() else per_household(np.where(mine[:, None], np.maximum(cents, 0), 0)), axis=1
            )[:, ends]
            year[kind] = _around(_part(one[:, high] - one[:, low], most), windows, len(amounts.epochs))[of]
    year[GGZ] = year[0] if 0 in year else np.zeros(cents.shape)
    tightest = np.full((len(households), len(amounts.epochs)), np.inf)
    for n, (start, end) in enumerate(windows):
        np.minimum(tightest[:, start:end], most[:, n, None], out=tightest[:, start:end])
    return Limits(figure, ends[low], ends[high], half, two), Parts(chains, year, _part(up[:, 1:], tightest)[of])


def _part(cents: Ints, most: Floats) -> Floats:
    return np.divide(cents, most, out=np.where(cents > 0, np.inf, 0.0), where=(most > 0) & (cents > 0))


def _around(part: Floats, windows: list[tuple[int, int]], epochs: int) -> Floats:
    """Per household and epoch the largest part in any window around it."""
    out = np.zeros((len(part), epochs))
    for n, (start, end) in enumerate(windows):
        np.maximum(out[:, start:end], part[:, n, None], out=out[:, start:end])
    return out


def _two_largest(size: Ints) -> tuple[Ints, Ints]:
    """Per window the largest and the next largest amount of a household."""
    padded = np.r_[np.zeros((2, size.shape[1]), dtype=np.int64), size]
    ordered = np.partition(padded, (-2, -1), axis=0)
    return ordered[-1], ordered[-2]


def chains_in(amounts: Amounts, figure: Figure) -> Ints:
    """The chains that a figure sums."""
    inside: Flags = np.isin(amounts.area, figure.areas) & np.isin(amounts.type, figure.types)
    return np.flatnonzero(inside)


def with_now(
    published: Mapping[CellId, Sequence[int]], released: Collection[CellId], epoch: int
) -> dict[CellId, list[int]]:
    """Everything published with what is released now."""
    found = {c: sorted(e for e in epochs if e != epoch) for c, epochs in published.items()}
    for cell in released:
        found.setdefault(cell, []).append(epoch)
    return found
