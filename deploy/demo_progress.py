"""How far a demo is and how long it still takes, shown as one bar on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from deploy.demo_course import Course
from deploy.demo_wish import Teller


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
