"""One attacker against every amount of every household: which amounts are bounded closer than the promise allows.

What an exchange within classes proves free needs no programme: money moved between the target and others in atoms that no figure tells apart
changes no row. Only where less than the promised share can be moved a programme is solved. Both ways lead to one result, an exact bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from attackers_truth import FUNDING, GGZ_KIND, Flags, Ints
from figures_table import Table
from programmes import Programmes, Target, kind_of_atom

LEAST_CENTS: Final = 25_000
CLOSE, CLOSE_GGZ = 0.25, 0.5
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Break:
    """An amount that is bounded too closely: `of` says which amount of whom, `where` the areas and kinds; cents."""

    attacker: str
    of: str
    where: str
    cents: int
    least: float
    most: float

    def __str__(self) -> str:
        if not self.cents:
            return f"{self.attacker}: {self.of}"
        return f"{self.attacker}: {self.of} ({self.where}) of EUR {self.cents / 100:,.2f} lies between {self.least / 100:,.2f} and {self.most / 100:,.2f}"


@dataclass
class Tally:
    """What one attack came to. `narrowest`: the smallest most over true amount found by a programme.

    `afterwards`: broken by nothing but what others withdrew in a figure after it was published (`diagnosis`).
    """

    attacker: str
    attacked: int = 0
    programmes: int = 0
    excepted: int = 0
    narrowest: float = float("inf")
    breaks: list[Break] = field(default_factory=list)
    afterwards: list[Break] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in what another part of the same attack came to."""
        self.attacked, self.programmes = self.attacked + other.attacked, self.programmes + other.programmes
        self.excepted, self.narrowest = self.excepted + other.excepted, min(self.narrowest, other.narrowest)
        self.breaks += other.breaks
        self.afterwards += other.afterwards


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount of one target: what it is called, its rows of the truth, its cents; `pool`: what an exchange can add to it."""

    of: str
    target: int
    rows: Ints
    cents: int
    pool: float


@dataclass
class Attack:
    """One attacker with what it knows. `known`: rows of the truth; `who`: whose amounts (household or contributor of each row)."""

    name: str
    table: Table
    known: Flags
    who: Ints
    names: Sequence[str]
    only_ggz: bool = False
    programmes: Programmes = field(init=False)

    def __post_init__(self) -> None:
        self.programmes = Programmes(self.table, self.known)

    @property
    def close(self) -> float:
        """The share of an amount within which no bound may lie."""
        return CLOSE_GGZ if self.only_ggz else CLOSE

    def run(self, among: Flags | None = None) -> Tally:
        """Attack every amount (of `among`, rows whose targets are attacked)."""
        tally = Tally(self.name)
        for amount in self.amounts(among):
            tally.attacked += 1
            if not self._is_free(amount):
                self.judge(amount, tally)
        tally.programmes = self.programmes.solved
        return tally

    def judge(self, amount: Amount, tally: Tally) -> None:
        """Bound one amount by programmes and say whether the promise holds."""
        target, wanted = self.target_of(amount.target), set(self.table.atom_of_row[amount.rows].tolist())
        sign = 1 if amount.cents > 0 else -1
        size = abs(amount.cents)
        high = sign * self.programmes.bound(target, wanted, most=sign > 0)
        changes = any(c < 0 for c in target.cents)
        low = max(0.0, sign * self.programmes.bound(target, wanted, most=sign < 0)) if changes else 0.0
        tally.narrowest = min(tally.narrowest, high / size)
        if high < size * (1 + self.close) - _ROUNDING or low > size * (1 - self.close) + _ROUNDING:
            tally.breaks.append(Break(self.name, amount.of, self._where(wanted), size, low, high))

    def target_of(self, number: int) -> Target:
        """A target with all of its contributions."""
        return self.programmes.target(self.names[number], self.who == number)

    def _where(self, atoms: set[int]) -> str:
        found = sorted({kind_of_atom(self.table, a) for a in atoms})
        return ", ".join(f"{area} {kind}" for area, kind in found[:3]) + (" ..." if len(found) > 3 else "")

    @cached_property
    def _changing(self) -> set[int]:
        """Targets of which something was withdrawn that the attacker does not know."""
        return set(self.who[~self.known & (self.table.truth.cents < 0)].tolist())

    def _is_free(self, amount: Amount) -> bool:
        """Whether an exchange alone shows that the amount is not bounded closely: upwards always, downwards where nothing was withdrawn."""
        if amount.cents < 0 or amount.pool < self.close * amount.cents:
            return False
        if amount.target not in self._changing:
            return True
        mine = (self.who == amount.target) & ~self.known
        net = self.table.by_class(mine)
        taken = np.flatnonzero((net < 0) & ~self.table.unseen)
        others = self.programmes.pool - self.table.by_class(mine & ~self.table.truth.churn)
        return bool((others[taken] >= -self.close * 1.0001 * net[taken]).all())

    def amounts(self, among: Flags | None = None) -> Iterator[Amount]:
        """Every amount above the least, with what can be exchanged for it within classes."""
        truth = self.table.truth
        chosen = ~self.known & (GGZ_KIND[truth.kind] if self.only_ggz else np.ones(len(self.known), dtype=bool))
        if among is not None:
            chosen &= np.isin(self.who, np.unique(self.who[among]))
        rows = np.flatnonzero(chosen)
        if not len(rows):
            return
        by_group = truth.group[rows]
        keys = [("year", np.zeros(len(rows), dtype=np.int64)), ("group", by_group)]
        if not self.only_ggz:
            keys += [
                ("epoch", truth.epoch[rows]),
                ("group and epoch", by_group * self.table.epochs + truth.epoch[rows]),
            ]
        for kind, key in keys:
            yield from self._keyed(rows, kind, key)

    def _keyed(self, rows: Ints, kind: str, key: Ints) -> Iterator[Amount]:
        who, classes = self.who[rows], self.table.class_of[self.table.atom_of_row[rows]]
        width, count = int(key.max()) + 1, len(self.programmes.pool)
        of, inverse = np.unique(who * width + key, return_inverse=True)
        cents = np.zeros(len(of), dtype=np.int64)
        np.add.at(cents, inverse, self.table.truth.cents[rows])
        pairs = np.unique(inverse * count + classes)
        amount, class_ = pairs // count, pairs % count
        spare = (self.programmes.pool[class_] - self._own(of[amount] // width * count + class_)).astype(float)
        spare[self.table.unseen[class_]] = np.inf
        pool = np.zeros(len(of))
        np.add.at(pool, amount, spare)
        parts = np.split(rows[np.argsort(inverse, kind="stable")], np.cumsum(np.bincount(inverse))[:-1])
        for i in np.flatnonzero(np.abs(cents) > LEAST_CENTS).tolist():
            target, part = divmod(int(of[i]), width)
            yield Amount(
                f"{self._said(kind, part)} of {self.names[target]}", target, parts[i], int(cents[i]), float(pool[i])
            )

    @cached_property
    def _own_per_class(self) -> tuple[Ints, Ints]:
        """What each target never withdrew, per class, as far as the attacker does not know it: (target x classes + class, sorted; cents)."""
        truth = self.table.truth
        rows = np.flatnonzero(~self.known & ~truth.churn)
        keys = self.who[rows] * len(self.programmes.pool) + self.table.class_of[self.table.atom_of_row[rows]]
        unique, inverse = np.unique(keys, return_inverse=True)
        sums = np.zeros(len(unique), dtype=np.int64)
        np.add.at(sums, inverse, truth.cents[rows])
        return unique, sums

    def _own(self, keys: Ints) -> Ints:
        unique, sums = self._own_per_class
        if not len(unique):
            return np.zeros(len(keys), dtype=np.int64)
        at = np.minimum(np.searchsorted(unique, keys), len(unique) - 1)
        return np.where(unique[at] == keys, sums[at], 0)

    def _said(self, kind: str, key: int) -> str:
        what = "GGZ " if self.only_ggz else ""
        match kind:
            case "year":
                return f"{what}year"
            case "group":
                return f"{what}{FUNDING[key]}"
            case "epoch":
                return f"epoch {key}"
            case _:
                return f"{FUNDING[key // self.table.epochs]} in epoch {key % self.table.epochs}"
