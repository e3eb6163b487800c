"""`zorgstroom municipality mandate ...`: give, change and withdraw mandates. A grantor signs; the one who looks never does."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import sys
from typing import Annotated

import typer

from deploy.admission import grantor_folder, sender_folder
from deploy.commands_frame import DataOption, DryRunOption, Gemeente, YesOption, gemeente_of, out, plainly, zone_of
from deploy.zone import Zone
from producers.municipal_mandates import Grantor, change_mandate, new_terms, publish_mandate, withdraw_mandate
from producers.profile import Profile
from schemas.errors import SettingsWrong
from schemas.mandate_rules import kind_of_reader, may_grant
from schemas.secret_file import write_private
from schemas.values import MandateHandle, day_number, day_of

app = typer.Typer(no_args_is_help=True, help="Give, change or withdraw a mandate for one household.")
Handle = Annotated[str, typer.Argument(help="Handle of the mandate, 32 hexadecimal digits.")]
GrantorOption = Annotated[
    str | None,
    typer.Option("--grantor", help="Who signs (default: the only grantor there is; of a change, who gave it)."),
]


def _handle(text: str) -> MandateHandle:
    try:
        return MandateHandle(bytes.fromhex(text))
    except ValueError as wrong:
        msg = "A handle has 32 hexadecimal digits."
        raise SettingsWrong(msg) from wrong


def _grantor(
    zone: Zone, gemeente: str, name: str | None, *, reader: str = "", gave: MandateHandle | None = None
) -> Grantor:
    """The grantor named, or the only one there is who is not the reader, or who gave a mandate."""
    place = grantor_folder(zone, "any").parent
    names = sorted(p.name for p in place.glob(f"grantor-{gemeente}-*")) if place.is_dir() else []
    usable = [n for n in names if may_grant(n, reader=reader, gemeente=gemeente)]
    if gave is not None and name is None:
        usable = [n for n in usable if Grantor(n, grantor_folder(zone, n)).gave(gave)]
        if not usable:
            msg = "No grantor of this municipality on this machine gave a mandate with this handle."
            raise SettingsWrong(msg)
    if name is not None and name not in usable:
        msg = f"{name} is no grantor of {gemeente.upper()} who may give this mandate; admit one with `zorgstroom municipality admit-grantor`."
        raise SettingsWrong(msg)
    if name is None and len(usable) != 1:
        who = f"name one with --grantor: {', '.join(usable)}" if usable else (
            f"admit one who is not the reader with `zorgstroom municipality admit-grantor grantor-{gemeente}-NAME`"
        )  # fmt: skip
        msg = f"Somebody of the municipality signs a mandate; {who}."
        raise SettingsWrong(msg)
    return Grantor(name or usable[0], grantor_folder(zone, name or usable[0]))


def _profile(zone: Zone, gemeente: str) -> Profile:
    return Profile.load(sender_folder(zone, gemeente))


def _day(text: str) -> dt.date:
    """A day that is today or comes. Raises `SettingsWrong`."""
    today = dt.datetime.now(dt.UTC).date()
    try:
        day = dt.date.fromisoformat(text) if text else today
    except ValueError as wrong:
        msg = "A day is YYYY-MM-DD."
        raise SettingsWrong(msg) from wrong
    if day < today:
        msg = "A mandate begins today or later: nobody looked before it was given."
        raise SettingsWrong(msg)
    return day


def _last(days: int, first: dt.date) -> dt.date:
    """The last of so many days. Raises `SettingsWrong` where the calendar ends before."""
    try:
        return first + dt.timedelta(days=min(days, 100_000) - 1)
    except OverflowError as wrong:
        msg = "That day is too far away; a mandate begins soon and holds a year at most."
        raise SettingsWrong(msg) from wrong


@app.command()
@plainly
def give(
    gemeente: Gemeente,
    reader: Annotated[
        str, typer.Argument(help="Who may look: caseworker-gm9901-1, or family-gm9901-... for one's own file.")
    ],
    purpose: Annotated[
        str | None,
        typer.Option(
            help="What for: one of `zorgstroom municipality mandate purposes` (default: coordination; of a family: own-file)."
        ),
    ] = None,
    ground: Annotated[str, typer.Option(help="Legal ground (default: that of the purpose).")] = "",
    days: Annotated[int, typer.Option(min=1, help="How many days it holds, the first included.")] = 90,
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD (default: today).")] = "",
    grantor: GrantorOption = None,
    data: DataOption = None,
) -> None:
    """Give a mandate; the BSN is asked for and not shown."""
    zone, number = zone_of(data), gemeente_of(gemeente)
    name = f"gm{number:04d}"
    kind = kind_of_reader(reader, gemeente=name)
    if kind is None or (reader, name) not in zone.folder.members().readers:
        msg = f"{reader} is no reader of {gemeente.upper()}; make a certificate with `zorgstroom municipality admit-caseworker` or `admit-family`."
        raise SettingsWrong(msg)
    rules, begins = zone.mandate_rules(), _day(first)
    chosen = rules.purpose(purpose or ("own-file" if kind == "family" else "coordination"))
    last = _last(days, begins)
    rules.check(chosen.code, first=day_number(begins), last=day_number(last), kind=kind)
    rules.check_ground(ground or chosen.ground)
    who = _grantor(zone, name, grantor, reader=reader)
    bsn = getpass.getpass("BSN: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    terms = new_terms(
        who, municipality=number, reader=reader, purpose=chosen.code, ground=ground or chosen.ground, valid_from=begins, valid_until=last
    )  # fmt: skip
    publish_mandate(_profile(zone, name), who, terms, bsn=bsn)
    note = {"handle": terms.handle.hex(), "reader": reader, "until": str(last)}
    write_private(zone.folder.path / "readers" / reader / "mandate.json", json.dumps(note).encode())
    out.print(
        f"Given to {reader} by {who.name} from {begins} until {last}, for {chosen.english} ({terms.ground}). Handle: {terms.handle.hex()}"
    )


@app.command()
@plainly
def change(
    gemeente: Gemeente,
    handle: Handle,
    purpose: Annotated[str | None, typer.Option(help="Another purpose.")] = None,
    ground: Annotated[str | None, typer.Option(help="Another legal ground (default: that of another purpose).")] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="How many days it holds from today on, today included.")
    ] = None,
    grantor: GrantorOption = None,
    data: DataOption = None,
) -> None:
    """Change what a mandate is for, or how long it holds. Its first day stays, and with it the longest time."""
    if purpose is None and ground is None and days is None:
        msg = "Say what changes: --purpose, --ground or --days."
        raise SettingsWrong(msg)
    zone = zone_of(data)
    name, raw = f"gm{gemeente_of(gemeente):04d}", _handle(handle)
    who = _grantor(zone, name, grantor, gave=raw)
    before, rules = who.terms(raw), zone.mandate_rules()
    last = day_of(before.valid_until) if days is None else _last(days, dt.datetime.now(dt.UTC).date())
    kind = kind_of_reader(before.reader, gemeente=name) or ""
    rules.check(purpose or before.purpose, first=before.valid_from, last=day_number(last), kind=kind)
    usual = rules.purpose(purpose).ground if purpose else None
    rules.check_ground(ground or usual or before.ground)
    terms = change_mandate(
        _profile(zone, name), who, raw, purpose=purpose, ground=ground or usual, valid_until=last
    )  # fmt: skip
    out.print(f"Changed: {terms.reader}, {terms.purpose} ({terms.ground}), until {last}.")


@app.command()
@plainly
def purposes(data: DataOption = None) -> None:
    """What someone may look for, and the limits mandates are held to."""
    rules = zone_of(data).mandate_rules()
    for p in rules.purposes:
        sees = f"; opens what someone keeps private: {', '.join(p.sees)}" if p.sees else ""
        out.print(f"{p.code:<14} {p.english} ({p.ground}), for a {p.reader}{sees}", markup=False)
    out.print(
        f"A mandate holds at most {rules.longest_days} days. At most {rules.live_share:.0%} of a municipality's households are under live "
        f"mandates of caseworkers; a caseworker looks at no more than {rules.looks_households} different households in {rules.looks_days} days."
    )


@app.command()
@plainly
def withdraw(
    gemeente: Gemeente,
    handle: Handle,
    data: DataOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Withdraw a mandate: at the keyvault at once, and by the road."""
    zone, raw = zone_of(data), _handle(handle)
    name = f"gm{gemeente_of(gemeente):04d}"
    if dry_run:
        out.print(f"{gemeente.upper()} would withdraw this mandate, at once and for good. Nothing was done.")
        return
    if not yes:
        typer.confirm(
            "Withdraw this mandate? It closes at once, and can only be given anew, with another handle.", abort=True
        )
    zone.vault(name, zone.reader_certificate(name)).withdraw(raw.raw)
    withdraw_mandate(_profile(zone, name), raw)
    out.print("Withdrawn.")
