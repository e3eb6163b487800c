"""Turning elements from one key to the next: what comes out is what the new key would have made, proved, and nothing else is taken."""

from __future__ import annotations

import os
from typing import Any

import pytest

from keyvault import group, turning, voprf
from schemas.errors import Refused

OLD, NEW = group.random_scalar(), group.random_scalar()
PUBLIC = {"old": voprf.public_key(OLD), "new": voprf.public_key(NEW)}


def under(key: Any, inputs: list[bytes]) -> list[bytes]:
    """What a key makes of inputs."""
    return [group.multiply(key.reveal(), voprf.hash_to_group(i)) for i in inputs]


def test_turned_elements_are_what_the_new_key_makes_of_the_same_inputs() -> None:
    inputs = [os.urandom(9) for _ in range(40)]
    blinded, scalars = turning.blind(under(OLD, inputs))
    turned, proof = turning.turn(OLD, NEW, blinded)
    assert turning.unblind(blinded, scalars, turned, proof, **PUBLIC) == under(NEW, inputs)


def test_the_vault_sees_no_element_and_no_element_twice_the_same() -> None:
    element = under(OLD, [b"x"])[0]
    one, two = turning.blind([element])[0][0], turning.blind([element])[0][0]
    assert len({element, one, two}) == 3


def flipped(data: bytes, i: int) -> bytes:
    return data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]


def holds(blinded: list[bytes], turned: list[bytes], proof: bytes, **public: bytes) -> bool:
    scalars = [group.random_scalar() for _ in blinded]
    try:
        turning.unblind(blinded, scalars, turned, proof, **(PUBLIC | public))
    except Refused:
        return False
    return True


def test_each_byte_of_proof_elements_and_both_keys_counts() -> None:
    blinded, _ = turning.blind(under(OLD, [b"a", b"b"]))
    turned, proof = turning.turn(OLD, NEW, blinded)
    assert holds(blinded, turned, proof)
    survivors: list[tuple[str, int]] = [("proof", i) for i in range(64) if holds(blinded, turned, flipped(proof, i))]
    for i in range(32):
        survivors += [("old", i)] * holds(blinded, turned, proof, old=flipped(PUBLIC["old"], i))
        survivors += [("new", i)] * holds(blinded, turned, proof, new=flipped(PUBLIC["new"], i))
        survivors += [("in", i)] * holds([flipped(blinded[0], i), blinded[1]], turned, proof)
        survivors += [("out", i)] * holds(blinded, [turned[0], flipped(turned[1], i)], proof)
    assert survivors == []


def test_keys_exchanged_another_factor_and_a_proof_of_evaluation_do_not_pass() -> None:
    blinded, _ = turning.blind(under(OLD, [b"a", b"b"]))
    turned, proof = turning.turn(OLD, NEW, blinded)
    third = group.random_scalar()
    strangers, strangers_proof = turning.turn(OLD, third, blinded)
    evaluated, evaluation_proof = voprf.evaluate(NEW, blinded)
    assert not holds(blinded, turned, proof, old=PUBLIC["new"], new=PUBLIC["old"])
    assert not holds(turned, blinded, proof)
    assert not holds(blinded, strangers, strangers_proof)
    assert not holds(blinded, strangers, proof)
    assert not holds(blinded, turned[::-1], proof)
    assert not holds(blinded, evaluated, evaluation_proof)
    assert not holds(blinded[:1], turned[:1], proof)


def test_the_same_pair_may_prove_another_base_only_for_itself() -> None:
    """A base is no constant here: whoever chooses old, new = q * old can't take a proof over to other keys with the same quotient."""
    factor = group.quotient(NEW.reveal(), OLD.reveal())
    other_old = group.random_scalar()
    other_new = group.product(other_old.reveal(), factor.reveal())
    blinded, _ = turning.blind(under(OLD, [b"a"]))
    turned, proof = turning.turn(OLD, NEW, blinded)
    assert not holds(blinded, turned, proof, old=voprf.public_key(other_old), new=group.times_base(other_new))


@pytest.mark.parametrize("element", [bytes(32), b"\xff" * 32, b"short"], ids=["identity", "no element", "short"])
def test_what_is_no_element_is_refused(element: bytes) -> None:
    with pytest.raises(Refused):
        turning.turn(OLD, NEW, [element])
    with pytest.raises(Refused):
        turning.turn(OLD, NEW, [])
