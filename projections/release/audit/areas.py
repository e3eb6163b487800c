"""The GGZ of whole areas as amounts of their own: what all households of a cluster, street, buurt, wijk or the gemeente had of it together.

Who reads must not learn it, nor the part of it that the funder pays as youth care. An area's GGZ stands in the place of one household here; whatever else was delivered stays
with the households. The single-cell rule says nothing of it that counts as excepted. That of the whole gemeente is looked at over figures of wijken only, as the programme of the gemeente is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from projections.release.audit.amounts import Amounts
from projections.release.cells import IS_OVERIG
from projections.release.contributions import Flags, Ints, Year
from projections.release.sums import LAYER

_LEVELS: Final = ("cluster", "street", "buurt", "wijk", "placed")


def of_areas(year: Year, areas: Ints, published: Ints, streets: Sequence[Ints] = ()) -> Iterator[Amounts]:
    """Per level the GGZ of all its areas, and that of youth care where there is other GGZ beside it. What is the same at two levels is there once.

    `areas`, `published`, `streets`: as `Amounts.of` has them.
    """
    seen: set[tuple[bool, tuple[int, ...]]] = set()
    youth = year.ggz & ~IS_OVERIG[year.care]
    for level in _LEVELS:
        code = _street(year, areas, streets) if level == "street" else LAYER[level].codes(year.area)
        code = np.where(code < 0, year.area, code) if level == "cluster" else code
        for part, only_youth in ((year.ggz, False), (youth, True)):
            chosen = part & (code >= 0) & _is_new(code, year, part, seen, only_youth=only_youth)
            if chosen.any():
                mine = replace(year, household=np.where(chosen, code, -1 - year.household), ggz=chosen)
                if level == "placed":
                    first = areas[np.unique(_wijk(areas), return_index=True)[1]]
                    mine = replace(mine, area=first[np.searchsorted(_wijk(first), _wijk(year.area))])
                yield Amounts.of(
                    mine, first if level == "placed" else areas, published, of_areas="youth" if only_youth else "all",
                    by_wijk=level == "placed",
                )  # fmt: skip


def _street(year: Year, areas: Ints, streets: Sequence[Ints]) -> Ints:
    """Which of the streets each line lies in, -1 for none: no finest area is part of two."""
    of = np.full(len(areas), -1, dtype=np.int64)
    for nth, street in enumerate(streets):
        of[street] = nth
    found: Ints = of[np.searchsorted(areas, year.area)]
    return found


def _wijk(areas: Ints) -> Ints:
    """The wijk of each finest area; what lies in none is in the first of all."""
    found: Ints = np.where(areas % 100 == 0, 0, areas // 10_000)
    return found


def _is_new(code: Ints, year: Year, part: Flags, seen: set[tuple[bool, tuple[int, ...]]], *, only_youth: bool) -> Flags:
    """Whether an area's part is none that was seen in another: at a finer level, or all of its GGZ."""
    new = np.zeros(len(code), dtype=bool)
    for one in np.unique(code[part & (code >= 0)]).tolist():
        lines = part & (code == one)
        where = tuple(np.unique(year.area[lines]).tolist())
        if only_youth and not (year.ggz & (code == one) & ~part).any():
            continue
        if (only_youth, where) not in seen:
            seen.add((only_youth, where))
            new[lines] = True
    return new
