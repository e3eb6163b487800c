"""SDC-6 with SDC-8: a provider that declares for a household what makes a figure released or held, and reads which; and amounts that are multiples of a tariff.

A published figure says to the provider of a household, who knows the own part of it, that the rest is at most half the figure less that part. That is the excepted
bound. By sham deliveries for the household a provider comes as close with it as it likes, one answer per publication; how close real providers are is told here.
"""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np
from attackers_truth import Flags, Ints, Truth
from attacks import CLOSE, LEAST_CENTS, Break, Tally
from more_attacks import by_the_tariff
from reading_releases import Figure
from roles import Read, in_window, windows

HALF = 2


def rest_of(figure_cents: int, own_cents: int) -> float:
    """The most of what is left of one household beside the reader's own part, by nothing but "no more than half" of a published figure."""
    return figure_cents / HALF - own_cents


def told_of_their_own_clients(read: Read, providers: list[int]) -> Tally:
    """Each published window against each of these providers' clients: how close the rule alone comes to what others deliver to them."""
    tally, truth = Tally("providers, of their own clients by the rule alone"), read.truth
    for earlier, later in windows(list(read.table.figures)):
        inside = in_window(truth, earlier, later)
        all_of = _per(truth, inside)
        total = int(np.abs(all_of).sum())
        for number in providers:
            own = _per(truth, inside & (truth.provider == number))
            rest = all_of - own
            for client in np.flatnonzero((own > 0) & (rest > LEAST_CENTS)).tolist():
                tally.attacked += 1
                most = rest_of(total, int(own[client]))
                assert most >= rest[client], "a published figure has somebody who is more than half of it"
                tally.narrowest = min(tally.narrowest, most / int(rest[client]))
                tally.excepted += bool(most < rest[client] * (1 + CLOSE))
    return tally


def by_tariffs(read: Read) -> Tally:
    """Each published window in which all but one have multiples of one tariff that rounding does not hide: is the one that has none found?"""
    tally, base = Tally("who knows the tariff of all others"), read.parameters["euros_base"]
    for earlier, later in windows(list(read.table.figures)):
        net = _per(read.truth, in_window(read.truth, earlier, later))
        who = np.flatnonzero(net)
        if len(who) < HALF:
            continue
        tally.attacked += 1
        for target, step_cents in zip(who.tolist(), _steps(net[who].tolist()), strict=True):
            if step_cents > base * 100 and LEAST_CENTS < net[target] < step_cents:
                euros = later.euros - (earlier.euros if earlier else 0)
                low, high = by_the_tariff(euros, step=step_cents // 100, base=base * (HALF if earlier else 1))
                true = int(net[target]) / 100
                if low > true * (1 - CLOSE) and high < true * (1 + CLOSE):
                    tally.breaks.append(_break(later, int(net[target]), low, high))
    return tally


def _break(figure: Figure, cents: int, low: float, high: float) -> Break:
    said = f"one among multiples of a tariff in {' '.join(figure.cell)}"
    return Break("who knows the tariff of all others", said, figure.area, cents, low * 100, high * 100)


def _steps(cents: list[int]) -> list[int]:
    """Per amount the largest number of which all others are multiples."""
    before = [0, *accumulate(cents, math.gcd)][:-1]
    after = [0, *accumulate(cents[::-1], math.gcd)][:-1][::-1]
    return [math.gcd(b, a) for b, a in zip(before, after, strict=True)]


def _per(truth: Truth, rows: Flags) -> Ints:
    """Cents of some rows per contributor."""
    out = np.zeros(int(truth.contributor.max(initial=0)) + 1, dtype=np.int64)
    np.add.at(out, truth.contributor[rows], truth.cents[rows])
    return out
