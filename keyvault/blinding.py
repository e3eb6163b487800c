"""The caller's side of a pseudonym: blind, check the vault's proof, unblind. Holds no key of the vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keyvault import group, voprf
from schemas.secrets import ScalarKey


@dataclass(frozen=True, slots=True)
class BlindedBatch:
    """Blinded elements and what takes the blinding off again."""

    elements: tuple[bytes, ...]
    scalars: tuple[ScalarKey, ...]


def blind(messages: Sequence[bytes]) -> BlindedBatch:
    """Blind up to 1,000 inputs, each under a fresh scalar."""
    scalars = tuple(group.random_scalar() for _ in messages)
    return BlindedBatch(tuple(voprf.blind(m, s) for m, s in zip(messages, scalars, strict=True)), scalars)


def unblind(batch: BlindedBatch, evaluated: Sequence[bytes], *, proof: bytes, pinned_public_key: bytes) -> list[bytes]:
    """Check the proof against the pinned key and take the blinding off. Raises `Refused` (`signature`)."""
    voprf.verify(pinned_public_key, batch.elements, evaluated, proof)
    return group.unblind_batch(evaluated, batch.scalars)
