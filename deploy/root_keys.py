"""The network's three root keys: made with a zone, kept apart in earnest, and two of them at hand when something is to be signed.

What was signed once is kept (`directory.json`), so that a zone starts and admits nobody new without any root key on its machine.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from deploy.zone_folder import ZoneFolder
from schemas import codec
from schemas.directory import Entry, entry_payload
from schemas.errors import SettingsWrong
from schemas.roots import NEEDED, ROOTS, Roots, sign_change, sign_payload
from schemas.sealing import verify_key_of
from schemas.secret_file import destroy_file, write_private
from schemas.secrets import SigningKey

ELSEWHERE: Final = "ZORGSTROOM_ROOTS"
"""Environment: further folders where root keys lie (two sticks, say), parted by the system's path separator."""


class RootKeys:
    """The root of one zone's network."""

    def __init__(self, folder: ZoneFolder) -> None:
        """Nothing is read yet."""
        self._folder, self._signed = folder, folder.path / "directory.json"

    @property
    def pinned(self) -> Roots:
        """The public keys, as everyone pins them. Raises `SettingsWrong`."""
        try:
            return Roots.of(self._folder.settings()["roots"])
        except (KeyError, ValueError, TypeError) as broken:
            msg = f"{self._folder.path / 'zone.json'} does not name three root keys."
            raise SettingsWrong(msg) from broken

    def make(self) -> Roots:
        """Make three keys, where there are none, and return their public halves. They are not pinned before the settings name them."""
        keys = []
        for number in range(1, ROOTS + 1):
            path = self._file(number)
            if not path.exists():
                write_private(path, os.urandom(32))
            keys.append(verify_key_of(SigningKey(path.read_bytes())))
        return Roots(1, tuple(keys))

    def _file(self, number: int) -> Path:
        return self._folder.path / "root" / f"root-{number}.key"

    def at_hand(self) -> list[SigningKey]:
        """Two root keys that are pinned. Raises `SettingsWrong`, which says where to put them."""
        places = [self._folder.path / "root", *(Path(p) for p in os.environ.get(ELSEWHERE, "").split(os.pathsep) if p)]
        found: dict[bytes, SigningKey] = {}
        for file in sorted(f for place in places for form in ("root-*.key", "root-*.next") for f in place.glob(form)):
            raw = file.read_bytes()
            if len(raw) == 32 and verify_key_of(SigningKey(raw)) in self.pinned.keys:
                found[verify_key_of(SigningKey(raw))] = SigningKey(raw)
        if len(found) < NEEDED:
            msg = (
                f"{NEEDED} of the {ROOTS} root keys sign this, and {len(found)} are at hand: put two of root-1.key, root-2.key and root-3.key into "
                f"{places[0]}, or name their folders in {ELSEWHERE}, and take them away again afterwards."
            )
            raise SettingsWrong(msg)
        return list(found.values())[:NEEDED]

    def signed(self, entry: Entry) -> bytes:
        """An entry with the root's signatures: as it was signed before, else signed now. Raises `SettingsWrong`."""
        kept, payload = self._kept(), entry_payload(entry)
        known = kept.get(entry.subject)
        if known is not None and codec.decode("signed_entry", known)["payload"] == payload:
            return known
        made = sign_payload(self.at_hand(), payload)
        self._keep(kept | {entry.subject: made})
        return made

    def replace(self, number: int) -> tuple[Roots, list[tuple[str, bytes]]]:
        """Replace one key by a new one; all that was signed is signed again. The new root, and (subject, record) to publish in order.

        The file of the new key is made beside the old one's place, and comes into it with `replaced`, after publishing; everything is written
        before anything is published, and until then asked again it publishes the same. Raises `SettingsWrong`.
        """
        before, coming = self.pinned, self._coming(number)
        if not coming.exists():
            write_private(coming, os.urandom(32))
        fresh = verify_key_of(SigningKey(coming.read_bytes()))
        if fresh in before.keys:  # it was broken off after everything was written
            return before, self.all_signed()
        keys = self.at_hand()
        publics = list(before.keys)
        publics[number - 1] = fresh
        after = Roots(before.version + 1, tuple(publics))
        change = sign_change(keys, after)
        staying = [k for k in keys if verify_key_of(k) in after.keys]
        signing = [*staying, SigningKey(coming.read_bytes())][:NEEDED]
        again = {
            s: sign_payload(signing, codec.decode("signed_entry", e)["payload"]) for s, e in self._entries().items()
        }
        self._keep({_change_subject(after): change} | {s: e for s, e in self._kept().items() if _is_change(s)} | again)
        self._folder.save_settings(self._folder.settings() | {"roots": after.told()})
        return after, self.all_signed()

    def replaced(self, number: int) -> None:
        """Everybody was told: the new key's file comes into the place of the old one's, which is destroyed."""
        destroy_file(self._file(number))
        self._coming(number).replace(self._file(number))

    def _coming(self, number: int) -> Path:
        return self._file(number).with_suffix(".next")

    def all_signed(self) -> list[tuple[str, bytes]]:
        """Everything that was signed, changes of the root first and in order."""
        kept = self._kept()
        changes = sorted((s for s in kept if _is_change(s)), key=lambda s: int(s.removeprefix("root/")))
        return [(s, kept[s]) for s in [*changes, *self._entries()]]

    def _entries(self) -> dict[str, bytes]:
        return {s: e for s, e in self._kept().items() if not _is_change(s)}

    def _kept(self) -> dict[str, bytes]:
        if not self._signed.exists():
            return {}
        try:
            return {s: bytes.fromhex(e) for s, e in json.loads(self._signed.read_text("utf-8")).items()}
        except (ValueError, AttributeError, TypeError) as broken:
            msg = f"{self._signed} can't be read; restore it from a copy."
            raise SettingsWrong(msg) from broken

    def _keep(self, signed: dict[str, bytes]) -> None:
        write_private(self._signed, json.dumps({s: e.hex() for s, e in signed.items()}, indent=1).encode())


def topics_of(subject: str) -> Iterable[str]:
    """Where an entry goes: all to the directory, what senders need to know to their topic too."""
    return ("directory.v1", "role-keys.v1") if subject.startswith(("role_key/", "root/")) else ("directory.v1",)


def _change_subject(roots: Roots) -> str:
    return f"root/{roots.version}"


def _is_change(subject: str) -> bool:
    return subject.startswith("root/")
