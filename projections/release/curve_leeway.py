"""Whether everyone's amount could still be a quarter more (GGZ: half more) beside what a curve says, whoever reads it.

A curve tells more than sums of bands: nobody of a band has less than anybody after it. One large amount among equal ones is what is left of the first band.
So for each reader and each amount another year is made that the same curve would describe: the amount is raised, and others that the reader does not know
are lowered, none below those who come after, until each sum up to a point is again at most what the curve says. Where no such year is found, the point tells too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from projections.release.audit.views import LEAST_CENTS
from projections.release.contributions import Ints

_RAISED_BY: Final = 4
_GGZ_RAISED_BY: Final = 2
"""One part in so many is what must be added."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What one reader does not know of each contributor, from the largest to the smallest, in cents: of all, and of GGZ. `is_one_of_them`: it knows all of any one other."""

    unknown: Ints
    ggz: Ints
    is_one_of_them: bool = False


def that_tells_too_much(amounts: Ints, readers: Iterable[Reader], sums: Sequence[tuple[int, int]]) -> int | None:
    """The first of `sums` that leaves some amount too little room for some reader; None where none does.

    `amounts`: cents of each contributor, falling; `sums`: (so many with the largest amounts, the most cents they have by what is said), rising.
    """
    found = [i for reader in readers for i in _of_reader(amounts, reader, sums)]
    return min(found, default=None)


def _of_reader(amounts: Ints, reader: Reader, sums: Sequence[tuple[int, int]]) -> list[int]:
    raised = np.maximum(_part(reader.unknown, _RAISED_BY), _part(reader.ggz, _GGZ_RAISED_BY))
    ends = [n for n, _ in sums]
    band = np.searchsorted(ends, np.arange(len(amounts)), side="right")
    after = np.r_[amounts, 0]
    to_next, to_own = (_lowered(amounts, reader, band, [int(after[n - back]) for n in ends]) for back in (0, 1))
    own = np.r_[0, np.cumsum(to_own)]
    next_ = np.r_[0, np.cumsum(to_next)]
    starts = np.array([0, *ends], dtype=np.int64)[band]
    found = []
    for i, (n, most) in enumerate(sums):
        spare = most - int(amounts[:n].sum())
        more = np.where(band <= i, raised, np.maximum(0, amounts + raised - amounts[n - 1]))
        room = np.where(
            band <= i, own[np.minimum(starts, n)] + next_[n] - next_[np.minimum(starts, n)] - to_next, own[n]
        )
        if reader.is_one_of_them:
            room = room - _largest_other(to_next[:n], len(amounts))
        if (np.where(raised > 0, more, 0) > spare + np.maximum(room, 0)).any():
            found.append(i)
    return found


def _part(cents: Ints, one_in: int) -> Ints:
    """What must be added to each amount that is promised to stay vague, rounded up."""
    return np.where(cents > LEAST_CENTS, -(-cents // one_in), 0)


def _lowered(amounts: Ints, reader: Reader, band: Ints, floors: Sequence[int]) -> Ints:
    """By how much each contributor before the last point can be lowered to the floor of its band."""
    floor = np.array([*floors, 0], dtype=np.int64)[band]
    found: Ints = np.minimum(np.maximum(reader.unknown, 0), np.maximum(amounts - floor, 0))
    return found


def _largest_other(room: Ints, count: int) -> Ints:
    """Per contributor the most room that any one other has."""
    first = int(np.argmax(room))
    second = int(np.max(np.delete(room, first), initial=0))
    out = np.full(count, int(room[first]), dtype=np.int64)
    out[first] = second
    return out
