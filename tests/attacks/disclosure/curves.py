"""SDC-12: the curve, and within how few households half of the money goes, joined with the published total: how large can one be?

    C_i         money of the n_i with the most; share_i and the total say between what it lies
    least_i     what the last of these n_i has: whoever comes before has no less, whoever comes after no more
    one of all  C_i >= x + the n_i - 1 largest of max(least_i, what the reader knows of each other)

One linear programme per reader and target. Which place a target has among all nobody is told, so nothing bounds an amount from below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from attackers_truth import GGZ_KIND, Flags, Ints, Truth
from attacks import CLOSE, CLOSE_GGZ, LEAST_CENTS, Break, Tally
from reading_releases import Concentrated, concentrations, inside
from roles import Read
from scipy.optimize import linprog

LAST_POINT: Final = 25
LARGEST: Final = 6
"""Of each reader's targets so many are tried, those with the largest amounts: a bound on one is a bound on all."""


@dataclass(frozen=True, slots=True)
class Said:
    """One area's year. `points`: (how many households, least and most part of the money they have); cents: between which the total lies."""

    name: str
    points: tuple[tuple[int, float, float], ...]
    total: tuple[float, float]
    everybody: int
    rows: Flags


def said(read: Read) -> Iterator[Said]:
    """Each area of which something is said and whose total was published with it."""
    last = read.table.epochs - 1
    totals = {(f.level, f.area): f.euros for f in read.table.figures if f.epoch == last and f.group == "total"}
    for one in concentrations(read.released.payloads, year=read.released.year):
        if (one.level, one.area) in totals:
            yield _said(read, one, totals[one.level, one.area] * 100)


def _said(read: Read, one: Concentrated, cents: int) -> Said:
    areas = inside(one.level, one.area, read.truth.areas)
    everybody = sum(n for a, n in read.released.addresses.items() if inside(one.level, one.area, [a])[0])
    rows = areas[read.truth.area]
    net = np.bincount(read.truth.contributor[rows], read.truth.cents[rows])
    owed = float(-net[net < 0].sum())
    parts = {p: [(m - 0.5) / 100, (m + 0.5) / 100] for p, m in one.curve}
    if one.half_within:
        parts.setdefault(one.half_within, [0.0, 1.0])[0] = max(0.5, parts.get(one.half_within, [0.0])[0])
    elif one.half_within == 0:
        parts.setdefault(LAST_POINT, [0.0, 1.0])[1] = min(0.5, parts.get(LAST_POINT, [0.0, 1.0])[1])
    points = tuple((p * everybody // 100, low, high) for p, (low, high) in sorted(parts.items()))
    slack = read.table.slack
    return Said(f"{one.level} {one.area}", points, (cents - slack + owed, cents + slack + owed), everybody, rows)


def most_of_one(of: Said, known: Ints) -> float:
    """The most that one of the area can have, in cents. `known`: what the reader knows of each other contributor, cents from nothing up."""
    others = np.sort(known[known > 0])[::-1].astype(float)
    m = len(of.points)
    sizes = [min(len(others), n - 1) for n, _, _ in of.points]
    first_z = 2 + 2 * m
    width = first_z + sum(sizes)
    rows, tops = [], []

    def row(top: float, **at: float) -> None:
        line = np.zeros(width)
        for name, factor in at.items():
            line[int(name[1:])] += factor
        rows.append(line)
        tops.append(top)

    z = first_z
    bounds = [(0, None), of.total] + [(0, None)] * (2 * m)
    for i, (n, low, high) in enumerate(of.points):
        c, least = 2 + i, 2 + m + i
        row(0, **{f"v{c}": -1, "v1": low})
        row(0, **{f"v{c}": 1, "v1": -high})
        one = {"v0": 1.0, f"v{c}": -1.0, f"v{least}": float(n - 1 - sizes[i])}
        for nth in range(sizes[i]):
            one[f"v{z}"] = 1.0
            row(0, **{f"v{least}": 1, f"v{z}": -1})
            bounds.append((others[nth], None))
            z += 1
        row(0, **one)
        before = of.points[i - 1][0] if i else 0
        here = {f"v{c}": -1.0, f"v{least}": float(n - before)} | ({f"v{c - 1}": 1.0} if i else {})
        row(0, **here)
        after = of.points[i + 1][0] if i + 1 < m else of.everybody
        row(0, **{f"v{c + 1 if i + 1 < m else 1}": 1, f"v{c}": -1, f"v{least}": -float(after - n)})
    cost = np.zeros(width)
    cost[0] = -1
    found = linprog(cost, A_ub=np.array(rows), b_ub=np.array(tops), bounds=bounds, method="highs")
    if found.status == 3:
        return float("inf")
    assert found.status == 0, "the truth satisfies every row, so there is a solution"
    return float(-found.fun)


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader: rows of the truth that it knows; `ggz`: it may be told nothing of GGZ."""

    name: str
    known: Flags
    ggz: bool = True


def readers(read: Read, few: int) -> Iterator[Reader]:
    """The outsider, the funder, and the providers that know most."""
    yield Reader("outsider", read.nothing())
    yield Reader("funder", read.funded())
    truth = read.truth
    rows = np.bincount(truth.provider, minlength=len(truth.providers))
    for number in np.argsort(-rows, kind="stable")[: few or None].tolist():
        own = truth.provider == number
        yield Reader(f"provider {truth.providers[number]}", own, ggz=not GGZ_KIND[truth.kind[own]].any())


def curves_attacked(read: Read, few: int) -> Tally:
    """Every reader against the largest amounts of each area of which something is said; and the two with the most against each other."""
    tally = Tally("curve and total")
    for of in said(read):
        if not of.points:
            continue
        for reader in readers(read, few):
            _against(of, read.truth, reader, tally)
        everything = _per(read.truth, of.rows)
        leading = np.argsort(-everything, kind="stable")[:3].tolist()
        for attacker in leading:
            _against(of, read.truth, Reader("second household", read.truth.contributor == attacker), tally)
    return tally


def _per(truth: Truth, rows: Flags) -> Ints:
    out = np.zeros(int(truth.contributor.max(initial=0)) + 1, dtype=np.int64)
    np.add.at(out, truth.contributor[rows], truth.cents[rows])
    return out


def _against(of: Said, truth: Truth, reader: Reader, tally: Tally) -> None:
    whole, known = _per(truth, of.rows), np.maximum(_per(truth, of.rows & reader.known), 0)
    open_ = _per(truth, of.rows & ~reader.known)
    ggz = _per(truth, of.rows & ~reader.known & GGZ_KIND[truth.kind]) if reader.ggz else np.zeros_like(open_)
    for what, cents, close in (("year", open_, CLOSE), ("GGZ year", ggz, CLOSE_GGZ)):
        chosen = {
            *np.argsort(-whole, kind="stable")[:LARGEST].tolist(),
            *np.argsort(-cents, kind="stable")[:LARGEST].tolist(),
        }
        for target in sorted(chosen):
            if cents[target] <= LEAST_CENTS:
                continue
            beside = known.copy()
            beside[target] = 0
            most = most_of_one(of, beside)
            assert most >= whole[target] - 1, "the truth is beyond a bound"
            high = most - known[target]
            tally.attacked, tally.programmes = tally.attacked + 1, tally.programmes + 1
            tally.narrowest = min(tally.narrowest, high / int(cents[target]))
            if high < cents[target] * (1 + close) - 1:
                tally.breaks.append(
                    Break(
                        f"{reader.name}, curve of {of.name}",
                        f"{what} of contributor {target}",
                        of.name,
                        int(cents[target]),
                        0.0,
                        high,
                    )
                )
