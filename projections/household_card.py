"""A household's card from its bookings: per member, stream, care type and provider; every total is the sum of the lines.

Members are numbered within the card; no person id leaves the zone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    members: dict[bytes, int] = {}
    lines: dict[tuple[int, int, int, int], _Line] = {}
    order = np.argsort(bookings["service_day"], kind="stable")
    for b in bookings[order]:
        member = members.setdefault(b["person"].tobytes(), len(members) + 1)
        line = lines.setdefault((member, int(b["care_type"]), int(b["provider"]), int(b["unit"])), _Line())
        if b["kind"] == Kind.GRANTED:
            line.granted = max(line.granted, 0) + int(b["volume"])
            continue
        line.cents += int(b["cents"])
        line.volume += int(b["volume"])
        line.count += int(b["count"])
        line.days.append(int(b["service_day"]))
    shown = {key: line for key, line in lines.items() if line.cents or line.count or line.granted > 0}
    return {
        "known_on": known_on, "epoch": epoch, "members": len({m for m, *_ in shown}),
        "lines": [_datum(key, line) for key, line in sorted(shown.items())],
    }  # fmt: skip


def _datum(key: tuple[int, int, int, int], line: _Line) -> dict[str, Any]:
    member, care_type, provider, unit = key
    months = [Month.of(day_of(d)).index for d in line.days] or [0]
    kind = CARE_TYPES[care_type]
    return {
        "member": member, "stream": kind.stream.value, "care_type": kind.code, "provider": provider, "unit": unit,
        "cents": line.cents, "volume": line.volume, "granted_volume": line.granted, "first_month": min(months),
        "last_month": max(months), "count": line.count,
    }  # fmt: skip
