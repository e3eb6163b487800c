"""The order of a comparison's rows: coarse to fine and the total first, or as the headings of its table ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from portals.municipality.figures import STREAMS
from projections.municipal_baseline import Row

_AMOUNTS: Final[dict[str, Callable[[Row], int]]] = {
    "waarde": lambda row: row.before, "euro": lambda row: row.after, "verschil": lambda row: row.change,
}  # fmt: skip
SORTS: Final = ("", "naam", "naam-af", *_AMOUNTS, *(f"{name}-op" for name in _AMOUNTS))
_LEVELS: Final = ("GM", "WK", "BU")
_GROUPS: Final = ("total", *STREAMS)


@dataclass(frozen=True, slots=True)
class Order:
    """What the address asks: one of `SORTS`, and the other parameters, which the headings' links keep."""

    sort: str
    others: tuple[tuple[str, str], ...]

    def address(self, baseline: str) -> str:
        """The address of this comparison, which shows the same later."""
        return f"/nulmeting/{baseline}?{urlencode(self.others)}"

    def link(self, *, volgorde: str) -> str:
        """The same page in another order."""
        return f"?{urlencode([*self.others, ('volgorde', volgorde)])}#naast"


def ordered(rows: Iterable[Row], sort: str, name: Callable[[str], str]) -> list[Row]:
    """Rows as asked. `name`: of an area; rows that are equal stay coarse to fine, then by area code and group."""
    found = sorted(rows, key=_usual)
    field, _, direction = sort.partition("-")
    if field == "naam":
        return sorted(found, key=lambda row: name(row.area), reverse=direction == "af")
    if field in _AMOUNTS:
        return sorted(found, key=lambda row: _AMOUNTS[field](row) * (1 if direction == "op" else -1))
    return found


def _usual(row: Row) -> tuple[int, str, int, str]:
    group = _GROUPS.index(row.group) if row.group in _GROUPS else len(_GROUPS)
    return _LEVELS.index(row.area[:2]), row.area, group, row.group
