"""Which signing keys grantors and officers were admitted with here, since when, and which were revoked: `people.json`, public halves only.

A person may take the key out of this machine; what is said of it here is enough to revoke it. What the root signed before this file was
there is taken in from `directory.json`.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal

from deploy.root_keys import RootKeys
from deploy.zone_folder import ZoneFolder
from schemas import codec
from schemas.directory import Entry
from schemas.errors import SettingsWrong
from schemas.secret_file import write_private

Kind = Literal["grantor", "officer"]
_KINDS: Final = ("grantor", "officer")


@dataclass(frozen=True, slots=True)
class PersonKey:
    """One key; `name`: the principal (`grantor-gm9901-anne`, `officer-dora`); days as ISO text, empty while they have not come."""

    kind: Kind
    name: str
    key_id: str
    public: str
    made_on: str
    superseded_on: str = ""
    revoked_at_ms: int | None = None

    @property
    def state(self) -> str:
        """`active`; superseded, it `counts` until it is `revoked`."""
        return "revoked" if self.revoked_at_ms is not None else "counts" if self.superseded_on else "active"

    def entry(self) -> Entry:
        """As the root signs it; a revoked one's is above its own of before."""
        places = (int(self.name.split("-")[1][2:]),) if self.kind == "grantor" else ()
        return Entry(
            self.kind, self.name, self.key_id, "signing", bytes.fromhex(self.public), valid_from=0, municipalities=places,
            version=1 if self.revoked_at_ms is None else 2, revoked_at_ms=self.revoked_at_ms,
        )  # fmt: skip


class PeopleKeys:
    """The keys of people of one zone, in the order of their admission; every change is written at once."""

    def __init__(self, folder: ZoneFolder) -> None:
        """Read what there is. Raises `SettingsWrong`."""
        self._folder, self._path = folder, folder.path / "people.json"
        self.records: list[PersonKey] = self._read()
        self._take_in_what_was_signed()

    def _read(self) -> list[PersonKey]:
        if not self._path.exists():
            return []
        try:
            loaded: list[dict[str, Any]] = json.loads(self._path.read_text("utf-8"))
            return [PersonKey(**{f.name: row[f.name] for f in fields(PersonKey) if f.name in row}) for row in loaded]
        except (ValueError, KeyError, TypeError, AttributeError) as broken:
            msg = f"{self._path} can't be read; restore it from a copy."
            raise SettingsWrong(msg) from broken

    def _take_in_what_was_signed(self) -> None:
        """Keys that are not remembered, and revocations: what was told once is not taken back by an older copy of the file."""
        for subject, signed in RootKeys(self._folder).all_signed():
            if not subject.startswith(tuple(f"{kind}/" for kind in _KINDS)):
                continue
            d = codec.decode("directory_entry", codec.decode("signed_entry", signed)["payload"])
            known = self.one(d["name"], d["key_id"])
            if known is None:
                since = str(
                    self._folder.settings()["made_on"]
                )  # its own day is not known: it is no older than the zone
                public, revoked = d["public_key"].hex(), d["revoked_at_ms"]
                self._add(PersonKey(d["kind"], d["name"], d["key_id"], public, since, "", revoked), since)
            elif known.revoked_at_ms is None and d["revoked_at_ms"] is not None:
                self.records[self.records.index(known)] = replace(known, revoked_at_ms=d["revoked_at_ms"])

    def of(self, name: str) -> list[PersonKey]:
        """The keys of one person, the newest last."""
        return [r for r in self.records if r.name == name]

    def one(self, name: str, key_id: str) -> PersonKey | None:
        """One key of a person, or None."""
        return next((r for r in self.of(name) if r.key_id == key_id), None)

    def take(self, kind: Kind, name: str, key_id: str, public: bytes, *, on: dt.date) -> PersonKey:
        """Take in a key, which supersedes those of the same person; one that is known stays what it is."""
        known = self.one(name, key_id)
        if known is not None:
            self._write()
            return known
        made = PersonKey(kind, name, key_id, public.hex(), str(on))
        self._add(made, str(on))
        self._write()
        return made

    def revoke(self, name: str, key_id: str | None, *, now: dt.datetime) -> list[PersonKey]:
        """From now on nothing counts that is signed with this key, or, without an id, with any of the person's. Raises `SettingsWrong`.

        Of one that is revoked already the same once more: who was not told is told.
        """
        meant = [r for r in self.of(name) if key_id in (None, r.key_id)]
        if not meant:
            had = ", ".join(r.key_id for r in self.of(name))
            msg = (
                f"{name} has no key {key_id}; it has: {had}."
                if had
                else f"Nobody called {name} was admitted here; see `zorgstroom operator keys list`."
            )
            raise SettingsWrong(msg)
        at = int(now.timestamp() * 1000)
        ended = [r if r.revoked_at_ms is not None else replace(r, revoked_at_ms=at) for r in meant]
        self.records = [ended[meant.index(r)] if r in meant else r for r in self.records]
        self._write()
        return ended

    def _add(self, made: PersonKey, on: str) -> None:
        self.records = [replace(r, superseded_on=on) if r.name == made.name and not r.superseded_on else r for r in self.records]  # fmt: skip
        self.records.append(made)

    def _write(self) -> None:
        write_private(self._path, json.dumps([asdict(r) for r in self.records], indent=2).encode())
