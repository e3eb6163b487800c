"""`zorgstroom operator keys authority`: the certificate authority turns, a step each time it is typed."""

from __future__ import annotations

import typer

from deploy.authority_turn import Stage, go_over, let_go, stage, trust_both, unsigned
from deploy.commands_frame import DataOption, DryRunOption, YesOption, out, plainly, zone_of


@plainly
def authority(
    data: DataOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Turn the certificate authority, in three times: both are trusted; the next one signs; the one before is let go. Start the zone again after each.

    Members on other machines renew (`provider renew`) or are given their files again between the second and the third time.
    """
    zone = zone_of(data)
    ours, path = zone.authority, zone.folder.path
    at, left = stage(ours, path), len(unsigned(ours, path))
    step = 1 if at is Stage.REST else 2 if at is Stage.BOTH_TRUSTED or left else 3
    if dry_run:
        what = {
            1: "the next authority would be made, and both trusted",
            2: f"the key of the authority of now would be destroyed, and {left} certificates signed by the next one",
            3: "the one before would be trusted no more",
        }
        out.print(f"Step {step} of 3: {what[step]}. Nothing was done.")
        return
    if step > 1 and not yes:
        asked = (
            "The key of the authority of now is destroyed."
            if step == 2
            else "Who has a certificate of the one before can't connect then."
        )
        typer.confirm(f"Step {step} of 3: is the zone started again since step {step - 1}? {asked}", abort=True)
    if step == 1:
        told = trust_both(ours, path)
        out.print(f"Made: the next authority. {told} on this machine trust both from their next start on.")
        out.print("Start the zone again, then type this a second time. Admission files name both from now on.")
    elif step == 2:
        done = go_over(ours, path)
        out.print(
            f"The next authority signs, the key of the one before is destroyed; signed anew: {done} certificates."
        )
        out.print("Start the zone again. When members on other machines have new certificates, type this a third time.")
    else:
        told = let_go(ours, path)
        out.print(f"Let go. {told} on this machine trust the new one only, from their next start on.")
