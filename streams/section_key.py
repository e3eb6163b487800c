"""The vault's key that household records are sealed to, asked for at each round: a vault that is away holds up no deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keyvault.client import PublicKey
from schemas.errors import Unavailable


class SectionVault(Protocol):
    """The vault, as far as records need it."""

    def public_key(self, use: str) -> PublicKey:
        """Of the key `section`."""
        ...

    def section_settled(self, key_id: str) -> None:
        """Every live record is sealed to this key."""
        ...


@dataclass(slots=True)
class SectionKey:
    """Asks the vault, and goes on with what it last heard."""

    vault: SectionVault
    _last: PublicKey | None = None

    def current(self) -> PublicKey:
        """The key for the next round. Raises `Unavailable` only where none was heard of yet."""
        try:
            self._last = self.vault.public_key("section")
        except Unavailable:
            if self._last is None:
                raise
        return self._last

    def settled(self, key_id: str) -> bool:
        """Tell the vault that all records are under this key; False where it is away: a later round tells it."""
        try:
            self.vault.section_settled(key_id)
        except Unavailable:
            return False
        return True
