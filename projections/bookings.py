"""Bookings: the one table every figure comes from, as columns, and the fold that makes them.

A booking is only ever added. A delivery adds its cents; a withdrawal adds the same with the sign turned; a new placement
takes what stands at the old place away and adds it at the new one, in the epoch in which it became known.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from projections.grants import spread
from schemas.frames import NO_VALUE, PLACEMENT_ROW, Kind, Rows
from schemas.placements import own_household

BOOKING: Final = np.dtype([
    ("person", "V16"), ("household", "V16"), ("contributor", "V16"), ("area", "<i8"), ("provider", "<i8"), ("payer", "<i4"),
    ("care_type", "<i4"), ("unit", "<i4"),
    ("kind", "<i4"),         # Kind.DELIVERED or Kind.GRANTED
    ("service_day", "<i4"),  # first day of the service
    ("epoch", "<i4"),        # number of markers before it
    ("cents", "<i8"), ("volume", "<i8"), ("count", "<i4"),
])  # fmt: skip
"""One booking; `volume` in hundredths of the unit, 0 where none was given."""

_DAY_SPAN: Final = 1 << 33


class Placements:
    """Where a batch of persons counts on any day: packed placement rows per person, looked up for whole columns."""

    def __init__(self, packed: dict[bytes, bytes]) -> None:
        """`packed`: person -> packed `placement_row`s, ascending (empty: never placed)."""
        self.persons = sorted(packed)
        self.index = {p: i for i, p in enumerate(self.persons)}
        counts = np.array([len(packed[p]) // PLACEMENT_ROW.itemsize for p in self.persons], dtype=np.int64)
        together = b"".join(packed[p] for p in self.persons)
        self._rows = np.frombuffer(together, PLACEMENT_ROW) if together else np.zeros(0, PLACEMENT_ROW)
        owner = np.repeat(np.arange(len(self.persons), dtype=np.int64), counts)
        self._owner = owner
        self._keys = owner * _DAY_SPAN + self._rows["from_day"].astype(np.int64)
        own = b"".join(own_household(p) for p in self.persons)
        self._own = np.frombuffer(own, "V16") if own else np.zeros(0, "V16")
        self._person = np.frombuffer(b"".join(self.persons), "V16") if self.persons else np.zeros(0, "V16")

    def place(self, out: NDArray[np.void], owner: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Fill person, household, contributor and area of bookings from their day and payer; returns which are unplaced.

        `owner`: index of each booking's person in `persons`.
        """
        out["person"] = self._person[owner]
        wanted = owner * _DAY_SPAN + out["service_day"].astype(np.int64)
        found = np.searchsorted(self._keys, wanted, side="right") - 1
        placed = np.zeros(len(out), dtype=bool)
        if len(self._rows):
            inside = found >= 0
            at = np.where(inside, found, 0)
            placed = inside & (self._owner[at] == owner) & (self._rows["area"][at] != 0)
            for name in ("household", "contributor", "area"):
                out[name] = self._rows[name][at]
        alone: NDArray[np.bool_] = ~placed
        out["household"][alone] = self._own[owner[alone]]
        out["contributor"][alone] = self._own[owner[alone]]
        out["area"][alone] = out["payer"][alone].astype(np.int64) * 1_000_000
        return alone


def booked(
    rows: Rows, owner: NDArray[np.int64], epochs: NDArray[np.int64], places: Placements
) -> tuple[NDArray[np.void], int]:
    """Ledger rows as bookings (a grant as many), and how many deliveries are unplaced.

    `owner`: index of each row's person in `places.persons`; `epochs`: the open epoch of each row's partition.
    """
    counts = rows["kind"] != Kind.WITHDRAWAL_SAID
    rows, owner, epochs = rows[counts], owner[counts], epochs[counts]
    is_grant = np.isin(rows["kind"], (Kind.GRANTED, Kind.GRANT_ENDED))
    index, days, volumes = spread(rows[is_grant])
    source = np.concatenate([np.flatnonzero(~is_grant), np.flatnonzero(is_grant)[index]])
    delivered, taken = int((~is_grant).sum()), rows[source]
    out = np.zeros(len(source), BOOKING)
    for name in ("provider", "payer", "care_type", "unit"):
        out[name] = taken[name]
    sign = np.where(np.isin(taken["kind"], (Kind.WITHDRAWN, Kind.GRANT_ENDED)), -1, 1)
    out["kind"][:delivered], out["kind"][delivered:] = Kind.DELIVERED, Kind.GRANTED
    out["service_day"] = taken["from_day"]
    out["service_day"][delivered:] = days
    out["epoch"] = epochs[source]
    out["cents"] = taken["cents"] * sign
    out["volume"] = np.where(taken["volume"] == NO_VALUE, 0, taken["volume"]) * sign
    out["volume"][delivered:] = volumes * sign[delivered:]
    out["cents"][delivered:] *= np.diff(index, prepend=-1) != 0  # the budget once, with the first month
    out["count"] = sign
    return out, int(places.place(out, owner[source])[:delivered].sum())


def rebooked(standing: NDArray[np.void], epochs: NDArray[np.int64], places: Placements) -> NDArray[np.void]:
    """What a new placement changes: minus at the old place, plus at the new one, both in the open epoch.

    `standing`: bookings summed per key without epoch (their `epoch` is ignored), of persons in `places`.
    """
    owner = np.array([places.index[p] for p in standing["person"].tolist()], dtype=np.int64)
    new = standing.copy()
    places.place(new, owner)
    moved = (new["household"] != standing["household"]) | (new["area"] != standing["area"])
    moved |= new["contributor"] != standing["contributor"]
    old = standing[moved].copy()
    for name in ("cents", "volume", "count"):
        old[name] = -old[name]
    result = np.concatenate([old, new[moved]])
    result["epoch"] = np.concatenate([epochs[moved], epochs[moved]])
    return result


def summed(bookings: NDArray[np.void], *, with_epoch: bool = True) -> NDArray[np.void]:
    """Bookings added per key (with or without epoch), rows that are zero left out, in a fixed order."""
    names = [n for n in BOOKING.names or () if n not in ("cents", "volume", "count") and (with_epoch or n != "epoch")]
    keys = np.zeros(len(bookings), np.dtype([(n, BOOKING[n]) for n in names]))
    for n in names:
        keys[n] = bookings[n]
    packed = np.frombuffer(keys.tobytes(), np.dtype((np.void, keys.dtype.itemsize))) if len(keys) else np.zeros(0, "V1")
    unique, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    out = bookings[first].copy() if len(bookings) else np.zeros(0, BOOKING)
    for n in ("cents", "volume", "count"):
        totals = np.zeros(len(unique), dtype=np.int64)
        np.add.at(totals, inverse, bookings[n].astype(np.int64))
        out[n] = totals
    if not with_epoch:
        out["epoch"] = 0
    kept: NDArray[np.void] = out[(out["cents"] != 0) | (out["volume"] != 0) | (out["count"] != 0)]
    return kept
