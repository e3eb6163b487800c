"""Decides the amounts that no shared point cleared, each by programmes of its own.

First beside wijken that stay as they are, for all roles at once that know nothing of the household: that clears most. What is left is decided by the
whole programme, for each role.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from projections.release.audit.programmes import Programmes, Target
from projections.release.audit.solver import Solved
from projections.release.audit.targets import Amount, Suspect, targets
from projections.release.audit.views import DOWN, ROUNDED, UP, View

Told = Literal["clear", "excepted", "before", "break"]


@dataclass(frozen=True, slots=True)
class Break:
    """An amount that could be bounded closer than is promised. `role`: who could."""

    role: str
    target: Target
    amount: Amount

    def order(self) -> tuple[Amount, str]:
        """By household, kind and epoch, then by role."""
        return self.amount, self.role


@dataclass
class Judge:
    """Over one set of figures. `before`: programmes over what was released in earlier epochs only."""

    programmes: Programmes
    before: Callable[[], Programmes]
    narrow_first: bool = True
    _earlier: Programmes | None = None

    @property
    def run_before(self) -> int:
        """Programmes run over earlier epochs only."""
        return self._earlier.run if self._earlier else 0

    def all(self, suspects: Sequence[Suspect]) -> list[tuple[Told, Break | None]]:
        """What becomes of one amount for each of these roles."""
        told: list[Told | None] = [None] * len(suspects)
        first = next((s for s in suspects if not s.view.second and not s.view.only_overig), suspects[0])
        together = [i for i, s in enumerate(suspects) if s.is_like(first)]
        if self.narrow_first and len(together) > 1:
            views = tuple(suspects[i].view for i in together[1:])
            one = suspects[together[0]]
            at_once = self._of_role(
                replace(one, above=any(suspects[i].above for i in together), below=any(suspects[i].below for i in together)), views
            )  # fmt: skip
            if at_once in ("clear", "excepted"):
                for i in together:
                    told[i] = at_once
        found: list[tuple[Told, Break | None]] = []
        for one, known in zip(suspects, told, strict=True):
            answer = known or self._of_role(one, ())
            target = targets(one.view, one.amount)[0] if answer == "break" else None
            found.append((answer, Break(one.view.role, target, one.amount) if target is not None else None))
        return found

    def _of_role(self, one: Suspect, together: tuple[View, ...]) -> Told:
        """For one role; `together`: for several at once, where only `clear` and `excepted` say anything."""
        worst: Told = "clear"
        for plain in targets(one.view, one.amount):
            target = replace(plain, together=together)
            for most in [m for m, wanted in ((True, one.above), (False, one.below)) if wanted]:
                answer: Told | None = (
                    self._quick(target, one.amount, most=most) if self.narrow_first or together else None
                )
                if answer is None:
                    if together:
                        return "break"
                    answer = self._whole(target, one.amount, most=most)
                if answer == "break":
                    return answer
                worst = answer if answer != "clear" else worst
        return worst

    def _quick(self, target: Target, amount: Amount, *, most: bool) -> Told | None:
        """None where the narrow programme says nothing."""
        limited = self._wide(self.programmes, target, amount, most=most, limited=True, narrow=True)
        if limited is None:
            return "clear"
        if not most or limited.status != "optimal" or limited.least < self._rule(target) * (1 - ROUNDED):
            return None
        plain = self._wide(self.programmes, target, amount, most=most, limited=False, narrow=True)
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
        self, programmes: Programmes, target: Target, amount: Amount, *, most: bool, limited: bool, narrow: bool = False
    ) -> Solved | None:
        """None where the amount stays as vague as promised, else the bound."""
        found = programmes.bound(target, most=most, limited=limited, narrow=narrow)
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
