"""The single-cell rules on columns: SAFE, SAFE_PROV, SAFE_FUND and the GGZ rule, for every cell of a window at once.

    SAFE(x)     n >= 10  and  x1 <= 50% X  and  x1 + x2 <= 75% X
    SAFE_PROV   SAFE again without the contributions of any one provider (nothing left passes)
    SAFE_FUND   where there is overige zorg: SAFE again on that part alone, without households ever under a mandate
    GGZ         where there is GGZ: at least 40% of the whole, of overige zorg alone, and of that without households ever
                under a mandate, is not GGZ

x1 >= x2 >= ... are the absolute amounts netted per contributor over the window, X their sum, n those that are not zero. Of
the joined (secret or unknown address) the six largest are one contributor. Amounts of persons who were erased join x1 and count for
none of n. Money stays integer cents throughout.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

REASONS: Final = ("safe", "safe_prov", "safe_fund", "ggz")
_JOINED_TOGETHER: Final = 6


@dataclass(frozen=True, slots=True)
class Parameters:
    """The rules' numbers; public, and printed with every release. Shares in percent."""

    least_contributors: int = 10
    largest_share: int = 50
    two_largest_share: int = 75
    least_not_ggz_share: int = 40
    euros_base: int = 1_000
    households_base: int = 5
    least_households: int = 10

    def as_dict(self) -> dict[str, int]:
        """For manifests and pages."""
        return asdict(self)

    def told(self) -> str:
        """As JSON, the same text for the same numbers."""
        return json.dumps(self.as_dict(), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Keys:
    """Who contributes to which cell (0..cells-1) through which provider; rows sorted by (cell, contributor, provider).

    `overig` and `ggz` tell the part; `mandated` households were ever under a mandate; `joined` contributors count together; `erased` ones
    join the largest other.
    """

    cells: int
    cell: Ints
    contributor: Ints
    provider: Ints
    overig: Flags
    ggz: Flags
    mandated: Flags
    joined: Flags
    erased: Flags

    def where(self, keep: Flags) -> Keys:
        """The rows that `keep` marks; the cells stay the same."""
        return Keys(
            self.cells, self.cell[keep], self.contributor[keep], self.provider[keep], self.overig[keep], self.ggz[keep],
            self.mandated[keep], self.joined[keep], self.erased[keep],
        )  # fmt: skip


def _starts(*columns: Ints) -> Ints:
    """Where each run of equal rows starts."""
    if not len(columns[0]):
        return np.zeros(0, dtype=np.int64)
    new = np.ones(len(columns[0]), dtype=bool)
    new[1:] = False
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)


def _lengths(starts: Ints, rows: int) -> Ints:
    lengths: Ints = np.diff(np.r_[starts, rows])
    return lengths


def _six_together(size: Ints, joined: Flags, starts: Ints) -> Ints:
    """Per run, the six largest joined amounts as one, in the place of the largest of them."""
    lengths = _lengths(starts, len(size))
    run = np.repeat(np.arange(len(starts)), lengths)
    order = np.lexsort((-size, ~joined, run))
    out = size[order]
    rank = np.arange(len(size)) - np.repeat(starts, lengths)
    together = joined[order] & (rank < _JOINED_TOGETHER)
    sums = np.add.reduceat(np.where(together, out, 0), starts)
    out[together] = 0
    out[starts] = np.where(together[starts], sums, out[starts])
    return out


def _safe(net: Ints, joined: Flags, erased: Flags, starts: Ints, p: Parameters) -> Flags:
    """SAFE of each run; a run without any amount that is not zero passes (nothing changed, nothing left)."""
    if not len(net):
        return np.zeros(0, dtype=bool)
    size = np.abs(net)
    of_erased = np.zeros(len(starts), dtype=np.int64)
    if erased.any():
        of_erased = np.add.reduceat(np.where(erased, size, 0), starts)
        size = np.where(erased, 0, size)
    if joined.any():
        size = _six_together(size, joined, starts)
    total = np.add.reduceat(size, starts)
    n = np.add.reduceat((size > 0).astype(np.int64), starts)
    first = np.maximum.reduceat(size, starts)
    largest = size == np.repeat(first, _lengths(starts, len(size)))
    at = np.minimum.reduceat(np.where(largest, np.arange(len(size)), len(size)), starts)
    others = size.copy()
    others[at] = 0
    second = np.maximum.reduceat(others, starts)
    first, total = first + of_erased, total + of_erased
    passes = (n >= p.least_contributors) & (first * 100 <= total * p.largest_share)
    passes &= (first + second) * 100 <= total * p.two_largest_share
    result: Flags = passes | (total == 0)
    return result


class Rules:
    """The rules over one set of keys, for the amounts of any window (cents per row of the keys); results per cell."""

    def __init__(self, keys: Keys, p: Parameters) -> None:
        self._keys, self._p = keys, p
        self._contributors = _starts(keys.cell, keys.contributor)

    def _per_cell(self, cell: Ints, passes: Flags) -> Flags:
        """A cell passes when all of its runs do; one without any passes."""
        out = np.ones(self._keys.cells, dtype=bool)
        out[cell[~passes]] = False
        return out

    def safe(self, cents: Ints) -> Flags:
        """SAFE per cell."""
        if not len(cents):
            return np.ones(self._keys.cells, dtype=bool)
        starts = self._contributors
        cell = self._keys.cell[starts]
        runs = _starts(cell)
        return self._per_cell(
            cell[runs],
            _safe(np.add.reduceat(cents, starts), self._keys.joined[starts], self._keys.erased[starts], runs, self._p),
        )

    @cached_property
    def _pairs(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """For each (cell, provider) all contributors of the cell, and where that provider's part is taken from them."""
        k, of_contributor = self._keys, self._contributors
        parts = _starts(k.cell, k.contributor, k.provider)
        cells_of_runs = k.cell[of_contributor]
        first_run = np.searchsorted(cells_of_runs, np.arange(k.cells))
        runs = np.bincount(cells_of_runs, minlength=k.cells)
        width = int(k.provider.max()) + 1
        names, pair = np.unique(k.cell[parts] * width + k.provider[parts], return_inverse=True)
        pair_cell = names // width
        lengths = runs[pair_cell]
        offsets = np.r_[0, np.cumsum(lengths)[:-1]].astype(np.int64)
        run = np.arange(int(lengths.sum())) - np.repeat(offsets - first_run[pair_cell], lengths)
        run_of_part = np.searchsorted(of_contributor, parts, side="right") - 1
        taken = offsets[pair] + run_of_part - first_run[k.cell[parts]]
        return parts, run, taken, offsets, pair_cell

    def safe_prov(self, cents: Ints) -> Flags:
        """SAFE_PROV per cell: every provider is left out in turn, all at once."""
        if not len(cents):
            return np.ones(self._keys.cells, dtype=bool)
        parts, run, taken, offsets, pair_cell = self._pairs
        left = np.add.reduceat(cents, self._contributors)[run]
        left[taken] -= np.add.reduceat(cents, parts)
        joined, erased = self._keys.joined[self._contributors], self._keys.erased[self._contributors]
        joined, erased = (flags[run] if flags.any() else flags for flags in (joined, erased))
        return self._per_cell(pair_cell, _safe(left, joined, erased, offsets, self._p))

    @cached_property
    def _unknown(self) -> tuple[Flags, Rules]:
        """Overige zorg of households the funder's mandates do not show."""
        keep = self._keys.overig & ~self._keys.mandated
        return keep, Rules(self._keys.where(keep), self._p)

    def changed(self, cents: Ints) -> Flags:
        """Cells in which some contributor's amount is not zero."""
        out = np.zeros(self._keys.cells, dtype=bool)
        if len(cents):
            net = np.add.reduceat(cents, self._contributors)
            out[self._keys.cell[self._contributors][net != 0]] = True
        return out

    def safe_fund(self, cents: Ints) -> Flags:
        """SAFE_FUND per cell; overige zorg of which the mandates show all fails."""
        keep, unknown = self._unknown
        known_to_all = self.changed(np.where(self._keys.overig, cents, 0)) & ~unknown.changed(cents[keep])
        result: Flags = unknown.safe(cents[keep]) & ~known_to_all
        return result

    def not_ggz(self, cents: Ints) -> Flags:
        """The GGZ rule per cell: of the whole, of overige zorg alone, and of what the mandates do not show the funder of it."""
        overig = np.where(self._keys.overig, cents, 0)
        unknown = np.where(self._keys.mandated, 0, overig)
        result: Flags = self._enough(cents) & self._enough(overig) & self._enough(unknown)
        return result

    def _enough(self, cents: Ints) -> Flags:
        secret, rest = (self._sizes(np.where(part, cents, 0)) for part in (self._keys.ggz, ~self._keys.ggz))
        result: Flags = (secret == 0) | (rest * 100 >= (secret + rest) * self._p.least_not_ggz_share)
        return result

    def _sizes(self, cents: Ints) -> Ints:
        """Sum per cell of the absolute amounts netted per contributor."""
        out = np.zeros(self._keys.cells, dtype=np.int64)
        if len(cents):
            np.add.at(out, self._keys.cell[self._contributors], np.abs(np.add.reduceat(cents, self._contributors)))
        return out

    def reasons(self, cents: Ints) -> Ints:
        """Per cell the first rule that fails, as index into `REASONS`; -1 where all pass."""
        result = np.full(self._keys.cells, -1, dtype=np.int64)
        for index, rule in enumerate((self.safe, self.safe_prov, self.safe_fund, self.not_ggz)):
            result[~rule(cents) & (result < 0)] = index
        return result
