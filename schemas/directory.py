"""Who is who, signed by the network's root: role keys and admitted senders, on `directory.v1` and in admission files.

A key counts only when the root signed it; the root's public key is pinned where a process or provider is set up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from schemas import codec
from schemas.errors import Refused
from schemas.sealing import sign, signature_holds
from schemas.secrets import SigningKey

_DOMAIN: Final = "zorgstroom directory 1"
Use = Literal["identity", "content", "signing", "placement", "section", "voprf"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact: a role's public key, a sender or a grantor with its signing key and the municipalities that admitted it."""

    kind: Literal["role_key", "sender", "grantor"]
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

    @property
    def subject(self) -> str:
        """The Kafka key of this entry: the latest version of one subject counts."""
        return f"{self.kind}/{self.name}/{self.use}/{self.key_id}"


def sign_entry(root: SigningKey, entry: Entry) -> bytes:
    """A `SignedEntry`, single-object encoded."""
    payload = codec.encode(
        "directory_entry",
        {f: getattr(entry, f) for f in Entry.__slots__ if f != "municipalities"}
        | {"municipalities": list(entry.municipalities)},
    )
    return codec.encode("signed_entry", {"payload": payload, "signature": sign(root, _DOMAIN, payload)})


def verified_entry(root_public: bytes, data: bytes) -> Entry:
    """Read a signed entry. Raises `Refused` (`signature`, `unreadable`, `schema`) unless the pinned root signed it."""
    signed = codec.decode("signed_entry", data)
    if not signature_holds(root_public, _DOMAIN, signed["payload"], signed["signature"]):
        raise Refused(
            "signature",
            "A directory entry is not signed by the network's root.",
            dutch="Een sleutel in dit bestand is niet getekend door het netwerk; vraag de gemeente om een nieuw bestand.",
        )
    d = codec.decode("directory_entry", signed["payload"])
    return Entry(**(d | {"municipalities": tuple(d["municipalities"])}))


@dataclass(slots=True)
class Directory:
    """The latest version of each entry, for look-ups by workers and publishers while another thread learns."""

    root_public: bytes
    _entries: dict[str, Entry] = field(default_factory=dict)

    def learn(self, data: bytes) -> Entry:
        """Take in a signed entry (a lower version than known changes nothing). Raises `Refused`."""
        entry = verified_entry(self.root_public, data)
        known = self._entries.get(entry.subject)
        if known is None or entry.version > known.version:
            self._entries[entry.subject] = entry
        return self._entries[entry.subject]

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
        return max(found, key=lambda e: (e.valid_from, e.key_id))

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

    def senders(self) -> tuple[Entry, ...]:
        """All admitted senders, sorted by name."""
        return tuple(sorted((e for e in tuple(self._entries.values()) if e.kind == "sender"), key=lambda e: e.name))
