"""`zorgstroom municipality geometry`: checks a municipality's files of areas and addresses, draws them, writes what intake and release read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from deploy.commands_frame import DryRunOption, Gemeente, YesOption, gemeente_of, out, plainly
from schemas.geography import area_code, gemeente_code

if TYPE_CHECKING:
    from projections.geometry.freezing import Drawn
    from projections.geometry.ground import Ground


@plainly
def geometry(
    gemeente: Gemeente,
    boundaries: Annotated[
        list[Path],
        typer.Option("--boundaries", help="GeoJSON of CBS: buurten, and wijken if you want their names; RD or WGS84. Repeat for more."),
    ],
    register: Annotated[Path, typer.Option("--register", help="CBS pc6hnr: PC6;Huisnummer;Buurt20xx;Wijk20xx;Gemeente20xx.")],
    target: Annotated[Path, typer.Option("--out", help="Folder to write; clusters it has already are kept.")],
    places: Annotated[
        Path | None,
        typer.Option("--places", help="Where postcodes lie: CBS postcode-6 areas (GeoJSON), or a table postcode;huisnummer;straat;x;y."),
    ] = None,
    population: Annotated[
        Path | None,
        typer.Option("--population", help="Table gebied;jaar;inwoners;jonger dan 18;75 en ouder;huishoudens, of the year of the boundaries."),
    ] = None,
    year: Annotated[int | None, typer.Option("--year", help="Year of the boundaries, where no file says it.")] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Draw clusters anew; only when the five years for which they stay have passed.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:  # fmt: skip
    """Check your areas and addresses, draw clusters, and write the folder that intake and release read, with a map to look at."""
    from deploy.geometry_folder import DRAWING, Sources, changed, draw, drawn_before, texts_of, write

    number = gemeente_of(gemeente)
    before = drawn_before(target, number)
    with Progress(console=out, transient=True) as progress:
        task = progress.add_task("Reading, then buurt by buurt", total=None)
        ground, said = draw(
            Sources(boundaries, register, places, population, year), number, before=before, anew=anew,
            tell=lambda done, whole: progress.update(task, completed=done, total=whole),
        )  # fmt: skip
    for line in [*_summary(ground), *_clusters(ground, before), *said]:
        out.print(line, markup=False)
    texts = texts_of(ground, said, target)
    over = changed(texts, target)
    if dry_run:
        what = f"would be written over: {', '.join(over)}" if over else "no file there would become another"
        out.print(f"In {target} {what}. Nothing was written.", markup=False)
        return
    if over and not yes:
        typer.confirm(f"Write over {', '.join(over)} in {target}?", abort=True)
    write(texts, target, number, year=ground.year)
    out.print(f"Written: {target}. Look at it in a browser: {target / DRAWING}", markup=False)


def _summary(ground: Ground) -> list[str]:
    from projections.geometry.streets import whole_streets

    counts = {level: len(ground.at(level)) for level in ("wijk", "buurt", "cluster")}
    lines = [
        f"{gemeente_code(ground.gemeente)} {ground.name}, areas of {ground.year}: {counts['wijk']} wijken, {counts['buurt']} buurten, "
        f"{counts['cluster']} clusters, {len(ground.register.addresses)} addresses."
    ]
    if ground.streets:
        names = {name for name, _ in ground.streets}
        lines.append(f"Streets: {len(names)}, of which {len(whole_streets(ground.streets))} are whole clusters.")
    else:
        lines.append("Streets: none known, so clusters are called by their postcodes and there is no level of streets.")
    if ground.population_year is None:
        lines.append("Numbers of people: none given, so no amounts per inhabitant or household.")
    return lines


def _clusters(ground: Ground, before: Drawn) -> list[str]:
    """What was kept, what was drawn, and what changed since last time."""
    kept = {b: cut for b, cut in ground.cuts.items() if not cut.is_new}
    new = sum(len(set(cut.numbers.values())) for cut in ground.cuts.values() if cut.is_new)
    joined = sorted(p for cut in kept.values() for p in cut.joined)
    merged = [(b * 100 + n, b * 100 + into) for b, cut in kept.items() for n, into in cut.merged.items()]
    lines = []
    if kept:
        count, until = sum(len(set(cut.numbers.values())) for cut in kept.values()), before.may_be_redrawn_from()
        lines.append(f"Kept as they were: {count} clusters; they may be drawn anew on the boundaries of {until}.")
    if new:
        lines.append(f"Drawn: {new} clusters on the boundaries of {ground.year}.")
    if joined:
        lines.append(
            f"New postcodes that joined a neighbour's cluster: {len(joined)} ({', '.join(joined[:10])}{', ...' if len(joined) > 10 else ''})."
        )
    lines += [
        f"{area_code(one)} has fewer than 200 addresses now and went up in its neighbour {area_code(into)}."
        for one, into in merged
    ]
    return lines
