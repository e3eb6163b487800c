"""`zorgstroom municipality ...`: ask, admit, read figures; mandates are in `deploy.mandate_commands`. A municipality reads only its own topics."""

from __future__ import annotations

import datetime as dt
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from deploy.admission import admit as admit_sender
from deploy.admission import admit_reader, sender_folder
from deploy.awake import awake
from deploy.baseline_commands import app as baseline_app
from deploy.baseline_commands import intervention_app
from deploy.commands_frame import (
    EXIT_REFUSED,
    DataOption,
    DryRunOption,
    Gemeente,
    YesOption,
    gemeente_in,
    gemeente_of,
    out,
    plainly,
    zone_of,
)
from deploy.erasure_commands import app as erasure_app
from deploy.geometry_command import geometry
from deploy.grantor_commands import admit_grantor, revoke_grantor
from deploy.history_commands import released, verify
from deploy.mandate_commands import app as mandate_app
from deploy.municipality_figures import cells_of_group, released_epoch, show
from deploy.retention_commands import app as retention_app
from deploy.sender_keys import SenderKeys
from producers.joining import fingerprint
from producers.profile import Profile
from producers.publisher import Publisher
from producers.requests import publish_requests
from producers.residence_files import read_links, read_residences
from schemas.care import Stream
from schemas.codes import ACCEPTED
from schemas.errors import SettingsWrong, Unavailable
from schemas.requests import DataRequest
from schemas.values import Month, SenderId

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
app.add_typer(mandate_app, name="mandate")
app.add_typer(erasure_app, name="erase")
app.add_typer(retention_app, name="retention")
app.add_typer(baseline_app, name="baseline")
app.add_typer(intervention_app, name="intervention")
app.command("admit-grantor")(admit_grantor)
app.command("revoke-grantor")(revoke_grantor)
app.command()(verify)
app.command()(released)
app.command()(geometry)


@app.callback()
def _municipality() -> None:
    """I make policy."""


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
    answer = admit_sender(zone_of(data), request, municipalities=[gemeente_of(g) for g in gemeente])
    path = target or file.with_name(file.name.replace("aanvraag", "toelating"))
    path.write_bytes(answer)
    out.print(f"Written: {path}. Send it back; the provider compares: {fingerprint(answer)}")


@app.command("revoke-key")
@plainly
def revoke_key(
    sender: Annotated[str, typer.Argument(help="e.g. p98000001")],
    key_id: Annotated[
        str | None, typer.Argument(help="Id of the key; without it the keys that count are shown.")
    ] = None,
    data: DataOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Revoke a sender's signing key: what Kafka takes in from now on does not count with it, whatever day it says; what it has does."""
    zone = zone_of(data)
    keys = SenderKeys(zone.folder, sender)
    if key_id is None:
        out.print("\n".join(keys.ids) or f"{sender} has no key that counts.", markup=False)
        return
    if dry_run:
        what = "would be revoked" if key_id in keys.ids else "is no key that counts"
        out.print(f"{key_id} of {sender} {what}. Nothing was done.", markup=False)
        return
    if not yes and key_id in keys.ids:
        typer.confirm(
            f"Revoke {key_id} of {sender}? Envelopes signed with it and not sent yet will not be taken.", abort=True
        )
    with awake(zone, kafka=True):
        zone.publish_directory([keys.revoke(key_id, dt.datetime.now(dt.UTC))])
    out.print(f"Revoked: {key_id}. {sender} asks for a further key with `zorgstroom provider renew`, or joins anew.")


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
    files = admit_reader(zone_of(data), name, gm=f"gm{gemeente_of(parts[1][2:]):04d}")
    out.print(f"{name}: {files.cert.parent}")


@app.command("admit-family")
@plainly
def admit_family(gemeente: Gemeente, data: DataOption = None) -> None:
    """Make a key for a member of a family, to be handed over at the counter; then give a mandate for the own file."""
    zone = zone_of(data)
    gm = f"gm{gemeente_in(zone, gemeente):04d}"
    name = f"family-{gm}-{secrets.token_hex(4)}"
    files = admit_reader(zone, name, gm=gm)
    out.print(f"{name}: {files.cert.parent}")
    out.print(
        f"Check who stands at the counter, hand the folder over, and type: zorgstroom municipality mandate give {gemeente.upper()} {name}"
    )


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
    zone, number = zone_of(data), gemeente_of(gemeente)
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
    publish_requests(Profile.load(sender_folder(zone, f"gm{gemeente_of(gemeente):04d}")), [request])
    out.print(
        f"Asked of {len(provider)} provider(s): {', '.join(stream)}, {first} to {last}, before {by}, because: {why} ({ground})"
    )


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
    zone = zone_of(data)
    number = gemeente_in(zone, gemeente)
    with awake(zone, kafka=True):
        epoch = released_epoch(zone, number, level=level, month=month)
    show(epoch, cells_of_group(epoch, group), form=form)


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
    profile = Profile.load(sender_folder(zone_of(data), f"gm{gemeente_of(gemeente):04d}"))
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
