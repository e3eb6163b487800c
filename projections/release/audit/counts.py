"""What an audit had to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """What an audit did: amounts promised (over all roles), cleared as they lie, by shared points, and by a programme; programmes of both kinds.

    `excepted`: narrowed by nothing but what the single-cell rule says of everyone; `before`: narrowed by earlier epochs and not further by this one.
    """

    amounts: int = 0
    as_they_lie: int = 0
    by_points: int = 0
    point_programmes: int = 0
    programmes: int = 0
    excepted: int = 0
    before: int = 0

    def add(self, other: Counts) -> None:
        """Take another year's into it."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
