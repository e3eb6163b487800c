"""CR-1: every byte of everything that is signed, sealed or committed to, flipped one at a time: each is refused, and nothing is read otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas import codec
from schemas.errors import ContractBroken, Refused
from schemas.sealing import signature_holds, verify_key_of
from schemas.secrets import SigningKey
from tests.attacks.keyvault import (  # noqa: F401 - each adds its things to the table
    proved_keys,
    signed_by_members,
    signed_by_officers,
    signed_looks,
    signed_on_the_road,
)
from tests.attacks.keyvault.signed_things import COVERED, THINGS, Thing

FLIPS = (0x01, 0x80)
NEEDS_COVER = {
    "signature", "signatures", "proof", "commitment", "sealed", "ciphertext", "key_box", "previous_hash", "hash", "digest",
}  # fmt: skip
"""A schema with a field of this name says something that must not be changed on its way."""
NOT_ITSELF = {
    "dead_letter": "the hash in it is that of other bytes, for whoever looks for them",
    "vault_log_head": "between a role and the keyvault, over mutual TLS",
}


def changes(data: bytes) -> Iterator[tuple[int, bytes]]:
    for at in range(len(data)):
        for flip in FLIPS:
            yield at, data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]


def read(thing: Thing, data: bytes) -> tuple[object] | None:
    """What the bytes say, in a tuple; None where they are refused with an error of ours."""
    try:
        return (thing.read(data),)
    except (Refused, ContractBroken):
        return None


@pytest.mark.parametrize("name", THINGS)
def test_no_byte_of_it_can_be_flipped(name: str, tmp_path: Path) -> None:
    thing = THINGS[name](tmp_path)
    says = read(thing, thing.made)
    assert says is not None
    found = [(at, read(thing, data)) for at, data in changes(thing.made)]
    taken = [(at, told) for at, told in found if told is not None and not (thing.spellings and told == says)]
    assert taken == [], f"{name}: of {len(thing.made)} bytes"


@pytest.mark.parametrize("name", THINGS)
def test_no_shorter_and_no_longer_one_is_read(name: str, tmp_path: Path) -> None:
    thing = THINGS[name](tmp_path)
    assert read(thing, thing.made) is not None
    cuts = [thing.made[:n] for n in range(0, len(thing.made), max(1, len(thing.made) // 60))]
    assert [len(data) for data in cuts if read(thing, data) is not None] == []


def fields_of(schema: Any) -> Iterator[str]:
    """Names of all fields of a schema, also of records within it."""
    match schema:
        case list():
            for one in schema:
                yield from fields_of(one)
        case {"type": "record", "fields": fields}:
            for field in fields:
                yield field["name"]
                yield from fields_of(field["type"])
        case {"type": "array", "items": items}:
            yield from fields_of(items)


def uncovered() -> list[str]:
    return [
        name for name in codec.schema_names()
        if name not in COVERED.keys() | NOT_ITSELF.keys()
        and (name.startswith(("signed_", "sealed_")) or NEEDS_COVER & set(fields_of(codec.raw_schema(name))))
    ]  # fmt: skip


def test_every_schema_with_a_signature_a_seal_or_a_hash_is_in_the_table() -> None:
    assert uncovered() == []
    assert set(COVERED) <= set(codec.schema_names())


def test_a_schema_that_is_left_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("signed_remark", "epoch_closed", "vault_evaluation"):
        monkeypatch.delitem(COVERED, name)
    assert uncovered() == ["epoch_closed", "signed_remark", "vault_evaluation"]


def test_the_flipping_would_find_a_reader_that_checks_half() -> None:
    secret = SigningKey(b"\x05" * 32)
    from schemas.sealing import sign

    made = b"who=anne;until=2025" + sign(secret, "half", b"who=anne")

    def careless(data: bytes) -> bytes:
        if not signature_holds(verify_key_of(secret), "half", data[:8], data[19:]):
            raise Refused("signature", "It does not hold.")
        return data[:19]

    thing = Thing(made, careless)
    assert {at for at, data in changes(made) if read(thing, data) is not None} == set(range(8, 19))
