"""The pieces an audit's work is cut into. Each is decided by itself, so that it doesn't matter which process does it, nor when.

An answer depends on its piece, on the audit and on what is released, and on no other piece. What one programme finds is tried again for the same
household only, and all amounts of a household are in one piece.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from projections.release.audit.amounts import Amounts, Floats
from projections.release.audit.judge import Judge, Told
from projections.release.audit.points import PointPiece
from projections.release.audit.targets import Amount, Suspect, lies_in, place_of
from projections.release.audit.views import View

_MANY: Final = 100
"""A piece has amounts of no further buurt once it has so many."""

Roles = tuple[tuple[str, bool, bool], ...]
"""(role, whether the amount is open from above, from below) of each."""
Group = tuple[tuple[Amount, Roles], ...]
"""Amounts of the households of one buurt."""


@dataclass(frozen=True, slots=True)
class JudgePiece:
    """Amounts to be judged. `watched`: of which of the audit's sets of amounts; `one_per_place`: as `Audit.breaks` says, within a group."""

    watched: int
    groups: tuple[Group, ...]
    one_per_place: bool

    @property
    def size(self) -> int:
        """How much work it is, beside pieces of its kind."""
        return sum(len(g) for g in self.groups)


@dataclass(frozen=True, slots=True)
class Judged:
    """Per amount of the piece, in its order, what was told for each of its roles. `programmes`: so many were run."""

    told: tuple[tuple[Told, ...], ...]
    programmes: int


Piece = PointPiece | JudgePiece
Answer = Floats | None | Judged


def judge_pieces(
    watched: int, suspects: Mapping[Amount, Iterable[Suspect]], amounts: Amounts, *, one_per_place: bool
) -> Iterator[JudgePiece]:
    """All suspects by the first buurt of their household, buurten of a wijk together as long as there are few."""
    first = amounts.areas[amounts.area[amounts.first_chain[:-1]]] // 100
    groups: dict[int, list[tuple[Amount, Roles]]] = defaultdict(list)
    for amount, of in suspects.items():
        groups[int(first[amount[0]])].append((amount, tuple((s.view.role, s.above, s.below) for s in of)))
    some: list[Group] = []
    wijk = -1
    for buurt in sorted(groups):
        if some and (buurt // 100 != wijk or sum(len(g) for g in some) >= _MANY):
            yield JudgePiece(watched, tuple(some), one_per_place)
            some = []
        wijk = buurt // 100
        some.append(tuple(groups[buurt]))
    if some:
        yield JudgePiece(watched, tuple(some), one_per_place)


def judged(piece: JudgePiece, judge: Judge, roles: Mapping[str, View]) -> Judged:
    """Decide a piece."""
    before = judge.programmes.run + judge.run_before
    told: list[tuple[Told, ...]] = []
    for group in piece.groups:
        places: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        for amount, of in group:
            suspects = [Suspect(roles[role], amount, above, below) for role, above, below in of]
            asked = [s for s in suspects if not (piece.one_per_place and lies_in(s, places))]
            found = iter(judge.all(asked, one_is_enough=piece.one_per_place) if asked else ())
            answers: list[Told] = []
            for suspect in suspects:
                answer, broken = next(found) if suspect in asked else ("left", None)
                answers.append(answer)
                if broken is not None:
                    places.add(place_of(broken.target))
            told.append(tuple(answers))
    return Judged(tuple(told), judge.programmes.run + judge.run_before - before)
