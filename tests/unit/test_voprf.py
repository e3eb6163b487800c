"""The pseudonym function against the vectors of RFC 9497, and against whoever changes a byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from keyvault import blinding, group, voprf
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
    outputs = [
        voprf.finalize(m, group.unblind_batch([e], [b])[0]) for m, e, b in zip(inputs, evaluated, blinds, strict=True)
    ]
    assert [o.hex() for o in outputs] == vector["outputs"]


def test_the_same_input_gives_the_same_element_whatever_the_blinding() -> None:
    results = []
    for _ in range(2):
        batch = blinding.blind([b"one", b"two", b"one"])
        evaluated, proof = voprf.evaluate(SECRET, batch.elements)
        results.append(blinding.unblind(batch, evaluated, proof=proof, pinned_public_key=voprf.public_key(SECRET)))
    assert results[0] == results[1]
    assert results[0][0] == results[0][2] != results[0][1]


def flipped(data: bytes, i: int) -> bytes:
    return data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]


def survives(public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes) -> bool:
    try:
        voprf.verify(public, blinded, evaluated, proof)
    except Refused:
        return False
    return True


def test_each_byte_of_proof_elements_and_key_counts() -> None:
    public = voprf.public_key(SECRET)
    batch = blinding.blind([b"a", b"b"])
    evaluated, proof = voprf.evaluate(SECRET, batch.elements)
    assert survives(public, batch.elements, evaluated, proof)
    survivors = [("proof", i) for i in range(64) if survives(public, batch.elements, evaluated, flipped(proof, i))]
    for i in range(32):
        changed = {
            "key": (flipped(public, i), batch.elements, evaluated, proof),
            "blinded": (public, [flipped(batch.elements[0], i), batch.elements[1]], evaluated, proof),
            "evaluated": (public, batch.elements, [evaluated[0], flipped(evaluated[1], i)], proof),
        }
        survivors += [(name, i) for name, tried in changed.items() if survives(*tried)]
    assert survivors == []


def test_an_exchanged_shortened_or_strangers_batch_is_refused() -> None:
    public = voprf.public_key(SECRET)
    batch = blinding.blind([b"a", b"b"])
    evaluated, proof = voprf.evaluate(SECRET, batch.elements)
    stranger, strangers_proof = voprf.evaluate(group.random_scalar(), batch.elements)
    for tried in (
        (public, batch.elements, evaluated[::-1], proof),
        (public, batch.elements[::-1], evaluated, proof),
        (public, batch.elements[:1], evaluated[:1], proof),
        (public, batch.elements, evaluated[:1], proof),
        (public, batch.elements, stranger, strangers_proof),
        (public, batch.elements, evaluated, proof[:-1]),
        (public, batch.elements, evaluated, b""),
        (bytes(32), batch.elements, evaluated, proof),
        (voprf.public_key(group.random_scalar()), batch.elements, evaluated, proof),
    ):
        assert not survives(*tried)


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("change", ["zero", "order added"])
def test_a_scalar_of_the_proof_that_is_zero_or_above_the_order_is_refused(half: int, change: str) -> None:
    batch = blinding.blind([b"a"])
    evaluated, proof = voprf.evaluate(SECRET, batch.elements)
    halves = [proof[:32], proof[32:]]
    grown = int.from_bytes(halves[half], "little") + group.ORDER
    halves[half] = bytes(32) if change == "zero" else grown.to_bytes(32, "little")
    assert not survives(voprf.public_key(SECRET), batch.elements, evaluated, b"".join(halves))


def test_a_batch_is_unblinded_as_each_of_it_alone() -> None:
    batch = blinding.blind([bytes([i]) for i in range(7)])
    evaluated, _ = voprf.evaluate(SECRET, batch.elements)
    alone = [group.unblind_batch([e], [s])[0] for e, s in zip(evaluated, batch.scalars, strict=True)]
    assert group.unblind_batch(evaluated, batch.scalars) == alone
    assert alone == [group.multiply(SECRET.reveal(), voprf.hash_to_group(bytes([i]))) for i in range(7)]


def test_no_element_tells_two_blindings_of_one_input_apart() -> None:
    one, two = (blinding.blind([b"same"]).elements[0] for _ in range(2))
    assert one != two


def non_canonical() -> bytes:
    """The prime of the field itself: a second spelling of zero."""
    return (2**255 - 19).to_bytes(32, "little")


@pytest.mark.parametrize(
    "element", [bytes(32), b"\xff" * 32, b"\x01" + bytes(31), b"", bytes(31), bytes(33), non_canonical()]
)
def test_the_identity_and_malformed_elements_are_refused(element: bytes) -> None:
    with pytest.raises(Refused):
        voprf.evaluate(SECRET, [element])


def test_a_batch_has_bounds() -> None:
    with pytest.raises(Refused):
        voprf.evaluate(SECRET, [])
    with pytest.raises(Refused):
        voprf.evaluate(SECRET, [voprf.hash_to_group(b"x")] * (group.MAX_BATCH + 1))
