"""One linear programme put to HiGHS, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import highspy
import numpy as np
from highspy import _Highs  # type: ignore[attr-defined]  # of which `Highs` is made; that one prints a banner
from scipy.sparse import csc_matrix, hstack, vstack

from projections.release.audit.amounts import Floats
from projections.release.contributions import Ints

Status = Literal["optimal", "unbounded", "failed"]
_STATUS: Final[dict[Any, Status]] = {
    highspy.HighsModelStatus.kOptimal: "optimal", highspy.HighsModelStatus.kUnbounded: "unbounded",
}  # fmt: skip


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
        count, ends = len(atoms), 1 if before < 0 else 2
        columns, values = np.empty(count + ends, dtype=np.int64), np.ones(count + ends)
        columns[:count], columns[count:], values[count] = atoms, (now, before)[:ends], -1.0
        self.add(columns, values)

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
    """The least of `cost` where `equal_zero` times the variables is 0 and `at_most` holds.

    Where all variables may be 0, HiGHS begins there: each is put to it as a part above and a part below 0.
    """
    rows, most = equal_zero, np.zeros(equal_zero.shape[0])
    least = most
    if at_most is not None:
        rows = vstack([equal_zero, at_most[0]], format="csc")
        least, most = np.r_[least, np.full(len(at_most[1]), -np.inf)], np.r_[most, at_most[1]]
    low, high = bounds.T
    below = np.flatnonzero(low < 0)
    status, found, values = _highs(
        np.r_[cost, -cost[below]], hstack([rows, -rows[:, below]], format="csc"),
        (np.r_[np.maximum(low, 0), np.maximum(-high[below], 0)], np.r_[np.where(low < 0, np.maximum(high, 0), high), -low[below]]), (least, most),
    )  # fmt: skip
    if status != "optimal":
        return Solved(status, -np.inf if status == "unbounded" else np.nan, None)
    out = values[: len(cost)].copy()
    out[below] -= values[len(cost) :]
    return Solved(status, found, out)


def _highs(
    cost: Floats, rows: csc_matrix, columns: tuple[Floats, Floats], limits: tuple[Floats, Floats]
) -> tuple[Status, float, Floats]:
    """Status, least cost, values. Presolve finds little in programmes that begin at a possible point, and takes longer than they do."""
    highs, (count_rows, count) = _Highs(), rows.shape
    for option, value in (("output_flag", False), ("presolve", "off"), ("threads", 1)):
        highs.setOptionValue(option, value)
    whole = np.zeros(count, dtype=np.int32)  # no variable is an integer
    told = highs.passModel(
        count, count_rows, rows.nnz, int(highspy.MatrixFormat.kColwise), int(highspy.ObjSense.kMinimize), 0.0, cost, *columns, *limits,
        rows.indptr, rows.indices, rows.data, whole,
    )  # fmt: skip
    if told == highspy.HighsStatus.kError:
        return "failed", np.nan, np.zeros(0)
    highs.run()
    status = _STATUS.get(highs.getModelStatus(), "failed")
    return status, float(highs.getInfo().objective_function_value), np.array(highs.getSolution().col_value)
