"""The micro record: one household as one mandate may see it, in sections that each have a fresh key.

Every record of a municipality has the same sections of the same sizes, whatever is in them and whether or not its mandate may see
it: a section it may not see is empty. So a record's looks tell nothing.

The key of a section travels in the record, sealed to the keyvault's section key together with what it belongs to. The
projector signs the whole; the vault hands a key over at each look, after writing the access log.
"""

from __future__ import annotations

import secrets as _random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

from schemas import codec
from schemas.confidentiality import COMMON
from schemas.errors import Refused
from schemas.sealing import open_sealed, seal_to, sha256, sign, signature_holds
from schemas.secrets import BoxKey, DataKey, SigningKey
from schemas.values import MandateHandle

SIZES: Final = (4 * 1024, 16 * 1024, 64 * 1024)
"""What all sections of a record hold together is padded to one of these sizes."""

SectionName = tuple[int, str]
"""(member, class): (0, `common`), or (1, a confidentiality class) for the mandate's own person."""

COMMON_SECTION: Final[SectionName] = (0, COMMON)
PRIVATE_BYTES: Final = 1_024
"""What a private section holds, whatever is in it: some two dozen lines. So no record's size depends on what somebody keeps private."""
_DOMAIN: Final = "zorgstroom household record 1"


@dataclass(frozen=True, slots=True)
class SectionClaim:
    """What the vault needs to know of a section to hand its key over: everything but the ciphertext itself."""

    member: int
    section_class: str
    key_box: bytes
    ciphertext_hash: bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """How many bytes each section holds, the same for every record that leaves together."""

    widths: dict[SectionName, int]

    @classmethod
    def fitting(cls, records: Iterable[Mapping[SectionName, bytes]], *, classes: Sequence[str]) -> Layout:
        """The smallest layout that holds all these records, each section of which is below `most_bytes`."""
        longest = max((len(sections.get(COMMON_SECTION, b"")) for sections in records), default=0)
        private: dict[SectionName, int] = {(1, c): PRIVATE_BYTES for c in classes}
        left = [size - sum(private.values()) for size in SIZES]
        return cls({COMMON_SECTION: next((width for width in left if longest < width), left[-1])} | private)


def most_bytes(name: SectionName, *, classes: Sequence[str]) -> int:
    """How long the content of a section may be at most."""
    return (SIZES[-1] - PRIVATE_BYTES * len(classes) if name == COMMON_SECTION else PRIVATE_BYTES) - 1


def _fixed(number: int, length: int) -> bytes:
    """A number as so many bytes. Raises `Refused` (`unreadable`) for one that no record has."""
    try:
        return number.to_bytes(length, "big")
    except OverflowError as wrong:
        raise Refused("unreadable", "A version or member of the household record is no number of a record.") from wrong


def _signed_message(handle: bytes, version: int, claims: list[SectionClaim]) -> bytes:
    parts = [handle, _fixed(version, 8)]
    for c in claims:
        parts += [_fixed(c.member, 4), sha256(c.section_class.encode()), sha256(c.key_box), c.ciphertext_hash]
    return b"".join(parts)


def seal_record(
    *,
    handle: MandateHandle,
    version: int,
    sections: Mapping[SectionName, bytes],
    layout: Layout,
    vault_public: bytes,
    signing: SigningKey,
    household: bytes,
) -> bytes:
    """Seal and sign a `HouseholdRecord`. `sections`: encoded `HouseholdCard` per section; those not named are empty.

    `household`: 16 bytes; only the keyvault sees them, for the access log.
    """
    sealed = []
    for (member, section_class), width in sorted(layout.widths.items()):
        data_key, nonce = _random.token_bytes(32), _random.token_bytes(24)
        padded = sodium.sodium_pad(sections.get((member, section_class), b""), width)
        ciphertext = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
            padded, handle.raw + _fixed(version, 8), nonce, data_key
        )
        box = codec.encode(
            "section_key_box",
            {"data_key": data_key, "handle": handle.raw, "member": member, "section_class": section_class,
             "version": version, "ciphertext_hash": sha256(nonce + ciphertext), "household": household},
        )  # fmt: skip
        sealed.append(
            {"member": member, "section_class": section_class, "key_box": seal_to(vault_public, box), "nonce": nonce,
             "ciphertext": ciphertext}
        )  # fmt: skip
    record = {"handle": handle.raw, "version": version, "sections": sealed}
    signature = sign(signing, _DOMAIN, _signed_message(handle.raw, version, claims_of(record)))
    return codec.encode("household_record", record | {"signature": signature})


def claims_of(record: dict[str, Any]) -> list[SectionClaim]:
    """What the vault is shown of a decoded record's sections."""
    return [
        SectionClaim(s["member"], s["section_class"], s["key_box"], sha256(s["nonce"] + s["ciphertext"]))
        for s in record["sections"]
    ]


def check_signature(
    *, projector_keys: Sequence[bytes], handle: bytes, version: int, claims: list[SectionClaim], signature: bytes
) -> None:
    """Raise `Refused` (`signature`; `unreadable` for numbers no record has) unless the projector signed exactly this, with one of its keys."""
    message = _signed_message(handle, version, claims)
    if not any(signature_holds(key, _DOMAIN, message, signature) for key in projector_keys):
        raise Refused("signature", "The household record is not signed by the projector.")


@dataclass(frozen=True, slots=True)
class OpenedBox:
    """What the keyvault finds in a section's key box: the section's key, and whose household the record shows."""

    data_key: DataKey
    household: bytes


def open_key_box(*, section_secret: BoxKey, handle: bytes, version: int, claim: SectionClaim) -> OpenedBox:
    """Open a section's key box (vault only) and check that it belongs to this mandate, member, class and version."""
    fields = codec.decode("section_key_box", open_sealed(section_secret, claim.key_box))
    expected = {
        "handle": handle, "member": claim.member, "section_class": claim.section_class, "version": version,
        "ciphertext_hash": claim.ciphertext_hash,
    }  # fmt: skip
    if {k: fields[k] for k in expected} != expected:
        raise Refused("part", "A section's key belongs to another mandate or version.")
    return OpenedBox(DataKey(fields["data_key"]), fields["household"])


def open_section(*, secret: DataKey, record: dict[str, Any], index: int) -> dict[str, Any] | None:
    """Open one section of a decoded record: a `HouseholdCard` datum, or None for an empty one. Raises `Refused` (`part`)."""
    section = record["sections"][index]
    associated = record["handle"] + _fixed(record["version"], 8)
    try:
        padded = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            section["ciphertext"], associated, section["nonce"], secret.reveal()
        )
        content = sodium.sodium_unpad(padded, len(padded))
        return codec.decode("household_card", content) if content else None
    except (CryptoError, ValueError) as wrong:
        raise Refused("part", "A section does not open with the key the vault gave.") from wrong
