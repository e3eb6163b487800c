"""`zorgstroom provider receipts`, `log-heads` and `figures`: what came back from the zone."""

from __future__ import annotations

from typing import Annotated

import typer

from producers.command_frame import EXIT_REFUSED, Chosen, out, plainly, say
from producers.command_tables import show_doubts, show_per_file, show_receipts
from producers.profile import Profile
from producers.publisher import Publisher


@plainly
def receipts(last: Annotated[int, typer.Option("--last", help="Hoeveel.")] = 20) -> None:
    """Toon wat er met elke zending is gebeurd. / Show what became of each envelope."""
    with Publisher(Profile.load(Chosen.profile)) as publisher:
        if not publisher.link.caught_up(seconds=10):
            out.print(
                say(
                    "Kafka is niet bereikbaar; dit is wat al bekend was.",
                    "Kafka can't be reached; this is what was known.",
                )
            )
        show_receipts(publisher.receipts()[-last:])
        show_doubts(publisher.outbox.doubts()[-last:])
        waiting = publisher.outbox.waiting_count()
    out.print(say(f"Nog zonder ontvangstbewijs: {waiting}.", f"Still without receipt: {waiting}."))


@plainly
def log_heads() -> None:
    """Regels van het inzagelogboek die uw ontvangstbewijzen noemden, voor wie het logboek controleert. / Lines of the access log."""
    with Publisher(Profile.load(Chosen.profile)) as publisher:
        publisher.link.caught_up(seconds=10)
        heads = publisher.outbox.log_heads()
    for number, digest in heads:
        out.print(f"{number} {digest.hex()}", markup=False)
    numbers = [n for n, _ in heads]
    if len(set(numbers)) < len(numbers):
        out.print(
            say(
                "Onder één nummer zijn twee regels getoond: het logboek is vervalst. Meld dit aan wie er toezicht op houdt.",
                "Two lines were shown under one number: the log was forged. Tell whoever supervises it.",
            ),
            style="red",
        )
        raise typer.Exit(EXIT_REFUSED)


@plainly
def figures() -> None:
    """Uw eigen cijfers: wat is verwerkt, dubbel of geweigerd, per bestand. / Your own figures per file."""
    with Publisher(Profile.load(Chosen.profile)) as publisher:
        publisher.link.caught_up(seconds=10)
        show_per_file(publisher.receipts())
