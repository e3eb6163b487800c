"""`zorgstroom operator ...`: make and run a zone, close a month, rebuild and verify, dump, compare topics and rights, restore offsets.

Runs inside the zone, on the machine that has its folder.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from deploy.awake import awake
from deploy.backup_commands import app as backup_app
from deploy.closing_commands import close, preview
from deploy.cluster import Cluster
from deploy.commands_frame import EXIT_REFUSED, DataOption, finish_undisturbed, heed_signals, out, plainly, zone_of
from deploy.key_commands import app as key_app
from deploy.key_register import KeyRegister
from deploy.key_watch import KeyWatch, watched_keys
from deploy.log_commands import app as log_app
from deploy.officers_commands import app as officers_app
from deploy.order_commands import app as order_app
from deploy.retention_watch import RetentionWatch
from deploy.settings import load_settings
from deploy.zone_folder import ZoneFolder
from schemas.errors import SettingsWrong
from schemas.values import Month
from streams.config import RoleConfig

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

app.add_typer(log_app, name="log")
app.add_typer(order_app, name="order")
app.add_typer(key_app, name="keys")
app.add_typer(backup_app, name="backup")
app.add_typer(officers_app, name="officers")
app.command("close-month")(close)
app.command()(preview)


@app.callback()
def _operator() -> None:
    """I run it."""


@app.command()
@plainly
def make(
    folders: Annotated[
        list[str],
        typer.Argument(metavar="GM0000=FOLDER", help="A municipality and the folder of its files; repeat for more."),
    ],
    first: Annotated[str, typer.Option("--first-month", help="First month to keep books of, YYYY-MM.")],
    data: DataOption = None,
) -> None:
    """Make a zone for your own municipalities: checks their files, then makes keys and settings. Nothing is started."""
    from deploy.own_zone import make_zone, parse_folders

    folder = ZoneFolder((data or load_settings().data).resolve())
    try:
        month = Month.parse(first)
    except ValueError as wrong:
        msg = "A month is YYYY-MM."
        raise SettingsWrong(msg) from wrong
    addresses = make_zone(folder, parse_folders(folders), first_month=month)
    out.print(
        f"{folder.path}: a zone of {len(folders)} municipalities and {addresses:,} addresses. Start it with `zorgstroom operator run`."
    )
    out.print(
        f"Back up {folder.path / 'root'} and {folder.path / 'roles'}, give the three root keys to three people, and take them out of this machine."
    )


@app.command()
@plainly
def run(data: DataOption = None) -> None:
    """Run the zone on this machine until Ctrl-C: servers, workers, pages. The data stay."""
    from deploy.own_zone import start_zone, tend

    heed_signals()
    zone = zone_of(data)
    zone.tell = lambda what: out.print(f"{time.strftime('%H:%M:%S')}  Starting: {what}")
    keys: KeyWatch | None = None
    retention = RetentionWatch(zone, lambda line: out.print(line, markup=False))
    try:
        for name, address in start_zone(zone).items():
            out.print(f"  {name:<18} {address}")
        keys = watched_keys(zone)
        retention.start()
        out.print("Running. Ctrl-C stops everything that was started here and keeps the data.")
        tend(zone, lambda line: out.print(line, markup=False))
    finally:
        finish_undisturbed()
        if keys is not None:
            keys.stop()
        retention.stop()
        zone.stop()


@app.command()
@plainly
def rebuild(
    data: DataOption = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare with the live books (always done; named for clarity).")
    ] = True,
) -> None:
    """Fold the whole ledger into an empty schema and compare it with the live books, byte for byte."""
    del verify
    from streams.rebuild import rebuild as run

    zone = zone_of(data)
    config = RoleConfig.load(zone.role_config("projector"))
    with awake(zone, kafka=True, vault=True), Progress(console=out, transient=True) as progress:
        task = progress.add_task("Folding the ledger", total=None)
        compared = run(config, progress=lambda done, of: progress.update(task, completed=done, total=of))
    out.print(f"live    {compared.live}\nrebuilt {compared.rebuilt}")
    out.print(f"{compared.records} ledger records in {compared.seconds:.1f} s.")
    if not compared.equal:
        out.print("The books are not what the ledger says: stop closing months and call the maintainers.")
        raise typer.Exit(EXIT_REFUSED)
    out.print("Equal.")


@app.command()
@plainly
def dump(folder: Annotated[Path, typer.Option("--out", help="Folder to write into.")], data: DataOption = None) -> None:
    """Write what the rebuild's hash is made of, in readable form: cells.csv and households.csv. Never take it out of the zone.

    Both are sums of what was delivered. The hash covers grants and placements as well, which are not written.
    """
    from streams.rebuild import dump as write

    zone = zone_of(data)
    with awake(zone):
        rows = write(RoleConfig.load(zone.role_config("projector")), folder)
    out.print(f"{folder}: {rows['cells']} cells, {rows['households']} household rows.")


@app.command()
@plainly
def topics(
    data: DataOption = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make them as the table says.")] = False,
) -> None:
    """Compare topics and rights with the table; --apply mends them."""
    zone = zone_of(data)
    with awake(zone, kafka=True):
        cluster, members = Cluster(zone.kafka.admin() | {"log_level": 2}), zone.folder.members()
        found = cluster.apply(members) if apply else cluster.compare(members)
    for name in (*found.missing_topics, *found.wrong_topics):
        out.print(f"topic {name}", markup=False)
    for right in found.missing_rights:
        out.print(f"missing: {right.principal} {right.operation} {right.resource} {right.name}", markup=False)
    for right in found.extra_rights:
        out.print(f"too much: {right.principal} {right.operation} {right.resource} {right.name}", markup=False)
    if found.none:
        out.print("Topics and rights are as the table says.")
    elif apply:
        out.print("Mended.")
    else:
        raise typer.Exit(EXIT_REFUSED)


@app.command()
@plainly
def restore(
    role: Annotated[str, typer.Argument(help="intake, ledger or projector; its workers must be stopped.")],
    data: DataOption = None,
) -> None:
    """After a restored backup: put a role's consumer group back to where its database is."""
    from streams.restore import put_back

    if role not in ("intake", "ledger", "projector"):
        msg = "Name intake, ledger or projector."
        raise SettingsWrong(msg)
    zone = zone_of(data)
    with awake(zone, kafka=True):
        restored = put_back(
            RoleConfig.load(zone.role_config(role)), administrator=zone.kafka.admin() | {"log_level": 0}
        )
    out.print(f"{role} goes on at: " + ", ".join(f"{p}: {n}" for p, n in sorted(restored.offsets.items())))
    for partition, before in sorted(restored.moved_from.items()):
        out.print(
            f"Partition {partition} was moved forward from {before}, since delivered.v1 no longer has it; the senders are asked "
            "for the next number, and send again what lacks a final receipt."
        )


@app.command()
@plainly
def replay(data: DataOption = None) -> None:
    """Make lost databases of ledger, projector and release anew from their topics, while the zone stands still. Those that are there are left alone.

    The ledger's references and mandates are put back and it goes on a little before where it was; the projector folds the ledger again when
    the zone starts; release takes what it published. The keyvault must be the one of this ledger: put it back first.
    """
    from keyvault.client import PersonKeyCache
    from streams.ledger_replay import begin_anew, is_empty, replay_ledger
    from streams.release_replay import is_empty as release_is_empty
    from streams.release_replay import replay_release
    from streams.restore import put_back

    zone = zone_of(data)
    with awake(zone, kafka=True, vault=True):
        ledger, projector, release = (
            replace(RoleConfig.load(zone.role_config(role)), database_dsn=zone.postgres.create_role_database(role))
            for role in ("ledger", "projector", "release")
        )
        if is_empty(ledger):
            vault = zone.vault("projector")  # lends keys, and makes none
            with Progress(console=out, transient=True) as progress:
                task = progress.add_task("Reading the ledger", total=None)
                made = replay_ledger(
                    ledger,
                    PersonKeyCache(vault.person_keys, seconds=3600),
                    progress=lambda done, of: progress.update(task, completed=done, total=of),
                )
            vault.close()
            put_back(ledger, administrator=zone.kafka.admin() | {"log_level": 0})
            out.print(
                f"ledger: {made.references} references and {made.mandates} mandates, from {made.records} records."
            )
        else:
            out.print("ledger: its database is there.")
        if is_empty(projector):
            begin_anew(projector)
            out.print("projector: begins at the ledger's beginning when the zone starts.")
        else:
            out.print("projector: its database is there.")
        if release_is_empty(release):
            told = replay_release(release, KeyRegister.of(zone.folder).proves("release"))
            out.print(f"release: {told.epochs} epochs, {told.decisions} decisions, as they were published.")
        else:
            out.print("release: its database is there.")
