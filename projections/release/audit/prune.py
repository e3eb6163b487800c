"""In what order points are looked for: first those that serve every role, then those for roles that know little of the same.

A point that takes from others only what no role of a group knows serves all of them. Providers are put together so that each group knows little of what lies
in any atom; second households by the finest areas they are the second of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from projections.release.audit.amounts import Floats
from projections.release.audit.counts import Counts
from projections.release.audit.figures import Books
from projections.release.audit.points import Open, Points, Shares, cleared, everything, needs, room
from projections.release.audit.views import View, views
from projections.release.contributions import Flags

_ROUNDS: Final = 2
_WORTH: Final = 4
"""From so many open amounts a programme for all of them is worth its time."""
_KNOWN: Final = 0.3
"""The part of all amounts that a group of providers may know."""
_SECOND_GROUPS: Final = 3


@dataclass(slots=True)
class _Group:
    """Roles (by number) read together: which of their households, and what may be taken from each atom."""

    roles: list[int]
    households: Flags
    room: Floats
    only_overig: bool


def pruned(books: Books, shares: Shares, points: Points, counts: Counts) -> list[Open]:
    """What is left for programmes of their own, per role."""
    roles = list(views(books.amounts))
    left = [everything(v) for v in roles]
    counts.amounts += (amounts := sum(o.count() for o in left))
    left = [cleared(o, None, shares) for o in left]
    after = sum(o.count() for o in left)
    for group in _groups(roles):
        _look(points, group, left, shares)
    counts.as_they_lie += amounts - after
    counts.by_points += after - sum(o.count() for o in left)
    counts.point_programmes += points.programmes
    return left


def _look(points: Points, group: _Group, left: list[Open], shares: Shares) -> None:
    for _ in range(_ROUNDS):
        mine = {i: _of(left[i], group.households) for i in group.roles}
        before = sum(o.count() for o in mine.values())
        if before < _WORTH:
            return
        need, part = (np.maximum.reduce(x) for x in zip(*(needs(o) for o in mine.values()), strict=True))
        point = points.point(need, part, group.room, only_overig=group.only_overig)
        for i, one in mine.items():
            after = cleared(one, point, shares)
            left[i] = Open(
                left[i].view, left[i].more & (after.more | ~one.more), left[i].less & (after.less | ~one.less)
            )
            mine[i] = after
        if before - sum(o.count() for o in mine.values()) < _WORTH:
            return


def _of(one: Open, households: Flags) -> Open:
    return Open(one.view, one.more & households[:, None, None], one.less & households)


def _groups(roles: list[View]) -> Iterator[_Group]:
    everybody = np.ones(roles[0].amounts.households, dtype=bool)
    steady = everybody & ~roles[0].withdrew
    for only_overig in (False, True):
        mine = [i for i, v in enumerate(roles) if v.only_overig == only_overig]
        if mine:
            yield _Group(mine, everybody, room([roles[i] for i in mine]), only_overig)
    for i, view in enumerate(roles):
        if view.only_overig:
            yield _Group([i], steady, view.others_of_all.astype(float), only_overig=True)
    plain = [i for i, v in enumerate(roles) if not v.only_overig and not v.second]
    for some in _together(roles, plain):
        yield _Group(
            some, steady, np.minimum.reduce([roles[i].others_of_all for i in some]).astype(float), only_overig=False
        )
    for i, view in enumerate(roles):
        if view.second:
            yield from _seconds(i, view, steady)


def _together(roles: list[View], plain: list[int]) -> Iterator[list[int]]:
    """The outsider and the providers in groups, the one that knows most first."""
    whole = roles[plain[0]].others_of_all
    most = whole.sum() * _KNOWN
    known: dict[int, Floats] = {i: (whole - roles[i].others_of_all).astype(float) for i in plain}
    groups: list[tuple[list[int], Floats]] = []
    for i in sorted(plain, key=lambda i: (-int(known[i].sum()), i)):
        for members, sum_known in groups:
            if np.maximum(sum_known, known[i]).sum() <= most:
                members.append(i)
                np.maximum(sum_known, known[i], out=sum_known)
                break
        else:
            groups.append(([i], known[i].copy()))
    for members, _ in groups:
        yield members


def _seconds(role: int, view: View, steady: Flags) -> Iterator[_Group]:
    a = view.amounts
    above = np.unique(
        np.concatenate([view.beside_in_streets.ravel(), *(v.ravel() for v in view.beside_above.values())])
    )
    for nth in range(_SECOND_GROUPS):
        areas = np.arange(len(a.areas)) % _SECOND_GROUPS == nth
        elsewhere = np.zeros(a.households, dtype=bool)
        elsewhere[a.household[~areas[a.area]]] = True
        readers = np.isin(a.household, np.r_[above, view.beside[areas].ravel()])
        known = a.atoms(np.where(readers[:, None], view.kept, 0), np.maximum)
        yield _Group([role], steady & ~elsewhere, (view.others_of_all - known).astype(float), only_overig=False)
