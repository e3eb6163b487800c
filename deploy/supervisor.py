"""Starts the processes of one machine, waits until each is ready, and stops exactly those it started.

Each process writes to a log file of its own. A process that ends by itself is started again, after a growing pause; one
that says "contract broken" (exit code 3) or "settings wrong" (2) is not: its last log line is shown instead.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import ContractBroken, SettingsWrong, Unavailable

EXIT_SETTINGS, EXIT_CONTRACT = 2, 3
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: a name, a Python module with its arguments, and how to tell that it is ready (True when it is)."""

    name: str
    module: str
    arguments: tuple[str, ...]
    ready: Callable[[], bool]
    told: bytes = field(default=b"", repr=False)
    """What it reads from its standard input when it starts; nobody else sees it."""


@dataclass(slots=True)
class _Running:
    program: Program
    process: subprocess.Popen[bytes]
    started: float
    restarts: int = 0


@dataclass(slots=True)
class Supervisor:
    """Keeps a set of programs running. `logs`: folder for one log file per program. Safe to use from several threads."""

    logs: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _running: dict[str, _Running] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)
    """Two that see the same program ended must not both start it again: one of the two would be forgotten."""

    def start(self, program: Program) -> None:
        """Start one program without waiting. A program of that name must not be running."""
        with self._lock:
            if program.name in self._running:
                msg = f"{program.name} is running already."
                raise ContractBroken(msg)
            self._running[program.name] = _Running(program, self._spawn(program), time.monotonic())

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{program.name}.log").open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", program.module, *program.arguments],
                stdin=subprocess.PIPE if program.told else subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, **self.environment},
            )  # fmt: skip
        if started.stdin is not None:
            with contextlib.suppress(BrokenPipeError), started.stdin as told:
                told.write(program.told)
        return started

    def wait_ready(self, names: Sequence[str], *, seconds: float = 60) -> None:
        """Wait until all named programs are ready.

        Raises `SettingsWrong` or `ContractBroken` when one ended by itself, `Unavailable` after `seconds`.
        """
        deadline = time.monotonic() + seconds
        waiting = list(names)
        while waiting:
            waiting = [name for name in waiting if not self._is_ready(name)]
            if waiting and time.monotonic() > deadline:
                msg = f"{', '.join(waiting)} did not become ready within {seconds:.0f} s; see {self.logs}."
                raise Unavailable(msg)
            if waiting:
                time.sleep(0.1)

    def _known(self, name: str) -> _Running:
        """What runs under a name. Raises `ContractBroken` with the last word of what stopped for good."""
        if name not in self._running:
            msg = f"{name} does not run. Its last word: {self.last_line(name)}"
            raise ContractBroken(msg)
        return self._running[name]

    def _is_ready(self, name: str) -> bool:
        running = self._known(name)
        code = running.process.poll()
        if code is not None:
            kind = SettingsWrong if code == EXIT_SETTINGS else ContractBroken
            raise kind(f"{name} ended with code {code}: {self.last_line(name)}")
        return running.program.ready()

    def last_line(self, name: str) -> str:
        """The last line a program wrote to its log."""
        path = self.logs / f"{name}.log"
        lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
        return lines[-1] if lines else "(nothing was logged)"

    def tend(self) -> list[str]:
        """Start again what ended by itself; returns one sentence per event. Call it every second or so."""
        with self._lock:
            told: list[str] = []
            for name, running in list(self._running.items()):
                code = running.process.poll()
                if code is None:
                    continue
                if code in (EXIT_SETTINGS, EXIT_CONTRACT):
                    told.append(f"{name} stopped for good (code {code}): {self.last_line(name)}")
                    del self._running[name]
                elif time.monotonic() - running.started >= min(30.0, 2.0**running.restarts - 1):
                    told.append(f"{name} ended (code {code}) and is started again.")
                    fresh = self._spawn(running.program)
                    self._running[name] = _Running(running.program, fresh, time.monotonic(), running.restarts + 1)
            return told

    def pids(self) -> dict[str, int]:
        """Process id of each running program."""
        with self._lock:
            return {name: r.process.pid for name, r in self._running.items()}

    def kill9(self, name: str) -> None:
        """Kill one program without warning; `tend` starts it again. For fault tests."""
        with self._lock:
            process = self._known(name).process
            process.send_signal(signal.SIGKILL)
            process.wait()

    def stop(self, names: Sequence[str] | None = None) -> None:
        """Stop programs (all: in the reverse order of starting): ask, wait 10 s, then kill."""
        with self._lock:
            chosen = list(names) if names is not None else list(reversed(self._running))
            going = [self._running.pop(name).process for name in chosen if name in self._running]
            for process in going:
                if process.poll() is None:
                    process.terminate()
            deadline = time.monotonic() + _STOP_SECONDS
            for process in going:
                try:
                    process.wait(timeout=max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
