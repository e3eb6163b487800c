"""How far a demo is and how long it still takes: its stages weighed by what they take, shown as one bar.

The weights are seconds of one run on two cores; what counts is how they relate. The time left follows from the time taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from deploy.demo_wish import Teller

_FIRST: Final = (("Inventing", 10.0), ("Starting", 19.0), ("Admitting", 4.0))
_FIRST_MONTH: Final = 25.0
"""The first month has everybody's homes and pseudonyms."""
_MONTH, _PAGES, _REBUILD = 5.0, 6.0, 8.0
_STEPS: Final = {
    "Month ": (("residence file", 0.0, 0.1), ("publishes", 0.1, 0.5), ("receipts", 0.5, 0.85), ("closing", 0.85, 1.0)),
    "Starting: ": (("PostgreSQL", 0.0, 0.2), ("Kafka", 0.2, 0.5), ("keyvault", 0.5, 0.7), ("intake", 0.7, 1.0)),
}
"""Stages that come in steps: a word of each step, and from where to where of the stage it goes."""
_LEARN_SECONDS: Final = 5.0


@dataclass(slots=True)
class Course:
    """The stages of one run in order. `months_done`: months an earlier run did; `invented`: it made the town too."""

    months: int
    months_done: int = 0
    invented: bool = False
    rebuild: bool = False
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _weights: list[tuple[str, float]] = field(init=False)
    _part: float = 0.0
    _expected: float = field(init=False)

    def __post_init__(self) -> None:
        """Begins now."""
        self._began, self._weights = self.clock(), list(self._stages())
        self._expected = sum(weight for _, weight in self._weights)

    def _stages(self) -> Iterator[tuple[str, float]]:
        yield from _FIRST[1 if self.invented else 0 :]
        for month in range(self.months_done + 1, self.months + 1):
            yield f"Month {month} of", _FIRST_MONTH if month == 1 else _MONTH
        yield "Starting: the pages", _PAGES
        if self.rebuild:
            yield "Rebuilding", _REBUILD

    def reach(self, what: str, done: int, of: int) -> float:
        """The part of the whole that is done, 0..1, at a stage; it never goes back."""
        before, total = 0.0, sum(weight for _, weight in self._weights)
        found = [i for i, (name, _) in enumerate(self._weights) if what.startswith(name)]
        if found:
            stage = max(found, key=lambda i: len(self._weights[i][0]))
            before = sum(weight for _, weight in self._weights[:stage])
            before += self._weights[stage][1] * _within(what, done, of)
        if before / total > self._part:
            self._part, took = before / total, self.clock() - self._began
            if took > _LEARN_SECONDS:
                self._expected = took / self._part
        return self._part

    def seconds_left(self) -> float:
        """How long it still takes, from how long it took to get here; from the weights while that says little."""
        if self._part >= 1:
            return 0.0
        return max(0.0, self._expected - (self.clock() - self._began))


def _within(what: str, done: int, of: int) -> float:
    """How far a stage itself is, 0..1."""
    step = done / of if of else 0.0
    for stage, steps in _STEPS.items():
        for word, start, end in steps if what.startswith(stage) else ():
            if word in what:
                return start + (end - start) * step
    return step


def left_in_words(seconds: float) -> str:
    """As people say it: `about 1:20 left`, `a few seconds left`."""
    if seconds < 5:
        return "a few seconds left"
    rounded = 5 * round(seconds / 5)
    return f"about {rounded // 60}:{rounded % 60:02d} left"


class _Left(ProgressColumn):
    """How long it still takes, said anew each time it is drawn."""

    def __init__(self, bar: Bar, *, table_column: Column) -> None:
        self._bar = bar
        super().__init__(table_column)

    def render(self, task: Task) -> Text:  # noqa: ARG002
        course = self._bar.course
        return Text(left_in_words(course.seconds_left()) if course else "")


class Bar(Teller):
    """One line on a terminal: what is being done, how far the whole is, how long it still takes; plain lines elsewhere."""

    def __init__(self, out: Console) -> None:
        """Shows nothing before `course` is known."""
        self._out, self._last = out, ""
        self.course: Course | None = None
        self._progress = Progress(
            BarColumn(bar_width=20, table_column=Column(no_wrap=True, min_width=20)),
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
            _Left(self, table_column=Column(no_wrap=True, min_width=18)),
            TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            console=out, transient=True, expand=True,
        )  # fmt: skip
        self._task: TaskID = self._progress.add_task("", total=1.0)

    def __enter__(self) -> Self:
        if self._out.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._out.is_terminal:
            self._progress.stop()

    def stage(self, what: str, done: int = 0, of: int = 0) -> None:
        """Show it."""
        if self.course is not None:
            part = self.course.reach(what, done, of)
            count = f" ({done} of {of})" if of else ""
            self._progress.update(self._task, completed=part, description=what + count)
        head = what.split(":", maxsplit=1)[0]
        if not self._out.is_terminal and head != self._last:
            self._last = head
            left = f"  ({left_in_words(self.course.seconds_left())})" if self.course is not None else ""
            self._out.print(f"{time.strftime('%H:%M:%S')}  {what}{left}")
