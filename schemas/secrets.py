"""Values that can't be printed: the citizen number (BSN) and every secret key.

`repr`, `str` and `format` give stars; pickling, copying and `asdict` raise. `.reveal()` is the only way out,
so that a review of who sees a secret is one search.
"""

from __future__ import annotations

import hmac
import secrets as _random
from typing import NoReturn, Self

from schemas.errors import Refused

_STARS = "***"


class _Unprintable:
    """What all secrets share: no text form, no copies, equality in constant time."""

    __slots__ = ("_hidden",)
    _hidden: bytes

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_STARS})"

    def __str__(self) -> str:
        return _STARS

    def __format__(self, spec: str) -> str:
        return _STARS

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self._hidden, other._hidden)

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._hidden))

    def _refuse_copy(self, *_: object) -> NoReturn:
        msg = f"{type(self).__name__} can't be copied, pickled or serialised"
        raise TypeError(msg)

    __reduce__ = _refuse_copy
    __reduce_ex__ = _refuse_copy
    __copy__ = _refuse_copy
    __deepcopy__ = _refuse_copy
    __getstate__ = _refuse_copy


class Bsn(_Unprintable):
    """A citizen service number: nine digits that pass the eleven-test, not 000000000.

    Raises `Refused` (code `bsn`) without repeating the number. Source: Wabb; eleven-test as published for the BSN.
    """

    __slots__ = ()

    def __init__(self, digits: str) -> None:
        """`digits`: nine ASCII digits, leading zeros included."""
        if len(digits) != 9 or not (digits.isascii() and digits.isdigit()):
            raise Refused("bsn", "A BSN has nine digits, leading zeros included; this one has not.")
        if not passes_eleven_test(digits):
            raise Refused("bsn", "BSN fails the eleven-test: a digit is wrong or two are exchanged.")
        self._hidden = digits.encode("ascii")

    def reveal(self) -> str:
        """Return the nine digits."""
        return self._hidden.decode("ascii")


def passes_eleven_test(digits: str) -> bool:
    """Tell whether nine digits are a possible BSN: (9a+8b+7c+6d+5e+4f+3g+2h-i) mod 11 = 0 and not all zeros."""
    d = digits.encode("ascii")
    total = sum((9 - i) * (d[i] - 48) for i in range(8)) - (d[8] - 48)
    return total % 11 == 0 and digits != "000000000"


class _Key32(_Unprintable):
    """A secret of 32 bytes."""

    __slots__ = ()

    def __init__(self, raw: bytes) -> None:
        """`raw`: exactly 32 bytes; anything else is `ValueError`, which never repeats them."""
        if len(raw) != 32:
            msg = f"{type(self).__name__} takes exactly 32 bytes"
            raise ValueError(msg)
        self._hidden = bytes(raw)

    @classmethod
    def generate(cls) -> Self:
        """Return a fresh one from the operating system's random source."""
        return cls(_random.token_bytes(32))

    def reveal(self) -> bytes:
        """Return the 32 bytes."""
        return self._hidden


class SigningKey(_Key32):
    """Seed of an Ed25519 signing key (RFC 8032)."""

    __slots__ = ()


class BoxKey(_Key32):
    """Private X25519 key that opens sealed boxes (a role's identity, content, placement or section key)."""

    __slots__ = ()


class DataKey(_Key32):
    """Symmetric XChaCha20-Poly1305 key of one sealed part, one person, one section."""

    __slots__ = ()


class HandleKey(_Key32):
    """A provider's own secret under which references and subjects leave it only as HMAC. Never rotated."""

    __slots__ = ()


class AddressKey(_Key32):
    """Intake's secret under which addresses become household ids."""

    __slots__ = ()


class PersonIdKey(_Key32):
    """Intake's secret under which a pseudonym element becomes a person id. Never turns."""

    __slots__ = ()


class ScalarKey(_Key32):
    """A secret scalar of ristretto255 (the vault's pseudonym key, intake's own factor), little-endian."""

    __slots__ = ()


class WrappingKey(_Key32):
    """The key under which the vault's database holds every other key."""

    __slots__ = ()


__all__ = [
    "AddressKey",
    "BoxKey",
    "Bsn",
    "DataKey",
    "HandleKey",
    "PersonIdKey",
    "ScalarKey",
    "SigningKey",
    "WrappingKey",
    "passes_eleven_test",
]
