"""Sealing and opening of bytes with libsodium: parts for a role, events under a person's key, signatures.

XChaCha20-Poly1305 does not commit to its key, so a part carries a commitment that is checked before it is opened.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as _random
from typing import Final

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

from schemas import codec
from schemas.errors import Refused
from schemas.secrets import BoxKey, DataKey, HandleKey, SigningKey

PADDING_BYTES: Final = 512
_NONCE_BYTES: Final = 24


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def partition_of(name: bytes, count: int) -> int:
    """First 8 bytes of SHA-256 of the key, big-endian, modulo the partition count: every sender of ours computes this."""
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % count


def keyed_handle(secret: HandleKey, kind: str, text: str) -> bytes:
    """First 16 bytes of HMAC-SHA256 over kind and text: how a reference or a client leaves its provider."""
    return hmac.digest(secret.reveal(), kind.encode() + b"\x00" + text.encode(), "sha256")[:16]


def verify_key_of(secret: SigningKey) -> bytes:
    """The 32-byte public half of an Ed25519 signing key."""
    public, _ = sodium.crypto_sign_seed_keypair(secret.reveal())
    return public


def sign(secret: SigningKey, domain: str, message: bytes) -> bytes:
    """Ed25519 signature (64 bytes) over a domain word and the message, so that one kind is never taken for another."""
    _, private = sodium.crypto_sign_seed_keypair(secret.reveal())
    return sodium.crypto_sign(domain.encode() + b"\x00" + message, private)[:64]


def signature_holds(public_key: bytes, domain: str, message: bytes, signature: bytes) -> bool:
    """Tell whether `signature` is that of `public_key` over domain and message."""
    if len(signature) != 64 or len(public_key) != 32:
        return False
    try:
        sodium.crypto_sign_open(signature + domain.encode() + b"\x00" + message, public_key)
    except (CryptoError, ValueError):
        return False
    return True


def box_public_key(secret: BoxKey) -> bytes:
    """The 32-byte public half of an X25519 key."""
    return sodium.crypto_scalarmult_base(secret.reveal())


def seal_to(public_key: bytes, message: bytes) -> bytes:
    """Seal `message` to an X25519 public key (libsodium sealed box)."""
    return sodium.crypto_box_seal(message, public_key)


def open_sealed(secret: BoxKey, box: bytes) -> bytes:
    """Open a sealed box. Raises `Refused` (`part`)."""
    try:
        return sodium.crypto_box_seal_open(box, box_public_key(secret), secret.reveal())
    except (CryptoError, ValueError, TypeError) as wrong:
        raise Refused("part", "A sealed box does not open with this key.") from wrong


def seal_under(secret: DataKey, message: bytes, associated: bytes) -> bytes:
    """Seal under a symmetric key: nonce (24) and ciphertext. `associated` is bound, not carried."""
    nonce = _random.token_bytes(_NONCE_BYTES)
    return nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(message, associated, nonce, secret.reveal())


def open_under(secret: DataKey, sealed: bytes, associated: bytes) -> bytes:
    """Open what `seal_under` made. Raises `Refused` (`part`)."""
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed[_NONCE_BYTES:], associated, sealed[:_NONCE_BYTES], secret.reveal()
        )
    except (CryptoError, ValueError, TypeError) as wrong:
        raise Refused("part", "Sealed bytes do not open with this key.") from wrong


def _binding(header: bytes, part: str) -> bytes:
    return hashlib.blake2b(part.encode() + b"\x00" + header, digest_size=32, person=b"zorgstroom-bind").digest()


def _commitment(data_key: bytes, binding: bytes, nonce: bytes) -> bytes:
    return hashlib.blake2b(binding + nonce, key=data_key, digest_size=32, person=b"zorgstroom-comm").digest()


def seal_part(*, public_key: bytes, header: bytes, part: str, message: bytes) -> bytes:
    """Seal one part of an envelope to a role: a `SealedPart`, single-object encoded. `part`: `identity` or `content`."""
    data_key = _random.token_bytes(32)
    nonce = _random.token_bytes(_NONCE_BYTES)
    binding = _binding(header, part)
    padded = sodium.sodium_pad(message, PADDING_BYTES)
    return codec.encode(
        "sealed_part",
        {
            "key_box": seal_to(public_key, data_key + binding),
            "nonce": nonce,
            "commitment": _commitment(data_key, binding, nonce),
            "ciphertext": sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
                padded, part.encode() + header, nonce, data_key
            ),
        },
    )


def open_part(*, secret: BoxKey, header: bytes, part: str, sealed: bytes) -> bytes:
    """Open one part; checks binding, commitment and tag. Raises `Refused` (`part`, `unreadable`, `schema`)."""
    fields = codec.decode("sealed_part", sealed)
    opened = open_sealed(secret, fields["key_box"])
    binding = _binding(header, part)
    if len(opened) != 64 or not hmac.compare_digest(opened[32:], binding):
        raise Refused("part", "The part belongs to another envelope or role.")
    data_key, nonce = opened[:32], fields["nonce"]
    if not hmac.compare_digest(fields["commitment"], _commitment(data_key, binding, nonce)):
        raise Refused("part", "The part does not commit to its key.")
    try:
        padded = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            fields["ciphertext"], part.encode() + header, nonce, data_key
        )
        return sodium.sodium_unpad(padded, PADDING_BYTES)
    except (CryptoError, ValueError, TypeError) as wrong:
        raise Refused("part", "A part of the envelope does not open.") from wrong


def seal_events(secret: DataKey, person: bytes, kind: str, packed: bytes) -> bytes:
    """Seal a person's packed rows (`events`), mandate change (`mandate`) or a sender's closed months (`months`)."""
    return seal_under(secret, packed, kind.encode() + b"\x00" + person)


def padded(message: bytes) -> bytes:
    """A message of which the length tells little: a whole number of 512 bytes."""
    return bytes(sodium.sodium_pad(message, PADDING_BYTES))


def unpadded(message: bytes) -> bytes:
    """What `padded` was given. Raises `Refused` (`unreadable`)."""
    try:
        return bytes(sodium.sodium_unpad(message, PADDING_BYTES))
    except (CryptoError, ValueError, TypeError) as wrong:
        raise Refused("unreadable", "Sealed bytes are not padded as they should be.") from wrong


def open_events(secret: DataKey, person: bytes, kind: str, sealed: bytes) -> bytes:
    """Open what `seal_events` sealed for the same person and kind. Raises `Refused` (`part`)."""
    return open_under(secret, sealed, kind.encode() + b"\x00" + person)
