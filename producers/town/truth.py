"""What the books must say, counted by plain bookkeeping month by month: no fold, no column, no code of the zone.

`Change`s are the rows of `history.csv`: deliveries, withdrawals, and the reversal and rebooking of late news of homes.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from producers.town.evidence import Evidence, LinkNews, Stay, places, true_home
from producers.town.geography import Home
from producers.town.history import ACCEPTED, History, Line
from producers.town.people import Person


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a service counts. Household and address are the town's own ids; buurt is empty where there is no cluster."""

    household: str
    gemeente: str
    address: str
    buurt: str
    area: str


@dataclass(frozen=True, slots=True)
class Change:
    """One row of history.csv: `kind` is delivered, withdrawn or rebooked; `cents` has its sign."""

    line: Line
    kind: str
    spot: Spot
    step: int
    cents: int


@dataclass(slots=True)
class _Known:
    """What the zone has heard of one person so far."""

    stays: dict[int, tuple[Stay, ...]] = field(default_factory=dict)
    dated: dict[dt.date, Home] = field(default_factory=dict)
    links: list[LinkNews] = field(default_factory=list)


def rest_of(person: Person, gemeente: int) -> Spot:
    """Alone, in the rest of a gemeente."""
    code = f"GM{gemeente:04d}"
    return Spot(f"P{person.id}", code, "", "", code)


def spot_at(person: Person, home: Home, *, secret: bool) -> Spot:
    """Where someone living at a home counts, by the kind of address."""
    if secret:
        return rest_of(person, home.gemeente)
    gemeente, address = f"GM{home.gemeente:04d}", f"A{home.id}"
    match home.kind:
        case "instelling":
            return Spot(f"P{person.id}", gemeente, address, "", gemeente)
        case "gedeeld":
            return Spot(f"P{person.id}", gemeente, address, f"BU{home.buurt:08d}", home.area)
        case _:
            return Spot(address, gemeente, address, f"BU{home.buurt:08d}", home.area)


class Books:
    """The zone as it ought to be: what it has heard, and which services stand where."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = defaultdict(_Known)
        self._followers: dict[int, set[int]] = defaultdict(set)
        self._people: dict[int, Person] = {}
        self._by_person: dict[int, list[int]] = defaultdict(list)
        self.standing: dict[int, tuple[Line, Spot]] = {}
        self.changes: list[Change] = []

    def hear(self, step: int, evidence: Evidence, lines: Iterable[Line], *, history: History) -> None:
        """Take the news of one month and rebook what stands elsewhere by it."""
        touched: set[int] = set()
        for news in evidence.residences:
            if news.step == step:
                self._of(news.person).stays[news.gemeente] = news.stays
                touched.add(news.person.id)
        for link in evidence.links:
            if link.step == step:
                self._of(link.person).links.append(link)
                self._followers[link.other.id].add(link.person.id)
                self._people[link.other.id] = link.other
                touched.add(link.person.id)
        for grant in evidence.grants:
            if grant.step == step and grant.brp:
                self._of(grant.person).dated[grant.signed_on] = grant.home
                touched.add(grant.person.id)
        for line in lines:
            if places(line):
                home = true_home(line.person, line.first, months=history.months)
                self._of(line.person).dated[line.first] = home
                touched.add(line.person.id)
        for person in sorted(touched | {f for t in touched for f in self._followers[t]}):
            self._rebook(person, step)

    def deliver(self, line: Line) -> None:
        """A debit that was taken."""
        spot = self.spot(line.person, line.first, payer=line.payer)
        self.standing[line.service] = (line, spot)
        self._by_person[line.person.id].append(line.service)
        self.changes.append(Change(line, "delivered", spot, line.step, line.cents))

    def withdraw(self, service: int, step: int) -> None:
        """A debit taken out, by a credit or by the municipality's answer."""
        line, spot = self.standing.pop(service)
        self.changes.append(Change(line, "withdrawn", spot, step, -line.cents))

    def spot(self, person: Person, day: dt.date, *, payer: int) -> Spot:
        """Where a service of a day counts by all that is known now."""
        for link in self._known[person.id].links:
            if day >= link.first:
                there = self._own_spot(link.other, day)
                if there is not None:
                    return there
        return self._own_spot(person, day) or rest_of(person, payer)

    def _of(self, person: Person) -> _Known:
        self._people[person.id] = person
        return self._known[person.id]

    def _own_spot(self, person: Person, day: dt.date) -> Spot | None:
        known = self._known[person.id]
        stays = sorted((s for own in known.stays.values() for s in own), key=lambda s: s.first)
        if stays:
            begun = [s for s in stays if s.first <= day]
            if not begun or (begun[-1] is stays[-1] and begun[-1].last is not None and day > begun[-1].last):
                return None
            return spot_at(person, begun[-1].home, secret=begun[-1].secret)
        if known.dated:
            days = sorted(known.dated)
            latest = max((d for d in days if d <= day), default=days[0])
            return spot_at(person, known.dated[latest], secret=False)
        return None

    def _rebook(self, person: int, step: int) -> None:
        for service in self._by_person[person]:
            if service not in self.standing:
                continue
            line, before = self.standing[service]
            after = self.spot(line.person, line.first, payer=line.payer)
            if after != before:
                self.changes.append(Change(line, "rebooked", before, step, -line.cents))
                self.changes.append(Change(line, "rebooked", after, step, line.cents))
                self.standing[service] = (line, after)


def keep_books(history: History, evidence: Evidence) -> Books:
    """All months in order: news of homes, answers that reject, then what was declared."""
    books = Books()
    lines: dict[int, list[Line]] = defaultdict(list)
    for line in history.lines:
        lines[line.step].append(line)
    for step in range(len(history.months)):
        books.hear(step, evidence, lines[step], history=history)
        for rejection in history.rejections:
            if rejection.step == step:
                books.withdraw(rejection.line.service, step)
        for line in lines[step]:
            if line.outcome == ACCEPTED:
                if line.credit:
                    books.withdraw(line.service, step)
                else:
                    books.deliver(line)
    return books
