"""The verifiable oblivious pseudo-random function of RFC 9497, suite ristretto255-SHA512, mode VOPRF.

The server multiplies blinded points by its key and proves, for a batch at once, that it used the key it published. It learns
nothing of the inputs. Scalars and elements are 32 bytes, scalars little-endian.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from keyvault import dleq, group
from keyvault.group import framed
from schemas.secrets import ScalarKey

_MODE_VOPRF: Final = 1
_CONTEXT: Final = b"OPRFV1-" + bytes([_MODE_VOPRF]) + b"-ristretto255-SHA512"


def hash_to_group(message: bytes) -> bytes:
    """An element nobody knows the discrete logarithm of."""
    return group.hash_to_element(message, _CONTEXT)


def public_key(secret: ScalarKey) -> bytes:
    """The server's public key."""
    return group.times_base(secret.reveal())


def derive_key(seed: bytes, info: bytes) -> ScalarKey:
    """DeriveKeyPair of the RFC (section 3.2.1): a key from 32 random bytes and a public word."""
    for counter in range(256):
        scalar = group.hash_to_scalar(seed + framed(info) + bytes([counter]), _CONTEXT, b"DeriveKeyPair")
        if scalar != bytes(32):
            return ScalarKey(scalar)
    raise AssertionError  # 256 zeros in a row do not happen


def blind(message: bytes, scalar: ScalarKey) -> bytes:
    """The blinded element of an input."""
    return group.multiply(scalar.reveal(), hash_to_group(message))


def evaluate(
    secret: ScalarKey, blinded: Sequence[bytes], *, proof_scalar: ScalarKey | None = None
) -> tuple[list[bytes], bytes]:
    """BlindEvaluate of a batch: the evaluated elements and one proof of 64 bytes. Raises `Refused` as `group.check_elements`.

    `proof_scalar` is for test vectors only; otherwise it is fresh.
    """
    group.check_elements(blinded)
    key = secret.reveal()
    evaluated = [group.multiply(key, element) for element in blinded]
    statement = dleq.Statement(_CONTEXT, public_key(secret))
    return evaluated, dleq.prove(secret, statement, blinded, evaluated, nonce=proof_scalar)


def verify(public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes) -> None:
    """Check the proof of a batch. Raises `Refused` (`signature`) unless the key behind `public` evaluated all of it."""
    dleq.check(dleq.Statement(_CONTEXT, public), blinded, evaluated, proof)


def finalize(message: bytes, unblinded: bytes) -> bytes:
    """The RFC's output (64 bytes). The road uses the unblinded element itself; this is for the vectors."""
    return hashlib.sha512(framed(message) + framed(unblinded) + b"Finalize").digest()
