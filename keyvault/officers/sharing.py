"""A secret that no one has: each officer holds the value of a polynomial at the officer's own number, and any two make its constant.

Scalars and elements are of ristretto255 (`keyvault.group`). Verifiable sharing after Feldman (1987): commitments to the coefficients let
everybody check a value, and compute the public half of everybody's share. Sums of such sharings are Pedersen's generation without a dealer (1991).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from keyvault import group
from schemas.errors import Refused
from schemas.secrets import ScalarKey

THRESHOLD: Final = 2
"""How many officers open something together."""
_PROOF: Final = b"zorgstroom officers 1 knows"


def _number(value: int) -> bytes:
    return value.to_bytes(32, "little")


def polynomial(constant: ScalarKey) -> list[ScalarKey]:
    """Random coefficients with this constant: as many as the threshold."""
    return [constant, *(group.random_scalar() for _ in range(THRESHOLD - 1))]


def value_at(coefficients: Sequence[ScalarKey], number: int) -> ScalarKey:
    """The polynomial's value: the share of the officer with this number (1, 2, ...)."""
    total = bytes(32)
    for coefficient in reversed(coefficients):
        total = group.total(group.product(total, _number(number)), coefficient.reveal())
    return ScalarKey(total)


def commitments(coefficients: Sequence[ScalarKey]) -> list[bytes]:
    """Each coefficient times the base: they bind the dealer and tell nothing of the coefficients."""
    return [group.times_base(c.reveal()) for c in coefficients]


def public_at(committed: Sequence[bytes], number: int) -> bytes:
    """The public half of the value at a number, from the commitments. Raises `Refused` for malformed ones."""
    group.check_elements(committed)
    total, power = committed[0], number
    for element in committed[1:]:
        total = group.add(total, group.multiply(_number(power), element))
        power *= number
    return total


def holds(value: ScalarKey, committed: Sequence[bytes], number: int) -> bool:
    """Whether a value is the one the dealer committed to for this number. Malformed commitments hold nothing.

    Nor does a value above the order: summed up with others it would make another share than the one that was checked.
    """
    try:
        return group.is_reduced(value.reveal()) and group.times_base(value.reveal()) == public_at(committed, number)
    except Refused:
        return False


def weights(numbers: Sequence[int]) -> dict[int, bytes]:
    """Lagrange's weights at zero: with them the values at these numbers sum to the constant. Numbers differ and are not zero."""
    found = {}
    for own in numbers:
        above, below = 1, 1
        for other in numbers:
            if other != own:
                above, below = above * other % group.ORDER, below * (other - own) % group.ORDER
        found[own] = _number(above * pow(below, -1, group.ORDER) % group.ORDER)
    return found


def combined(elements: Mapping[int, bytes]) -> bytes:
    """The constant times R, from each officer's share times R by number."""
    weighed = weights(sorted(elements))
    return group.weighted_sum([weighed[n] for n in sorted(elements)], [elements[n] for n in sorted(elements)])


def prove_known(secret: ScalarKey, context: bytes) -> bytes:
    """Schnorr's proof (64 bytes) that one knows the logarithm of the secret's public half; `context` binds it to ceremony and dealer."""
    public, nonce = group.times_base(secret.reveal()), group.random_scalar()
    challenge = _challenge(public, group.times_base(nonce.reveal()), context)
    return challenge + group.difference(nonce.reveal(), group.product(challenge, secret.reveal()))


def is_known(public: bytes, proof: bytes, context: bytes) -> bool:
    """Whether a proof of `prove_known` holds."""
    try:
        group.check_elements([public])
        answer = group.add(group.times_base(proof[32:]), group.multiply(proof[:32], public))
    except (Refused, RuntimeError, ValueError, TypeError):
        return False
    reduced = group.is_reduced(proof[:32]) and group.is_reduced(proof[32:])
    return len(proof) == 64 and reduced and _challenge(public, answer, context) == proof[:32]


def _challenge(public: bytes, nonce: bytes, context: bytes) -> bytes:
    return group.hash_to_scalar(group.framed(public) + group.framed(nonce) + group.framed(context), _PROOF)
