"""What anybody reads in the bytes of the released topics: figures, decisions, the rules' numbers. Knows the published schemas, nothing of release."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from attackers_truth import Flags, Truth

from schemas import codec

_UNITS = {"placed": 1_000_000, "wijk": 10_000, "buurt": 100, "cluster": 1}
_ZEROS = {"gemeente": 1_000_000, **_UNITS}

REST_ALONE = True
"""What is published of a gemeente is its rest; false for a gate that was broken on purpose to publish all of it."""


@dataclass(frozen=True, slots=True)
class Released:
    """Everything ever released of one municipality and year: `payloads` for attackers, the rest for those who look after them."""

    municipality: int
    year: int
    first_month: int
    payloads: list[bytes]
    truth: Truth
    mandated: frozenset[str]
    addresses: Mapping[int, int]


@dataclass(frozen=True, slots=True, order=True)
class Figure:
    """One published figure: the running total of a service year as known at an epoch, counted from the first."""

    level: str
    area: str
    group: str
    epoch: int
    euros: int
    households: int | None

    @property
    def cell(self) -> tuple[str, str, str]:
        """Whose figure it is."""
        return self.level, self.area, self.group


@dataclass(frozen=True, slots=True)
class Concentrated:
    """What is said of one area's year: `curve`: (percent of all households, percent of the money); `half_within`: 0 for more than the last point."""

    level: str
    area: str
    half_within: int | None
    curve: tuple[tuple[int, int], ...]
    stacked: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One record: every cell's standing. `lengths`: size of the record in bytes."""

    level: str
    epoch: int
    standing: dict[tuple[str, str, str, int], str]
    parameters: dict[str, int]
    length: int


def area_number_of(level: str, code: str) -> int:
    """The number of an area at its level. Raises `KeyError` at a level that no attacker knows yet."""
    if level not in _ZEROS:
        raise KeyError(level)
    return int(re.sub(r"\D", "", code))


def _clusters_of(street: str) -> list[int]:
    """`BU99010103.02_05` -> the numbers of its two clusters: the code of a street says which it sums."""
    buurt, _, clusters = street.partition(".")
    return [area_number_of("cluster", f"{buurt}.{cluster}") for cluster in clusters.split("_")]


def inside(level: str, code: str, areas: Sequence[int]) -> Flags:
    """Which finest areas an area consists of: the gemeente's own cell is its rest."""
    numbers = np.array(areas, dtype=np.int64)
    if level == "street":
        return np.isin(numbers, _clusters_of(code))
    unit = _ZEROS[level]
    placed = numbers % 100 != 0
    if level == "gemeente" and not REST_ALONE:
        return numbers // unit == area_number_of(level, code)
    return (numbers // unit == area_number_of(level, code)) & (placed if level != "gemeente" else ~placed)


def _decoded(payloads: Iterable[bytes]) -> list[dict[str, Any]]:
    return [codec.decode("released_epoch", p) for p in payloads]


def figures(payloads: Iterable[bytes], *, first_month: int, year: int) -> list[Figure]:
    """Each figure of a service year once, whichever records repeat it."""
    found = {
        Figure(c["area_level"], c["area"], c["group"], c["known_until"] - first_month, c["euros"], c["households"])
        for record in _decoded(payloads) for c in record["cells"] if c["service_year"] == year and c["euros"] is not None
    }  # fmt: skip
    return sorted(found, key=lambda f: (*f.cell, f.epoch))


def snapshots(payloads: Sequence[bytes], *, first_month: int) -> list[Snapshot]:
    """What each record says of every cell's standing."""
    return [
        Snapshot(
            r["level"], r["epoch"] - first_month,
            {(c["area_level"], c["area"], c["group"], c["service_year"]): c["decision"] for c in r["cells"]},
            json.loads(r["parameters"]), len(p),
        )
        for r, p in zip(_decoded(payloads), payloads, strict=True)
    ]  # fmt: skip


def concentrations(payloads: Iterable[bytes], *, year: int) -> list[Concentrated]:
    """Everything said of how concentrated a service year's money is."""
    return [
        Concentrated(
            c["area_level"], c["area"], c["half_within"], tuple((p["households"], p["money"]) for p in c["curve"]), tuple(c["stacked"]),
        )
        for record in _decoded(payloads) for c in record["concentration"] if c["service_year"] == year
    ]  # fmt: skip
