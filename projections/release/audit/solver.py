"""One linear programme put to HiGHS, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csc_matrix

from projections.release.audit.amounts import Floats
from projections.release.contributions import Ints

Status = Literal["optimal", "unbounded", "failed"]
_STATUS: Final[dict[int, Status]] = {0: "optimal", 3: "unbounded"}


@dataclass(frozen=True, slots=True)
class Solved:
    """`least`: of the objective; `values`: of the variables where it is optimal. Whatever is neither optimal nor unbounded has failed."""

    status: Status
    least: float
    values: Floats | None


@dataclass(slots=True)
class Triplets:
    """A sparse matrix row by row. Each row says that a figure's deviation grew by its new atoms': atoms - now + before = 0."""

    columns: int
    rows: int = 0
    _row: list[Ints] = field(default_factory=list)
    _column: list[Ints] = field(default_factory=list)
    _value: list[Floats] = field(default_factory=list)

    def row(self, atoms: Ints, now: int, before: int) -> None:
        """Add one. `before` -1: the figure's first publication."""
        ends = np.array([now] if before < 0 else [now, before], dtype=np.int64)
        self.add(np.r_[atoms, ends], np.r_[np.ones(len(atoms)), [-1.0, 1.0][: len(ends)]])

    def add(self, columns: Ints, values: Floats) -> None:
        """Add a row with these entries."""
        self._row.append(np.full(len(columns), self.rows, dtype=np.int64))
        self._column.append(columns)
        self._value.append(values)
        self.rows += 1

    def matrix(self) -> csc_matrix:
        """All rows."""
        if not self.rows:
            return csc_matrix((0, self.columns))
        entries = (np.concatenate(self._value), (np.concatenate(self._row), np.concatenate(self._column)))
        return csc_matrix(entries, shape=(self.rows, self.columns))


def solved(
    cost: Floats, equal_zero: csc_matrix, bounds: Floats, at_most: tuple[csc_matrix, Floats] | None = None
) -> Solved:
    """The least of `cost` where `equal_zero` times the variables is 0 and `at_most` holds."""
    more = {} if at_most is None else {"A_ub": at_most[0], "b_ub": at_most[1]}
    try:
        found = linprog(
            cost, A_eq=equal_zero, b_eq=np.zeros(equal_zero.shape[0]), bounds=bounds, method="highs", **more
        )
    except ValueError:
        return Solved("failed", np.nan, None)
    status = _STATUS.get(int(found.status), "failed")
    if status == "optimal":
        return Solved(status, float(found.fun), np.asarray(found.x))
    return Solved(status, -np.inf if status == "unbounded" else np.nan, None)
