"""From what is open to single programmes: which amounts, and beside which second households."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from projections.release.audit.amounts import KINDS
from projections.release.audit.points import Open, promised
from projections.release.audit.programmes import Target
from projections.release.audit.views import ABOVE, View

Amount = tuple[int, int, int]
"""(household, kind, epoch's column, or that after the last for the year)."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """An amount that is not cleared for a role: `above`, it may be bounded from above, `below`, from below."""

    view: View
    amount: Amount
    above: bool
    below: bool

    def is_like(self, other: Suspect) -> bool:
        """Whether to both roles all of the household is unknown, but for others' amounts."""
        mine, theirs = self.view, other.view
        if mine.second or theirs.second or mine.only_overig != theirs.only_overig:
            return False
        chains = slice(*mine.amounts.first_chain[self.amount[0] : self.amount[0] + 2])
        return np.array_equal(mine.cents[chains], theirs.cents[chains]) and np.array_equal(
            mine.kept[chains], theirs.kept[chains]
        )


def suspects_of(was: Open) -> Iterator[Suspect]:
    """Each open amount. Households that withdrew something are open from below in all their amounts."""
    from_below = was.less[:, None, None] & promised(was.view) if was.less.any() else np.zeros_like(was.more)
    for household, kind, epoch in np.argwhere(was.more | from_below).tolist():
        at = (household, kind, epoch)
        yield Suspect(was.view, at, above=bool(was.more[at]), below=bool(from_below[at]))


def targets(view: View, amount: Amount) -> list[Target]:
    """The programmes of one amount: one, or one beside each household that is the second of some cell around it."""
    household, kind, epoch = amount
    a = view.amounts
    mine = np.arange(*a.first_chain[household : household + 2])
    cents, active = view.of_kind(kind, mine)
    whole = view.cents[mine] != 0
    chain, column = np.nonzero(whole)
    chosen = active[chain, column] & ((column == epoch) | (epoch == len(a.epochs)))
    value = int(cents[chain, column][chosen].sum())
    plain = Target(view, household, mine[chain], column.astype(np.int64), chosen, value)
    if not view.second:
        return [plain]
    return [
        Target(view, household, plain.chains, plain.columns, chosen, value, (other,)) for other in _seconds(plain, kind)
    ]  # fmt: skip


def _seconds(target: Target, kind: int) -> list[int]:
    """In each finest area the household with the most of the year, or the second where it is the target; and the second of each street, buurt, wijk and gemeente it leads."""
    a, view = target.view.amounts, target.view
    finest = np.unique(a.area[target.chains[target.chosen]])
    pairs = [view.beside[area, kind] for area in finest.tolist()]
    found = [int(p[1] if p[0] == target.household else p[0]) for p in pairs]
    for unit in ABOVE:
        of = np.unique(a.areas // unit, return_inverse=True)[1]
        leading = view.beside_above[unit, kind][np.unique(of[finest])]
        found += leading[leading[:, 0] == target.household, 1].tolist()
    leading = view.beside_in_streets[[bool(np.isin(finest, street).any()) for street in a.streets], kind]
    found += leading[leading[:, 0] == target.household, 1].tolist()
    return sorted({h for h in found if h >= 0})


def words(view: View, amount: Amount) -> str:
    """An amount for tests and the zone's own log: no household."""
    _, kind, epoch = amount
    when = "year" if epoch == len(view.amounts.epochs) else f"epoch {view.amounts.epochs[epoch]}"
    return f"{KINDS[kind]}, {when}"


def lies_in(suspect: Suspect, places: Collection[tuple[tuple[int, ...], tuple[int, ...]]]) -> bool:
    """Whether an amount lies in one of these places."""
    return bool(places) and any(place_of(t) in places for t in targets(suspect.view, suspect.amount)[:1])


def place_of(target: Target) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the amount lies: indices of the finest areas and finest groups of what it sums. What is held for it goes by nothing else."""
    a = target.view.amounts
    chains = target.chains[target.chosen]
    return tuple(np.unique(a.area[chains]).tolist()), tuple(np.unique(a.type[chains]).tolist())
