"""Kill -9 at each file a command writes, in turn: in between nothing is told that nobody can open, and typed again it is finished.

A row per command; its steps are found by running it: every file written, put in another's place or deleted, and every record for Kafka.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from command_steps import DAY, PROVIDER, TODAY, WHEN, Command, World, secret_files, try_each_step, typed
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from deploy import wrapping_command
from deploy.key_register import KeyRegister, pseudonym_key_entry
from deploy.order_commands import place_order, signed_by_two
from keyvault.wrapping import wrapping_print
from producers import joining
from producers.profile import Profile
from schemas.orders import Order
from schemas.values import SenderId


class NewIdentityKey(Command):
    role, use, words = "intake", "identity", ("identity",)

    def type(self, world: World) -> None:
        typed(world, "operator", "keys", "new", *self.words)

    def finished(self, world: World) -> None:
        records = [r for r in KeyRegister.of(world.folder).records if (r.role, r.use) == (self.role, self.use)]
        assert [r.state for r in records][-1] == "active"
        assert [r.state for r in records].count("active") == 1
        assert len(records) == len(secret_files(world, self.role, self.use))
        assert world.learned().role_key(self.role, self.use, day=DAY).key_id == records[-1].key_id


class NewContentKey(NewIdentityKey):
    role, use, words = "ledger", "content", ("content",)


class NewReleasesKey(NewIdentityKey):
    role, use, words = "release", "signing", ("releases",)


class LeakedRecordsKey(NewIdentityKey):
    role, use, words = "projector", "signing", ("records", "--leaked", "--yes")

    def finished(self, world: World) -> None:
        super().finished(world)
        counting = [e.key_id for e in world.learned().signing_entries(self.role) if e.revoked_at_ms is None]
        assert counting == [KeyRegister.of(world.folder).current(self.role, "signing").key_id]


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
        typed(world, "operator", "keys", "wrapping", *self.words, "--yes")

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
    NewIdentityKey, NewContentKey, NewReleasesKey, LeakedRecordsKey, DestroyKeys, ReplaceRootKey, WrappingToFile, WrappingToPassphrase, FirstScalar, SecondScalar, Certificates, PlaceTurn,
    Renew, AdmitFurtherKey, AcceptFurtherKey, AcceptAndRenewAgain, RevokeKey,
)  # fmt: skip


@WHEN
@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.__name__)
def test_killed_at_each_step_nothing_is_lost_in_between_and_typed_again_it_is_done(
    command: type[Command], worlds: Callable[[], World], *, after: bool
) -> None:
    try_each_step(command, worlds, after=after)
