"""The process `release` by a clock that a test sets, and which kills itself, really, before a step that the test chose. For tests.

`python -m tests.faults.release_by_a_clock CLOCK STEP WHICH --config FILE`: CLOCK is a file that holds a moment, STEP which one it does not live to
see (0: none), counted from where the work begins; WHICH is `left` for steps as `tests.contract.broken_off.Steps` counts them, `every` for every command
to PostgreSQL and every record, `whole` for every command where an epoch's records go out at once.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from streams import release_process
from streams.release import Release
from streams.release_topics import KafkaTopics, Wanted
from tests.contract.broken_off import Killed, Steps


@dataclass
class OwnDeath(Steps):
    """Where `Steps` raises, the process is gone, as with kill -9."""

    def step(self, name: str) -> None:
        """See `Steps.step`."""
        try:
            super().step(name)
        except Killed:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Runs until SIGTERM or until its step has come."""
    clock, at, which = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    del sys.argv[1:4]
    steps = OwnDeath(every=which != "left", at=at)
    whole, send_all, step = which == "whole", KafkaTopics.send, Release.step

    class Set(dt.datetime):
        @classmethod
        def now(cls, _: Any = None) -> Any:
            return dt.datetime.fromisoformat(clock.read_text())

    def send(topics: KafkaTopics, wanted: Wanted) -> list[int]:
        offsets = []
        for records in [wanted] if whole else [[w] for w in wanted]:
            steps.step("record")
            offsets += send_all(topics, records)
        return offsets

    def counted(release: Release, own: Any, now: dt.datetime) -> bool:
        steps.counting = True
        return step(release, own, now)

    release_process.dt = SimpleNamespace(datetime=Set, UTC=dt.UTC)  # type: ignore[assignment]
    KafkaTopics.send, Release.step = send, counted  # type: ignore[method-assign]
    with steps.watched():
        release_process.main()


if __name__ == "__main__":
    main()
