"""The single-cell rules on columns: SAFE, SAFE_PROV, SAFE_FUND and the GGZ rule, for every cell of a window at once.

    SAFE(x)     n >= 10  and  x1 <= 50% X  and  x1 + x2 <= 75% X
    SAFE_PROV   SAFE again without the contributions of any one provider (nothing left passes)
    SAFE_FUND   where there is overige zorg: SAFE again on that part alone, without households ever under a mandate
    GGZ         where there is GGZ: at least 40% of the whole, and of overige zorg alone, is not GGZ

x1 >= x2 >= ... are the absolute amounts netted per contributor over the window, X their sum, n those that are not zero.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


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


REASONS: Final = ("safe", "safe_prov", "safe_fund", "ggz")


@dataclass(frozen=True, slots=True)
class Window:
    """Contributions of one window, one row per (cell, contributor, provider, part): amounts in cents.

    `cell` in 0..cells-1. `overig` and `ggz` tell the part; `mandated` contributors were ever under a mandate.
    """

    cells: int
    cell: Ints
    contributor: Ints
    provider: Ints
    cents: Ints
    overig: Flags
    ggz: Flags
    mandated: Flags

    def where(self, keep: Flags) -> Window:
        """The rows that `keep` marks."""
        return Window(
            self.cells, self.cell[keep], self.contributor[keep], self.provider[keep], self.cents[keep], self.overig[keep],
            self.ggz[keep], self.mandated[keep],
        )  # fmt: skip


def _netted(groups: list[Ints], cents: Ints) -> tuple[list[Ints], Ints]:
    """Sum cents per distinct combination; the combinations come sorted by the first group first."""
    if not len(cents):
        return [g[:0] for g in groups], cents[:0]
    order = np.lexsort(groups[::-1])
    sorted_groups = [g[order] for g in groups]
    new = np.ones(len(order), dtype=bool)
    new[1:] = np.any([g[1:] != g[:-1] for g in sorted_groups], axis=0)
    starts = np.flatnonzero(new)
    return [g[starts] for g in sorted_groups], np.add.reduceat(cents[order], starts)


def _safe(group: Ints, net: Ints, count: int, p: Parameters) -> Flags:
    """SAFE of each group; a group without any amount that is not zero passes (nothing changed, nothing left)."""
    size = np.abs(net)
    total = np.bincount(group, weights=size, minlength=count)
    n = np.bincount(group, weights=size > 0, minlength=count)
    order = np.lexsort((-size, group))
    sorted_group, sorted_size = group[order], size[order]
    first = np.zeros(count)
    second = np.zeros(count)
    if len(order):
        starts = np.flatnonzero(np.r_[True, sorted_group[1:] != sorted_group[:-1]])
        first[sorted_group[starts]] = sorted_size[starts]
        following = starts + 1
        inside = following < len(order)
        inside[inside] = sorted_group[following[inside]] == sorted_group[starts[inside]]
        second[sorted_group[starts[inside]]] = sorted_size[following[inside]]
    passes = (n >= p.least_contributors) & (first * 100 <= total * p.largest_share)
    passes &= (first + second) * 100 <= total * p.two_largest_share
    result: Flags = passes | (n == 0)
    return result


def safe(w: Window, p: Parameters) -> Flags:
    """SAFE per cell."""
    (cell, _), net = _netted([w.cell, w.contributor], w.cents)
    return _safe(cell, net, w.cells, p)


def safe_prov(w: Window, p: Parameters) -> Flags:
    """SAFE_PROV per cell: each (cell, provider) pair is tried without that provider, all pairs at once."""
    (cell, contributor), net = _netted([w.cell, w.contributor], w.cents)
    (p_cell, p_provider, p_contributor), p_net = _netted([w.cell, w.provider, w.contributor], w.cents)
    if not len(cell):
        return np.ones(w.cells, dtype=bool)
    width = int(w.provider.max()) + 1
    pair_keys, pair_of_row = np.unique(p_cell * width + p_provider, return_inverse=True)
    pair_cell = pair_keys // width
    starts = np.searchsorted(cell, np.arange(w.cells), side="left")
    sizes = np.bincount(cell, minlength=w.cells)
    lengths = sizes[pair_cell]
    offsets = np.r_[0, np.cumsum(lengths)[:-1]]
    index = np.arange(int(lengths.sum())) - np.repeat(offsets, lengths) + np.repeat(starts[pair_cell], lengths)
    left = net[index].copy()
    span = int(contributor.max()) + 1
    position = np.searchsorted(cell * span + contributor, p_cell * span + p_contributor)
    left[offsets[pair_of_row] + position - starts[p_cell]] -= p_net
    passes = _safe(np.repeat(np.arange(len(pair_keys)), lengths), left, len(pair_keys), p)
    failing = np.bincount(pair_cell, weights=~passes, minlength=w.cells)
    result: Flags = failing == 0
    return result


def safe_fund(w: Window, p: Parameters) -> Flags:
    """SAFE_FUND per cell."""
    part = w.where(w.overig)
    if not len(part.cell):
        return np.ones(w.cells, dtype=bool)
    unknown = part.where(~part.mandated)
    (cell, _), net = _netted([unknown.cell, unknown.contributor], unknown.cents)
    passes = _safe(cell, net, w.cells, p)
    (all_cells, _), all_net = _netted([part.cell, part.contributor], part.cents)
    changed = np.bincount(all_cells, weights=all_net != 0, minlength=w.cells) > 0
    left = np.bincount(cell, weights=net != 0, minlength=w.cells) > 0
    result: Flags = passes & ~(changed & ~left)
    return result


def _share(w: Window, p: Parameters) -> Flags:
    (cell, _, ggz), net = _netted([w.cell, w.contributor, w.ggz.astype(np.int64)], w.cents)
    size = np.abs(net)
    whole = np.bincount(cell, weights=size, minlength=w.cells)
    secret = np.bincount(cell, weights=size * (ggz > 0), minlength=w.cells)
    result: Flags = (secret == 0) | ((whole - secret) * 100 >= whole * p.least_not_ggz_share)
    return result


def not_ggz(w: Window, p: Parameters) -> Flags:
    """The GGZ rule per cell."""
    return _share(w, p) & _share(w.where(w.overig), p)


def reasons(w: Window, p: Parameters) -> NDArray[np.int64]:
    """Per cell the first rule that fails, as index into `REASONS`; -1 where all pass."""
    result = np.full(w.cells, -1, dtype=np.int64)
    for index, rule in enumerate((safe, safe_prov, safe_fund, not_ggz)):
        failing = ~rule(w, p) & (result < 0)
        result[failing] = index
    return result
