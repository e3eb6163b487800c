"""Officers, their tools and a vault without servers: every call goes through the vault's own routes, as its certificate may."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from three_roots import pinned, two_of
from vault_builders import DAY, VaultInMemory

from deploy.officer_admission import planned
from keyvault.mutual_tls import Caller
from keyvault.officers.board import Board
from keyvault.officers.ceremony import Committee
from keyvault.officers.client import OfficersClient
from keyvault.officers.folder import OfficerFolder
from keyvault.officers.memory_store import InMemoryOfficerStore
from keyvault.officers.naming import Naming
from keyvault.officers.sealed_identity import seal_identity
from keyvault.officers.tool import OfficerTool
from keyvault.service import routes
from schemas import codec
from schemas.directory import Directory, Entry, role_key_id, sign_entry
from schemas.errors import Refused
from schemas.reidentification import NOBODY, Request
from schemas.sealing import verify_key_of
from schemas.secret_file import write_private
from schemas.secrets import SigningKey
from schemas.values import day_number

ROOT = SigningKey(b"\x01" * 32)
BSN = "999900018"
NAMES = ("dora", "eli", "fay")


class DirectClient(OfficersClient):
    """A client whose requests go to the routes at once; what may not be asked is refused as over HTTP."""

    def __init__(self, network: OfficersInMemory, principal: str) -> None:
        self._network, self._caller = network, Caller(principal, b"")

    def _ask(self, method: str, path: str, body: bytes | None = None, *, again: bool = True) -> bytes:
        del again
        vault = self._network.here.vault
        route = next(r for r in routes(vault, naming=self._network.naming) if (r.method, r.path) == (method, path))
        if not route.may(self._caller.name):
            raise Refused("not-yours", "This certificate may not ask this.")
        return route.work(self._caller, body or b"")


@dataclass
class OfficersInMemory:
    """A vault with officers. `here.now` is the clock's hand, seconds since 1970."""

    folder: Path
    here: VaultInMemory = field(init=False)
    directory: Directory = field(default_factory=lambda: Directory(pinned(ROOT)))

    def __post_init__(self) -> None:
        self.here = VaultInMemory(self.folder / "vault")
        self.store = InMemoryOfficerStore(self.here.store)
        self.here.vault.untold = lambda: self.store.not_told_yet(day_number(self.here.vault.today()))
        self.restart()

    def restart(self) -> None:
        """A new process of the vault: what was in memory only is gone."""
        known = self.directory
        board = Board(
            self.here.vault,
            self.store,
            known.counting_officer,
            known.any_officer,
            known.is_officer,
            known.signed_officers,
        )
        self.naming = Naming(self.here.vault, board)

    def admit(self, name: str, *, key: SigningKey | None = None, folder: str = "") -> OfficerTool:
        path, key = self.folder / (folder or name), key or SigningKey.generate()
        write_private(path / "signing.key", key.reveal())
        public = verify_key_of(key)
        made = OfficerFolder(path, f"officer-{name}", role_key_id("officer", public), "https://nowhere", pinned(ROOT))
        self.directory.learn(
            sign_entry(two_of(ROOT), Entry("officer", made.name, made.key_id, "signing", public, valid_from=0))
        )
        return OfficerTool(made, DirectClient(self, made.name))

    def let_go(self, tool: OfficerTool) -> None:
        own = tool.folder
        public = verify_key_of(own.signing_key())
        gone = Entry("officer", own.name, own.key_id, "signing", public, valid_from=0, version=2, revoked_at_ms=1)
        self.directory.learn(sign_entry(two_of(ROOT), gone))

    @property
    def operator(self) -> OfficersClient:
        return DirectClient(self, "operator")

    def begin(self, *names: str, by: list[str] | None = None, new_key: bool = False) -> None:
        self.operator.begin(planned(self.operator.told(), list(names), by, new_key=new_key))

    def committee_of(self, *tools: OfficerTool) -> Committee:
        """Let these take part until nothing is left to do; the committee in force."""
        for _ in range(4):
            for tool in tools:
                tool.step()
        found = self.operator.told().in_force()
        assert found is not None
        return found

    def three(self) -> tuple[list[OfficerTool], Committee]:
        """Three officers with a joint key."""
        tools = [self.admit(name) for name in NAMES]
        self.begin(*NAMES)
        return tools, self.committee_of(*tools)

    def keep(self, committee: Committee, person: bytes, *, bsn: str = BSN) -> None:
        """As intake does when a person is first met."""
        sealed = seal_identity(bsn.encode(), person=person, key_id=committee.key_id, joint_key=committee.joint_key)
        body = codec.encode("vault_identities", {"items": [{"person": person, "sealed": sealed}]})
        DirectClient(self, "intake")._ask("POST", "/v1/identities", body)

    def ask(self, tool: OfficerTool, person: bytes, **changes: object) -> Request:
        about = {
            "person": person, "handle": NOBODY, "reason": "danger", "ground": "jeugdwet-7.3.11", "case_number": "Z-17",
            "asked_at_ms": int(self.here.now * 1000),
        }  # fmt: skip
        return tool.ask(**(about | changes))

    def lines(self) -> list[tuple[str, str, str]]:
        """Who did what with which result, as the access log's topic has it."""
        return [(r["who"], r["action"], r["result"]) for r in self.here.log.records]


__all__ = ["BSN", "DAY", "NAMES", "ROOT", "DirectClient", "OfficersInMemory"]
