"""SAFE once more, slowly and apart from the gate's: what every difference that can be derived has to be.

    SAFE        n >= 10, x1 <= 50% X, x1 + x2 <= 75% X, of absolute amounts netted per contributor

Of the rest of the gemeente the six largest that stand alone there (secret or unknown address) are one.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from attackers_truth import Flags, Ints, Truth

LEAST, LARGEST_PERCENT, TWO_PERCENT, JOINED = 10, 50, 75, 6


def is_safe_of(sizes: Ints) -> bool:
    """SAFE of absolute amounts in cents; where nobody changed it is."""
    total, count = int(sizes.sum()), int(np.count_nonzero(sizes))
    if not count:
        return True
    two = np.sort(sizes)[-2:]
    return (
        count >= LEAST and int(two[-1]) * 100 <= LARGEST_PERCENT * total and int(two.sum()) * 100 <= TWO_PERCENT * total
    )


class OwnRules:
    """SAFE over rows of one truth."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    @cached_property
    def _alone(self) -> Flags:
        """Contributors in the rest who are single persons and no institution's."""
        truth = self._truth
        rest = self._in_rest[truth.area]
        single = np.array([r.household == r.contributor for r in truth.rows], dtype=bool)
        found = np.zeros(int(truth.contributor.max(initial=0)) + 1, dtype=bool)
        found[truth.contributor[rest & single]] = True
        return found

    def is_safe(self, rows: Flags) -> bool:
        """SAFE of the sum of some rows."""
        truth = self._truth
        net = np.zeros(len(self._alone), dtype=np.int64)
        np.add.at(net, truth.contributor[rows], truth.cents[rows])
        sizes = np.abs(net)
        if bool(self._in_rest[truth.area[rows]].all()):
            alone = np.sort(sizes[self._alone])[::-1]
            sizes = np.concatenate([sizes[~self._alone], alone[:JOINED].sum(keepdims=True), alone[JOINED:]])
        return is_safe_of(sizes)

    @cached_property
    def _in_rest(self) -> Flags:
        """Areas that are the rest of the gemeente."""
        rest: Flags = np.array(self._truth.areas) % 100 == 0
        return rest

    def is_safe_without_any_provider(self, rows: Flags) -> bool:
        """SAFE of what is left of the sum without each provider in turn."""
        found = np.unique(self._truth.provider[rows]).tolist()
        return all(self.is_safe(rows & (self._truth.provider != p)) for p in found)
