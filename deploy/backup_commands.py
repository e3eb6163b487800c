"""`zorgstroom operator backup ...`: sealed copies of the two databases that nothing else could give back, and putting them back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import psycopg
import typer
from rich.progress import Progress
from sqlalchemy import create_engine

from deploy import erasure_list
from deploy.awake import awake
from deploy.backup_keys import ROLES, backup_keys
from deploy.commands_frame import DataOption, YesOption, asked_passphrase, out, plainly, zone_of
from deploy.database_backup import Header, form_of, read_backup, write_backup
from deploy.log_commands import on_topic
from deploy.zone import Zone
from keyvault import tables
from keyvault.limits import EvaluationRules
from keyvault.restored import CaughtUp, catch_up, close_years_again, erase_again
from keyvault.rewrap import known_print, only_vault
from keyvault.wrapping import WrappingSource, chosen
from schemas.errors import Refused, SettingsWrong
from schemas.secret_file import read_secret
from schemas.secrets import ScalarKey
from streams import hop_store, intake_store, pseudonym_table
from streams.config import RoleConfig
from streams.restore import put_back

app = typer.Typer(
    no_args_is_help=True, help="Sealed copies of the keyvault's and intake's databases, and putting them back."
)
Role = Annotated[str, typer.Argument(help="keyvault or intake; everything else is replayed.")]


@app.command()
@plainly
def write(role: Role, file: Annotated[Path, typer.Argument(help="File to write.")], data: DataOption = None) -> None:
    """Write a sealed copy; the zone may run. It opens only with the role's own secrets, which are not in it: back those up apart."""
    zone, at = zone_of(data), dt.datetime.now(dt.UTC)
    months = backup_keys(zone)
    month = months.of_month(_named(role), at)
    first = not month.file.exists()
    with awake(zone), Progress(console=out, transient=True) as bar:
        dsn = _dsn(zone, role)
        task = bar.add_task(f"Copying {role}", total=None)
        header = write_backup(
            dsn,
            file,
            months.sealing(role, at, _secret(zone, role)),
            role=role,
            form=_form(role),
            keys=_KEYS[role](dsn),
            at=at,
            progress=lambda n: bar.update(task, advance=n),
        )
    out.print(
        f"{file}: {role}, {header.made_at}, {file.stat().st_size:,} bytes, for the keys {', '.join(sorted(header.keys.values()))}."
    )
    if first:
        out.print(
            f"Made: {month.key_id} of {role}; this month's backups open with it, until {month.last_day}. Keep it with the other secrets, never with the backups."
        )
    for gone in months.destroy_due(at.date()):
        out.print(
            f"Destroyed: {gone.key_id} of {gone.role}, whose last day was {gone.last_day}. Take it out of where the secrets are kept too."
        )


@app.command()
@plainly
def show(file: Annotated[Path, typer.Argument(help="Backup.")]) -> None:
    """What a backup says of itself without being opened."""
    header = Header.read(file)
    out.print(f"{header.role}, {header.made_at}, tables of form {header.form}")
    for use, key_id in sorted(header.keys.items()):
        out.print(f"  {use}: {key_id}", markup=False)


@app.command()
@plainly
def restore(
    role: Role,
    file: Annotated[Path, typer.Argument(help="Backup.")],
    data: DataOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check whether it could be put back, and change nothing.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Put a copy in the place of a role's database, while the zone stands still. A copy from before a turn of keys is refused."""
    zone, header = zone_of(data), Header.read(file)
    if header.role != role:
        raise Refused("part", f"This is a backup of {header.role}, not of {role}.")
    days = zone.copies_days()
    if dt.datetime.now(dt.UTC) - header.made > dt.timedelta(days=days):
        raise Refused(
            "expired",
            f"This backup is of {header.made_at[:10]}; receipts of erasures promise that no copy older than {days} days is opened "
            "(`backups_kept_days` in zone.json). Take a newer one, and destroy this one.",
        )
    if zone.vault_answers():
        raise Refused("unavailable", "The keyvault runs; stop the zone first (Ctrl-C where it runs).")
    with awake(zone, kafka=True):
        _check_keys(zone, role, header)
        if not dry_run and not yes:
            typer.confirm(f"Put the copy of {header.made_at} in the place of {role}'s database?", abort=True)
        told = _restored(zone, role, file, header, dry_run=dry_run)
    out.print(f"{told} {'It could be put back; nothing was changed.' if dry_run else 'Start the zone again.'}")


def _restored(zone: Zone, role: str, file: Path, header: Header, *, dry_run: bool) -> str:
    dsn, key = _dsn(zone, role), backup_keys(zone).opening(role, header.made, _secret(zone, role))
    with only_vault(dsn, wait_seconds=2) as c, c.transaction(force_rollback=dry_run):
        read_backup(c, file, key, form=_form(role))
        if role == "keyvault":
            per_day = EvaluationRules(zone.inhabitants(), zone.folder.settings().get("new_persons_a_day", 0.02)).per_day
            caught: CaughtUp = catch_up(c, on_topic(zone), today=dt.datetime.now(dt.UTC).date(), per_day=per_day)
            again = erase_again(c, erasure_list.settled(zone))
            close_years_again(c, erasure_list.closed_years(zone))
            return (
                f"{caught.lines} later lines of the access log came from its topic, {caught.withdrawals} withdrawals among them; "
                f"{again} keys of persons erased since were destroyed again."
            )
        again = 0
        for person in erasure_list.erased(zone):
            pseudonym_table.unlink(c, person)
            intake_store.forget(c, [person])
            again += 1
    if not dry_run:
        put_back(RoleConfig.load(zone.role_config("intake")), administrator=zone.kafka.admin() | {"log_level": 0})
    return f"Intake goes on where the copy was; of {again} persons who were erased nothing came back."


# --- of which keys a copy is --------------------------------------------------------------------------------------


def _named(role: str) -> str:
    if role not in ROLES:
        msg = "Name keyvault or intake; ledger and projector are replayed."
        raise SettingsWrong(msg)
    return role


def _dsn(zone: Zone, role: str) -> str:
    dsn = zone.postgres.create_role_database(_named(role))
    if role == "intake":
        with hop_store.prepared(dsn, intake_store.DDL):
            pass
    else:
        engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://", 1), hide_parameters=True)
        with engine.begin() as c:
            tables.prepare(c)
        engine.dispose()
    return dsn


def _form(role: str) -> str:
    return form_of(tables.STEPS if role == "keyvault" else intake_store.DDL)


def _secret(zone: Zone, role: str) -> bytes:
    """Of a role, from outside its database; with its month's key it closes a backup."""
    if role == "intake":
        return read_secret(zone.folder.secret_file("intake", "person-id"), "secret file")
    keys = [WrappingSource.of(s).key(asked_passphrase) for s in zone.folder.wrapping()]
    return chosen(keys, known_print(zone.postgres.create_role_database("keyvault"))).reveal()


def _rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as c:
        return c.execute(query.encode()).fetchall()


def _vault_keys(dsn: str) -> dict[str, str]:
    found = {
        f"{use} {state}": key_id
        for use, state, key_id in _rows(dsn, "SELECT use, state, key_id FROM named_keys WHERE length(wrapped) > 0")
    }
    wrapping = _rows(dsn, "SELECT print FROM vault_wrapping")
    officers = _rows(dsn, "SELECT key_id, max(epoch) FROM officer_committees GROUP BY key_id")
    found |= {f"committee of {key_id}": f"{key_id}/{epoch}" for key_id, epoch in officers}
    return found | ({"wrapping": bytes(wrapping[0][0]).hex()} if wrapping else {})


def _intake_keys(dsn: str) -> dict[str, str]:
    rows = _rows(dsn, "SELECT state, key_id, scalar_print FROM pseudonym_keys WHERE state <> 'gone'")
    return {f"voprf {state}": f"{key_id}/{bytes(print_).hex()}" for state, key_id, print_ in rows}


_KEYS: Final[dict[str, Callable[[str], dict[str, str]]]] = {"keyvault": _vault_keys, "intake": _intake_keys}


def _check_keys(zone: Zone, role: str, header: Header) -> None:
    """Refuse a copy of keys that are not those of today: what was destroyed since would come back, or what is today's be lost.

    Compared with the database that is to be replaced, where it has keys; with the other of the two; and with what the root signed last.
    """
    own, other = _KEYS[role](_dsn(zone, role)), _other_keys(zone, role)
    if own and own != header.keys:
        changed = sorted(use for use in {*own, *header.keys} if own.get(use) != header.keys.get(use))
        raise Refused(
            "part",
            f"This backup is of before a turn of keys ({', '.join(changed)}) and can't be put back; take a newer one.",
        )
    signed = zone.folder.settings().get("pseudonym_keys", [])
    pseudonyms = {use: k.partition("/")[0] for use, k in header.keys.items() if use.startswith("voprf")}
    used = {
        k for use, k in pseudonyms.items() if use != "voprf coming"
    }  # what intake only turned to then is no key it could go on with
    if (signed and signed[-1] not in pseudonyms.values()) or (other and other not in used):
        raise Refused(
            "part",
            "This backup is of before the last turn of the pseudonym key and can't be put back; take a newer one.",
        )
    scalar = header.keys.get("voprf in-use", "").partition("/")[2]
    if role == "intake" and scalar and scalar not in _scalars(zone):
        raise Refused(
            "part",
            "This backup is of before the last turn of intake's scalar and can't be put back; take a newer one.",
        )


def _scalars(zone: Zone) -> set[str]:
    """The prints of intake's scalars that are there."""
    files = [zone.folder.secret_file("intake", name) for name in ("scalar", "scalar-next")]
    return {pseudonym_table.scalar_print(ScalarKey(f.read_bytes())).hex() for f in files if f.exists()}


def _other_keys(zone: Zone, role: str) -> str:
    """The pseudonym key that the other of the two databases uses; empty where that has none."""
    if role == "keyvault":
        return _intake_keys(_dsn(zone, "intake")).get("voprf in-use", "").partition("/")[0]
    return _vault_keys(_dsn(zone, "keyvault")).get("voprf active", "")
