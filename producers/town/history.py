"""What happens month by month: lines declared, credited, rejected, late, sent twice or wrong; moves and links made known.

A `Step` is what is published in one month, in order; the truth (`producers.town.truth`) is counted from the same steps.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Final

from producers.town.people import Arrangement, Person
from producers.town.providers import TARIFFS, by_message
from schemas.care import CARE_TYPE_BY_CODE
from schemas.values import Month

_LATE_SHARE: Final = 0.05
_CREDIT_SHARE: Final = 0.02
_REJECTED_SHARE: Final = 0.006
_MISTAKE_SHARE: Final = 0.004


class Fault(StrEnum):
    """What is wrong on purpose with a line; it never reaches the books."""

    BSN = "bsn"
    TARIFF = "9346"
    REFERENCE_AGAIN = "8021"
    CREDIT_OF_NOTHING = "8017"
    CREDITED_TWICE = "9390"
    SECOND_DEBIT = "9389"


@dataclass(slots=True)
class Line:
    """One service: a debit in step `step`, perhaps taken out again in step `withdrawn`."""

    id: int
    person: Person
    arrangement: Arrangement
    payer: int
    first_day: dt.date
    last_day: dt.date
    volume: int
    cents: int
    reference: str
    step: int
    withdrawn: int | None = None
    rejected: bool = False

    @property
    def care(self) -> str:
        """Care type code."""
        return self.arrangement.care


@dataclass(slots=True)
class Sent:
    """One line as sent in a file: the service, whether it is its credit, its own reference, and a fault, if any."""

    line: Line
    credit: bool = False
    reference: str = ""
    fault: Fault | None = None


@dataclass(slots=True)
class Step:
    """One month: what each provider sends per (provider, payer), which lines the municipality rejects, grants, news of homes."""

    index: int
    month: Month
    sent: dict[tuple[str, int], list[Sent]] = field(default_factory=lambda: defaultdict(list))
    wrong: dict[tuple[str, int], list[Sent]] = field(default_factory=lambda: defaultdict(list))
    rejected: dict[tuple[str, int], list[Line]] = field(default_factory=lambda: defaultdict(list))
    grants: dict[tuple[str, int], list[tuple[Person, Arrangement]]] = field(default_factory=lambda: defaultdict(list))
    again: list[tuple[str, int]] = field(default_factory=list)
    residents: list[Person] = field(default_factory=list)
    links: list[Person] = field(default_factory=list)


def home_gemeente(person: Person, month_index: int) -> int:
    """Who pays: the municipality of the address as it is known to it in that month."""
    if person.move_to is not None and person.move_month is not None and month_index >= person.move_known_month:
        return person.move_to.gemeente
    return person.home.gemeente


class History:
    """Makes all steps of a town."""

    def __init__(self, random: Random, people: list[Person], months: list[Month]) -> None:
        """`months`: the months of service and of publishing."""
        self._random, self._people, self._months = random, people, months
        self._next_line = 0
        self.steps = [Step(i, m) for i, m in enumerate(months)]
        self.lines: list[Line] = []

    def make(self) -> list[Step]:
        """All steps."""
        for step in self.steps:
            self._homes(step)
            self._grants(step)
            self._services(step)
            if step.index:
                self._corrections(step)
            self._mistakes(step)
        return self.steps

    def _homes(self, step: Step) -> None:
        for person in self._people:
            listed = person.known == "residence" or (person.known == "nothing" and person.known_from_month)
            first = person.known_from_month if person.known == "nothing" else 0
            moved = person.move_month is not None and step.index == person.move_known_month and step.index > 0
            if listed and (step.index == first or moved):
                step.residents.append(person)
            if person.parent is not None and step.index == person.linked_month:
                step.links.append(person)

    def _grants(self, step: Step) -> None:
        for person in self._people:
            for arrangement in person.arrangements:
                if arrangement.first == step.index and by_message(CARE_TYPE_BY_CODE[arrangement.care]) and person.known != "nothing":
                    key = (arrangement.provider.agb, home_gemeente(person, step.index))
                    if key[1] in arrangement.provider.municipalities:
                        step.grants[key].append((person, arrangement))

    def _services(self, step: Step) -> None:
        for person in self._people:
            for arrangement in person.arrangements:
                if not arrangement.first <= step.index <= arrangement.last:
                    continue
                late = self._random.random() < _LATE_SHARE
                at = min(len(self.steps) - 1, step.index + (self._random.choice((1, 2)) if late else 0))
                payer = home_gemeente(person, at)
                if payer not in arrangement.provider.municipalities:
                    continue
                line = self._line(person, arrangement, step, payer=payer, at=at)
                self.steps[at].sent[arrangement.provider.agb, payer].append(Sent(line, reference=line.reference))

    def _line(self, person: Person, arrangement: Arrangement, step: Step, *, payer: int, at: int) -> Line:
        cents = max(500, int(arrangement.cents * self._random.uniform(0.7, 1.3)))
        volume = 0
        if arrangement.care in TARIFFS:
            tariff = TARIFFS[arrangement.care][1]
            volume = max(1, cents // tariff)
            cents = volume * tariff
        line = Line(
            self._next_line, person, arrangement, payer, step.month.first_day, step.month.last_day, volume, cents,
            f"R{self._next_line:07d}", at,
        )  # fmt: skip
        self._next_line += 1
        self.lines.append(line)
        return line

    def _corrections(self, step: Step) -> None:
        """Some earlier lines are credited and declared anew; some are rejected by the municipality (325, messages only)."""
        before = [s.line for sent in self.steps[step.index - 1].sent.values() for s in sent if not s.credit and s.fault is None]
        for line in before:
            draw = self._random.random()
            if line.withdrawn is not None or not by_message(CARE_TYPE_BY_CODE[line.care]):
                continue
            key = (line.arrangement.provider.agb, line.payer)
            if draw < _REJECTED_SHARE:
                line.withdrawn, line.rejected = step.index, True
                step.rejected[key].append(line)
            elif draw < _REJECTED_SHARE + _CREDIT_SHARE:
                line.withdrawn = step.index
                step.sent[key].append(Sent(line, credit=True, reference=f"C{line.id:07d}"))
                if self._random.random() < 0.8:
                    self._declare_anew(line, step, key)

    def _declare_anew(self, line: Line, step: Step, key: tuple[str, int]) -> None:
        anew = Line(
            self._next_line, line.person, line.arrangement, line.payer, line.first_day, line.last_day,
            max(1, line.volume + self._random.choice((-1, 1, 2))), 0, f"R{self._next_line:07d}", step.index,
        )  # fmt: skip
        anew.cents = anew.volume * TARIFFS[line.care][1]
        self._next_line += 1
        self.lines.append(anew)
        step.sent[key].append(Sent(anew, reference=anew.reference))

    def _mistakes(self, step: Step) -> None:
        """Faults on purpose: in the file itself where the provider's check finds them, else in a file of their own."""
        for key, sent in sorted(step.sent.items()):
            good = [s for s in sent if not s.credit and s.fault is None and by_message(CARE_TYPE_BY_CODE[s.line.care])]
            if not good:
                continue
            for fault in (Fault.BSN, Fault.TARIFF):
                if self._random.random() < _MISTAKE_SHARE * len(good) / 2:
                    sent.append(Sent(self._random.choice(good).line, reference=f"F{fault.value[0]}{step.index:02d}{len(sent):05d}", fault=fault))
            if self._random.random() < _MISTAKE_SHARE * len(good):
                step.wrong[key] += self._ledger_faults(step, good, key)
            if self._random.random() < 0.06:
                step.again.append(key)

    def _ledger_faults(self, step: Step, good: list[Sent], key: tuple[str, int]) -> list[Sent]:
        one = self._random.choice(good)
        number = f"{step.index:02d}{one.line.id:06d}"
        faults = [
            Sent(one.line, reference=one.line.reference, fault=Fault.REFERENCE_AGAIN),
            Sent(one.line, credit=True, reference=f"X{number}", fault=Fault.CREDIT_OF_NOTHING),
            Sent(one.line, reference=f"Y{number}", fault=Fault.SECOND_DEBIT),
        ]
        gone = [s.line for s in step.sent[key] if s.credit and s.fault is None]
        if gone:
            faults.append(Sent(gone[0], credit=True, reference=f"Z{number}", fault=Fault.CREDITED_TWICE))
        return faults
