"""What is sent in which month: declarations, late ones, credits, and answers that reject.

Every line says what must become of it, so that a reader's refusals can be compared with the plan. Knows no files and no sums.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from producers.town.people import Arrangement, Person
from producers.town.providers import TARIFFS, Provider
from schemas.values import Month

ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"


@dataclass(frozen=True, slots=True)
class Habits:
    """How providers declare: shares of lines that come late, are credited (`again`: and declared anew), are rejected."""

    late: float = 0.05
    credited: float = 0.03
    again: float = 0.85
    rejected: float = 0.02


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file. `step`: month index in which it is published; `turn` sorts the files of a month.

    `outcome`: accepted, duplicate, `check:CODE` (refused on the provider's computer) or `ledger:CODE`. `credit`: takes out
    the line of reference `previous`. `service`: the generator's id, shared by a delivery and what withdraws it.
    """

    service: int
    person: Person
    provider: Provider
    payer: int
    care: str
    assignment: str
    first: dt.date
    last: dt.date
    cents: int
    reference: str
    step: int
    volume: int = 0
    turn: int = 20
    credit: bool = False
    previous: str | None = None
    outcome: str = ACCEPTED
    bsn: str = ""
    category: str = ""

    @property
    def tariff_cents(self) -> int | None:
        """Eurocents per unit where the care is declared by message."""
        return TARIFFS[self.care][1] if self.care in TARIFFS else None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A debit the municipality rejected: its answer (325) is published in month `step`."""

    line: Line
    step: int


@dataclass(slots=True)
class History:
    """Everything that is sent, in no particular order."""

    months: tuple[Month, ...]
    lines: list[Line] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    services: int = 0

    def new_service(self) -> int:
        """The next service id."""
        self.services += 1
        return self.services


def make_history(random: Random, people: list[Person], *, months: tuple[Month, ...], habits: Habits) -> History:
    """All lines of all months."""
    history = History(months)
    for person in people:
        for arrangement in person.arrangements:
            for index in range(arrangement.first, arrangement.last + 1):
                _month_of_care(random, history, person=person, care=arrangement, index=index, habits=habits)
    return history


def payer_of(person: Person, provider: Provider, index: int, sent: int) -> int:
    """The gemeente a line is sent to: where the provider believes the person lived; the old one where it doesn't serve the new."""
    moved = person.move_month is not None and index > person.move_month and sent >= person.move_known_month
    believed = person.move_to.gemeente if moved and person.move_to is not None else person.home.gemeente
    return believed if believed in provider.municipalities else provider.municipalities[0]


def _month_of_care(
    random: Random, history: History, *, person: Person, care: Arrangement, index: int, habits: Habits
) -> None:
    draw = random.random()
    late = draw < habits.late
    sent = index + random.randint(1, 3) if late else index
    if sent >= len(history.months):
        return
    line = _line(random, history, person=person, care=care, index=index, sent=sent)
    history.lines.append(line)
    after = sent + random.randint(1, 2)
    if late or care.care not in TARIFFS or after >= len(history.months):
        return
    if draw < habits.late + habits.credited:
        history.lines.append(credit_of(line, step=after))
        if random.random() < habits.again:
            history.lines.append(_again(random, history, line, step=after))
    elif draw < habits.late + habits.credited + habits.rejected:
        history.rejections.append(Rejection(line, sent + 1))
        if random.random() < 0.8:
            history.lines.append(_again(random, history, line, step=after))


def _line(random: Random, history: History, *, person: Person, care: Arrangement, index: int, sent: int) -> Line:
    month = history.months[index]
    first = month.first_day
    if index == care.first and index:
        first = month.first_day.replace(day=random.randint(1, 28))
    service = history.new_service()
    volume, cents = _size(random, care)
    return Line(
        service=service, person=person, provider=care.provider, payer=payer_of(person, care.provider, index, sent),
        care=care.care, assignment=care.assignment, first=first, last=month.last_day, volume=volume, cents=cents,
        reference=f"D{service:08d}", step=sent, bsn=person.bsn,
    )  # fmt: skip


def _size(random: Random, care: Arrangement) -> tuple[int, int]:
    """Volume and eurocents of one month: the usual amount, a quarter more or less."""
    wished = care.cents * random.uniform(0.75, 1.25)
    if care.care not in TARIFFS:
        return 0, max(100, round(wished))
    tariff = TARIFFS[care.care][1]
    volume = max(1, round(wished / tariff))
    return volume, volume * tariff


def credit_of(line: Line, *, step: int) -> Line:
    """The credit that takes a debit out."""
    return replace(line, reference=f"C{line.service:08d}", previous=line.reference, credit=True, step=step)


def _again(random: Random, history: History, line: Line, *, step: int) -> Line:
    """A debit in the place of one taken out: the same care, another volume, a reference of its own."""
    service = history.new_service()
    volume = max(1, line.volume + random.choice((-2, -1, 1, 2)))
    tariff = line.tariff_cents or 0
    return replace(line, service=service, reference=f"D{service:08d}", volume=volume, cents=volume * tariff, step=step)
