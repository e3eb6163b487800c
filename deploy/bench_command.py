"""`zorgstroom bench NAME [--json]`: measures on this machine and prints medians and ratios to floors of the same run."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from deploy import bench
from deploy.bench_audit import audit
from deploy.bench_erasure import erasure
from deploy.bench_load import Load, bench_zone, booked
from deploy.bench_page import page_times
from deploy.bench_profile import profiled
from deploy.bench_provider import files_of_a_town, provider_side
from deploy.bench_turn import turn
from deploy.bench_vault import vault
from deploy.preflight import remove_folder
from deploy.zone import Zone

app = typer.Typer(add_completion=False, rich_markup_mode=None)
out = Console(highlight=False, soft_wrap=True)
tell = Console(stderr=True, highlight=False, soft_wrap=True)
NAMES: Final = (
    "all",
    "provider",
    "road",
    "rebuild",
    "latency",
    "vault",
    "turn",
    "erasure",
    "page",
    "audit",
    "growth",
    "profile",
)
Figures = dict[str, Any]

_ON_THEIR_OWN: Final = ("provider", "turn", "erasure", "page", "audit")
"""What is measured on no zone, or on one of its own."""


@app.command()
def run(
    name: Annotated[
        str,
        typer.Argument(
            help="all (everything but growth and profile), provider, road, rebuild, latency, vault, turn, erasure, page, audit, growth or profile."
        ),
    ] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
    deliveries: Annotated[int, typer.Option(min=10_000, help="How many in each round of the road.")] = 200_000,
    links: Annotated[
        int, typer.Option(min=1_000, help="How many links are turned to another pseudonym key.")
    ] = 100_000,
    inhabitants: Annotated[int, typer.Option(min=4_000, help="Of the municipality that is audited.")] = 100_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of which the median is taken.")] = 3,
) -> None:
    """Measure speed and size on this machine. Takes minutes; nothing is asserted."""
    if name not in NAMES:
        raise typer.BadParameter(f"choose one of {', '.join(NAMES)}")
    figures = _measured(name, deliveries=deliveries, links=links, inhabitants=inhabitants, rounds=rounds)
    if as_json:
        print(json.dumps(figures, indent=2))
        return
    for part, values in figures.items():
        out.print(_table(part, values))


def _measured(name: str, *, deliveries: int, links: int, inhabitants: int, rounds: int) -> Figures:
    """The figures of one part, or of all but growth and profile, one after the other."""
    if name == "profile":
        return profiled(deliveries)
    figures: Figures = {}
    if name in ("all", "provider"):
        figures["provider"] = _provider(rounds)
    if name not in _ON_THEIR_OWN:
        with bench_zone() as zone:
            figures |= _on_a_zone(zone, name, deliveries, rounds)
    if name in ("all", "turn"):
        with bench_zone() as zone:
            _began(f"{links:,} links turned")
            figures["turn"] = turn(zone, links)
    if name in ("all", "erasure"):
        with bench_zone() as zone:
            _began("erasures")
            figures["erasure"] = erasure(zone, one_by_one=20, at_once=100)
    if name in ("all", "page"):
        figures["page"] = _page(rounds)
    if name in ("all", "audit"):
        figures["audit"] = audit(inhabitants, _began)
    return figures


def _began(what: str) -> None:
    """Say what is measured now."""
    tell.print(f"{time.strftime('%H:%M:%S')}  {what}")


def median(rounds: list[Figures]) -> Figures:
    """Per figure the median of the rounds, nested figures too; what is no number is taken from the last round."""
    last = rounds[-1]
    found: Figures = {}
    for key, value in last.items():
        if isinstance(value, dict):
            found[key] = median([r[key] for r in rounds])
        elif isinstance(value, int | float) and not isinstance(value, bool):
            middle = statistics.median(r[key] for r in rounds)
            found[key] = int(middle) if middle == int(middle) else round(middle, 3)
        else:
            found[key] = value
    return found


def _rounds(what: str, rounds: int, measure: Callable[[], Figures]) -> Figures:
    found = []
    for nth in range(rounds):
        tell.print(f"{time.strftime('%H:%M:%S')}  {what}, round {nth + 1} of {rounds}")
        found.append(measure())
    return median(found)


def _provider(rounds: int) -> Figures:
    folder = Path(tempfile.mkdtemp(prefix="zorgstroom-bench-"))
    try:
        tell.print("Inventing a town for the provider's side ...")
        paths = files_of_a_town(folder, addresses=20_000)
        found = _rounds("the provider's side", rounds, lambda: provider_side(paths))
    finally:
        remove_folder(folder)
    found["reading_of_parsing"] = round(found["read_and_check_us"] / found["parse_only_us"], 1)
    found["sealing_of_one_box"] = round(found["pack_and_seal_us"] / found["seal_only_us"], 1)
    return found


def _page(rounds: int) -> Figures:
    folder = Path(tempfile.mkdtemp(prefix="zorgstroom-bench-"))
    try:
        return _rounds("the municipality's page", rounds, lambda: page_times(folder, addresses=40_000, views=10))
    finally:
        remove_folder(folder)


def _on_a_zone(zone: Zone, name: str, deliveries: int, rounds: int) -> Figures:
    if name == "vault":
        return {"vault": _rounds("the keyvault", rounds, lambda: vault(zone))}
    load = Load(zone)
    load.admit()
    dsn = zone.postgres.create_role_database("projector")
    figures: Figures = {}
    figures["first_time_persons"] = bench.road(zone, load, deliveries=80_000, per_envelope=1000, share=1.0)
    if name == "growth":
        return figures | _growth(zone, load, deliveries)
    if name in ("all", "road"):
        floors = figures["floors"] = _rounds("floors", rounds, lambda: bench.floors(zone, load, deliveries=50_000))
        for size in (1000, 200):
            found = _rounds(
                f"the road, envelopes of {size}",
                rounds,
                partial(bench.road, zone, load, deliveries=deliveries, per_envelope=size),
            )
            found["of_kafka_floor"] = round(found["per_second"] / floors["kafka_only_per_second"], 3)
            found["of_postgres_floor"] = round(found["per_second"] / floors["booking_rows_only_per_second"], 3)
            figures[f"road_{size}"] = found
        figures["memory_mb"] = bench.memory(zone)
        figures["disk_bytes_per_delivery"] = bench.disk(zone, booked(dsn))
    if name == "all":
        figures["vault"] = _rounds("the keyvault", rounds, lambda: vault(zone))
    if name in ("all", "latency"):
        figures["latency"] = _rounds(
            "latency", rounds, lambda: bench.latency(zone, load, seconds=10, per_second=2000, per_envelope=100)
        )
        figures["publisher_latency"] = _rounds(
            "latency of a provider's publisher", rounds,
            lambda: bench.publisher_latency(zone, seconds=10, per_second=2000, per_envelope=100),
        )  # fmt: skip
    if name in ("all", "rebuild"):
        if name == "rebuild":
            bench.road(zone, load, deliveries=2 * deliveries, per_envelope=1000)
        found = figures["rebuild"] = _rounds("rebuild", rounds, lambda: bench.rebuilding(zone))
        found["of_reading_floor"] = round(found["per_second"] / found["reading_the_ledger_only_per_second"], 3)
    return figures


def _growth(zone: Zone, load: Load, deliveries: int) -> Figures:
    """(e) resident memory after `deliveries` and after ten times as many."""
    steps: list[Figures] = []
    after: dict[str, dict[str, float]] = {}
    for nth in range(10):
        tell.print(f"{time.strftime('%H:%M:%S')}  {deliveries * (nth + 1):,} deliveries")
        steps.append(bench.road(zone, load, deliveries=deliveries, per_envelope=1000))
        if nth in (0, 9):
            after[f"mb_after_{deliveries * (nth + 1)}"] = bench.memory(zone)
    first, last = after.values()
    growth = {name: round(last[name] - first[name]) for name in first}
    speed = [s["per_second"] for s in steps]
    return {
        "memory": {**after, "growth_mb": growth},
        "per_second_by_tenth": {str(i + 1): s for i, s in enumerate(speed)},
    }


def _table(title: str, values: Figures, prefix: str = "") -> Table:
    table = Table(title=title.replace("_", " "), box=None, title_justify="left", title_style="bold", pad_edge=False)
    table.add_column("", min_width=44)
    table.add_column("", justify="right")
    for name, value in _flat(values, prefix):
        table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int | float) else str(value))
    return table


def _flat(values: Figures, prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        found += _flat(value, f"{prefix}{name}: ") if isinstance(value, dict) else [(prefix + name, value)]
    return found
