"""Who is who, signed by the network's root: role keys and admitted senders, on `directory.v1` and in admission files.

A key counts only when the root signed it; the root's public key is pinned where a process or provider is set up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from schemas import codec
from schemas.errors import Refused
from schemas.roots import Roots, sign_payload
from schemas.secrets import SigningKey

KeysAt = Callable[[int], Sequence[bytes]]
"""Public keys that prove what Kafka took in at a moment (ms since 1970, by the broker's clock)."""

Use = Literal["identity", "content", "signing", "placement", "section", "voprf", "receipts", "officers"]


def role_key_id(role: str, public: bytes) -> str:
    """The id of a role's key: it follows from the public half."""
    return f"{role}-{public.hex()[:8]}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact: a role's public key; a sender or a grantor with its signing key and the municipalities that admitted it; an officer with his or hers."""

    kind: Literal["role_key", "sender", "grantor", "officer"]
    name: str
    key_id: str
    use: Use
    public_key: bytes
    valid_from: int
    valid_until: int | None = None
    display_name: str = ""
    municipalities: tuple[int, ...] = ()
    state: Literal["active", "hold"] = "active"
    version: int = 1
    revoked_at_ms: int | None = None

    def counts_at(self, appended_ms: int) -> bool:
        """Whether it proves what the broker appended at a moment (ms since 1970): the sender's own clock has no say in it."""
        return self.revoked_at_ms is None or appended_ms < self.revoked_at_ms

    @property
    def subject(self) -> str:
        """The Kafka key of this entry: the latest version of one subject counts."""
        return f"{self.kind}/{self.name}/{self.use}/{self.key_id}"


def entry_payload(entry: Entry) -> bytes:
    """The bytes of an entry that the root signs."""
    return codec.encode(
        "directory_entry",
        {f: getattr(entry, f) for f in Entry.__slots__ if f != "municipalities"}
        | {"municipalities": list(entry.municipalities)},
    )


def sign_entry(root: SigningKey | Sequence[SigningKey], entry: Entry) -> bytes:
    """A `SignedEntry`, single-object encoded, with the signature of each root key given."""
    return sign_payload([root] if isinstance(root, SigningKey) else root, entry_payload(entry))


def verified_entry(roots: Roots, data: bytes) -> Entry:
    """Read a signed entry. Raises `Refused` (`signature`, `unreadable`, `schema`) unless the pinned root signed it."""
    signed = codec.decode("signed_entry", data)
    roots.check_entry(signed["payload"], signed["signatures"])
    d = codec.decode("directory_entry", signed["payload"])
    return Entry(**(d | {"municipalities": tuple(d["municipalities"])}))


@dataclass(slots=True)
class Directory:
    """The latest version of each entry, for look-ups by workers and publishers while another thread learns."""

    roots: Roots
    _entries: dict[str, Entry] = field(default_factory=dict)
    _signed: dict[str, bytes] = field(default_factory=dict)
    _changes: list[bytes] = field(default_factory=list)
    """Changes of the root, in the order in which they came: who was pinned before them follows by them."""

    def learn(self, data: bytes) -> Entry:
        """Take in a signed entry (a lower version than known changes nothing). Raises `Refused`."""
        entry = verified_entry(self.roots, data)
        known = self._entries.get(entry.subject)
        if known is None or entry.version > known.version or entry == known:  # the same, signed anew by the root of now
            self._entries[entry.subject], self._signed[entry.subject] = entry, data
        return self._entries[entry.subject]

    def take(self, data: bytes) -> None:
        """Take in whatever the root signs: an entry, or a change of the root itself. Raises `Refused`."""
        try:
            self.learn(data)
        except Refused:
            signed = codec.decode("signed_entry", data)
            self.roots = self.roots.changed(signed["payload"], signed["signatures"])
            if data not in self._changes:
                self._changes.append(data)

    def role_key(self, role: str, use: Use, *, day: int) -> Entry:
        """The newest key of a role valid on `day`. Raises `Refused` (`unknown-key`)."""
        found = [
            e for e in tuple(self._entries.values())
            if e.kind == "role_key" and e.name == role and e.use == use and e.valid_from <= day
            and (e.valid_until is None or day <= e.valid_until)
        ]  # fmt: skip
        if not found:
            raise Refused(
                "unknown-key",
                f"No valid {use} key of {role} is known; ask the municipality for a new admission file.",
                dutch=f"Er is geen geldige sleutel ({use}) van {role} bekend; vraag de gemeente om een nieuw toelatingsbestand.",
            )
        return max(found, key=lambda e: (e.valid_from, e.version, e.key_id))

    def known_key(self, role: str, use: Use, key_id: str) -> Entry | None:
        """One key of a role, or None."""
        return self._entries.get(f"role_key/{role}/{use}/{key_id}")

    def signing_entries(self, role: str) -> list[Entry]:
        """Every signing key of a role that the root signed, the newest first, revoked ones included."""
        found = [e for e in tuple(self._entries.values()) if (e.kind, e.name, e.use) == ("role_key", role, "signing")]
        return sorted(found, key=lambda e: (e.version, e.key_id), reverse=True)

    def proves(self, role: str, appended_ms: int) -> list[bytes]:
        """Public keys that prove that a role signed what was appended at a moment: all of it but those revoked by then.

        One whose secret was destroyed in its time goes on proving what it signed.
        """
        return [e.public_key for e in self.signing_entries(role) if e.counts_at(appended_ms)]

    def signed_role_key(self, role: str, use: Use, key_id: str) -> bytes | None:
        """The entry of one key of a role as the root signed it, or None."""
        return self._signed.get(f"role_key/{role}/{use}/{key_id}")

    def latest_key(self, role: str, use: Use) -> Entry | None:
        """The key of a role that was signed last: that of the highest version. None where there is none."""
        found = [e for e in tuple(self._entries.values()) if (e.kind, e.name, e.use) == ("role_key", role, use)]
        return max(found, key=lambda e: (e.version, e.key_id), default=None)

    def role_keys(self) -> dict[str, int]:
        """Subject and version of every role's key that is known."""
        return {s: e.version for s, e in tuple(self._entries.items()) if e.kind == "role_key"}

    def sender(self, name: str) -> Entry | None:
        """The newest signing entry of a sender, or None when it was never admitted."""
        found = [e for e in tuple(self._entries.values()) if e.kind == "sender" and e.name == name]
        return max(found, key=lambda e: e.version) if found else None

    def sender_key(self, name: str, key_id: str) -> Entry | None:
        """One signing key of a sender, or None."""
        return self._entries.get(f"sender/{name}/signing/{key_id}")

    def grantor_key(self, name: str, key_id: str) -> Entry | None:
        """One signing key of a grantor, or None."""
        return self._entries.get(f"grantor/{name}/signing/{key_id}")

    def counting_grantor(self, name: str, key_id: str) -> bytes | None:
        """The public key of a grantor whose signatures count today, or None."""
        entry = self.grantor_key(name, key_id)
        return entry.public_key if entry is not None and entry.revoked_at_ms is None else None

    def counting_officer(self, name: str, key_id: str) -> bytes | None:
        """The public key of an officer whose signatures count today, or None."""
        entry = self._entries.get(f"officer/{name}/signing/{key_id}")
        return entry.public_key if entry is not None and entry.revoked_at_ms is None else None

    def any_officer(self, name: str, key_id: str) -> bytes | None:
        """The public key of an officer, also of one who left, or None."""
        entry = self._entries.get(f"officer/{name}/signing/{key_id}")
        return None if entry is None else entry.public_key

    def is_officer(self, name: str) -> bool:
        """Whether a principal has an officer's key that counts today."""
        own = (e for e in tuple(self._entries.values()) if (e.kind, e.name) == ("officer", name))
        return any(e.revoked_at_ms is None for e in own)

    def signed_officers(self) -> list[bytes]:
        """Every officer's entries as the root signed them, behind the changes of the root."""
        signed = dict(tuple(self._signed.items()))  # another thread learns
        return [*self._changes, *(signed[subject] for subject in sorted(signed) if subject.startswith("officer/"))]

    def decides(self, name: str, key_id: str) -> bytes | None:
        """The public key of who has a say in an erasure: a grantor, or the projector, which says whose retention period has passed."""
        if name != "projector":
            return self.counting_grantor(name, key_id)
        entry = self.known_key("projector", "signing", key_id)
        return entry.public_key if entry is not None and entry.revoked_at_ms is None else None

    def senders(self) -> tuple[Entry, ...]:
        """All admitted senders, sorted by name."""
        return tuple(sorted((e for e in tuple(self._entries.values()) if e.kind == "sender"), key=lambda e: e.name))
