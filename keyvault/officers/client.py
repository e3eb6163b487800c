"""How an officer's tool, and an operator, ask the vault about committees and requests. Errors as `keyvault.client` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keyvault.connection import Connection
from keyvault.officers.ceremony import Ceremony, Committee
from schemas import codec


@dataclass(frozen=True, slots=True)
class Told:
    """What the vault says of officers: committees in order, the ceremony that is open, what was said in it, why the last was given up."""

    committees: tuple[Committee, ...]
    ceremony: Ceremony | None
    messages: tuple[bytes, ...]
    given_up: str
    entries: tuple[bytes, ...]

    def in_force(self, key_id: str | None = None) -> Committee | None:
        """The newest committee of a joint key, or of the newest joint key."""
        own = [c for c in self.committees if key_id in (None, c.key_id)]
        return own[-1] if own else None


class OfficersClient(Connection):
    """One caller's connection, safe to use from several threads."""

    def told(self) -> Told:
        """Committees and the open ceremony (officers, operator)."""
        d = codec.decode("vault_committees", self._ask("GET", "/v1/officers"))
        return Told(
            tuple(Committee.decode(c) for c in d["committees"]), Ceremony.decode(d["ceremony"]) if d["ceremony"] else None,
            tuple(d["messages"]), d["given_up"], tuple(d["entries"]),
        )  # fmt: skip

    def begin(self, ceremony: Ceremony) -> None:
        """Open a ceremony (operator). Raises `Refused` with the vault's reason."""
        self._ask("POST", "/v1/officers/begin", ceremony.encoded(), again=False)

    def say(self, message: bytes) -> None:
        """One signed message of a ceremony. Raises `Refused` with the vault's reason."""
        self._ask("POST", "/v1/officers/say", message, again=False)

    def waiting(self) -> list[bytes]:
        """Requests (`SignedReidentification`) that wait for another officer."""
        requests: list[bytes] = codec.decode("vault_reidentifications", self._ask("GET", "/v1/naming"))["requests"]
        return requests

    def ask(self, signed: bytes) -> None:
        """Make a request. Raises `Refused` with the vault's reason."""
        self._ask("POST", "/v1/naming/ask", signed, again=False)

    def approve(self, signed: bytes) -> dict[str, Any]:
        """Approve one as the second officer: the fields of `VaultOpenedIdentity`. Raises `Refused` with the vault's reason."""
        return codec.decode("vault_opened_identity", self._ask("POST", "/v1/naming/approve", signed, again=False))

    def opened(self, request: bytes) -> dict[str, Any]:
        """What is given out in the fifteen minutes, as `approve`."""
        body = self._ask("POST", "/v1/naming/open", codec.encode("vault_mandate", {"handle": request}), again=False)
        return codec.decode("vault_opened_identity", body)

    def part(self, request: bytes, sealed: bytes) -> None:
        """Pass the second officer's part on."""
        self._ask(
            "POST",
            "/v1/naming/part",
            codec.encode("vault_partial", {"request": request, "sealed": sealed}),
            again=False,
        )

    def ended(self, request: bytes, *, opened: bool) -> None:
        """Say how it ended; nothing is given out any more."""
        self._ask(
            "POST",
            "/v1/naming/end",
            codec.encode("vault_reidentified", {"request": request, "opened": opened}),
            again=False,
        )
