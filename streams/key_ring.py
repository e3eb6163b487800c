"""The private keys of a role that parts are sealed to: today's, and those before it until they are destroyed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from schemas.directory import role_key_id
from schemas.sealing import box_public_key
from schemas.secrets import BoxKey

_FORGET_SECONDS: Final = 60.0


class Keys(Protocol):
    """Keys by id."""

    def get(self, key_id: str, /) -> BoxKey | None:
        """A key by its id, or None."""
        ...


@dataclass(slots=True)
class KeyRing:
    """Keys by id. A new one is found when it is first asked for (by a sender that is proved); a destroyed one is forgotten within a minute.

    `read`: the secrets there are now (32 bytes each).
    """

    role: str
    read: Callable[[], Sequence[bytes]]
    _keys: dict[str, BoxKey] = field(default_factory=dict, repr=False)
    _read_at: float = float("-inf")

    def get(self, key_id: str) -> BoxKey | None:
        """A key by its id, or None."""
        if key_id not in self._keys or time.monotonic() - self._read_at > _FORGET_SECONDS:
            keys = [BoxKey(raw) for raw in self.read()]
            self._keys = {role_key_id(self.role, box_public_key(key)): key for key in keys}
            self._read_at = time.monotonic()
        return self._keys.get(key_id)
