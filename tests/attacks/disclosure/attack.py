"""`make attack`: every attack in every world, with progress, and a written report. Results are kept: a run that was broken off goes on. Exits with 1 where a promise broke."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from attacks import Tally
from diagnosis import sorted_out
from kept_results import Kept, fingerprint
from reading_releases import Released
from releases import released_town
from report import Found, as_markdown
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from roles import Read
from suite import ATTACKS, Few, closed, closed_at_the_first_break, sham, the_largest
from two_geometries import two_years
from usefulness import by_level_and_group, care_types_per_buurt

from producers.town.worlds import WORLDS
from schemas import codec

ROOT: Final = Path(__file__).parents[3]
MUNICIPALITIES: Final = (9901, 9902)
USEFUL: Final = "usefulness"
Plan = Callable[[str], tuple[str, ...]]
"""World -> what is done to it."""
Made = tuple[Released | None, str, Tally]
"""A release that an attack made itself (None where nothing is to be told of breaks), the attack, and what it came to."""


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
    parser.add_argument("--anew", action="store_true", help="forget what an earlier run kept")
    given = parser.parse_args()
    console = Console()
    folder = ROOT / ".cache" / "attack" / f"{_size_of(given)}-{fingerprint(ROOT)}"
    worlds, municipalities = given.world or list(WORLDS), given.municipality or list(MUNICIPALITIES)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    first, later = _plan(useful_only=given.useful_only)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=2 * len(worlds) * len(municipalities))
        kept = [
            Kept(Kept.at(folder, w, m).path, w, m) if given.anew else Kept.at(folder, w, m)
            for w in worlds
            for m in municipalities
        ]
        for what in (first, later):
            for one in kept:
                _attacked(one, what(one.world), given, lambda said: progress.update(task, description=said))
                given.out.write_text(_written([k for k in kept if k.seconds], given), "utf-8")
                progress.update(task, advance=1)
                progress.console.print(
                    f"{one.world} GM{one.municipality}: {sum(len(t.breaks) for _, t in one.tallies)} broken, {sum(one.seconds.values()):.0f} s"
                )
    broken = sum(len(t.breaks) for k in kept for _, t in k.tallies)
    afterwards = sum(len(t.afterwards) for k in kept for _, t in k.tallies)
    console.print(f"{broken} broken, {afterwards} by what was withdrawn afterwards; the report is {given.out}.")
    return 1 if broken else 0


def _size_of(given: argparse.Namespace) -> str:
    return f"seed{given.seed}-months{given.months}-addresses{given.addresses}-providers{given.providers}"


def _plan(*, useful_only: bool) -> tuple[Plan, Plan]:
    """What is done to every world first, and what is left to the end because it needs releases of its own."""
    if useful_only:
        return lambda _: (USEFUL,), lambda _: ()
    return lambda _: (USEFUL, *ATTACKS), lambda world: OWN_RELEASES.get(world, ())


def _attacked(kept: Kept, wanted: Sequence[str], given: argparse.Namespace, tell: Callable[[str], None]) -> None:
    """Those of the attacks on one municipality of one world that were not made yet; kept one by one."""
    size = {"seed": given.seed, "months": given.months, "addresses": given.addresses, "municipality": kept.municipality}
    if kept.has(wanted):
        return
    few = the_largest(given.providers)
    read = None if set(wanted) <= set(OWN) else Read.of(_released(kept, size, tell, anew=given.anew))
    for name in wanted:
        if name not in kept.seconds:
            tell(f"{kept.world} GM{kept.municipality}: {name}")
            began = time.monotonic()
            if read is None:
                _keep(kept, list(OWN[name](kept.world, few, size)), given)
            elif name == USEFUL:
                kept.useful = by_level_and_group(read)
                kept.types = care_types_per_buurt(read) if kept.world == "town" else {}
            else:
                _keep(kept, [(read.released, name, tally) for tally in ATTACKS[name](read, few)], given)
            kept.seconds[name] = round(time.monotonic() - began, 1)
            kept.save()


def _released(kept: Kept, size: dict[str, int], tell: Callable[[str], None], *, anew: bool) -> Released:
    """The world as released, now or by a run before."""
    before = None if anew else kept.payloads()
    tell(f"{kept.world} GM{kept.municipality}: {'read' if before else 'release'}")
    began = time.monotonic()
    released = released_town(kept.world, **size, payloads=before)
    if before is None:
        kept.seconds["release"] = round(time.monotonic() - began, 1)
        kept.save_payloads(released.payloads)
    kept.protection = codec.decode("released_epoch", released.payloads[-1])["protection"]
    return released


def _keep(kept: Kept, made: Sequence[Made], given: argparse.Namespace) -> None:
    for released, sdc, tally in made:
        said = sorted_out(released, tally, months=given.months) if released else {}
        kept.tallies.append((sdc, tally))
        kept.breaks += [(sdc, one, said.get(str(one), "")) for one in (*tally.breaks, *tally.afterwards)]


def _sham(world: str, few: Few, size: dict[str, int]) -> Iterator[Made]:
    del few
    released, tally = sham(world, **size)
    yield released, "SDC-6", tally


def _closed(world: str, few: Few, size: dict[str, int]) -> Iterator[Made]:
    for released, tally in closed(world, CLOSED_EPOCHS, few, **size):
        yield released, "SDC-11", tally


def _closed_at_the_first_break(world: str, few: Few, size: dict[str, int]) -> Iterator[Made]:
    for released, tally in closed_at_the_first_break(world, few, **size):
        yield released, "SDC-11", tally


def _two_years(world: str, few: Few, size: dict[str, int]) -> Iterator[Made]:
    """Reported, not promised: what is found counts as excepted."""
    del few
    for tally in two_years(world=world, **size):
        tally.excepted, tally.breaks = tally.excepted + len(tally.breaks), []
        yield None, "SDC-13", tally


CLOSED_EPOCHS: Final = (2, 3, 4)
OWN: Final = {
    "a wijk that failed closed": _closed, "a wijk closed at the first break": _closed_at_the_first_break, "two years": _two_years,
    "a sham provider": _sham,
}  # fmt: skip
OWN_RELEASES: Final = {
    "town": ("a wijk that failed closed", "two years", "a sham provider"),
    "poor-street": ("a wijk that failed closed", "a wijk closed at the first break", "a sham provider"),
    "business-park": ("a sham provider",), "movers": ("a wijk that failed closed",), "one-carer": ("a wijk closed at the first break",),
}  # fmt: skip


def _written(kept: Sequence[Kept], given: argparse.Namespace) -> str:
    options = f"--seed {given.seed} --months {given.months} --addresses {given.addresses}"
    options += " --useful-only" if given.useful_only else ""
    options += f" --providers {given.providers}" if given.providers else ""
    options += "".join(f" --municipality {m}" for m in given.municipality or ()) + "".join(
        f" --world {w}" for w in given.world or ()
    )
    found, worlds = Found(), dict.fromkeys(k.world for k in kept)
    for one in kept:
        one.into(found)
    names = ", ".join(sorted({f"GM{k.municipality}" for k in kept}))
    what = f"{len(worlds)} worlds of {given.addresses:,} addresses (both municipalities together), {given.months} months; {names} in {sum(sum(k.seconds.values()) for k in kept) / 60:,.0f} minutes."
    return as_markdown(
        found, command=f'make attack ATTACK="{options}"', day=str(dt.datetime.now(dt.UTC).date()), what=what
    )


if __name__ == "__main__":
    sys.exit(main())
