"""The terms of a mandate, as its grantor signed them: who may look, for what, on what ground, from when until when.

A change is the same handle with the next revision; the ledger checks each signature again. Terms name no person: whom a mandate is
about stands in the identity part beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

from schemas import codec
from schemas.sealing import sign, signature_holds
from schemas.secrets import SigningKey

_DOMAIN: Final = "zorgstroom mandate 1"


@dataclass(frozen=True, slots=True)
class MandateTerms:
    """One revision. `valid_from`, `valid_until`: first and last day number; `grantor`, `key_id`: who signs, with which key."""

    handle: bytes = field(repr=False)
    municipality: int
    revision: int
    reader: str
    purpose: str
    ground: str
    valid_from: int
    valid_until: int
    grantor: str
    key_id: str

    def encoded(self) -> bytes:
        """The bytes that are signed."""
        return codec.encode("mandate_terms", self.as_fields())

    def as_fields(self) -> dict[str, Any]:
        """Every field by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def signed(self, key: SigningKey) -> dict[str, bytes]:
        """What travels in a content part: the terms and the grantor's signature."""
        encoded = self.encoded()
        return {"terms": encoded, "signature": sign(key, _DOMAIN, encoded)}

    @classmethod
    def decode(cls, data: bytes) -> MandateTerms:
        """Read terms. Raises `Refused` (`unreadable`, `schema`)."""
        return cls(**codec.decode("mandate_terms", data))


def signed_by(public_key: bytes, *, terms: bytes, signature: bytes) -> bool:
    """Whether the holder of this key signed these encoded terms."""
    return signature_holds(public_key, _DOMAIN, terms, signature)
