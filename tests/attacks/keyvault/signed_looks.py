"""Household records, looks, the access log and what a family says of a card. For tests."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from ledger_builders import (
    PAYER,
    PROVIDER,
    TODAY,
    terms_of,
)
from vault_builders import HANDLE, PROJECTOR, READER, VaultInMemory, a_look, a_mandate

from deploy.certificates import Authority
from keyvault.access_log import Access, ChainCheck, chained
from keyvault.caller_signature import sign_as_caller
from keyvault.mutual_tls import Caller
from schemas import codec
from schemas.household_record import COMMON_SECTION, Layout, check_signature, claims_of, open_key_box, open_section
from schemas.household_record import seal_record as sealed_record
from schemas.remarks import DOMAIN, Remark
from schemas.sealing import (
    box_public_key,
    open_sealed,
    seal_to,
    verify_key_of,
)
from schemas.values import MandateHandle, day_of
from streams.metrics import WorkerMetrics
from streams.remarks import Remarks
from tests.attacks.keyvault.signed_things import (
    BOX,
    DATA,
    MEMBER,
    NARROW,
    PERSON,
    Thing,
    held,
    thing,
)


@thing("a household record", "household_record", "section_key_box", "household_card")
def _(_: Path) -> Thing:
    card = codec.encode("household_card", {"known_on": 1, "epoch": 1, "members": 1, "subject": 1, "lines": []})
    made = sealed_record(
        handle=MandateHandle(HANDLE), version=7, sections={COMMON_SECTION: card}, layout=NARROW,
        vault_public=box_public_key(BOX), signing=PROJECTOR, household=b"H" * 16,
    )  # fmt: skip

    def read(data: bytes) -> object:
        record = codec.decode("household_record", data)
        handle, version, claims = record["handle"], record["version"], claims_of(record)
        check_signature(
            projector_keys=[verify_key_of(PROJECTOR)], handle=handle, version=version, claims=claims, signature=record["signature"]
        )  # fmt: skip
        boxes = [open_key_box(section_secret=BOX, handle=handle, version=version, claim=c) for c in claims]
        return [open_section(secret=b.data_key, record=record, index=i) for i, b in enumerate(boxes)]

    return Thing(made, read)


@thing("what a reader shows the keyvault", "vault_signed_look", "vault_look")
def _(folder: Path) -> Thing:
    here = VaultInMemory(folder / "vault")
    here.store.learn_mandates([a_mandate()], partition=0, next_offset=1)
    caller, pem = here.caller(READER)
    record = sealed_record(
        handle=MandateHandle(HANDLE), version=7, sections={}, layout=Layout({COMMON_SECTION: 64}),
        vault_public=here.section_public, signing=PROJECTOR, household=b"H" * 16,
    )  # fmt: skip
    made = a_look(codec.decode("household_record", record), pem)
    return Thing(made, lambda data: here.vault.look(caller, data))


@thing("keys of a look", "vault_look_answer", "vault_own_log", "vault_partial")
def _(_: Path) -> Thing:
    return Thing(seal_to(box_public_key(BOX), DATA.reveal()), lambda data: open_sealed(BOX, data))


@thing("a line of the access log", "access_record")
def _(folder: Path) -> Thing:
    here = VaultInMemory(folder / "vault")
    here.vault.withdraw(Caller("gm9901", b""), codec.encode("vault_mandate", {"handle": HANDLE}))
    (first,) = here.log.records
    access = Access(1, "look", HANDLE, READER, "10.0.0.1", None, "given")
    lines = [first]
    for number in (2, 3):
        lines.append(chained(access, client=b"c" * 16, sequence=number, previous_hash=lines[-1]["hash"]))

    def read(data: bytes) -> object:
        check = ChainCheck(heads={3: lines[2]["hash"]})
        check.take([lines[0], codec.decode("access_record", data), lines[2]])
        held(not check.end())
        return check.head

    return Thing(codec.encode("access_record", lines[1]), read)


@thing("what a member of a family says", "signed_remark", "remark")
def _(folder: Path) -> Thing:
    authority = Authority(folder / "root")
    files = authority.issue(MEMBER, folder / MEMBER, valid_from=_noon() - dt.timedelta(days=30))
    terms = terms_of(reader=MEMBER, purpose="own-file")
    given = SimpleNamespace(withdrawn=False, terms=terms, municipality=PAYER, person=PERSON)
    tx = SimpleNamespace(execute=lambda *_: SimpleNamespace(fetchone=lambda: (1,)))
    nothing: Any = None
    ledger = Remarks(
        nothing, {}, authority.ca_path, nothing, {"c1": BOX}, WorkerMetrics("ledger"), lambda: (0, bytes(32)), _noon
    )
    sealed = Remark(terms.handle, PROVIDER, "01A05", 24_300, 24_300, "other", 1).sealed_to(box_public_key(BOX))
    der = x509.load_pem_x509_certificate(files.cert.read_bytes()).public_bytes(Encoding.DER)
    made = codec.encode(
        "signed_remark",
        {"key_id": "c1", "sealed": sealed, "certificate": der, "signature": sign_as_caller(files.key.read_bytes(), DOMAIN + sealed)},
    )  # fmt: skip

    def read(data: bytes) -> object:
        with patch("streams.remarks.ledger_store.mandates", lambda _, handles: {terms.handle: given}):
            return ledger._proved(tx, data)  # type: ignore[arg-type]

    return Thing(made, read, spellings=True)


def _noon() -> dt.datetime:
    return dt.datetime.combine(day_of(TODAY), dt.time(12), dt.UTC)
