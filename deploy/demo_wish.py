"""What a demo is asked to make, and who hears how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wish:
    """What the demo is to make."""

    data: Path
    addresses: int = 20_000
    months: int = 12
    seed: int = 1
    world: str = "town"


class Teller:
    """Hears progress. `stage`: what is being done, how far, of how much."""

    def stage(self, what: str, done: int = 0, of: int = 0) -> None:
        """Nothing, unless someone looks."""
