"""The signature under everything release publishes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas import codec
from schemas.errors import Refused
from schemas.sealing import sign, signature_holds
from schemas.secrets import SigningKey

_DOMAIN: Final = "zorgstroom release 1"


def signed(secret: SigningKey, payload: bytes) -> bytes:
    """A `signed_release` around an encoded payload."""
    return codec.encode("signed_release", {"payload": payload, "signature": sign(secret, _DOMAIN, payload)})


def verified_payload(keys: Iterable[bytes], data: bytes) -> bytes:
    """The payload of a `signed_release`. Raises `Refused` (`signature`) unless release signed it, with one of its `keys`."""
    fields = codec.decode("signed_release", data)
    if not any(signature_holds(key, _DOMAIN, fields["payload"], fields["signature"]) for key in keys):
        raise Refused("signature", "A released record is not signed by release.")
    payload: bytes = fields["payload"]
    return payload
