"""Turning pseudonyms from one key of the vault to the next, without an input: the vault multiplies blinded elements by new/old.

It proves for a batch at once that log_old(new) = log_in(out) for the two public keys, so whoever pinned both knows that every
element is now what the new key would have made of the same input. The quotient never leaves the vault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from keyvault import dleq, group, voprf
from schemas.secrets import ScalarKey

_CONTEXT: Final = b"zorgstroom turn 1, ristretto255-SHA512"


def blind(elements: Sequence[bytes]) -> tuple[list[bytes], list[ScalarKey]]:
    """Elements, each under a fresh scalar: as they go to the vault nobody can tell whose they are, or that they come again."""
    scalars = [group.random_scalar() for _ in elements]
    return [group.multiply(s.reveal(), e) for s, e in zip(scalars, elements, strict=True)], scalars


def turn(old: ScalarKey, new: ScalarKey, blinded: Sequence[bytes]) -> tuple[list[bytes], bytes]:
    """Blinded elements times new/old, and one proof of 64 bytes. Raises `Refused` as `group.check_elements`."""
    group.check_elements(blinded)
    factor = group.quotient(new.reveal(), old.reveal())
    turned = [group.multiply(factor.reveal(), element) for element in blinded]
    return turned, dleq.prove(factor, _statement(voprf.public_key(old), voprf.public_key(new)), blinded, turned)


def unblind(
    blinded: Sequence[bytes],
    scalars: Sequence[ScalarKey],
    turned: Sequence[bytes],
    proof: bytes,
    *,
    old: bytes,
    new: bytes,
) -> list[bytes]:
    """Check the proof against the two pinned public keys and take the blinding off. Raises `Refused` (`signature`, `unreadable`)."""
    dleq.check(_statement(old, new), blinded, turned, proof)
    return group.unblind_batch(turned, scalars)


def _statement(old: bytes, new: bytes) -> dleq.Statement:
    return dleq.Statement(_CONTEXT, new, base=old)
