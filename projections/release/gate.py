"""One epoch of one municipality: every cell is released or held, by rules over everything published before.

The running total of the service year and its difference with every earlier publication of the cell must pass. What comes
after the single-cell rules, complementary holds and the audit, enters at `complementary_holds`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from projections.release.cells import IN_GROUP, IS_GGZ, IS_OVERIG, CellId, Layer, layers_due
from projections.release.rules import REASONS, Parameters, Window, reasons

PROTECTION: Final = "preliminary"
"""Until complementary holds and audit are in: every page and export says so."""
_SECRET_TOGETHER: Final = 6


@dataclass(frozen=True, slots=True)
class Published:
    """What a reader sees of a cell: as last published, or nothing."""

    euros: int
    households: int | None
    epoch: int


@dataclass(frozen=True, slots=True)
class Decision:
    """One event of release's own log. `reason` never leaves the zone."""

    cell: CellId
    released: bool
    reason: str
    euros: int | None
    households: int | None


def complementary_holds(decisions: list[Decision]) -> list[Decision]:
    """Steps 2 and 3 of an epoch (pools, remainders, audit) come here; until then the protection is preliminary."""
    return decisions


def decide(
    contributions: NDArray[np.void], *, epoch: int, month_of_year: int, years: Iterable[int],
    published: dict[CellId, list[int]], areas: dict[str, list[int]], mandated: set[bytes], parameters: Parameters,
) -> list[Decision]:  # fmt: skip
    """Decide every cell that is due.

    `contributions`: one municipality's rows with `epoch` at most `epoch`; `published`: epochs at which a cell was released;
    `areas`: level -> all area numbers of the municipality, so that empty cells are decided too; `mandated`: households ever
    under a mandate.
    """
    decisions: list[Decision] = []
    prepared = _Prepared(contributions[contributions["epoch"] <= epoch], mandated)
    for layer in layers_due(month_of_year):
        for year in sorted(years):
            for group in layer.groups:
                decisions += _decide_group(
                    prepared, layer, group=group, year=year, published=published,
                    areas=areas.get(layer.level, []), parameters=parameters,
                )  # fmt: skip
    return complementary_holds(decisions)


class _Prepared:
    """The contributions as integer columns."""

    def __init__(self, rows: NDArray[np.void], mandated: set[bytes]) -> None:
        self.area = rows["area"].astype(np.int64)
        self.household_names, self.household = _numbered(rows["household"])
        _, self.contributor = _numbered(rows["contributor"])
        _, self.provider = np.unique(rows["provider"], return_inverse=True)
        self.care = rows["care_type"].astype(np.int64)
        self.year = rows["service_year"].astype(np.int64)
        self.epoch = rows["epoch"].astype(np.int64)
        self.cents = rows["cents"].astype(np.int64)
        listed = np.array([name in mandated for name in self.household_names], dtype=bool)
        self.mandated = listed[self.household] if len(listed) else np.zeros(0, dtype=bool)
        self.alone = rows["household"] == rows["contributor"]


def _numbered(column: NDArray[np.void]) -> tuple[list[bytes], NDArray[np.int64]]:
    if not len(column):
        return [], np.zeros(0, dtype=np.int64)
    as_ints = np.frombuffer(np.ascontiguousarray(column).tobytes(), dtype=[("a", "<u8"), ("b", "<u8")])
    _, first, inverse = np.unique(as_ints, return_index=True, return_inverse=True)
    return [column[i].tobytes() for i in first], inverse.astype(np.int64)


def _decide_group(
    p: _Prepared, layer: Layer, *, group: str, year: int, published: dict[CellId, list[int]],
    areas: list[int], parameters: Parameters,
) -> list[Decision]:  # fmt: skip
    codes = layer.codes(p.area)
    mine = (p.year == year) & (codes >= 0) & IN_GROUP[group][p.care]
    numbers = np.array(sorted({*areas, *np.unique(codes[mine]).tolist()}), dtype=np.int64)
    cells = [CellId(layer.level, layer.code_text(int(n)), group, year) for n in numbers]
    index = np.searchsorted(numbers, codes[mine])
    earlier = [sorted(published.get(c, [])) for c in cells]
    failing = np.full(len(cells), -1, dtype=np.int64)
    for start in sorted({-1, *(e for known in earlier for e in known)}):
        concerned = np.array([start == -1 or start in known for known in earlier], dtype=bool)
        inside = (p.epoch[mine] > start) & concerned[index]
        window = _window(p, mine, inside, index, len(cells), rest=layer.level == "gemeente")
        found = reasons(window, parameters)
        failing = np.where((failing < 0) & concerned, found, failing)
    totals = np.bincount(index, weights=p.cents[mine], minlength=len(cells)).astype(np.int64)
    households = _household_counts(index, p.household[mine], p.cents[mine], len(cells))
    return [
        Decision(
            cell, released=failing[i] < 0, reason="" if failing[i] < 0 else REASONS[failing[i]],
            euros=rounded_euros(int(totals[i]), parameters) if failing[i] < 0 else None,
            households=rounded_households(int(households[i]), parameters)
            if failing[i] < 0 and layer.level != "cluster" else None,
        )
        for i, cell in enumerate(cells)
    ]  # fmt: skip


def _window(
    p: _Prepared, mine: NDArray[np.bool_], inside: NDArray[np.bool_], index: NDArray[np.int64], cells: int, *, rest: bool
) -> Window:
    def pick(column: NDArray[np.int64]) -> NDArray[np.int64]:
        chosen: NDArray[np.int64] = column[mine][inside]
        return chosen

    care, contributor, cents = pick(p.care), pick(p.contributor), pick(p.cents)
    if rest:
        contributor = _secret_together(contributor, cents, p.alone[mine][inside])
    return Window(
        cells=cells, cell=index[inside], contributor=contributor, provider=pick(p.provider), cents=cents,
        overig=IS_OVERIG[care], ggz=IS_GGZ[care], mandated=p.mandated[mine][inside],
    )  # fmt: skip


def _secret_together(
    contributor: NDArray[np.int64], cents: NDArray[np.int64], alone: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """In the rest, the six largest of those who stand alone (secret or unknown address) count as one contributor."""
    if not alone.any():
        return contributor
    names, inverse = np.unique(contributor[alone], return_inverse=True)
    size = np.abs(np.bincount(inverse, weights=cents[alone]))
    largest = names[np.argsort(-size, kind="stable")[:_SECRET_TOGETHER]]
    return np.where(np.isin(contributor, largest), largest[0], contributor)


def _household_counts(
    index: NDArray[np.int64], household: NDArray[np.int64], cents: NDArray[np.int64], cells: int
) -> NDArray[np.int64]:
    """Distinct households with an amount that is not zero, per cell."""
    if not len(index):
        return np.zeros(cells, dtype=np.int64)
    span = int(household.max()) + 1
    keys, inverse = np.unique(index * span + household, return_inverse=True)
    net = np.bincount(inverse, weights=cents)
    return np.bincount(keys[net != 0] // span, minlength=cells).astype(np.int64)


def rounded_euros(cents: int, parameters: Parameters) -> int:
    """Euros to the nearest multiple of the base, halves away from zero."""
    base = parameters.euros_base * 100
    sign = -1 if cents < 0 else 1
    return sign * ((abs(cents) + base // 2) // base) * parameters.euros_base


def rounded_households(count: int, parameters: Parameters) -> int:
    """Households to the nearest multiple of the base, never below the least; none stays none."""
    if count == 0:
        return 0
    base = parameters.households_base
    return max(parameters.least_households, (count + base // 2) // base * base)
