"""`zorgstroom municipality ...`: ask, admit, give and withdraw mandates, read figures. A municipality reads only its own topics."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from deploy.admission import admit as admit_sender
from deploy.admission import admit_reader, sender_folder
from deploy.awake import awake
from deploy.commands_frame import EXIT_REFUSED, DataOption, out, plainly, zone_of
from deploy.municipality_figures import released_epoch, show
from deploy.zone import Zone
from producers.joining import fingerprint
from producers.municipal_mandates import publish_mandate, withdraw_mandate
from producers.profile import Profile, write_private
from producers.publisher import Publisher
from producers.requests import publish_requests
from producers.residence_files import read_links, read_residences
from schemas.care import Stream
from schemas.codes import ACCEPTED
from schemas.errors import SettingsWrong, Unavailable
from schemas.geography import gemeente_number
from schemas.requests import DataRequest
from schemas.values import MandateHandle, Month, SenderId, day_number

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
mandate_app = typer.Typer(no_args_is_help=True, help="Give or withdraw a caseworker's mandate for one household.")
app.add_typer(mandate_app, name="mandate")
Gemeente = Annotated[str, typer.Argument(help="GM and four digits.")]


@app.callback()
def _municipality() -> None:
    """I make policy."""


def _number(gemeente: str) -> int:
    try:
        return gemeente_number(gemeente.upper())
    except ValueError as wrong:
        msg = "A municipality is GM and four digits, e.g. GM9901."
        raise SettingsWrong(msg) from wrong


def _sender_folder(zone: Zone, gemeente: str) -> Path:
    return sender_folder(zone, f"gm{_number(gemeente):04d}")


@app.command()
@plainly
def admit(
    file: Annotated[Path, typer.Argument(help="Request file of `zorgstroom provider join`.")],
    gemeente: Annotated[list[str], typer.Option("--gemeente", help="For which municipalities; repeat for more.")],
    data: DataOption = None,
    target: Annotated[Path | None, typer.Option("--out", help="Admission file to write.")] = None,
) -> None:
    """Admit a provider: returns certificate, addresses and the zone's signed keys in one file."""
    try:
        request = file.read_bytes()
    except OSError as absent:
        msg = f"{file} can't be read."
        raise SettingsWrong(msg) from absent
    out.print(f"Compare by telephone before you send the answer: {fingerprint(request)}")
    answer = admit_sender(zone_of(data), request, municipalities=[_number(g) for g in gemeente])
    path = target or file.with_name(file.name.replace("aanvraag", "toelating"))
    path.write_bytes(answer)
    out.print(f"Written: {path}. Send it back; the provider compares: {fingerprint(answer)}")


@app.command("admit-caseworker")
@plainly
def admit_caseworker(
    name: Annotated[str, typer.Argument(help="e.g. caseworker-gm9901-2")], data: DataOption = None
) -> None:
    """Make a certificate for a caseworker."""
    parts = name.split("-")
    if len(parts) < 3 or parts[0] != "caseworker":
        msg = "A caseworker is called caseworker-gm9901-NAME."
        raise SettingsWrong(msg)
    files = admit_reader(zone_of(data), name, gm=f"gm{_number(parts[1][2:]):04d}")
    out.print(f"{name}: {files.cert.parent}")


@app.command()
@plainly
def ask(
    gemeente: Gemeente,
    first: Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")],
    last: Annotated[str, typer.Option("--until", help="Last month, YYYY-MM.")],
    stream: Annotated[list[str], typer.Option(help="Money stream; repeat for more.")],
    provider: Annotated[list[str], typer.Option(help="AGB code; repeat for more.")],
    why: Annotated[str, typer.Option(help="In plain words.")],
    ground: Annotated[str, typer.Option(help="Legal ground, e.g. jeugdwet-7.4.")],
    by: Annotated[str, typer.Option(help="Wanted before this day, YYYY-MM-DD.")],
    data: DataOption = None,
) -> None:
    """Publish what is asked of providers: which months and streams, why, on what ground, by when."""
    zone, number = zone_of(data), _number(gemeente)
    try:
        request = DataRequest(
            municipality=number, first_month=Month.parse(first), last_month=Month.parse(last),
            streams=tuple(Stream(s) for s in stream), providers=tuple(SenderId(f"p{p.removeprefix('p')}") for p in provider),
            why=why, ground=ground, by=dt.date.fromisoformat(by),
        )  # fmt: skip
    except ValueError as wrong:
        msg = (
            "Months are YYYY-MM and the last not before the first, days YYYY-MM-DD, providers AGB codes of 8 digits, "
            "streams wmo, jeugdwet, participatiewet, zvw or wlz."
        )
        raise SettingsWrong(msg) from wrong
    publish_requests(Profile.load(_sender_folder(zone, gemeente)), [request])
    out.print(
        f"Asked of {len(provider)} provider(s): {', '.join(stream)}, {first} to {last}, before {by}, because: {why} ({ground})"
    )


@mandate_app.command("give")
@plainly
def give(
    gemeente: Gemeente,
    reader: Annotated[str, typer.Argument(help="Caseworker, e.g. caseworker-gm9901-1.")],
    purpose: Annotated[
        str, typer.Option(help="Why this caseworker may look: one of `zorgstroom municipality mandate purposes`.")
    ] = "coordination",
    ground: Annotated[str, typer.Option(help="Legal ground (default: that of the purpose).")] = "",
    days: Annotated[int, typer.Option(min=1, help="How many days it holds, today included.")] = 90,
    data: DataOption = None,
) -> None:
    """Give a mandate; the BSN is asked for and not shown."""
    zone, number = zone_of(data), _number(gemeente)
    if (reader, f"gm{number:04d}") not in zone.folder.members().caseworkers:
        msg = f"{reader} is no caseworker of {gemeente.upper()}; make a certificate with `zorgstroom municipality admit-caseworker {reader}`."
        raise SettingsWrong(msg)
    rules, today = zone.mandate_rules(), dt.datetime.now(dt.UTC).date()
    last = today + dt.timedelta(days=min(days, 100_000) - 1)
    rules.check(purpose, first=day_number(today), last=day_number(last))
    chosen = rules.purpose(purpose)
    bsn = getpass.getpass("BSN: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    given = publish_mandate(
        Profile.load(_sender_folder(zone, gemeente)),
        bsn=bsn,
        reader=reader,
        purpose=purpose,
        ground=ground or chosen.ground,
        valid_from=today,
        valid_until=last,
    )
    note = {"handle": given.handle.hex, "reader": reader, "until": str(given.valid_until)}
    write_private(zone.folder.path / "readers" / reader / "mandate.json", json.dumps(note).encode())
    out.print(
        f"Given to {reader} until {given.valid_until}, for {chosen.english} ({given.ground}). Handle: {given.handle.hex}"
    )


@mandate_app.command("purposes")
@plainly
def purposes(data: DataOption = None) -> None:
    """What someone may look for, and the limits mandates are held to."""
    rules = zone_of(data).mandate_rules()
    for p in rules.purposes:
        out.print(f"{p.code:<14} {p.english} ({p.ground})", markup=False)
    out.print(
        f"A mandate holds at most {rules.longest_days} days. At most {rules.live_share:.0%} of a municipality's households are under live "
        f"mandates; a caseworker looks at no more than {rules.looks_households} different households in {rules.looks_days} days."
    )


@mandate_app.command("withdraw")
@plainly
def withdraw(
    gemeente: Gemeente, handle: Annotated[str, typer.Argument(help="Handle of the mandate.")], data: DataOption = None
) -> None:
    """Withdraw a mandate: at the keyvault at once, and by the road."""
    zone = zone_of(data)
    try:
        raw = MandateHandle(bytes.fromhex(handle))
    except ValueError as wrong:
        msg = "A handle has 32 hexadecimal digits."
        raise SettingsWrong(msg) from wrong
    name = f"gm{_number(gemeente):04d}"
    files = zone.reader_certificate(name)
    zone.vault(name, files).withdraw(raw.raw)
    withdraw_mandate(Profile.load(_sender_folder(zone, gemeente)), raw)
    out.print("Withdrawn.")


@app.command()
@plainly
def figures(
    gemeente: Gemeente,
    level: Annotated[str, typer.Option(help="macro or meso.")] = "macro",
    group: Annotated[
        str,
        typer.Option(
            help="wmo, jeugdwet, participatiewet, overig, total, or a published care type; all for every one."
        ),
    ] = "total",
    month: Annotated[
        str | None, typer.Option("--month", help="As known at the end of this month (default: the newest).")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    data: DataOption = None,
) -> None:
    """The released figures, as any reader of the municipality's topics gets them."""
    if form not in ("table", "csv", "json") or level not in ("macro", "meso"):
        raise typer.BadParameter("--format is table, csv or json; --level is macro or meso")
    zone, number = zone_of(data), _number(gemeente)
    with awake(zone, kafka=True):
        released = released_epoch(zone, number, level=level, month=month)
    show(released, [c for c in released["cells"] if group in ("all", c["group"])], form=form)


@app.command()
@plainly
def residences(
    gemeente: Gemeente,
    file: Annotated[Path | None, typer.Argument(help="BSN;van;tot;postcode;huisnummer;toevoeging;geheim.")] = None,
    links: Annotated[Path | None, typer.Option(help="Who lives with whom: BSN;bij BSN;van;tot.")] = None,
    data: DataOption = None,
) -> None:
    """Publish your residence file: where people live, since when; sealed, as a provider's deliveries are."""
    if file is None and links is None:
        msg = "Name a residence file, or --links and a file."
        raise SettingsWrong(msg)
    profile = Profile.load(_sender_folder(zone_of(data), gemeente))
    handles = profile.handle_key()
    packed = [(file.name, p) for p in read_residences(file, handles)] if file else []
    packed += [(links.name, p) for p in read_links(links, handles)] if links else []
    with Publisher(profile) as publisher, Progress(console=out, transient=True) as progress:
        before = len(publisher.receipts())
        for name, one in packed:
            publisher.publish_packed(one, file=name)
        task = progress.add_task("Waiting for receipts", total=len(packed))
        if not publisher.wait(seconds=600, progress=lambda left: progress.update(task, completed=len(packed) - left)):
            msg = "Not all receipts came; the rest is safe in the outbox and goes along with the next."
            raise Unavailable(msg)
        receipts = publisher.receipts()[before:]
    refused = [r for r in receipts if r.refused or r.code != ACCEPTED]
    out.print(
        f"{sum(r.events for r in receipts)} lines published in {len(receipts)} envelopes, {len(refused)} of them with refusals."
    )
    if refused:
        raise typer.Exit(EXIT_REFUSED)
