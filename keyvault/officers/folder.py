"""What an officer has on the own machine: name, certificate, signing key, shares, and what is kept between two rounds. Nobody else's.

officer.json          name, id of the signing key, the keyvault's address, the network's root keys
cert.pem key.pem ca.pem signing.key
shares/               one share a file, named for joint key and epoch
ceremony-ID.json      secrets of a ceremony that goes on; gone with its end
once-ID.key           one-time key of a request that was made; gone with its end
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keyvault.officers.ceremony import Committee
from schemas.errors import SettingsWrong
from schemas.roots import Roots
from schemas.secret_file import destroy_file, write_private
from schemas.secrets import BoxKey, ScalarKey, SigningKey

_PROFILE: Final = "officer.json"


@dataclass(frozen=True, slots=True)
class Between:
    """What an officer makes in the first round of a ceremony and needs in the later ones; no coefficients and proof of who does not deal."""

    box: BoxKey
    coefficients: list[ScalarKey]
    proof: bytes


@dataclass(frozen=True, slots=True)
class OfficerFolder:
    """The folder of one officer. `key_id`: of the signing key."""

    path: Path
    name: str
    key_id: str
    vault_url: str
    roots: Roots

    @classmethod
    def load(cls, path: Path) -> OfficerFolder:
        """Read it. Raises `SettingsWrong` where it is none."""
        try:
            d = json.loads((path / _PROFILE).read_text("utf-8"))
            return cls(path, str(d["name"]), str(d["key_id"]), str(d["vault_url"]), Roots.of(d["roots"]))
        except (OSError, ValueError, KeyError, TypeError) as broken:
            msg = (
                f"{path} is no folder of an officer; the operator makes one with `zorgstroom operator officers admit`."
            )
            raise SettingsWrong(msg) from broken

    def save(self) -> None:
        """Write `officer.json`."""
        fields = {"name": self.name, "key_id": self.key_id, "vault_url": self.vault_url, "roots": self.roots.told()}
        write_private(self.path / _PROFILE, json.dumps(fields, indent=2).encode())

    def signing_key(self) -> SigningKey:
        """The officer's own key. Raises `SettingsWrong`."""
        return SigningKey(self._secret("signing.key"))

    # --- shares ---------------------------------------------------------------------------------------------------

    def share_file(self, key_id: str, epoch: int) -> Path:
        """File of the share of a joint key in an epoch."""
        return self.path / "shares" / f"{key_id}-{epoch}.share"

    def share(self, committee: Committee) -> ScalarKey:
        """The officer's share in a committee. Raises `SettingsWrong` where it is not here (any more)."""
        file = self.share_file(committee.key_id, committee.epoch)
        if not file.exists():
            msg = f"The share of {committee.key_id}, epoch {committee.epoch}, is not on this machine."
            raise SettingsWrong(msg)
        return ScalarKey(file.read_bytes())

    def keep_share(self, key_id: str, epoch: int, share: ScalarKey) -> None:
        """Write a share."""
        write_private(self.share_file(key_id, epoch), share.reveal())

    def destroy_share(self, committee: Committee) -> None:
        """Overwrite and delete a share, where it is here."""
        destroy_file(self.share_file(committee.key_id, committee.epoch))

    # --- between two rounds ---------------------------------------------------------------------------------------

    def _file_between(self, ceremony: bytes) -> Path:
        return self.path / f"ceremony-{ceremony.hex()[:16]}.json"

    def between(self, ceremony: bytes) -> Between:
        """What was made in the first round. Raises `SettingsWrong` where it is not here."""
        try:
            d: dict[str, Any] = json.loads(self._file_between(ceremony).read_text("utf-8"))
            coefficients = [ScalarKey(bytes.fromhex(c)) for c in d["coefficients"]]
            return Between(BoxKey(bytes.fromhex(d["box"])), coefficients, bytes.fromhex(d["proof"]))
        except (OSError, ValueError, KeyError, TypeError) as lost:
            msg = "What this officer made in the first round is not on this machine; the operator begins the ceremony anew."
            raise SettingsWrong(msg) from lost

    def is_between(self, ceremony: bytes) -> bool:
        """Whether something was made for it already."""
        return self._file_between(ceremony).exists()

    def keep_between(self, ceremony: bytes, made: Between) -> None:
        """Write it."""
        fields = {
            "box": made.box.reveal().hex(), "coefficients": [c.reveal().hex() for c in made.coefficients], "proof": made.proof.hex(),
        }  # fmt: skip
        write_private(self._file_between(ceremony), json.dumps(fields).encode())

    def forget_ceremonies(self, *, but: bytes | None) -> None:
        """Destroy what is kept of ceremonies, save one that goes on."""
        for file in sorted(self.path.glob("ceremony-*.json")):
            if but is None or file != self._file_between(but):
                destroy_file(file)

    # --- requests -------------------------------------------------------------------------------------------------

    def once_file(self, request: bytes) -> Path:
        """File of a request's one-time key."""
        return self.path / f"once-{request.hex()}.key"

    def once(self, request: bytes) -> BoxKey:
        """A request's one-time key. Raises `SettingsWrong` where this officer did not make the request here."""
        return BoxKey(self._secret(self.once_file(request).name))

    def keep_once(self, request: bytes, once: BoxKey) -> None:
        """Write it."""
        write_private(self.once_file(request), once.reveal())

    def destroy_once(self, request: bytes) -> None:
        """Overwrite and delete it."""
        destroy_file(self.once_file(request))

    def mine(self) -> list[bytes]:
        """Requests that were made here and are not ended."""
        return [bytes.fromhex(f.stem.removeprefix("once-")) for f in sorted(self.path.glob("once-*.key"))]

    def _secret(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as absent:
            msg = f"{self.path / name} is not there; this is for the officer who has it."
            raise SettingsWrong(msg) from absent
