"""Gates with one rule taken out, for the tests of the tests. Only here the attacks touch the gate's own code, and only to break it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest.mock import patch

import numpy as np
from releases import Switches

from projections.release import gate, rules
from projections.release.cells import Layer
from projections.release.rules import Parameters, Rules


def _passes(self: Rules, cents: np.ndarray) -> np.ndarray:
    del cents
    return np.ones(self._keys.cells, dtype=bool)


def without(rule: str) -> Callable[[], AbstractContextManager[object]]:
    """A patch under which one of `Rules`' rules always passes."""
    return lambda: patch.object(Rules, rule, _passes)


def _as_decided(decisions: list[object], *_args: object, **_kwargs: object) -> list[object]:
    return decisions


def _everything(
    self: Layer, areas: np.ndarray, of_level: Callable[[Layer, np.ndarray], np.ndarray] = Layer.codes
) -> np.ndarray:
    return areas // 1_000_000 if self.level == "gemeente" else of_level(self, areas)


NO_LEAST = Switches(Parameters(least_contributors=1))
NO_HALF = Switches(Parameters(largest_share=100))
NO_THREE_QUARTERS = Switches(Parameters(two_largest_share=100))
NO_PROVIDERS = Switches(patch=without("safe_prov"))
NO_FUNDER = Switches(patch=without("safe_fund"))
NO_GGZ = Switches(patch=without("not_ggz"))
NO_WINDOWS = Switches(blind=True)
NO_COMPLEMENTARY = Switches(patch=lambda: patch.object(gate, "_without_what_follows", _as_decided))
NO_REST = Switches(patch=lambda: patch.object(Layer, "codes", _everything))
NO_SIX = Switches(patch=lambda: patch.object(rules, "_JOINED_TOGETHER", 1))
NO_ROUNDING = Switches(Parameters(euros_base=1))
