"""What the invented town fixes and a measurement may set: how many are in care, how uneven the money is, how many deliver.

As it stands half of the money goes to 3% of the households *in care*, as the source of the amounts counts (lognormal, sigma 1.88). The nulmeting's sentence, and the
page's, are of *all* households ("half of it goes to 3% of families"); with a quarter in care that is sigma 1.17, and far fewer areas in which one household weighs too much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

from producers.town.care_mix import SIGMA
from producers.town.providers import PROVIDERS, Provider

PERSONS_PER_ADDRESS: Final = 9091 / 20_000
"""Persons in care per address: all test BSNs at 20,000 addresses, and as many in smaller towns."""
_THREE_PERCENT: Final = 0.03


@dataclass(frozen=True, slots=True)
class Scale:
    """Persons in care per address; whether the 3% with half of the money are of all households or of those in care; how many stand in the place of each provider."""

    persons_per_address: float = PERSONS_PER_ADDRESS
    of_all: bool = False
    providers_each: int = 1

    def providers(self) -> tuple[Provider, ...]:
        """Each provider as so many, of uneven size: a half, a third, ... of the first. Their AGB codes are serial numbers beyond those of the table."""
        return tuple(
            replace(p, agb=f"{int(p.agb) + 100 * nth}", weight=p.weight / (nth + 1))
            for p in PROVIDERS for nth in range(self.providers_each)
        )  # fmt: skip

    def sigma(self, in_care: float) -> float:
        """Of the logarithm of a household's amount, where this share of all households is in care: half of a lognormal's money lies above its median times e to sigma squared."""
        return NormalDist().inv_cdf(1 - _THREE_PERCENT / max(in_care, 2 * _THREE_PERCENT)) if self.of_all else SIGMA


AS_IT_STANDS: Final = Scale()
