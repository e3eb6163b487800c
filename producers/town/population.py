"""Numbers of people of an invented municipality's areas, as CBS publishes them: rounded to 5, each area by itself.

From the addresses and chance of their own alone; people in care are a part of these.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import Final

from producers.town.geography import Municipality

YEAR: Final = 2025
NAMES: Final = ("inhabitants", "under_18", "aged_75_and_over", "households")
HEAD: Final = ("gebied", "jaar", "inwoners", "jonger dan 18", "75 en ouder", "huishoudens")
_SIZES: Final = {1: 38, 2: 33, 3: 12, 4: 12, 5: 4, 6: 1}
"""Households of 1 to 6 persons, in percent, as CBS has them."""
_OLD: Final = 0.17
"""Of households of one or two: those of 75 and over."""
_ADULTS: Final = 2
_INSTITUTION: Final = 40
"""Inhabitants of an institution, all of 75 and over; no private household."""


@dataclass(slots=True)
class _Sum:
    inhabitants: int = 0
    under_18: int = 0
    aged_75_and_over: int = 0
    households: int = 0


def people(municipality: Municipality) -> dict[str, dict[str, int]]:
    """Area code of gemeente, wijken and buurten -> its numbers."""
    sums: dict[str, _Sum] = defaultdict(_Sum)
    for buurt in municipality.buurten:
        random = Random(f"population/{buurt.code}")  # noqa: S311 - reproducible on purpose, nothing secret
        codes = (f"GM{municipality.number:04d}", f"WK{buurt.code // 100:06d}", f"BU{buurt.code:08d}")
        for home in buurt.homes:
            size = random.choices(list(_SIZES), list(_SIZES.values()))[0]
            old = size if size <= _ADULTS and random.random() < _OLD else 0
            made = _Sum(size, max(0, size - _ADULTS), old, 1)
            if home.kind == "instelling":
                made = _Sum(_INSTITUTION, 0, _INSTITUTION, 0)
            for code in codes:
                for name in NAMES:
                    setattr(sums[code], name, getattr(sums[code], name) + getattr(made, name))
    return {code: {name: 5 * round(getattr(s, name) / 5) for name in NAMES} for code, s in sorted(sums.items())}
