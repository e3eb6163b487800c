"""An invented town's amounts as release sees them, straight from its own books: no zone, no fold. For tests of the gate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

from producers.town import streets
from producers.town.files import Town
from projections.geometry.streets import street_cells
from projections.release import cells
from projections.release.cells import CellId, Street
from projections.release.contributions import CONTRIBUTION
from projections.release.gate import Decision, decide
from projections.release.rules import Parameters
from schemas.care import CARE_TYPE_BY_CODE
from schemas.geography import area_number
from schemas.values import Month

P = Parameters()


def _id(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16).digest()


def amounts_of(town: Town, gemeente: int) -> np.ndarray:
    """Contributions (dtype `CONTRIBUTION`) of one municipality, in the order in which they became known."""
    own, found = f"GM{gemeente:04d}", []
    for change in town.books.changes:
        spot, line = change.spot, change.line
        if spot.gemeente == own:
            household = _id(spot.household)
            by = _id(spot.address) if spot.address and not spot.household.startswith("A") else household
            care = CARE_TYPE_BY_CODE[line.care].id
            found.append(
                (
                    area_number(spot.area),
                    household,
                    by,
                    line.provider.agb,
                    care,
                    line.first.year,
                    change.step,
                    change.cents,
                    0,
                )
            )
    return np.array(found, dtype=CONTRIBUTION)


def areas_of(town: Town, gemeente: int) -> tuple[dict[str, list[int]], dict[int, int]]:
    """Level -> area numbers, and finest area -> addresses."""
    municipality = next(m for m in town.municipalities if m.number == gemeente)
    addresses: dict[int, set[tuple[str, int]]] = defaultdict(set)
    for home in municipality.homes:
        addresses[home.buurt * 100 + home.cluster].add((home.postcode, home.number))
    clusters = sorted(addresses)
    areas = {
        "gemeente": [gemeente], "placed": [gemeente], "wijk": sorted({c // 10_000 for c in clusters}),
        "buurt": sorted({c // 100 for c in clusters}), "cluster": clusters,
    }  # fmt: skip
    return areas, {c: len(a) for c, a in addresses.items()}


def streets_of(town: Town, gemeente: int) -> tuple[Street, ...]:
    """The streets with figures of their own."""
    municipality = next(m for m in town.municipalities if m.number == gemeente)
    names = streets.street_names(municipality)
    pairs = [
        (name, f"BU{buurt.code:08d}.{cluster:02d}") for buurt in municipality.buurten for cluster in range(1, buurt.clusters + 1)
        for name in streets.streets_of(buurt, cluster, names)
    ]  # fmt: skip
    return cells.streets_of(street_cells(pairs, {cluster for _, cluster in pairs}))


@dataclass(slots=True)
class Published:
    """Everything that was decided so far: cell -> epochs at which it was released, and the decisions of each epoch."""

    epochs: dict[CellId, list[int]] = field(default_factory=lambda: defaultdict(list))
    decisions: list[dict[CellId, Decision]] = field(default_factory=list)

    def last(self, cell: CellId) -> Decision | None:
        """What a reader sees of a cell now."""
        known = self.epochs.get(cell)
        return self.decisions[known[-1]][cell] if known else None


def published_over(
    rows: np.ndarray, areas: Mapping[str, list[int]], addresses: Mapping[int, int], *, first: Month, months: int
) -> Iterator[Published]:
    """The gate's decisions month by month; what is given back grows."""
    found = Published()
    for epoch in range(months):
        month = first.plus(epoch)
        decided = decide(
            rows, epoch=epoch, month_of_year=month.month, years=(month.year,), published=found.epochs, areas=areas, mandated=set(),
            parameters=P, addresses=addresses,
        )  # fmt: skip
        found.decisions.append({d.cell: d for d in decided})
        for d in decided:
            if d.released:
                found.epochs[d.cell].append(epoch)
        yield found
