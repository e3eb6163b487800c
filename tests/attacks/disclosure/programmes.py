"""The linear programmes: how little and how much some amounts of one target can be, by every figure and what the attacker knows.

Variables: the target's contributions per active atom, free in sign with running sums from nothing up; one remainder from nothing up per class of
atoms, of others' deliveries that were never withdrawn. What was withdrawn of others, and what the attacker's role tells, is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from attackers_truth import KINDS, Flags, Ints
from figures_table import Floats, Table
from scipy import sparse
from scipy.optimize import linprog

UNBOUNDED = float("inf")


@dataclass(frozen=True, slots=True)
class Limit:
    """One more row: `target` per atom and `rest` per class, times the amounts, is at most `most` cents."""

    target: dict[int, float]
    rest: Floats
    most: float


@dataclass(frozen=True, slots=True)
class Target:
    """A household or contributor as one attacker has to find it: net cents per atom, and what it never withdrew per class."""

    name: str
    atoms: tuple[int, ...]
    cents: tuple[int, ...]
    standing: Ints


@dataclass
class Programmes:
    """All programmes of one attacker. `open_rows`: what it does not know of what was never withdrawn; `solved` counts programmes."""

    table: Table
    known: Flags
    solved: int = 0
    broken_solver: list[str] = field(default_factory=list)
    _remembered: dict[object, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        truth = self.table.truth
        self.pool = self.table.by_class(~self.known & ~truth.churn)
        self._all = self.table.by_class(np.ones(len(truth.cents), dtype=bool))

    def target(self, name: str, rows: Flags) -> Target:
        """Some rows of the truth as a target; of them only what the attacker does not know."""
        rows = rows & ~self.known
        atoms, inverse = np.unique(self.table.atom_of_row[rows], return_inverse=True)
        cents = np.zeros(len(atoms), dtype=np.int64)
        np.add.at(cents, inverse, self.table.truth.cents[rows])
        keep = cents != 0
        standing = self.table.by_class(rows & ~self.table.truth.churn)
        return Target(name, tuple(atoms[keep].tolist()), tuple(cents[keep].tolist()), standing)

    def bound(
        self, target: Target, wanted: Iterable[int], *, most: bool, limits: Sequence[Limit] = (), caps: Floats | None = None
    ) -> float:  # fmt: skip
        """The most (or least) the wanted atoms of a target can sum to, in cents; infinite where nothing bounds it.

        `caps`: the most of each class's remainder.
        """
        chosen = frozenset(wanted)
        if limits or caps is not None:
            return self._solve(target, chosen, most=most, limits=limits, caps=caps)
        key = (target.atoms, chosen, most, None if all(c > 0 for c in target.cents) else target.name)
        if key not in self._remembered:
            self._remembered[key] = self._solve(target, chosen, most=most, limits=(), caps=None)
        return self._remembered[key]

    def _solve(
        self, target: Target, chosen: frozenset[int], *, most: bool, limits: Sequence[Limit], caps: Floats | None
    ) -> float:  # fmt: skip
        table, atoms = self.table, np.array(target.atoms, dtype=np.int64)
        classes = table.class_of[atoms]
        mine, rest = np.array(target.cents, dtype=np.int64), self.pool - target.standing
        own = table.sums[:, classes]
        known = table.sums @ (self._all - rest) - own @ mine
        assert rest.min(initial=0) >= 0, "a remainder of what was never withdrawn is negative"
        n_rest, n_mine, n_rows = len(rest), len(mine), len(table.figures)
        equations = [sparse.hstack([sparse.csr_matrix(table.sums), sparse.csr_matrix(own), -sparse.identity(n_rows)])]
        right = [(table.published - known) / 100]
        upper, tops = self._running(target.atoms, n_rest, n_rows), [np.zeros(len(target.atoms))]
        for limit in limits:
            line = np.zeros((1, n_rest + n_mine + n_rows))
            line[0, :n_rest] = limit.rest
            for atom, factor in limit.target.items():
                line[0, n_rest + target.atoms.index(atom)] += factor
            upper.append(sparse.csr_matrix(line))
            tops.append(np.array([limit.most / 100]))
            truly = limit.rest @ rest + line[0, n_rest : n_rest + n_mine] @ mine
            assert truly <= limit.most + 1, "the truth does not satisfy a row of the rules"
        cost = np.zeros(n_rest + n_mine + n_rows)
        cost[n_rest : n_rest + n_mine] = [(-1.0 if most else 1.0) if a in chosen else 0.0 for a in target.atoms]
        slack, highest = table.slack / 100, np.full(n_rest, np.inf) if caps is None else caps / 100
        assert (rest / 100 <= highest + 0.005).all(), "the truth is above a cap"
        bounds = np.vstack([
            np.column_stack([np.zeros(n_rest), highest]), np.tile([-np.inf, np.inf], (n_mine, 1)), np.tile([-slack, slack], (n_rows, 1)),
        ])  # fmt: skip
        self.solved += 1
        system = {
            "A_ub": sparse.vstack(upper).tocsr(), "b_ub": np.concatenate(tops), "A_eq": sparse.vstack(equations).tocsr(),
            "b_eq": np.concatenate(right), "bounds": bounds, "method": "highs",
        }  # fmt: skip
        found = linprog(cost, **system)
        if found.status == 4:  # "unbounded or infeasible": which of both is told without presolve
            found = linprog(cost, **system, options={"presolve": False})
        if found.status == 3:
            return UNBOUNDED if most else -UNBOUNDED
        if found.status != 0:
            self.broken_solver.append(f"{target.name}: {found.message}")
            return 0.0
        return float(-found.fun if most else found.fun) * 100

    def _running(self, atoms: tuple[int, ...], before: int, after: int) -> list[sparse.spmatrix]:
        """Rows that keep the target's running sum per area and kind from going below nothing."""
        series = np.array(atoms) // self.table.epochs
        below = (series[:, None] == series[None, :]) & (np.array(atoms)[None, :] <= np.array(atoms)[:, None])
        return [sparse.hstack([
            sparse.csr_matrix((len(atoms), before)), sparse.csr_matrix(-below.astype(float)), sparse.csr_matrix((len(atoms), after)),
        ])]  # fmt: skip


def atoms_of(table: Table, rows: Flags) -> set[int]:
    """The atoms of some rows of the truth."""
    return set(table.atom_of_row[rows].tolist())


def kind_of_atom(table: Table, atom: int) -> tuple[int, str]:
    """Finest area and name of the kind of an atom, to say where a break is."""
    series = atom // table.epochs
    return table.truth.areas[series // len(KINDS)], KINDS[series % len(KINDS)][0]
