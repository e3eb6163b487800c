"""What becomes known of where people live, and when: residence files, links, and addresses in messages and spreadsheets.

The town knows each true move; the zone hears of it in the month the news is published, sometimes months later.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from random import Random
from typing import Final

from producers.town.geography import Home
from producers.town.history import ACCEPTED, DUPLICATE, History, Line
from producers.town.people import Arrangement, Person
from producers.town.providers import TARIFFS, Provider
from schemas.values import Month

_GRANTS_OF_RESIDENTS: Final = 0.3
"""Share of those in the residence file of whom a 301 is sent too: enough to show it, few enough to publish quickly."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A person lives at `home` from `first` until `last` (None: still)."""

    first: dt.date
    last: dt.date | None
    home: Home
    secret: bool


@dataclass(frozen=True, slots=True)
class Residences:
    """The whole list of one person in one municipality's residence file, published in month `step`."""

    step: int
    gemeente: int
    person: Person
    stays: tuple[Stay, ...]


@dataclass(frozen=True, slots=True)
class LinkNews:
    """From `first` on the person counts where `other` counts; published in month `step`."""

    step: int
    gemeente: int
    person: Person
    other: Person
    first: dt.date


@dataclass(frozen=True, slots=True)
class GrantMessage:
    """One 301: signed on a day, published in month `step`; `brp`: its address places the person, else it is a stay address."""

    step: int
    gemeente: int
    provider: Provider
    person: Person
    home: Home
    signed_on: dt.date
    brp: bool
    grants: tuple[Arrangement, ...]


@dataclass(slots=True)
class Evidence:
    """All of it, in no particular order."""

    residences: list[Residences] = field(default_factory=list)
    links: list[LinkNews] = field(default_factory=list)
    grants: list[GrantMessage] = field(default_factory=list)


def move_day(person: Person, months: tuple[Month, ...]) -> dt.date | None:
    """The true day of the move: from then on the person lives at the new address."""
    if person.move_month is None or person.move_to is None:
        return None
    return months[person.move_month].first_day.replace(day=1 + person.home.id * 7 % 28)


def true_home(person: Person, day: dt.date, *, months: tuple[Month, ...]) -> Home:
    """Where the person really lives on a day."""
    moved = move_day(person, months)
    return person.move_to if moved is not None and person.move_to is not None and day >= moved else person.home


def shows_address(line: Line) -> bool:
    """Whether a spreadsheet's line names an address: always of who is known by messages, of half of the residents."""
    known = line.person.known
    return line.care not in TARIFFS and (known == "messages" or (known == "residence" and line.person.id % 2 == 0))


def places(line: Line) -> bool:
    """Whether the line reaches the zone with an address."""
    return shows_address(line) and (line.outcome in (ACCEPTED, DUPLICATE) or line.outcome.startswith("ledger:"))


def make_evidence(random: Random, people: list[Person], *, history: History) -> Evidence:
    """All residence lists, links and 301s."""
    months, evidence = history.months, Evidence()
    for person in people:
        if person.known == "residence" or person.known_from_month:
            evidence.residences += _residences(random, person, months)
        if person.parent is not None:
            first = months[max(0, person.linked_month - person.id % 3)].first_day
            parent = people[person.parent]
            evidence.links.append(LinkNews(person.linked_month, parent.home.gemeente, person, parent, first))
        wanted = {"residence": _GRANTS_OF_RESIDENTS, "messages": 1.0, "nothing": _GRANTS_OF_RESIDENTS}[person.known]
        if random.random() < wanted:
            evidence.grants += _grants(person, months)
    return evidence


def _residences(random: Random, person: Person, months: tuple[Month, ...]) -> list[Residences]:
    since = dt.date(random.randint(1995, 2018), random.randint(1, 12), random.randint(1, 28))
    stay = Stay(since, None, person.home, person.secret)
    told = Residences(person.known_from_month, person.home.gemeente, person, (stay,))
    day = move_day(person, months)
    if day is None or person.move_to is None:
        return [told]
    before = Stay(since, day - dt.timedelta(days=1), person.home, person.secret)
    after = Stay(day, None, person.move_to, person.secret)
    step, old, new = person.move_known_month, person.home.gemeente, person.move_to.gemeente
    if old == new:
        return [told, Residences(step, old, person, (before, after))]
    return [told, Residences(step, old, person, (before,)), Residences(step, new, person, (after,))]


def _grants(person: Person, months: tuple[Month, ...]) -> list[GrantMessage]:
    """One 301 per provider and law, in the month the first care of it begins; a second one after a move that messages tell."""
    by_sender: dict[tuple[str, str], list[Arrangement]] = {}
    for care in person.arrangements:
        if care.care in TARIFFS and person.home.gemeente in care.provider.municipalities:
            by_sender.setdefault((care.provider.agb, care.care.partition("-")[0]), []).append(care)
    found = []
    for cares in by_sender.values():
        first = min(c.first for c in cares)
        signed = months[first].first_day - dt.timedelta(days=9 + person.id % 12)
        found.append(GrantMessage(
            first, person.home.gemeente, cares[0].provider, person, true_home(person, signed, months=months), signed,
            person.known != "nothing", tuple(cares),
        ))  # fmt: skip
        day = move_day(person, months)
        if person.known == "messages" and day is not None and person.move_known_month > first:
            signed = day + dt.timedelta(days=4)
            home = true_home(person, signed, months=months)
            found.append(GrantMessage(
                person.move_known_month, person.home.gemeente, cares[0].provider, person, home, signed, brp=True, grants=tuple(cares),
            ))  # fmt: skip
    return found
