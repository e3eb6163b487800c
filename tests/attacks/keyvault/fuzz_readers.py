"""Parsers that a signature, a seal or a file stands before, each with what it reads; the signature is made anew. For tests.

Workbooks are left out: a changed byte of a zip file ends at its checksum, and the cells inside come through the same reader as those of a CSV file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import retention_builders as retained
from erasure_builders import SIGNERS, a_decision, key_of, signed
from officer_builders import ROOT
from provider_files import CONTEXT, FILES
from three_roots import pinned, two_of

from deploy.key_register import receipts_key_entry
from keyvault.officers import ceremony
from producers.checks import check
from producers.residence_files import read_links, read_residences
from schemas import codec, erasure, erasure_receipt, reidentification, retention
from schemas.directory import role_key_id, sign_entry
from schemas.sealing import sign, verify_key_of
from schemas.secrets import HandleKey, SigningKey

Reader = tuple[Callable[[bytes], object], bytes]
_OFFICER, _VAULT = SigningKey(b"\x0c" * 32), SigningKey(b"\x0d" * 32)
_FILES = {
    "file 323": "323_two_clients_passes.xml", "file 323 utf-16": "323_utf_16_passes.xml", "file 301": "301_brp_address_passes.xml",
    "file 325": "325_two_rejected_passes.xml", "file csv": "sheet_passes.csv", "file csv with commas": "sheet_with_commas_passes.csv",
}  # fmt: skip
_RESIDENCES = b"BSN;van;tot;postcode;huisnummer;toevoeging;geheim\n999900018;2025-01-01;;1234AB;1;;nee\n"
_LINKS = b"BSN;bij BSN;van;tot\n999900018;999900031;2025-01-01;\n"


def readers(folder: Path) -> dict[str, Reader]:
    """Name -> parser and a sample."""
    return _decisions() | _messages() | _receipts() | _provider_files(folder)


def _twice_signed(data: bytes, domain: str) -> bytes:
    """Two grantors sign whatever this is."""
    signatures = [
        {"signer": name, "key_id": f"{name}-1", "signature": sign(key, domain, data)}
        for name, key in list(SIGNERS.items())[:2]
    ]
    return codec.encode("signed_erasure_decision", {"decision": data, "signatures": signatures})


def _noticed(data: bytes) -> bytes:
    """The projector signs whatever this is as a notice."""
    key_id = role_key_id("projector", verify_key_of(retained.PROJECTOR))
    fields = {"notice": data, "key_id": key_id, "signature": sign(retained.PROJECTOR, retention._NOTICE, data)}
    return codec.encode("signed_retention_notice", fields)


def _decisions() -> dict[str, Reader]:
    notice = codec.decode("signed_retention_notice", retained.a_notice())["notice"]
    standing = codec.decode("signed_erasure_decision", retained.a_standing())["decision"]
    known = retained.key_of
    return {
        "erasure decision": (lambda data: erasure.proved(data, key_of), signed()),
        "erasure decision unsigned": (erasure.read_decision, signed()),
        "erasure decision inside": (
            lambda data: erasure.proved(_twice_signed(data, erasure._DOMAIN), key_of), a_decision().encoded(),
        ),
        "retention notice": (lambda data: retention.Notice.proved(data, known), retained.a_notice()),
        "retention notice inside": (lambda data: retention.Notice.proved(_noticed(data), known), notice),
        "retention decision": (retention.Standing.read, retained.a_standing()),
        "retention use": (lambda data: retention.decided(data, known), retained.a_use()),
        "retention use, notice inside": (
            lambda data: retention.decided(retained.a_use(notice=_noticed(data)), known), notice,
        ),
        "retention use, decision inside": (
            lambda data: retention.decided(retained.a_use(standing=_twice_signed(data, retention._STANDING)), known), standing,
        ),
    }  # fmt: skip


def _officer(name: str, key_id: str) -> bytes | None:
    return verify_key_of(_OFFICER) if (name, key_id) == ("officer-dora", "k1") else None


def _said(data: bytes) -> bytes:
    """An officer signs whatever this is as a message."""
    signature = sign(_OFFICER, ceremony._DOMAIN, data)
    return codec.encode("signed_officer_message", {"message": data, "key_id": "k1", "signature": signature})


def _messages() -> dict[str, Reader]:
    bodies: dict[str, dict[str, Any]] = {
        ceremony.PROMISE: {"box_key": bytes(32), "digest": bytes(32)},
        ceremony.DEAL: {"commitments": [bytes(32)] * 2, "proof": bytes(64), "shares": [{"officer": "officer-eli", "sealed": b"s" * 80}]},
        ceremony.CONFIRM: {"transcript": bytes(32), "joint_key": bytes(32), "share_public": bytes(32)},
        ceremony.COMPLAIN: {"against": "officer-eli"},
        ceremony.DESTROYED: {"key_id": "officers-1", "epoch": 1, "share_public": bytes(32)},
    }  # fmt: skip
    found: dict[str, Reader] = {}
    for round_, fields in bodies.items():
        made = ceremony.signed_message(bytes(16), round_, "officer-dora", fields, key_id="k1", key=_OFFICER)
        inside = codec.decode("signed_officer_message", made)["message"]
        found[f"officers' {round_}"] = (lambda data: ceremony.read_message(data, _officer), made)
        found[f"officers' {round_} inside"] = (lambda data: ceremony.read_message(_said(data), _officer), inside)
        found[f"officers' {round_} body"] = (
            lambda data, r=round_: ceremony.read_message(
                _said(codec.encode("officer_message", {"ceremony": bytes(16), "round": r, "officer": "officer-dora", "body": data})), _officer
            ), codec.decode("officer_message", inside)["body"],
        )  # fmt: skip
    request = reidentification.Request(
        b"i" * 16, b"p" * 16, bytes(16), "danger", "jeugdwet-7.3.11", "Z-17", "officer-dora", bytes(32), "officers-1", 1
    ).encoded()

    def asked(data: bytes) -> object:
        signature = sign(_OFFICER, reidentification._DOMAIN, data)
        made = {"request": data, "signer": "officer-dora", "key_id": "k1", "signature": signature}
        return reidentification.proved(codec.encode("signed_reidentification", made), _officer).request.check(1)

    return found | {"officers' request inside": (asked, request)}


def _receipts() -> dict[str, Reader]:
    entry = sign_entry(two_of(ROOT), receipts_key_entry("receipts-1", verify_key_of(_VAULT)))
    receipt = codec.encode("erasure_receipt", {
        "request": b"r" * 16, "municipality": 9901, "ground": "avg-17", "asked_on": 20_000, "decided_on": 20_001, "deciders": ["a", "b"],
        "erased_at_ms": 1, "destroyed": list(erasure_receipt.DESTROYED), "mandates": 0, "last_copy_day": 20_100, "log_sequence": 1,
        "log_hash": bytes(32),
    })  # fmt: skip

    def sealed(data: bytes) -> bytes:
        signature = sign(_VAULT, erasure_receipt.DOMAIN, data)
        return codec.encode("signed_erasure_receipt", {"receipt": data, "signature": signature, "key": entry})

    def told(data: bytes) -> object:
        return erasure_receipt.checked(data, pinned(ROOT)).told()

    return {
        "erasure receipt": (told, sealed(receipt)),
        "erasure receipt inside": (lambda data: told(sealed(data)), receipt),
    }


def _provider_files(folder: Path) -> dict[str, Reader]:
    context = replace(CONTEXT, payer=9901)

    def written(data: bytes) -> Path:
        path = folder / "file"
        path.write_bytes(data)
        return path

    handles = HandleKey(b"\x0e" * 32)
    return {
        name: (lambda data: check(written(data), context), (FILES / file).read_bytes()) for name, file in _FILES.items()
    } | {
        "file of residences": (lambda data: list(read_residences(written(data), handles)), _RESIDENCES),
        "file of links": (lambda data: list(read_links(written(data), handles)), _LINKS),
    }
