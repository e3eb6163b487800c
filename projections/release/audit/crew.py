"""Worker processes of an audit: clean ones of their own, never forked, that know what they are told through a pipe and nothing else.

What comes back is in the order of what was asked, so no answer depends on who was first. A crew whose worker dies has no answers: the caller does the work
itself. Whatever a worker knows is in its memory only, and it ends with its pipe, so also when this process is killed.
"""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from projections.release.cells import CellId
from schemas.errors import SettingsWrong

_LENGTH: Final = struct.Struct(">Q")
_ROOT: Final = Path(__file__).parent.parent.parent.parent
MODULE: Final = "projections.release.audit.worker"
_MISSING: Final = object()
DIED: Final = "A worker process of the audit ended before its work was done; the audit is done by one process."

_MOST: Final = 64
_UNASKED: Final = 4
"""So many at most where nobody said how many: each has its own copy of the audit in memory."""


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers(setting: Any) -> int:
    """How many processes the setting `audit_workers` asks for; None: one per core, at most four. Raises `SettingsWrong`."""
    if setting is None:
        return min(cores(), _UNASKED)
    if not isinstance(setting, int) or isinstance(setting, bool) or not 1 <= setting <= _MOST:
        msg = f"`audit_workers` is a whole number from 1 (release does it by itself) to {_MOST}."
        raise SettingsWrong(msg)
    return setting


def send(pipe: IO[bytes], message: Any) -> None:
    """Write one message. Raises `OSError` where nobody reads any more."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(body)))
    pipe.write(body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """Read one message. Raises `EOFError` where it does not come whole."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    if len(body) < length:
        raise EOFError
    return pickle.loads(body)  # noqa: S301 - from a process this one started, or was started by


@dataclass(slots=True)
class _Worker:
    """One process. `released`: what it was last told."""

    process: subprocess.Popen[bytes]
    released: tuple[CellId, ...] | None = None

    @classmethod
    def start(cls) -> _Worker:
        """Nothing of this process goes along: no open file, no argument, of its environment only where programs lie and the language."""
        kept = {
            name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ
        }
        started = subprocess.Popen(  # noqa: S603 - this same Python, a module of our own
            [sys.executable, "-P", "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**kept, "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        return cls(started)

    def tell(self, message: Any) -> None:
        """Say something. Raises `OSError`."""
        if self.process.stdin is None:
            raise OSError
        send(self.process.stdin, message)

    def ask(self, released: tuple[CellId, ...], piece: Any) -> Any:
        """The answer to one piece. Raises `OSError` or `EOFError` where it ended."""
        if self.released != released:
            self.tell(("begin", released))
            self.released = released
        self.tell(("do", piece))
        if self.process.stdout is None:
            raise EOFError
        return receive(self.process.stdout)

    def end(self) -> None:
        """Whatever it was doing."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                _close(pipe)
        self.process.wait()


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        return  # what was still to be written has no reader


@dataclass(slots=True)
class Crew:
    """At most `size` worker processes for one audit, started when it first asks. `say`: is told the sentence `DIED`."""

    size: int
    say: Callable[[str], None] = field(default=lambda _: None)
    _workers: list[_Worker] = field(default_factory=list)
    _broken: bool = False

    def __enter__(self) -> Self:
        """For as long as one audit takes."""
        self._broken = False
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _what: BaseException | None, _where: TracebackType | None
    ) -> None:
        """End all workers."""
        self.end()

    def all(self, audit: Callable[[], Any], released: tuple[CellId, ...], pieces: Sequence[Any]) -> list[Any] | None:
        """Answers to all pieces, in their order. None where this process has to do them itself. `audit`: what `Audit.told` says."""
        if self.size < 2 or self._broken:
            return None
        if not pieces:
            return []
        found: list[Any] = [_MISSING] * len(pieces)
        try:
            if not self._workers:
                self._start(audit())
            left = iter(sorted(range(len(pieces)), key=lambda i: (-pieces[i].size, i)))
            lock = threading.Lock()
            _run(
                [
                    threading.Thread(target=self._work, args=(w, released, pieces, left, lock, found), daemon=True)
                    for w in self._workers
                ]
            )
        except BaseException:
            self.end()
            raise
        if self._broken or any(one is _MISSING for one in found):
            self._broken = True
            self.end()
            self.say(DIED)
            return None
        return found

    def end(self) -> None:
        """End all workers; the next audit starts others."""
        for worker in self._workers:
            worker.end()
        self._workers = []

    def _start(self, audit: Any) -> None:
        try:
            for _ in range(self.size):
                self._workers.append(_Worker.start())
        except OSError:
            self._broken = True
            return
        _run([threading.Thread(target=self._told, args=(w, audit), daemon=True) for w in self._workers])

    def _told(self, worker: _Worker, audit: Any) -> None:
        try:
            worker.tell(audit)
        except OSError:
            self._broken = True

    def _work(
        self, worker: _Worker, released: tuple[CellId, ...], pieces: Sequence[Any], left: Iterator[int], lock: threading.Lock, found: list[Any]
    ) -> None:  # fmt: skip
        """One worker's: the next piece that nobody has, until there is none, or one of them died."""
        while not self._broken:
            with lock:
                mine = next(left, None)
            if mine is None:
                return
            try:
                found[mine] = worker.ask(released, pieces[mine])
            except (OSError, EOFError):
                self._broken = True
                return


def _run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
