"""`zorgstroom municipality admit-grantor` and `revoke-grantor`: who signs mandates and decisions on erasure, with which key, until when."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

import typer

from deploy.admission import admit_grantor as admit_who_grants
from deploy.admission import revoke_grantor as revoke_who_granted
from deploy.awake import awake
from deploy.commands_frame import DataOption, DryRunOption, YesOption, out, plainly, zone_of
from deploy.people_keys import PeopleKeys
from schemas.errors import SettingsWrong

Name = Annotated[str, typer.Argument(help="e.g. grantor-gm9901-anne")]


@plainly
def admit_grantor(
    name: Name,
    data: DataOption = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="Make a further key and sign with it from now on; the one before is destroyed.")
    ] = False,
) -> None:  # fmt: skip
    """Make the key of someone who gives mandates, and have the network's root sign it. Never the one who looks."""
    zone = zone_of(data)
    found = re.fullmatch(r"grantor-(gm\d{4})-[a-z0-9-]{1,40}", name)
    if found is None or int(found[1][2:]) not in zone.folder.settings()["municipalities"]:
        msg = "A grantor is called grantor-gm9901-NAME, of a municipality of this zone."
        raise SettingsWrong(msg)
    if renew:
        zone.roots.at_hand()
    with awake(zone, kafka=True):
        grantor = admit_who_grants(zone, name, renew=renew)
    out.print(f"{name}: {grantor.folder}, key {grantor.key_id}")
    if renew:
        out.print(
            "What the key before signed goes on counting until it is revoked: `zorgstroom municipality revoke-grantor`."
        )


@plainly
def revoke_grantor(
    name: Name,
    key_id: Annotated[
        str | None, typer.Argument(help="Id of the key; without it every key of the grantor's, e.g. of one who leaves.")
    ] = None,
    data: DataOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Revoke a grantor's key: no mandate and no decision signed with it is taken from now on. Mandates that were taken stand."""
    zone = zone_of(data)
    meant = [k for k in PeopleKeys(zone.folder).of(name) if k.state != "revoked" and key_id in (None, k.key_id)]
    named = ", ".join(k.key_id for k in meant)
    if dry_run:
        out.print(f"Would be revoked: {named or 'nothing'}. Nothing was done.", markup=False)
        return
    if meant:
        zone.roots.at_hand()
        if not yes:
            typer.confirm(
                f"Revoke {named} of {name}? Decisions that wait for a second signature and standing decisions signed with it count no more.",
                abort=True,
            )
    with awake(zone, kafka=True):
        gone = revoke_who_granted(zone, name, key_id, now=dt.datetime.now(dt.UTC))
    out.print(f"Revoked: {', '.join(gone)}. Ledger, intake and keyvault hear it at once.", markup=False)
    out.print(f"A further key: `zorgstroom municipality admit-grantor {name} --renew`. Mandates it gave stand until they are withdrawn.")  # fmt: skip
