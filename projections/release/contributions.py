"""One municipality's contributions as integer columns, with the amounts of every window to now side by side.

Knows amounts per household, contributor and provider by number; no BSN, no person, no single service.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from projections.release.cells import IS_GGZ, IS_OVERIG, Layer
from projections.release.rules import Keys

CONTRIBUTION: Final = np.dtype([
    ("area", "<i8"), ("household", "V16"), ("contributor", "V16"), ("provider", "<i8"), ("care_type", "<i4"),
    ("service_year", "<i4"), ("epoch", "<i4"), ("cents", "<i8"),
    ("erased", "<i4"),       # 1: of someone who was erased
])  # fmt: skip
"""One row of the view `release_contributions`."""

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The contributions to the cells of one layer and service year, sorted by (cell, contributor, provider).

    `since[:, s + 1]` is what came after epoch s, so column 0 is the running total. `numbers`: the cells' area numbers.
    """

    numbers: Ints
    keys: Keys
    care: Ints
    household: Ints
    since: Ints

    def of_care(self, wanted: Flags) -> Sheet:
        """The part of the care types that `wanted` marks; the cells stay the same."""
        keep = wanted[self.care]
        return Sheet(self.numbers, self.keys.where(keep), self.care[keep], self.household[keep], self.since[keep])

    def totals(self) -> Ints:
        """Running total per cell, in cents."""
        out = np.zeros(len(self.numbers), dtype=np.int64)
        np.add.at(out, self.keys.cell, self.since[:, 0])
        return out

    def households(self) -> Ints:
        """Distinct households per cell whose running total is not zero; who was erased is none."""
        out = np.zeros(len(self.numbers), dtype=np.int64)
        if len(self.household):
            order = np.lexsort((self.household, self.keys.cell))
            cell, household = self.keys.cell[order], self.household[order]
            starts = np.flatnonzero(np.r_[True, (cell[1:] != cell[:-1]) | (household[1:] != household[:-1])])
            net = np.add.reduceat(self.since[order, 0], starts)
            np.add.at(out, cell[starts], (net != 0) & ~self.keys.erased[order][starts])
        return out


@dataclass(frozen=True, slots=True)
class Year:
    """All contributions of one service year, sorted by (contributor, provider); `area`: the finest, `since` as in `Sheet`.

    Whoever stands alone in the rest of the gemeente is marked as joined.
    """

    area: Ints
    care: Ints
    household: Ints
    contributor: Ints
    provider: Ints
    overig: Flags
    ggz: Flags
    mandated: Flags
    joined: Flags
    erased: Flags
    since: Ints


class Contributions:
    """All contributions known by the end of `epoch`, netted per key, one column per epoch."""

    def __init__(self, rows: NDArray[np.void], *, epoch: int, mandated: Collection[bytes]) -> None:
        """`rows`: of one municipality, dtype `CONTRIBUTION`; `mandated`: households ever under a mandate."""
        rows = rows[rows["epoch"] <= epoch]
        names, household = _numbered(rows["household"])
        _, contributor = _numbered(rows["contributor"])
        _, provider = np.unique(rows["provider"], return_inverse=True)
        columns = [rows["service_year"], rows["area"], household, contributor, provider, rows["care_type"]]
        order = np.lexsort(columns[::-1])
        sorted_columns = [np.asarray(c, dtype=np.int64)[order] for c in columns]
        new = np.zeros(len(order), dtype=bool)
        for column in sorted_columns:
            new[1:] |= column[1:] != column[:-1]
        new[:1] = True
        starts = np.flatnonzero(new)
        amounts = np.zeros((len(starts), epoch + 1), dtype=np.int64)
        np.add.at(amounts, (np.cumsum(new) - 1, rows["epoch"][order]), rows["cents"][order])
        self._since = np.cumsum(amounts[:, ::-1], axis=1)[:, ::-1]
        self._year, self._area, self._household, self._contributor, self._provider, self._care = (
            c[starts] for c in sorted_columns
        )
        listed = np.array([name in mandated for name in names], dtype=bool)
        self._mandated = listed[self._household] if len(names) else np.zeros(0, dtype=bool)
        alone = rows["household"] == rows["contributor"]
        self._alone = alone[order][starts]
        self._erased = (rows["erased"] != 0)[order][starts]

    def year(self, year: int) -> Year:
        """The contributions of one service year."""
        mine = np.flatnonzero(self._year == year)
        order = mine[np.lexsort((self._provider[mine], self._contributor[mine]))]
        area, care = self._area[order], self._care[order]
        return Year(
            area, care, self._household[order], self._contributor[order], self._provider[order], overig=IS_OVERIG[care], ggz=IS_GGZ[care],
            mandated=self._mandated[order], joined=self._alone[order] & (area % 100 == 0), erased=self._erased[order],
            since=self._since[order],
        )  # fmt: skip

    def sheet(self, layer: Layer, *, year: int, areas: Collection[int]) -> Sheet:
        """The cells of one layer and service year; `areas`: numbers of all areas at it, so that empty cells are there too.

        In the rest of the gemeente those who stand alone (secret or unknown address) are marked as joined.
        """
        codes = layer.codes(self._area)
        mine = np.flatnonzero((self._year == year) & (codes >= 0))
        codes = codes[mine]
        numbers = np.array(sorted({*areas, *np.unique(codes).tolist()}), dtype=np.int64)
        order = mine[np.lexsort((self._provider[mine], self._contributor[mine], codes))]
        cell = np.searchsorted(numbers, layer.codes(self._area[order])).astype(np.int64)
        care = self._care[order]
        joined = self._alone[order] & (layer.level == "gemeente")
        keys = Keys(
            cells=len(numbers), cell=cell, contributor=self._contributor[order], provider=self._provider[order],
            erased=self._erased[order],
            overig=IS_OVERIG[care], ggz=IS_GGZ[care], mandated=self._mandated[order], joined=joined,
        )  # fmt: skip
        return Sheet(numbers, keys, care, self._household[order], self._since[order])


def _numbered(column: NDArray[np.void]) -> tuple[list[bytes], Ints]:
    """Distinct 16-byte ids and, per row, the number of its id."""
    if not len(column):
        return [], np.zeros(0, dtype=np.int64)
    halves = np.frombuffer(np.ascontiguousarray(column).tobytes(), dtype=[("a", "<u8"), ("b", "<u8")])
    order = np.lexsort((halves["b"], halves["a"]))
    ordered = halves[order]
    new = np.r_[True, (ordered["a"][1:] != ordered["a"][:-1]) | (ordered["b"][1:] != ordered["b"][:-1])]
    number = np.empty(len(column), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return [column[i].tobytes() for i in order[new]], number
