"""A household's card from its bookings: per member, stream, care type and provider; every total is the sum of the lines.

What a member keeps private stands in sections of its own, and nothing of the common one depends on it: no number, no month, no count.
Members are numbered within the common section, in the order of ids the reader never sees: the same number as long as the same
members have care there. No person id leaves the zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projections.bookings import summed
from schemas import codec
from schemas.care import CARE_TYPES, UNIT_HOUR, UNIT_MINUTE
from schemas.confidentiality import COMMON, Confidentiality
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


def household_sections(
    bookings: NDArray[np.void], *, subject: bytes, births: Mapping[bytes, int], table: Confidentiality, known_on: int, epoch: int,
) -> dict[tuple[int, str], dict[str, Any]]:  # fmt: skip
    """Sections of one household for a mandate about `subject`: `household_card` data by (member, class).

    (0, `common`) is always there; (1, class) where the subject keeps something of that class private. `births`: month index of
    birth of each person it is known of.
    """
    classes = np.array([_class_of(b, births, table) for b in bookings], dtype=object)
    common = household_card(bookings[classes == None], known_on=known_on, epoch=epoch, subject=subject)  # noqa: E711 - columns
    sections = {(0, COMMON): common}
    own = bookings["person"] == np.void(subject)
    for code in table.codes:
        card = household_card(
            bookings[own & (classes == code)], known_on=known_on, epoch=epoch, numbers={subject: common["subject"]}
        )
        if card["lines"]:
            sections[1, code] = card | {"subject": common["subject"]}
    return sections


def _class_of(booking: np.void, births: Mapping[bytes, int], table: Confidentiality) -> str | None:
    return table.class_of(
        int(booking["care_type"]),
        born=births.get(booking["person"].tobytes()),
        month=_month(int(booking["service_day"])),
    )


def household_card(
    bookings: NDArray[np.void],
    *,
    known_on: int,
    epoch: int,
    subject: bytes = b"",
    numbers: Mapping[bytes, int] | None = None,
) -> dict[str, Any]:
    """The `household_card` datum of bookings of one household.

    `numbers`: of the members, where they are not numbered here; `known_on`: day number; `epoch`: month index of the open epoch. A line that nets to nothing is not shown. What is granted is
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
    present = sorted({person for person, *_ in shown})
    members = {person: number for number, person in enumerate(present, 1)} if numbers is None else numbers
    return {
        "known_on": known_on, "epoch": epoch, "members": len(present), "subject": members.get(subject, 0),
        "lines": [
            _datum(members[person], tuple(rest), line, closed=epoch - 1) for (person, *rest), line in sorted(shown.items())
        ],
    }  # fmt: skip


def as_fits(card: Mapping[str, Any], most: int) -> bytes:
    """The encoded card, in at most so many bytes: where all its lines do not fit, the newest of them, and how many are left out."""
    encoded = codec.encode("household_card", dict(card))
    newest = sorted(range(len(card["lines"])), key=lambda i: (-card["lines"][i]["last_month"], i))
    kept = len(newest)
    while len(encoded) > most:
        kept = min(kept - 1, kept * most // len(encoded))
        lines = [card["lines"][i] for i in sorted(newest[:kept])]
        encoded = codec.encode("household_card", {**card, "lines": lines, "left_out": len(newest) - kept})
    return encoded


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
