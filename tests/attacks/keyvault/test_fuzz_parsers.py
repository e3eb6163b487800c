"""CR-3: whatever bytes come, a parser answers with what it read or with one of our own errors; the vault's doors too.

20,000 inputs each run, spread over all parsers; 1,000,000 with `pytest -m long tests/attacks/keyvault`.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from test_golden_records import a_datum
from three_roots import pinned, two_of
from vault_builders import DAY

from deploy.certificates import Authority
from deploy.database_backup import Header as BackupHeader
from producers import joining
from producers.deliveries import Reading
from schemas import codec
from schemas.directory import Directory, Entry, sign_entry, verified_entry
from schemas.envelope import Envelope
from schemas.envelope import Header as EnvelopeHeader
from schemas.errors import ZorgstroomError
from schemas.household_record import SectionClaim, open_key_box
from schemas.mandate_terms import MandateTerms
from schemas.orders import Order, add_signature, proved_order, read_order, signed_order
from schemas.remarks import Remark
from schemas.requests import DataRequest, verified_request
from schemas.roots import sign_change
from schemas.sealing import box_public_key, seal_to, verify_key_of
from schemas.secrets import BoxKey, SigningKey
from schemas.values import SenderId
from tests.attacks.keyvault.fuzz_doors import doors
from tests.attacks.keyvault.fuzz_readers import readers
from tests.attacks.test_no_search import PATHS

ROOT, KEY, BOX = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32), BoxKey(b"\x03" * 32)
SHORT, LONG = 20_000, 1_000_000
Parser = Callable[[bytes], object]
_HOSTILE: Final = (
    b"",
    b"\x00",
    b"\xff" * 64,
    b"\xc3\x01",
    b"{}",
    b"[" * 2_000,
    b'{"a":' * 500,
    b"\x80" * 20,
    b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
)


def schemas() -> dict[str, tuple[Parser, bytes]]:
    """Every schema, with a record of it."""
    return {
        f"schema {name}": (
            (lambda data, name=name: codec.decode(name, data)),
            codec.encode(name, a_datum(codec.raw_schema(name), name, {})),
        )
        for name in codec.schema_names()
    }


def files_and_entries(folder: Path) -> dict[str, tuple[Parser, bytes]]:
    """What is signed, sealed or sent as a file."""
    request = joining.join(folder / "sender", sender=SenderId("p98000001"), name="De Linde").read_bytes()
    entry = sign_entry(two_of(ROOT), Entry("sender", "p98000001", "s-1", "signing", b"k" * 32, valid_from=0))
    order = add_signature(
        signed_order(Order.turn(key_id="voprf-1", number=5, until=DAY, why="x").encoded(), {}), "anne", KEY
    )
    claim = SectionClaim(1, "common", b"", bytes(32))
    asked = codec.encode("data_request", a_datum(codec.raw_schema("data_request"), "data_request", {}))
    signed = codec.encode("signed_request", {"entry": entry, "payload": asked, "signature": bytes(64)})
    envelope = codec.encode("envelope", a_datum(codec.raw_schema("envelope"), "envelope", {}))
    header = codec.encode("envelope_header", a_datum(codec.raw_schema("envelope_header"), "envelope_header", {}))
    box = codec.encode("section_key_box", a_datum(codec.raw_schema("section_key_box"), "section_key_box", {}))
    backup = (
        b"zorgstroom backup 2\n"
        + json.dumps(
            {"role": "intake", "form": "f", "made_at": "2025-06-01T12:00:00Z", "tables": ["a"], "keys": {}}
        ).encode()
        + b"\n"
    )

    def read_backup_header(data: bytes) -> object:
        (folder / "backup").write_bytes(data)
        return BackupHeader.read(folder / "backup")

    def admission(data: bytes) -> None:
        joining.accept(folder / "sender", data)

    return {
        "request file": (joining.read_request, request),
        "directory entry": (lambda data: verified_entry(pinned(ROOT), data), entry),
        "directory": (Directory(pinned(ROOT)).take, sign_change(two_of(ROOT), pinned(KEY))),
        "order": (lambda data: proved_order(data, {"anne": verify_key_of(KEY)}), order),
        "order unsigned": (read_order, order),
        "envelope": (Envelope.decode, envelope),
        "envelope header": (EnvelopeHeader.decode, header),
        "mandate terms": (MandateTerms.decode, codec.encode("mandate_terms", a_datum(codec.raw_schema("mandate_terms"), "mandate_terms", {}))),
        "data request": (DataRequest.decode, asked),
        "signed request": (lambda data: verified_request(pinned(ROOT), data), signed),
        "remark": (lambda data: Remark.opened(BOX, data), seal_to(box_public_key(BOX), b"x" * 40)),
        "remark inside": (lambda data: Remark.opened(BOX, seal_to(box_public_key(BOX), data)), b"x" * 40),
        "key box": (
            lambda data: open_key_box(
                section_secret=BOX, handle=bytes(16), version=1,
                claim=SectionClaim(claim.member, claim.section_class, seal_to(box_public_key(BOX), data), bytes(32)),
            ), box,
        ),
        "backup": (read_backup_header, backup),
        "admission file": (admission, json.dumps({"sender": "p98000001", "directory": [entry.hex()], "roots": pinned(ROOT).told()}).encode()),
    }  # fmt: skip


def mutated(sample: bytes, chance: random.Random) -> bytes:
    """A neighbour of a right input, or nothing like one."""
    data = bytearray(sample)
    match chance.randrange(7):
        case 0:
            return chance.choice(_HOSTILE)
        case 1:
            return chance.randbytes(chance.randrange(200))
        case 2:
            return bytes(data[: chance.randrange(len(data) + 1)])
        case 3:
            at = chance.randrange(len(data) + 1)
            return bytes(data[:at]) + chance.randbytes(chance.randrange(1, 20)) + bytes(data[at:])
        case 4:
            return sample[:10] + chance.randbytes(chance.randrange(300))
        case _:
            for _ in range(chance.randrange(1, 6)):
                if data:
                    data[chance.randrange(len(data))] = chance.randrange(256)
            return bytes(data)


def fuzzed(parsers: dict[str, tuple[Parser, bytes]], count: int, seed: int) -> list[str]:
    """What answered with something that is not ours: parser, error, the input that did it."""
    chance, wrong = random.Random(seed), []
    certain = [(name, data) for name, (_, sample) in sorted(parsers.items()) for data in (sample, *_HOSTILE)]
    names = sorted(parsers)
    for nth in range(count):
        name, data = certain[nth] if nth < len(certain) else (names[nth % len(names)], b"")
        parse, sample = parsers[name]
        try:
            parse(data if nth < len(certain) else mutated(sample, chance))
        except ZorgstroomError:
            continue
        except Exception as other:  # noqa: BLE001 - that is what is looked for
            wrong.append(f"{name}: {type(other).__name__} at input {nth}")
    return wrong


def everything(folder: Path) -> dict[str, tuple[Parser, bytes]]:
    Authority(folder / "root")
    return schemas() | files_and_entries(folder) | readers(folder) | doors(folder / "doors")


def test_every_door_of_the_vault_is_among_them_with_a_body_that_it_takes(tmp_path: Path) -> None:
    all_of_them = doors(tmp_path)
    assert {name.rsplit(" ", 1)[1] for name in all_of_them} == set(PATHS)
    for name, (ask, body) in all_of_them.items():
        assert body or " GET " in name or name.endswith("/section/turn"), name
        ask(body)  # refused by none


def test_every_reader_reads_its_sample(tmp_path: Path) -> None:
    for name, (read, sample) in readers(tmp_path).items():
        found = read(sample)
        assert not isinstance(found, Reading) or found.items or "325" in name, name


def test_twenty_thousand_inputs_give_only_our_own_errors(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    assert fuzzed(everything(tmp_path), SHORT, seed) == [], f"seed {seed}"


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_million_inputs_give_only_our_own_errors(tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    assert fuzzed(everything(tmp_path), LONG, seed) == [], f"seed {seed}"


def test_the_fuzzing_would_find_a_parser_that_lets_another_error_out(tmp_path: Path) -> None:
    def careless(data: bytes) -> object:
        return json.loads(data.decode())

    assert len(fuzzed({"careless": (careless, b'{"a": 1}')}, 200, 7)) > 50
