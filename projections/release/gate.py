"""One epoch of one municipality: every cell is released or held, by rules over everything published before.

The running total of the service year and its difference with every earlier publication of the cell must pass; then more is held until nothing
follows by subtraction (`projections.release.complementary`), and until no reader bounds an amount by linear programmes over all that was ever
published of the year (`projections.release.audit`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from projections.release.audit.audit import Audit
from projections.release.audit.crew import Crew
from projections.release.audit.holds import Holds
from projections.release.cells import IN_GROUP, CellId, Layer, Street, layers_due
from projections.release.complementary import Complementary
from projections.release.contributions import Contributions, Sheet, Year
from projections.release.pools import START, Pools
from projections.release.rounding import rounded_euros, rounded_households
from projections.release.rules import REASONS, Parameters, Rules
from projections.release.sums import Tree, all_areas

PROTECTION: Final = "full"
"""What every release says of itself: all three steps ran. Releases from before the audit say `preliminary`."""
NOTHING: Final = "audit: nothing could be published"
"""The reason where one service year's amounts would follow whatever is held: nothing at all is published in that epoch."""


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


def decide(
    rows: NDArray[np.void], *, epoch: int, month_of_year: int, years: Iterable[int],
    published: Mapping[CellId, Sequence[int]], areas: Mapping[str, Sequence[int]], mandated: set[bytes], parameters: Parameters,
    addresses: Mapping[int, int], streets: tuple[Street, ...] = (), crew: Crew | None = None,
) -> list[Decision]:  # fmt: skip
    """Decide every cell that is due; the order of the rows changes nothing.

    `rows`: one municipality's contributions (those after `epoch` are left out); `published`: epochs at which a cell was
    released; `areas`: level -> all area numbers of the municipality, so that empty cells are decided too; `mandated`:
    households ever under a mandate; `addresses`: finest area -> addresses in the register, which say what is held first;
    `streets`: those with cells of their own, as the numbers of their clusters; `crew`: processes that help with a large audit and change no decision,
    none of which is left afterwards.
    """
    contributions, of_years = Contributions(rows, epoch=epoch, mandated=mandated), sorted(years)
    decisions = primary(
        contributions, month_of_year, of_years, published=published, areas=areas, parameters=parameters, streets=streets
    )
    for year in of_years:
        decisions, nothing = _without_what_follows(
            decisions, contributions.year(year), year, epoch=epoch, published=published, areas=areas, parameters=parameters,
            addresses=addresses, streets=streets, crew=crew,
        )  # fmt: skip
        if nothing:
            return [_held(d, NOTHING) for d in decisions]
    return decisions


def primary(
    contributions: Contributions, month_of_year: int, years: Iterable[int], *, published: Mapping[CellId, Sequence[int]],
    areas: Mapping[str, Sequence[int]], parameters: Parameters, streets: tuple[Street, ...] = (),
) -> list[Decision]:  # fmt: skip
    """Step 1: each cell that is due by the single-cell rules over every window of its own."""
    decisions: list[Decision] = []
    for layer in layers_due(month_of_year, streets):
        for year in years:
            sheet = contributions.sheet(
                layer, year=year, areas=[s[0] for s in layer.streets] or areas.get(layer.level, ())
            )
            for group in layer.groups:
                cells = [CellId(layer.level, layer.code_text(int(n)), group, year) for n in sheet.numbers]
                decisions += _decided(
                    sheet.of_care(IN_GROUP[group]), cells, layer, published=published, parameters=parameters
                )
    return decisions


def _without_what_follows(
    decisions: list[Decision], amounts: Year, year: int, *, epoch: int, published: Mapping[CellId, Sequence[int]],
    areas: Mapping[str, Sequence[int]], parameters: Parameters, addresses: Mapping[int, int],
    streets: tuple[Street, ...], crew: Crew | None,
) -> tuple[list[Decision], bool]:  # fmt: skip
    """Steps 2 and 3 for one service year: hold what lets a held cell or a household's amount follow. True where nothing at all may be published."""
    known = sorted(c for c in published if c.level == "street" and c.service_year == year)
    tree = Tree.of(all_areas(areas, np.unique(amounts.area).tolist()), year, streets, known)
    released = {d.cell for d in decisions if d.released and d.cell.service_year == year}
    of_cell = _addresses_of_cells(tree, addresses)
    complementary = Complementary(Pools(tree, amounts, parameters), released, published, of_cell.__getitem__)
    with crew or nullcontext():
        holds = Holds(complementary, Audit(tree, amounts, published, epoch, parameters, crew=crew))
        reasons = holds.run()
    return [_held(d, reasons[d.cell]) if d.cell in reasons else d for d in decisions], holds.nothing


def _held(decision: Decision, reason: str) -> Decision:
    """The same cell, held for `reason` unless it was held before."""
    return (
        Decision(decision.cell, released=False, reason=reason, euros=None, households=None)
        if decision.released
        else decision
    )


def _addresses_of_cells(tree: Tree, addresses: Mapping[int, int]) -> dict[CellId, int]:
    """How many addresses the area of each cell has."""
    finest = np.array(sorted(addresses), dtype=np.int64)
    counts = np.array([addresses[a] for a in sorted(addresses)], dtype=np.int64)
    found: dict[tuple[str, str], int] = {}
    for cell in tree.number:
        if (cell.level, cell.area) not in found:
            found[cell.level, cell.area] = int(counts[tree.covers(cell, finest)].sum())
    return {cell: found[cell.level, cell.area] for cell in tree.number}


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
    for start in sorted({START, *(e for known in earlier for e in known)}):
        failing = rules.reasons(sheet.since[:, start + 1])
        for i in np.flatnonzero(failing >= 0).tolist():
            if not found[i] and (start == START or start in earlier[i]):
                found[i] = REASONS[failing[i]] + ("" if start == START else f" since {start}")
    return found
