"""Decides the amounts that no shared point cleared, each by programmes of its own.

First beside wijken that stay as they are, for all roles at once that know nothing of the household: that clears most. What is left is decided by the
whole programme, for each role. Each world a programme finds is tried for the household's other amounts and for the other roles (`worlds`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np

from projections.release.audit.amounts import Floats
from projections.release.audit.programmes import EVERY, Programmes, Target
from projections.release.audit.solver import Solved
from projections.release.audit.targets import Amount, Suspect, targets
from projections.release.audit.views import DOWN, ROUNDED, UP, View
from projections.release.audit.worlds import Worlds

_FEW: Final = (0, 3)
"""How many other wijken move in the programmes that are tried before the whole one."""
Told = Literal["clear", "excepted", "before", "break", "left"]


@dataclass(frozen=True, slots=True)
class Break:
    """An amount that could be bounded closer than is promised. `role`: who could."""

    role: str
    target: Target
    amount: Amount

    def order(self) -> tuple[bool, Amount, str, tuple[int, ...]]:
        """Households before areas; by household, kind and epoch, then by role."""
        areas = self.target.view.amounts.of_areas
        return bool(areas), self.amount, self.role, tuple(self.target.areas.tolist()) if areas else ()


@dataclass
class Judge:
    """Over one set of figures. `before`: programmes over what was released in earlier epochs only."""

    programmes: Programmes
    before: Callable[[], Programmes]
    narrow_first: bool = True
    _earlier: Programmes | None = None

    @cached_property
    def _worlds(self) -> Worlds:
        return Worlds(self.programmes)

    @property
    def run_before(self) -> int:
        """Programmes run over earlier epochs only."""
        return self._earlier.run if self._earlier else 0

    def all(self, suspects: Sequence[Suspect], *, one_is_enough: bool = False) -> list[tuple[Told, Break | None]]:
        """What becomes of one amount for each of these roles. `one_is_enough`: where it breaks for one, roles like it are `left`."""
        told: dict[int, Told] = {}
        first = next((s for s in suspects if not s.view.second and not s.view.only_overig), suspects[0])
        together = [i for i, s in enumerate(suspects) if s.is_like(first)]
        groups = [g for g in (together, *([i] for i in range(len(suspects)) if i not in together)) if g]
        if self.narrow_first and first.above and len(suspects) > 1:
            self._look(suspects, [g for g in groups if suspects[g[0]].view.only_overig == first.view.only_overig])
        for alike in groups:
            told |= self._alike(suspects, alike, one_is_enough=one_is_enough)
        found: list[tuple[Told, Break | None]] = []
        for i, one in enumerate(suspects):
            target = targets(one.view, one.amount)[0] if told[i] == "break" else None
            found.append((told[i], Break(one.view.role, target, one.amount) if target is not None else None))
        return found

    def _look(self, suspects: Sequence[Suspect], groups: Sequence[Sequence[int]]) -> None:
        """For worlds that clear the amount for all of these roles. Decides nothing."""
        for moving in (*_FEW, EVERY):
            told = {i for g in groups for i in self._by_worlds(suspects, g)}
            left = [mine for g in groups if (mine := [i for i in g if i not in told])]
            if sum(map(len, left)) < 2:
                return
            views, amount = tuple(suspects[i].view for i in left[0]), suspects[0].amount
            spared = tuple(t for g in left[1:] for t in targets(suspects[g[0]].view, amount))
            target = replace(targets(views[0], amount)[0], together=views[1:], spared=spared)
            found = self._wide(self.programmes, target, amount, most=True, limited=True, moving=moving)
            if found is None:
                return
            if found.status == "optimal" and found.least >= self._rule(target) * (1 - ROUNDED):
                self._wide(self.programmes, target, amount, most=True, limited=False, moving=moving)
                return

    def _alike(self, suspects: Sequence[Suspect], which: Sequence[int], *, one_is_enough: bool) -> dict[int, Told]:
        """Of roles to which the household is equally unknown: all at once, then the first, which knows least, then by halves of the rest."""
        told = self._by_worlds(suspects, which)
        groups, first, hopeless = [list(which)], True, not self.narrow_first
        while groups:
            group = [i for i in groups.pop() if i not in told]
            if len(group) > 1:
                answer = "break" if hopeless else self._at_once([suspects[i] for i in group])
                if answer != "break":
                    told |= dict.fromkeys(group, answer)
                    continue
                half = 1 if first or hopeless else len(group) // 2
                groups += [group[half:], group[:half]]
                first = False
            elif group:
                told[group[0]] = answer = self._of_role(suspects[group[0]], ())
                if answer == "break" and one_is_enough:
                    return {i: told.get(i, "left") for i in which}
                hopeless |= answer in ("break", "before") and group[0] == which[0]
                told |= self._by_worlds(suspects, [i for i in which if i not in told])
        return told

    def _at_once(self, alike: Sequence[Suspect]) -> Told:
        """For several roles, where `break` says nothing."""
        above, below = (any(getattr(s, side) for s in alike) for side in ("above", "below"))
        return self._of_role(replace(alike[0], above=above, below=below), tuple(s.view for s in alike[1:]))

    def _by_worlds(self, suspects: Sequence[Suspect], which: Sequence[int]) -> dict[int, Told]:
        """Those that worlds found before clear. Of roles that are alike."""
        if not which or not self.narrow_first:
            return {}
        views, amount = [suspects[i].view for i in which], suspects[which[0]].amount
        above, below = (np.array([getattr(suspects[i], side) for i in which]) for side in ("above", "below"))
        clear, excepted = np.ones(len(which), dtype=bool), above.copy()
        for target in targets(views[0], amount):
            reaches = self._worlds.reaches(target, views)
            limited = _over([r.limited * r.gained for r in reaches], len(which)) + target.cents
            plain = _over([r.plain * r.gained for r in reaches], len(which)) + target.cents
            up, down = target.cents * UP[amount[1]] * (1 - ROUNDED), target.cents * DOWN[amount[1]] * (1 + ROUNDED)
            low_enough = ~below | (limited <= down).any(axis=0)
            clear &= low_enough & (~above | (limited >= up).any(axis=0))
            excepted &= low_enough & (plain >= up).any(axis=0)
            if excepted.any() and not clear.all():
                excepted &= (limited >= self._rule(target) * (1 - ROUNDED)).any(axis=0)
        told: tuple[Told, Told] = ("clear", "excepted")
        return {i: told[0] if clear[n] else told[1] for n, i in enumerate(which) if clear[n] or excepted[n]}

    def _of_role(self, one: Suspect, together: tuple[View, ...]) -> Told:
        """For one role; `together`: for several at once, where `break` says nothing."""
        worst: Told = "clear"
        for plain in targets(one.view, one.amount):
            target = replace(plain, together=together)
            for most in [m for m, wanted in ((True, one.above), (False, one.below)) if wanted]:
                answer: Told | None = None
                for moving in (*_FEW, *((EVERY,) if together else ())) if self.narrow_first else ():
                    answer = answer or self._vague(target, one.amount, most=most, moving=moving)
                answer = answer or ("break" if together else self._whole(target, one.amount, most=most))
                if answer == "break":
                    return answer
                worst = answer if answer != "clear" else worst
        return worst

    def _vague(self, target: Target, amount: Amount, *, most: bool, moving: int) -> Told | None:
        """None where the programme does not show that the amount is as vague as promised, or narrowed by the rule only."""
        limited = self._wide(self.programmes, target, amount, most=most, limited=True, moving=moving)
        if limited is None:
            return "clear"
        if not most or limited.status != "optimal" or limited.least < self._rule(target) * (1 - ROUNDED):
            return None
        plain = self._wide(self.programmes, target, amount, most=most, limited=False, moving=moving)
        return "excepted" if plain is None else None

    def _whole(self, target: Target, amount: Amount, *, most: bool) -> Told:
        limited = self._wide(self.programmes, target, amount, most=most, limited=True)
        if limited is None:
            return "clear"
        plain = self._wide(self.programmes, target, amount, most=most, limited=False)
        if (
            plain is None
            and most
            and limited.status == "optimal"
            and limited.least >= self._rule(target) * (1 - ROUNDED)
        ):
            return "excepted"
        closest = plain or limited
        return "before" if self._no_closer(target, amount, closest, most=most, limited=plain is None) else "break"

    def _rule(self, target: Target) -> float:
        """The most of an amount by the single-cell rule alone."""
        return self.programmes.excepted(target)

    def _wide(
        self, programmes: Programmes, target: Target, amount: Amount, *, most: bool, limited: bool, moving: int = EVERY
    ) -> Solved | None:
        """None where the amount stays as vague as promised, else the bound."""
        found = programmes.bound(target, most=most, limited=limited, moving=moving)
        if self.narrow_first and found.values is not None and programmes is self.programmes:
            self._worlds.add(target, found.values, moving=moving)
        if found.status == "unbounded":
            return None
        if found.status != "optimal":
            return found
        if most:
            return None if found.least >= target.cents * UP[amount[1]] * (1 - ROUNDED) else found
        return None if found.least <= target.cents * DOWN[amount[1]] * (1 + ROUNDED) else found

    def _no_closer(self, target: Target, amount: Amount, now: Solved, *, most: bool, limited: bool) -> bool:
        """Whether earlier epochs alone bound the amount as closely: nothing that is held now would help."""
        if now.status != "optimal":
            return False
        if self._earlier is None:
            self._earlier = self.before()
        was = self._wide(self._earlier, target, amount, most=most, limited=limited)
        if was is None or was.status != "optimal":
            return False
        off = target.cents * ROUNDED
        return bool(was.least <= now.least + off if most else was.least >= now.least - off)


def _over(gains: list[Floats], roles: int) -> Floats:
    """(world, role), with the truth as the first world."""
    return np.array([np.zeros(roles), *gains])
