"""What was made of a snapshot is made once and kept while that snapshot stands, however many ask for it at the same moment."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from portals.municipality.exports.snapshot import Snapshot

_AT_MOST: Final = 48
"""Files kept; the one asked for longest ago goes first."""


@dataclass(frozen=True, slots=True)
class Made:
    """A whole file, and the tag by which a reader knows that it did not change (RFC 9110)."""

    data: bytes
    etag: str
    """Weak: the same file may be sent packed or not."""

    @classmethod
    def of(cls, data: bytes) -> Made:
        """The file with the tag of its bytes."""
        return cls(data, f'W/"{hashlib.sha256(data).hexdigest()[:32]}"')


class Shelf:
    """Files by what was asked. Safe for many threads: whoever asks for a file in the making waits for it."""

    def __init__(self) -> None:
        self._files: OrderedDict[Hashable, tuple[Snapshot, Made]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def take(self, snapshot: Snapshot, asked: Hashable, make: Callable[[], bytes]) -> Made:
        """The file `asked` for of this snapshot, made now where it was not yet, or was of an older record. Passes on what `make` raises."""
        key = (snapshot.epoch, asked)
        with self._lock:
            if (found := self._of(key, snapshot)) is not None:
                return found
            one_at_a_time = self._making.setdefault(key, threading.Lock())
        with one_at_a_time:
            with self._lock:
                if (found := self._of(key, snapshot)) is not None:
                    return found
            data = make()
            made = Made.of(data)
            with self._lock:
                self._files[key] = (snapshot, made)
                self._making.pop(key, None)
                while len(self._files) > _AT_MOST:
                    self._files.popitem(last=False)
        return made

    def _of(self, key: Hashable, snapshot: Snapshot) -> Made | None:
        """What stands there, if it was made of these very records."""
        found = self._files.get(key)
        if found is None or not found[0].made_of(snapshot.macro, snapshot.meso, snapshot.geography):
            return None
        self._files.move_to_end(key)
        return found[1]
