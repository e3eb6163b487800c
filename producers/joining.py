"""Joining the network: a request file from the sender, an admission file back, and a short fingerprint to compare by telephone.

Private keys never leave the sender. The admission pins the network's root; from then on only keys it signed count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from producers.profile import Profile, read_json, secret_bytes, signing_key_id
from schemas.directory import Directory
from schemas.errors import Refused, SettingsWrong
from schemas.roots import Roots
from schemas.sealing import sign, signature_holds, verify_key_of
from schemas.secret_file import write_private
from schemas.secrets import HandleKey, SigningKey
from schemas.values import SenderId

_DOMAIN: Final = "zorgstroom request 1"
_KEPT: Final = {
    "bootstrap": str, "vault_url": str, "roots": dict, "directory": list, "municipalities": list, "signing_key_id": str,
}  # fmt: skip
"""Fields of an admission that become part of the profile."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a sender asks to be admitted with. `previous`: public half of the key in use that asks for a further one."""

    sender: SenderId
    name: str
    signing_public_key: bytes
    csr: bytes
    previous: bytes | None = None


def fingerprint(data: bytes) -> str:
    """Six groups of four digits over a file: the same on both sides of the telephone."""
    number = int.from_bytes(hashlib.sha256(data).digest(), "big") % 10**24
    digits = f"{number:024d}"
    return " ".join(digits[i : i + 4] for i in range(0, 24, 4))


def join(folder: Path, *, sender: SenderId, name: str) -> Path:
    """Make keys in `folder` and write the request file; returns its path.

    A profile that exists is not touched; `signing.key` and `handle.key` put back from a backup are used as they are.
    """
    if (folder / "profile.json").exists():
        raise SettingsWrong(
            f"{folder} holds a profile already; its keys are never made anew. Choose another folder with --profile.",
            dutch=f"In {folder} staat al een profiel; sleutels worden nooit opnieuw gemaakt. Kies een andere map met --profile.",
        )
    signing = SigningKey(_kept(folder / "signing.key") or SigningKey.generate().reveal())
    handles = HandleKey(_kept(folder / "handle.key") or HandleKey.generate().reveal())
    request = _request_file(folder, sender, name, signing, tls_file="tls.key")
    write_private(folder / "signing.key", signing.reveal())
    write_private(folder / "handle.key", handles.reveal())
    write_private(folder / "profile.json", json.dumps({"sender": sender.text, "name": name}, indent=2).encode())
    return request


def renew(folder: Path) -> Path:
    """Make a further signing key and certificate request of an admitted sender; returns the request file, which the key in use signed.

    Nothing changes before the answer is taken in with `accept`; made twice it is the same key. Raises `SettingsWrong`.
    """
    profile = Profile.load(folder)
    coming = folder / "signing-next.key"
    if coming.exists() and _key_id(coming) == profile.signing_key_id:
        coming.replace(folder / "signing.key")  # taking in the answer of before was broken off
    signing = SigningKey(_kept(coming) or SigningKey.generate().reveal())
    write_private(coming, signing.reveal())
    return _request_file(
        folder, profile.sender, profile.name, signing, tls_file="tls-next.key", previous=profile.signing_key()
    )


def _request_file(
    folder: Path, sender: SenderId, name: str, signing: SigningKey, *, tls_file: str, previous: SigningKey | None = None
) -> Path:
    tls = ec.generate_private_key(ec.SECP256R1())
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, sender.text)]))
        .sign(tls, hashes.SHA256())
    )
    body = {
        "format": 1, "sender": sender.text, "name": name, "signing_public_key": verify_key_of(signing).hex(),
        "csr": csr.public_bytes(serialization.Encoding.PEM).decode(),
    }  # fmt: skip
    if previous is not None:
        body["previous_public_key"] = verify_key_of(previous).hex()
        body["previous_signature"] = sign(previous, _DOMAIN, _canonical(body)).hex()
    body["signature"] = sign(signing, _DOMAIN, _canonical(body)).hex()
    write_private(
        folder / tls_file,
        tls.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    request = folder / f"aanvraag-{sender.text}.json"
    request.write_text(json.dumps(body, indent=2), "utf-8")
    return request


def _kept(path: Path) -> bytes | None:
    return secret_bytes(path) if path.exists() else None


def _key_id(file: Path) -> str:
    return signing_key_id(verify_key_of(SigningKey(secret_bytes(file))))


def _canonical(body: dict[str, Any]) -> bytes:
    return json.dumps({k: v for k, v in body.items() if k != "signature"}, sort_keys=True).encode()


def _signed_by_previous(body: dict[str, Any]) -> bytes | None:
    """The key in use that signed a request for a further one, or None for a first request. Raises `Refused` (`signature`)."""
    if "previous_public_key" not in body:
        return None
    public = bytes.fromhex(body["previous_public_key"])
    signed = _canonical({k: v for k, v in body.items() if k != "previous_signature"})
    if not signature_holds(public, _DOMAIN, signed, bytes.fromhex(body["previous_signature"])):
        raise Refused("signature", "The key in use did not sign this request for a further one; ask for it again.")
    return public


def _json(data: bytes, *, what: str) -> dict[str, Any]:
    try:
        loaded = json.loads(data)
    except (ValueError, RecursionError) as broken:
        raise _unreadable(what) from broken
    if not isinstance(loaded, dict):
        raise _unreadable(what)
    return loaded


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _unreadable(what: str) -> Refused:
    return Refused(
        "unreadable", f"This {what} can't be read or lacks a field; ask for it again.",
        dutch="Dit bestand kan niet worden gelezen of mist een veld; vraag het opnieuw aan.",
    )  # fmt: skip


def read_request(data: bytes) -> Request:
    """Read a request file. Raises `Refused` (`unreadable`, `signature`)."""
    body = _json(data, what="request file")
    try:
        request = Request(
            SenderId(body["sender"]), str(body["name"]), bytes.fromhex(body["signing_public_key"]), body["csr"].encode(),
            _signed_by_previous(body),
        )  # fmt: skip
        signature = bytes.fromhex(body["signature"])
    except (KeyError, ValueError, TypeError, AttributeError) as broken:
        raise Refused("unreadable", "This request file lacks a field; run join again.") from broken
    if not signature_holds(request.signing_public_key, _DOMAIN, _canonical(body), signature):
        raise Refused("signature", "This request file was changed after it was made; ask for it again.")
    return request


def make_admission(
    *, sender: SenderId, certificate: bytes, authority: bytes, bootstrap: str, vault_url: str, roots: Roots,
    directory: Sequence[bytes], municipalities: Sequence[int], signing_public: bytes,
) -> bytes:  # fmt: skip
    """The admission file: everything a sender needs, in one file without secrets."""
    return json.dumps(
        {
            "format": 1, "sender": sender.text, "certificate": certificate.decode(), "authority": authority.decode(),
            "bootstrap": bootstrap, "vault_url": vault_url, "roots": roots.told(),
            "directory": [e.hex() for e in directory], "municipalities": list(municipalities),
            "signing_key_id": signing_key_id(signing_public),
        }, indent=2,
    ).encode()  # fmt: skip


def accept(folder: Path, data: bytes) -> None:
    """Take in an admission file. Raises `Refused` when it is another sender's, not signed by its root, or by another root."""
    profile, body = read_json(folder), _json(data, what="admission file")
    if body.get("sender") != profile["sender"]:
        raise Refused("unknown-sender", "This admission file is for another sender.",
                      dutch="Dit toelatingsbestand is voor een andere aanbieder.")  # fmt: skip
    try:
        kept = {name: _typed(body[name], kind) for name, kind in _KEPT.items()}
        certificate, authority = body["certificate"].encode(), body["authority"].encode()
        directory = Directory(Roots.of(body["roots"]))
        entries = [bytes.fromhex(entry) for entry in body["directory"]]
    except (KeyError, ValueError, TypeError, AttributeError) as broken:
        raise _unreadable("admission file") from broken
    if "roots" in profile and not _follows(folder, profile["roots"], kept["roots"]):
        raise Refused(
            "signature", "This admission file comes from another network than the one joined before.",
            dutch="Dit toelatingsbestand komt van een ander netwerk dan waar u al bij hoort; bel de gemeente.",
        )  # fmt: skip
    for entry in entries:
        directory.learn(entry)
    if directory.sender_key(profile["sender"], kept["signing_key_id"]) is None:
        raise Refused(
            "unknown-key", "This admission file does not name this sender's own signing key.",
            dutch="Dit toelatingsbestand noemt een andere sleutel dan die van dit profiel; vraag het opnieuw aan.",
        )  # fmt: skip
    if (folder / "tls-next.key").exists() and _certified(folder / "tls-next.key", certificate):
        (folder / "tls-next.key").replace(folder / "tls.key")
    write_private(folder / "cert.pem", certificate)
    write_private(folder / "ca.pem", authority)
    write_private(folder / "profile.json", json.dumps(profile | kept, indent=2).encode())
    coming = folder / "signing-next.key"
    if coming.exists() and _key_id(coming) == kept["signing_key_id"]:
        coming.replace(folder / "signing.key")


def _follows(folder: Path, pinned: dict[str, Any], told: dict[str, Any]) -> bool:
    """Whether an admission names the root that is pinned here, or one it became by changes the network told."""
    known = Profile.load(folder).directory.roots.told()
    return told in (pinned, known)


def _certified(tls: Path, certificate: bytes) -> bool:
    """Whether a certificate is that of a private key."""
    key = serialization.load_pem_private_key(tls.read_bytes(), None).public_key()
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return x509.load_pem_x509_certificate(certificate).public_key().public_bytes(*form) == key.public_bytes(*form)
