"""The signature under everything release publishes."""

from __future__ import annotations

from typing import Final

from schemas import codec
from schemas.errors import Refused
from schemas.sealing import sign, signature_holds
from schemas.secrets import SigningKey

_DOMAIN: Final = "zorgstroom release 1"


def signed(secret: SigningKey, payload: bytes) -> bytes:
    """A `signed_release` around an encoded payload."""
    return codec.encode("signed_release", {"payload": payload, "signature": sign(secret, _DOMAIN, payload)})


def verified_payload(public: bytes, data: bytes) -> bytes:
    """The payload of a `signed_release`. Raises `Refused` (`signature`) unless release signed it."""
    fields = codec.decode("signed_release", data)
    if not signature_holds(public, _DOMAIN, fields["payload"], fields["signature"]):
        raise Refused("signature", "A released record is not signed by release.")
    payload: bytes = fields["payload"]
    return payload
