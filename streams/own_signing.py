"""The key a role signs with: the newest the root signed whose secret the role holds. A new one is taken up within a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.directory import Directory
from schemas.errors import SettingsWrong
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey

_AGAIN_SECONDS: Final = 10.0


@dataclass(slots=True)
class OwnSigning:
    """Of one role. `directory`: kept up to date by another thread; `read`: the secrets there are now (32 bytes each)."""

    role: str
    directory: Callable[[], Directory]
    read: Callable[[], Sequence[bytes]]
    _current: SigningKey | None = field(default=None, repr=False)
    _looked_at: float = float("-inf")

    def current(self) -> SigningKey:
        """The key to sign with now. Raises `SettingsWrong` where the role holds none that the root signed."""
        if self._current is None or time.monotonic() - self._looked_at > _AGAIN_SECONDS:
            self._current, self._looked_at = self._newest(), time.monotonic()
        return self._current

    def _newest(self) -> SigningKey:
        held = {verify_key_of(key): key for key in map(SigningKey, self.read())}
        for entry in self.directory().signing_entries(self.role):
            if entry.public_key in held and entry.revoked_at_ms is None:
                return held[entry.public_key]
        msg = f"{self.role} has no signing key that the root signed and nobody revoked; `zorgstroom operator keys list` shows what there is."
        raise SettingsWrong(msg)
