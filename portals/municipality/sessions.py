"""Who is signed in at a page: kept in memory only, ended by sign-out, by a quarter of an hour of silence, or after eight hours.

The browser has a random name of a session and nothing else; here only its hash is kept. Restarting the page signs everybody out.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

ROLES: Final = ("reader", "writer", "releaser")
IDLE_SECONDS: Final = 15 * 60
LONGEST_SECONDS: Final = 8 * 60 * 60
_WAITING_SECONDS: Final = 10 * 60
_MOST_WAITING: Final = 1_000


@dataclass(slots=True)
class Session:
    """One person signed in. `actor`: the name that sign-in gives, the same each time; `csrf`: what this session's forms carry."""

    actor: str
    name: str
    roles: frozenset[str]
    started: float
    seen: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class Sessions:
    """Sessions by the hash of their name. `clock`: seconds that only go forward."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Nobody is signed in."""
        self._clock, self._known = clock, dict[bytes, Session]()
        self._waiting = dict[bytes, tuple[float, dict[str, Any]]]()

    def begin(self, *, actor: str, name: str, roles: frozenset[str]) -> str:
        """Sign somebody in; returns what the browser keeps."""
        now = self._clock()
        self._known = {k: s for k, s in self._known.items() if _alive(s, now)}
        token = secrets.token_urlsafe(32)
        self._known[_hash(token)] = Session(actor, name, roles, now, now)
        return token

    def find(self, token: str) -> Session | None:
        """Who is signed in under this name, and is so a quarter of an hour longer; None where nobody is (any more)."""
        now, key = self._clock(), _hash(token)
        found = self._known.get(key)
        if found is None or not _alive(found, now):
            self._known.pop(key, None)
            return None
        found.seen = now
        return found

    def end(self, token: str) -> None:
        """Sign out: this name leads to nobody from now on."""
        self._known.pop(_hash(token), None)

    def wait(self) -> tuple[str, dict[str, Any]]:
        """Begin a sign-in: what the browser keeps until it comes back, and where the provider's part of it is kept."""
        now = self._clock()
        self._waiting = {k: w for k, w in self._waiting.items() if now - w[0] < _WAITING_SECONDS}
        while len(self._waiting) >= _MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting)))
        token, kept = secrets.token_urlsafe(32), dict[str, Any]()
        self._waiting[_hash(token)] = (now, kept)
        return token, kept

    def waited(self, token: str) -> dict[str, Any] | None:
        """What was kept for a sign-in that comes back; once."""
        found = self._waiting.pop(_hash(token), None)
        return None if found is None or self._clock() - found[0] >= _WAITING_SECONDS else found[1]


def _alive(session: Session, now: float) -> bool:
    return now - session.seen < IDLE_SECONDS and now - session.started < LONGEST_SECONDS
