"""Where the things of one zone lie on one machine, and the secrets and settings of its roles.

root/          the network's root keys (in earnest elsewhere, apart), the certificate authority
directory.json what the root signed so far
roles/NAME/    certificate, secrets (0600) and config.json of one role
members.json   who was admitted: providers, municipalities, readers of households
officers/NAME/ what belongs to an officer: in earnest on the officer's own machine
kafka/ postgres/ logs/ senders/ readers/ town/
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schemas import topics
from schemas.errors import SettingsWrong
from schemas.sealing import verify_key_of
from schemas.secret_file import write_private
from schemas.secrets import SigningKey

FORM: Final = 9
"""Of the records a zone holds; another number is a zone of a version whose records this one can't read."""

ROLE_SECRETS = {
    "intake": ("identity", "scalar", "person-id", "address", "cache"),
    "ledger": ("content",),
    "projector": ("signing",),
    "release": ("signing",),
    "keyvault": ("wrapping",),
}
"""Which 32-byte secrets each role has; made once, never shown."""


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class ZoneFolder:
    """The folder of one zone."""

    path: Path

    @property
    def exists(self) -> bool:
        """Whether a zone was made here."""
        return (self.path / "zone.json").exists()

    def settings(self) -> dict[str, Any]:
        """What zone.json says. Raises `SettingsWrong` where no zone was made."""
        try:
            loaded: dict[str, Any] = json.loads((self.path / "zone.json").read_text("utf-8"))
        except FileNotFoundError as absent:
            msg = f"There is no zone in {self.path}; run `zorgstroom demo` or name another folder with --data."
            raise SettingsWrong(msg) from absent
        except ValueError as broken:
            msg = f"{self.path / 'zone.json'} is not JSON; restore it from a copy."
            raise SettingsWrong(msg) from broken
        if loaded.get("form") != FORM:
            msg = (
                f"The zone in {self.path} was made by another version of Zorgstroom, whose records this one can't read. "
                "Make it anew (a demo: `make demo-clean`), or go on with that version."
            )
            raise SettingsWrong(msg)
        return loaded

    def save_settings(self, settings: dict[str, Any]) -> None:
        """Write zone.json."""
        write_private(self.path / "zone.json", json.dumps({"form": FORM} | settings, indent=2).encode())

    def role(self, name: str) -> Path:
        """Folder of one role."""
        return self.path / "roles" / name

    def secret_file(self, role: str, secret: str) -> Path:
        """File of one of a role's secrets."""
        return self.role(role) / "secrets" / f"{secret}.key"

    def make_secrets(self, make: dict[str, bytes]) -> None:
        """Write every role's secrets that do not exist yet; `make` gives bytes for those that are not plain random."""
        for role, names in ROLE_SECRETS.items():
            for name in names:
                path = self.secret_file(role, name)
                if not path.exists():
                    write_private(path, make.get(f"{role}/{name}") or os.urandom(32))

    def operator_file(self, name: str) -> Path:
        """File of the key an operator signs orders with."""
        return self.path / "operators" / f"{name}.key"

    def admit_operator(self, name: str) -> Path:
        """Make an operator's key, if there is none, and remember its public half; returns the key's file.

        Whoever took the key out of this machine keeps it: that its public half lies here is enough.
        """
        file = self.operator_file(name)
        public = file.with_suffix(".public")
        if not public.exists():
            if not file.exists():
                write_private(file, os.urandom(32))
            write_private(public, verify_key_of(SigningKey(file.read_bytes())))
        return file

    def operators(self) -> dict[str, bytes]:
        """Name -> public key of every operator."""
        return {p.stem: p.read_bytes() for p in sorted((self.path / "operators").glob("*.public"))}

    def wrapping(self) -> list[dict[str, str]]:
        """Where the keyvault's wrapping key comes from: today's and, during a turn, the next one's."""
        settings = self.settings()
        named = [
            settings.get("wrapping", {"secret": "wrapping"}),
            *([settings["wrapping_next"]] if "wrapping_next" in settings else []),
        ]
        return [s if "salt" in s else {"file": str(self.secret_file("keyvault", s["secret"]))} for s in named]

    def next_pseudonym_version(self, key_id: str) -> int:
        """The version under which the root signs a pseudonym key: its place among all there were; remembered."""
        settings = self.settings()
        known = [
            *settings.get("pseudonym_keys", ()),
            *([] if key_id in settings.get("pseudonym_keys", ()) else [key_id]),
        ]
        self.save_settings(settings | {"pseudonym_keys": known})
        return known.index(key_id) + 1

    def members(self) -> topics.Members:
        """Who was admitted."""
        path = self.path / "members.json"
        if not path.exists():
            return topics.Members((), (), ())
        d = json.loads(path.read_text("utf-8"))
        return topics.Members(tuple(d["providers"]), tuple(d["municipalities"]), tuple((p, g) for p, g in d["readers"]))

    def add_members(
        self,
        *,
        providers: Iterable[str] = (),
        municipalities: Iterable[str] = (),
        readers: Iterable[tuple[str, str]] = (),
    ) -> topics.Members:
        """Add members and return all."""
        now = self.members()
        merged = topics.Members(
            tuple(sorted({*now.providers, *providers})),
            tuple(sorted({*now.municipalities, *municipalities})),
            tuple(sorted({*now.readers, *readers})),
        )
        text = json.dumps(
            {
                "providers": merged.providers, "municipalities": merged.municipalities,
                "readers": merged.readers,
            }, indent=2,
        )  # fmt: skip
        write_private(self.path / "members.json", text.encode())
        return merged
