"""The audit on small worlds: its set-up, and the same programmes written down plainly, over the whole town and without any pruning."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from release_builders import rows
from scipy.optimize import linprog

from projections.release.audit.amounts import IS_OVERIG_TYPE, TYPES
from projections.release.audit.audit import Audit
from projections.release.audit.figures import types_of
from projections.release.audit.points import everything
from projections.release.audit.targets import suspects_of, targets
from projections.release.audit.views import DOWN, UP, views
from projections.release.cells import CellId, Street
from projections.release.contributions import Contributions
from projections.release.rounding import rounded_euros
from projections.release.rules import Parameters
from projections.release.sums import Tree, all_areas

P = Parameters()
OFF = 1e-6


def an_audit(
    world: list[tuple], areas: dict, *, epoch: int = 0, published: dict | None = None, mandated: Iterable[int] = (),
    streets: tuple[Street, ...] = (),
) -> Audit:  # fmt: skip
    """The audit of 2025 at an epoch."""
    listed = {m.to_bytes(16, "big") for m in mandated}
    year = Contributions(rows(world), epoch=epoch, mandated=listed).year(2025)
    tree = Tree.of(all_areas(areas, np.unique(year.area).tolist()), 2025, streets)
    return Audit(tree, year, published or {}, epoch, P)


def nothing_pruned(books, shares, points, counts):
    """Every amount of every role gets programmes of its own."""
    return [everything(v) for v in views(books.amounts)]


def told(breaks) -> set[tuple]:
    """(role, household, kind, epoch) of each."""
    return {(b.role, *b.amount) for b in breaks}


def broken_plainly(audit: Audit, released: Iterable[CellId]) -> set[tuple]:
    """One programme after the other: the target's contributions, one remainder for each finest area, group and epoch, two rows per figure."""
    found = set()
    published = {c: [e for e in epochs if e < audit.epoch] for c, epochs in audit.published.items()}
    for cell in released:
        published.setdefault(cell, []).append(audit.epoch)
    for view in (v for watched in audit._watched for v in views(watched.books.amounts)):
        for one in suspects_of(everything(view)):
            for target in targets(view, one.amount):
                above = _bound(audit, published, target, sign=-1)
                below = _bound(audit, published, target, sign=1) if one.below else 0.0
                if above < target.cents * UP[one.amount[1]] * (1 - OFF) or below > target.cents * DOWN[
                    one.amount[1]
                ] * (1 + OFF):
                    found.add((view.role, *one.amount))
    return found


def _bound(audit: Audit, published: dict, target, *, sign: int) -> float:
    a, view = target.view.amounts, target.view
    shape, pairs = a.shape, len(target.chains)
    others = view.others_of_all.astype(float)
    for household in (target.household, *target.beside):
        for chain in np.flatnonzero(a.household == household):
            others[a.area[chain], a.type[chain]] -= view.kept[chain]
    atoms = list(np.ndindex(*shape))
    place = {atom: i for i, atom in enumerate(atoms)}
    spots = [(int(a.area[c]), int(a.type[c]), int(e)) for c, e in zip(target.chains, target.columns, strict=True)]
    truth = np.r_[[others[x] for x in atoms], view.cents[target.chains, target.columns]]
    at_most, limit = [], []
    for cell, epochs in sorted(published.items()):
        inside = audit.tree.covers(cell, a.areas)
        for epoch in epochs:
            row = np.zeros(len(atoms) + pairs)
            for atom in atoms:
                row[place[atom]] = inside[atom[0]] and atom[1] in types_of(cell.group) and a.epochs[atom[2]] <= epoch
            row[len(atoms) :] = [row[place[s]] for s in spots]
            true = sum(int(a.totals[x]) for x in atoms if row[place[x]])
            known = true - row @ truth
            printed = rounded_euros(true, P) * 100
            half = P.euros_base * 50
            assert abs(row @ truth + known - printed) <= half, "the truth satisfies every row"
            at_most += [row, -row]
            limit += [printed + half - known, known - printed + half]
    for chain in np.unique(target.chains):
        mine = np.flatnonzero(target.chains == chain)
        running = np.cumsum(view.cents[chain, target.columns[mine]])
        for n in range(len(mine)):
            row = np.zeros(len(atoms) + pairs)
            row[len(atoms) + mine[: n + 1]] = -1
            at_most.append(row)
            limit.append(max(0, -running[n]))
    cost = np.r_[np.zeros(len(atoms)), sign * target.chosen.astype(float)]
    fixed = [view.only_overig and not IS_OVERIG_TYPE[t] for _, t, _ in atoms]
    bounds = [(0, 0) if f else (0, None) for f in fixed] + [(None, None)] * pairs
    found = linprog(
        cost,
        A_ub=np.array(at_most) if at_most else None,
        b_ub=np.array(limit) / 1e5 if limit else None,
        bounds=bounds,
        method="highs",
    )
    if found.status == 3:
        return float("inf")
    assert found.status == 0, found.message
    return sign * found.fun * 1e5


assert len(TYPES) == 12
