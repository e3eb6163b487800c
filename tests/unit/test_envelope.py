"""An envelope opens for its two roles only, and not at all once a byte of it is changed."""

from __future__ import annotations

import pytest

from schemas.envelope import (
    Envelope,
    Header,
    RecipientKeys,
    open_content,
    open_identity,
    seal_envelope,
    signature_valid,
)  # fmt: skip
from schemas.errors import Refused
from schemas.sealing import (
    box_public_key,
    open_events,
    open_sealed,
    seal_events,
    seal_part,
    seal_to,
    sha256,
    sign,
    verify_key_of,
)  # fmt: skip
from schemas.secrets import BoxKey, DataKey, SigningKey
from schemas.values import OutboxId, SenderId

INTAKE, LEDGER, SENDER = BoxKey(b"\x01" * 32), BoxKey(b"\x02" * 32), SigningKey(b"\x03" * 32)
RECIPIENTS = RecipientKeys("i1", box_public_key(INTAKE), "c1", box_public_key(LEDGER))
IDENTITY = {
    "subjects": [{"handle": b"h" * 16, "bsn": "999900006", "address": None, "as_of": None, "born": None}],
    "residences": [], "links": [], "erasures_asked": [], "erasures_decided": [],
}  # fmt: skip
CONTENT = {"rows": b"", "months": [], "mandates": [], "mandates_changed": [], "mandates_withdrawn": []}


def a_header(number: int = 1) -> Header:
    return Header("delivered.v1", SenderId("p99000001"), OutboxId(bytes(16)), number, "i1", "c1", "s1", 20000)


def an_envelope(number: int = 1) -> bytes:
    return seal_envelope(
        header=a_header(number), identity=IDENTITY, content=CONTENT, recipients=RECIPIENTS, signing=SENDER
    )


def opens(data: bytes) -> bool:
    try:
        envelope = Envelope.decode(data)
        if not envelope.signed_by(verify_key_of(SENDER)):
            return False
        open_identity(secret=INTAKE, header=envelope.header_bytes, sealed=envelope.identity)
        open_content(secret=LEDGER, header=envelope.header_bytes, sealed=envelope.content)
    except Refused:
        return False
    return True


def test_each_role_opens_its_own_part_and_not_the_other() -> None:
    envelope = Envelope.decode(an_envelope())
    assert open_identity(secret=INTAKE, header=envelope.header_bytes, sealed=envelope.identity) == IDENTITY
    assert open_content(secret=LEDGER, header=envelope.header_bytes, sealed=envelope.content) == CONTENT
    with pytest.raises(Refused):
        open_content(secret=INTAKE, header=envelope.header_bytes, sealed=envelope.content)
    with pytest.raises(Refused):
        open_identity(secret=LEDGER, header=envelope.header_bytes, sealed=envelope.identity)


def test_every_flipped_byte_of_an_envelope_is_refused() -> None:
    whole = an_envelope()
    assert opens(whole)
    survivors = [i for i in range(len(whole)) if opens(whole[:i] + bytes([whole[i] ^ 0x41]) + whole[i + 1 :])]
    assert survivors == []


def test_every_cut_of_an_envelope_is_refused() -> None:
    whole = an_envelope()
    assert [n for n in range(0, len(whole), 7) if opens(whole[:n])] == []


def test_a_part_of_another_envelope_does_not_open_even_when_signed_again() -> None:
    one, two = Envelope.decode(an_envelope(1)), Envelope.decode(an_envelope(2))
    with pytest.raises(Refused):
        open_content(secret=LEDGER, header=one.header_bytes, sealed=two.content)
    assert not signature_valid(
        public_key=verify_key_of(SENDER), header=one.header_bytes, identity_hash=sha256(one.identity),
        content_hash=sha256(two.content), signature=one.signature,
    )  # fmt: skip


def test_a_part_sealed_for_one_role_does_not_pass_as_the_other() -> None:
    header = a_header().encode()
    sealed = seal_part(public_key=box_public_key(LEDGER), header=header, part="identity", message=b"x")
    with pytest.raises(Refused):
        open_content(secret=LEDGER, header=header, sealed=sealed)


def test_another_senders_signature_does_not_count() -> None:
    assert not Envelope.decode(an_envelope()).signed_by(verify_key_of(SigningKey(b"\x04" * 32)))


def test_the_clear_part_of_an_envelope_tells_nothing_of_the_person() -> None:
    data = an_envelope()
    assert b"999900006" not in data
    assert b"h" * 16 not in data


def test_a_signature_of_one_domain_does_not_hold_in_another() -> None:
    from schemas.sealing import signature_holds

    made = sign(SENDER, "one", b"message")
    assert signature_holds(verify_key_of(SENDER), "one", b"message", made)
    assert not signature_holds(verify_key_of(SENDER), "two", b"message", made)
    assert not signature_holds(verify_key_of(SENDER), "one", b"massage", made)
    assert not signature_holds(b"\x00" * 32, "one", b"message", made)


def test_a_persons_events_open_only_under_that_persons_key_name_and_kind() -> None:
    secret, person = DataKey(b"\x05" * 32), b"p" * 16
    sealed = seal_events(secret, person, "events", b"rows")
    assert open_events(secret, person, "events", sealed) == b"rows"
    for other_secret, other_person, kind in (
        (DataKey(b"\x06" * 32), person, "events"), (secret, b"q" * 16, "events"), (secret, person, "mandate"),
    ):  # fmt: skip
        with pytest.raises(Refused):
            open_events(other_secret, other_person, kind, sealed)
    with pytest.raises(Refused):
        open_sealed(INTAKE, seal_to(box_public_key(LEDGER), b"x"))


def test_an_envelope_above_one_mebibyte_is_refused_before_it_is_sent() -> None:
    with pytest.raises(Refused, match="1 MiB"):
        seal_envelope(
            header=a_header(), identity=IDENTITY, content=CONTENT | {"rows": bytes(1100 * 1024)},
            recipients=RECIPIENTS, signing=SENDER,
        )  # fmt: skip
