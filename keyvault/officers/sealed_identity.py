"""Sealing a few bytes to the officers' joint key Y, so that only the officers' shares together open them.

R = rG for a fresh r; the key is HKDF-SHA512 (RFC 5869) of rY, bound to R, the person and the joint key; then XChaCha20-Poly1305. Whoever
knows neither r nor y learns nothing; whoever has yR opens it.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keyvault import group
from schemas import codec
from schemas.errors import Refused
from schemas.sealing import open_under, seal_under
from schemas.secrets import DataKey


def _key(shared: bytes, *, point: bytes, person: bytes, key_id: str) -> DataKey:
    bound = b"zorgstroom identity 1|" + point + person + key_id.encode()
    return DataKey(HKDF(SHA512(), 32, salt=None, info=bound).derive(shared))


def seal_identity(secret: bytes, *, person: bytes, key_id: str, joint_key: bytes) -> bytes:
    """A `SealedIdentity` of a person (16 bytes). Raises `Refused` (`unreadable`) for a joint key that is no element."""
    r = group.random_scalar().reveal()
    point = group.times_base(r)
    key = _key(group.multiply(r, joint_key), point=point, person=person, key_id=key_id)
    ciphertext = seal_under(key, secret, point + person)
    return codec.encode("sealed_identity", {"key_id": key_id, "point": point, "ciphertext": ciphertext})


def point_of(sealed: bytes) -> tuple[str, bytes]:
    """The joint key's id, and R. Raises `Refused` (`unreadable`, `schema`) for what is no sealed identity."""
    fields = codec.decode("sealed_identity", sealed)
    group.check_elements([fields["point"]])
    return fields["key_id"], fields["point"]


def open_identity(sealed: bytes, shared: bytes, *, person: bytes) -> bytes:
    """What was sealed, with the joint secret times R. Raises `Refused` (`part`) where it is another's, or was changed."""
    fields = codec.decode("sealed_identity", sealed)
    key = _key(shared, point=fields["point"], person=person, key_id=fields["key_id"])
    try:
        return open_under(key, fields["ciphertext"], fields["point"] + person)
    except Refused as shut:
        raise Refused("part", "The sealed number does not open with what the officers put together.") from shut
