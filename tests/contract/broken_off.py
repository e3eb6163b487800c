"""Breaks work off before any command to PostgreSQL and before any record to a topic, and lets it begin again. For tests.

What stands between two commands is lost with the process; what PostgreSQL committed and a topic took stays. So whoever breaks off
before and after each commit and each record has met all that can be left behind; the long tests break off before every command all the
same. Which of several processes was killed makes no difference to what is left: all are, or the keyvault alone, under callers that live on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
import pytest

from keyvault.client import VaultClient
from keyvault.mutual_tls import Caller
from keyvault.service import Route
from schemas.errors import Unavailable

_COMMAND: Final = "command"
_COMMITS: Final = ("_commit_gen", "_exit_gen")
"""What psycopg calls the end of a transaction."""


class Killed(BaseException):
    """Stands for kill -9: nothing after this point happens in these processes."""


@dataclass
class Steps:
    """Counts steps while `broken_off` runs, and breaks off before one of them.

    A step is a commit, a record to a topic, and what comes right after either; with `every` it is each command. With `alone` only the
    keyvault's count, and only it is killed.
    """

    every: bool = False
    alone: bool = False
    inside: bool = False
    at: int = 0
    count: int = 0
    counting: bool = False
    killed: bool = False
    names: list[str] = field(default_factory=list)
    _stays: bool = True
    _open: list[psycopg.Connection[Any]] = field(default_factory=list)

    def step(self, name: str) -> None:
        """One more is about to happen. Raises `Killed` at the one chosen, and for everything after it."""
        if self.killed:
            raise Killed
        stays, self._stays = self._stays, name != _COMMAND
        if self.counting and (self.every or stays or self._stays) and (self.inside or not self.alone):
            self.count += 1
            self.names.append(name)
            if self.count == self.at:
                self.killed = True
                raise Killed

    def broken_off(self, work: Callable[[], None], *, at: int) -> bool:
        """Do work up to just before step `at`; whether it had so many. Then every connection is gone, as a killed process's are."""
        self.at, self.count, self.counting, self.names, self._stays = at, 0, True, [], True
        try:
            work()
        except Killed:
            assert not self.alone
        finally:
            self.counting = self.killed = False
            self.gone(self._open)
        return self.count >= at

    def gone(self, connections: list[psycopg.Connection[Any]]) -> None:
        """They end as a killed process's do."""
        for connection in connections:
            connection.close()
        self._open = [c for c in self._open if not c.closed]

    @contextmanager
    def within_keyvault(self) -> Iterator[None]:
        """What is done here is the keyvault's. Killed alone, it is away to its caller."""
        self.inside, before = True, list(self._open)
        try:
            yield
        except Killed:
            if not self.alone:
                raise
            self.killed = False
            self.gone([c for c in self._open if c not in before])
            raise Unavailable("The keyvault is away.") from None
        finally:
            self.inside = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Every command of psycopg, commits, rollbacks and copies too, is a step."""
        real = psycopg.Connection.wait

        def wait(connection: psycopg.Connection[Any], command: Any, *args: Any, **kwargs: Any) -> Any:
            if self.counting:
                if connection not in self._open:
                    self._open.append(connection)
                self.step("commit" if command.__name__ in _COMMITS else _COMMAND)
            return real(connection, command, *args, **kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.Connection, "wait", wait)
            yield


@dataclass
class LogOnTopic:
    """`access-log.v1`: each line that is sent is a step."""

    steps: Steps
    lines: list[dict[str, Any]] = field(default_factory=list)

    def append(self, records: list[dict[str, Any]]) -> None:
        for record in records:
            self.step_and_keep(record)

    def step_and_keep(self, record: dict[str, Any]) -> None:
        self.steps.step("access log")
        self.lines.append(record)

    def whole(self) -> list[dict[str, Any]]:
        """Each line once: what is there twice is word for word the same."""
        by_number: dict[int, dict[str, Any]] = {}
        for line in self.lines:
            assert by_number.setdefault(line["sequence"], line) == line
        return [by_number[n] for n in sorted(by_number)]


class InOneProcess(VaultClient):
    """The vault's client without a line between them: the same requests, the same rights, the same answers."""

    def __init__(self, name: str, steps: Steps, routes: Callable[[], tuple[Route, ...]]) -> None:
        self.caller, self.steps, self.routes = Caller(name, b"", "127.0.0.1"), steps, routes
        self.has_spare, self.heads, self.seconds = True, {}, 0.0

    def _ask(self, method: str, path: str, body: bytes | None = None, *, again: bool = True) -> bytes:
        route = next(r for r in self.routes() if (r.method, r.path) == (method, path))
        assert route.may(self.caller.name), path
        with self.steps.within_keyvault():
            return route.work(self.caller, body or b"")


@dataclass(frozen=True)
class Where:
    """At which steps a test breaks off. `apart`: at one of so many; an odd number meets what comes before a commit and what comes after one."""

    every: bool = False
    alone: bool = False
    apart: int = 1

    def step(self, nth: int) -> int:
        """Before which step the nth round, counted from 0, breaks off."""
        return 1 + nth * self.apart

    def set(self, steps: Steps) -> None:
        steps.every, steps.alone = self.every, self.alone

    def least(self, *, commits: int, commands: int, keyvault: int) -> int:
        """How many steps there are at least."""
        return keyvault if self.alone else commands if self.every else commits


AT_EACH: Final = pytest.mark.parametrize(
    "where_to",
    [
        Where(apart=5),
        pytest.param(Where(), marks=pytest.mark.long),
        pytest.param(Where(alone=True), marks=pytest.mark.long),
        pytest.param(Where(every=True), marks=pytest.mark.long),
    ],
    ids=["fifth commit or record", "commit or record", "keyvault alone", "command"],
)
"""For a test that is broken off: at every fifth place where something is left behind, and (long) at each, at each of the keyvault's, at each command."""
