"""`zorgstroom town ...`: invent a town, and compare a dump of the zone with what the town says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from producers.town.files import make_town
from producers.town.oracle import compare, summary
from producers.town.worlds import WORLDS

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
_WORLDS = "; ".join(f"{name}: {world.what}" for name, world in WORLDS.items())
out = Console(highlight=False, soft_wrap=True)


@app.command()
def make(
    folder: Annotated[Path, typer.Option("--out", help="Folder to write into.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    months: Annotated[int, typer.Option(min=1, max=36, help="Months from 2025-01 on.")] = 12,
    addresses: Annotated[
        int, typer.Option(min=400, max=60_000, help="Addresses of both municipalities together.")
    ] = 20_000,
    world: Annotated[str, typer.Option(help=_WORLDS)] = "town",
) -> None:
    """Write two invented municipalities: registers, residence files, providers' files, and the truth to compare with."""
    if world not in WORLDS:
        raise typer.BadParameter(f"choose one of {', '.join(WORLDS)}")
    with Progress(console=out, transient=True) as progress:
        task = progress.add_task("Inventing people and care", total=months)
        described = make_town(
            folder, seed=seed, months=months, addresses=addresses, world=world,
            tell=lambda what, done, all_: progress.update(task, description=f"Writing {what}", completed=done, total=all_),
        )  # fmt: skip
    out.print(
        f"{folder}: {described['persons']} persons in care, {len(described['providers'])} providers, {described['services']} services "
        f"that stand, {described['changes']} changes."
    )


@app.command("compare")
def compare_dump(
    dump: Annotated[Path, typer.Option("--dump", help="Folder of `zorgstroom operator dump`.")],
    town: Annotated[Path, typer.Option("--town", help="Folder of `zorgstroom town make`.")],
) -> None:
    """Hold the zone's books against the town's own truth."""
    found = compare(dump, town)
    for line in summary(found):
        out.print(line, markup=False)
    if found:
        out.print(f"{len(found)} differences.")
        raise typer.Exit(1)
    out.print("No difference: every cell and every household is as the town says.")
