"""How long the audit of one epoch takes: by wijken and by epochs, how much pruning saves, and how much memory it needs."""

from __future__ import annotations

import os
import resource
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csc_matrix

from deploy.bench_audit_town import BenchTown, bench_town
from projections.release.audit.audit import Audit
from projections.release.audit.crew import Crew, cores
from projections.release.audit.holds import Holds
from projections.release.audit.judge import Judge
from projections.release.audit.points import everything
from projections.release.audit.programmes import Programmes
from projections.release.audit.solver import Solved
from projections.release.audit.targets import suspects_of
from projections.release.audit.views import views
from projections.release.cells import CellId
from projections.release.complementary import Complementary
from projections.release.contributions import Contributions
from projections.release.gate import primary
from projections.release.pools import Pools
from projections.release.rules import Parameters
from projections.release.sums import Tree, all_areas

_YEAR: Final = 2025
_SAMPLE: Final = 40
"""Of the amounts of which plain programmes are timed."""
P: Final = Parameters()
Figures = dict[str, Any]


def audit(inhabitants: int, tell: Callable[[str], None]) -> Figures:
    """Epochs 3, 6 and 12 of a municipality, and epoch 6 of one a quarter as large; processor seconds of this process beside the clock's."""
    whole = bench_town(inhabitants, months=12)
    small = bench_town(inhabitants // 4, months=12)
    return {
        "a_quarter_of_the_inhabitants": _epochs(small, 6, {6}, tell),
        "all_inhabitants": _epochs(whole, 12, {3, 6, 12}, tell),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _epochs(town: BenchTown, months: int, measured: set[int], tell: Callable[[str], None]) -> Figures:
    published: dict[CellId, list[int]] = defaultdict(list)
    found: Figures = {"wijken": town.wijken, "clusters": len(town.areas["cluster"])}
    for epoch in range(months):
        began = time.process_time()
        amounts = Contributions(town.rows, epoch=epoch, mandated=set())
        first = primary(amounts, epoch + 1, (_YEAR,), published=published, areas=town.areas, parameters=P)
        year = amounts.year(_YEAR)
        tree = Tree.of(all_areas(town.areas, np.unique(year.area).tolist()), _YEAR)
        step = Complementary(Pools(tree, year, P), {d.cell for d in first if d.released}, published, lambda _: 1)
        step.run()
        if epoch + 1 in measured:
            tell(f"epoch {epoch + 1} of {town.wijken} wijken")
            before = {"processor_seconds_before_the_audit": round(time.process_time() - began, 1)}
            again = Complementary(Pools(tree, year, P), set(step.released), published, lambda _: 1)
            alone = _measured(Audit(tree, year, published, epoch, P), step)
            crew = Weighed(cores())
            helped = _helped(
                Holds(again, Audit(tree, year, published, epoch, P, crew=crew)), crew, as_alone=step.released
            )
            found[f"epoch_{epoch + 1}"] = before | alone | helped
        for cell in step.released:
            published[cell].append(epoch)
    return found


def _measured(one: Audit, step: Complementary) -> Figures:
    before = set(step.released)
    clock, processor = time.perf_counter(), time.process_time()
    holds = Holds(step, one)
    holds.run()
    seconds, used, counts = time.perf_counter() - clock, time.process_time() - processor, one.counts
    plain = _plain(one, before)
    return {
        "seconds": round(seconds, 1), "processor_seconds": round(used, 1), "amounts": counts.amounts, "cleared_as_they_lie": counts.as_they_lie,
        "cleared_by_shared_points": counts.by_points, "percent_cleared": round(100 * (counts.as_they_lie + counts.by_points) / counts.amounts, 2),
        "programmes_for_points": counts.point_programmes, "programmes_of_their_own": counts.programmes,
        "narrowed_by_the_rule_only": counts.excepted, "cells_held": len(holds.reasons), "plain_programme_ms": round(plain * 1000),
        "of_plain_programmes": round(used / (plain * counts.amounts), 6),
    }  # fmt: skip


class Weighed(Crew):
    """A crew that tells how much memory the largest of its workers had, and how long the busiest one worked."""

    peak_mb = 0
    busiest_seconds = 0.0

    def end(self) -> None:
        """Look before they are gone."""
        for worker in self._workers:
            of = Path(f"/proc/{worker.process.pid}")
            with suppress(OSError, IndexError):
                status, stat = ((of / name).read_text("utf-8") for name in ("status", "stat"))
                self.peak_mb = max(self.peak_mb, int(status.split("VmHWM:")[1].split()[0]) // 1024)
                ticks = sum(int(t) for t in stat.rsplit(") ", 1)[1].split()[11:13])
                self.busiest_seconds = max(self.busiest_seconds, ticks / os.sysconf("SC_CLK_TCK"))
        super().end()


def _helped(holds: Holds, crew: Weighed, *, as_alone: set[CellId]) -> Figures:
    """The same audit with worker processes. Nothing where there is one core, or where it is too small for them."""
    clock, processor, own = time.perf_counter(), _of_all(), time.process_time()
    with crew:
        holds.run()
    if not crew.peak_mb:
        return {}
    return {
        "workers": crew.size, "seconds_with_workers": round(time.perf_counter() - clock, 1),
        "processor_seconds_with_workers": round(_of_all() - processor, 1), "of_them_in_this_process": round(time.process_time() - own, 1), "of_them_in_the_busiest_worker": round(crew.busiest_seconds, 1),
        "peak_memory_of_a_worker_mb": crew.peak_mb, "released_the_same": holds.complementary.released == as_alone,
    }  # fmt: skip


def _of_all() -> float:
    """Processor seconds of this process and of those that it ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _plain(one: Audit, released: set[CellId]) -> float:
    """Processor seconds of the whole programme of one amount by plain `linprog`, over some amounts of the outsider."""
    programmes: Programmes = one.programmes(released)
    programmes.solve = _linprog
    judge = Judge(programmes, one.before, narrow_first=False)
    suspects = list(suspects_of(everything(next(views(one.amounts)))))
    chosen = suspects[:: max(1, len(suspects) // _SAMPLE)]
    began = time.process_time()
    for suspect in chosen:
        judge.all([suspect])
    return (time.process_time() - began) / max(1, len(chosen))


def _linprog(cost: Any, equal_zero: csc_matrix, bounds: Any, at_most: tuple[csc_matrix, Any] | None = None) -> Solved:
    """What the audit would do without anything of its own."""
    more = {} if at_most is None else {"A_ub": at_most[0], "b_ub": at_most[1]}
    found = linprog(cost, A_eq=equal_zero, b_eq=np.zeros(equal_zero.shape[0]), bounds=bounds, method="highs", **more)
    if found.status == 3:
        return Solved("unbounded", -np.inf, None)
    return Solved("optimal", float(found.fun), found.x) if found.status == 0 else Solved("failed", np.nan, None)
