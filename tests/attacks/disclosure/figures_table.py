"""Everything published as rows over the smallest amounts there are (finest area, kind of care, epoch), those no row tells apart taken together.

A class is a set of atoms that stand in the same figures. Whatever is moved between atoms of one class changes no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from attackers_truth import KINDS, Flags, Ints, Truth, kinds_in
from numpy.typing import NDArray
from reading_releases import Figure, inside

Floats = NDArray[np.float64]
_HASHES = 2


@dataclass(frozen=True, eq=False)
class Table:
    """`figures`: the rows. Amounts in cents; `slack`: by how much a figure may differ from what is true, half its base.

    `apart`: figures that nobody published, whose atoms are told apart all the same, for rows about them.
    """

    truth: Truth
    figures: Sequence[Figure]
    epochs: int
    slack: int
    apart: Sequence[Figure] = ()

    def atom(self, area: Ints, kind: Ints, epoch: Ints) -> Ints:
        """The number of an atom."""
        return (area * len(KINDS) + kind) * self.epochs + epoch

    @property
    def atoms(self) -> int:
        """How many atoms there are."""
        return len(self.truth.areas) * len(KINDS) * self.epochs

    @cached_property
    def atom_of_row(self) -> Ints:
        """The atom in which each row of the truth counts."""
        return self.atom(self.truth.area, self.truth.kind, self.truth.epoch)

    def mask(self, figure: Figure) -> Flags:
        """The atoms a figure sums."""
        out = np.zeros((len(self.truth.areas), len(KINDS), self.epochs), dtype=bool)
        areas = np.flatnonzero(inside(figure.level, figure.area, self.truth.areas))
        out[np.ix_(areas, kinds_in(figure.group), np.arange(figure.epoch + 1))] = True
        return out.ravel()

    @cached_property
    def masks(self) -> Flags:
        """Figure x atom."""
        return np.array([self.mask(f) for f in self.figures], dtype=bool).reshape(len(self.figures), self.atoms)

    @cached_property
    def _classes(self) -> tuple[Ints, Floats]:
        random = np.random.default_rng(1)
        masks = [*self.masks, *(self.mask(f) for f in self.apart)]
        hashes = random.integers(1, 2**62, size=(_HASHES, len(masks)), dtype=np.uint64)
        signs = np.zeros((self.masks.shape[1], _HASHES), dtype=np.uint64)
        for row, mask in enumerate(masks):
            signs[mask] += hashes[:, row]
        unique, first, inverse = np.unique(signs, axis=0, return_index=True, return_inverse=True)
        del unique
        return inverse.ravel().astype(np.int64), self.masks[:, first].astype(np.float64)

    @property
    def class_of(self) -> Ints:
        """The class of each atom."""
        return self._classes[0]

    @property
    def sums(self) -> Floats:
        """Figure x class: which classes a figure sums."""
        return self._classes[1]

    @cached_property
    def published(self) -> Ints:
        """The figures, in cents."""
        return np.array([f.euros * 100 for f in self.figures], dtype=np.int64)

    @cached_property
    def unseen(self) -> Flags:
        """Classes that stand in no figure."""
        out: Flags = ~self.sums.astype(bool).any(axis=0)
        return out

    def by_class(self, rows: Flags) -> Ints:
        """Cents of some rows of the truth per class."""
        found = np.zeros(self.sums.shape[1], dtype=np.int64)
        np.add.at(found, self.class_of[self.atom_of_row[rows]], self.truth.cents[rows])
        return found

    def assert_true(self) -> None:
        """The truth satisfies every row; else the attack would prove nothing."""
        everything = np.ones(len(self.truth.cents), dtype=bool)
        off = np.abs(self.sums.astype(np.int64) @ self.by_class(everything) - self.published)
        assert int(off.max(initial=0)) <= self.slack, "a figure is not the truth rounded"
