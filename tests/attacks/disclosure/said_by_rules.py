"""SDC-8: what a decision itself says, as rows: of each published window that no contributor is more than half of it.

For a role the same of the window without what the role knows: without its own deliveries (SAFE_PROV), of the rest of overige zorg (SAFE_FUND).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from attackers_truth import GROUP_NUMBER, KINDS, Flags, Ints
from attacks import Attack, Break, Tally
from figures_table import Floats, Table
from programmes import Limit, Target
from reading_releases import Figure
from roles import OVERIG, in_window, windows
from scipy.optimize import linprog

HALF = 0.5


@dataclass(frozen=True, slots=True)
class Window:
    """One published window: its atoms and classes, its rows; cents: `open` net and `fallen`, by how much known credits can make absolutes larger."""

    atoms: Flags
    classes: Flags
    net: int
    fallen: int


@lru_cache(maxsize=2)
def _windows_of(table: Table) -> list[tuple[Flags, Ints]]:
    """The atoms and the rows of the truth of every published window."""
    out = []
    for earlier, later in windows(list(table.figures)):
        atoms = table.mask(later) if earlier is None else table.mask(later) & ~table.mask(earlier)
        out.append((atoms, np.flatnonzero(in_window(table.truth, earlier, later))))
    return out


class SaidByRules:
    """The attack with the rules' rows. `overig`: they speak of overige zorg alone; `without`: and of what these rows are not of.

    What a provider delivered and what the funder knows is left out of its rule; that is what there is without more being said.
    """

    def __init__(self, attack: Attack, *, overig: bool = False, without: Flags | None = None) -> None:
        self._attack, self._table = attack, attack.table
        self._without = attack.known if without is None else without
        kinds = (
            np.isin(np.arange(len(KINDS)), np.flatnonzero(GROUP_NUMBER == OVERIG))
            if overig
            else np.ones(len(KINDS), dtype=bool)
        )
        self._kinds = kinds
        self._windows = [self._window(atoms, rows) for atoms, rows in _windows_of(self._table)]

    def _window(self, atoms: Flags, inside: Ints) -> Window:
        table, truth = self._table, self._table.truth
        rows = inside[~self._without[inside] & self._kinds[truth.kind[inside]]]
        grid = (atoms.reshape(-1, len(KINDS), table.epochs) & self._kinds[None, :, None]).ravel()
        churn = rows[truth.churn[rows]]
        net = np.zeros(int(truth.contributor.max(initial=0)) + 1, dtype=np.int64)
        np.add.at(net, truth.contributor[churn], truth.cents[churn])
        classes = np.zeros(table.sums.shape[1], dtype=bool)
        classes[table.class_of[grid]] = True
        return Window(grid, classes, int(truth.cents[rows].sum()), int(-net[net < 0].sum()))

    def run(self) -> Tally:
        """Every amount that some rules alone say is less than so much more: is it said more closely by all figures together?"""
        tally = Tally(f"{self._attack.name} with the rules")
        alone, near = self._alone(), 1 / (1 + self._attack.close)
        heavy: dict[int, tuple[Target, Flags]] = {}
        for amount in self._attack.amounts():
            if amount.cents <= 0 or not alone[amount.target]:
                continue
            tally.attacked += 1
            if amount.target not in heavy:
                heavy[amount.target] = self._heavy(amount.target, near)
            target, windows_of = heavy[amount.target]
            wanted = set(self._table.atom_of_row[amount.rows].tolist())
            if not windows_of[:, [a in wanted for a in target.atoms]].any():
                continue
            excepted = self._by_rules_alone(target, wanted)
            high = self._attack.programmes.bound(target, wanted, most=True, limits=self._limits(target))
            tally.narrowest = min(tally.narrowest, high / amount.cents)
            if high < min(excepted, amount.cents * (1 + self._attack.close)) - 1:
                tally.breaks.append(
                    Break(tally.attacker, amount.of, "beyond what the rules alone say", amount.cents, 0.0, high)
                )
            elif high < amount.cents * (1 + self._attack.close):
                tally.excepted += 1
        tally.programmes = self._attack.programmes.solved
        return tally

    def _heavy(self, number: int, near: float) -> tuple[Target, Flags]:
        """A target, and which of its atoms stand in which windows that it nearly fills as far as the rule lets it.

        None of one of whom something was withdrawn: a window may hold less than the amount, and the rules alone bound nothing.
        """
        target = self._attack.target_of(number)
        inside = self._inside(target)
        weighs = inside @ np.array(target.cents, dtype=np.int64)
        full = (weighs > near * self._halves) & all(c >= 0 for c in target.cents)
        return target, inside[full]

    @cached_property
    def _halves(self) -> Floats:
        """Half of all that is in each window, the most that one contributor can be by the rule."""
        return np.array([HALF * (w.net + 2 * w.fallen) for w in self._windows])

    @cached_property
    def _of_windows(self) -> Flags:
        return np.array([w.atoms for w in self._windows], dtype=bool)

    def _inside(self, target: Target) -> Flags:
        """Window x atom of the target."""
        return self._of_windows[:, np.array(target.atoms, dtype=np.int64)]

    def _by_rules_alone(self, target: Target, wanted: set[int]) -> float:
        """The most of an amount by nothing but "no more than half" of each window it touches, taken together."""
        inside = self._inside(target)
        touched = inside.any(axis=1)
        cost = np.array([-1.0 if a in wanted else 0.0 for a in target.atoms])
        found = linprog(
            cost, A_ub=inside[touched].astype(float), b_ub=self._halves[touched] / 100, bounds=(0, None), method="highs"
        )
        return float(-found.fun) * 100 if found.status == 0 else float("inf")

    def _alone(self) -> Flags:
        """Targets that count as one by themselves."""
        truth = self._table.truth
        pairs = np.unique(np.column_stack([truth.contributor, self._attack.who]), axis=0)
        shared = np.bincount(pairs[:, 0]) > 1
        out = np.ones(int(self._attack.who.max(initial=0)) + 1, dtype=bool)
        out[pairs[shared[pairs[:, 0]], 1]] = False
        several = np.bincount(pairs[:, 1], minlength=len(out)) > 1
        return out & ~several

    def _limits(self, target: Target) -> list[Limit]:
        """The rules' rows that speak of a target, those in which it weighs a tenth or more."""
        rest = self._attack.programmes.pool - target.standing
        cents = np.array(target.cents, dtype=np.int64)
        found = []
        for w in self._windows:
            mine = w.atoms[np.array(target.atoms, dtype=np.int64)]
            if not mine.any() or cents[mine].sum() * 10 < w.net:
                continue
            weights = np.where(w.classes, -HALF, 0.0)
            known = w.net - int(cents[mine].sum()) - int(rest[w.classes].sum())
            factors = {a: HALF for a, inside in zip(target.atoms, mine.tolist(), strict=True) if inside}
            found.append(Limit(factors, weights, HALF * (known + 2 * w.fallen)))
        return found


def by_clause(attack: Attack, held: Figure, number: int) -> dict[str, tuple[float, float]]:
    """For a held cell: least and most of a target's year in it, by each clause that may have failed.

    Of a target whose amounts the attacker knows in part, that part counts with the rest of them.

    That there are fewer than ten, that a provider or the funder could tell, that another sum would follow: none of these bounds an amount. The
    attack's table tells the held cell's atoms apart.
    """
    table, programmes = attack.table, attack.programmes
    target = attack.target_of(number)
    grid = table.mask(held)
    mine = {a: 1.0 for a in target.atoms if grid[a]}
    classes = np.zeros(table.sums.shape[1], dtype=bool)
    classes[table.class_of[grid]] = True
    weights = np.where(classes, HALF, 0.0)
    known = attack.known & grid[table.atom_of_row]
    own, all_known = (int(table.truth.cents[known & of].sum()) for of in (attack.who == number, np.ones_like(known)))
    over_half = Limit(dict.fromkeys(mine, HALF - 1.0), weights, own - HALF * all_known)
    clauses = {"too few, too few without a provider, or another sum": (), "one is more than half": (over_half,)}
    return {
        said: (programmes.bound(target, mine, most=False, limits=rows), programmes.bound(target, mine, most=True, limits=rows))
        for said, rows in clauses.items()
    }  # fmt: skip
