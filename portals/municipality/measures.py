"""An amount as such, or divided by how many people or households live there; and the classes of the map for each.

Only rounded released euros and published numbers of people are used. Classes depend on the measure and the
kind of group, never on the figures shown, so that one colour means the same in every month and area.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from portals.municipality.figures import STREAMS, Figures
from schemas.care import CARE_TYPES, GROUP_OF_STREAM, Group

LEAST_INHABITANTS: Final = 50
"""Below it nothing is divided: one household would weigh too much in the outcome."""
COLOURS: Final = ("#f1eef6", "#bdc9e1", "#74a9cf", "#3690c0", "#0570b0", "#034e7b")
"""Light to dark, told apart by the colour-blind and in grey print; a decrease has a colour of its own beside them."""


class Measure(StrEnum):
    """What is shown of an amount. The values stand in the address bar."""

    EUROS = "euro"
    PER_INHABITANT = "inwoner"
    PER_HOUSEHOLD = "huishouden"
    PER_THOUSAND = "duizend"
    PER_YOUTH = "jongere"


_PEOPLE: Final = {
    Measure.PER_INHABITANT: "inhabitants", Measure.PER_HOUSEHOLD: "households", Measure.PER_THOUSAND: "inhabitants",
    Measure.PER_YOUTH: "under_18",
}  # fmt: skip
_SHOWN_TO: Final = {Measure.PER_THOUSAND: 1_000}
"""Euros to which a rate is rounded; the others to 1."""
_EUROS: Final = (
    (50_000, 150_000, 400_000, 1_000_000, 3_000_000), (20_000, 50_000, 150_000, 400_000, 1_000_000),
    (10_000, 25_000, 75_000, 200_000, 500_000), (5_000, 10_000, 25_000, 75_000, 200_000),
)  # fmt: skip
_RATES: Final = (
    (400, 800, 1_300, 2_000, 3_000), (100, 200, 350, 600, 1_000), (25, 75, 150, 250, 400), (10, 25, 60, 120, 250),
)  # fmt: skip
"""Per inhabitant: of the total, of one stream, of one care type, and finer still for what changed."""
_TIMES: Final = {
    Measure.PER_INHABITANT: 1, Measure.PER_HOUSEHOLD: 2, Measure.PER_THOUSAND: 1_000, Measure.PER_YOUTH: 4,
}  # fmt: skip


def stream_of(group: str) -> str:
    """The money stream of a published care type; a stream or the total itself."""
    if group in STREAMS or group == Group.TOTAL:
        return group
    return next(GROUP_OF_STREAM[t.stream].value for t in CARE_TYPES.values() if t.published_as == group)


def people(area: dict[str, Any] | None, measure: Measure) -> int | None:
    """What euros of an area are divided by; None where that is unknown, none live there, or fewer than 50 inhabitants do.

    For euros as such it is 1.
    """
    if measure is Measure.EUROS:
        return 1
    if area is None or (area["inhabitants"] or 0) < LEAST_INHABITANTS:
        return None
    count = area[_PEOPLE[measure]]
    if not count or (measure is Measure.PER_YOUTH and count < LEAST_INHABITANTS):
        return None
    return int(count)


def value(euros: int, area: dict[str, Any] | None, measure: Measure) -> int | None:
    """Released euros of an area in this measure, to whole euros (per 1,000 inhabitants: to thousands); None as in `people`."""
    count = people(area, measure)
    if count is None:
        return None
    if measure is Measure.EUROS:
        return euros
    times, base = (1_000 if measure is Measure.PER_THOUSAND else 1), _SHOWN_TO.get(measure, 1)
    sign, whole = (-1 if euros < 0 else 1), abs(euros) * times
    return sign * ((2 * whole + count * base) // (2 * count * base)) * base


def offered(figures: Figures, group: str) -> list[Measure]:
    """The measures that some area has numbers of people for; per young person only for what is spent on them."""
    found = [Measure.EUROS]
    for measure in _PEOPLE:
        if measure is Measure.PER_YOUTH and stream_of(group) != Group.JEUGDWET:
            continue
        if any(people(a, measure) is not None for a in figures.areas):
            found.append(measure)
    return found


def bounds(measure: Measure, group: str, *, change: bool) -> tuple[int, ...]:
    """Lower bounds of all classes of the map but the first, in the unit of the measure."""
    fineness = (0 if group == Group.TOTAL else 1 if group in STREAMS else 2) + change
    if measure is Measure.EUROS:
        return _EUROS[fineness]
    return tuple(bound * _TIMES[measure] for bound in _RATES[fineness])


def class_of(amount: int, of: tuple[int, ...]) -> int:
    """Index into `COLOURS`."""
    return sum(amount >= bound for bound in of)
