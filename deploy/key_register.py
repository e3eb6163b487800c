"""Which keys a zone's roles have and had: `keys.json`, without their bytes. A key's secret lies in its role's folder until it is destroyed."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Self

from deploy.zone_folder import ZoneFolder
from schemas.directory import Entry, KeysAt, Use, role_key_id
from schemas.errors import SettingsWrong
from schemas.sealing import box_public_key, verify_key_of
from schemas.secret_file import destroy_file, write_private
from schemas.secrets import BoxKey, SigningKey
from schemas.values import day_number

KINDS: Final[dict[str, tuple[str, Use]]] = {
    "identity": ("intake", "identity"), "content": ("ledger", "content"),
    "records": ("projector", "signing"), "releases": ("release", "signing"),
}  # fmt: skip
"""Each key pair whose public half the root signs, by the name under which it turns: its role and its use."""
_SIGNING_GRACE_DAYS: Final = 1
_MOVING_MS: Final = 60_000
"""How long a role that signs may take to move over to its new key."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key: `file` is the stem of its secret's file, `public` the public half; days as ISO text, empty while they have not come."""

    role: str
    use: Use
    key_id: str
    file: str
    public: str
    place: int
    made_on: str
    superseded_on: str = ""
    destroyed_on: str = ""
    revoked_at_ms: int | None = None

    @property
    def state(self) -> str:
        """`active`; superseded: `opens` (what was sealed to it) or `proves` (what it signed); `destroyed`; `revoked`."""
        if self.revoked_at_ms is not None:
            return "revoked"
        after = "proves" if self.use == "signing" else "opens"
        return "destroyed" if self.destroyed_on else after if self.superseded_on else "active"

    def entry(self) -> Entry:
        """As the root signs it; the first key of a use counts for all days, and a destroyed one until its day."""
        gone = day_number(dt.date.fromisoformat(self.destroyed_on)) if self.destroyed_on else None
        first = 0 if self.place == 1 else day_number(dt.date.fromisoformat(self.made_on))
        return Entry(
            "role_key", self.role, self.key_id, self.use, bytes.fromhex(self.public), valid_from=first, valid_until=gone,
            version=10 * self.place + bool(gone) + 2 * (self.revoked_at_ms is not None), revoked_at_ms=self.revoked_at_ms,
        )  # fmt: skip


class KeyRegister:
    """The register of one zone, read when it is made; every change is written at once."""

    def __init__(self, folder: ZoneFolder) -> None:
        """Read it, and take in first keys that are not in it yet."""
        self._folder, self._path = folder, folder.path / "keys.json"
        self.records: list[KeyRecord] = self._read()
        for role, use in KINDS.values():
            if not any((r.role, r.use) == (role, use) for r in self.records) and folder.secret_file(role, use).exists():
                self._add(role, use, use, dt.datetime.now(dt.UTC).date())

    @classmethod
    def of(cls, folder: ZoneFolder) -> Self:
        """The register of a zone."""
        return cls(folder)

    def _read(self) -> list[KeyRecord]:
        if not self._path.exists():
            return []
        try:
            loaded: list[dict[str, Any]] = json.loads(self._path.read_text("utf-8"))
            return [KeyRecord(**{f.name: row[f.name] for f in fields(KeyRecord) if f.name in row}) for row in loaded]
        except (ValueError, KeyError, TypeError) as broken:
            msg = f"{self._path} can't be read; restore it from a copy."
            raise SettingsWrong(msg) from broken

    def _write(self) -> None:
        write_private(self._path, json.dumps([asdict(r) for r in self.records], indent=2).encode())

    def _add(self, role: str, use: Use, file: str, today: dt.date, *, before: KeyRecord | None = None) -> KeyRecord:
        """Take in a key whose secret lies there; the one `before` it is superseded with the same stroke."""
        secret = self._folder.secret_file(role, file).read_bytes()
        public = verify_key_of(SigningKey(secret)) if use == "signing" else box_public_key(BoxKey(secret))
        place = 1 + sum((r.role, r.use) == (role, use) for r in self.records)
        made = KeyRecord(role, use, role_key_id(role, public), file, public.hex(), place, str(today))
        if before is not None:
            self.records[self.records.index(before)] = replace(before, superseded_on=str(today))
        self.records.append(made)
        self._write()
        return made

    def current(self, role: str, use: Use) -> KeyRecord:
        """The key that is used for what comes."""
        return next(r for r in self.records if (r.role, r.use) == (role, use) and not r.superseded_on)

    def current_secret(self, role: str, use: Use) -> bytes:
        """Its 32 bytes; wrap them at once."""
        return self._folder.secret_file(role, self.current(role, use).file).read_bytes()

    def proves(self, role: str) -> KeysAt:
        """What proves that a role signed, by when Kafka took it in (`schemas.directory.Directory.proves`)."""
        entries = [r.entry() for r in self.records if (r.role, r.use) == (role, "signing")]
        return lambda ms: [e.public_key for e in entries if e.counts_at(ms)]

    def new(self, role: str, use: Use, today: dt.date) -> KeyRecord:
        """Make a further key; the one before goes on opening what was sealed to it, or proving what it signed.

        One whose making was broken off before the register named it is taken in its place.
        """
        before = self.current(role, use)
        file = self._not_named(role, use)
        if file is None:
            file = f"{use}.{today:%Y%m%d}-{os.urandom(3).hex()}"
            write_private(self._folder.secret_file(role, file), os.urandom(32))
        return self._add(role, use, file, today, before=before)

    def _not_named(self, role: str, use: Use) -> str | None:
        """The stem of a secret that lies there and that no record names."""
        named = {r.file for r in self.records if r.role == role}
        lying = sorted(p.name.removesuffix(".key") for p in (self._folder.role(role) / "secrets").glob(f"{use}.*.key"))
        return next((stem for stem in lying if stem not in named), None)

    def revoke(self, role: str, now: dt.datetime) -> list[KeyRecord]:
        """What a role's superseded signing keys sign counts no more, from a minute after `now` on, by the broker's clock; their secrets go."""
        at = int(now.timestamp() * 1000) + _MOVING_MS
        old = [
            r
            for r in self.records
            if (r.role, r.use) == (role, "signing") and r.superseded_on and r.revoked_at_ms is None
        ]
        return [self._change(record, revoked_at_ms=at) for record in old]

    def due(self, today: dt.date, *, grace_days: int) -> list[KeyRecord]:
        """Superseded keys whose grace has passed: `grace_days` for what opens, a day for what signed."""
        ends = {r: self.ends(r, grace_days=grace_days) for r in self.records}
        return [r for r, end in ends.items() if end is not None and end <= today]

    @staticmethod
    def ends(record: KeyRecord, *, grace_days: int) -> dt.date | None:
        """The day from which a superseded key's secret may be destroyed; None where there is no such day."""
        if not record.superseded_on or record.destroyed_on:
            return None
        days = _SIGNING_GRACE_DAYS if record.use == "signing" else grace_days
        return dt.date.fromisoformat(record.superseded_on) + dt.timedelta(days=days)

    def destroy(self, records: Iterable[KeyRecord], today: dt.date) -> list[KeyRecord]:
        """Overwrite and delete the secrets of keys; returns them as they are now."""
        done = []
        for record in records:
            destroy_file(self._folder.secret_file(record.role, record.file))
            done.append(self._change(record, destroyed_on=str(today)))
        return done

    def _change(self, record: KeyRecord, **changes: str | int) -> KeyRecord:
        changed = replace(record, **changes)  # type: ignore[arg-type]
        self.records[self.records.index(record)] = changed
        self._write()
        return changed


def role_key_entries(folder: ZoneFolder) -> list[Entry]:
    """The public keys of a zone's roles as entries of the directory, not yet signed by the root."""
    return [r.entry() for r in KeyRegister.of(folder).records]


def receipts_key_entry(key_id: str, public: bytes) -> Entry:
    """The key with which the vault signs receipts of erasures."""
    return Entry("role_key", "keyvault", key_id, "receipts", public, valid_from=0)


def pseudonym_key_entry(key_id: str, public: bytes, *, version: int) -> Entry:
    """A pseudonym key of the vault; intake turns to that of the highest version."""
    return Entry("role_key", "keyvault", key_id, "voprf", public, valid_from=0, version=version)
