"""What is sent in which month: declarations, late ones, credits, answers that reject, the same again, and planned mistakes.

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
_LATE, _REJECTED = 0.05, 0.02
_LINES_PER_MISTAKE: Final = 3000


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


def make_history(random: Random, people: list[Person], *, months: tuple[Month, ...], credited: float) -> History:
    """All lines of all months; `credited`: share of debits that are taken out again, most to be declared anew."""
    history = History(months)
    for person in people:
        for arrangement in person.arrangements:
            for index in range(arrangement.first, arrangement.last + 1):
                _month_of_care(random, history, person=person, care=arrangement, index=index, credited=credited)
    _add_mistakes(random, history)
    return history


def payer_of(person: Person, provider: Provider, index: int, sent: int) -> int:
    """The gemeente a line is sent to: where the provider believes the person lived; the old one where it doesn't serve the new."""
    moved = person.move_month is not None and index > person.move_month and sent >= person.move_known_month
    believed = person.move_to.gemeente if moved and person.move_to is not None else person.home.gemeente
    return believed if believed in provider.municipalities else provider.municipalities[0]


def _month_of_care(
    random: Random, history: History, *, person: Person, care: Arrangement, index: int, credited: float
) -> None:
    draw = random.random()
    late = draw < _LATE
    sent = index + random.randint(1, 3) if late else index
    if sent >= len(history.months):
        return
    line = _line(random, history, person=person, care=care, index=index, sent=sent)
    history.lines.append(line)
    after = sent + random.randint(1, 2)
    if late or care.care not in TARIFFS or after >= len(history.months):
        return
    if draw < _LATE + credited:
        history.lines.append(credit_of(line, step=after))
        if random.random() < 0.85:
            history.lines.append(_again(random, history, line, step=after))
    elif draw < _LATE + credited + _REJECTED and sent + 1 < len(history.months):
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


def _add_mistakes(random: Random, history: History) -> None:
    """Lines that must be refused, each with its code, and lines sent twice. They change no sum."""
    last = len(history.months) - 1
    taken = {r.line.reference for r in history.rejections} | {x.previous for x in history.lines if x.credit}
    debits = [
        x for x in history.lines if not x.credit and x.care in TARIFFS and x.step < last and x.reference not in taken
    ]
    credited = [x for x in history.lines if x.credit and x.step < last]
    if not debits:
        return
    count = max(1, len(debits) // _LINES_PER_MISTAKE)
    makers = (_same_reference, _second_debit, _unknown_debit, _sent_twice)
    # Each line is used once: two mistakes about one line would meet in one file, where the provider's check finds them.
    chosen = iter(random.sample(debits, min(len(debits), count * (len(makers) + len(_FAULTS)))))
    for _ in range(count):
        history.lines += [make(history, line) for make, line in zip(makers, chosen, strict=False)]
        history.lines += [_faulty(history, line, code) for code, line in zip(_FAULTS, chosen, strict=False)]
    for line in random.sample(credited, min(count, len(credited))):
        twice = f"X{line.service:08d}"
        history.lines.append(replace(line, reference=twice, step=line.step + 1, turn=95, outcome="ledger:9390"))


def _same_reference(history: History, line: Line) -> Line:
    """8021: the reference again with other content, a month later."""
    del history
    volume = line.volume + 1
    return replace(
        line, volume=volume, cents=volume * (line.tariff_cents or 0), step=line.step + 1, turn=95, outcome="ledger:8021"
    )


def _second_debit(history: History, line: Line) -> Line:
    """9389: the same assignment, product and period again without a credit."""
    service = history.new_service()
    return replace(
        line, service=service, reference=f"E{service:08d}", step=line.step + 1, turn=95, outcome="ledger:9389"
    )


def _unknown_debit(history: History, line: Line) -> Line:
    """8017: a credit of a debit that never was."""
    service = history.new_service()
    return replace(
        line, service=service, reference=f"K{service:08d}", previous=f"N{service:08d}", credit=True, step=line.step + 1, turn=95,
        outcome="ledger:8017",
    )  # fmt: skip


def _sent_twice(history: History, line: Line) -> Line:
    """The very line again in a later message: counted as a duplicate and ignored."""
    del history
    return replace(line, step=line.step + 1, turn=92, outcome=DUPLICATE)


_FAULTS: Final = ("bsn", "9346", "category", "period", "9319", "too-old")


def _faulty(history: History, line: Line, code: str) -> Line:
    """A line the provider's own check refuses with `code`. A wrong BSN fails the eleven-test, so it is nobody's."""
    service = history.new_service()
    bad = replace(line, service=service, reference=f"F{service:08d}", turn=97, outcome=f"check:{code}")
    match code:
        case "bsn":
            return replace(bad, bsn=f"{line.bsn[:8]}{(int(line.bsn[8]) + 1) % 10}")
        case "9346":
            return replace(bad, cents=line.cents + 1000)
        case "category":
            return replace(bad, category="99")
        case "period":
            return replace(bad, first=line.last, last=line.first)
        case "9319":
            after = Month.of(line.last).plus(4)
            return replace(bad, first=after.first_day, last=after.last_day)
        case _:
            return replace(bad, first=dt.date(2015, 1, 1), last=dt.date(2015, 1, 31))
