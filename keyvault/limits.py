"""How many pseudonyms a day may be made: whoever may ask without end has everyone.

A standing limit per caller and day, a part of the inhabitants; beyond it only what an order of two operators allows.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.errors import Refused
from schemas.orders import FIRST_LOAD, LONGEST_DAYS, TURN, Order, proved_order

MEDIAN_DAYS: Final = 28
DAILY_SHARE: Final = 0.02
_LONGEST_WHY: Final = 200


@dataclass(frozen=True, slots=True)
class EvaluationRules:
    """`inhabitants` of the whole network; `daily_share` of them may be new in a day, `least` in any case.

    `operators`: name -> public key of who may sign orders.
    """

    inhabitants: int = 100_000
    daily_share: float = DAILY_SHARE
    least: int = 100
    operators: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def per_day(self) -> int:
        """The standing limit of a day."""
        return max(self.least, math.ceil(self.inhabitants * self.daily_share))

    def proved(self, data: bytes, today: dt.date) -> Order:
        """A signed order that may be placed today. Raises `Refused` (`signature`, `unreadable`, `schema`, `order`)."""
        order = proved_order(data, self.operators)
        if order.kind not in (FIRST_LOAD, TURN) or (order.kind == TURN) != bool(order.key_id):
            raise Refused("order", "An order is for a first load, or to turn away from a key that it names.")
        if order.caller != "intake" or not 0 < order.number <= 2 * self.inhabitants:
            raise Refused("order", f"An order is for intake, and for at most {2 * self.inhabitants} persons.")
        if not today <= order.until <= today + dt.timedelta(days=LONGEST_DAYS):
            raise Refused("order", f"An order ends between today and {LONGEST_DAYS} days from now.")
        if not (0 < len(order.why) <= _LONGEST_WHY and order.why.isprintable()):
            raise Refused("order", f"An order says why, in at most {_LONGEST_WHY} characters.")
        return order


def turns_allowed(number: int) -> int:
    """How many elements may be turned on an order for `number`: a twentieth more, for what is asked again or comes meanwhile."""
    return number + number // 20


@dataclass(frozen=True, slots=True)
class Taken:
    """What a caller was given of the evaluations it asked for, and what is left to it today."""

    granted: int
    left: int
    standing: int
    """Of `left`, what the day's own limit still allows."""


def median_day(counts: Sequence[int]) -> float:
    """The median of the days' counts (0 without any)."""
    return float(statistics.median(counts)) if counts else 0.0
