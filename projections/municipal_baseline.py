"""The baseline (nulmeting): one service year as known at one epoch, and another year as known equally long after its end.

Only figures that are of their own epoch are compared, and only areas with the same boundaries; the rest is left out, and said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from projections.municipal_events import Baseline
from schemas import codec
from schemas.errors import Refused
from schemas.requests import DataRequest
from schemas.sealing import sha256
from schemas.values import Month

LEVELS: Final = ("placed", "wijk", "buurt")
REASONS: Final = ("held-then", "held-now", "boundaries", "not-published")


def release_hash(released: dict[str, Any]) -> bytes:
    """SHA-256 of a `released_epoch` datum as it stands in the topic."""
    return sha256(codec.encode("released_epoch", released))


def geometry_hash(geography: dict[str, Any]) -> bytes:
    """SHA-256 of a `published_geography` datum: what epochs made with it name."""
    return sha256(codec.encode("published_geography", geography))


def boundaries(geography: dict[str, Any]) -> dict[str, bytes]:
    """Code of gemeente, wijk and buurt -> 8 bytes that change when the area's shape does; of one without a shape, when those in it do."""
    children: dict[str, list[str]] = {}
    for area in geography["areas"]:
        if area["level"] != "cluster":
            children.setdefault(area["parent"], []).append(area["code"])
    shapes = {a["code"]: a["geometry"] for a in geography["areas"]}
    made: dict[str, bytes] = {}

    def shape(code: str) -> bytes:
        if code not in made:
            parts = b"".join(f"{c}=".encode() + shape(c) for c in sorted(children.get(code, [])))
            made[code] = hashlib.sha256(shapes[code].encode() or parts or code.encode()).digest()[:8]
        return made[code]

    return {a["code"]: shape(a["code"]) for a in geography["areas"] if a["level"] != "cluster"}


def providers_asked(requests: Iterable[DataRequest], *, municipality: int, year: int) -> int:
    """How many different providers a municipality asked for one month or more of a service year: what it asked, not who delivered."""
    first, last = Month(year, 1).index, Month(year, 12).index
    return len(
        {
            p for r in requests
            if r.municipality == municipality and r.first_month.index <= last and r.last_month.index >= first
            for p in r.providers
        }
    )  # fmt: skip


def frozen_fields(
    released: dict[str, Any], geography: dict[str, Any] | None, *, service_year: int, providers: int
) -> dict[str, Any]:
    """What a `baseline_frozen` event says of an epoch. Raises `Refused` where it has no figure of that year, or its boundaries are not known."""
    if not any(c["service_year"] == service_year and c["euros"] is not None for c in released["cells"]):
        raise Refused("unreadable", "Nothing of that service year is released as known at that month; name another.")
    if geography is None or geometry_hash(geography) != released["geometry_hash"]:
        raise Refused("unreadable", "The boundaries of that month are not those published last; freeze a later month.")
    people = {a["code"]: a["inhabitants"] for a in geography["areas"]}
    return {
        "service_year": service_year, "epoch": released["epoch"], "release_version": released["version"],
        "release_hash": release_hash(released), "geometry_hash": released["geometry_hash"], "geometry_year": geography["year"],
        "parameters": released["parameters"], "protection": released["protection"],
        "population_year": geography["population_year"], "providers": providers,
        "areas": [
            {"code": code, "shape": shape, "inhabitants": people[code]}
            for code, shape in sorted(boundaries(geography).items())
        ],
    }  # fmt: skip


def months_after_the_year(baseline: Baseline) -> int:
    """How many months after the end of its service year a baseline was known; negative while the year was running."""
    return baseline.epoch - Month(baseline.service_year, 12).index


def epoch_to_compare(baseline: Baseline, year: int) -> int:
    """The month index at whose end `year` is known equally long after its end."""
    return baseline.epoch + 12 * (year - baseline.service_year)


@dataclass(frozen=True, slots=True)
class Row:
    """One area and group in both years: euros to 1,000, households to 5 or None. `indexed`: the baseline's euros with tariff rises."""

    area: str
    group: str
    before: int
    indexed: int
    after: int
    households_before: int | None
    households_after: int | None

    @property
    def change(self) -> int:
        """Euros more (or fewer) than the baseline with tariff rises; without an index, than the baseline."""
        return self.after - self.indexed


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows that can be compared, and what was left out: reason of `REASONS` -> (area, group), sorted."""

    year: int
    epoch: int
    rows: tuple[Row, ...]
    left_out: Mapping[str, tuple[tuple[str, str], ...]]


def indexed(euros: int, *, percent: Decimal, years: int) -> int:
    """Euros after `years` of a tariff rise of `percent` a year, to 1,000."""
    grown = Decimal(euros) * (1 + percent / 100) ** years
    return int((grown / 1000).quantize(Decimal(1), ROUND_HALF_UP)) * 1000


def compared(
    baseline: Baseline,
    then: dict[str, Any],
    now: dict[str, Any],
    geography: dict[str, Any],
    *,
    percent: Decimal = Decimal(0),
) -> Comparison:
    """Compare a baseline with a later year. `then`, `now`: the `released_epoch` datums; `geography`: that of `now`."""
    years = now["epoch"] // 12 - then["epoch"] // 12
    year = baseline.service_year + years
    before, after = _cells(then, baseline.service_year), _cells(now, year)
    frozen, current = {code: shape for code, shape, _ in baseline.areas}, boundaries(geography)
    rows: list[Row] = []
    left: dict[str, list[tuple[str, str]]] = {}
    for key in sorted({*before, *after}):
        code = key[0].removesuffix("P")
        same = code in frozen and code in current and frozen[code] == current[code].hex()
        a, b = before.get(key), after.get(key)
        reason = _reason(a, b, then=then["epoch"], now=now["epoch"]) if same else "boundaries"
        if reason or a is None or b is None:
            left.setdefault(reason, []).append(key)
            continue
        grown = indexed(a["euros"], percent=percent, years=years)
        rows.append(Row(*key, a["euros"], grown, b["euros"], a["households"], b["households"]))
    return Comparison(year, now["epoch"], tuple(rows), {r: tuple(left[r]) for r in REASONS if r in left})


def _cells(released: dict[str, Any], year: int) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (c["area"], c["group"]): c for c in released["cells"] if c["service_year"] == year and c["area_level"] in LEVELS
    }


def _reason(a: dict[str, Any] | None, b: dict[str, Any] | None, *, then: int, now: int) -> str:
    if a is None or b is None:
        return "not-published"
    for cell, epoch, reason in ((a, then, "held-then"), (b, now, "held-now")):
        if cell["decision"] != "released" or cell["euros"] is None or cell["known_until"] != epoch:
            return reason
    return ""
