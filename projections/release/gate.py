"""One epoch of one municipality: every cell is released or held, by rules over everything published before.

The running total of the service year and its difference with every earlier publication of the cell must pass. What comes
after the single-cell rules, complementary holds and the audit, enters at `complementary_holds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from projections.release.cells import IN_GROUP, CellId, Layer, layers_due
from projections.release.contributions import Contributions, Sheet
from projections.release.rounding import rounded_euros, rounded_households
from projections.release.rules import REASONS, Parameters, Rules

PROTECTION: Final = "preliminary"
"""Until complementary holds and audit are in: every page and export says so."""
_START: Final = -1
"""The window since the start of the service year; others start after an earlier publication's epoch."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a reader sees of a cell: as last published, or nothing."""

    euros: int
    households: int | None
    epoch: int


@dataclass(frozen=True, slots=True)
class Decision:
    """One event of release's own log. `reason` (rule, and since which epoch) never leaves the zone."""

    cell: CellId
    released: bool
    reason: str
    euros: int | None
    households: int | None


def complementary_holds(decisions: list[Decision]) -> list[Decision]:
    """Steps 2 and 3 of an epoch (pools, remainders, audit) come here; until then the protection is preliminary."""
    return decisions


def decide(
    rows: NDArray[np.void], *, epoch: int, month_of_year: int, years: Iterable[int],
    published: Mapping[CellId, Sequence[int]], areas: Mapping[str, Sequence[int]], mandated: set[bytes], parameters: Parameters,
) -> list[Decision]:  # fmt: skip
    """Decide every cell that is due; the order of the rows changes nothing.

    `rows`: one municipality's contributions (those after `epoch` are left out); `published`: epochs at which a cell was
    released; `areas`: level -> all area numbers of the municipality, so that empty cells are decided too; `mandated`:
    households ever under a mandate.
    """
    decisions: list[Decision] = []
    contributions = Contributions(rows, epoch=epoch, mandated=mandated)
    for layer in layers_due(month_of_year):
        for year in sorted(years):
            sheet = contributions.sheet(layer, year=year, areas=areas.get(layer.level, ()))
            for group in layer.groups:
                cells = [CellId(layer.level, layer.code_text(int(n)), group, year) for n in sheet.numbers]
                decisions += _decided(
                    sheet.of_care(IN_GROUP[group]), cells, layer, published=published, parameters=parameters
                )
    return complementary_holds(decisions)


def _decided(
    sheet: Sheet,
    cells: list[CellId],
    layer: Layer,
    *,
    published: Mapping[CellId, Sequence[int]],
    parameters: Parameters,
) -> list[Decision]:
    reasons = _reasons(sheet, [published.get(c, ()) for c in cells], parameters)
    euros, households = sheet.totals().tolist(), sheet.households().tolist()
    return [
        Decision(cell, released=False, reason=reason, euros=None, households=None)
        if reason
        else Decision(
            cell, released=True, reason="", euros=rounded_euros(euros[i], parameters),
            households=rounded_households(households[i], parameters) if layer.counts else None,
        )
        for i, (cell, reason) in enumerate(zip(cells, reasons, strict=True))
    ]  # fmt: skip


def _reasons(sheet: Sheet, earlier: Sequence[Sequence[int]], parameters: Parameters) -> list[str]:
    """Per cell the first window and rule that fails, or nothing."""
    rules = Rules(sheet.keys, parameters)
    found = [""] * len(earlier)
    for start in sorted({_START, *(e for known in earlier for e in known)}):
        failing = rules.reasons(sheet.since[:, start + 1])
        for i in np.flatnonzero(failing >= 0).tolist():
            if not found[i] and (start == _START or start in earlier[i]):
                found[i] = REASONS[failing[i]] + ("" if start == _START else f" since {start}")
    return found
