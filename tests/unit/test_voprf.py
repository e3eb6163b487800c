"""The pseudonym function against the vectors of RFC 9497, and against whoever changes a byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keyvault import blinding, voprf
from schemas.errors import Refused
from schemas.secrets import ScalarKey

FILE = json.loads((Path(__file__).parent.parent / "vectors" / "voprf_ristretto255_sha512.json").read_text("utf-8"))
SECRET = ScalarKey(bytes.fromhex(FILE["secret_key"]))


def raw(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(t) for t in texts]


def test_the_key_pair_of_the_rfc_is_derived() -> None:
    key = voprf.derive_key(bytes.fromhex(FILE["seed"]), bytes.fromhex(FILE["key_info"]))
    assert key == SECRET
    assert voprf.public_key(key).hex() == FILE["public_key"]


@pytest.mark.parametrize("vector", FILE["vectors"], ids=lambda v: f"batch of {len(v['inputs'])}")
def test_every_step_gives_the_bytes_of_the_rfc(vector: dict[str, list[str]]) -> None:
    blinds = [ScalarKey(b) for b in raw(vector["blinds"])]
    inputs = raw(vector["inputs"])
    blinded = [voprf.blind(m, b) for m, b in zip(inputs, blinds, strict=True)]
    assert [b.hex() for b in blinded] == vector["blinded"]
    scalar = ScalarKey(bytes.fromhex(str(vector["proof_scalar"])))
    evaluated, proof = voprf.evaluate(SECRET, blinded, proof_scalar=scalar)
    assert [e.hex() for e in evaluated] == vector["evaluated"]
    assert proof.hex() == vector["proof"]
    voprf.verify(voprf.public_key(SECRET), blinded, evaluated, proof)
    outputs = [voprf.finalize(m, voprf.unblind(e, b)) for m, e, b in zip(inputs, evaluated, blinds, strict=True)]
    assert [o.hex() for o in outputs] == vector["outputs"]


def test_the_same_input_gives_the_same_element_whatever_the_blinding() -> None:
    results = []
    for _ in range(2):
        batch = blinding.blind([b"one", b"two", b"one"])
        evaluated, proof = voprf.evaluate(SECRET, batch.elements)
        results.append(blinding.unblind(batch, evaluated, proof=proof, pinned_public_key=voprf.public_key(SECRET)))
    assert results[0] == results[1]
    assert results[0][0] == results[0][2] != results[0][1]


def test_a_changed_element_proof_or_key_is_refused() -> None:
    public = voprf.public_key(SECRET)
    batch = blinding.blind([b"a", b"b"])
    evaluated, proof = voprf.evaluate(SECRET, batch.elements)
    survivors = []
    for i in range(64):
        try:
            voprf.verify(public, batch.elements, evaluated, proof[:i] + bytes([proof[i] ^ 1]) + proof[i + 1 :])
            survivors.append(i)
        except Refused:
            pass
    for wrong in (
        (public, batch.elements, evaluated[::-1], proof),
        (public, batch.elements[::-1], evaluated, proof),
        (public, batch.elements[:1], evaluated[:1], proof),
        (voprf.public_key(voprf.random_scalar()), batch.elements, evaluated, proof),
    ):
        with pytest.raises(Refused):
            voprf.verify(*wrong)
    assert survivors == []


@pytest.mark.parametrize("element", [bytes(32), b"\xff" * 32, b"\x01" + bytes(31), b"", bytes(31)])
def test_the_identity_and_malformed_elements_are_refused(element: bytes) -> None:
    with pytest.raises(Refused):
        voprf.evaluate(SECRET, [element])


def test_a_batch_has_bounds() -> None:
    with pytest.raises(Refused):
        voprf.evaluate(SECRET, [])
    with pytest.raises(Refused):
        voprf.evaluate(SECRET, [voprf.hash_to_group(b"x")] * (voprf.MAX_BATCH + 1))
