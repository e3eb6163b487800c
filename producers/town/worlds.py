"""Towns with something in them that disclosure control must bear. More worlds of the contract come with the gate's attackers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from producers.town.geography import Municipality
from producers.town.people import Person

_EXPENSIVE_MONTH_CENTS: Final = 4_166_666
Change = Callable[[Random, Sequence[Municipality], Sequence[Person]], None]


@dataclass(frozen=True, slots=True)
class World:
    """What a world is, and how it changes the plain town."""

    what: str
    change: Change


def _plain(random: Random, municipalities: Sequence[Municipality], people: Sequence[Person]) -> None:
    """Nothing is changed."""
    del random, municipalities, people


def _poor_street(random: Random, municipalities: Sequence[Municipality], people: Sequence[Person]) -> None:
    """One household of EUR 500,000 a year among neighbours with little care."""
    del random
    buurt = municipalities[0].buurten[0].code
    neighbours = [p for p in people if p.home.buurt == buurt and p.arrangements]
    for person in neighbours:
        for arrangement in person.arrangements:
            arrangement.cents = min(arrangement.cents, 8_000)
    if neighbours:
        neighbours[0].arrangements[0].cents = _EXPENSIVE_MONTH_CENTS


def _two_giants(random: Random, municipalities: Sequence[Municipality], people: Sequence[Person]) -> None:
    """Two households of a buurt have most of its money."""
    del random
    buurt = municipalities[0].buurten[0].code
    for person in [p for p in people if p.home.buurt == buurt and p.arrangements][:2]:
        person.arrangements[0].cents = _EXPENSIVE_MONTH_CENTS


def _all_equal(random: Random, municipalities: Sequence[Municipality], people: Sequence[Person]) -> None:
    """Every arrangement costs the same."""
    del random, municipalities
    for person in people:
        for arrangement in person.arrangements:
            arrangement.cents = 30_000


WORLDS: Final = {
    "town": World("the plain town", _plain),
    "poor-street": World("one household of EUR 500,000 in a poor buurt", _poor_street),
    "two-giants": World("two households with most of a buurt's money", _two_giants),
    "all-equal": World("all amounts about equal", _all_equal),
}
