"""`zorgstroom provider ...`: join, check, publish, receipts. Dutch unless asked otherwise; never a stack trace.

Exit codes: 0 all is well, 1 something was refused, 2 a setting or file name is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from producers import joining, watch
from producers.checks import check
from producers.command_context import context_of
from producers.command_frame import EXIT_REFUSED, Chosen, amount, err, interactive, out, plainly, say
from producers.command_tables import show_receipts, show_requests
from producers.deliveries import MonthClosed, Reading
from producers.findings import Severity
from producers.outbox import Outbox, Receipt
from producers.profile import Profile
from producers.publisher import Publisher
from producers.receipt_commands import figures, log_heads, receipts
from producers.renewal_commands import begin_anew, renew
from producers.replacements import replacements
from producers.requests import read_requests
from producers.spreadsheet_references import complete_references
from producers.spreadsheet_template import write_template
from schemas import codes
from schemas.care import Stream
from schemas.errors import SettingsWrong
from schemas.geography import gemeente_number
from schemas.values import Month, SenderId

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
PayerOption = Annotated[
    str | None, typer.Option("--gemeente", help="Gemeente die betaalt wat een spreadsheet noemt, bv. GM9901.")
]
File = Annotated[Path, typer.Argument(help="323-, 301- of 325-bericht (XML), of een ingevuld sjabloon (xlsx, csv).")]


@app.callback()
def options(
    profile: Annotated[
        Path | None, typer.Option("--profile", envvar="ZORGSTROOM_PROFILE", help="Map met sleutels en uitbak.")
    ] = None,
    lang: Annotated[str, typer.Option("--lang", help="nl of en.")] = "nl",
) -> None:
    """I deliver care: check files, publish them, read receipts."""
    if lang not in ("nl", "en"):
        raise typer.BadParameter("nl of en / nl or en")
    Chosen.lang = lang
    if profile is not None:
        Chosen.profile = profile


@app.command()
@plainly
def template(
    file: Annotated[Path, typer.Argument(help="Naam van het nieuwe bestand.")] = Path("leveringen.xlsx"),
) -> None:
    """Schrijf een leeg sjabloon voor geldstromen zonder standaard. / Write the empty spreadsheet template."""
    write_template(file)
    out.print(say(f"Geschreven: {file}. Lees eerst het blad Uitleg.", f"Written: {file}. Read the sheet Uitleg first."))


@app.command()
@plainly
def join(
    agb: Annotated[str, typer.Argument(help="AGB-code, 8 cijfers.")],
    name: Annotated[str, typer.Argument(help="Naam van de aanbieder.")],
) -> None:
    """Maak sleutels en een aanvraag voor de gemeente. / Make keys and a request file."""
    try:
        sender = SenderId(f"p{agb}")
    except ValueError as wrong:
        raise SettingsWrong(say("Een AGB-code heeft 8 cijfers.", "An AGB code has 8 digits.")) from wrong
    request = joining.join(Chosen.profile, sender=sender, name=name)
    out.print(say(f"Stuur dit bestand naar de gemeente: {request}", f"Send this file to the municipality: {request}"))
    out.print(
        say("Vergelijk per telefoon deze cijfers: ", "Compare these digits by telephone: ")
        + joining.fingerprint(request.read_bytes())
    )
    out.print(
        say(
            f"Bewaar een kopie van signing.key en handle.key uit {Chosen.profile} op een veilige plek.",
            f"Keep a copy of signing.key and handle.key of {Chosen.profile} in a safe place.",
        )
    )


@app.command()
@plainly
def accept(file: Annotated[Path, typer.Argument(help="Toelatingsbestand van de gemeente.")]) -> None:
    """Neem de toelating van de gemeente in gebruik. / Take in the admission file."""
    try:
        data = file.read_bytes()
    except OSError as absent:
        raise SettingsWrong(say(f"{file} kan niet worden gelezen.", f"{file} can't be read.")) from absent
    joining.accept(Chosen.profile, data)
    out.print(
        say("Toegelaten. Vergelijk per telefoon: ", "Admitted. Compare by telephone: ") + joining.fingerprint(data)
    )


def _show(reading: Reading) -> None:
    for finding in reading.findings:
        style = "yellow" if finding.severity is Severity.NOTE else "red"
        err.print(finding.text(lang=Chosen.lang), style=style, markup=False)
    count, euros = len(reading.items), amount(reading.total_cents.value)
    out.print(
        say(
            f"{reading.source}: {count} regels kunnen worden verstuurd, samen {euros} euro.",
            f"{reading.source}: {count} lines can be sent, {euros} euro together.",
        ),
        markup=False,
    )


@app.command("check")
@plainly
def check_file(file: File, payer: PayerOption = None) -> None:
    """Controleer een bestand; er wordt niets verstuurd. / Check a file; nothing is sent."""
    reading = check(file, context_of(Profile.load(Chosen.profile), payer))
    _show(reading)
    if reading.has_refusals:
        raise typer.Exit(EXIT_REFUSED)


@app.command()
@plainly
def publish(
    files: Annotated[list[Path], typer.Argument(help="Een of meer bestanden; met --replaces: OUD en NIEUW.")],
    payer: PayerOption = None,
    accept_rest: Annotated[
        bool, typer.Option("--accept-rest", "--yes", help="Verstuur wat goed is, ook als er regels zijn geweigerd.")
    ] = False,
    replaces: Annotated[
        bool, typer.Option("--replaces", help="Vergelijk OUD en NIEUW en verstuur alleen het verschil.")
    ] = False,
    wait_seconds: Annotated[
        float, typer.Option("--wait", help="Hoe lang op ontvangstbewijzen wachten, in seconden.")
    ] = 60,
) -> None:
    """Controleer en verstuur bestanden. / Check and publish files."""
    profile = Profile.load(Chosen.profile)
    readings = [check(f, context_of(profile, payer)) for f in files]
    if replaces:
        if len(readings) != 2:
            raise SettingsWrong(
                say("Noem met --replaces twee bestanden: OUD en NIEUW.", "With --replaces name two files: OLD and NEW.")
            )
        old, new = readings
        if old.refused_whole:
            _show(old)
            raise typer.Exit(EXIT_REFUSED)
        readings, files = [replacements(old, new, used=_withdrawn(profile))], files[1:]
    for reading in readings:
        _show(reading)
    if any(reading.refused_whole for reading in readings):
        out.print(say("Er is niets verstuurd.", "Nothing was sent."))
        raise typer.Exit(EXIT_REFUSED)
    refused = any(reading.has_refusals for reading in readings)
    if (
        refused
        and not accept_rest
        and not (interactive() and typer.confirm(say("De rest versturen?", "Send the rest?")))
    ):
        out.print(
            say(
                "Er is niets verstuurd. Verbeter het bestand, of gebruik --accept-rest.",
                "Nothing was sent. Correct the file, or use --accept-rest.",
            )
        )
        raise typer.Exit(EXIT_REFUSED)
    receipts = _send(profile, list(zip(files, readings, strict=True)), wait_seconds)
    if refused or any(r.refused or r.code != codes.ACCEPTED for r in receipts):
        raise typer.Exit(EXIT_REFUSED)


def _withdrawn(profile: Profile) -> list[tuple[Stream, str]]:
    """References taken out before, of whichever law: the outbox does not keep which."""
    outbox = Outbox(profile.folder / "outbox.sqlite")
    try:
        return [(stream, reference) for reference in outbox.withdrawn_references() for stream in Stream]
    finally:
        outbox.close()


def _send(profile: Profile, readings: list[tuple[Path, Reading]], wait_seconds: float) -> list[Receipt]:
    got: list[Receipt] = []
    with Publisher(profile, told=got.append) as publisher:
        for path, reading in readings:
            publisher.publish_items(reading.items, file=path.name, lines=reading.lines)
            copy = complete_references(path, reading)
            if copy is not None:
                out.print(
                    say(
                        f"Referenties staan in {copy}; bewaar dat bestand.",
                        f"References are in {copy}; keep that file.",
                    )
                )
        with out.status(say("Wachten op ontvangstbewijzen ...", "Waiting for receipts ...")):
            done = publisher.wait(seconds=wait_seconds)
        state = publisher.state()
    show_receipts(got)
    if not done:
        reason = state["waiting_for"] or say("de zone", "the zone")
        out.print(
            say(
                f"Nog {state['waiting']} zendingen wachten op {reason}; ze staan veilig in de uitbak en gaan later vanzelf mee.",
                f"{state['waiting']} envelopes still wait for {reason}; they are safe in the outbox and go along later.",
            )
        )
    return got


@app.command()
@plainly
def month(
    month_text: Annotated[str, typer.Argument(metavar="JJJJ-MM", help="De maand.")],
    stream: Annotated[str, typer.Argument(help="Geldstroom: wmo, jeugdwet, participatiewet, zvw of wlz.")],
    payer: PayerOption = None,
    nothing: Annotated[bool, typer.Option("--nothing-delivered", help="Er is deze maand niets geleverd.")] = False,
) -> None:
    """Meld dat een maand compleet is. / Say that a month is complete."""
    profile = Profile.load(Chosen.profile)
    try:
        closed_month, money = Month.parse(month_text), Stream(stream)
    except ValueError as wrong:
        raise SettingsWrong(
            say(
                "Een maand is JJJJ-MM; een geldstroom wmo, jeugdwet, participatiewet, zvw of wlz.",
                "A month is YYYY-MM; a stream wmo, jeugdwet, participatiewet, zvw or wlz.",
            )
        ) from wrong
    payers = [gemeente_number(payer)] if payer else list(profile.municipalities)
    with Publisher(profile) as publisher:
        publisher.close_months([MonthClosed(p, money, closed_month, nothing) for p in payers])
        publisher.wait(seconds=30)
    out.print(say(f"{month_text} {stream}: gemeld.", f"{month_text} {stream}: said."))


@app.command("requests")
@plainly
def show_asked() -> None:
    """Wat gemeenten u vragen, en wat daarvan nog te melden is. / What municipalities ask of you, and what is still to be said."""
    profile = Profile.load(Chosen.profile)
    show_requests(read_requests(profile), profile.sender, said=_months_said(profile))


def _months_said(profile: Profile) -> set[tuple[int, str, int]]:
    outbox = Outbox(profile.folder / "outbox.sqlite")
    try:
        return outbox.months_said()
    finally:
        outbox.close()


for _name, _command in (
    ("receipts", receipts), ("log-heads", log_heads), ("figures", figures), ("renew", renew), ("begin-anew", begin_anew),
):  # fmt: skip
    app.command(_name)(_command)


@app.command("watch")
@plainly
def watch_folder(
    folder: Annotated[Path, typer.Argument(help="Map waarin bestanden worden neergezet.")], payer: PayerOption = None
) -> None:
    """Houd een map in de gaten en verstuur wat er komt. / Watch a folder and publish what comes. Ctrl-C stops."""
    profile = Profile.load(Chosen.profile)
    if not folder.is_dir():
        raise SettingsWrong(say(f"De map {folder} is er niet.", f"The folder {folder} is not there."))
    out.print(say(f"{folder} wordt in de gaten gehouden; Ctrl-C stopt.", f"Watching {folder}; Ctrl-C stops."))
    with Publisher(profile) as publisher:
        while True:
            for result in watch.sweep(folder, publisher, context_of(profile, payer), lang=Chosen.lang):
                out.print(result)
            watch.pause()
