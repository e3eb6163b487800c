"""`zorgstroom operator officers ...`: admit officers, begin the making or handing on of their joint key, have the root sign it.

What an officer does is `zorgstroom officer`; an operator never holds a share.
"""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.awake import awake
from deploy.commands_frame import DataOption, DryRunOption, YesOption, out, plainly, zone_of
from deploy.officer_admission import (
    admit_officer,
    let_go,
    officer_folder,
    officers_client,
    planned,
    sign_joint_key,
)
from keyvault.officers.ceremony import MAKE
from keyvault.officers.folder import OfficerFolder
from schemas.errors import Refused
from schemas.values import day_of

app = typer.Typer(
    no_args_is_help=True, help="Officers who may name a person, two together: admit them, their joint key, who left."
)
Name = Annotated[str, typer.Argument(help="Small letters, digits and hyphens, e.g. dora.")]


@app.command()
@plainly
def admit(name: Name, data: DataOption = None) -> None:
    """Admit an officer: a certificate and keys in a folder of its own, to be given to the officer and taken out of this machine."""
    zone = zone_of(data)
    zone.roots.at_hand()
    with awake(zone, kafka=True):
        made = admit_officer(zone, name)
    out.print(f"{made.name}: {made.path}")
    out.print(
        "Give this folder to the officer, and take it out of this machine. The officer types `zorgstroom officer`."
    )


@app.command()
@plainly
def leave(
    name: Name,
    data: DataOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Let an officer go: the keyvault takes nothing of him or her any more, at once. Then hand the joint key on to the others."""
    zone = zone_of(data)
    if dry_run:
        known = OfficerFolder.load(officer_folder(zone, name)).name
        out.print(f"{known} would count no more, from now on and for good. Nothing was done.")
        return
    zone.roots.at_hand()
    if not yes:
        typer.confirm(f"Let officer {name} go? This can't be undone; a new name is needed to come back.", abort=True)
    with awake(zone, kafka=True):
        let_go(zone, name)
    out.print(
        f"officer-{name} counts no more. Hand the joint key on without him or her: `zorgstroom operator officers begin --of ...`."
    )


@app.command()
@plainly
def begin(
    of: Annotated[str, typer.Option("--of", help="The committee to come: names with commas, e.g. dora,eli,fay.")],
    by: Annotated[
        str | None,
        typer.Option(
            "--by", help="Two of the committee in force who hand the joint key on; without it the first two who stay."
        ),
    ] = None,
    new_key: Annotated[
        bool,
        typer.Option(
            "--new-key", help="A further joint key, though there is one: what was sealed stays under its own."
        ),
    ] = False,
    data: DataOption = None,
) -> None:
    """Begin a ceremony: the first makes a joint key, a later one hands it on with new shares. Each officer takes part three times."""
    zone = zone_of(data)
    with awake(zone, kafka=True, vault=True):
        client = officers_client(zone)
        try:
            ceremony = planned(client.told(), of.split(","), by.split(",") if by else None, new_key=new_key)
            client.begin(ceremony)
        finally:
            client.close()
    what = "makes a new joint key" if ceremony.kind == MAKE else f"hands {ceremony.key_id} on (epoch {ceremony.epoch})"
    out.print(f"Begun: {', '.join(ceremony.roster)} {what}; {', '.join(ceremony.dealers)} deal.")
    out.print(
        "Each of them types `zorgstroom officer step` now, and again after the others, until nothing is left to do."
    )
    if ceremony.kind == MAKE:
        out.print("Then the root signs the key: `zorgstroom operator officers sign`.")


@app.command()
@plainly
def sign(data: DataOption = None) -> None:
    """Have the root sign the joint key that officers made: from then on intake seals each new person's BSN to it."""
    zone = zone_of(data)
    with awake(zone, kafka=True, vault=True):
        client = officers_client(zone)
        try:
            committee = client.told().in_force()
        finally:
            client.close()
        if committee is None:
            raise Refused(
                "officers", "No joint key was made yet: not all officers have taken part in all three rounds."
            )
        sign_joint_key(zone, committee)
    out.print(f"Signed: {committee.key_id}. Intake seals to it from now on.")


@app.command("list")
@plainly
def show(data: DataOption = None) -> None:
    """Committees with their joint keys, what goes on now, and whose old share is not destroyed yet."""
    zone = zone_of(data)
    with awake(zone, kafka=True, vault=True):
        client = officers_client(zone)
        try:
            told = client.told()
        finally:
            client.close()
    for c in told.committees:
        newest = told.in_force(c.key_id)
        state = "in force" if newest is not None and newest.epoch == c.epoch else "handed on"
        out.print(f"{c.key_id} epoch {c.epoch}, {day_of(c.made_on)}, {state}", markup=False)
        for m in c.members:
            share = "" if state == "in force" else ": share destroyed" if m.left else ": share NOT destroyed yet"
            out.print(f"  {m.number} {m.officer}{share}", markup=False)
    if told.ceremony is not None:
        out.print(
            f"A ceremony is open, of {', '.join(told.ceremony.roster)}; {len(told.messages)} of its messages are there."
        )
    elif told.given_up:
        out.print(f"The last ceremony was given up: {told.given_up}. Begin another one.")
    elif not told.committees:
        out.print("No officers have a joint key yet: admit three, and begin.")
