"""The mathematics of a secret nobody has, and the sealing to its public half."""

from __future__ import annotations

from itertools import combinations

import pytest

from keyvault import group
from keyvault.officers import sharing
from keyvault.officers.sealed_identity import open_identity, point_of, seal_identity
from schemas import codec
from schemas.errors import Refused
from schemas.secrets import ScalarKey

PERSON = b"p" * 16


def test_any_two_shares_make_the_constant_and_one_or_wrong_ones_do_not() -> None:
    secret = group.random_scalar()
    coefficients = sharing.polynomial(secret)
    shares = {n: sharing.value_at(coefficients, n) for n in range(1, 6)}
    point = group.times_base(group.random_scalar().reveal())
    expected = group.multiply(secret.reveal(), point)
    parts = {n: group.multiply(s.reveal(), point) for n, s in shares.items()}
    for pair in combinations(parts, 2):
        assert sharing.combined({n: parts[n] for n in pair}) == expected
    assert sharing.combined(parts) == expected
    assert all(sharing.combined({n: parts[n]}) != expected for n in parts)
    assert sharing.combined({1: parts[1], 3: parts[2]}) != expected


def test_a_share_is_checked_against_the_commitments() -> None:
    coefficients = sharing.polynomial(group.random_scalar())
    committed = sharing.commitments(coefficients)
    for number in range(1, 5):
        share = sharing.value_at(coefficients, number)
        assert sharing.holds(share, committed, number)
        assert group.times_base(share.reveal()) == sharing.public_at(committed, number)
        assert not sharing.holds(share, committed, number + 1)
        assert not sharing.holds(group.random_scalar(), committed, number)
    assert not sharing.holds(sharing.value_at(coefficients, 1), [b"\xff" * 32, committed[1]], 1)


def test_who_proves_to_know_a_secret_does_so_for_one_context_only() -> None:
    secret = group.random_scalar()
    public, proof = group.times_base(secret.reveal()), sharing.prove_known(secret, b"ceremony|dora")
    assert sharing.is_known(public, proof, b"ceremony|dora")
    assert not sharing.is_known(public, proof, b"ceremony|eli")
    assert not sharing.is_known(group.times_base(group.random_scalar().reveal()), proof, b"ceremony|dora")
    for at in range(64):
        changed = bytearray(proof)
        changed[at] ^= 1
        assert not sharing.is_known(public, bytes(changed), b"ceremony|dora")
    for wrong in (b"", proof[:63], proof + b"\x00", b"\xff" * 64):
        assert not sharing.is_known(public, wrong, b"ceremony|dora")


def test_a_sealed_number_opens_with_the_joint_secret_for_its_own_person_only() -> None:
    secret, other = group.random_scalar(), group.random_scalar()
    sealed = seal_identity(b"999900018", person=PERSON, key_id="o-1", joint_key=group.times_base(secret.reveal()))
    key_id, point = point_of(sealed)
    assert key_id == "o-1"
    assert open_identity(sealed, group.multiply(secret.reveal(), point), person=PERSON) == b"999900018"
    for shared, person in (
        (group.multiply(other.reveal(), point), PERSON),
        (group.multiply(secret.reveal(), point), b"q" * 16),
    ):
        with pytest.raises(Refused, match="does not open"):
            open_identity(sealed, shared, person=person)
    assert (
        seal_identity(b"999900018", person=PERSON, key_id="o-1", joint_key=group.times_base(secret.reveal())) != sealed
    )


def test_any_changed_byte_of_a_sealed_number_is_refused() -> None:
    secret = group.random_scalar()
    sealed = seal_identity(b"999900018", person=PERSON, key_id="o-1", joint_key=group.times_base(secret.reveal()))
    _, point = point_of(sealed)
    shared = group.multiply(secret.reveal(), point)
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(Refused):
            open_identity(bytes(changed), shared, person=PERSON)


def test_a_joint_key_that_is_no_element_is_refused() -> None:
    for wrong in (bytes(32), b"\xff" * 32):
        with pytest.raises(Refused):
            seal_identity(b"999900018", person=PERSON, key_id="o-1", joint_key=wrong)
    with pytest.raises(Refused):
        point_of(codec.encode("sealed_identity", {"key_id": "o", "point": bytes(32), "ciphertext": b""}))


def test_shares_do_not_print() -> None:
    share = sharing.value_at(sharing.polynomial(ScalarKey(b"\x05" + bytes(31))), 2)
    assert share.reveal().hex() not in repr(share)
    assert repr(share) == "ScalarKey(***)"
