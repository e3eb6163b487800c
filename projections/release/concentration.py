"""How concentrated the money of a service year is, and how much is stacked: said once, with the year's last publication, never restated.

    half within   half of the money goes to at most N% of all households; N one of POINTS, else more
    curve         the share of the money that goes to the N% of all households with the largest amounts; of the whole municipality only
    stacked       households with 1, 2, 3, 4 or more providers

A point of the curve stands only where the households between it and the point before pass all single-cell rules as if they were one cell,
and so do those after the last point; what does not pass is joined with what comes after. Whatever follows by subtraction is a union of
such bands, which share no household, so it passes too: the largest amount is at most half of its own band, and the two largest are at
most half of two bands or three quarters of one. A share is in whole percents of a sum that is published to EUR 1,000.
Bands are in order besides, which bounds the largest amount; a point that bounds it too closely is left out (`projections.release.curve_leeway`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from projections.release.cells import CellId
from projections.release.contributions import Flags, Ints, Year
from projections.release.curve_leeway import Reader, that_tells_too_much
from projections.release.rounding import rounded_households
from projections.release.rules import Keys, Parameters, Rules
from projections.release.sums import LAYER

POINTS: Final = (1, 2, 3, 5, 10, 15, 20, 25)
"""Percents of all households of an area."""
LEAST_IN_CARE: Final = 200
"""Households in care an area must have for anything to be said of it."""
LEVELS: Final = ("placed", "wijk")
MOST_PROVIDERS: Final = 4
_ALL: Final = 100


@dataclass(frozen=True, slots=True)
class Concentration:
    """What is said of one area and service year.

    `area`: its code; `half_within`: percent of all households, 0 for more than the last
    point, None where it can't be said; `curve`: (percent of all households, percent of the money); `stacked`: households with 1, 2, 3, 4 or more
    providers, to 5, None below 10.
    """

    level: str
    area: str
    service_year: int
    half_within: int | None
    curve: tuple[tuple[int, int], ...]
    stacked: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The rows of one area, and its contributors from the largest amount to the smallest: rank of each row's contributor, amounts in cents."""

    year: Year
    rows: Ints
    rank: Ints
    cents: Ints
    erased: Flags


def of_year(
    year: Year, service_year: int, *, areas: Mapping[str, Sequence[int]], households: Mapping[tuple[str, int], int], parameters: Parameters
) -> list[Concentration]:  # fmt: skip
    """All that can be said of a service year.

    `year`: its contributions; `areas`: level -> area numbers; `households`: (level, area number) -> all households that live there, in care
    or not, absent where unknown.
    """
    found = []
    for level in LEVELS:
        layer = LAYER[level]
        codes = layer.codes(year.area)
        for number in sorted(areas.get(level, ())):
            ranked = _ranked(year, np.flatnonzero(codes == number))
            basis, in_care = households.get((level, number), 0), int((ranked.cents[~ranked.erased] > 0).sum())
            if in_care < LEAST_IN_CARE or basis < in_care:
                continue
            code = CellId(level, layer.code_text(number), "total", service_year).area
            curve = _curve(ranked, basis, parameters)
            found.append(
                Concentration(
                    level, code, service_year, _half_within(ranked, basis, parameters),
                    curve if level == "placed" else (), _stacked(ranked, parameters),
                )
            )  # fmt: skip
    return found


def _ranked(year: Year, rows: Ints) -> _Ranked:
    """Contributors by amount; equal amounts in the order of their numbers. What is negative on balance counts as nothing."""
    contributor = year.contributor[rows]
    names, of_row = np.unique(contributor, return_inverse=True)
    cents = np.zeros(len(names), dtype=np.int64)
    np.add.at(cents, of_row, year.since[rows, 0])
    cents = np.maximum(cents, 0)
    erased = np.zeros(len(names), dtype=bool)
    erased[of_row] = year.erased[rows]
    order = np.lexsort((np.arange(len(names)), -cents))
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return _Ranked(year, rows, rank[of_row].astype(np.int64), cents[order], erased[order])


def _passes(ranked: _Ranked, first: int, last: int, parameters: Parameters) -> bool:
    """Whether the contributors of ranks first..last-1, as one cell, pass all of step 1; a band of nobody does not."""
    y = ranked.year
    rows = ranked.rows[(ranked.rank >= first) & (ranked.rank < last)]
    if not len(rows):
        return False
    keys = Keys(
        cells=1, cell=np.zeros(len(rows), dtype=np.int64), contributor=y.contributor[rows], provider=y.provider[rows],
        overig=y.overig[rows], ggz=y.ggz[rows], mandated=y.mandated[rows], joined=y.joined[rows], erased=y.erased[rows],
    )  # fmt: skip
    rules = Rules(keys, parameters)
    cents: Ints = y.since[rows, 0]
    return bool(rules.changed(cents)[0]) and bool(rules.reasons(cents)[0] < 0)


def _half_within(ranked: _Ranked, basis: int, parameters: Parameters) -> int | None:
    total, everybody = int(ranked.cents.sum()), len(ranked.cents)
    reached = [p for p in POINTS if 2 * int(ranked.cents[: p * basis // _ALL].sum()) >= total]
    if not reached:
        last = min(POINTS[-1] * basis // _ALL, everybody)
        return 0 if that_tells_too_much(ranked.cents, _readers(ranked), [(last, (total - 1) // 2)]) is None else None
    for percent in reached:
        top = p if (p := percent * basis // _ALL) < everybody else everybody
        if _passes(ranked, 0, top, parameters) and (top == everybody or _passes(ranked, top, everybody, parameters)):
            return percent
    return None


def _curve(ranked: _Ranked, basis: int, parameters: Parameters) -> tuple[tuple[int, int], ...]:
    total, everybody = int(ranked.cents.sum()), len(ranked.cents)
    ends: list[tuple[int, int]] = []
    start = 0
    for percent in POINTS:
        end = min(percent * basis // _ALL, everybody)
        if end > start and _passes(ranked, start, end, parameters):
            ends.append((percent, end))
            start = end
    while ends and ends[-1][1] < everybody and not _passes(ranked, ends[-1][1], everybody, parameters):
        ends.pop()
    shares = {end: round(_ALL * int(ranked.cents[:end].sum()) / total) for _, end in ends}
    while ends:
        told = that_tells_too_much(
            ranked.cents,
            _readers(ranked),
            [(end, ((2 * shares[end] + 1) * total - 1) // (2 * _ALL)) for _, end in ends],
        )
        if told is None:
            break
        ends.pop(told)
    return tuple((percent, shares[end]) for percent, end in ends)


def _readers(ranked: _Ranked) -> Iterator[Reader]:
    """Everybody who reads a curve: outsiders, one of the households, the municipality without and with its mandates, each provider."""
    y, rows = ranked.year, ranked.rows
    cents, overig, ggz, provider = y.since[rows, 0], y.overig[rows], y.ggz[rows], y.provider[rows]

    def sums(part: Flags) -> Ints:
        out = np.zeros(len(ranked.cents), dtype=np.int64)
        np.add.at(out, ranked.rank[part], cents[part])
        return out

    def of(unknown: Flags, *, is_one_of_them: bool = False) -> Reader:
        return Reader(sums(unknown), sums(unknown & ggz), is_one_of_them=is_one_of_them)

    yield of(np.ones(len(rows), dtype=bool), is_one_of_them=True)
    yield of(overig)
    yield of(overig & ~y.mandated[rows])
    for number in np.unique(provider).tolist():
        yield of(provider != number)


def _stacked(ranked: _Ranked, parameters: Parameters) -> tuple[int | None, ...]:
    y, rows = ranked.year, ranked.rows
    living = ~ranked.erased[ranked.rank] & ~y.joined[rows]
    pairs = np.unique(np.stack([ranked.rank[living], y.provider[rows][living]]), axis=1, return_inverse=True)
    columns, of_row = pairs[0], np.asarray(pairs[1]).reshape(-1)
    net = np.zeros(columns.shape[1], dtype=np.int64)
    np.add.at(net, of_row, y.since[rows, 0][living])
    per_contributor = np.bincount(columns[0][net != 0], minlength=1)
    counts = np.bincount(np.minimum(per_contributor, MOST_PROVIDERS), minlength=MOST_PROVIDERS + 1)[1:]
    return tuple(
        rounded_households(int(n), parameters) if n >= parameters.least_households else None for n in counts.tolist()
    )
