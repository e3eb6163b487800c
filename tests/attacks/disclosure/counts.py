"""SDC-12: the numbers of households beside the euros, joined: in how many cells do they say that what is left is one household, or two.

Curve and rates are not published yet, completeness is a share per gemeente and group, and exports show the same figures; nothing else can be joined.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from attackers_truth import KINDS, Flags, kinds_in
from reading_releases import Figure, inside
from roles import Read

STEP, LOWEST = 5, 10
FEW = 2


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a figure without those inside of it: at most so many households, between so many euros."""

    said: str
    most_households: int
    euros: tuple[int, int]
    rows: Flags


def interval(households: int) -> tuple[int, int]:
    """What a published number can stand for: to 5, never below 10, none is none."""
    if households == 0:
        return 0, 0
    return (1, LOWEST + STEP // 2) if households <= LOWEST else (households - STEP // 2, households + STEP // 2)


def remainders_with_counts(read: Read) -> Iterator[Left]:
    """Each figure with a count, less the figures of the next level, of the same group and epoch, that have one too."""
    lower = {"placed": "wijk", "wijk": "buurt"}
    half = read.parameters["euros_base"] // 2
    for parent in read.table.figures:
        if parent.level not in lower or parent.households is None:
            continue
        children = [f for f in read.table.figures if _is_child(parent, f, lower[parent.level], read)]
        if children:
            low = sum(interval(c.households or 0)[0] for c in children)
            euros = parent.euros - sum(c.euros for c in children)
            off = half * (1 + len(children))
            yield Left(
                f"{' '.join(parent.cell)} less {len(children)}", interval(parent.households)[1] - low, (euros - off, euros + off),
                _rows(read, parent) & ~np.any([_rows(read, c) for c in children], axis=0),
            )  # fmt: skip


def _is_child(parent: Figure, other: Figure, level: str, read: Read) -> bool:
    if (other.level, other.group, other.epoch) != (level, parent.group, parent.epoch) or other.households is None:
        return False
    whole = inside(parent.level, parent.area, read.truth.areas)
    return bool((~inside(other.level, other.area, read.truth.areas) | whole).all())


def _rows(read: Read, figure: Figure) -> Flags:
    truth = read.truth
    kinds = np.isin(np.arange(len(KINDS)), kinds_in(figure.group))
    found: Flags = (
        inside(figure.level, figure.area, truth.areas)[truth.area] & kinds[truth.kind] & (truth.epoch <= figure.epoch)
    )
    return found


def found_by_counts(read: Read, *, least_cents: int, close: float) -> list[str]:
    """Remainders that the counts show to be of one or two households, with an amount of one known closer than the promise allows."""
    out = []
    for left in remainders_with_counts(read):
        if left.most_households > FEW:
            continue
        net = np.bincount(read.truth.household[left.rows], read.truth.cents[left.rows], len(read.truth.households))
        largest = float(net.max(initial=0))
        if largest > least_cents and left.euros[1] * 100 < largest * (1 + close):
            out.append(left.said)
    return out
