"""`zorgstroom caseworker ...`: one household, with a mandate. Each look is logged before anything is shown."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from deploy.card_view import newest, print_card, show_card, subscriber_of
from deploy.commands_frame import EXIT_REFUSED, DataOption, out, plainly
from producers.command_frame import Chosen, say
from schemas.errors import Refused

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
Reader = Annotated[str, typer.Argument(help="Name in the certificate, e.g. caseworker-gm9901-1.")]
Handle = Annotated[
    str | None,
    typer.Option("--handle", help="Handle of the mandate (32 hexadecimal digits), as the municipality gave it."),
]


@app.callback()
def options(lang: Annotated[str, typer.Option("--lang", help="nl or en.")] = "nl") -> None:
    """I help one household, with a mandate; Dutch by default."""
    if lang not in ("nl", "en"):
        raise typer.BadParameter("nl of en / nl or en")
    Chosen.lang = lang


@app.command()
@plainly
def show(reader: Reader, data: DataOption = None, handle: Handle = None) -> None:
    """Show the household's card as it is now."""
    if not show_card(subscriber_of(data, reader, handle)):
        raise typer.Exit(EXIT_REFUSED)


@app.command()
@plainly
def watch(
    reader: Reader,
    data: DataOption = None,
    handle: Handle = None,
    every: Annotated[int, typer.Option(min=5, help="Look again after so many seconds; every look is logged.")] = 60,
) -> None:
    """Look again and again, and show the card when it is another. Ctrl-C stops. Every look is logged.

    A record comes in every round whether or not it changed, so only a look tells.
    """
    subscriber = subscriber_of(data, reader, handle)
    shown: object = None
    try:
        while (card := newest(subscriber)) is not None:
            if (card.fields, card.private) != shown:
                shown = (card.fields, card.private)
                out.print(time.strftime("%H:%M:%S"))
                print_card(card)
            until = time.monotonic() + every
            while time.monotonic() < until and not subscriber.withdrawn:
                subscriber.poll(1.0)
        out.print(say("Het mandaat is ingetrokken of afgelopen.", "The mandate was withdrawn or has ended."))
    except KeyboardInterrupt:
        out.print(say("Gestopt.", "Stopped."))
    except Refused as refused:
        out.print(refused.text(Chosen.lang), markup=False)
        raise typer.Exit(EXIT_REFUSED) from refused
    finally:
        subscriber.close()
