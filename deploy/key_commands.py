"""`zorgstroom operator keys ...`: what keys there are, and how each turns."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from deploy.authority_command import authority
from deploy.awake import awake
from deploy.backup_keys import backup_keys
from deploy.commands_frame import DataOption, DryRunOption, YesOption, out, plainly, zone_of
from deploy.key_list import KeyLine, keys_of, open_days
from deploy.key_register import KINDS, KeyRecord, KeyRegister
from deploy.scraped import Scraped
from deploy.wrapping_command import wrapping
from deploy.zone import Zone
from keyvault import group
from schemas import topics
from schemas.errors import Refused, SettingsWrong
from schemas.secret_file import write_private

app = typer.Typer(no_args_is_help=True, help="What keys there are, and how each turns. Never shows a key's bytes.")
_INTAKE, _SCALAR, _NEXT = "intake", "scalar", "scalar-next"


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


app.command("wrapping")(wrapping)
app.command("authority")(authority)


@app.command()
@plainly
def root(
    number: Annotated[
        int, typer.Argument(min=1, max=3, help="Which of the three root keys is replaced, e.g. since it was lost.")
    ],
    data: DataOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Replace one of the network's three root keys; two of today's sign it, and all that the root signed is signed again.

    Senders and roles that were told of the root before follow by themselves. Requests of municipalities from before are asked again.
    """
    zone = zone_of(data)
    if dry_run:
        out.print(
            f"Root key {number} would be destroyed and a new one made; version {zone.roots.pinned.version + 1} of the root, and all that the root signed, would be signed anew. Nothing was done."
        )
        return
    zone.roots.at_hand()
    if not yes:
        typer.confirm(f"Replace root key {number}? The one of before is destroyed.", abort=True)
    with awake(zone, kafka=True):
        after, signed = zone.roots.replace(number)
        zone.publish_signed(signed)
        zone.roots.replaced(number)
    out.print(
        f"Version {after.version} of the root counts. Take root-{number}.key out of this machine, and start the zone again."
    )


@app.command("public-root")
@plainly
def public_root(
    target: Annotated[Path, typer.Option("--out", help="File to write (JSON).")], data: DataOption = None
) -> None:
    """Write the network's public root keys to a file: what anybody checks receipts and signed keys with."""
    roots = zone_of(data).roots.pinned
    target.write_text(json.dumps(roots.told(), indent=2) + "\n", "utf-8")
    out.print(f"Written: {target}, version {roots.version} of the root. It names public keys only; hand it out.")


@app.command("list")
@plainly
def show(data: DataOption = None) -> None:
    """Each key with its age, its state and when it should turn. Ends with code 1 where one is overdue."""
    zone, today = zone_of(data), _today()
    with awake(zone, kafka=True, vault=True):
        lines = keys_of(zone)
    out.print(f"{'key':<32} {'id':<26} {'state':<10} {'days old':>8}  turns")
    for line in lines:
        age = (today - line.made_on).days
        out.print(f"{line.what:<32} {line.key_id:<26} {line.state:<10} {age:>8}  {_when(line, today)}", markup=False)
    late = [line.what for line in lines if line.overdue(today)]
    if late:
        msg = f"Overdue: {', '.join(late)}."
        raise Refused("unavailable", msg)


def _when(line: KeyLine, today: dt.date) -> str:
    if line.due is None:
        return f"never: {line.why}" if line.why else ""
    said = f"destroyed on {line.due}" if line.state in ("opens", "proves") else str(line.due)
    return f"{said} (overdue)" if line.overdue(today) else said


@app.command()
@plainly
def new(
    name: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="identity (intake's) or content (the ledger's), which senders seal to; records (the projector's) or releases (release's), which sign.",
        ),
    ],
    data: DataOption = None,
    leaked: Annotated[
        bool,
        typer.Option("--leaked", help="Of a key that signs: those before count no more for what comes from now on."),
    ] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Make a further key and have the root sign it. Whoever needs it learns it; the one before opens, or proves what it signed."""
    zone = zone_of(data)
    if name not in KINDS:
        msg = f"Name one of {', '.join(KINDS)}."
        raise SettingsWrong(msg)
    role, use = KINDS[name]
    if leaked and use != "signing":
        msg = "Only a key that signs can be revoked at once. What was sealed to this one opens with it; make a new one, and destroy it as soon as you can do without."
        raise SettingsWrong(msg)
    register = KeyRegister.of(zone.folder)
    if dry_run:
        after = "revoked" if leaked else "superseded"
        out.print(f"A key {name} of {role} would be made, and {register.current(role, use).key_id} {after}.")
        return
    zone.roots.at_hand()
    if leaked and not yes:
        typer.confirm(f"Does nothing count any more that {role} signs with the keys before?", abort=True)
    with awake(zone, kafka=True):
        made = register.new(role, use, _today())
        revoked = register.revoke(role, dt.datetime.now(dt.UTC)) if leaked else []
        zone.publish_directory([r.entry() for r in reversed(register.records)])  # a new one before an old one ends
    _tell_of(zone, made, revoked)


def _tell_of(zone: Zone, made: KeyRecord, revoked: list[KeyRecord]) -> None:
    if made.use == "signing":
        out.print(f"Made and signed: {made.key_id}. {made.role} signs with it within a minute.")
        after = "counts as before" if not revoked else "counts only if Kafka took it in before a minute from now"
        out.print(
            f"What it signed until then {after}. From tomorrow on `zorgstroom operator keys destroy` ends the key before."
        )
        return
    out.print(
        f"Made and signed: {made.key_id}. {made.role} finds it by itself; senders seal to it from their next connection on."
    )
    out.print(
        f"The one before opens {open_days(zone.folder.settings())} more days; then `zorgstroom operator keys destroy`."
    )


@app.command()
@plainly
def destroy(data: DataOption = None, dry_run: DryRunOption = False, yes: YesOption = False) -> None:
    """Destroy keys that only opened what is old, or signed before, or closed backups, once their days have passed. What was sealed to them can't be read any more."""
    zone, today = zone_of(data), _today()
    register = KeyRegister.of(zone.folder)
    due = register.due(today, grace_days=open_days(zone.folder.settings()))
    months = backup_keys(zone).due(today)
    for record in due:
        out.print(f"{record.key_id}: {record.role} {record.use}, superseded on {record.superseded_on}")
    for month in months:
        out.print(f"{month.key_id}: {month.role}'s backups of {month.month}, last day {month.last_day}")
    if not due and not months:
        out.print("No key is due.")
    if dry_run:
        return
    if due:
        zone.roots.at_hand()
    if (due or months) and not yes:
        sealing = any(r.use != "signing" for r in due)
        shut = " Old parts of delivered.v1 and rekeyed.v1 stay shut for ever." if sealing else ""
        closed = " Backups of those months stay shut for ever." if months else ""
        typer.confirm(f"Destroy {len(due) + len(months)} of them?{shut}{closed}", abort=True)
    for month in backup_keys(zone).destroy(months):
        out.print(f"Destroyed: {month.key_id} of {month.role}. Take it out of where the secrets are kept too.")
    with awake(zone, kafka=True):
        gone = register.destroy(due, today)
        zone.publish_directory([r.entry() for r in register.records])  # those of a time that was broken off too
    if gone:
        out.print(
            f"Destroyed: {', '.join(r.key_id for r in gone)}. The roles forget them within a minute. Take them out of backups too."
        )


@app.command()
@plainly
def section(data: DataOption = None, dry_run: DryRunOption = False, yes: YesOption = False) -> None:
    """Turn the key that household records are sealed to. The one before is destroyed once every live record is made anew."""
    zone = zone_of(data)
    if dry_run:
        out.print(
            "A further section key would be made, and the one before destroyed once every live record is made anew. Nothing was done."
        )
        return
    if not yes:
        typer.confirm(
            "Turn the section key? The one of now is destroyed once every live record is made anew.", abort=True
        )
    with awake(zone, kafka=True, vault=True):
        vault = zone.vault(topics.OPERATOR)
        try:
            made = vault.turn_section_key()
        finally:
            vault.close()
    out.print(
        f"Made: {made}. The projector seals to it from its next round on; the vault destroys the old one after that round."
    )


@app.command()
@plainly
def certificates(
    data: DataOption = None,
    days: Annotated[int, typer.Option("--within", min=0, help="Renew those that end within so many days.")] = 60,
    dry_run: DryRunOption = False,
) -> None:
    """Make new certificates for roles and readers on this machine whose own end soon. Roles use theirs from their next start on."""
    zone = zone_of(data)
    due = zone.authority.ending(zone.folder.path, within=dt.timedelta(days=days))
    for files in due:
        if not dry_run:
            zone.authority.renew(files)
        out.print(f"{files.name}: {files.cert}")
    out.print(
        "Start the zone again, so that they are used." if due and not dry_run else f"{len(due)} end within {days} days."
    )


@app.command()
@plainly
def scalar(data: DataOption = None, yes: YesOption = False, dry_run: DryRunOption = False) -> None:
    """Turn intake's own scalar: typed once it makes the next one, typed again after intake's restart it ends the old one.

    The keyvault has no part in it and no BSN is sent; every person stays who it is.
    """
    zone = zone_of(data)
    current, coming = (zone.folder.secret_file(_INTAKE, name) for name in (_SCALAR, _NEXT))
    if dry_run:
        done = "the old one would be destroyed" if coming.exists() else "the next one would be made"
        out.print(f"Intake's scalar: {done}. Nothing was done.")
        return
    if not coming.exists():
        write_private(coming, group.random_scalar().reveal())
        out.print(
            f"Made: {coming}. Start intake again (the zone); it turns its table by itself. Then type this once more."
        )
        return
    _check_turned(zone)
    if not yes:
        typer.confirm("The table is on the next scalar. Destroy the old one now?", abort=True)
    coming.replace(current)
    out.print(f"The old scalar is gone; {current} is the one in use. Put it into intake's backup.")


def _check_turned(zone: Zone) -> None:
    told = Scraped.of(zone.metrics_url(_INTAKE))
    if not told.one("zorgstroom_pseudonym_next_scalar_in_use"):
        done, total = told.one("zorgstroom_pseudonym_turned"), told.one("zorgstroom_pseudonym_elements")
        msg = f"Intake's table is not on the next scalar yet: {done:.0f} of {total:.0f} elements are turned. If intake did not start again since, start it."
        raise Refused("unavailable", msg)
