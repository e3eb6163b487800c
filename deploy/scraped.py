"""A running role's metrics, read as an operator's Prometheus reads them."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from schemas.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Scraped:
    """Samples as (name, labels, value)."""

    samples: tuple[tuple[str, dict[str, str], float], ...]

    @classmethod
    def of(cls, url: str) -> Self:
        """Read them from a role's address. Raises `Unavailable` where it does not run."""
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - the zone's own address
                told = answer.read().decode()
        except OSError as away:
            msg = "The role does not run, or does not answer; start the zone (`zorgstroom operator run`)."
            raise Unavailable(msg) from away
        return cls(
            tuple(
                (s.name, s.labels, s.value) for family in text_string_to_metric_families(told) for s in family.samples
            )
        )

    def one(self, name: str) -> float:
        """The value of a metric without labels of its own. Raises `Unavailable` where the role does not have it."""
        for sample, _, value in self.samples:
            if sample == name:
                return value
        msg = f"The role does not tell {name}; its version may be another."
        raise Unavailable(msg)
