"""What stays of someone who was erased: the bookings as they were, under a contributor per service year that is linked to nothing.

A contributor follows from the year's key and the person id, so that whoever settles the same twice gets the same; once the key is destroyed
nobody can tell whose it was. When a service year closes for good one total per cell is left of all of them. Knows columns; no I/O.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import Final

import numpy as np
from numpy.typing import NDArray

from projections.bookings import BOOKING
from schemas.frames import SETTLED_ROW, Kind, Rows
from schemas.secrets import DataKey
from schemas.values import day_number

_SHARED: Final = tuple(n for n in SETTLED_ROW.names or ())
_EPOCH_DAY: Final = np.datetime64("1970-01-01", "D")


def contributor_of(key: DataKey, person: bytes) -> bytes:
    """The 16-byte id under which an erased person's bookings of one service year stand. `key`: of that year and partition."""
    return hmac.digest(key.reveal(), b"settled contributor" + person, "sha256")[:16]


def by_year(bookings: NDArray[np.void]) -> dict[int, Rows]:
    """One person's bookings as `SETTLED_ROW`s, by service year, in a fixed order."""
    rows = np.zeros(len(bookings), SETTLED_ROW)
    for name in _SHARED:
        rows[name] = bookings[name]
    rows = np.sort(rows, order=_SHARED)
    years = (_EPOCH_DAY + rows["service_day"].astype("timedelta64[D]")).astype("datetime64[Y]").astype(int) + 1970
    return {int(year): rows[years == year] for year in np.unique(years)}


def closed_contributor(year: int) -> bytes:
    """The 16-byte id under which all that erased persons left in a closed service year stands."""
    return hashlib.sha256(b"closed service year" + year.to_bytes(4, "big")).digest()[:16]


def closed_total(rows: Rows, *, year: int, epoch: int) -> Rows:
    """One total per area, payer and care type of what was delivered; `epoch`: in which the year was closed. Nothing else is left."""
    rows = rows[rows["kind"] == Kind.DELIVERED]
    names = ("area", "payer", "care_type")
    keys, inverse = np.unique(rows[list(names)], return_inverse=True)
    out = np.zeros(len(keys), SETTLED_ROW)
    for name in names:
        out[name] = keys[name]
    np.add.at(out["cents"], inverse, rows["cents"])
    out["service_day"] = day_number(dt.date(year, 1, 1))
    out["epoch"] = epoch
    kept: Rows = out[out["cents"] != 0]
    return kept


def booked_again(rows: Rows, contributor: bytes) -> NDArray[np.void]:
    """Settled rows as bookings of a contributor: person and household are that id too, which tells them from all others."""
    out = np.zeros(len(rows), BOOKING)
    for name in _SHARED:
        out[name] = rows[name]
    for name in ("person", "household", "contributor"):
        out[name] = np.void(contributor)
    return out
