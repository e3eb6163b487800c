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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is the same for every world of one target.

    `atoms`: of its pairs; `known`: per atom, of the households it knows; `first`: where each pair's chain begins; `running`: its true running sums;
    `rows`: of the roles; `rule`, `pairs`, `starts`: what the single-cell rule leaves of sums of pairs.
    """

    target: Target
    atoms: Ints
    known: Floats
    first: Ints
    running: Floats
    rows: Ints
    rule: Floats
    pairs: Ints
    starts: Ints


@dataclass
class Worlds:
    """All worlds found so far, by household."""

    programmes: Programmes
    _found: dict[int, deque[World]] = field(default_factory=dict)
    _roles: dict[str, int] = field(default_factory=dict)
    _others: list[Ints] = field(default_factory=list)
    _stack: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    _blocks: dict[int, Floats] = field(default_factory=dict)

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
        asked = self._asked(target, views)
        return [self._reach(asked, world) for world in found]

    def _asked(self, target: Target, views: Sequence[View]) -> _Asked:
        a = target.view.amounts
        known = np.zeros(a.shape)
        for household in (target.household, *target.beside):
            mine = slice(*a.first_chain[household : household + 2])
            np.add.at(known, (a.area[mine], a.type[mine]), target.view.kept[mine])
        atoms = np.ravel_multi_index((a.area[target.chains], a.type[target.chains], target.columns), a.shape)
        new = np.ones(len(target.chains), dtype=bool)
        new[1:] = target.chains[1:] != target.chains[:-1]
        first = np.flatnonzero(new)[np.cumsum(new) - 1]
        true = target.view.cents[target.chains, target.columns] / UNIT
        tightest = {p: v for p, v in self.programmes.at_most(target).items() if p}
        pairs = np.array([i for p in tightest for i in p], dtype=np.int64)
        starts = np.cumsum([0, *(len(p) for p in tightest)])[:-1]
        rule = np.array(list(tightest.values())) / UNIT - _sums(true, pairs, starts)
        running = np.maximum(_running(true, first), 0.0)
        return _Asked(
            target, atoms.astype(np.int64), known.ravel(), first, running, self._rows(views), rule, pairs, starts
        )

    def _reach(self, asked: _Asked, world: World) -> Reach:
        gained = world.gained_by(asked.target)
        by_rule = float(_far(asked.rule, _sums(gained, asked.pairs, asked.starts)))
        plain = np.minimum(
            float(_far(asked.running, -_running(gained, asked.first))), self._beside(asked, world, gained)
        )
        return Reach(plain, np.minimum(plain, by_rule), float(gained[asked.target.chosen].sum()) * UNIT)

    def _beside(self, asked: _Asked, world: World, gained: Floats) -> Floats:
        """Per role, by others' deliveries, of which none may become less than nothing."""
        moved = np.zeros(len(asked.known))
        moved[world.atoms] = world.moved
        np.subtract.at(moved, asked.atoms, gained)
        off = np.concatenate([world.atoms, asked.atoms])
        on = off[moved[off] < -_OFF]
        far = _far((self._stack[np.ix_(asked.rows, on)] - asked.known[on]) / UNIT, -moved[on])
        for block, moved_there in world.rest:
            rest = asked.known.reshape(self.programmes.books.amounts.shape)[self.programmes.books.blocks == block].sum(
                axis=0
            )
            room = self._of_block(block)[asked.rows] - rest.ravel()
            far = np.minimum(far, _far(room / UNIT, -moved_there.ravel()))
        return far

    def _rows(self, views: Sequence[View]) -> Ints:
        """Of each role its row in `_stack`, others' deliveries per atom."""
        new = [v for v in views if v.role not in self._roles]
        if new:
            self._roles |= {v.role: len(self._roles) + n for n, v in enumerate(new)}
            self._others += [v.others_of_all.ravel() for v in new]
            self._stack, self._blocks = np.array(self._others), {}
        return np.array([self._roles[v.role] for v in views], dtype=np.int64)

    def _of_block(self, block: int) -> Floats:
        """Per role others' deliveries in a whole block."""
        if block not in self._blocks:
            books = self.programmes.books
            per_atom = self._stack.reshape(-1, *books.amounts.shape)[:, books.blocks == block]
            self._blocks[block] = per_atom.sum(axis=1).astype(float).reshape(len(self._stack), -1)
        return self._blocks[block]


def _running(values: Floats, first: Ints) -> Floats:
    """Running sums within each chain."""
    total = np.cumsum(values)
    found: Floats = total - (total - values)[first]
    return found


def _sums(values: Floats, pairs: Ints, starts: Ints) -> Floats:
    """Of each set of pairs."""
    found: Floats = np.add.reduceat(values[pairs], starts) if len(starts) else np.zeros(0)
    return found


def _far(room: Floats, step: Floats) -> Floats:
    """The part of all steps that can be made, 0 to 1, where each has so much room; per row of `room`."""
    on = step > _OFF
    found: Floats = ((np.maximum(room[..., on], 0.0) + _OFF) / step[on]).min(axis=-1, initial=1.0)
    return found
