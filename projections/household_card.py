"""A household's card from its bookings: per member, stream, care type and provider; every total is the sum of the lines.

Members are numbered within the card, in the order of ids the reader never sees: the same number as long as the same
members have care. No person id leaves the zone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projections.bookings import summed
from schemas.care import CARE_TYPES, UNIT_HOUR, UNIT_MINUTE
from schemas.frames import Kind
from schemas.values import Month, day_of


@dataclass(slots=True)
class _Line:
    """Volumes are kept in minutes where the unit is hours, until the card is made."""

    cents: int = 0
    volume: int = 0
    count: int = 0
    days: list[int] = field(default_factory=list)
    granted: list[tuple[int, int]] = field(default_factory=list)
    """(month, volume) of what was granted."""


def household_card(bookings: NDArray[np.void], *, known_on: int, epoch: int) -> dict[str, Any]:
    """The `household_card` datum of one household's bookings.

    `known_on`: day number; `epoch`: month index of the open epoch. A line that nets to nothing is not shown. What is granted is
    summed up to the last month that was closed, or that the line itself has deliveries of: so it stands beside what was delivered.
    """
    lines: dict[tuple[bytes, int, int, int], _Line] = {}
    for b in summed(bookings, with_epoch=False):  # so that what is withdrawn leaves no first or last month either
        unit, volume = int(b["unit"]), int(b["volume"])
        unit, volume = (UNIT_HOUR, volume) if unit == UNIT_MINUTE else (unit, volume * (60 if unit == UNIT_HOUR else 1))
        line = lines.setdefault((b["person"].tobytes(), int(b["care_type"]), int(b["provider"]), unit), _Line())
        if b["kind"] == Kind.GRANTED:
            line.granted.append((_month(int(b["service_day"])), volume))
            continue
        line.cents += int(b["cents"])
        line.volume += volume
        line.count += int(b["count"])
        line.days.append(int(b["service_day"]))
    shown = {key: line for key, line in lines.items() if line.cents or line.count or any(v for _, v in line.granted)}
    members = {person: number for number, person in enumerate(sorted({person for person, *_ in shown}), 1)}
    return {
        "known_on": known_on, "epoch": epoch, "members": len(members),
        "lines": [
            _datum(members[person], tuple(rest), line, closed=epoch - 1) for (person, *rest), line in sorted(shown.items())
        ],
    }  # fmt: skip


def _month(day: int) -> int:
    return Month.of(day_of(day)).index


def _datum(member: int, key: tuple[int, ...], line: _Line, *, closed: int) -> dict[str, Any]:
    care_type, provider, unit = key
    delivered, parts = [_month(d) for d in line.days], 60 if unit == UNIT_HOUR else 1
    until = max([closed, *delivered])
    granted = round(sum(v for m, v in line.granted if m <= until) / parts) if line.granted else -1
    months = delivered or [m for m, v in line.granted if v]
    kind = CARE_TYPES[care_type]
    return {
        "member": member, "stream": kind.stream.value, "care_type": kind.code, "provider": provider, "unit": unit,
        "cents": line.cents, "volume": round(line.volume / parts), "granted_volume": granted, "first_month": min(months, default=0),
        "last_month": max(months, default=0), "count": line.count,
    }  # fmt: skip
