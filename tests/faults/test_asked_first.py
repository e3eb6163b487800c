"""Commands that destroy or end something: each tells what it does, says beforehand what it would do, and asks for a typed yes.

A row per command; whoever adds such a command adds a row. Those that first ask a running zone are tried where the zone runs, and named.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from command_steps import PROVIDER, TODAY, World, typed
from geometry_builders import Files, addresses, register
from typer.testing import CliRunner, Result

from deploy import forget, officers_commands
from deploy.admission import admit_grantor, admit_here
from deploy.cli import app
from deploy.officer_admission import admit_officer
from deploy.order_commands import signed_by_two
from producers.municipal_mandates import Grantor
from producers.municipal_retention import Retention
from producers.outbox import Outbox
from producers.profile import Profile
from schemas.orders import Order
from tests.attacks.test_no_search import commands_of

GRANTOR = "grantor-gm9901-anne"
TESTS = Path(__file__).parents[1]
alone = typer.Typer()
alone.command()(forget.main)


@dataclass(frozen=True, slots=True)
class Row:
    """`words`: what is typed after what has to be there first is made."""

    words: Callable[[World], list[str]]
    cli: typer.Typer = app
    of_zone: bool = True


def _plain(*words: str) -> Row:
    return Row(lambda _: list(words))


def _destroy(world: World) -> list[str]:
    typed(world, "operator", "keys", "new", "identity")
    world.folder.save_settings(world.folder.settings() | {"old_keys_open_days": 0})
    return ["operator", "keys", "destroy"]


def _scalar(world: World) -> list[str]:
    typed(world, "operator", "keys", "scalar")
    return ["operator", "keys", "scalar"]


def _authority(world: World) -> list[str]:
    typed(world, "operator", "keys", "authority")
    return ["operator", "keys", "authority"]


def _turn(world: World) -> list[str]:
    order = world.folder.path / "order.bin"
    order.write_bytes(signed_by_two(world.zone, Order.turn(key_id="voprf-0", number=9, until=TODAY, why="test")))
    return ["operator", "order", "place", str(order)]


def _revoke(world: World) -> list[str]:
    folder = admit_here(world.zone, PROVIDER, name="Proefaanbieder", municipalities=[9901])
    return ["municipality", "revoke-key", PROVIDER, Profile.load(folder).signing_key_id]


def _revoke_grantor(world: World) -> list[str]:
    admit_grantor(world.zone, GRANTOR)
    return ["municipality", "revoke-grantor", GRANTOR]


def _anew(world: World) -> list[str]:
    folder = admit_here(world.zone, PROVIDER, name="Proefaanbieder", municipalities=[9901])
    Outbox(folder / "outbox.sqlite").close()
    return ["provider", "--profile", str(folder), "begin-anew"]


def _officer(world: World) -> list[str]:
    admit_officer(world.zone, "dora")
    return ["operator", "officers", "leave", "dora"]


def _standing(world: World) -> Retention:
    made = Retention.of(Profile.load(admit_here(world.zone, "gm9901", name="Proefgemeente", municipalities=[9901])))
    grantor: Grantor = admit_grantor(world.zone, GRANTOR)
    made.sign(grantor, until=TODAY, on=TODAY)
    return made


def _end(world: World) -> list[str]:
    _standing(world)
    return ["municipality", "retention", "end", "GM9901"]


def _decide(world: World) -> list[str]:
    _standing(world)
    return ["municipality", "retention", "decide", "GM9901", "--as", GRANTOR]


def _geometry(world: World) -> list[str]:
    files = Files(world.folder.path / "ground")
    files.run()
    files.write("register.csv", register(addresses()[1:]))
    return files.words


ROWS = {
    "operator keys wrapping": _plain("operator", "keys", "wrapping"),
    "operator keys section": _plain("operator", "keys", "section"),
    "operator keys root": _plain("operator", "keys", "root", "2"),
    "operator keys destroy": Row(_destroy),
    "operator keys scalar": Row(_scalar),
    "operator keys authority": Row(_authority),
    "operator keys new": _plain("operator", "keys", "new", "records", "--leaked"),
    "operator order place": Row(_turn),
    "operator officers leave": Row(_officer),
    "municipality mandate withdraw": _plain("municipality", "mandate", "withdraw", "GM9901", "ab" * 16),
    "municipality retention end": Row(_end),
    "municipality retention decide": Row(_decide),
    "municipality revoke-key": Row(_revoke),
    "municipality revoke-grantor": Row(_revoke_grantor),
    "municipality geometry": Row(_geometry, of_zone=False),
    "provider begin-anew": Row(_anew, of_zone=False),
    "demo-clean": Row(lambda world: [str(world.folder.path)], cli=alone, of_zone=False),
}
WITH_A_ZONE = {
    "municipality erase decide": "faults/test_erasure.py",
    "municipality retention run": "faults/test_retention.py",
    "operator backup restore": "faults/test_put_back.py",
    "municipality baseline freeze": "unit/test_baseline_commands.py",
    "municipality intervention mark": "unit/test_baseline_commands.py",
    "municipality intervention withdraw": "unit/test_baseline_commands.py",
}
"""They ask before they do anything, and what they would do follows from what a running zone says: the file tries it there."""
NOTHING_TO_ASK = {
    "officer step": "the share it destroys is of a committee that another follows, which two officers and the operator began; "
    "it says so, and `--dry-run` what is open",
}
"""Commands that end something without a yes, and why."""
ENDS = (
    "destroy",
    "revoke",
    "withdraw",
    "forget",
    "let go",
    "let an officer go",
    "end the",
    "replace",
    "turn the",
    "turn intake",
    "erased",
)
"""Words in a command's help that tell of an end."""
NO_END = {"municipality erase ask", "municipality retention keep", "operator officers list", "operator order progress"}
"""They speak of an end in their help, and end nothing themselves."""


def all_commands() -> dict[str, Any]:
    return commands_of(typer.main.get_command(app))


@pytest.fixture
def world(worlds: Callable[[], World], monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(officers_commands, "awake", lambda zone, **_: contextlib.nullcontext(zone))
    return worlds()


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, by its hash."""
    files = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def told_and_kept(world: World) -> tuple[object, ...]:
    return contents(world.folder.path), list(world.told), list(world.orders), world.database


def run(world: World, name: str, words: list[str], *more: str, answer: str | None = None) -> Result:
    row = ROWS[name]
    data = ["--data", str(world.folder.path)] if row.of_zone else []
    return CliRunner().invoke(row.cli, [*words, *more, *data], input=answer)


@pytest.mark.parametrize("name", ROWS)
def test_it_says_what_it_would_do_and_does_nothing_without_a_typed_yes(world: World, name: str) -> None:
    words = ROWS[name].words(world)
    before = told_and_kept(world)
    dry = run(world, name, words, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "[y/N]" not in dry.output
    assert len(dry.output.strip()) > 20
    assert told_and_kept(world) == before
    for answer in ("n\n", "\n", None):
        asked = run(world, name, words, answer=answer)
        assert asked.exit_code == 1, asked.output
        assert "[y/N]" in asked.output
        assert told_and_kept(world) == before, f"answered {answer!r}"


@pytest.mark.parametrize("name", [*ROWS, *WITH_A_ZONE, *NOTHING_TO_ASK])
def test_it_has_help_a_dry_run_and_a_yes(name: str) -> None:
    command = typer.main.get_command(alone) if name == "demo-clean" else all_commands()[name]
    options = {o for p in command.params for o in p.opts}
    wanted = {"--dry-run"} if name in NOTHING_TO_ASK else {"--dry-run", "--yes"}
    assert wanted <= options
    assert command.help
    if name in WITH_A_ZONE:
        assert "--dry-run" in (TESTS / WITH_A_ZONE[name]).read_text("utf-8")


def test_every_command_that_ends_something_has_a_row() -> None:
    made = all_commands()
    telling = {name for name, c in made.items() if any(word in (c.help or "").lower() for word in ENDS)}
    known = set(ROWS) | set(WITH_A_ZONE) | set(NOTHING_TO_ASK)
    assert telling - known == NO_END
    assert known - set(made) == {"demo-clean"}
