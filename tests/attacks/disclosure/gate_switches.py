"""Gates with one rule taken out, for the tests of the tests. Only here the attacks touch the gate's own code, and only to break it.

Where the gate audits itself (step 3), the audit is switched off with each rule: it finds again what the missing rule let through.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from unittest.mock import patch

import numpy as np
from releases import Switches

from projections.release import concentration, gate, rules
from projections.release.audit.holds import Holds
from projections.release.cells import CellId, Layer
from projections.release.complementary import Complementary
from projections.release.rules import Parameters, Rules

Patch = Callable[[], AbstractContextManager[object]]


def switched(*patches: Patch, parameters: Parameters | None = None, blind: bool = False) -> Switches:
    """Several patches at once, and no audit."""
    audit = getattr(gate, "Audit", None)
    silent: tuple[Patch, ...] = (lambda: patch.object(audit, "breaks", _nothing),) if audit is not None else ()
    return _all_of(*patches, *silent, parameters=parameters, blind=blind)


def _all_of(*patches: Patch, parameters: Parameters | None = None, blind: bool = False) -> Switches:
    def all_of_them() -> ExitStack:
        stack = ExitStack()
        for one in patches:
            stack.enter_context(one())
        return stack

    return Switches(parameters or Parameters(), all_of_them, blind)


def _nothing(*_args: object, **_kwargs: object) -> list[object]:
    return []


def _passes(self: Rules, cents: np.ndarray) -> np.ndarray:
    del cents
    return np.ones(self._keys.cells, dtype=bool)


def without(rule: str) -> Patch:
    """A patch under which one of `Rules`' rules always passes."""
    return lambda: patch.object(Rules, rule, _passes)


def six_apart() -> AbstractContextManager[object]:
    """A patch under which nobody in the rest is joined with others."""
    return patch.object(rules, "_JOINED_TOGETHER", 1)


def _everything(
    self: Layer, areas: np.ndarray, of_level: Callable[[Layer, np.ndarray], np.ndarray] = Layer.codes
) -> np.ndarray:
    return areas // 1_000_000 if self.level == "gemeente" else of_level(self, areas)


NO_PROVIDERS = switched(without("safe_prov"))
NO_LEAST = switched(without("safe_prov"), parameters=Parameters(least_contributors=1))
"""Fewer than ten, and so fewer than ten without a provider too."""
NO_HALF = switched(parameters=Parameters(largest_share=100))
NO_THREE_QUARTERS = switched(parameters=Parameters(two_largest_share=100))
NO_FUNDER = switched(without("safe_fund"))
NO_GGZ = switched(without("not_ggz"))
NO_WINDOWS = switched(blind=True)
NO_COMPLEMENTARY = switched(lambda: patch.object(Complementary, "run", _nothing))
NO_REST = switched(lambda: patch.object(Layer, "codes", _everything))
NO_SIX = switched(without("safe_prov"), six_apart)
NO_ROUNDING = switched(parameters=Parameters(euros_base=1))
NO_ORDER = switched(lambda: patch.object(concentration, "that_tells_too_much", lambda *_: None))
"""Points of the curve stand although the order of households tells from them what one has."""


def closed_wijk(wijk: int, epochs: Collection[int], *patches: Patch) -> Switches:
    """A gate whose audit used up its rounds on a wijk in some epochs: it goes on from there as it always does."""
    whole = Holds.run

    def run(self: Holds) -> dict[CellId, str]:
        if self.audit.epoch in epochs:
            for cell in sorted(c for c in self.complementary.released if self._block(c) == wijk):
                self._hold(cell, "audit: wijk")
            self._closed.add(wijk)
        return whole(self)

    return _all_of(lambda: patch.object(Holds, "run", run), *patches)


AT_THE_FIRST_BREAK = Switches(patch=lambda: patch.object(gate, "Holds", partial(Holds, rounds=0)))
"""A gate that closes a wijk as soon as its audit breaks in it."""
