"""What a grant amounts to, month by month: four hours a week for a year become twelve volumes that can stand beside what was delivered.

A grant is booked like a delivery, once per month of its period, on that month's first day of it: so it counts where its person
lived then, may be summed up to any month, and is taken back by the same bookings with the sign turned.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.care import PER_DAY, PER_MONTH, PER_WEEK
from schemas.frames import NO_VALUE, Rows
from schemas.values import Month, day_number, day_of

GRANTS_FROM: Final = day_number(Month(2020, 1).first_day)
"""Nothing is booked of a grant before this day: what is delivered is not taken from before it either."""
_LAST_MONTH: Final = Month(2999, 12)
MOST_MONTHS: Final = 120
"""So many months of a grant are booked, counted from its begin or `GRANTS_FROM`: one without an end must end somewhere."""
RATES: Final = (PER_DAY, PER_WEEK, PER_MONTH)


def spread(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Grants as bookings: index of the row, service day, volume (hundredths of the unit; 0 where the grant names none).

    What is granted for the whole period, or without a volume, is one booking on its first day.
    """
    index: list[int] = []
    days: list[int] = []
    volumes: list[int] = []
    columns = (rows[name].tolist() for name in ("frequency", "from_day", "to_day", "volume"))
    for row, (frequency, first, last, volume) in enumerate(zip(*columns, strict=True)):
        pieces = [(first, max(volume, 0))]
        if frequency in RATES and volume != NO_VALUE:
            pieces = list(_months(frequency, first, last, volume))
        index += [row] * len(pieces)
        days += [day for day, _ in pieces]
        volumes += [piece for _, piece in pieces]
    return np.array(index, np.int64), np.array(days, np.int32), np.array(volumes, np.int64)


def _months(frequency: int, first: int, last: int, volume: int) -> Iterator[tuple[int, int]]:
    """(first day, volume) per month. Weeks are cut by days, so that the months of a grant sum to its whole to the hundredth."""
    start = max(first, GRANTS_FROM)
    month = Month.of(day_of(start))
    for _ in range(MOST_MONTHS):
        length, first_day = calendar.monthrange(month.year, month.month)[1], day_number(month.first_day)
        begin, end = max(start, first_day), min(last, first_day + length - 1)
        if end < begin:
            return
        if frequency == PER_MONTH:
            piece = round(volume * (end - begin + 1) / length)
        elif frequency == PER_WEEK:
            piece = volume * (end + 1 - start) // 7 - volume * (begin - start) // 7
        else:
            piece = volume * (end - begin + 1)
        yield begin, piece
        if month == _LAST_MONTH:
            return
        month = month.plus(1)
