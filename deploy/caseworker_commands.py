"""`zorgstroom caseworker ...`: one household, with a mandate. Each look is logged before anything is shown."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from deploy.commands_frame import EXIT_REFUSED, DataOption, out, plainly, zone_of
from producers.command_frame import Chosen, amount, say
from projections.subscribers import Card, CaseworkerSubscriber
from schemas.care import CARE_TYPE_BY_CODE, UNITS
from schemas.certificates import check_not_expired
from schemas.errors import Refused, SettingsWrong
from schemas.geography import gemeente_number
from schemas.values import Month, day_of

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


def _subscriber(data: Path | None, reader: str, handle: str | None) -> CaseworkerSubscriber:
    zone = zone_of(data)
    folder = zone.folder.path / "readers" / reader
    if not (folder / "cert.pem").exists():
        msg = f"{reader} has no certificate in this zone; the municipality admits caseworkers."
        raise SettingsWrong(msg)
    if handle is None:
        note = folder / "mandate.json"
        if not note.exists():
            msg = "Name the mandate with --handle; the municipality gave it to you."
            raise SettingsWrong(msg)
        handle = json.loads(note.read_text("utf-8"))["handle"]
    try:
        raw = bytes.fromhex(handle or "")
    except ValueError as wrong:
        msg = "A handle has 32 hexadecimal digits."
        raise SettingsWrong(msg) from wrong
    files = zone.reader_certificate(reader)
    check_not_expired(files.cert)
    municipality = gemeente_number(reader.split("-")[1][2:])
    return CaseworkerSubscriber(
        zone.kafka.client(files) | {"log_level": 0}, f"{reader}.show", municipality, raw, zone.vault(reader, files)
    )


@app.command()
@plainly
def show(reader: Reader, data: DataOption = None, handle: Handle = None) -> None:
    """Show the household's card as it is now."""
    subscriber = _subscriber(data, reader, handle)
    try:
        quiet = 0
        while quiet < 4:
            quiet = 0 if subscriber.poll(0.5) else quiet + 1
        card = subscriber.look()
    finally:
        subscriber.close()
    if card is None:
        out.print(
            say(
                "Onder dit mandaat is er geen kaart: het is ingetrokken of afgelopen, of er is nog niets geleverd.",
                "There is no card under this mandate: it was withdrawn, it has ended, or nothing was delivered yet.",
            )
        )
        raise typer.Exit(EXIT_REFUSED)
    _print(card)


@app.command()
@plainly
def watch(reader: Reader, data: DataOption = None, handle: Handle = None) -> None:
    """Show the card again each time it changes. Ctrl-C stops. Every look is logged."""
    subscriber = _subscriber(data, reader, handle)
    try:
        while True:
            if subscriber.poll(1.0):
                card = subscriber.look()
                if card is None:
                    out.print(
                        say("Het mandaat is ingetrokken of afgelopen.", "The mandate was withdrawn or has ended.")
                    )
                    return
                out.print(time.strftime("%H:%M:%S"))
                _print(card)
    except KeyboardInterrupt:
        out.print(say("Gestopt.", "Stopped."))
    except Refused as refused:
        out.print(refused.text(Chosen.lang), markup=False)
        raise typer.Exit(EXIT_REFUSED) from refused
    finally:
        subscriber.close()


def _volume(hundredths: int, unit: int) -> str:
    if hundredths <= 0:
        return "-"
    return amount(hundredths).rstrip("0").rstrip(".,") + (f" {UNITS[unit][Chosen.lang == 'en']}" if unit else "")


def _print(card: Card) -> None:
    fields: dict[str, Any] = card.fields
    known = day_of(fields["known_on"])
    month = Month.from_index(fields["epoch"])
    out.print(
        say(
            f"Huishoudkaart, versie {card.version}, zoals bekend op {known:%d-%m-%Y}; open maand {month}; {fields['members']} personen.",
            f"Household card, version {card.version}, as known on {known}; open month {month}; {fields['members']} person(s).",
        )
    )
    table = Table(box=None, pad_edge=False)
    heads = say(
        "Persoon|Geldstroom|Zorg|Aanbieder (AGB)|Geleverd|Toegewezen t/m nu|Maanden|Euro",
        "Person|Stream|Care|Provider (AGB)|Delivered|Granted so far|Months|Euros",
    ).split("|")
    for head in heads:
        table.add_column(head, justify="right" if head == heads[-1] else "left")
    for line in fields["lines"]:
        months = "-"
        if line["count"]:
            months = f"{Month.from_index(line['first_month'])} - {Month.from_index(line['last_month'])}"
        care = CARE_TYPE_BY_CODE[line["care_type"]]
        table.add_row(
            str(line["member"]), line["stream"], say(care.label, care.label_en), f"{line['provider']:08d}",
            _volume(line["volume"], line["unit"]), _volume(line["granted_volume"], line["unit"]), months, amount(line["cents"]),
        )  # fmt: skip
    table.add_row(
        "",
        "",
        "",
        "",
        "",
        "",
        say("Samen", "Total"),
        amount(sum(line["cents"] for line in fields["lines"])),
        style="bold",
    )
    out.print(table)
    out.print(
        say(
            "Diensten die iemand voor zich houdt staan niet op deze kaart.",
            "Services that a member keeps private are not on this card.",
        )
    )
