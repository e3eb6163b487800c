"""How concentrated a service year is and how much is stacked, as one released record says it: once, with the December figures of the year after.

Pure: nothing is computed that was not released; what stands in a record of another month, or of another area, is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

LEVELS: Final = ("placed", "wijk")
MORE: Final = 0
"""`half_within` where half of the money goes to more than `LAST_POINT` percent of all households."""
LAST_POINT: Final = 25
"""Percents of all households up to which something is said (the contract's last N)."""
LEAST_IN_CARE: Final = 200
"""Households in care an area has at least where something is said of it."""
_DECEMBER: Final = 11


@dataclass(frozen=True, slots=True)
class Stacked:
    """Households with care of so many providers; `or_more` for the last row. `households`: to 5, None where too few to be said."""

    providers: int
    or_more: bool
    households: int | None


@dataclass(frozen=True, slots=True)
class Concentration:
    """What is said of one area and service year, all money streams together.

    `epoch`: month index of the record it is from. `half_within`: half of the money goes to at most this percentage of all
    households, `MORE`, or None where it can't be said. `curve`: (percentage of all households, those with the largest amounts first; percentage of the money),
    of the whole municipality only. `least`: below how many households a number is not said; `base`: what numbers are rounded to;
    None where the record does not tell.
    """

    area: str
    level: str
    service_year: int
    epoch: int
    half_within: int | None
    curve: tuple[tuple[int, int], ...]
    stacked: tuple[Stacked, ...]
    least: int | None
    base: int | None


def due(service_year: int) -> int:
    """Month index of the only epoch that says it: December of the year after."""
    return (service_year + 1) * 12 + _DECEMBER


def said_in(macro: Mapping[str, Any]) -> dict[tuple[str, int], Concentration]:
    """(area code, service year) -> what a `released_epoch` datum says; the whole first, then by area code."""
    epoch, rules = macro["epoch"], json.loads(macro["parameters"])
    found = [
        _one(told, epoch, rules)
        for told in macro.get("concentration", [])
        if epoch == due(told["service_year"]) and told["area_level"] in LEVELS
    ]
    return {(c.area, c.service_year): c for c in sorted(found, key=lambda c: (LEVELS.index(c.level), c.area))}


def _one(told: Mapping[str, Any], epoch: int, rules: Mapping[str, int]) -> Concentration:
    level, counts = told["area_level"], told["stacked"]
    curve = [(p["households"], p["money"]) for p in told["curve"]] if level == "placed" else []
    stacked = [Stacked(n, n == len(counts), count) for n, count in enumerate(counts, 1)]
    return Concentration(
        told["area"], level, told["service_year"], epoch, told["half_within"], tuple(sorted(curve)), tuple(stacked),
        rules.get("least_households"), rules.get("households_base"),
    )  # fmt: skip
