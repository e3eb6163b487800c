"""Kill -9 at each step of the commands that turn or revoke the keys of people: typed again it is finished, and what signs counts."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from command_steps import WHEN, Command, World, try_each_step, typed

from deploy.admission import grantor_folder
from deploy.people_keys import PeopleKeys
from producers.municipal_mandates import Grantor
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey


class RenewGrantor(Command):
    name, words = "grantor-gm9901-anne", ("admit-grantor", "grantor-gm9901-anne", "--renew")

    def prepare(self, world: World) -> None:
        typed(world, "municipality", "admit-grantor", self.name)
        self.before = self.grantor(world).key_id

    def grantor(self, world: World) -> Grantor:
        return Grantor(self.name, grantor_folder(world.zone, self.name))

    def type(self, world: World) -> None:
        typed(world, "municipality", *self.words)

    def between(self, world: World) -> None:
        super().between(world)
        assert world.learned().counting_grantor(self.name, self.before) is not None, "what it signed goes on counting"
        keys = [k.state for k in PeopleKeys(world.folder).of(self.name)]
        assert keys.count("active") == 1
        grantor = self.grantor(world)
        if grantor.joined and (grantor.folder / "signing.key").read_bytes() != bytes(32):
            assert world.learned().counting_grantor(self.name, grantor.key_id) is not None, "what it signs counts"

    def finished(self, world: World) -> None:
        grantor = self.grantor(world)
        assert grantor.key_id != self.before
        assert world.learned().counting_grantor(self.name, grantor.key_id) == grantor.public_key
        assert PeopleKeys(world.folder).of(self.name)[-1].key_id == grantor.key_id
        assert [p.name for p in grantor.folder.iterdir()] == ["signing.key"]


class RenewGrantorFinishedByAdmitting(RenewGrantor):
    """Who types the second time what made the key, or sees that nothing was begun."""

    def type(self, world: World) -> None:
        begun = world.folder.path / "begun"
        if begun.exists():
            typed(world, "municipality", "admit-grantor", self.name)
        else:
            begun.touch()
            typed(world, "municipality", *self.words)

    def finished(self, world: World) -> None:
        if len(PeopleKeys(world.folder).of(self.name)) > 1:
            super().finished(world)
        else:
            assert self.grantor(world).key_id == self.before


class RevokeGrantor(RenewGrantor):
    words = ("revoke-grantor", "grantor-gm9901-anne", "--yes")

    def between(self, world: World) -> None:
        Command.between(self, world)

    def finished(self, world: World) -> None:
        assert world.learned().counting_grantor(self.name, self.before) is None, (
            "everybody knows that it does not count"
        )
        assert [k.state for k in PeopleKeys(world.folder).of(self.name)] == ["revoked"]


class RenewOperator(Command):
    def prepare(self, world: World) -> None:
        self.before = world.folder.operators()
        settings = {"operators": {name: key.hex() for name, key in self.before.items()}}
        (world.folder.role("keyvault") / "config.json").write_text(json.dumps(settings))

    def type(self, world: World) -> None:
        typed(world, "operator", "order", "admit-operator", "anne", "--renew")

    def finished(self, world: World) -> None:
        key = SigningKey(world.folder.operator_file("anne").read_bytes())
        assert world.folder.operators() == self.before | {"anne": verify_key_of(key)}
        assert world.folder.operators()["anne"] != self.before["anne"]
        assert not list((world.folder.path / "operators").glob("*.next"))


@pytest.mark.parametrize(
    "command", [RenewGrantor, RenewGrantorFinishedByAdmitting, RevokeGrantor, RenewOperator], ids=lambda c: c.__name__
)
@WHEN
def test_killed_at_each_step_it_is_done_when_typed_again(
    command: type[Command], worlds: Callable[[], World], *, after: bool
) -> None:
    try_each_step(command, worlds, after=after)
