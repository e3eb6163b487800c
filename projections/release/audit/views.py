"""What a reader does not know by its role, and within it what each household's amounts could be beside the others'.

Outsider: everything. Second household: all but its own. Provider: all but what it delivered. Funder: *overige zorg*; with its mandates, of the
households it was never given one for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from projections.release.audit.amounts import GGZ, IN_KIND, IS_OVERIG_TYPE, KINDS, Amounts, Floats
from projections.release.contributions import Flags, Ints

LEAST_CENTS: Final = 25_000
"""Amounts of more than EUR 250 are promised to stay vague."""
UP: Final = np.array([1.5 if k == "ggz" else 1.25 for k in KINDS])
DOWN: Final = np.array([0.5 if k == "ggz" else 0.75 for k in KINDS])
"""How much more and less than the truth an amount must at least be able to be."""
ABOVE: Final = (100, 10_000, 1_000_000)
"""What a finest area's number is divided by for its buurt, wijk and gemeente."""
ROUNDED: Final = 1e-6
"""Part of an amount by which solutions of programmes may be off."""
ALL: Final = slice(None)


@dataclass(frozen=True)
class View:
    """What one role does not know, per chain and epoch in cents: `cents`, of it `ggz`, and `kept`, what was never withdrawn.

    `only_overig`: knows every household's other groups exactly. `second`: subtract the largest other of each atom, as the second household would.
    """

    role: str
    amounts: Amounts
    cents: Ints
    ggz: Ints
    kept: Ints
    only_overig: bool = False
    second: bool = False

    @cached_property
    def others_of_all(self) -> Ints:
        """Per atom everybody's deliveries that were never withdrawn."""
        return self.amounts.atoms(self.kept, np.add)

    @cached_property
    def largest_of_all(self) -> Ints:
        """Per atom the largest household's part of them."""
        return self.amounts.atoms(self.kept, np.maximum)

    @cached_property
    def _others(self) -> Ints:
        found: Ints = self.others_of_all[self.amounts.area, self.amounts.type] - self.kept
        return found

    def others(self, kind: int, chains: Ints | slice = ALL) -> Ints:
        """Per chain and epoch what others' deliveries could give way in its atom; for the second household without its own."""
        if not self.second:
            return self._others[chains]
        a = self.amounts
        area = a.area[chains]
        beside = self.beside[area, kind]
        who = np.where(beside[:, 0] == a.household[chains], beside[:, 1], beside[:, 0])
        chain = a.chain_of(who, area, a.type[chains])
        theirs: Ints = np.where(((chain >= 0) & (who >= 0))[:, None], self.kept[chain], 0)
        return self._others[chains] - theirs

    @cached_property
    def beside_above(self) -> dict[tuple[int, int], Ints]:
        """(what numbers are divided by, kind) -> of each buurt, wijk and gemeente the two households with the most."""
        a = self.amounts
        return {
            (unit, kind): largest_two(
                np.unique(a.areas // unit, return_inverse=True)[1][a.area], a.household, self.of_kind(kind)[0].sum(axis=1), len(a.areas)
            )
            for unit in ABOVE for kind in range(len(KINDS))
        }  # fmt: skip

    @cached_property
    def beside_in_streets(self) -> Ints:
        """Of each street and kind the two households with the most."""
        a = self.amounts
        out = np.full((len(a.streets), len(KINDS), 2), -1)
        for nth, street in enumerate(a.streets):
            mine = np.flatnonzero(np.isin(a.area, street))
            for kind in range(len(KINDS)):
                cents = self.of_kind(kind)[0][mine].sum(axis=1)
                out[nth, kind] = largest_two(np.zeros(len(mine), dtype=np.int64), a.household[mine], cents, 1)[0]
        return out

    @cached_property
    def beside(self) -> Ints:
        """Per finest area and kind the two households with the most of the year, the largest first; -1 where there is none."""
        a = self.amounts
        out = np.full((len(a.areas), len(KINDS), 2), -1)
        for kind in range(len(KINDS)):
            out[:, kind] = largest_two(a.area, a.household, self.of_kind(kind)[0].sum(axis=1), len(a.areas))
        return out

    def of_kind(self, kind: int, chains: Ints | slice = ALL) -> tuple[Ints, Flags]:
        """Per chain and epoch the amounts of one kind, and where it is active."""
        mine = IN_KIND[kind][self.amounts.type[chains]][:, None]
        cents = self.ggz[chains] if kind == GGZ else np.where(mine, self.cents[chains], 0)
        return cents, cents != 0

    def per_household(self, values: Floats | Ints, chains: Ints | slice = ALL) -> Floats:
        """Chains summed per household that has any of them, with the sum of all epochs as last column."""
        household = self.amounts.household[chains]
        first = np.flatnonzero(np.r_[True, household[1:] != household[:-1]][: len(household)])
        out = np.zeros((len(first), values.shape[1] + 1))
        if len(values):
            out[:, :-1] = np.add.reduceat(values, first, axis=0)
        out[:, -1] = out[:, :-1].sum(axis=1)
        return out

    @cached_property
    def withdrew(self) -> Flags:
        """Households with an amount below zero in some atom and epoch."""
        found = np.zeros(self.amounts.households, dtype=bool)
        found[self.amounts.household[(self.cents < 0).any(axis=1)]] = True
        return found


def largest_two(place: Ints, household: Ints, cents: Ints, places: int) -> Ints:
    """Of each place (0..places-1) the two households with the most cents, ties by number; -1 where there is none."""
    out = np.full((places, 2), -1)
    if not len(place):
        return out
    width = int(household.max()) + 1
    names, at = np.unique(place * width + household, return_inverse=True)
    sums = np.bincount(at, weights=cents, minlength=len(names))
    names, sums = names[sums > 0], sums[sums > 0]
    order = np.lexsort((names, -sums, names // width))
    here = names[order] // width
    first = np.flatnonzero(np.r_[True, here[1:] != here[:-1]][: len(here)])
    out[here[first], 0] = names[order[first]] % width
    next_one = first[first + 1 < len(here)] + 1
    next_one = next_one[here[next_one] == here[next_one - 1]]
    out[here[next_one], 1] = names[order[next_one]] % width
    return out


def views(amounts: Amounts) -> Iterator[View]:
    """Every role's, the weakest first; of areas' GGZ the outsider's and the funder's."""
    overig = IS_OVERIG_TYPE[amounts.type[amounts.line_chain]]
    if amounts.of_areas:
        yield from _of_areas(amounts, overig)
        return
    whole = _view(amounts, "outsider", np.zeros(len(overig), dtype=bool))
    yield whole
    yield View("second household", amounts, whole.cents, whole.ggz, whole.kept, second=True)
    yield _view(amounts, "funder", ~overig, only_overig=True)
    if amounts.mandated.any():
        yield _view(amounts, "funder with its mandates", ~overig | amounts.mandated, only_overig=True)
    yield from providers(amounts)


def _of_areas(amounts: Amounts, overig: Flags) -> Iterator[View]:
    """The funder knows all youth care, and of the rest what it does not know hides from the outsider too."""
    yield _view(amounts, "outsider, GGZ of areas", np.zeros(len(overig), dtype=bool))
    if amounts.of_areas == "all":
        yield _view(amounts, "funder, GGZ of areas", ~overig, only_overig=True)
        if amounts.mandated.any():
            yield _view(amounts, "funder with its mandates, GGZ of areas", ~overig | amounts.mandated, only_overig=True)


def providers(amounts: Amounts) -> Iterator[View]:
    """Each provider, by number; its number never leaves the zone's own log."""
    for number in np.unique(amounts.provider).tolist():
        yield _view(amounts, f"provider {number}", amounts.provider == number)


def _view(amounts: Amounts, role: str, known: Flags, *, only_overig: bool = False) -> View:
    ggz = np.where(amounts.ggz[:, None], amounts.cents, 0)
    return View(
        role, amounts, amounts.per_chain(amounts.cents, known), amounts.per_chain(ggz, known), amounts.per_chain(amounts.kept, known),
        only_overig=only_overig,
    )  # fmt: skip
