"""Makes the bytes of the released topics without servers: a town's amounts, the gate epoch by epoch, the records as release encodes them.

The only file of the attacks that calls the gate. `Switches` change the gate on purpose, for the attacks that must then turn red.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from attackers_truth import Row, rows_of, truth_of
from reading_releases import Released
from town_amounts import areas_of, streets_of

from producers.town.files import FIRST_MONTH, Town, invent
from projections.release import concentration
from projections.release.cells import CellId, Street
from projections.release.contributions import CONTRIBUTION, Contributions
from projections.release.gate import PROTECTION, Published, decide
from projections.release.rules import Parameters
from schemas.care import CARE_TYPE_BY_CODE
from schemas.sealing import sha256
from schemas.values import Month, day_number
from streams import release_records as records

MANDATED_EACH = 25
"""One household in so many is under a mandate."""
Areas = Mapping[str, Sequence[int]]


def an_id(name: str) -> bytes:
    """The zone's id of a household or contributor; no attacker gets it."""
    return blake2b(name.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Switches:
    """A gate that was changed: other numbers, or a patch that holds while it decides. `blind`: earlier publications are forgotten."""

    parameters: Parameters = field(default_factory=Parameters)
    patch: Callable[[], AbstractContextManager[object]] = nullcontext
    blind: bool = False


AS_IT_IS = Switches()


def contributions(rows: Sequence[Row], year: int, erased: frozenset[str] = frozenset()) -> np.ndarray:
    """The rows as release sees them (dtype `CONTRIBUTION`)."""
    return np.array([
        (r.area, an_id(r.household), an_id(r.contributor), int(r.provider), CARE_TYPE_BY_CODE[r.care].id, year, r.epoch, r.cents,
         int(r.household in erased))
        for r in rows
    ], dtype=CONTRIBUTION)  # fmt: skip


@dataclass(slots=True)
class _Log:
    """Release's own log of one municipality."""

    published: dict[CellId, list[int]] = field(default_factory=lambda: defaultdict(list))
    last: dict[CellId, Published] = field(default_factory=dict)
    standing: dict[CellId, bool] = field(default_factory=dict)
    ends: dict[str, bytes] = field(default_factory=dict)


def release(
    rows: Sequence[Row], areas: Areas, addresses: Mapping[int, int], *, municipality: int, first: Month, months: int,
    mandated: frozenset[str] = frozenset(), erased: frozenset[str] = frozenset(), switches: Switches = AS_IT_IS,
    streets: tuple[Street, ...] = (),
) -> Released:  # fmt: skip
    """Decide and encode month by month, as the process release does."""
    amounts, log, payloads = contributions(rows, first.year, erased), _Log(), []
    for epoch in range(months):
        month = first.plus(epoch)
        with switches.patch():
            decided = decide(
                amounts, epoch=epoch, month_of_year=month.month, years=(first.year,), published={} if switches.blind else log.published,
                areas=areas, mandated={an_id(m) for m in mandated}, parameters=switches.parameters, addresses=addresses,
                streets=streets,
            )  # fmt: skip
            said = (
                _concentration(amounts, areas, addresses, epoch=epoch, year=first.year, mandated=mandated)
                if epoch == months - 1
                else []
            )
        for d in decided:
            log.standing[d.cell] = d.released
            if d.released and d.euros is not None:
                log.published[d.cell].append(epoch)
                log.last[d.cell] = Published(d.euros, d.households, epoch)
        payloads += list(_encoded(log, municipality, epoch, month=month, first=first, switches=switches, said=said))
    return Released(
        municipality, first.year, first.index, payloads, truth_of(list(rows), areas["cluster"]), mandated, addresses
    )


def _concentration(
    amounts: np.ndarray, areas: Areas, addresses: Mapping[int, int], *, epoch: int, year: int, mandated: frozenset[str]
) -> list[dict[str, object]]:  # fmt: skip
    """What is said of concentration with the last epoch, as if it closed the year. All households of an area: its addresses."""
    own = Contributions(amounts, epoch=epoch, mandated={an_id(m) for m in mandated}).year(year)
    everybody = {
        (level, number): sum(n for area, n in addresses.items() if area // unit == number)
        for level, unit in (("placed", 1_000_000), ("wijk", 10_000)) for number in areas[level]
    }  # fmt: skip
    found = concentration.of_year(own, year, areas=areas, households=everybody, parameters=Parameters())
    return [
        {
            "area": c.area, "area_level": c.level, "service_year": c.service_year, "half_within": c.half_within,
            "curve": [{"households": of, "money": share} for of, share in c.curve], "stacked": list(c.stacked),
        }
        for c in found
    ]  # fmt: skip


def _encoded(
    log: _Log, municipality: int, epoch: int, *, month: Month, first: Month, switches: Switches, said: list[dict[str, object]]
) -> Iterator[bytes]:  # fmt: skip
    head = records.Head(
        completeness=[], concentration=said, parameters=switches.parameters.told(), given_up=[], protection=PROTECTION, geometry_hash=bytes(32).hex(),
        ledger_hash=bytes(32).hex(), software="attacked",
    )  # fmt: skip
    found = records.cells(month.index, first.index, log.standing, log.last)
    for level in ("macro", "meso"):
        place = records.Place(
            municipality, level, month.index, epoch + 1, log.ends.get(level, bytes(32)), day_number(month.plus(1).first_day), awaits_quarter=False
        )  # fmt: skip
        payload = records.record(place, head, found[level])
        log.ends[level] = sha256(payload)
        yield payload


@lru_cache(maxsize=4)
def _town(world: str, seed: int, months: int, addresses: int) -> Town:
    return invent(seed=seed, months=months, addresses=addresses, world=world)


def mandated_of(rows: Sequence[Row]) -> frozenset[str]:
    """The households under a mandate: one in so many, by their names."""
    return frozenset(sorted({r.household for r in rows})[::MANDATED_EACH])


def released_town(
    world: str, *, seed: int, months: int, addresses: int, municipality: int = 9901,
    change: Callable[[list[Row]], list[Row]] = lambda rows: rows, switches: Switches = AS_IT_IS, payloads: list[bytes] | None = None,
) -> Released:  # fmt: skip
    """One municipality of an invented town, released; `change` adds to its rows what an attacker sends.

    `payloads`: what the same call released before, so that nothing is decided again.
    """
    town = _town(world, seed, months, addresses)
    rows = change(rows_of(town, municipality, FIRST_MONTH.year))
    areas, homes = areas_of(town, municipality)
    if payloads is not None:
        truth = truth_of(rows, areas["cluster"])
        return Released(municipality, FIRST_MONTH.year, FIRST_MONTH.index, payloads, truth, mandated_of(rows), homes)
    return release(
        rows, areas, homes, municipality=municipality, first=FIRST_MONTH, months=min(months, 12), mandated=mandated_of(rows), switches=switches,
        streets=streets_of(town, municipality),
    )  # fmt: skip
