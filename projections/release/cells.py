"""Which cells there are: areas by level, groups and published care types, and which contribution counts in which.

Wijk, buurt and cluster hold placed contributions only, so each is exactly the sum of its children; what has no cluster is
one cell beside them, the rest of the gemeente. Beside its clusters a buurt may have streets, each exactly the sum of some of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.care import CARE_TYPES, Group
from schemas.geography import clusters_of_street, gemeente_code, street_code

_MAX_CARE: Final = max(CARE_TYPES) + 1
GROUPS: Final = tuple(g.value for g in Group)
PUBLISHED_TYPES: Final = tuple(sorted({t.published_as for t in CARE_TYPES.values() if t.published_as}))


def _table(values: dict[int, bool]) -> NDArray[np.bool_]:
    table = np.zeros(_MAX_CARE, dtype=bool)
    for care_id, value in values.items():
        table[care_id] = value
    return table


IS_GGZ: Final = _table({i: t.ggz for i, t in CARE_TYPES.items()})
IS_OVERIG: Final = _table({i: t.group is Group.OVERIG for i, t in CARE_TYPES.items()})
IN_GROUP: Final = {
    **{g.value: _table({i: g in (t.group, Group.TOTAL) for i, t in CARE_TYPES.items()}) for g in Group},
    **{name: _table({i: t.published_as == name for i, t in CARE_TYPES.items()}) for name in PUBLISHED_TYPES},
}
"""Group or published care type -> which care types it sums."""


TYPES_OF_GROUP: Final = {
    g.value: types for g in Group
    if g is not Group.TOTAL and (types := tuple(sorted({t.published_as for t in CARE_TYPES.values() if t.group is g and t.published_as})))
    and all(t.published_as for t in CARE_TYPES.values() if t.group is g)
}  # fmt: skip
"""Group -> the published care types it is the sum of. One with a care type that is never published is the sum of none."""


Street = tuple[int, ...]
"""A street with a cell of its own, as the numbers of its clusters, in order."""


@dataclass(frozen=True, slots=True, order=True)
class CellId:
    """One cell of one service year."""

    level: str
    area: str
    group: str
    service_year: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One level of areas: how often it is published, in which topic, for which groups, with or without counts of households.

    `streets`, of the level of streets: which there are, no two with a cluster in common. A street's number is that of its first cluster.
    """

    level: str
    quarterly: bool
    meso: bool
    groups: tuple[str, ...]
    counts: bool = True
    streets: tuple[Street, ...] = ()

    def codes(self, areas: NDArray[np.int64]) -> NDArray[np.int64]:
        """Area number at this level for each finest area, -1 where it does not belong to the level."""
        placed = areas % 100 != 0
        match self.level:
            case "gemeente":
                return np.where(placed, -1, areas // 1_000_000)
            case "placed":
                return np.where(placed, areas // 1_000_000, -1)
            case "wijk":
                return np.where(placed, areas // 10_000, -1)
            case "buurt":
                return np.where(placed, areas // 100, -1)
            case "street":
                return self._streets(areas)
            case _:
                return np.where(placed, areas, -1)

    def _streets(self, areas: NDArray[np.int64]) -> NDArray[np.int64]:
        first = {cluster: street[0] for street in self.streets for cluster in street}
        if not first:
            return np.full(len(areas), -1, dtype=np.int64)
        known = np.array(sorted(first), dtype=np.int64)
        at = np.minimum(np.searchsorted(known, areas), len(known) - 1)
        return np.where(known[at] == areas, np.array([first[c] for c in known.tolist()])[at], -1)

    def code_text(self, number: int) -> str:
        """The area code people read."""
        match self.level:
            case "gemeente":
                return gemeente_code(number)
            case "placed":
                return f"{gemeente_code(number)}P"
            case "wijk":
                return f"WK{number:06d}"
            case "buurt":
                return f"BU{number:08d}"
            case "street":
                return street_code(next(s for s in self.streets if s[0] == number))
            case _:
                return f"BU{number // 100:08d}.{number % 100:02d}"


LAYERS: Final = (
    Layer("gemeente", quarterly=False, meso=False, groups=GROUPS + PUBLISHED_TYPES),
    Layer("placed", quarterly=False, meso=False, groups=GROUPS + PUBLISHED_TYPES),
    Layer("wijk", quarterly=False, meso=False, groups=GROUPS + PUBLISHED_TYPES),
    Layer("buurt", quarterly=True, meso=False, groups=GROUPS),
    Layer("street", quarterly=True, meso=True, groups=(Group.TOTAL.value,), counts=False),
    Layer("cluster", quarterly=True, meso=True, groups=(Group.TOTAL.value,), counts=False),
)


def layers_due(month_of_year: int, streets: tuple[Street, ...] = ()) -> Iterator[Layer]:
    """The layers that get new decisions at the end of this month (1..12), that of the streets with these."""
    for layer in LAYERS:
        if not layer.quarterly or month_of_year % 3 == 0:
            yield replace(layer, streets=streets) if layer.level == "street" else layer


def streets_of(codes: Iterable[str]) -> tuple[Street, ...]:
    """Streets by their area codes, in order."""
    return tuple(sorted(clusters_of_street(code) for code in codes))
