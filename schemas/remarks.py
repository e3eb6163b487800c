"""What a member of a family says of a line of the own card: that it is not right, and in which way. A closed list, no free words.

The provider hears of it by its own references; nobody in the zone reads more than the line and the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

from schemas import codec
from schemas.errors import Refused
from schemas.sealing import open_sealed, seal_to
from schemas.secrets import BoxKey

TOPIC: Final = "remarks.v1"
DOMAIN: Final = b"zorgstroom remark 1\x00"
"""Stands before the sealed bytes where they are signed."""

REASONS: Final[dict[str, tuple[str, str]]] = {
    "not-received": ("Deze zorg heb ik niet gekregen.", "I did not receive this care."),
    "too-much": ("Ik heb minder gekregen dan hier staat.", "I received less than it says here."),
    "not-mine": ("Deze regel gaat niet over mij.", "This line is not about me."),
    "other": ("Er klopt iets niet; neem contact met mij op.", "Something is not right; please contact me."),
}
_PADDED: Final = 512


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark about a line: provider (AGB code), care type, first and last month index. Raises `Refused` (`unreadable`)."""

    handle: bytes = field(repr=False)
    provider: int
    care_type: str
    first_month: int
    last_month: int
    reason: str
    at_ms: int

    def __post_init__(self) -> None:
        """Check what can be checked without looking anything up."""
        if self.reason not in REASONS or not 0 < self.provider < 10**8 or not 0 <= self.first_month <= self.last_month:
            raise Refused("unreadable", "The remark names no line of a card, or a reason that is not on the list.")

    def sealed_to(self, public_key: bytes) -> bytes:
        """Padded and sealed for the ledger."""
        encoded = codec.encode("remark", {f.name: getattr(self, f.name) for f in fields(self)})
        padded: bytes = sodium.sodium_pad(encoded, _PADDED)
        return seal_to(public_key, padded)

    @classmethod
    def opened(cls, secret: BoxKey, sealed: bytes) -> Remark:
        """Read a sealed remark. Raises `Refused` (`part`, `unreadable`, `schema`)."""
        padded = open_sealed(secret, sealed)
        try:
            fields_: dict[str, Any] = codec.decode("remark", sodium.sodium_unpad(padded, _PADDED))
        except (ValueError, CryptoError) as wrong:
            raise Refused("unreadable", "The remark is no remark.") from wrong
        return cls(**fields_)
