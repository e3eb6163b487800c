"""`zorgstroom bench NAME [--json]`: measures on this machine and prints figures beside the floors of the same run."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from deploy import bench

app = typer.Typer(add_completion=False, rich_markup_mode=None)
out = Console(highlight=False, soft_wrap=True)
NAMES = ("all", "provider", "road", "latency")


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="all, provider, road or latency.")] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
    deliveries: Annotated[int, typer.Option(min=10_000, help="How many in each run of the road.")] = 100_000,
) -> None:
    """Measure speed and size on this machine. Takes a few minutes; nothing is asserted."""
    if name not in NAMES:
        raise typer.BadParameter(f"choose one of {', '.join(NAMES)}")
    figures: dict[str, Any] = {}
    if name in ("all", "provider"):
        figures["provider"] = bench.provider_side(lines=20_000)
    if name != "provider":
        with out.status("Measuring ...") if not as_json else _nothing():
            figures |= _on_a_zone(name, deliveries)
    if as_json:
        print(json.dumps(figures, indent=2))
        return
    for part, values in figures.items():
        out.print(f"[bold]{part}[/bold]")
        out.print(json.dumps(values, indent=2), markup=False)


class _nothing:  # noqa: N801 - reads like a function
    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        return


def _on_a_zone(name: str, deliveries: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with bench.bench_zone() as zone:
        load = bench.Load(zone)
        load.admit()
        figures["warm_up"] = bench.road(zone, load, deliveries=10_000, per_envelope=1000)
        if name in ("all", "road"):
            figures["floors"] = bench.floors(zone, load, deliveries=50_000)
            for size in (1000, 200):
                found = bench.road(zone, load, deliveries=deliveries, per_envelope=size)
                found["of_kafka_floor"] = round(found["per_second"] / figures["floors"]["kafka_only_per_second"], 3)
                found["of_postgres_floor"] = round(
                    found["per_second"] / figures["floors"]["booking_rows_only_per_second"], 3
                )
                figures[f"road_{size}"] = found
            figures["memory_mb"] = bench.memory(zone)
            figures["disk_bytes_per_delivery"] = bench.disk(
                zone, bench.booked(zone.postgres.create_role_database("projector"))
            )
        if name in ("all", "latency"):
            figures["latency"] = bench.latency(zone, load, seconds=10, per_second=2000, per_envelope=100)
        if name in ("all", "road"):
            figures["rebuild"] = bench.rebuilding(zone)
    return figures
