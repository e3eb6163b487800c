"""The verifiable oblivious pseudo-random function of RFC 9497, suite ristretto255-SHA512, mode VOPRF.

The server multiplies blinded points by its key and proves, for a batch at once, that it used the key it published. It learns
nothing of the inputs. Group operations come from `rbcl`; scalars and elements are 32 bytes, scalars little-endian.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import rbcl

from schemas.errors import Refused
from schemas.secrets import ScalarKey

_MODE_VOPRF: Final = 1
_CONTEXT: Final = b"OPRFV1-" + bytes([_MODE_VOPRF]) + b"-ristretto255-SHA512"
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
MAX_BATCH: Final = 1000
_IDENTITY: Final = bytes(32)


def _i2osp(value: int, length: int) -> bytes:
    return value.to_bytes(length, "big")


def _framed(data: bytes) -> bytes:
    return _i2osp(len(data), 2) + data


def _expand(message: bytes, domain: bytes) -> bytes:
    """expand_message_xmd of RFC 9380 with SHA-512 to 64 bytes: one block."""
    domain_prime = domain + _i2osp(len(domain), 1)
    b0 = hashlib.sha512(bytes(128) + message + _i2osp(64, 2) + b"\x00" + domain_prime).digest()
    return hashlib.sha512(b0 + b"\x01" + domain_prime).digest()


def hash_to_group(message: bytes) -> bytes:
    """An element nobody knows the discrete logarithm of."""
    element: bytes = rbcl.crypto_core_ristretto255_from_hash(_expand(message, b"HashToGroup-" + _CONTEXT))
    return element


def _hash_to_scalar(message: bytes, domain: bytes = b"HashToScalar-") -> bytes:
    scalar: bytes = rbcl.crypto_core_ristretto255_scalar_reduce(_expand(message, domain + _CONTEXT))
    return scalar


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


def _base_times(scalar: bytes) -> bytes:
    try:
        element: bytes = rbcl.crypto_scalarmult_ristretto255_base(scalar)
    except RuntimeError as zero:  # libsodium gives no identity; an honest proof has a zero scalar never
        raise Refused("unreadable", "A scalar is zero.") from zero
    return element


def _add(one: bytes, two: bytes) -> bytes:
    element: bytes = rbcl.crypto_core_ristretto255_add(one, two)
    return element


def public_key(secret: ScalarKey) -> bytes:
    """The server's public key."""
    return _base_times(secret.reveal())


def derive_key(seed: bytes, info: bytes) -> ScalarKey:
    """DeriveKeyPair of the RFC (section 3.2.1): a key from 32 random bytes and a public word."""
    for counter in range(256):
        scalar = _hash_to_scalar(seed + _framed(info) + bytes([counter]), b"DeriveKeyPair")
        if scalar != bytes(32):
            return ScalarKey(scalar)
    raise AssertionError  # 256 zeros in a row do not happen


def check_elements(elements: Sequence[bytes]) -> None:
    """Refuse a batch that is empty, too long, or holds a malformed element or the identity. Raises `Refused`."""
    if not 1 <= len(elements) <= MAX_BATCH:
        raise Refused("unreadable", f"A batch has 1 to {MAX_BATCH} elements.")
    for element in elements:
        if len(element) != 32 or element == _IDENTITY or not rbcl.crypto_core_ristretto255_is_valid_point(element):
            raise Refused("unreadable", "A group element is malformed.")


def blind(message: bytes, scalar: ScalarKey) -> bytes:
    """The blinded element of an input."""
    return multiply(scalar.reveal(), hash_to_group(message))


def unblind(evaluated: bytes, scalar: ScalarKey) -> bytes:
    """Take the blinding off an evaluated element."""
    return unblind_batch([evaluated], [scalar])[0]


def unblind_batch(evaluated: Sequence[bytes], scalars: Sequence[ScalarKey]) -> list[bytes]:
    """Take the blinding off a batch, with one inversion for all of it (an inversion costs three multiplications of a point)."""
    inverses = _inverses([s.reveal() for s in scalars])
    return [multiply(inverse, element) for inverse, element in zip(inverses, evaluated, strict=True)]


def _inverses(scalars: Sequence[bytes]) -> list[bytes]:
    """Montgomery's trick: invert the product of all, then peel one factor off after the other."""
    product = rbcl.crypto_core_ristretto255_scalar_mul
    up_to = [scalars[0]]
    for scalar in scalars[1:]:
        up_to.append(product(up_to[-1], scalar))
    rest = rbcl.crypto_core_ristretto255_scalar_invert(up_to[-1])
    inverses = [rest] * len(scalars)
    for i in range(len(scalars) - 1, 0, -1):
        inverses[i] = product(rest, up_to[i - 1])
        rest = product(rest, scalars[i])
    inverses[0] = rest
    return inverses


def _composite_scalars(public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes]) -> list[bytes]:
    seed = hashlib.sha512(_framed(public) + _framed(b"Seed-" + _CONTEXT)).digest()
    return [
        _hash_to_scalar(_framed(seed) + _i2osp(i, 2) + _framed(c) + _framed(d) + b"Composite")
        for i, (c, d) in enumerate(zip(blinded, evaluated, strict=True))
    ]


def _combine(scalars: Sequence[bytes], elements: Sequence[bytes]) -> bytes:
    total = multiply(scalars[0], elements[0])
    for scalar, element in zip(scalars[1:], elements[1:], strict=True):
        total = _add(total, multiply(scalar, element))
    return total


def _challenge(public: bytes, *elements: bytes) -> bytes:
    return _hash_to_scalar(_framed(public) + b"".join(_framed(e) for e in elements) + b"Challenge")


def evaluate(
    secret: ScalarKey, blinded: Sequence[bytes], *, proof_scalar: ScalarKey | None = None
) -> tuple[list[bytes], bytes]:
    """BlindEvaluate of a batch: the evaluated elements and one proof of 64 bytes. Raises `Refused` as `check_elements`.

    `proof_scalar` is for test vectors only; otherwise it is fresh.
    """
    check_elements(blinded)
    key, public = secret.reveal(), public_key(secret)
    evaluated = [multiply(key, element) for element in blinded]
    m = _combine(_composite_scalars(public, blinded, evaluated), blinded)
    z = multiply(key, m)
    r = (proof_scalar or random_scalar()).reveal()
    c = _challenge(public, m, z, _base_times(r), multiply(r, m))
    s = rbcl.crypto_core_ristretto255_scalar_sub(r, rbcl.crypto_core_ristretto255_scalar_mul(c, key))
    return evaluated, c + s


def verify(public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes) -> None:
    """Check the proof of a batch. Raises `Refused` (`signature`) unless the key behind `public` evaluated all of it."""
    check_elements(blinded)
    check_elements(evaluated)
    if len(blinded) != len(evaluated) or len(proof) != 64:
        raise Refused("signature", "The keyvault's proof does not fit what was asked.")
    c, s = proof[:32], proof[32:]
    if int.from_bytes(c, "little") >= _ORDER or int.from_bytes(s, "little") >= _ORDER:
        raise Refused("signature", "The keyvault's proof is malformed.")
    scalars = _composite_scalars(public, blinded, evaluated)
    m, z = _combine(scalars, blinded), _combine(scalars, evaluated)
    t2 = _add(_base_times(s), multiply(c, public))
    t3 = _add(multiply(s, m), multiply(c, z))
    if _challenge(public, m, z, t2, t3) != c:
        raise Refused("signature", "The keyvault's proof fails: it did not use the key that is pinned here.")


def finalize(message: bytes, unblinded: bytes) -> bytes:
    """The RFC's output (64 bytes). The road uses the unblinded element itself; this is for the vectors."""
    return hashlib.sha512(_framed(message) + _framed(unblinded) + b"Finalize").digest()
