"""`zorgstroom provider renew` and `begin-anew`: a further signing key, and what to do when one was revoked."""

from __future__ import annotations

from typing import Annotated

import typer

from producers import joining
from producers.command_frame import Chosen, out, plainly, say
from producers.outbox import Outbox
from producers.profile import Profile


@plainly
def renew() -> None:
    """Maak een nieuwe sleutel en een nieuw certificaat, en een aanvraag daarvoor. / Make a further key and a request file."""
    request = joining.renew(Chosen.profile)
    out.print(
        say(
            f"Stuur dit bestand naar de gemeente: {request}. Uw sleutel van nu heeft het getekend en blijft gelden.",
            f"Send this file to the municipality: {request}. Your key of today signed it, and stays good.",
        )
    )
    out.print(
        say(
            "Neem het antwoord in gebruik met `zorgstroom provider accept`, en bewaar dan een nieuwe kopie van signing.key.",
            "Take the answer in with `zorgstroom provider accept`, and then keep a new copy of signing.key.",
        )
    )


@plainly
def begin_anew(
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--proef", "--dry-run", help="Zeg wat vergeten zou worden. / Only say what would be forgotten."),
    ] = False,
    yes: Annotated[bool, typer.Option("--ja", "--yes", help="Niet vragen. / Do not ask.")] = False,
) -> None:
    """Na een ingetrokken sleutel: vergeet wat nog wacht en begin een nieuwe uitbak. / After a revoked key: begin a new outbox."""
    profile = Profile.load(Chosen.profile)
    outbox = Outbox(profile.folder / "outbox.sqlite")
    try:
        waiting = outbox.waiting_count()
        if dry_run:
            out.print(
                say(
                    f"{waiting} zendingen zonder ontvangstbewijs zouden vergeten worden. Er is niets gedaan.",
                    f"{waiting} envelopes without receipt would be forgotten. Nothing was done.",
                )
            )
            return
        if not yes:
            question = say(
                f"{waiting} zendingen zonder ontvangstbewijs vergeten? Verstuur daarna hun bestanden opnieuw; wat al bekend was telt niet dubbel.",
                f"Forget {waiting} envelopes without receipt? Publish their files again afterwards; what was known is not counted twice.",
            )
            typer.confirm(question, abort=True)
        outbox.begin_anew()
    finally:
        outbox.close()
    out.print(
        say(
            f"Vergeten: {waiting}. Verstuur de bestanden van deze maand opnieuw.",
            f"Forgotten: {waiting}. Publish this month's files again.",
        )
    )
