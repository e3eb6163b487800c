"""Person keys on loan, for at most a minute: so that a key the vault destroys is soon nowhere."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from schemas.secrets import BoxKey, DataKey

Key = TypeVar("Key", DataKey, BoxKey)


class PersonKeyCache(Generic[Key]):
    """At most `size` keys, none older than `seconds`; safe to use from several threads. Who has no key is asked again each time."""

    def __init__(
        self,
        lend: Callable[[Sequence[bytes]], list[Key | None]],
        *,
        size: int = 50_000,
        seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lend`: keys in the order asked, None where there is none; `seconds`: how long a loan lasts; `clock`: seconds that only go forward."""
        self._lend: Callable[[Sequence[bytes]], list[Key | None]] = lend
        self._size, self._seconds, self._clock = size, seconds, clock
        self._held: OrderedDict[bytes, tuple[float, Key]] = OrderedDict()  # the oldest loan first
        self._lock = threading.Lock()

    def keys(self, persons: Sequence[bytes]) -> dict[bytes, Key]:
        """Keys of these persons; who has none is absent. Raises what lending raises."""
        with self._lock:
            now = self._clock()
            self._give_back(now)
            found = {p: held[1] for p in persons if (held := self._held.get(p)) is not None}
            absent = [p for p in dict.fromkeys(persons) if p not in found]
            if absent:
                fresh = {p: k for p, k in zip(absent, self._lend(absent), strict=True) if k is not None}
                found |= fresh
                self._held.update({person: (now, key) for person, key in fresh.items()})
                while len(self._held) > self._size:
                    self._held.popitem(last=False)
        return found

    def _give_back(self, now: float) -> None:
        while self._held:
            person, (lent_at, _) = next(iter(self._held.items()))
            if now - lent_at < self._seconds:
                return
            del self._held[person]
