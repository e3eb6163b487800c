"""The micro record: one household as one mandate may see it, in sections that each have a fresh key.

The key of a section travels in the record, sealed to the keyvault's section key together with what it belongs to. The
projector signs the whole; the vault hands a key over at each look, after writing the access log.
"""

from __future__ import annotations

import secrets as _random
from dataclasses import dataclass
from typing import Any, Final

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

from schemas import codec
from schemas.errors import Refused
from schemas.sealing import open_sealed, seal_to, sha256, sign, signature_holds
from schemas.secrets import BoxKey, DataKey, SigningKey
from schemas.values import MandateHandle

SIZES: Final = (4 * 1024, 16 * 1024, 64 * 1024)
"""A section's ciphertext has one of these sizes, so that its size tells nothing."""

COMMON: Final = "common"
_DOMAIN: Final = "zorgstroom household record 1"


@dataclass(frozen=True, slots=True)
class SectionClaim:
    """What the vault needs to know of a section to hand its key over: everything but the ciphertext itself."""

    member: int
    section_class: str
    key_box: bytes
    ciphertext_hash: bytes


def _padded(message: bytes) -> bytes:
    for size in SIZES:
        if len(message) + 1 <= size:
            padded: bytes = sodium.sodium_pad(message, size)
            return padded
    raise Refused("unreadable", "A household's section is above 64 KiB.")


def _signed_message(handle: bytes, version: int, claims: list[SectionClaim]) -> bytes:
    parts = [handle, version.to_bytes(8, "big")]
    for c in claims:
        parts += [c.member.to_bytes(4, "big"), sha256(c.section_class.encode()), sha256(c.key_box), c.ciphertext_hash]
    return b"".join(parts)


def seal_record(
    *,
    handle: MandateHandle,
    version: int,
    sections: dict[tuple[int, str], bytes],
    vault_public: bytes,
    signing: SigningKey,
) -> bytes:
    """Seal and sign a `HouseholdRecord`. `sections`: (member, class) -> encoded `HouseholdCard`."""
    sealed = []
    for (member, section_class), card in sorted(sections.items()):
        data_key, nonce = _random.token_bytes(32), _random.token_bytes(24)
        ciphertext = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
            _padded(card), handle.raw + version.to_bytes(8, "big"), nonce, data_key
        )
        box = codec.encode(
            "section_key_box",
            {"data_key": data_key, "handle": handle.raw, "member": member, "section_class": section_class,
             "version": version, "ciphertext_hash": sha256(nonce + ciphertext)},
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
    *, projector_public: bytes, handle: bytes, version: int, claims: list[SectionClaim], signature: bytes
) -> None:
    """Raise `Refused` (`signature`) unless the projector signed exactly this."""
    if not signature_holds(projector_public, _DOMAIN, _signed_message(handle, version, claims), signature):
        raise Refused("signature", "The household record is not signed by the projector.")


def section_key(*, section_secret: BoxKey, handle: bytes, version: int, claim: SectionClaim) -> DataKey:
    """Open a section's key box (vault only) and check that it belongs to this mandate, member, class and version."""
    fields = codec.decode("section_key_box", open_sealed(section_secret, claim.key_box))
    expected = {
        "handle": handle, "member": claim.member, "section_class": claim.section_class, "version": version,
        "ciphertext_hash": claim.ciphertext_hash,
    }  # fmt: skip
    if {k: fields[k] for k in expected} != expected:
        raise Refused("part", "A section's key belongs to another mandate or version.")
    return DataKey(fields["data_key"])


def open_section(*, secret: DataKey, record: dict[str, Any], index: int) -> dict[str, Any]:
    """Open one section of a decoded record: a `HouseholdCard` datum. Raises `Refused` (`part`)."""
    section = record["sections"][index]
    associated = record["handle"] + record["version"].to_bytes(8, "big")
    try:
        padded = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            section["ciphertext"], associated, section["nonce"], secret.reveal()
        )
        size = next(s for s in SIZES if s >= len(padded))
        return codec.decode("household_card", sodium.sodium_unpad(padded, size))
    except (CryptoError, ValueError, StopIteration) as wrong:
        raise Refused("part", "A section does not open with the key the vault gave.") from wrong
