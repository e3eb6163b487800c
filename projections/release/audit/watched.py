"""Amounts that are watched together: those of households, or the GGZ of areas at one level. What is cleared once stays cleared for the epoch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from projections.release.audit.counts import Counts
from projections.release.audit.figures import Books, Figure, Limits
from projections.release.audit.judge import Break, Judge
from projections.release.audit.points import Open, Shares
from projections.release.audit.programmes import Programmes
from projections.release.audit.solver import Solved
from projections.release.audit.targets import Amount, Suspect, place_of, suspects_of, targets
from projections.release.cells import CellId


@dataclass
class Watched:
    """One set of amounts. `suspects`: what is not cleared yet, from the first time on."""

    books: Books
    solve: Callable[..., Solved]
    counts: Counts
    suspects: dict[Amount, list[Suspect]] = field(default_factory=dict)

    def prune(self, left: list[Open]) -> None:
        """What is left of them for programmes of their own."""
        for one in (s for o in left for s in suspects_of(o)):
            self.suspects.setdefault(one.amount, []).append(one)

    def breaks(self, judge: Judge, *, one_per_place: bool) -> list[Break]:
        """Every amount that breaks; `one_per_place` as `Audit.breaks` says."""
        found: list[Break] = []
        kept: dict[Amount, list[Suspect]] = {}
        places: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        for amount, suspects in self.suspects.items():
            asked: list[Suspect] = []
            kept[amount] = []
            for suspect in suspects:
                (kept[amount] if one_per_place and _lies_in(suspect, places) else asked).append(suspect)
            told = judge.all(asked, one_is_enough=one_per_place) if asked else ()
            for suspect, (answer, broken) in zip(asked, told, strict=True):
                if answer != "clear":
                    kept[amount].append(suspect)
                if broken is not None:
                    found.append(broken)
                    places.add(place_of(broken.target))
                self.counts.excepted += answer == "excepted"
                self.counts.before += answer == "before"
        self.suspects = {amount: left for amount, left in kept.items() if left}
        self.counts.programmes += judge.programmes.run + judge.run_before
        return found

    def figures(self, published: Mapping[CellId, Iterable[int]], of_households: list[Figure]) -> list[Figure]:
        """The figures that tell of them."""
        return self.books.figures(published) if self.books.amounts.by_wijk else of_households

    def over(self, figures: list[Figure], limits: list[Limits]) -> Programmes:
        """Programmes over these figures; of areas the single-cell rule says nothing."""
        return Programmes(self.books, figures, [] if self.books.amounts.of_areas else limits, self.solve)

    def shares(self, of_households: Callable[[], Shares]) -> Shares:
        """What the single-cell rule leaves of them."""
        return Shares.none(self.books.amounts) if self.books.amounts.of_areas else of_households()


def _lies_in(suspect: Suspect, places: Collection[tuple[tuple[int, ...], tuple[int, ...]]]) -> bool:
    """Whether an amount lies where one broke already in this round."""
    return bool(places) and any(place_of(t) in places for t in targets(suspect.view, suspect.amount)[:1])
