"""What is true of one invented municipality and service year, row by row as the town's `history.csv` tells it. Columns, no rules, nothing of the zone.

What was withdrawn at a place, and what withdrew it there, is `churn`: of others the attackers know it (a reversal of a move is one).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from producers.town.files import Town
from schemas.care import CARE_TYPE_BY_CODE, CARE_TYPES, CareType, Group
from schemas.geography import area_number

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def kind_of(care: CareType) -> tuple[str, bool]:
    """What a care type is to a reader: the finest name under which it is summed, and whether it is GGZ inside of it."""
    return care.published_as or care.group.value, care.ggz


KINDS: Final = tuple(sorted({kind_of(t) for t in CARE_TYPES.values()}))
_GROUP_OF_NAME: Final = {kind_of(t)[0]: t.group.value for t in CARE_TYPES.values()}
GROUP_OF_KIND: Final = tuple(_GROUP_OF_NAME[name] for name, _ in KINDS)
GGZ_KIND: Final = np.array([ggz for _, ggz in KINDS])
FUNDING: Final = tuple(g.value for g in Group if g is not Group.TOTAL)
GROUP_NUMBER: Final = np.array([FUNDING.index(g) for g in GROUP_OF_KIND])


def kinds_in(group: str) -> list[int]:
    """The kinds that a published group or care type sums."""
    return [i for i, (name, _) in enumerate(KINDS) if group in (Group.TOTAL.value, GROUP_OF_KIND[i], name)]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of history. `service`: what a delivery and its withdrawal share; `contributor`: who counts as one in the rules."""

    service: str
    household: str
    contributor: str
    area: int
    provider: str
    care: str
    epoch: int
    cents: int


@dataclass(frozen=True, slots=True)
class Truth:
    """The rows as columns; households, contributors and providers by number."""

    areas: tuple[int, ...]
    households: tuple[str, ...]
    providers: tuple[str, ...]
    household: Ints
    contributor: Ints
    area: Ints
    kind: Ints
    provider: Ints
    epoch: Ints
    cents: Ints
    churn: Flags
    rows: tuple[Row, ...]

    def until(self, epoch: int) -> Truth:
        """What was true and known at the end of an epoch: what was withdrawn later still stands."""
        return truth_of([r for r in self.rows if r.epoch <= epoch], self.areas)

    @property
    def group(self) -> Ints:
        """Funding group of each row, as an index of `FUNDING`."""
        return GROUP_NUMBER[self.kind]

    def of(self, names: Iterable[str]) -> Flags:
        """The rows of these households."""
        wanted = set(names)
        listed = np.array([h in wanted for h in self.households], dtype=bool)
        return listed[self.household]


def truth_of(rows: list[Row], areas: Iterable[int]) -> Truth:
    """Columns of rows in the order in which they became known. `areas`: all finest areas there are."""
    found = sorted({*areas, *(r.area for r in rows)})
    households, household = np.unique([r.household for r in rows], return_inverse=True)
    _, contributor = np.unique([r.contributor for r in rows], return_inverse=True)
    providers, provider = np.unique([r.provider for r in rows], return_inverse=True)
    return Truth(
        areas=tuple(found), households=tuple(households.tolist()), providers=tuple(providers.tolist()),
        household=household.astype(np.int64), contributor=contributor.astype(np.int64),
        area=np.searchsorted(found, [r.area for r in rows]).astype(np.int64),
        kind=np.array([KINDS.index(kind_of(CARE_TYPE_BY_CODE[r.care])) for r in rows], dtype=np.int64),
        provider=provider.astype(np.int64), epoch=np.array([r.epoch for r in rows], dtype=np.int64),
        cents=np.array([r.cents for r in rows], dtype=np.int64), churn=_churn(rows), rows=tuple(rows),
    )  # fmt: skip


def _churn(rows: list[Row]) -> Flags:
    """Per service and place each negative row takes away the delivery before it."""
    out = np.zeros(len(rows), dtype=bool)
    standing: dict[tuple[str, int, int], list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        key = (row.service, row.area, abs(row.cents))
        if row.cents >= 0:
            standing[key].append(i)
        else:
            out[[standing[key].pop(), i]] = True
    return out


def rows_of(town: Town, municipality: int, year: int) -> list[Row]:
    """The rows of one municipality and service year, in the order in which they became known."""
    code, found = f"GM{municipality:04d}", []
    for change in town.books.changes:
        spot, line = change.spot, change.line
        if spot.gemeente == code and line.first.year == year:
            by = spot.address if spot.address and not spot.household.startswith("A") else spot.household
            found.append(Row(
                f"S{line.service}", spot.household, by, area_number(spot.area), line.provider.agb, line.care, change.step, change.cents
            ))  # fmt: skip
    return found
