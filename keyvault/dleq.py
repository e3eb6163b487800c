"""The proof that two discrete logarithms are equal, for a batch at once (RFC 9497, section 2.2): 64 bytes, whatever the batch.

Shown is log_base(public) = log_in(out) for every pair of elements, and nothing about the logarithm itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from keyvault import group
from keyvault.group import framed, i2osp
from schemas.errors import Refused
from schemas.secrets import ScalarKey


@dataclass(frozen=True, slots=True)
class Statement:
    """What is proved about a batch. `base` None is the group's own; another one is hashed too, since it is no constant.

    `context` keeps proofs of one protocol from being taken for those of another.
    """

    context: bytes
    public: bytes
    base: bytes | None = None

    def times_base(self, scalar: bytes) -> bytes:
        """Scalar * base."""
        return group.times_base(scalar) if self.base is None else group.multiply(scalar, self.base)

    @property
    def prefix(self) -> bytes:
        """What every hash of this statement begins with."""
        return framed(self.public) if self.base is None else framed(self.base) + framed(self.public)

    def weights(self, ins: Sequence[bytes], outs: Sequence[bytes]) -> list[bytes]:
        """A scalar per pair that nobody can choose: with them a batch is proved as one pair."""
        seed = hashlib.sha512(self.prefix + framed(b"Seed-" + self.context)).digest()
        return [
            group.hash_to_scalar(framed(seed) + i2osp(i, 2) + framed(c) + framed(d) + b"Composite", self.context)
            for i, (c, d) in enumerate(zip(ins, outs, strict=True))
        ]

    def challenge(self, *elements: bytes) -> bytes:
        """What a prover must answer."""
        return group.hash_to_scalar(self.prefix + b"".join(framed(e) for e in elements) + b"Challenge", self.context)


def prove(
    secret: ScalarKey,
    statement: Statement,
    ins: Sequence[bytes],
    outs: Sequence[bytes],
    *,
    nonce: ScalarKey | None = None,
) -> bytes:
    """The proof that `secret` leads from base to public and from each in to its out. `nonce` is for test vectors only."""
    key = secret.reveal()
    m = group.weighted_sum(statement.weights(ins, outs), ins)
    z = group.multiply(key, m)
    r = (nonce or group.random_scalar()).reveal()
    c = statement.challenge(m, z, statement.times_base(r), group.multiply(r, m))
    return c + group.difference(r, group.product(c, key))


def check(statement: Statement, ins: Sequence[bytes], outs: Sequence[bytes], proof: bytes) -> None:
    """Check a batch's proof. Raises `Refused` (`signature`, `unreadable`) unless one scalar leads from base to public and from in to out."""
    group.check_elements(ins)
    group.check_elements(outs)
    if len(ins) != len(outs) or len(proof) != 64:
        raise Refused("signature", "The keyvault's proof does not fit what was asked.")
    c, s = proof[:32], proof[32:]
    if not (group.is_reduced(c) and group.is_reduced(s)):
        raise Refused("signature", "The keyvault's proof is malformed.")
    weights = statement.weights(ins, outs)
    m, z = group.weighted_sum(weights, ins), group.weighted_sum(weights, outs)
    t2 = group.add(statement.times_base(s), group.multiply(c, statement.public))
    t3 = group.add(group.multiply(s, m), group.multiply(c, z))
    if statement.challenge(m, z, t2, t3) != c:
        raise Refused("signature", "The keyvault's proof fails: it did not use the key that is pinned here.")
