"""`zorgstroom demo`: run everything on this machine, with progress, and say what to open and what to type."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from deploy.commands_frame import finish_undisturbed, heed_signals
from deploy.demo import Demo
from deploy.demo_course import Course, stages_of
from deploy.demo_municipality import family_of
from deploy.demo_progress import Bar
from deploy.demo_wish import Wish, check_months
from deploy.pages import addresses
from deploy.retention_watch import RetentionWatch
from deploy.settings import load_settings
from schemas.errors import SettingsWrong, ZorgstroomError

app = typer.Typer(add_completion=False, rich_markup_mode=None)
EXIT_REFUSED: Final = 1
out = Console(highlight=False, soft_wrap=True)


@app.callback(invoke_without_command=True)
def demo(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder for everything; the next start goes on with it.")
    ] = None,
    addresses: Annotated[
        int, typer.Option(min=400, max=60_000, help="Addresses of both municipalities together.")
    ] = 20_000,
    months: Annotated[int, typer.Option(min=1, max=36, help="Months from 2025-01 on, all of them over.")] = 12,
    seed: Annotated[int, typer.Option(help="The same seed invents the same town.")] = 1,
    world: Annotated[str, typer.Option(help="Which invented world; see `zorgstroom town make --help`.")] = "town",
    until_done: Annotated[
        bool, typer.Option("--until-done", help="Stop when all is through, instead of waiting for Ctrl-C.")
    ] = False,
    report: Annotated[Path | None, typer.Option("--report", help="Write the figures as JSON.")] = None,
) -> None:
    """Run everything on this machine: Kafka, PostgreSQL, the zone, two invented municipalities. Ctrl-C stops, the data stay."""
    wish = Wish(data or load_settings().data, addresses, months, seed, world)
    bar = Bar(out)
    heed_signals()
    _check_report(report)
    running = Demo(wish, bar)
    _check_months(running)
    retention = RetentionWatch(running.zone, lambda line: out.print(line, markup=False))
    done, rebuild = running.counted.months_done(), until_done or report is not None
    bar.course = Course(stages_of(months, months_done=done, invented=running.invented, rebuild=rebuild))
    try:
        with bar:
            running.run()
            figures = running.report() if until_done or report else None
        if figures is not None:
            if report is not None:
                report.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
            if figures["rebuild"]["live"] != figures["rebuild"]["rebuilt"]:
                out.print("The books are not what the ledger says.")
                raise typer.Exit(EXIT_REFUSED)
        if until_done:
            out.print(f"Done: {figures['applied'] if figures else 0} events in the books; the rebuild is equal.")
            return
        running.leave_senders()
        _screen(running)
        retention.start()
        while True:
            for line in running.zone.supervisor.tend():
                out.print(line, markup=False)
            time.sleep(1)
    except KeyboardInterrupt:
        out.print("\nStopping ...")
    except SettingsWrong:
        raise
    except ZorgstroomError as failed:
        out.print(f"{failed}\nLogs: {running.zone.supervisor.logs}", markup=False)
        raise typer.Exit(EXIT_REFUSED) from failed
    finally:
        finish_undisturbed()
        retention.stop()
        running.stop()
    out.print(f"Stopped. The data stay in {wish.data}; start again in seconds, or forget it with `make demo-clean`.")


def _check_months(running: Demo) -> None:
    if not running.invented:
        check_months(running.wish.months, dt.datetime.now(dt.UTC))


def _check_report(report: Path | None) -> None:
    if report is not None and not report.resolve().parent.is_dir():
        msg = f"The folder of the report {report} is not there; make it first."
        raise SettingsWrong(msg)


def _screen(running: Demo) -> None:
    zone, data = running.zone, running.wish.data
    pages = [f"  {name:<18} {address}" for name, address in addresses(running.zone).items()]
    providers = sorted(p.name for p in (zone.folder.path / "senders").glob("p*") if p.is_dir())
    profile = data / "senders" / (providers[0] if providers else "p98000001")
    first, gm = next(iter(zone.folder.members().readers), ("caseworker-gm9901-1", "gm9901"))
    command = _command()
    lines = [
        "Running: Apache Kafka, PostgreSQL, keyvault, intake, ledger, projector, release, the municipal pages.",
        "",
        "Open:", *pages,
        "  (to write a story beside a figure, choose Verhalen and sign in as one of the invented people)",
        "",
        "Type in another terminal, in this folder:",
        "  # a household of which this caseworker has the mandate",
        f"  {command} caseworker show --data {data} {first}",
        "  # send something, then look at that card again",
        f"  {command} provider --profile {profile} publish examples/wmo-323-declaratie-2025-03.xml",
        f"  {command} provider --profile {profile} receipts",
        "  # the family's own card, who looked at it, and that nothing was taken out of that log",
        f"  {command} family card --data {data} {family_of(gm)}",
        f"  {command} family log --data {data} {family_of(gm)}",
        f"  {command} operator log verify --data {data}",
        "  # two officers together find out who that is; the family's log says so",
        f"  {command} officer ask --as dora --data {data} --mandate {_handle(running, gm)} --reason wrong-person --ground avg-5 --case Z-1",
        f"  {command} officer approve --as eli --data {data}",
        f"  {command} officer open --as dora --data {data}",
        "  # close the month, then look at the map again",
        f"  {command} operator close-month --data {data}",
        f"  {command} municipality figures --data {data} GM9901",
        "  # the books again from the event store, compared",
        f"  {command} operator rebuild --verify --data {data}",
        "",
        "Ctrl-C stops everything that was started here and keeps the data.",
    ]  # fmt: skip
    out.print()
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _handle(running: Demo, gm: str) -> str:
    note = running.mandate_file(family_of(gm))
    return str(json.loads(note.read_text("utf-8"))["handle"]) if note.exists() else "HANDLE"


def _command() -> str:
    """How this program is typed from here."""
    started = Path(sys.argv[0])
    if started.name != "zorgstroom":
        return "zorgstroom"
    if shutil.which("zorgstroom") is not None:
        return "zorgstroom"
    with contextlib.suppress(ValueError):
        return str(started.absolute().relative_to(Path.cwd()))
    return str(started)
