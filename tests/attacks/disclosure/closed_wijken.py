"""SDC-11: the attackers against everybody in one wijk, of which nothing may have been published for a while."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from attackers_truth import FUNDING, Flags, Truth
from attacks import Break, Tally
from differences import remainders, spanned
from own_rules import OwnRules
from reading_releases import Figure
from roles import Read, funder, outsider, providers

from schemas.care import Group


def in_wijk(read: Read, wijk: int) -> Flags:
    """The rows of the truth that lie in a wijk."""
    found: Flags = np.array(read.truth.areas)[read.truth.area] // 10_000 == wijk
    return found


def figures_of(read: Read, wijk: int) -> list[Figure]:
    """Every figure of the wijk and of what lies in it."""
    codes = (f"WK{wijk:06d}", f"BU{wijk:06d}")
    return [f for f in read.table.figures if f.area.startswith(codes)]


def wijk_of_the_largest(truth: Truth) -> int:
    """Where the household with the most of the year lives."""
    placed = np.array(truth.areas)[truth.area] % 100 != 0
    net = np.bincount(truth.household[placed], truth.cents[placed], len(truth.households))
    rows = placed & (truth.household == int(net.argmax()))
    return int(np.array(truth.areas)[truth.area[rows][0]]) // 10_000


def follows(read: Read, wijk: int, epochs: Collection[int]) -> list[str]:
    """What of the wijk's own figures follows by subtraction over windows that begin or end in these epochs."""
    cells = [("wijk", f"WK{wijk:06d}", group) for group in (Group.TOTAL.value, *FUNDING)]
    return [d.said for d in spanned(read.table, cells) if {d.start, d.end} & set(epochs)]


def against(read: Read, wijk: int, few: int) -> Iterator[Tally]:
    """Outsider, funder and the providers that know most against all of the wijk; and every difference that lies wholly in it."""
    rows = in_wijk(read, wijk)
    known_most = sorted(providers(read), key=lambda a: (-int(a.known.sum()), a.name))[: few or None]
    for attack in (outsider(read), outsider(read, ggz=True), funder(read), funder(read, ggz=True), *known_most):
        tally = attack.run(rows)
        yield Tally(
            f"{attack.name.split()[0]}, of a wijk that failed closed", tally.attacked, tally.programmes, narrowest=tally.narrowest, breaks=tally.breaks
        )  # fmt: skip
    yield _differences(read, rows)


def _differences(read: Read, inside: Flags) -> Tally:
    tally, rules = Tally("remainders in a wijk that failed closed"), OwnRules(read.truth)
    for difference in remainders(read.table):
        rows = difference.rows(read.table)
        if rows.any() and not (rows & ~inside).any():
            tally.attacked += 1
            if not rules.is_safe(rows):
                tally.breaks.append(Break(tally.attacker, f"not SAFE: {difference.said}", "", 0, 0.0, 0.0))
    return tally
