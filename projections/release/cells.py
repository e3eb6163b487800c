"""Which cells there are: areas by level, groups and published care types, and which contribution counts in which.

Wijk, buurt and cluster hold placed contributions only, so each is exactly the sum of its children; what has no cluster is
one cell beside them, the rest of the gemeente.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.care import CARE_TYPES, Group
from schemas.geography import gemeente_code

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


@dataclass(frozen=True, slots=True, order=True)
class CellId:
    """One cell of one service year."""

    level: str
    area: str
    group: str
    service_year: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One level of areas: how often it is published, in which topic, for which groups, with or without counts of households."""

    level: str
    quarterly: bool
    meso: bool
    groups: tuple[str, ...]
    counts: bool = True

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
            case _:
                return np.where(placed, areas, -1)

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
            case _:
                return f"BU{number // 100:08d}.{number % 100:02d}"


LAYERS: Final = (
    Layer("gemeente", quarterly=False, meso=False, groups=GROUPS + PUBLISHED_TYPES),
    Layer("placed", quarterly=False, meso=False, groups=GROUPS + PUBLISHED_TYPES),
    Layer("wijk", quarterly=False, meso=False, groups=GROUPS + PUBLISHED_TYPES),
    Layer("buurt", quarterly=True, meso=False, groups=GROUPS),
    Layer("cluster", quarterly=True, meso=True, groups=(Group.TOTAL.value,), counts=False),
)


def layers_due(month_of_year: int) -> Iterator[Layer]:
    """The layers that get new decisions at the end of this month (1..12)."""
    for layer in LAYERS:
        if not layer.quarterly or month_of_year % 3 == 0:
            yield layer
