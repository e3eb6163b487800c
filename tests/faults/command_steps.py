"""Kill -9 at each file a command writes and each record it sends: the steps, a zone's folder and what stands around it, a row per command."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from nacl.pwhash import argon2id
from typer.testing import CliRunner

from deploy import grantor_commands, key_commands, municipality_commands, order_commands, wrapping_command
from deploy.bench_load import register_of
from deploy.cli import app
from deploy.embedded_postgres import EmbeddedPostgres
from deploy.key_register import KeyRegister, role_key_entries
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from keyvault import voprf
from keyvault.client import PublicKey
from keyvault.wrapping import wrapping_print
from schemas.directory import Directory
from schemas.errors import Refused
from schemas.sealing import box_public_key, verify_key_of
from schemas.secrets import BoxKey, ScalarKey, SigningKey, WrappingKey
from schemas.values import Month, day_number

PROVIDER, TODAY = "p98777777", dt.datetime.now(dt.UTC).date()
DAY = day_number(TODAY)

WHEN: Final = pytest.mark.parametrize(
    "after", [pytest.param(False, id="before"), pytest.param(True, id="after", marks=pytest.mark.long)]
)
"""Before each step in every run, after each step too in the long ones."""


class Killed(BaseException):
    """Stands for kill -9: nothing after this point happens in this process."""


@dataclass
class Steps:
    """Counts what changes the disk or is told to Kafka, and breaks off at one step: before it, or after it."""

    folder: Path
    stop_at: int = -1
    after: bool = False
    done: int = 0
    names: list[str] = field(default_factory=list)

    def step(self, name: str, work: Callable[[], Any], half: Callable[[], Any] = lambda: None) -> Any:
        self.done += 1
        self.names.append(name)
        if self.done == self.stop_at and not self.after:
            half()
            raise Killed
        done = work()
        if self.done == self.stop_at:
            raise Killed
        return done

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Every way in which the commands change a file below the zone's folder."""
        replace, unlink, write_bytes, write_text, fsync = (
            Path.replace,
            Path.unlink,
            Path.write_bytes,
            Path.write_text,
            os.fsync,
        )
        ours = self.folder.resolve()

        def at(path: Path) -> bool:
            return ours in path.resolve().parents

        def replaced(path: Path, target: Any) -> Any:
            return (
                self.step(f"{Path(target).name} in place", lambda: replace(path, target))
                if at(path)
                else replace(path, target)
            )

        def unlinked(path: Path, missing_ok: bool = False) -> None:
            self.step(f"{path.name} deleted", lambda: unlink(path, missing_ok)) if at(path) else unlink(
                path, missing_ok
            )

        def bytes_written(path: Path, data: Any) -> Any:
            if not at(path):
                return write_bytes(path, data)
            return self.step(
                f"{path.name} written",
                lambda: write_bytes(path, data),
                lambda: write_bytes(path, data[: len(data) // 2]),
            )

        def text_written(path: Path, data: str, *rest: Any, **more: Any) -> Any:
            if not at(path):
                return write_text(path, data, *rest, **more)
            return self.step(
                f"{path.name} written", lambda: write_text(path, data, *rest, **more),
                lambda: write_text(path, data[: len(data) // 2], *rest, **more),
            )  # fmt: skip

        patch.setattr(Path, "replace", replaced)
        patch.setattr(Path, "unlink", unlinked)
        patch.setattr(Path, "write_bytes", bytes_written)
        patch.setattr(Path, "write_text", text_written)
        patch.setattr(os, "fsync", lambda number: self.step("written beside", lambda: fsync(number)))


@dataclass
class World:
    """A zone's folder, and what stands around it: Kafka's directory, the keyvault and its database, senders."""

    folder: ZoneFolder
    told: list[bytes] = field(default_factory=list)
    database: bytes = b""
    """Print of the wrapping key that the keyvault's database lies under."""
    steps: Steps = field(init=False)
    in_database: list[ScalarKey] = field(
        default_factory=lambda: [ScalarKey(b"\x03" + bytes(31)), ScalarKey(b"\x05" + bytes(31))]
    )
    orders: list[bytes] = field(default_factory=list)
    first_roots: Any = None

    def __post_init__(self) -> None:
        self.steps = Steps(self.folder.path)
        self.first_roots = self.zone.roots.pinned

    @property
    def zone(self) -> Zone:
        return Zone(self.folder)

    def learned(self) -> Directory:
        """What somebody knows who was told the first root and everything since, in order."""
        known = Directory(self.first_roots)
        for entry in self.told:
            with contextlib.suppress(Refused):
                known.take(entry)
        return known

    # --- as the commands see it

    def publish(self, _zone: Zone, signed: Any) -> None:
        for _, value in signed:
            self.steps.step("told", lambda v=value: self.told.append(v))

    def rewrapped(self, _dsn: str, old: WrappingKey, new: WrappingKey, **_: Any) -> int:
        assert self.database == wrapping_print(old)

        def work() -> None:
            self.database = wrapping_print(new)

        self.steps.step("database rewrapped", work)
        return 7

    def vault(self, *_: Any) -> Any:
        return self

    def close(self) -> None:
        """As the client."""

    def place_order(self, order: bytes) -> None:
        self.steps.step("order placed", lambda: self.orders.append(order))

    def public_key(self, use: str) -> PublicKey:
        place = 1 if use == "voprf/next" else 0
        return PublicKey(f"voprf-{place}", voprf.public_key(self.in_database[place]))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zone nobody started, with a provider; copied for each break."""
    place = tmp_path_factory.mktemp("template")
    zone = Zone(ZoneFolder(place / "zone"))
    zone.make(municipalities=[9901], first_month=Month(2025, 1), address_dirs={9901: register_of(place)})
    for name in ("anne", "bob"):
        zone.folder.admit_operator(name)
    zone.certificate("intake")
    return place


@pytest.fixture
def worlds(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], World]:
    numbers, current = itertools.count(), list[World]()
    for module in (grantor_commands, key_commands, municipality_commands, order_commands, wrapping_command):
        monkeypatch.setattr(module, "awake", lambda zone, **_: contextlib.nullcontext(zone))
    monkeypatch.setattr(EmbeddedPostgres, "create_role_database", lambda *_: "")
    monkeypatch.setattr(Zone, "publish_signed", lambda zone, signed: current[-1].publish(zone, signed))  # noqa: PLW0108 - the newest, each time
    monkeypatch.setattr(Zone, "apply_topics", lambda _: current[-1].steps.step("topics and rights", lambda: None))
    monkeypatch.setattr(Zone, "vault", lambda *_: current[-1])
    monkeypatch.setattr(Zone, "vault_answers", lambda _: False)
    monkeypatch.setattr(wrapping_command, "known_print", lambda _: current[-1].database)
    monkeypatch.setattr(wrapping_command, "rewrap", lambda *a, **m: current[-1].rewrapped(*a, **m))  # noqa: PLW0108
    monkeypatch.setattr(key_commands, "_check_turned", lambda _: None)
    for cost in ("OPSLIMIT", "MEMLIMIT"):  # what a passphrase costs is not what is tried here, many times over
        monkeypatch.setattr(argon2id, f"{cost}_MODERATE", getattr(argon2id, f"{cost}_MIN"))
    typed_line = tmp_path / "passphrase"
    typed_line.write_text("paard batterij nietje\n")
    monkeypatch.setenv("ZORGSTROOM_PASSPHRASE_FILE", str(typed_line))

    def make() -> World:
        place = tmp_path / str(next(numbers))
        shutil.copytree(template, place)
        world = World(ZoneFolder(place / "zone"))
        current.append(world)
        world.database = wrapping_print(WrappingKey(world.folder.secret_file("keyvault", "wrapping").read_bytes()))
        world.zone.publish_directory(role_key_entries(world.folder))
        return world

    return make


def typed(world: World, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--data", str(world.folder.path)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def secrets_of(world: World, role: str, use: str) -> dict[bytes, Path]:
    """Public half -> file, of every secret of a use that lies there."""
    return {box_public_key(BoxKey(p.read_bytes())): p for p in secret_files(world, role, use)}


def secret_files(world: World, role: str, use: str) -> list[Path]:
    """The file of every secret of a use that lies there."""
    return list((world.folder.role(role) / "secrets").glob(f"{use}*.key"))


class Command:
    """One row: what is there before, what is typed, what holds in between and at the end."""

    def prepare(self, world: World) -> None:
        """Before the first step."""

    def type(self, world: World) -> None:
        raise NotImplementedError

    def between(self, world: World) -> None:
        """Whatever was broken off: what everybody knows can be used."""
        for role, use in (("intake", "identity"), ("ledger", "content")):
            known = world.learned().role_key(role, use, day=DAY)
            assert known.public_key in secrets_of(world, role, use), "parts are sealed to a key that nobody has"
        for role in ("projector", "release"):
            signs = {verify_key_of(SigningKey(p.read_bytes())) for p in secret_files(world, role, "signing")}
            proves = {e.public_key for e in world.learned().signing_entries(role) if e.revoked_at_ms is None}
            assert signs & proves, "the role holds no key with which what it signs counts"
        world.folder.settings()
        KeyRegister.of(world.folder)

    def finished(self, world: World) -> None:
        raise NotImplementedError


def try_each_step(command: type[Command], worlds: Callable[[], World], *, after: bool) -> None:
    """Kill a command before (a file half written) or after each of its steps, in a world of its own each time, and type it again.

    After a step and before the next differ only where the next one is a file that is half written then.
    """
    for nth in itertools.count(1):
        row, world = command(), worlds()
        row.prepare(world)
        world.steps = Steps(world.folder.path, nth, after)
        with pytest.MonkeyPatch.context() as patch:
            world.steps.watch(patch)
            try:
                row.type(world)
            except Killed:
                killed = True
            else:
                killed = False
        where = f"{'after' if after else 'before'} step {nth}: {world.steps.names[-1] if killed else 'the end'}"
        world.steps = Steps(world.folder.path)
        try:
            row.between(world)
            if killed:
                row.type(world)
            row.between(world)
            row.finished(world)
        except AssertionError as wrong:
            raise AssertionError(f"{where}: {wrong}") from wrong
        if not killed:
            break
    assert nth > 1, "the command has steps"
