"""The officers' store in memory, for tests of what stands on it. A contract suite holds it to what PostgreSQL does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from keyvault.memory_store import InMemoryVaultStore
from keyvault.officers.ports import ASKED, KeptRequest


@dataclass(slots=True)
class InMemoryOfficerStore:
    """One process, one thread at a time; `vault`: whose erased persons are gone here too."""

    vault: InMemoryVaultStore = field(default_factory=InMemoryVaultStore)
    _identities: dict[bytes, tuple[str, bytes]] = field(default_factory=dict, repr=False)
    _ceremonies: dict[bytes, tuple[bytes, str | None]] = field(default_factory=dict)
    _said: dict[bytes, dict[tuple[str, str], bytes]] = field(default_factory=dict)
    _committees: dict[tuple[str, int], bytes] = field(default_factory=dict)
    _requests: dict[bytes, KeptRequest] = field(default_factory=dict)
    _told: dict[bytes, int] = field(default_factory=dict)

    def keep_identities(self, rows: Sequence[tuple[bytes, str, bytes]]) -> None:
        """As the port says."""
        for person, key_id, wrapped in rows:
            if not self.vault.is_erased(person):
                self._identities.setdefault(person, (key_id, wrapped))

    def identity(self, person: bytes) -> tuple[str, bytes] | None:
        """As the port says."""
        return None if self.vault.is_erased(person) else self._identities.get(person)

    def begin(self, ceremony: bytes, described: bytes) -> None:
        """As the port says."""
        self._ceremonies = {
            c: (d, "another was begun" if why is None else why) for c, (d, why) in self._ceremonies.items()
        } | {ceremony: (described, None)}

    def begun(self, ceremony: bytes) -> bool:
        """As the port says."""
        return ceremony in self._ceremonies

    def running(self) -> bytes | None:
        """As the port says."""
        return next((d for d, why in self._ceremonies.values() if why is None), None)

    def given_up(self) -> str:
        """As the port says."""
        return next((why or "" for _, why in reversed(self._ceremonies.values())), "")

    def said(self, ceremony: bytes) -> list[bytes]:
        """As the port says."""
        return list(self._said.get(ceremony, {}).values())

    def say(self, ceremony: bytes, round_: str, officer: str, message: bytes) -> bool:
        """As the port says."""
        said = self._said.setdefault(ceremony, {})
        return said.setdefault((round_, officer), message) is message

    def end(self, ceremony: bytes, why: str, committee: tuple[str, int, bytes] | None = None) -> None:
        """As the port says."""
        self._ceremonies[ceremony] = (self._ceremonies[ceremony][0], why)
        if committee is not None:
            self.put_committee(*committee)

    def committees(self) -> list[bytes]:
        """As the port says."""
        return [self._committees[k] for k in sorted(self._committees)]

    def put_committee(self, key_id: str, epoch: int, committee: bytes) -> None:
        """As the port says."""
        self._committees[key_id, epoch] = committee

    def ask(self, request: bytes, *, signed: bytes, at_ms: int, told_from: int) -> bool:
        """As the port says."""
        if request in self._requests:
            return False
        self._requests[request], self._told[request] = KeptRequest(signed, ASKED, at_ms), told_from
        return True

    def request(self, request: bytes) -> KeptRequest | None:
        """As the port says."""
        return self._requests.get(request)

    def requests(self, *, since_ms: int) -> list[bytes]:
        """As the port says."""
        return [r.signed for r in self._requests.values() if r.state == ASKED and r.asked_at_ms >= since_ms]

    def move(self, request: bytes, *, old: str, new: str) -> bool:
        """As the port says."""
        known = self._requests.get(request)
        if known is None or known.state != old:
            return False
        self._requests[request] = replace(known, state=new)
        return True

    def not_told_yet(self, today: int) -> set[bytes]:
        """As the port says."""
        return {r for r, day in self._told.items() if day > today}
