"""Who attacks, and what each knows by its role: rows of the truth, as the contract's table gives them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from attackers_truth import FUNDING, GGZ_KIND, Flags, Truth, kinds_in
from attacks import Attack, Tally
from figures_table import Table
from reading_releases import Figure, Released, figures, inside, snapshots

from schemas.care import Group

OVERIG = FUNDING.index(Group.OVERIG.value)


@dataclass(frozen=True, slots=True)
class Read:
    """What everybody has read: the figures as rows, the public numbers of the rules, the codes of streets with a cell of their own."""

    table: Table
    truth: Truth
    released: Released
    parameters: dict[str, int]
    streets: tuple[str, ...] = ()

    @classmethod
    def of(cls, released: Released, *, upto: int | None = None, truth: Truth | None = None) -> Read:
        """Read everything; `upto`: only what was published until that epoch; `truth`: what was true then."""
        seen = figures(released.payloads, first_month=released.first_month, year=released.year)
        said = snapshots(released.payloads, first_month=released.first_month)
        parameters, own = said[-1].parameters, released.truth if truth is None else truth
        months = 1 + max(s.epoch for s in said)
        chosen = [f for f in seen if upto is None or f.epoch <= upto]
        table = Table(own, chosen, months, parameters["euros_base"] * 50)
        table.assert_true()
        streets = sorted({area for s in said for level, area, _, _ in s.standing if level == "street"})
        return cls(table, own, released, parameters, tuple(streets))

    def nothing(self) -> Flags:
        """No row known."""
        return np.zeros(len(self.truth.cents), dtype=bool)

    def funded(self) -> Flags:
        """What the funder knows: all it pays itself, and all of the households under its mandates."""
        return (self.truth.group != OVERIG) | self.truth.of(self.released.mandated)

    def delivered_by(self, provider: str) -> Flags:
        """What a provider knows: what it delivered."""
        if provider not in self.truth.providers:
            return self.nothing()
        return self.truth.provider == self.truth.providers.index(provider)


def outsider(read: Read, *, ggz: bool = False) -> Attack:
    """Knows nothing but what is published."""
    return _attack(read, "outsider", read.nothing(), ggz=ggz)


def funder(read: Read, *, ggz: bool = False) -> Attack:
    """The municipality with its own books, mandates, notes and previews (which show what will be published and no more)."""
    return _attack(read, "funder", read.funded(), ggz=ggz)


def providers(read: Read, *, ggz: bool = False) -> Iterator[Attack]:
    """Each provider; against GGZ only those that deliver none of it themselves."""
    for number, name in enumerate(read.truth.providers):
        own = read.truth.provider == number
        if not ggz or not GGZ_KIND[read.truth.kind[own]].any():
            yield _attack(read, f"provider {name}", own, ggz=ggz)


def _attack(read: Read, name: str, known: Flags, *, ggz: bool) -> Attack:
    return Attack(name, read.table, known, read.truth.household, read.truth.households, only_ggz=ggz)


def contributors(read: Read) -> Attack:
    """The outsider against whoever counts as one in the rules though several live there: institutions and shared addresses."""
    names = [f"contributor {n}" for n in range(int(read.truth.contributor.max(initial=0)) + 1)]
    return Attack("outsider", read.table, read.nothing(), read.truth.contributor, names)


def shared_addresses(read: Read) -> Flags:
    """The rows of contributors that are several households."""
    truth = read.truth
    pairs = np.unique(np.column_stack([truth.contributor, truth.household]), axis=0)
    several = np.flatnonzero(np.bincount(pairs[:, 0]) > 1)
    return np.isin(truth.contributor, several)


def windows(seen: list[Figure]) -> Iterator[tuple[Figure | None, Figure]]:
    """Each window of each cell: since the start, and between every two of its publications."""
    by_cell: dict[tuple[str, str, str], list[Figure]] = {}
    for figure in seen:
        by_cell.setdefault(figure.cell, []).append(figure)
    for own in by_cell.values():
        for at, later in enumerate(own):
            yield None, later
            for earlier in own[:at]:
                yield earlier, later


def in_window(truth: Truth, earlier: Figure | None, later: Figure) -> Flags:
    """The rows of a cell that became known in a window."""
    areas = inside(later.level, later.area, truth.areas)
    found: Flags = areas[truth.area] & np.isin(truth.kind, kinds_in(later.group)) & (truth.epoch <= later.epoch)
    return found if earlier is None else found & (truth.epoch > earlier.epoch)


def neighbours(read: Read) -> Tally:
    """SDC-2: in each window of each cell the two largest attack each other, each knowing all of itself."""
    tally, pairs = Tally("second household"), set()
    for earlier, later in windows(list(read.table.figures)):
        rows = in_window(read.truth, earlier, later)
        sizes = np.abs(np.bincount(read.truth.household[rows], read.truth.cents[rows], len(read.truth.households)))
        if np.count_nonzero(sizes) > 1:
            first, second = np.argsort(-sizes, kind="stable")[:2].tolist()
            pairs |= {(first, second), (second, first)}
    for attacker in sorted({a for _, a in pairs}):
        known = read.truth.household == attacker
        victims = np.isin(read.truth.household, [v for v, a in pairs if a == attacker])
        attack = _attack(read, f"household {read.truth.households[attacker]}", known, ggz=False)
        tally.add(attack.run(victims))
    return tally
