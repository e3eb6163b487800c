"""Kill -9 at each file a command writes, in turn: in between nothing is told that nobody can open, and typed again it is finished.

A row per command; its steps are found by running it: every file written, put in another's place or deleted, and every record for Kafka.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from nacl.pwhash import argon2id
from typer.testing import CliRunner

from deploy import key_commands, municipality_commands, order_commands, wrapping_command
from deploy.bench_load import register_of
from deploy.cli import app
from deploy.embedded_postgres import EmbeddedPostgres
from deploy.key_register import KeyRegister, pseudonym_key_entry, role_key_entries
from deploy.order_commands import place_order, signed_by_two
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from keyvault import voprf
from keyvault.client import PublicKey
from keyvault.wrapping import wrapping_print
from producers import joining
from producers.profile import Profile
from schemas.directory import Directory
from schemas.errors import Refused
from schemas.orders import Order
from schemas.sealing import box_public_key
from schemas.secrets import BoxKey, ScalarKey, WrappingKey
from schemas.values import Month, SenderId, day_number

PROVIDER, TODAY = "p98777777", dt.datetime.now(dt.UTC).date()
DAY = day_number(TODAY)


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
    for module in (key_commands, municipality_commands, order_commands, wrapping_command):
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
    files = list((world.folder.role(role) / "secrets").glob(f"{use}*.key"))
    return {box_public_key(BoxKey(p.read_bytes())): p for p in files}


# --- the commands -----------------------------------------------------------------------------------------------------


class Command:
    """One row: what is there before, what is typed, what holds in between and at the end."""

    def prepare(self, world: World) -> None:
        """Before the first step."""

    def type(self, world: World) -> None:
        raise NotImplementedError

    def between(self, world: World) -> None:
        """Whatever was broken off: what everybody knows can be used."""
        known = world.learned().role_key("intake", "identity", day=DAY)
        assert known.public_key in secrets_of(world, "intake", "identity"), "parts are sealed to a key that nobody has"
        world.folder.settings()
        KeyRegister.of(world.folder)

    def finished(self, world: World) -> None:
        raise NotImplementedError


class NewIdentityKey(Command):
    def type(self, world: World) -> None:
        typed(world, "operator", "keys", "new", "identity")

    def finished(self, world: World) -> None:
        records = [r for r in KeyRegister.of(world.folder).records if r.use == "identity"]
        assert [r.state for r in records][-1] == "active"
        assert [r.state for r in records].count("active") == 1
        assert {bytes.fromhex(r.public) for r in records} == set(secrets_of(world, "intake", "identity"))
        assert world.learned().role_key("intake", "identity", day=DAY).key_id == records[-1].key_id


class DestroyKeys(Command):
    def prepare(self, world: World) -> None:
        for use in ("identity", "content"):
            typed(world, "operator", "keys", "new", use)
        world.folder.save_settings(world.folder.settings() | {"old_keys_open_days": 0})

    def type(self, world: World) -> None:
        typed(world, "operator", "keys", "destroy", "--yes")

    def finished(self, world: World) -> None:
        records = [r for r in KeyRegister.of(world.folder).records if r.use in ("identity", "content")]
        assert sorted(r.state for r in records) == ["active"] * 2 + ["destroyed"] * 2
        for r in records:
            assert world.folder.secret_file(r.role, r.file).exists() == (r.state == "active")
            entry = world.learned().known_key(r.role, r.use, r.key_id)
            assert entry is not None
            assert (entry.valid_until == DAY) == (r.state == "destroyed")


class ReplaceRootKey(Command):
    """The third key is with somebody else: only the other two are at hand, and one of them is replaced."""

    def prepare(self, world: World) -> None:
        (world.folder.path / "root" / "root-3.key").unlink()

    def type(self, world: World) -> None:
        typed(world, "operator", "keys", "root", "1", "--yes")

    def finished(self, world: World) -> None:
        pinned = world.zone.roots.pinned
        assert pinned.version in (2, 3), "typed again after the last step it is one turn more"
        assert pinned.keys[0] != world.first_roots.keys[0]
        assert pinned.keys[1:] == world.first_roots.keys[1:]
        assert world.learned().roots == pinned, "who was told of the first root follows"
        assert len(world.zone.roots.at_hand()) == 2
        assert not list((world.folder.path / "root").glob("*.next"))
        again = world.zone.roots.signed(pseudonym_key_entry("voprf-9", bytes(32), version=9))
        world.told.append(again)
        assert world.learned().known_key("keyvault", "voprf", "voprf-9") is not None


class WrappingToFile(Command):
    words: tuple[str, ...] = ()

    def type(self, world: World) -> None:
        typed(world, "operator", "keys", "wrapping", *self.words)

    def between(self, world: World) -> None:
        super().between(world)
        keys = [wrapping_command._key(world.zone, n, "") for n in self.named(world)]
        assert world.database in [wrapping_print(k) for k in keys], "the keyvault opens its database"

    @staticmethod
    def named(world: World) -> list[dict[str, str]]:
        """As the keyvault is told where its wrapping key comes from."""
        return [s if "salt" in s else {"secret": Path(s["file"]).stem} for s in world.folder.wrapping()]

    def finished(self, world: World) -> None:
        (named,) = self.named(world)
        assert world.database == wrapping_print(wrapping_command._key(world.zone, named, ""))
        left = {p.stem for p in (world.folder.role("keyvault") / "secrets").glob("wrapping*.key")}
        assert left == ({named["secret"]} if "secret" in named else set()), "keys of before are gone"


class WrappingToPassphrase(WrappingToFile):
    words = ("--passphrase",)


class FirstScalar(Command):
    def type(self, world: World) -> None:
        if not world.folder.secret_file(
            "intake", "scalar-next"
        ).exists():  # else it is done, and typed again it waits for intake
            typed(world, "operator", "keys", "scalar")

    def finished(self, world: World) -> None:
        assert world.folder.secret_file("intake", "scalar-next").exists()
        assert world.folder.secret_file("intake", "scalar").exists()


class SecondScalar(Command):
    def prepare(self, world: World) -> None:
        typed(world, "operator", "keys", "scalar")
        self.coming = world.folder.secret_file("intake", "scalar-next").read_bytes()

    def type(self, world: World) -> None:
        if world.folder.secret_file(
            "intake", "scalar-next"
        ).exists():  # else the list of keys names no next one: it is done
            typed(world, "operator", "keys", "scalar", "--yes")

    def between(self, world: World) -> None:
        super().between(world)
        lying = [p.read_bytes() for p in (world.folder.role("intake") / "secrets").glob("scalar*.key")]
        assert self.coming in lying, "the scalar the table is made with is there"

    def finished(self, world: World) -> None:
        assert [p.name for p in (world.folder.role("intake") / "secrets").glob("scalar*")] == ["scalar.key"]
        assert world.folder.secret_file("intake", "scalar").read_bytes() == self.coming


class Certificates(Command):
    def prepare(self, world: World) -> None:
        self.before = world.zone.certificate("intake").cert.read_bytes()

    def type(self, world: World) -> None:
        if world.zone.authority.ending(world.folder.path, within=dt.timedelta(days=9_999)):
            typed(world, "operator", "keys", "certificates", "--within", "9999")

    def between(self, world: World) -> None:
        super().between(world)
        self.fits(world)

    def fits(self, world: World) -> bytes:
        """The role starts: its certificate is that of its key."""
        files = world.zone.certificate("intake")
        certificate = x509.load_pem_x509_certificate(files.cert.read_bytes())
        key = serialization.load_pem_private_key(files.key.read_bytes(), None)
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        assert certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)
        return files.cert.read_bytes()

    def finished(self, world: World) -> None:
        assert self.fits(world) != self.before


class PlaceTurn(Command):
    def prepare(self, world: World) -> None:
        self.order = signed_by_two(world.zone, Order.turn(key_id="voprf-0", number=9, until=TODAY, why="test"))
        version = world.folder.next_pseudonym_version("voprf-0")
        key = world.public_key("voprf")
        world.zone.publish_directory([pseudonym_key_entry(key.key_id, key.key, version=version)])

    def type(self, world: World) -> None:
        place_order(world.zone, self.order)

    def finished(self, world: World) -> None:
        latest = world.learned().latest_key("keyvault", "voprf")
        assert latest is not None
        assert (latest.key_id, latest.version) == ("voprf-1", 2)
        assert set(world.orders) == {self.order}
        assert world.folder.settings()["pseudonym_keys"] == ["voprf-0", "voprf-1"]


class OfProvider(Command):
    """What concerns a sender's key; the sender's folder lies below the zone's, as in the demo."""

    def folder(self, world: World) -> Path:
        return world.folder.path / "senders" / PROVIDER

    def prepare(self, world: World) -> None:
        joining.join(self.folder(world), sender=SenderId(PROVIDER), name="Proefaanbieder")
        self.admit(world)
        self.accept(world)
        self.before = Profile.load(self.folder(world)).signing_key_id

    def admit(self, world: World) -> None:
        asked = self.folder(world) / f"aanvraag-{PROVIDER}.json"
        typed(
            world,
            "municipality",
            "admit",
            str(asked),
            "--gemeente",
            "GM9901",
            "--out",
            str(self.folder(world) / "answer"),
        )

    def accept(self, world: World) -> None:
        joining.accept(self.folder(world), (self.folder(world) / "answer").read_bytes())

    def between(self, world: World) -> None:
        super().between(world)
        profile = Profile.load(self.folder(world))
        profile.signing_key()
        entry = world.learned().sender_key(PROVIDER, profile.signing_key_id)
        assert entry is not None, "what the sender signs counts"
        assert entry.municipalities == (9901,)


class Renew(OfProvider):
    def type(self, world: World) -> None:
        joining.renew(self.folder(world))

    def finished(self, world: World) -> None:
        self.admit(world)
        self.accept(world)
        profile = Profile.load(self.folder(world))
        assert profile.signing_key_id != self.before
        assert world.learned().sender_key(PROVIDER, profile.signing_key_id) is not None


class AdmitFurtherKey(OfProvider):
    def prepare(self, world: World) -> None:
        super().prepare(world)
        joining.renew(self.folder(world))

    def type(self, world: World) -> None:
        self.admit(world)

    def finished(self, world: World) -> None:
        self.accept(world)
        self.in_use(world)

    def in_use(self, world: World) -> None:
        profile = Profile.load(self.folder(world))
        assert profile.signing_key_id != self.before
        assert not list(self.folder(world).glob("*-next.key"))
        entry = world.learned().sender_key(PROVIDER, profile.signing_key_id)
        assert entry is not None
        assert entry.municipalities == (9901,)
        certificate = x509.load_pem_x509_certificate((self.folder(world) / "cert.pem").read_bytes())
        key = serialization.load_pem_private_key((self.folder(world) / "tls.key").read_bytes(), None)
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        assert certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)


class AcceptFurtherKey(AdmitFurtherKey):
    def prepare(self, world: World) -> None:
        super().prepare(world)
        self.admit(world)

    def type(self, world: World) -> None:
        self.accept(world)

    def finished(self, world: World) -> None:
        self.in_use(world)


class AcceptAndRenewAgain(AcceptFurtherKey):
    """Who does not type `accept` once more, but asks for the next key."""

    def type(self, world: World) -> None:
        if not (self.folder(world) / "begun").exists():
            (self.folder(world) / "begun").touch()
            self.accept(world)
        else:
            joining.renew(self.folder(world))
            self.admit(world)
            self.accept(world)


class RevokeKey(OfProvider):
    def type(self, world: World) -> None:
        typed(world, "municipality", "revoke-key", PROVIDER, self.before, "--yes")

    def finished(self, world: World) -> None:
        entry = world.learned().sender_key(PROVIDER, self.before)
        assert entry is not None
        assert entry.revoked_at_ms is not None, "everybody knows that it does not count"


COMMANDS = (
    NewIdentityKey, DestroyKeys, ReplaceRootKey, WrappingToFile, WrappingToPassphrase, FirstScalar, SecondScalar, Certificates, PlaceTurn,
    Renew, AdmitFurtherKey, AcceptFurtherKey, AcceptAndRenewAgain, RevokeKey,
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.__name__)
def test_killed_at_each_step_nothing_is_lost_in_between_and_typed_again_it_is_done(
    command: type[Command], worlds: Callable[[], World]
) -> None:
    for nth, after in ((n, after) for n in itertools.count(1) for after in (False, True)):
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
