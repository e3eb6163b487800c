"""Worlds that a programme found, tried for other roles and other amounts of the same household.

A world is how far all amounts could lie from the truth without any figure telling. Whatever lies between it and the truth could be too, so it is asked how far
one can go towards it before something would be less than what a role knows. Where that is far enough, no programme is needed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from projections.release.audit.amounts import Floats
from projections.release.audit.points import UNIT
from projections.release.audit.programmes import Frame, Programmes, Target
from projections.release.audit.views import View
from projections.release.contributions import Ints

_OFF = 1e-7
"""By so much HiGHS itself lets a row be off, in units of programmes."""

_KEPT = 8
"""Worlds of a household that are tried, the newest."""


@dataclass(frozen=True, slots=True)
class World:
    """How far `atoms` (of all finest areas, groups and epochs, in one row) are off, and `rest`, other wijken as a whole; in units of programmes.

    `gained`: of the household, per (chain, epoch) in `chains` and `columns`.
    """

    atoms: Ints
    moved: Floats
    rest: tuple[tuple[int, Floats], ...]
    chains: Ints
    columns: Ints
    gained: Floats
    only_overig: bool

    @classmethod
    def of(cls, target: Target, frame: Frame, values: Floats) -> World:
        """What a programme over a frame found."""
        size = frame.rows.shape[1]
        gained = values[size:]
        inside = np.flatnonzero(frame.index.ravel() >= 0)
        moved = values[frame.index.ravel()[inside]]
        off = np.abs(moved) > _OFF
        rest = tuple((block, values[frame.rest[i]]) for i, block in enumerate(frame.others))
        return cls(
            inside[off], moved[off], tuple((b, r) for b, r in rest if (r < -_OFF).any()),
            target.chains, target.columns, gained, target.view.only_overig,
        )  # fmt: skip

    def gained_by(self, target: Target) -> Floats:
        """Per pair of a target of the same household."""
        epochs = len(target.view.amounts.epochs)
        mine, wanted = self.chains * epochs + self.columns, target.chains * epochs + target.columns
        at = np.minimum(np.searchsorted(mine, wanted), len(mine) - 1)
        return np.where(mine[at] == wanted, self.gained[at], 0.0)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far towards a world some roles can go, 0 to 1: by what they know, and `limited`, also by the single-cell rule. `gained`: by the amount at its end."""

    plain: Floats
    limited: Floats
    gained: float


@dataclass
class Worlds:
    """All worlds found so far, by household."""

    programmes: Programmes
    _found: dict[int, deque[World]] = field(default_factory=dict)
    _blocks: dict[tuple[str, int], Floats] = field(default_factory=dict)

    def add(self, target: Target, values: Floats, *, moving: int) -> None:
        """Keep what a programme found."""
        world = World.of(target, self.programmes.frame(target, moving=moving), values)
        self._found.setdefault(target.household, deque(maxlen=_KEPT)).append(world)

    def reaches(self, target: Target, views: Sequence[View]) -> list[Reach]:
        """Per world of the household. `views`: roles to which all of it is as unknown as to the target's."""
        found = [
            w for w in self._found.get(target.household, ()) if w.only_overig == target.view.only_overig
        ]  # fmt: skip
        if not found:
            return []
        tightest = self.programmes.at_most(target)
        of_rule = np.zeros((len(tightest), len(target.chains)))
        for row, pairs in zip(of_rule, tightest, strict=True):
            row[list(pairs)] = 1.0
        at_most = np.array(list(tightest.values())) / UNIT, of_rule
        return [self._reach(target, views, world, at_most) for world in found]

    def _reach(self, target: Target, views: Sequence[View], world: World, at_most: tuple[Floats, Floats]) -> Reach:
        gained, cents = world.gained_by(target), target.view.cents[target.chains, target.columns] / UNIT
        rule, of_rule = at_most
        by_rule = float(_far(rule - of_rule @ cents, of_rule @ gained))
        plain = np.minimum(self._running(target, gained), self._beside(target, views, world, gained))
        return Reach(plain, np.minimum(plain, by_rule), float(gained[target.chosen].sum()) * UNIT)

    @staticmethod
    def _running(target: Target, gained: Floats) -> float:
        new = np.r_[True, target.chains[1:] != target.chains[:-1]]
        starts = np.flatnonzero(new)[np.cumsum(new) - 1]

        def running(values: Floats) -> Floats:
            total = np.cumsum(values)
            found: Floats = total - (total - values)[starts]
            return found

        true = running(target.view.cents[target.chains, target.columns] / UNIT)
        return float(_far(np.maximum(true, 0.0), -running(gained)))

    def _beside(self, target: Target, views: Sequence[View], world: World, gained: Floats) -> Floats:
        """Per role, by others' deliveries, of which none may become less than nothing."""
        a = target.view.amounts
        known = np.zeros(a.shape)
        for household in (target.household, *target.beside):
            mine = slice(*a.first_chain[household : household + 2])
            np.add.at(known, (a.area[mine], a.type[mine]), target.view.kept[mine])
        moved = np.zeros(a.shape)
        moved.ravel()[world.atoms] = world.moved
        np.subtract.at(moved, (a.area[target.chains], a.type[target.chains], target.columns), gained)
        on = np.flatnonzero(moved.ravel() < -_OFF)
        step, known_there = -moved.ravel()[on], known.ravel()[on]
        room = np.array([view.others_of_all.ravel()[on] for view in views]).reshape(len(views), -1) - known_there
        far = _far(room / UNIT, step)
        for block, moved_there in world.rest:
            rest = known[self.programmes.books.blocks == block].sum(axis=0)
            room = np.array([(self._of_block(view, block) - rest).ravel() for view in views])
            far = np.minimum(far, _far(room / UNIT, -moved_there.ravel()))
        return far

    def _of_block(self, view: View, block: int) -> Floats:
        key = (view.role, block)
        if key not in self._blocks:
            self._blocks[key] = view.others_of_all[self.programmes.books.blocks == block].sum(axis=0).astype(float)
        return self._blocks[key]


def _far(room: Floats, step: Floats) -> Floats:
    """The part of all steps that can be made, 0 to 1, where each has so much room; per row of `room`."""
    on = step > _OFF
    found: Floats = ((np.maximum(room[..., on], 0.0) + _OFF) / step[on]).min(axis=-1, initial=1.0)
    return found
