"""A sender's profile: the folder with its keys and what it was told when it was admitted.

profile.json     sender, name, and after admission: addresses, municipalities, root key, the zone's signed keys
signing.key      signs every envelope            } back these two up together:
handle.key       makes references unreadable     } without handle.key corrections are impossible
tls.key cert.pem ca.pem                          the connection to Kafka
learned.json     keys of the zone that came after the admission, signed by its root
outbox.sqlite    numbered, sealed envelopes that are not finally received yet
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schemas.certificates import check_not_expired
from schemas.directory import Directory, verified_entry
from schemas.envelope import RecipientKeys
from schemas.errors import Refused, SettingsWrong
from schemas.roots import Roots
from schemas.sealing import verify_key_of
from schemas.secret_file import write_private
from schemas.secrets import HandleKey, SigningKey
from schemas.values import SenderId

_LEARNED: Final = "learned.json"


@dataclass(frozen=True, slots=True)
class Profile:
    """An admitted sender, ready to publish."""

    folder: Path
    sender: SenderId
    name: str
    bootstrap: str
    vault_url: str
    municipalities: tuple[int, ...]
    signing_key_id: str
    directory: Directory
    release_key_ids: tuple[str, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> Profile:
        """Read a profile. Raises `SettingsWrong` where it is absent, broken, not admitted yet, or its certificate has expired."""
        d = read_json(folder)
        if "bootstrap" not in d:
            raise SettingsWrong(
                f"{folder} is not admitted yet: send the request file to the municipality, then run `zorgstroom provider accept`.",
                dutch=f"{folder} is nog niet toegelaten: stuur het aanvraagbestand naar de gemeente en neem het antwoord in "
                "gebruik met `zorgstroom provider accept`.",
            )
        check_not_expired(folder / "cert.pem")
        directory = Directory(_roots(folder, d))
        for entry in d["directory"]:
            directory.learn(bytes.fromhex(entry))
        for entry in _learned(folder):
            with contextlib.suppress(Refused):
                directory.take(entry)
        return cls(
            folder=folder, sender=SenderId(d["sender"]), name=d["name"], bootstrap=d["bootstrap"],
            vault_url=d.get("vault_url", ""), municipalities=tuple(d["municipalities"]), signing_key_id=d["signing_key_id"],
            directory=directory,
        )  # fmt: skip

    def learn(self, entry: bytes) -> None:
        """Take in a role's key, or a change of the root, from the network, and keep it; what the root did not sign changes nothing."""
        before = (self.directory.roots, self.directory.role_keys())
        with contextlib.suppress(Refused):
            self.directory.take(entry)
        if (self.directory.roots, self.directory.role_keys()) != before:
            kept = [*_learned(self.folder), entry]
            write_private(self.folder / _LEARNED, json.dumps([e.hex() for e in kept], indent=2).encode())

    def signing_key(self) -> SigningKey:
        """The key that signs envelopes: the one the network admitted, also where a renewal was broken off. Raises `SettingsWrong`."""
        for name in ("signing.key", "signing-next.key"):
            if (self.folder / name).exists() or name == "signing.key":
                key = SigningKey(secret_bytes(self.folder / name))
                if signing_key_id(verify_key_of(key)) == self.signing_key_id:
                    return key
        raise SettingsWrong(
            f"The key in {self.folder} is not the one the network admitted; put back signing.key from your backup.",
            dutch=f"De sleutel in {self.folder} is niet die waarmee u bent toegelaten; zet signing.key terug uit uw back-up.",
        )

    def handle_key(self) -> HandleKey:
        """The secret under which references and clients leave only as handles."""
        return HandleKey(secret_bytes(self.folder / "handle.key"))

    def own_entry(self) -> bytes:
        """The sender's own signing key as the root signed it: what others are shown to believe its signature."""
        for entry in map(bytes.fromhex, read_json(self.folder)["directory"]):
            known = verified_entry(self.directory.roots, entry)
            if (known.kind, known.name, known.key_id) == ("sender", self.sender.text, self.signing_key_id):
                return entry
        msg = "The admission file of this profile does not name its own signing key; ask for it again."
        raise SettingsWrong(msg)

    def recipients(self, day: int) -> RecipientKeys:
        """The zone's keys an envelope of `day` is sealed to, as the root signed them. Raises `Refused` (`unknown-key`)."""
        identity = self.directory.role_key("intake", "identity", day=day)
        content = self.directory.role_key("ledger", "content", day=day)
        return RecipientKeys(identity.key_id, identity.public_key, content.key_id, content.public_key)

    def kafka(self) -> dict[str, Any]:
        """A librdkafka configuration with this sender's certificate."""
        return {
            "bootstrap.servers": self.bootstrap, "security.protocol": "ssl", "ssl.ca.location": str(self.folder / "ca.pem"),
            "ssl.certificate.location": str(self.folder / "cert.pem"), "ssl.key.location": str(self.folder / "tls.key"),
            "log_level": 0,
        }  # fmt: skip


def signing_key_id(public: bytes) -> str:
    """The id of a sender's signing key."""
    return f"s-{hashlib.sha256(public).hexdigest()[:12]}"


def _learned(folder: Path) -> list[bytes]:
    """What the network told after the admission, in order. What can't be read is left out: it is told again."""
    try:
        return [bytes.fromhex(e) for e in json.loads((folder / _LEARNED).read_text("utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def _roots(folder: Path, fields: dict[str, Any]) -> Roots:
    try:
        return Roots.of(fields["roots"])
    except (KeyError, ValueError, TypeError) as broken:
        raise SettingsWrong(
            f"{folder / 'profile.json'} does not name the network's three root keys; ask the municipality for a new admission file.",
            dutch=f"{folder / 'profile.json'} noemt de drie sleutels van het netwerk niet; vraag de gemeente om een nieuw toelatingsbestand.",
        ) from broken


def read_json(folder: Path) -> dict[str, Any]:
    """profile.json of a folder. Raises `SettingsWrong`."""
    path = folder / "profile.json"
    try:
        loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as absent:
        raise SettingsWrong(
            f"There is no profile in {folder}; make one with `zorgstroom provider join`, or name it with --profile.",
            dutch=f"Er is geen profiel in {folder}; maak er een met `zorgstroom provider join`, of noem de map met --profile.",
        ) from absent
    except (OSError, ValueError) as broken:
        raise SettingsWrong(
            f"{path} can't be read; restore it from your backup.",
            dutch=f"{path} kan niet worden gelezen; zet het terug uit uw back-up.",
        ) from broken
    return loaded


def secret_bytes(path: Path) -> bytes:
    """The 32 bytes of a key file. Raises `SettingsWrong`."""
    try:
        raw = path.read_bytes()
    except OSError as absent:
        raise SettingsWrong(
            f"The key file {path} can't be read; restore it from your backup.",
            dutch=f"Het sleutelbestand {path} kan niet worden gelezen; zet het terug uit uw back-up.",
        ) from absent
    if len(raw) != 32:
        raise SettingsWrong(
            f"The key file {path} is damaged; restore it from your backup.",
            dutch=f"Het sleutelbestand {path} is beschadigd; zet het terug uit uw back-up.",
        )
    return raw
