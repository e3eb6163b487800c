"""Builders for tests of the vault: a mandate, a caller with a certificate, a vault in memory, a signed household record."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.certificates import Authority
from keyvault.access_log import InMemoryAccessLog
from keyvault.caller_signature import sign_as_caller
from keyvault.mandates import Mandate
from keyvault.memory_store import InMemoryVaultStore
from keyvault.metrics import VaultMetrics
from keyvault.mutual_tls import Caller
from keyvault.vault import Vault
from schemas import codec
from schemas.household_record import COMMON_SECTION, Layout, SectionName, claims_of, seal_record
from schemas.sealing import box_public_key, verify_key_of
from schemas.secrets import BoxKey, SigningKey
from schemas.values import MandateHandle

PROJECTOR = SigningKey(b"\x07" * 32)
HANDLE, PERSON, READER = b"h" * 16, b"p" * 16, "caseworker-gm9901-1"
DAY = dt.date(2025, 6, 1)
NOON = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC).timestamp()
CARD = codec.encode("household_card", {"known_on": 1, "epoch": 1, "members": 1, "subject": 1, "lines": []})
LAYOUT = Layout.fitting([], classes=("ggz", "youth"))
"""Sections a record has here; what is in none of them is not asked."""


def a_mandate(
    *,
    handle: bytes = HANDLE,
    given: bool = True,
    reader: str = READER,
    first: dt.date = DAY,
    until: dt.date = DAY,
    gm: int = 9901,
    purpose: str = "coordination",
    revision: int = 1,
) -> Mandate:
    return Mandate(
        handle, PERSON, gm, reader, purpose, "wmo-2.3.2", first, until, given, revision, f"grantor-gm{gm:04d}-anne"
    )


def a_record(
    section_public: bytes,
    *,
    version: int = 1,
    handle: bytes = HANDLE,
    signing: SigningKey = PROJECTOR,
    private: dict[SectionName, bytes] | None = None,
    household: bytes = b"H" * 16,
) -> dict[str, Any]:
    sealed = seal_record(
        handle=MandateHandle(handle), version=version, sections={COMMON_SECTION: CARD} | (private or {}), layout=LAYOUT,
        vault_public=section_public, signing=signing, household=household,
    )  # fmt: skip
    return codec.decode("household_record", sealed)


def a_look(record: dict[str, Any], key_pem: bytes, *, once: bytes | None = None, **changes: Any) -> bytes:
    """Body of a look: as the client makes it, unless `changes` says otherwise."""
    claims = [
        {
            "member": c.member,
            "section_class": c.section_class,
            "key_box": c.key_box,
            "ciphertext_hash": c.ciphertext_hash,
        }
        for c in claims_of(record)
    ]
    fields = {
        "handle": record["handle"], "version": record["version"], "claims": claims, "signature": record["signature"],
        "one_time_key": once or box_public_key(BoxKey(b"\x05" * 32)),
    }  # fmt: skip
    look = codec.encode("vault_look", fields | changes)
    return codec.encode("vault_signed_look", {"look": look, "signature": sign_as_caller(key_pem, look)})


@dataclass
class VaultInMemory:
    """A vault without servers, its clock in hand, and callers with certificates of one authority."""

    folder: Path
    now: float = NOON
    store: InMemoryVaultStore = field(default_factory=InMemoryVaultStore)
    log: InMemoryAccessLog = field(default_factory=InMemoryAccessLog)
    meter: VaultMetrics = field(default_factory=VaultMetrics)

    def __post_init__(self) -> None:
        self.authority = Authority(self.folder / "root")
        self.vault = Vault(
            self.store, self.log, lambda _: [verify_key_of(PROJECTOR)], self.meter, clock=lambda: self.now
        )

    def caller(self, name: str) -> tuple[Caller, bytes]:
        import ssl

        files = self.authority.issue(name, self.folder / name)
        return Caller(name, ssl.PEM_cert_to_DER_cert(files.cert.read_text())), files.key.read_bytes()

    @property
    def section_public(self) -> bytes:
        return box_public_key(self.store.box_key("section", DAY)[1])

    def results(self) -> list[str]:
        return [str(r["result"]) for r in self.log.records]
