"""Columns instead of objects: the packed rows that a thousand events travel in.

Each row type is an Avro record of `fixed` fields only (`avro/delivery_row.avsc`, `ledger_row.avsc`, `placement_row.avsc`, `settled_row.avsc`):
its Avro encoding *is* the concatenation of the fields, so numpy reads a whole batch without a copy. Integers inside are
little-endian two's complement. A test holds dtype and .avsc against each other.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.errors import Refused

Rows = NDArray[np.void]
"""A one-dimensional structured array of one of the row types below."""

NO_VALUE: Final = -1
"""`volume` and `tariff_cents` when not given."""

OPEN_END: Final = 2**31 - 1
"""`to_day` of a grant without an end."""

UNKNOWN_BIRTH: Final = -1
"""`born` of someone whose birth nobody told."""

ZERO16: Final = bytes(16)
"""A 16-byte handle that is not given."""


class Kind(IntEnum):
    """What a row says."""

    DELIVERED = 0
    WITHDRAWN = 1
    GRANTED = 2
    GRANT_ENDED = 3
    """Written by the ledger: takes back an earlier grant, word for word, where another of the same assignment follows."""
    WITHDRAWAL_SAID = 4
    """Written by the ledger behind what a withdrawal takes back: the withdrawal's own row as it was sent. Nothing is booked for it."""


DELIVERY_ROW: Final = np.dtype([
    ("kind", "u1"),          # Kind
    ("subject", "<u2"),      # index into the identity part's subjects
    ("payer", "<u2"),        # gemeente number that pays or granted
    ("care_type", "<u2"),    # id of schemas.care
    ("unit", "u1"),          # WJ756 number, 0 = not given
    ("frequency", "u1"),     # of a grant: one of schemas.care.FREQUENCIES
    ("from_day", "<i4"),     # first day of the service's period
    ("to_day", "<i4"),       # last day
    ("volume", "<i8"),       # in hundredths of the unit, NO_VALUE = not given
    ("tariff_cents", "<i8"), # per unit, NO_VALUE = not given
    ("cents", "<i8"),        # >= 0; a withdrawal repeats its debit's amount
    ("reference", "V16"),    # ReferenceHandle of this row
    ("previous", "V16"),     # of a withdrawal: ReferenceHandle of the debit; else zero
    ("assignment", "V16"),   # handle of the assignment, zero = none
    ("product", "S5"),       # product code, ASCII, may be empty; never a reason to refuse
])  # fmt: skip
"""One event as a sender sends it."""

LEDGER_ROW: Final = np.dtype([
    ("kind", "u1"), ("unit", "u1"), ("frequency", "u1"), ("payer", "<u2"), ("care_type", "<u2"),
    ("provider", "<u4"),     # AGB code as integer
    ("from_day", "<i4"), ("to_day", "<i4"), ("volume", "<i8"), ("tariff_cents", "<i8"), ("cents", "<i8"),
    ("reference", "V16"), ("assignment", "V16"), ("product", "S5"),
])  # fmt: skip
"""One event as the ledger keeps it under its person's key. Of `WITHDRAWN` every field but `kind` is that of the debit."""

PLACEMENT_ROW: Final = np.dtype([
    ("from_day", "<i4"), ("household", "V16"), ("contributor", "V16"),
    ("area", "<i8"),         # area integer of schemas.geography
    ("place", "u1"),         # Place
    ("born", "<i4"),         # month index of the person's birth, the same in every row; UNKNOWN_BIRTH
])  # fmt: skip
"""One entry of a person's list of placements, in force from `from_day` until the next entry's."""


SETTLED_ROW: Final = np.dtype([
    ("area", "<i8"), ("provider", "<u4"), ("payer", "<u2"), ("care_type", "<u2"), ("unit", "u1"), ("kind", "u1"),
    ("service_day", "<i4"),  # first day of the service
    ("epoch", "<i4"),        # number of markers before it
    ("cents", "<i8"), ("volume", "<i8"), ("count", "<i4"),
])  # fmt: skip
"""A booking of someone who was erased: everything but whose it was."""


class Place(IntEnum):
    """What kind of address a placement is."""

    HOME = 0
    INSTITUTION = 1
    SHARED = 2
    SECRET = 3


ALWAYS: Final = -(2**31)
"""`from_day` of a placement that holds for all time before the next."""


def rows_of(packed: bytes, dtype: np.dtype[np.void]) -> Rows:
    """Read packed rows without a copy (the result is read-only). Raises `Refused` (`unreadable`) for a broken length."""
    if len(packed) % dtype.itemsize:
        raise Refused("unreadable", "Packed rows are cut off.")
    return np.frombuffer(packed, dtype=dtype)
