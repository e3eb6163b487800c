"""`make test`: all tests but the long ones, in runs beside each other, and what each came to.

Most of the time tests wait for servers, so one run after the other would leave the processors idle. Runs without deadlines of servers take what the
others leave. While they run, one line a minute says how far each is; what a run prints goes to `.cache/tests-NAME.txt`, and its end is shown at the end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
_EVERY_SECONDS: Final = 60
_OUTCOMES: Final = ".sxFEX"
"""What pytest prints for each test that was made: passed, skipped, expected to fail, failed, could not be made, unexpectedly passed."""


def _faults(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/faults/test_{name}.py" for name in names)


FILES: Final = _faults("commands_broken_off", "peoples_keys_broken_off", "asked_first")
PUT_RIGHT: Final = _faults(
    "officers", "order", "other_keys", "peoples_keys", "put_back", "release_killed", "retention", "signing_keys", "what_no_backup_brings_back"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """One run of pytest: the folders and files it takes, those it leaves to others, and whether it makes way."""

    name: str
    takes: tuple[str, ...]
    leaves: tuple[str, ...] = ()
    makes_way: bool = False

    def command(self) -> list[str]:
        """What is typed."""
        pytest = [sys.executable, "-m", "pytest", "-q", "-m", "not long", "--durations=8"]
        return [
            *(["nice", "-n", "15"] if self.makes_way else []),
            *pytest,
            *self.takes,
            *(f"--ignore={f}" for f in self.leaves),
        ]


RUNS: Final = (
    Run("zones that are broken", ("tests/faults",), (*FILES, *PUT_RIGHT)),
    Run("zones that are put right", PUT_RIGHT),
    # Attacks first: what they read is as the demo made it.
    Run("zones and servers", ("tests/attacks", "tests/integration"), ("tests/attacks/disclosure",)),
    Run("databases", ("tests/contract",)),
    Run("pages in Chromium", ("tests/browser",), makes_way=True),
    Run(
        "files only",
        ("tests/unit", "tests/property", "tests/reference", "tests/attacks/disclosure", *FILES),
        makes_way=True,
    ),
)


@dataclass(slots=True)
class Running:
    """A run under way."""

    run: Run
    began: float = field(default_factory=time.monotonic)
    process: subprocess.Popen[bytes] = field(init=False)
    status: int | None = None

    def __post_init__(self) -> None:
        self.paper.parent.mkdir(exist_ok=True)
        with self.paper.open("wb") as out:
            # In a group of its own: Ctrl-C reaches it once, as what this process says.
            self.process = subprocess.Popen(
                self.run.command(), cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, process_group=0
            )

    @property
    def paper(self) -> Path:
        """What it prints."""
        return ROOT / ".cache" / f"tests-{self.run.name.replace(' ', '-')}.txt"

    def text(self) -> str:
        """What it printed so far."""
        return self.paper.read_text("utf-8", "replace")

    def ended(self) -> bool:
        """Says so when it is."""
        if self.status is None and (code := self.process.poll()) is not None:
            self.status = code
            print(f"{self.run.name}: {last_line(self.text())}", flush=True)
        return self.status is not None


def made(text: str) -> tuple[int, int]:
    """How many tests a run made so far, and how many of them failed, from what `pytest -q` printed."""
    lines = [line.split("[")[0].strip() for line in text.splitlines()]
    marks = "".join(line for line in lines if line and not set(line) - set(_OUTCOMES))
    return len(marks), sum(marks.count(bad) for bad in "FE")


def last_line(text: str) -> str:
    """The sentence a run ends with."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "nothing printed")


def ending(text: str) -> str:
    """What is worth reading of a run: all from the first failure on, else its last lines."""
    lines = text.splitlines()
    first = next(
        (n for n, line in enumerate(lines) if line.startswith(("=", "_")) and ("FAILURES" in line or "ERRORS" in line)),
        None,
    )
    return "\n".join(lines[first:] if first is not None else lines[-12:])


def main(runs: Iterable[Run] = RUNS) -> int:
    """Run them all. Returns 0 where each passed."""

    def told_to_end(number: int, _: Any) -> None:
        raise KeyboardInterrupt(f"signal {number}")

    signal.signal(signal.SIGTERM, told_to_end)
    running = [Running(run) for run in runs]
    began = said = time.monotonic()
    try:
        while sum(one.ended() for one in running) < len(running):
            time.sleep(0.5)
            if time.monotonic() - said > _EVERY_SECONDS:
                said = time.monotonic()
                at = [(one.run.name, *made(one.text())) for one in running if one.status is None]
                print(
                    f"{(said - began) / 60:.0f} min: "
                    + "; ".join(f"{n} {k}" + (f", {bad} failed" if bad else "") for n, k, bad in at),
                    flush=True,
                )
    except KeyboardInterrupt:
        for one in running:
            one.process.send_signal(signal.SIGTERM)  # each stops its servers
        for one in running:
            one.process.wait()
        return 130
    for one in running:
        print(f"\n{one.run.name} ({one.paper.relative_to(ROOT)}):\n{ending(one.text())}")
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes on {os.cpu_count()} cores.")
    return int(any(one.status for one in running))


if __name__ == "__main__":
    sys.exit(main())
