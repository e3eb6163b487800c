"""Whose retention period has passed: from what stands of a person, per law the month in which the last care ended. Knows columns; no I/O.

A period counts from the end of that month. One key opens all of a person, so the file goes as a whole: when the period of every law under which
something stands has passed, and not before. A law without a period keeps it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.care import CARE_TYPES, Stream
from schemas.frames import Rows
from schemas.retention_rules import RetentionRules
from schemas.values import Month, day_number

_EPOCH_DAY: Final = np.datetime64("1970-01-01", "D")
_EPOCH_MONTH: Final = Month(1970, 1).index


def months_of(days: NDArray[np.int32]) -> NDArray[np.int64]:
    """Month index of each day number."""
    months = (_EPOCH_DAY + days.astype("timedelta64[D]")).astype("datetime64[M]").astype(np.int64)
    return months + _EPOCH_MONTH


def lasting(rows: Rows) -> NDArray[np.bool_]:
    """Which ledger rows last beyond the month they begin in: of those a booking's first day does not tell the end."""
    beyond: NDArray[np.bool_] = months_of(rows["to_day"]) > months_of(rows["from_day"])
    return beyond


def last_months(standing: NDArray[np.void], ends: Iterable[tuple[bytes, int, int]]) -> dict[bytes, dict[Stream, int]]:
    """Person -> law -> month index in which the last care under it ended.

    `standing`: bookings that stand, of whomever; `ends`: (person, care type, month index) of what lasts beyond the month it began in. What
    erased persons left is nobody's and left out; so is whoever has no booking.
    """
    own = standing[standing["person"] != standing["household"]]
    found: dict[bytes, dict[Stream, int]] = defaultdict(dict)

    def ended(person: bytes, care_type: int, month: int) -> None:
        law = CARE_TYPES[care_type].stream
        found[person][law] = max(month, found[person].get(law, month))

    for booked in zip(
        own["person"].tolist(), own["care_type"].tolist(), months_of(own["service_day"]).tolist(), strict=True
    ):
        ended(*booked)
    for end in ends:
        if end[0] in found:
            ended(*end)
    return dict(found)


def is_due(last: Mapping[Stream, int], rules: RetentionRules, *, month: int) -> bool:
    """Whether in a month (index) the periods of all these laws have passed."""
    return bool(last) and all(
        law in rules.years and ended + 12 * rules.years[law] < month for law, ended in last.items()
    )


def oldest_kept_day(rules: RetentionRules, *, month: int) -> int | None:
    """First day of the last months that any period reaches: who has nothing before it is not due. None where nobody ever is."""
    shortest = rules.shortest_months
    return None if shortest is None else day_number(Month.from_index(month - shortest).first_day)
