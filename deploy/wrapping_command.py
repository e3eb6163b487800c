"""`zorgstroom operator keys wrapping`: the key that all in the keyvault lies under turns, while the keyvault stands still."""

from __future__ import annotations

import datetime as dt
import os
from typing import Annotated, Any

import typer
from rich.progress import Progress

from deploy.awake import awake
from deploy.commands_frame import DataOption, DryRunOption, YesOption, asked_passphrase, out, plainly, zone_of
from deploy.zone import Zone
from keyvault.rewrap import known_print, rewrap
from keyvault.wrapping import SALT_BYTES, WrappingSource, wrapping_print
from schemas.errors import Refused
from schemas.secret_file import destroy_file, write_private
from schemas.secrets import WrappingKey


@plainly
def wrapping(
    data: DataOption = None,
    passphrase: Annotated[
        bool,
        typer.Option(
            "--passphrase", help="Make the next one from a passphrase; without it, a file of 32 random bytes."
        ),
    ] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Turn the key that all in the keyvault lies under; the zone stands still meanwhile. Broken off, type it again.

    With a passphrase nothing on this machine opens the keyvault's database: it is asked for when the zone starts.
    """
    zone = zone_of(data)
    if zone.vault_answers():
        raise Refused("unavailable", "The keyvault runs; stop the zone first (Ctrl-C where it runs).")
    begun = zone.folder.settings().get("wrapping_next")
    if dry_run:
        what = "What was broken off would be finished" if begun else "All in the keyvault would be wrapped anew"
        out.print(f"{what}, and today's wrapping key destroyed. Nothing was done.")
        return
    if not yes:
        typer.confirm(
            "Turn the wrapping key? Today's is destroyed, and with it copies of the keyvault's database from before stay shut.",
            abort=True,
        )
    coming = begun or _begun(zone, from_passphrase=passphrase)
    with awake(zone):
        dsn = zone.postgres.create_role_database("keyvault")
        new = _key(zone, coming, "Passphrase for the next wrapping key", confirm=True)
        if known_print(dsn) == wrapping_print(new):
            out.print("The keys lie under the next wrapping key already.")
        else:
            old = _key(
                zone,
                zone.folder.settings().get("wrapping", {"secret": "wrapping"}),
                "Passphrase of today's wrapping key",
            )
            with Progress(console=out, transient=True) as bar:
                task = bar.add_task("Wrapping anew", total=None)
                done = rewrap(
                    dsn,
                    old,
                    new,
                    today=dt.datetime.now(dt.UTC).date(),
                    progress=lambda n, of: bar.update(task, completed=n, total=of),
                )
            out.print(f"{done} keys are wrapped anew.")
    _finish(zone, coming)
    out.print(
        "The wrapping key of before is gone. Copies of the database from before open only with it: make a new backup now."
    )


def _begun(zone: Zone, *, from_passphrase: bool) -> dict[str, str]:
    if from_passphrase:
        coming = {"salt": os.urandom(SALT_BYTES).hex()}
    else:
        name = f"wrapping.{dt.datetime.now(dt.UTC):%Y%m%d}-{os.urandom(3).hex()}"
        write_private(zone.folder.secret_file("keyvault", name), os.urandom(32))
        coming = {"secret": name}
    zone.folder.save_settings(zone.folder.settings() | {"wrapping_next": coming})
    return coming


def _key(zone: Zone, named: dict[str, str], question: str, *, confirm: bool = False) -> WrappingKey:
    if "salt" in named:
        return WrappingSource(salt=bytes.fromhex(named["salt"])).key(
            lambda: asked_passphrase(question, confirm=confirm)
        )
    return WrappingSource(file=zone.folder.secret_file("keyvault", named["secret"])).key(bytes)


def _finish(zone: Zone, coming: dict[str, str]) -> None:
    """The next key is today's, and every other one is destroyed: of before, and of turns that were broken off."""
    settings: dict[str, Any] = zone.folder.settings()
    zone.folder.save_settings({k: v for k, v in settings.items() if k != "wrapping_next"} | {"wrapping": coming})
    for file in sorted((zone.folder.role("keyvault") / "secrets").glob("wrapping*.key")):
        if file.name.removesuffix(".key") != coming.get("secret"):
            destroy_file(file)
