"""An invented municipality of any size as release sees it, for the benchmark of the audit: contributions, areas, addresses. No person, no zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from projections.release.contributions import CONTRIBUTION
from schemas.care import CARE_TYPE_BY_CODE

_GEMEENTE: Final = 9901
_PERSONS_PER_HOUSEHOLD: Final = 2.2
_PER_CLUSTER, _CLUSTERS_PER_BUURT, _BUURTEN_PER_WIJK = 210, 3, 5
_IN_CARE: Final = 0.25
_CARES: Final = (
    ("wmo-01", 0.2), ("wmo-02", 0.18), ("wmo-07", 0.06), ("wmo-11", 0.06), ("wmo-15", 0.02), ("jw-45", 0.14), ("jw-43", 0.02), ("jw-51", 0.05),
    ("pw-bijstand", 0.1), ("zvw-wijkverpleging", 0.1), ("zvw-ggz", 0.04), ("wlz-thuis", 0.03),
)  # fmt: skip
_KINDS: Final = np.array([0.62, 0.22, 0.1, 0.06])
"""Households with 1, 2, 3, 4 kinds of care."""
_SIGMA: Final = 1.88
"""Of the logarithm of a household's amounts: 3% of households have half of the money."""
_PROVIDERS: Final = 40
_CREDITED: Final = 0.02


@dataclass(frozen=True, slots=True)
class BenchTown:
    """What the gate takes: rows of dtype `CONTRIBUTION`, level -> area numbers, finest area -> addresses."""

    rows: np.ndarray
    areas: dict[str, list[int]]
    addresses: dict[int, int]
    wijken: int


def bench_town(inhabitants: int, *, months: int, seed: int = 1, wijken: int | None = None) -> BenchTown:
    """The same arguments give the same town."""
    random = np.random.default_rng(seed)
    households = int(inhabitants / _PERSONS_PER_HOUSEHOLD)
    clusters = _clusters(max(1, households // _PER_CLUSTER), wijken)
    lines = _lines(random, np.array(clusters), int(households * _IN_CARE))
    rows = _months(random, lines, months)
    areas = {
        "gemeente": [_GEMEENTE], "placed": [_GEMEENTE], "wijk": sorted({c // 10_000 for c in clusters}),
        "buurt": sorted({c // 100 for c in clusters}), "cluster": clusters,
    }  # fmt: skip
    return BenchTown(rows, areas, dict.fromkeys(clusters, _PER_CLUSTER), len(areas["wijk"]))


def _clusters(count: int, wijken: int | None) -> list[int]:
    per_wijk = _CLUSTERS_PER_BUURT * _BUURTEN_PER_WIJK if wijken is None else -(-count // wijken)
    found = []
    for n in range(count):
        wijk, inside = divmod(n, per_wijk)
        buurt, cluster = divmod(inside, _CLUSTERS_PER_BUURT)
        found.append(((_GEMEENTE * 100 + wijk + 1) * 100 + buurt + 1) * 100 + cluster + 1)
    return found


def _lines(random: np.random.Generator, clusters: np.ndarray, households: int) -> np.ndarray:
    """One row per household and kind of care, with what it costs a month."""
    kinds = random.choice(len(_KINDS), size=households, p=_KINDS) + 1
    household = np.repeat(np.arange(1, households + 1), kinds)
    lines = np.zeros(len(household), CONTRIBUTION)
    place = random.choice(clusters, size=households)
    place[random.random(households) < 0.02] = _GEMEENTE * 1_000_000
    lines["area"] = place[household - 1]
    ids = np.zeros((len(household), 2), dtype=">u8")
    ids[:, 1] = household
    lines["household"] = lines["contributor"] = ids.view("V16").ravel()
    codes, shares = zip(*_CARES, strict=True)
    chosen = random.choice(len(codes), size=len(lines), p=np.array(shares) / sum(shares))
    lines["care_type"] = np.array([CARE_TYPE_BY_CODE[c].id for c in codes])[chosen]
    lines["provider"] = 99_000_001 + (chosen * 7 + random.zipf(1.6, len(lines))) % _PROVIDERS
    amount = random.lognormal(np.log(90), _SIGMA, households)
    lines["cents"] = np.maximum(100, amount[household - 1] * random.uniform(0.5, 1.5, len(lines)) * 100)
    lines["service_year"] = 2025
    return lines


def _months(random: np.random.Generator, lines: np.ndarray, months: int) -> np.ndarray:
    """Most care goes on for some months; now and then one is credited later and declared anew, with another amount."""
    first = random.integers(-6, months, len(lines))
    length = random.integers(2, 14, len(lines))
    found = []
    for month in range(months):
        now = lines[(first <= month) & (month < first + length)].copy()
        now["epoch"] = np.minimum(month + (random.random(len(now)) < 0.1), months - 1)
        now["cents"] = now["cents"] * random.uniform(0.8, 1.2, len(now))
        credited = now[random.random(len(now)) < _CREDITED].copy()
        again = credited.copy()
        credited["epoch"] = again["epoch"] = np.minimum(credited["epoch"] + 1, months - 1)
        credited["cents"] *= -1
        again["cents"] = again["cents"] * 0.9
        found += [now, credited, again]
    return np.concatenate(found)
