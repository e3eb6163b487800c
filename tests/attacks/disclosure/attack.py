"""`make attack`: every attack in every world, with progress, and a written report. Exits with 1 where a promise broke."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from attacks import Tally
from diagnosis import sorted_out
from reading_releases import Released
from releases import released_town
from report import Found, as_markdown
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from roles import Read
from suite import ATTACKS, Few, sham, the_largest
from two_geometries import two_years
from usefulness import by_level_and_group, care_types_per_buurt

from producers.town.worlds import WORLDS
from schemas import codec

MUNICIPALITIES = (9901, 9902)
SHAM_WORLDS = ("town", "business-park", "poor-street")


def main() -> int:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=3000, help="addresses of both municipalities together")
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--world", action="append", choices=list(WORLDS), help="only this one; may be given more than once"
    )
    parser.add_argument("--providers", type=int, default=0, help="only so many, those that know most; 0: all")
    parser.add_argument(
        "--useful-only", action="store_true", help="attack nothing, say only what stays useful: for larger towns"
    )
    parser.add_argument("--municipality", type=int, action="append", choices=MUNICIPALITIES, help="only this one")
    parser.add_argument("--out", type=Path, default=Path("docs/disclosure-report.md"))
    given = parser.parse_args()
    found, console = Found(), Console()
    worlds, municipalities = given.world or list(WORLDS), given.municipality or list(MUNICIPALITIES)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(worlds) * len(municipalities) * len(ATTACKS))
        for done, world in enumerate(worlds, 1):
            for municipality in municipalities:
                _one(found, world, municipality, given, lambda said: progress.update(task, description=said, advance=1))
            given.out.write_text(_written(found, given, worlds[:done], municipalities), "utf-8")
            progress.console.print(
                f"{world}: {sum(len(t.breaks) for k, t in found.tallies.items() if k[2] == world)} broken"
            )
    broken = sum(len(t.breaks) for t in found.tallies.values())
    console.print(
        f"{broken} broken, {len(found.breaks) - broken} by what was withdrawn afterwards; the report is {given.out}."
    )
    return 1 if broken else 0


def _one(found: Found, world: str, municipality: int, given: argparse.Namespace, tell: Callable[[str], None]) -> None:
    """All attacks on one municipality of one world, those too that need releases of their own."""
    size = {"seed": given.seed, "months": given.months, "addresses": given.addresses, "municipality": municipality}
    released = released_town(world, **size)
    found.protection = codec.decode("released_epoch", released.payloads[-1])["protection"]
    for sdc, tallies in () if given.useful_only else _attacks(released, the_largest(given.providers)):
        tell(f"{world} GM{municipality}: {sdc}")
        for tally in tallies:
            _keep(found, released, sdc, tally, world=world, months=given.months)
    read = Read.of(released)
    found.useful[world] += by_level_and_group(read)
    if world == "town":
        for name, (safe, used) in care_types_per_buurt(read).items():
            before = found.types.get(name, (0, 0))
            found.types[name] = (before[0] + safe, before[1] + used)
    if given.useful_only:
        return
    if world in SHAM_WORLDS:
        sham_released, tally = sham(world, **size)
        _keep(found, sham_released, "SDC-6", tally, world=world, months=given.months)
    if world == "town":
        for tally in two_years(**size):
            found.add("SDC-13", world, tally)


def _written(found: Found, given: argparse.Namespace, worlds: list[str], municipalities: list[int]) -> str:
    options = f"--seed {given.seed} --months {given.months} --addresses {given.addresses}"
    options += " --useful-only" if given.useful_only else ""
    options += f" --providers {given.providers}" if given.providers else ""
    options += "".join(f" --municipality {m}" for m in given.municipality or ()) + "".join(
        f" --world {w}" for w in given.world or ()
    )
    what = f"{len(worlds)} worlds of {given.addresses:,} addresses, {given.months} months, attacked: {', '.join(f'GM{m}' for m in municipalities)}."
    return as_markdown(
        found, command=f'make attack ATTACK="{options}"', day=str(dt.datetime.now(dt.UTC).date()), what=what
    )


def _attacks(released: Released, few: Few) -> Iterator[tuple[str, list[Tally]]]:
    read = Read.of(released)
    for sdc, attack in ATTACKS.items():
        yield sdc, list(attack(read, few))


def _keep(found: Found, released: Released, sdc: str, tally: Tally, *, world: str, months: int) -> None:
    said = sorted_out(released, tally, months=months)
    found.add(sdc, world, tally)
    found.breaks += [
        (world, released.municipality, sdc, one, said[str(one)]) for one in (*tally.breaks, *tally.afterwards)
    ]


if __name__ == "__main__":
    sys.exit(main())
