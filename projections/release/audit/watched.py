"""Amounts that are watched together: those of households, or the GGZ of areas at one level. What is cleared once stays cleared for the epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from projections.release.audit.counts import Counts
from projections.release.audit.figures import Books, Figure, Limits
from projections.release.audit.judge import Break
from projections.release.audit.pieces import Judged, JudgePiece, judge_pieces
from projections.release.audit.points import Open, Shares
from projections.release.audit.programmes import Programmes
from projections.release.audit.solver import Solved
from projections.release.audit.targets import Amount, Suspect, suspects_of, targets
from projections.release.audit.views import View, views
from projections.release.cells import CellId


@dataclass
class Watched:
    """One set of amounts. `suspects`: what is not cleared yet, from the first time on."""

    books: Books
    solve: Callable[..., Solved]
    counts: Counts
    suspects: dict[Amount, list[Suspect]] = field(default_factory=dict)
    _roles: dict[str, View] = field(default_factory=dict)

    def prune(self, left: list[Open]) -> None:
        """What is left of them for programmes of their own."""
        self._roles = {o.view.role: o.view for o in left}
        for one in (s for o in left for s in suspects_of(o)):
            self.suspects.setdefault(one.amount, []).append(one)

    @property
    def roles(self) -> Mapping[str, View]:
        """Who reads them, by name."""
        self._roles = self._roles or {v.role: v for v in views(self.books.amounts)}
        return self._roles

    def pieces(self, number: int, *, one_per_place: bool) -> Iterator[JudgePiece]:
        """What is to be judged. `number`: of this set; `one_per_place`: as `Audit.breaks` says."""
        return judge_pieces(number, self.suspects, self.books.amounts, one_per_place=one_per_place)

    def take(self, piece: JudgePiece, judged: Judged) -> Iterator[Break]:
        """Drop what a piece cleared; every amount that breaks."""
        self.counts.programmes += judged.programmes
        asked = [amount for group in piece.groups for amount, _ in group]
        for amount, told in zip(asked, judged.told, strict=True):
            suspects = self.suspects.pop(amount)
            for suspect, answer in zip(suspects, told, strict=True):
                if answer == "break":
                    yield Break(suspect.view.role, targets(suspect.view, amount)[0], amount)
                self.counts.excepted += answer == "excepted"
                self.counts.before += answer == "before"
            left = [s for s, answer in zip(suspects, told, strict=True) if answer != "clear"]
            if left:
                self.suspects[amount] = left

    def figures(self, published: Mapping[CellId, Iterable[int]], of_households: list[Figure]) -> list[Figure]:
        """The figures that tell of them."""
        return self.books.figures(published) if self.books.amounts.by_wijk else of_households

    def over(self, figures: list[Figure], limits: list[Limits]) -> Programmes:
        """Programmes over these figures; of areas the single-cell rule says nothing."""
        return Programmes(self.books, figures, [] if self.books.amounts.of_areas else limits, self.solve)

    def shares(self, of_households: Callable[[], Shares]) -> Shares:
        """What the single-cell rule leaves of them."""
        return Shares.none(self.books.amounts) if self.books.amounts.of_areas else of_households()
