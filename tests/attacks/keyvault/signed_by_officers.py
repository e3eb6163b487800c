"""What officers sign, deal, prove and seal. For tests."""

from __future__ import annotations

from pathlib import Path

from keyvault import dleq, group
from keyvault.officers import ceremony, sharing
from keyvault.officers.ceremony import Committee, Member
from keyvault.officers.sealed_identity import open_identity, seal_identity
from keyvault.officers.tool import _PARTIAL, _checked
from schemas import codec, reidentification
from schemas.sealing import (
    box_public_key,
    verify_key_of,
)
from schemas.secrets import ScalarKey
from tests.attacks.keyvault.signed_things import (
    BOX,
    KEY,
    PERSON,
    Thing,
    held,
    pieces,
    thing,
)


@thing("a request of officers", "signed_reidentification", "reidentification")
def _(_: Path) -> Thing:
    request = reidentification.Request(
        b"i" * 16,
        PERSON,
        bytes(16),
        "danger",
        "jeugdwet-7.3.11",
        "Z-17",
        "officer-dora",
        box_public_key(BOX),
        "officers-1",
        1,
    )
    made = reidentification.signed_request(request, signer="officer-dora", key_id="k1", key=KEY)
    return Thing(made, lambda data: reidentification.proved(data, _officer).request)


def _officer(name: str, key_id: str) -> bytes | None:
    return verify_key_of(KEY) if (name, key_id) == ("officer-dora", "k1") else None


@thing(
    "a message of an officer", "signed_officer_message", "officer_message", "officer_promise", "officer_deal", "officer_confirm",
    "officer_complaint", "officer_destroyed",
)  # fmt: skip
def _(_: Path) -> Thing:
    fields = {"key_id": "officers-1", "epoch": 1, "share_public": b"s" * 32}
    made = ceremony.signed_message(bytes(16), ceremony.DESTROYED, "officer-dora", fields, key_id="k1", key=KEY)
    return Thing(made, lambda data: ceremony.read_message(data, _officer).fields)


@thing("a number sealed to the officers", "sealed_identity", "vault_identities", "vault_opened_identity")
def _(_: Path) -> Thing:
    joint, key_id = group.random_scalar(), "officers-1"
    made = seal_identity(b"999900018", person=PERSON, key_id=key_id, joint_key=group.times_base(joint.reveal()))

    def read(data: bytes) -> object:
        point = codec.decode("sealed_identity", data)["point"]
        return open_identity(data, group.multiply(joint.reveal(), point), person=PERSON)

    return Thing(made, read)


@thing("an officer's part", "officer_partial", "officer_committee")
def _(_: Path) -> Thing:
    share, point = group.random_scalar(), group.times_base(group.random_scalar().reveal())
    public = group.times_base(share.reveal())
    committee = Committee("officers-1", 1, public, 1, (Member("officer-dora", 1, public),))
    element = group.multiply(share.reveal(), point)
    proof = dleq.prove(share, dleq.Statement(_PARTIAL + b"i" * 16, public), [point], [element])
    fields = {"request": b"i" * 16, "officer": "officer-dora", "element": element, "proof": proof}
    return Thing(codec.encode("officer_partial", fields), lambda data: _checked(data, b"i" * 16, point, committee))


@thing("what an officer deals, and its proof")
def _(_: Path) -> Thing:
    coefficients = sharing.polynomial(group.random_scalar())
    committed, proof = sharing.commitments(coefficients), sharing.prove_known(coefficients[0], b"ceremony")
    value = sharing.value_at(coefficients, 1)
    promised = ceremony.digest_of(committed, proof)
    made, apart = pieces(*committed, proof, value.reveal())

    def read(data: bytes) -> object:
        constant, slope, shown, part = apart(data)
        held(ceremony.digest_of([constant, slope], shown) == promised)
        held(sharing.is_known(constant, shown, b"ceremony"))
        held(sharing.holds(ScalarKey(part), [constant, slope], 1))
        return constant

    return Thing(made, read)
