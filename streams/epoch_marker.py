"""The marker that closes an epoch in one partition of the ledger: made and signed by release, checked by whoever folds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from schemas import codec
from schemas.sealing import sign, signature_holds
from schemas.secrets import SigningKey

_DOMAIN: Final = "zorgstroom epoch marker 1"


def _message(partition: int, epoch: int, month: int) -> bytes:
    return b"ledger.v1|" + b"|".join(str(n).encode() for n in (partition, epoch, month))


def marker(secret: SigningKey, *, partition: int, epoch: int, month: int) -> bytes:
    """An encoded `epoch_closed`. Ed25519 is deterministic: made again it is the same bytes."""
    signature = sign(secret, _DOMAIN, _message(partition, epoch, month))
    return codec.encode("epoch_closed", {"epoch": epoch, "month": month, "signature": signature})


def marker_holds(keys: Iterable[bytes], *, partition: int, fields: dict[str, Any]) -> bool:
    """Whether release signed this marker for this partition, with one of its `keys`."""
    message = _message(partition, fields["epoch"], fields["month"])
    return any(signature_holds(key, _DOMAIN, message, fields["signature"]) for key in keys)
