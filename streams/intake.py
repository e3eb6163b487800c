"""Decisions of intake without I/O: where a person counts from which day on.

Once a residence file names a person only it decides; else dated addresses do. Arrival order never matters.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from schemas.frames import ALWAYS, OPEN_END, PLACEMENT_ROW, UNKNOWN_BIRTH, Place
from schemas.placements import own_household
from schemas.secrets import AddressKey
from schemas.values import Address
from streams.address_book import Location

_NOWHERE: Final = None


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """Household, contributor and area a person counts at, and the kind of place."""

    household: bytes
    contributor: bytes
    area: int
    place: int


@dataclass(frozen=True, slots=True, order=True)
class Dated:
    """An address known to hold on a day (a 301's Dagtekening, a service's first day)."""

    day: int
    address: bytes
    spot: Spot


@dataclass(frozen=True, slots=True)
class Residence:
    """A stay of a residence file, from its first day (until its last, if it has one). Area 0: at no known address."""

    from_day: int
    until_day: int | None
    spot: Spot


@dataclass(frozen=True, slots=True)
class Link:
    """From a day (until a day) the person counts where another counts."""

    to_person: bytes
    from_day: int
    until_day: int | None


Timeline = list[tuple[int, Spot | None]]
"""From which day on a person counts where (None: unplaced), ascending."""


def address_hash(secret: AddressKey, address: Address) -> bytes:
    """The keyed hash of an address: 16 bytes."""
    return hmac.digest(secret.reveal(), b"address|" + address.canonical(), "sha256")[:16]


def spot_at(*, person: bytes, address: bytes, location: Location) -> Spot:
    """Where someone living at an address counts. `address` is its keyed hash."""
    own = own_household(person)
    match location.place:
        case Place.HOME:
            return Spot(address, address, location.area, location.place)
        case Place.INSTITUTION:
            return Spot(own, address, location.gemeente * 1_000_000, location.place)
        case Place.SHARED:
            return Spot(own, address, location.area, location.place)
        case Place.SECRET:
            return secret_spot(person, location.gemeente)


def secret_spot(person: bytes, gemeente: int) -> Spot:
    """Where someone with a secret address counts: alone, in the rest of the gemeente."""
    own = own_household(person)
    return Spot(own, own, gemeente * 1_000_000, Place.SECRET)


def unknown_spot(person: bytes) -> Spot:
    """The spot of a stay at an address in no register: it places nobody, and no other fact does in its time."""
    own = own_household(person)
    return Spot(own, own, 0, Place.HOME)


def timeline(dated: Iterable[Dated], residences: Sequence[Residence]) -> Timeline:
    """A person's own timeline, before links; the same whatever order things arrived in."""
    stays = _one_a_day(residences)
    if stays:
        line: Timeline = [(s.from_day, s.spot if s.spot.area else _NOWHERE) for s in stays]
        end = _end(stays[-1].until_day)
        return _merged(line if end is None else [*line, (end, _NOWHERE)])
    by_day: dict[int, Dated] = {}
    for d in dated:
        known = by_day.get(d.day)
        if known is None or d.address < known.address:
            by_day[d.day] = d
    line = [(day, by_day[day].spot) for day in sorted(by_day)]
    if line:
        line[0] = (ALWAYS, line[0][1])
    return _merged(line)


def _one_a_day(residences: Iterable[Residence]) -> list[Residence]:
    """Stays by first day: of those from one day a known and smaller spot, and the longest there; none that ends before it begins."""
    found: dict[int, Residence] = {}
    for stay in residences:
        end = _end(stay.until_day)
        if end is not None and end <= stay.from_day:
            continue
        known = found.get(stay.from_day)
        if known is None or _preference(stay) < _preference(known):
            found[stay.from_day] = stay
    return [found[day] for day in sorted(found)]


def _preference(stay: Residence) -> tuple[bool, Spot, int]:
    end = _end(stay.until_day)
    return stay.spot.area == 0, stay.spot, -OPEN_END if end is None else -end


def _end(until_day: int | None) -> int | None:
    """The first day after; None where there is no end, or one beyond all days."""
    return None if until_day is None or until_day >= OPEN_END else until_day + 1


def linked(own: Timeline, links: Sequence[Link], others: dict[bytes, Timeline]) -> Timeline:
    """The timeline with links laid over it; a link to someone unplaced leaves the person where he or she is."""
    line = own
    for link in sorted(links, key=lambda k: (k.from_day, k.to_person)):
        other = others.get(link.to_person, [])
        end = _end(link.until_day)
        if end is not None and end <= link.from_day:
            continue
        before = [(day, spot) for day, spot in line if day < link.from_day]
        within = [(link.from_day, _at(other, link.from_day) or _at(line, link.from_day))]
        days = sorted({d for d, _ in (*other, *line) if d > link.from_day and (end is None or d < end)})
        within += [(day, _at(other, day) or _at(line, day)) for day in days]
        after = [] if end is None else [(end, _at(line, end)), *[(d, s) for d, s in line if d > end]]
        line = _merged([*before, *within, *after])
    return line


def _at(line: Timeline, day: int) -> Spot | None:
    found: Spot | None = None
    for from_day, spot in line:
        if from_day > day:
            break
        found = spot
    return found


def _merged(line: Timeline) -> Timeline:
    result: Timeline = []
    for day, spot in line:
        if result and result[-1][1] == spot:
            continue
        if not result and spot is None:
            continue
        result.append((day, spot))
    return result


def packed(line: Timeline, *, born: int | None = None) -> bytes:
    """The timeline as packed `placement_row` records; unplaced from a day on is area 0. `born`: month index of the person's birth."""
    rows = np.zeros(len(line), PLACEMENT_ROW)
    rows["born"] = UNKNOWN_BIRTH if born is None else born
    for index, (day, spot) in enumerate(line):
        rows[index]["from_day"] = day
        if spot is not None:
            rows[index]["household"] = np.void(spot.household)
            rows[index]["contributor"] = np.void(spot.contributor)
            rows[index]["area"] = spot.area
            rows[index]["place"] = spot.place
    return rows.tobytes()
