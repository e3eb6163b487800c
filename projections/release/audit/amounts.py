"""One service year's amounts as the audit sees them: per household, finest area, finest group and epoch, with what was withdrawn later.

Knows what is true; what a reader knows of it is in `views`, what was published in `figures`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from projections.release.cells import GROUPS
from projections.release.contributions import Flags, Ints, Year
from projections.release.linear import finest_groups
from schemas.care import CARE_TYPES, Group

Floats = NDArray[np.float64]

TYPES: Final = tuple(sorted(finest_groups(Group.TOTAL.value)))
"""The finest groups: published care types, and the groups that have none."""
KINDS: Final = (Group.TOTAL.value, *(g for g in GROUPS if g != Group.TOTAL.value), "ggz")
"""The amounts of a household that are promised to stay vague: of each funding group, of all together, and of its GGZ."""
GGZ: Final = KINDS.index("ggz")


def _type_of(care: int) -> int:
    told = CARE_TYPES[care]
    name = told.published_as if told.published_as in TYPES else told.group.value
    return TYPES.index(str(name))


_TYPE_OF_CARE: Final = np.array([_type_of(i) if i in CARE_TYPES else 0 for i in range(max(CARE_TYPES) + 1)])
IN_KIND: Final = np.array([[t in finest_groups(k) or k == "ggz" for t in TYPES] for k in KINDS])
"""(kind, finest group) -> whether it is part; of GGZ any group may be."""
IS_OVERIG_TYPE: Final = np.array([t in finest_groups(Group.OVERIG.value) for t in TYPES])


def not_withdrawn(cents: Ints) -> Ints:
    """Per line and epoch what was delivered and never withdrawn, at least 0.

    Lines net deliveries of one household, provider, care type and area. A credit is taken from the newest earlier epoch with exactly its amount, else
    from the newest ones before it; what finds nothing to withdraw stays out.
    """
    kept = np.maximum(cents, 0)
    for line in np.flatnonzero((cents < 0).any(axis=1)).tolist():
        for epoch in np.flatnonzero(cents[line] < 0).tolist():
            left, earlier = -int(cents[line, epoch]), kept[line, :epoch]
            same = np.flatnonzero(earlier == left)
            if len(same):
                earlier[same[-1]] = 0
                continue
            for before in range(epoch - 1, -1, -1):
                taken = min(left, int(earlier[before]))
                earlier[before] -= taken
                left -= taken
    return kept


@dataclass(frozen=True)
class Amounts:
    """Lines in cents per epoch, one per (chain, provider, care type); a chain is one household's finest area and finest group.

    `areas`: the finest areas' numbers; `epochs`: those with a change or a figure, the columns of everything. `line_chain`: each line's chain; chains
    are sorted by (household, area, type). `households` counts them. `streets`: of each street with figures its finest areas, as indices. `of_areas`:
    "all" or "youth" where only GGZ of areas is looked at (`areas`); `by_wijk`: each wijk stands as one finest area, and no finer figure is looked at.
    """

    areas: Ints
    epochs: Ints
    cents: Ints
    kept: Ints
    line_chain: Ints
    provider: Ints
    ggz: Flags
    mandated: Flags
    household: Ints
    area: Ints
    type: Ints
    streets: tuple[Ints, ...] = ()
    of_areas: str = ""
    by_wijk: bool = False

    @classmethod
    def of(
        cls, year: Year, areas: Ints, published: Ints, streets: Iterable[Ints] = (), *, of_areas: str = "", by_wijk: bool = False
    ) -> Amounts:  # fmt: skip
        """`areas`: numbers of all finest areas; `published`: the epochs of all figures, in order; `streets`: the finest areas of each, as indices."""
        since = np.c_[year.since, np.zeros(len(year.area), dtype=np.int64)]
        change = since[:, :-1] - since[:, 1:]
        epochs = np.unique(np.r_[np.flatnonzero((change != 0).any(axis=0)), published]).astype(np.int64)
        mine = np.flatnonzero((change != 0).any(axis=1))
        cents, place = change[np.ix_(mine, epochs)], np.searchsorted(areas, year.area[mine])
        kind = _TYPE_OF_CARE[year.care[mine]]
        order = np.lexsort((year.care[mine], year.provider[mine], kind, place, year.household[mine]))
        mine, cents = mine[order], cents[order]
        keys = np.c_[year.household[mine], place[order], kind[order]].reshape(-1, 3)
        new = np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)][: len(keys)]
        first = np.flatnonzero(new)
        _, household = np.unique(keys[first, 0], return_inverse=True)
        return cls(
            areas, epochs, cents, not_withdrawn(cents), (np.cumsum(new) - 1).astype(np.int64), year.provider[mine], year.ggz[mine],
            year.mandated[mine], household.astype(np.int64), keys[first, 1], keys[first, 2], tuple(streets), of_areas, by_wijk,
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int, int]:
        """Atoms: finest areas x finest groups x epochs."""
        return len(self.areas), len(TYPES), len(self.epochs)

    @cached_property
    def first_line(self) -> Ints:
        """Where each chain's lines start."""
        return np.searchsorted(self.line_chain, np.arange(len(self.household))).astype(np.int64)

    @cached_property
    def first_chain(self) -> Ints:
        """Where each household's chains start, and their end after the last."""
        return np.searchsorted(self.household, np.arange(self.households + 1)).astype(np.int64)

    @property
    def households(self) -> int:
        """How many there are."""
        return int(self.household[-1]) + 1 if len(self.household) else 0

    @cached_property
    def _by_place(self) -> tuple[Ints, Ints, tuple[Ints, Ints]]:
        """Chains in the order of their (area, type), where each of those starts, and which it is."""
        place = self.area * len(TYPES) + self.type
        order = np.argsort(place, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(place[order]) != 0][: len(order)])
        first = order[starts]
        return order, starts, (self.area[first], self.type[first])

    def atoms(self, values: NDArray[Any], how: np.ufunc) -> NDArray[Any]:
        """Values per chain and epoch put together per atom, by `np.add` or `np.maximum` (with 0)."""
        out = np.zeros(self.shape, dtype=values.dtype)
        order, starts, where = self._by_place
        if len(order):
            out[where] = how.reduceat(values[order], starts, axis=0)
        return np.maximum(out, 0) if how is np.maximum else out

    def chain_of(self, household: Ints, area: Ints, kind: Ints) -> Ints:
        """The chain of each (household, area, type), -1 where there is none."""

        def key(h: Ints, a: Ints, t: Ints) -> Ints:
            return (h * len(self.areas) + a) * len(TYPES) + t

        known, wanted = key(self.household, self.area, self.type), key(household, area, kind)
        at = np.minimum(np.searchsorted(known, wanted), max(0, len(known) - 1))
        return np.where(known[at] == wanted, at, -1) if len(known) else np.full(len(wanted), -1)

    @cached_property
    def totals(self) -> Ints:
        """What is true of each atom: (area, type, epoch) in cents."""
        return self.atoms(self.per_chain_cents, np.add)

    @cached_property
    def per_chain_cents(self) -> Ints:
        """What is true of each chain and epoch."""
        return self.per_chain(self.cents)

    def per_chain(self, lines: Ints, known: Flags | None = None) -> Ints:
        """Lines summed per chain, without those that are `known`."""
        if not len(lines):
            return np.zeros((0, len(self.epochs)), dtype=np.int64)
        part = lines if known is None else np.where(known[:, None], 0, lines)
        out: Ints = np.add.reduceat(part, self.first_line, axis=0)
        return out
