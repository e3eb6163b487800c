"""What the vault's work for officers keeps: sealed numbers, ceremonies, committees, requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

ASKED, OPEN, DONE = "asked", "open", "done"
"""States of a request: signed by one, opened after the second signature, ended by the first officer's tool."""
RUNNING: Final = "running"


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A request as the first officer signed it, and when the vault heard of it (ms since 1970, its own clock)."""

    signed: bytes = field(repr=False)
    state: str
    asked_at_ms: int


class OfficerStore(Protocol):
    """Every method raises `Unavailable` when the database is away."""

    def keep_identities(self, rows: Sequence[tuple[bytes, str, bytes]]) -> None:
        """(person, joint key's id, wrapped): the first of a person stays; nothing of who was erased."""
        ...

    def identity(self, person: bytes) -> tuple[str, bytes] | None:
        """(joint key's id, wrapped) of a person, or None."""
        ...

    def begin(self, ceremony: bytes, described: bytes) -> None:
        """Open a ceremony; one that is open is given up."""
        ...

    def begun(self, ceremony: bytes) -> bool:
        """Whether a ceremony of this id was ever opened."""
        ...

    def running(self) -> bytes | None:
        """The `OfficerCeremony` that is open, or None."""
        ...

    def given_up(self) -> str:
        """Why the last ceremony was given up; empty where it was not."""
        ...

    def said(self, ceremony: bytes) -> list[bytes]:
        """All messages of a ceremony, in the order they came."""
        ...

    def say(self, ceremony: bytes, round_: str, officer: str, message: bytes) -> bool:
        """Keep a message; False where this officer spoke in this round before."""
        ...

    def end(self, ceremony: bytes, why: str, committee: tuple[str, int, bytes] | None = None) -> None:
        """Close a ceremony: given up for a reason, or with (key id, epoch, `OfficerCommittee`) that is in force from here on."""
        ...

    def committees(self) -> list[bytes]:
        """All committees, by key id and epoch."""
        ...

    def put_committee(self, key_id: str, epoch: int, committee: bytes) -> None:
        """Write a committee anew."""
        ...

    def ask(self, request: bytes, *, signed: bytes, at_ms: int, told_from: int) -> bool:
        """Keep a request; False where its id was used before."""
        ...

    def request(self, request: bytes) -> KeptRequest | None:
        """A request, or None."""
        ...

    def requests(self, *, since_ms: int) -> list[bytes]:
        """Requests in the state `asked` that were heard of since."""
        ...

    def move(self, request: bytes, *, old: str, new: str) -> bool:
        """Change a request's state; False where it was another than `old`."""
        ...

    def not_told_yet(self, today: int) -> set[bytes]:
        """Requests the person is told of later than `today` (day number)."""
        ...
