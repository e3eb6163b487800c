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
from schemas.care import CARE_TYPES
from schemas.frames import Kind
from schemas.values import Month, day_of


@dataclass(slots=True)
class _Line:
    cents: int = 0
    volume: int = 0
    granted: int = -1
    count: int = 0
    days: list[int] = field(default_factory=list)


def household_card(bookings: NDArray[np.void], *, known_on: int, epoch: int) -> dict[str, Any]:
    """The `household_card` datum of one household's bookings.

    `known_on`: day number; `epoch`: month index of the open epoch. A line that nets to nothing is not shown.
    """
    lines: dict[tuple[bytes, int, int, int], _Line] = {}
    for b in summed(bookings, with_epoch=False):  # so that what is withdrawn leaves no first or last month either
        key = (b["person"].tobytes(), int(b["care_type"]), int(b["provider"]), int(b["unit"]))
        line = lines.setdefault(key, _Line())
        if b["kind"] == Kind.GRANTED:
            line.granted = max(line.granted, 0) + int(b["volume"])
            continue
        line.cents += int(b["cents"])
        line.volume += int(b["volume"])
        line.count += int(b["count"])
        line.days.append(int(b["service_day"]))
    shown = {key: line for key, line in lines.items() if line.cents or line.count or line.granted > 0}
    members = {person: number for number, person in enumerate(sorted({person for person, *_ in shown}), 1)}
    return {
        "known_on": known_on, "epoch": epoch, "members": len(members),
        "lines": [_datum(members[person], tuple(rest), line) for (person, *rest), line in sorted(shown.items())],
    }  # fmt: skip


def _datum(member: int, key: tuple[int, ...], line: _Line) -> dict[str, Any]:
    care_type, provider, unit = key
    months = [Month.of(day_of(d)).index for d in line.days] or [0]
    kind = CARE_TYPES[care_type]
    return {
        "member": member, "stream": kind.stream.value, "care_type": kind.code, "provider": provider, "unit": unit,
        "cents": line.cents, "volume": line.volume, "granted_volume": line.granted, "first_month": min(months),
        "last_month": max(months), "count": line.count,
    }  # fmt: skip
