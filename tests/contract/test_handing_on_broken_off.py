"""Officers hand their joint key on, broken off before each commit, each line of the log and each file: some committee is always in force.

In between the old one or the new one names a person; typed again it finishes. Each round hands the key on once more, and is broken off one
step later than the round before.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from broken_off import LogOnTopic, Steps
from officer_builders import BSN, DAY, NAMES, DirectClient, OfficersInMemory
from vault_builders import PERSON, VaultInMemory

from keyvault.access_log import first_break
from keyvault.officers.client import OfficersClient
from keyvault.officers.store import PostgresOfficerStore
from keyvault.officers.tool import OfficerTool
from keyvault.store import VaultStore
from schemas.errors import Unavailable
from schemas.secrets import WrappingKey

pytestmark = pytest.mark.servers


@dataclass
class Writes(Steps):
    """Steps without the commits of transactions that only read."""

    wrote: bool = False

    def step(self, name: str) -> None:
        if name == "commit" and not self.wrote and not self.killed:
            return
        self.wrote = False if name == "commit" else self.wrote
        super().step(name)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        real = psycopg.Cursor.execute

        def execute(cursor: psycopg.Cursor[Any], query: Any, *args: Any, **kwargs: Any) -> Any:
            self.wrote = self.wrote or str(query).lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))
            return real(cursor, query, *args, **kwargs)

        with super().watched(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.Cursor, "execute", execute)
            yield


class Client(DirectClient):
    """Of what only reads no step is counted: broken off it leaves nothing."""

    def _ask(self, method: str, path: str, body: bytes | None = None, *, again: bool = True) -> bytes:
        steps: Steps = self._network.steps  # type: ignore[attr-defined]
        counting, steps.counting = steps.counting, steps.counting and method != "GET"
        try:
            return super()._ask(method, path, body, again=again)
        finally:
            steps.counting = counting


@dataclass
class Officers(OfficersInMemory):
    """Three officers with their folders, and the keyvault on PostgreSQL; `restart` begins with new processes."""

    dsn: str = ""
    steps: Writes = field(default_factory=Writes)
    tools: list[OfficerTool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.topic = LogOnTopic(self.steps)
        self.restart()
        self.tools = [self.admit(name) for name in NAMES]

    def restart(self) -> None:
        self.stop()
        made = VaultStore(self.dsn, WrappingKey(b"\x09" * 32))
        made.prepare(DAY)
        self.here = VaultInMemory(self.folder / "vault", store=made, log=self.topic)  # type: ignore[arg-type]
        self.store = PostgresOfficerStore(made.transaction)  # type: ignore[assignment]
        super().restart()
        self.tools = [OfficerTool(t.folder, Client(self, t.folder.name)) for t in self.tools]

    def stop(self) -> None:
        if hasattr(self, "here"):
            self.here.store.close()  # type: ignore[attr-defined]

    def admit(self, name: str, **more: Any) -> OfficerTool:
        made = super().admit(name, **more)
        return OfficerTool(made.folder, Client(self, made.folder.name))

    @property
    def operator(self) -> OfficersClient:
        return Client(self, "operator")

    @property
    def epoch(self) -> int:
        found = self.operator.told().in_force()
        return found.epoch if found else 0


@contextlib.contextmanager
def files_watched(steps: Steps, folder: Path) -> Iterator[None]:
    """Every file of an officer that comes into its place or goes is a step."""
    replace, unlink = Path.replace, Path.unlink

    def step(path: Path, what: str) -> None:
        if steps.counting and folder in path.parents:
            steps.step(f"{what} {path.name}")

    def replaced(path: Path, target: Any) -> Any:
        step(Path(target), "file")
        return replace(path, target)

    def unlinked(path: Path, missing_ok: bool = False) -> None:
        step(path, "away with")
        unlink(path, missing_ok)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", replaced)
        patch.setattr(Path, "unlink", unlinked)
        yield


@pytest.fixture
def officers(fresh_database: Callable[[str], str], tmp_path: Path) -> Iterator[Officers]:
    """With a joint key, and one person whose number is sealed to it."""
    made = Officers(tmp_path, dsn=fresh_database("officers_handing_on"))
    handed_on(made, 1)
    committee = made.operator.told().in_force()
    assert committee is not None
    made.keep(committee, PERSON)
    with made.steps.watched(), files_watched(made.steps, tmp_path):
        yield made
    made.stop()


def handed_on(officers: Officers, epoch: int) -> None:
    """What the operator and each officer type, as far as it is not done. A keyvault that is away is asked again."""
    for _ in range(4):
        with contextlib.suppress(Unavailable):
            told = officers.operator.told()
            if told.ceremony is None and officers.epoch < epoch:
                officers.begin(*NAMES)
        for tool in officers.tools:
            with contextlib.suppress(Unavailable):
                tool.step()


def names_a_person(officers: Officers, where: str) -> None:
    """Two officers with the shares in their folders open the number, whichever committee is in force."""
    first, second = officers.tools[0], officers.tools[2]
    request = officers.ask(first, PERSON)
    second.approve(request)
    assert first.open(request.id).reveal() == BSN, where


@pytest.mark.long
def test_wherever_handing_on_is_broken_off_a_committee_is_in_force_and_typed_again_it_finishes(
    officers: Officers,
) -> None:
    for n in itertools.count():
        before = officers.operator.told().in_force()
        assert before is not None
        coming = before.epoch + 1
        killed = officers.steps.broken_off(lambda epoch=coming: handed_on(officers, epoch), at=n + 1)  # type: ignore[misc]
        where = f"before step {n + 1}, {officers.steps.names[-1]}"
        if killed:
            officers.restart()
            assert officers.epoch in (before.epoch, coming), where
            names_a_person(officers, where)
            handed_on(officers, coming)
        told = officers.operator.told()
        after = told.in_force()
        assert after is not None
        assert (after.epoch, after.joint_key, told.ceremony) == (coming, before.joint_key, None), where
        old = next(c for c in told.committees if c.epoch == before.epoch)
        assert all(m.left for m in old.members), f"{where}: all signed that the old share is gone"
        for tool in officers.tools:
            left = {p.name for p in (tool.folder.path / "shares").iterdir()} | {
                p.name for p in tool.folder.path.glob("ceremony-*")
            }
            assert left == {f"{after.key_id}-{coming}.share"}, where
        if not killed:
            break
    assert n > 30, f"handing on has steps: {n}"
    names_a_person(officers, "in the end")
    assert first_break(officers.topic.whole()) is None
