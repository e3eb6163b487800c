"""Which signing keys of a sender were admitted here, and which of them were revoked: what their entries in the directory are made from."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from deploy.zone_folder import ZoneFolder
from producers.profile import signing_key_id
from schemas.directory import Entry
from schemas.errors import SettingsWrong
from schemas.secret_file import write_private


class SenderKeys:
    """The keys of one sender, in the order of their admission. Public halves only."""

    def __init__(self, folder: ZoneFolder, sender: str) -> None:
        """Read what there is. Raises `SettingsWrong`."""
        self._sender, self._path = sender, folder.path / "senders" / f"{sender}.keys"
        try:
            self._keys: dict[str, dict[str, Any]] = json.loads(self._path.read_text("utf-8")) if self._path.exists() else {}  # fmt: skip
        except ValueError as broken:
            msg = f"{self._path} can't be read; restore it from a copy."
            raise SettingsWrong(msg) from broken

    @property
    def ids(self) -> list[str]:
        """Ids of keys that were not revoked, the newest last."""
        return [k for k, fields in self._keys.items() if fields["revoked_at_ms"] is None]

    def listed(self) -> list[tuple[str, str, dt.date]]:
        """Id, state and day of admission of every key there was, the newest last; superseded, it `counts` until it is `revoked`."""
        newest = self.ids[-1:]
        since = dt.datetime.fromtimestamp(self._path.stat().st_mtime, dt.UTC).date() if self._keys else dt.date.min
        return [
            (
                key_id, "revoked" if key_id not in self.ids else "active" if key_id in newest else "counts",
                dt.date.fromisoformat(fields["admitted_on"]) if "admitted_on" in fields else since,
            )
            for key_id, fields in self._keys.items()
        ]  # fmt: skip

    def known(self, public: bytes) -> bool:
        """Whether a key was admitted and not revoked."""
        return signing_key_id(public) in self.ids

    def admit(self, public: bytes, *, name: str, municipalities: Sequence[int], on: dt.date) -> None:
        """Take in a key, or what is new of one that is known."""
        new = {"public": public.hex(), "revoked_at_ms": None, "admitted_on": str(on)}
        fields = self._keys.setdefault(signing_key_id(public), new)
        fields |= {"name": name, "municipalities": list(municipalities)}
        self._write()

    def revoke(self, key_id: str, now: dt.datetime) -> Entry:
        """From now on what is appended with this key does not count; what the broker has of before does. Raises `SettingsWrong`.

        Of one that is revoked already the same once more: who was not told is told.
        """
        if key_id in self._keys and key_id not in self.ids:
            return self.entry(key_id)
        if key_id not in self._keys:
            msg = f"{self._sender} has no key {key_id} that counts; it has: {', '.join(self.ids) or 'none'}."
            raise SettingsWrong(msg)
        self._keys[key_id]["revoked_at_ms"] = int(now.timestamp() * 1000)
        self._write()
        return self.entry(key_id)

    def entry(self, key_id: str) -> Entry:
        """As the root signs it; the newest key's entry has the highest version, and a revoked one's is above its own of before."""
        fields = self._keys[key_id]
        places, revoked = fields["municipalities"], fields["revoked_at_ms"]
        version = 1000 * list(self._keys).index(key_id) + len(places) + 500 * (revoked is not None)
        return Entry(
            "sender", self._sender, key_id, "signing", bytes.fromhex(fields["public"]), valid_from=0, display_name=fields["name"],
            municipalities=tuple(places), version=version, revoked_at_ms=revoked,
        )  # fmt: skip

    def _write(self) -> None:
        write_private(self._path, json.dumps(self._keys, indent=2).encode())
