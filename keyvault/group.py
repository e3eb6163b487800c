"""The group ristretto255 and hashing into it, as RFC 9497 (suite ristretto255-SHA512) asks. Operations come from `rbcl`.

Scalars and elements are 32 bytes, scalars little-endian. A `context` keeps what is hashed for one protocol apart from every other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import rbcl

from schemas.errors import Refused
from schemas.secrets import ScalarKey

ORDER: Final = 2**252 + 27742317777372353535851937790883648493
MAX_BATCH: Final = 1000
_IDENTITY: Final = bytes(32)


def i2osp(value: int, length: int) -> bytes:
    """A number as so many bytes, the highest first."""
    return value.to_bytes(length, "big")


def framed(data: bytes) -> bytes:
    """Bytes behind their length (2 bytes)."""
    return i2osp(len(data), 2) + data


def _expand(message: bytes, domain: bytes) -> bytes:
    """expand_message_xmd of RFC 9380 with SHA-512 to 64 bytes: one block."""
    domain_prime = domain + i2osp(len(domain), 1)
    b0 = hashlib.sha512(bytes(128) + message + i2osp(64, 2) + b"\x00" + domain_prime).digest()
    return hashlib.sha512(b0 + b"\x01" + domain_prime).digest()


def hash_to_element(message: bytes, context: bytes) -> bytes:
    """An element nobody knows the discrete logarithm of."""
    element: bytes = rbcl.crypto_core_ristretto255_from_hash(_expand(message, b"HashToGroup-" + context))
    return element


def hash_to_scalar(message: bytes, context: bytes, domain: bytes = b"HashToScalar-") -> bytes:
    """A scalar that follows from a message."""
    scalar: bytes = rbcl.crypto_core_ristretto255_scalar_reduce(_expand(message, domain + context))
    return scalar


def is_reduced(scalar: bytes) -> bool:
    """Whether a scalar is written in the one way it should be: below the order."""
    return int.from_bytes(scalar, "little") < ORDER


def random_scalar() -> ScalarKey:
    """A scalar other than zero from the operating system's random source."""
    return ScalarKey(rbcl.crypto_core_ristretto255_scalar_random())


def multiply(scalar: bytes, element: bytes) -> bytes:
    """Scalar * element. Raises `Refused` (`unreadable`) for a malformed element or one whose product is the identity."""
    try:
        product: bytes = rbcl.crypto_scalarmult_ristretto255(scalar, element)
    except (RuntimeError, TypeError, ValueError) as wrong:
        raise Refused("unreadable", "A group element is malformed.") from wrong
    return product


def times_base(scalar: bytes) -> bytes:
    """Scalar * the group's base. Raises `Refused` (`unreadable`) for a zero scalar."""
    try:
        element: bytes = rbcl.crypto_scalarmult_ristretto255_base(scalar)
    except RuntimeError as zero:  # libsodium gives no identity; an honest proof has a zero scalar never
        raise Refused("unreadable", "A scalar is zero.") from zero
    return element


def add(one: bytes, two: bytes) -> bytes:
    """The sum of two elements."""
    element: bytes = rbcl.crypto_core_ristretto255_add(one, two)
    return element


def product(one: bytes, two: bytes) -> bytes:
    """The product of two scalars."""
    scalar: bytes = rbcl.crypto_core_ristretto255_scalar_mul(one, two)
    return scalar


def total(one: bytes, two: bytes) -> bytes:
    """The sum of two scalars."""
    scalar: bytes = rbcl.crypto_core_ristretto255_scalar_add(one, two)
    return scalar


def difference(one: bytes, two: bytes) -> bytes:
    """One scalar minus another."""
    scalar: bytes = rbcl.crypto_core_ristretto255_scalar_sub(one, two)
    return scalar


def quotient(one: bytes, two: bytes) -> ScalarKey:
    """One scalar divided by another, which is not zero."""
    return ScalarKey(product(one, rbcl.crypto_core_ristretto255_scalar_invert(two)))


def weighted_sum(scalars: Sequence[bytes], elements: Sequence[bytes]) -> bytes:
    """The sum of scalar * element over a batch that is not empty. Raises `Refused` as `multiply`."""
    total = multiply(scalars[0], elements[0])
    for scalar, element in zip(scalars[1:], elements[1:], strict=True):
        total = add(total, multiply(scalar, element))
    return total


def inverses(scalars: Sequence[bytes]) -> list[bytes]:
    """Montgomery's trick: invert the product of all, then peel one factor off after the other."""
    up_to = [scalars[0]]
    for scalar in scalars[1:]:
        up_to.append(product(up_to[-1], scalar))
    rest = rbcl.crypto_core_ristretto255_scalar_invert(up_to[-1])
    found = [rest] * len(scalars)
    for i in range(len(scalars) - 1, 0, -1):
        found[i] = product(rest, up_to[i - 1])
        rest = product(rest, scalars[i])
    found[0] = rest
    return found


def unblind_batch(elements: Sequence[bytes], scalars: Sequence[ScalarKey]) -> list[bytes]:
    """Take the blinding off a batch, with one inversion for all of it (an inversion costs three multiplications of a point)."""
    found = inverses([s.reveal() for s in scalars])
    return [multiply(inverse, element) for inverse, element in zip(found, elements, strict=True)]


def check_elements(elements: Sequence[bytes]) -> None:
    """Refuse a batch that is empty, too long, or holds a malformed element or the identity. Raises `Refused`."""
    if not 1 <= len(elements) <= MAX_BATCH:
        raise Refused("unreadable", f"A batch has 1 to {MAX_BATCH} elements.")
    for element in elements:
        if len(element) != 32 or element == _IDENTITY or not rbcl.crypto_core_ristretto255_is_valid_point(element):
            raise Refused("unreadable", "A group element is malformed.")
