"""The newest line of the access log, for receipts: whoever keeps them can tell a log that was cut or forked later."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Protocol

from schemas.errors import Refused, Unavailable

NONE: Final = (0, bytes(32))
_SECONDS: Final = 30.0


class Vault(Protocol):
    """The keyvault, as far as this goes."""

    def log_head(self) -> tuple[int, bytes]:
        """Number and hash of the newest line."""
        ...


@dataclass(slots=True)
class LogHead:
    """Asks the vault at most once in 30 seconds; while it is away the last answer stands: an older line is in the log as well."""

    vault: Vault
    _known: tuple[int, bytes] = NONE
    _asked: float = -_SECONDS

    def __call__(self) -> tuple[int, bytes]:
        """Number and hash."""
        now = time.monotonic()
        if now - self._asked >= _SECONDS:
            self._asked = now
            try:
                self._known = self.vault.log_head()
            except (Refused, Unavailable):
                return self._known
        return self._known
