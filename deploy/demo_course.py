"""How far a demo is and how long it still takes: its stages weighed by what they took, and by what those of this very run took so far.

The weights are processor seconds of one run of 12 months and 20,000 addresses, seconds where a stage waits more than it works; what counts is how they
relate. A month is two stages, since what it takes to close one grows with what was published before: all of it is audited together.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

_INVENTING, _STARTING, _ADMITTING, _PAGES, _REBUILD = 10.0, 19.0, 4.0, 6.0, 8.0
_FIRST_MONTH, _MONTH = 32.0, 3.5
"""Publishing and receipts. The first month has everybody's homes and pseudonyms."""
_CLOSING, _CLOSING_MORE = 2.2, 0.23
"""Of any month, and how much more for the square of how many months a service year has been published for."""
_QUARTER: Final = 1.15
"""How many times that where buurten and clusters are due."""
_STEPS: Final = {
    "Month ": (("residence file", 0.0, 0.1), ("publishes", 0.1, 0.6), ("receipts", 0.6, 1.0)),
    "Starting: ": (("PostgreSQL", 0.0, 0.2), ("Kafka", 0.2, 0.5), ("keyvault", 0.5, 0.7), ("intake", 0.7, 1.0)),
}
"""Stages that come in steps: a word of each step, and from where to where of the stage it goes."""
_SURE_SECONDS: Final = 10.0
"""Stages of one kind that took less than this say less of the next than the weights do."""
_CLOSING_WORD: Final = re.compile(r"(Month \d+) of .*: closing")


@dataclass(slots=True)
class Stage:
    """One stage. `kind`: of stages that are slow or fast together; `done`: the part of it that is done, 0..1; `took`: seconds so far."""

    name: str
    kind: str
    weight: float
    done: float = 0.0
    took: float = 0.0


def stages_of(months: int, *, months_done: int = 0, invented: bool = False, rebuild: bool = False) -> list[Stage]:
    """The stages of a run in order. `months_done`: months an earlier run did; `invented`: it made the town too."""
    return list(_stages(months, months_done, invented=invented, rebuild=rebuild))


def _stages(months: int, months_done: int, *, invented: bool, rebuild: bool) -> Iterator[Stage]:
    if not invented:
        yield Stage("Inventing", "other", _INVENTING)
    yield Stage("Starting", "other", _STARTING)
    yield Stage("Admitting", "other", _ADMITTING)
    for month in range(months_done + 1, months + 1):
        yield Stage(f"Month {month} of", "publishing", _FIRST_MONTH if month == 1 else _MONTH)
        yield Stage(f"Month {month} closing", "closing", closing_weight(month))
    yield Stage("Starting: the pages", "other", _PAGES)
    if rebuild:
        yield Stage("Rebuilding", "other", _REBUILD)


def closing_weight(month: int) -> float:
    """Seconds it took to close the nth month. After the twelfth a second service year is open beside the first: that was not measured."""
    known = (month - 1) % 12 + 1
    squares = known**2 + ((known + 12) ** 2 if month > 12 else 0)
    return (_CLOSING + _CLOSING_MORE * squares) * (1 if month % 3 else _QUARTER)


def paces(stages: Iterable[Stage]) -> dict[str, float]:
    """Kind -> how many times its weight a stage of it takes in this run: as those did that are done, the more of them the surer."""
    weighed: dict[str, float] = defaultdict(float)
    took: dict[str, float] = defaultdict(float)
    for stage in stages:
        seen = stage.done if stage.took else 0.0  # one that was passed over says nothing
        for kind in (stage.kind, ""):
            weighed[kind] += stage.weight * seen
            took[kind] += stage.took if seen else 0.0
    whole = (took[""] + _SURE_SECONDS) / (weighed[""] + _SURE_SECONDS)
    return {kind: (took[kind] + _SURE_SECONDS * whole) / (weighed[kind] + _SURE_SECONDS) for kind in weighed}


def seconds_left(stages: list[Stage]) -> list[float]:
    """Seconds each stage still takes, from those that are done."""
    pace = paces(stages)
    return [stage.weight * (1 - stage.done) * pace[stage.kind] for stage in stages]


@dataclass(slots=True)
class Course:
    """Where a run is among its stages, by a clock."""

    stages: list[Stage]
    clock: Callable[[], float] = time.monotonic
    _at: int = -1
    _since: float = field(init=False)
    _part: float = 0.0

    def __post_init__(self) -> None:
        """Begins now."""
        self._since = self.clock()

    def reach(self, what: str, done: int, of: int) -> float:
        """The part of the whole that is done, 0..1, at a stage; it never goes back."""
        now, closing = self.clock(), _CLOSING_WORD.match(what)
        name = f"{closing[1]} closing" if closing else what
        found = [i for i, stage in enumerate(self.stages) if name.startswith(stage.name)]
        at = max(found, key=lambda i: len(self.stages[i].name), default=-1)
        if at < self._at or at < 0:
            return self._part
        if self._at >= 0:
            self.stages[self._at].took += now - self._since
        for stage in self.stages[:at]:
            stage.done = 1.0
        self.stages[at].done = max(self.stages[at].done, _within(name, done, of))
        self._at, self._since = at, now
        total = sum(stage.weight for stage in self.stages)
        self._part = max(self._part, sum(stage.weight * stage.done for stage in self.stages) / total)
        return self._part

    def seconds_left(self) -> float:
        """How long it still takes; while a stage goes on it counts down, at most to what comes after that stage."""
        left, since = seconds_left(self.stages), self.clock() - self._since
        here = left[self._at] if self._at >= 0 else 0.0
        return sum(left) - min(here, since)


def _within(what: str, done: int, of: int) -> float:
    """How far a stage itself is, 0..1."""
    step = done / of if of else 0.0
    for stage, steps in _STEPS.items():
        for word, start, end in steps if what.startswith(stage) else ():
            if word in what:
                return start + (end - start) * step
    return step
