"""`zorgstroom municipality retention ...`: what would go because its period has passed, the decision two sign once, and having it erased."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from deploy.admission import grantor_folder, sender_folder
from deploy.commands_frame import DataOption, Gemeente, YesOption, gemeente_of, out, plainly, zone_of
from deploy.zone import Zone
from producers.municipal_mandates import Grantor
from producers.municipal_retention import Retention, last_day
from producers.profile import Profile
from producers.retention_heard import FEWER, Told, heard
from schemas.codes import REASONS, sentence
from schemas.erasure import SIGNATURES
from schemas.errors import SettingsWrong
from schemas.retention_rules import ARTICLES, RetentionRules
from schemas.values import day_of

app = typer.Typer(
    no_args_is_help=True,
    help="Files whose retention period has passed: look at what would go, decide once with two signatures, have it erased.",
)


def _here(data: Path | None, gemeente: str) -> tuple[Zone, str, Retention]:
    zone, name = zone_of(data), f"gm{gemeente_of(gemeente):04d}"
    return zone, name, Retention.of(Profile.load(sender_folder(zone, name)))


def today() -> dt.date:
    """The day it is, in UTC."""
    return dt.datetime.now(dt.UTC).date()


@app.command()
@plainly
def preview(gemeente: Gemeente, data: DataOption = None) -> None:
    """What would go, counted per law and year in which the care ended; never a person. From now on it stands, so that somebody can object."""
    zone, _, retention = _here(data, gemeente)
    rules = RetentionRules.of(zone.folder.settings())
    for law, years in sorted(rules.years.items()):
        out.print(f"{law.value}: {years} years ({ARTICLES.get(law, 'set in zone.json')})", markup=False)
    told = heard(retention.profile)
    retention.announce(told, today())
    show(told, retention)
    out.print(
        f"Erased {rules.preview_days} days after they were first shown here, or when the zone looks at them next after that; held back: {len(retention.kept())}."
    )


def show(told: Told, retention: Retention) -> None:
    """Counts, the small ones not told."""
    rows = told.counts(retention.kept())
    for laws, year, count in rows:
        out.print(f"{laws:<24} {year}  {count if count >= FEWER else f'fewer than {FEWER}'}", markup=False)
    if not rows:
        out.print("Nobody's retention period has passed.")


@app.command("list")
@plainly
def list_notices(gemeente: Gemeente, data: DataOption = None) -> None:
    """Notices by id, which leads to nobody: since when, laws, what is held back and why."""
    _, _, retention = _here(data, gemeente)
    told, kept = heard(retention.profile), retention.kept()
    for request, (_, notice) in sorted(told.notices.items(), key=lambda item: (item[1][1].since, item[0])):
        laws = ", ".join(f"{law} {year}" for law, year in notice.laws)
        why = f"  kept ({kept[request]})" if request in kept else ""
        out.print(f"{request}  {day_of(notice.since)}  {laws}{why}", markup=False)
    if not told.notices:
        out.print("Nobody's retention period has passed.")


@app.command()
@plainly
def keep(
    gemeente: Gemeente,
    request: Annotated[str, typer.Argument(help="Id of the notice, or its first digits.")],
    why: Annotated[str, typer.Option(help="One of the reasons of `zorgstroom municipality erase grounds`.")],
    data: DataOption = None,
) -> None:
    """Hold one notice back: it is not erased. For a person, by BSN: `erase ask`, and two refuse it (`erase decide --refuse`)."""
    _, _, retention = _here(data, gemeente)
    out.print(f"{retention.keep(heard(retention.profile), request, why)} is held back ({why}).")


@app.command("let-go")
@plainly
def let_go(
    gemeente: Gemeente,
    request: Annotated[str, typer.Argument(help="Id of the notice, or its first digits.")],
    data: DataOption = None,
) -> None:
    """Hold a notice back no longer."""
    _, _, retention = _here(data, gemeente)
    out.print(f"{retention.let_go(request)} is not held back any more.")


@app.command()
@plainly
def decide(
    gemeente: Gemeente,
    grantor: Annotated[str, typer.Option("--as", help="The grantor who signs, e.g. grantor-gm9901-anne.")],
    until: Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD; at most a year ahead.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and sign nothing.")] = False,
    yes: YesOption = False,
    data: DataOption = None,
) -> None:
    """Sign the standing decision: with a second grantor's signature, whoever's period has passed is erased without a decision on each."""
    zone, name, retention = _here(data, gemeente)
    if not grantor.startswith(f"grantor-{name}-") or not grantor_folder(zone, grantor).is_dir():
        msg = f"{grantor} is no grantor of {gemeente.upper()} on this machine; admit one with `zorgstroom municipality admit-grantor`."
        raise SettingsWrong(msg)
    now = today()
    waits = retention.waiting(now)
    try:
        end = (
            (day_of(waits[0].valid_until) if waits else last_day(now))
            if until is None
            else dt.date.fromisoformat(until)
        )
    except ValueError as wrong:
        msg = "A day is YYYY-MM-DD."
        raise SettingsWrong(msg) from wrong
    if dry_run:
        out.print(f"{grantor} would sign that files go by themselves until {end}; it counts with two signatures.")
        return
    if not yes:
        typer.confirm(
            f"Until {end}, erase whoever's retention period has passed and whose preview has stood, for good?",
            abort=True,
        )
    standing, names = retention.sign(Grantor(grantor, grantor_folder(zone, grantor)), until=end, on=now)
    if len(names) < SIGNATURES:
        out.print(f"Signed by {names[0]}. Nothing goes before a second grantor signs too.")
        return
    out.print(f"In force until {day_of(standing.valid_until)}, signed by {' and '.join(names)}.")


@app.command()
@plainly
def end(
    gemeente: Gemeente,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would end, and do nothing.")] = False,
    yes: YesOption = False,
    data: DataOption = None,
) -> None:
    """End the standing decision at once: nothing more goes under it."""
    _, _, retention = _here(data, gemeente)
    if dry_run:
        now = today()
        found = (("in force", retention.in_force(now)), ("waiting for a second signature", retention.waiting(now)))
        ends = " and ".join(f"one {what}" for what, there in found if there is not None)
        out.print(
            f"Standing decision: {ends} would end. Nothing was done." if ends else "There is no standing decision."
        )
        return
    if not yes:
        typer.confirm("End the standing decision? Nothing more goes before two grantors sign a new one.", abort=True)
    retention.end()
    out.print("Ended. Previews go on standing; nothing goes before two grantors sign a new one.")


@app.command()
@plainly
def run(
    gemeente: Gemeente,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many would go, and send nothing.")] = False,
    yes: YesOption = False,
    data: DataOption = None,
) -> None:
    """Erase those whose preview has stood, under the standing decision. A running zone does so once a day by itself."""
    _, _, retention = _here(data, gemeente)
    told = heard(retention.profile)
    ripe = retention.ripe(told)
    if dry_run or not ripe:
        out.print(f"{len(ripe)} files would go." if dry_run else "Nothing is due: no preview has stood long enough.")
        if not dry_run:
            retention.announce(told, today())
        return
    if not yes:
        typer.confirm(f"{len(ripe)} files go for good. Erase?", abort=True)
    for line in erase_due(retention, told, today()):
        out.print(line, markup=False)


def erase_due(retention: Retention, told: Told, on: dt.date) -> list[str]:
    """Announce what is new, erase what is ripe; what to say of it. Raises `Refused`, `Unavailable`."""
    ripe = retention.ripe(told)
    refused = retention.erase(told, ripe, on) if ripe else {}
    retention.announce(told, on)
    lines = [f"{len(ripe) - len(refused)} files went; receipts: zorgstroom municipality erase list."] if ripe else []
    return lines + [
        f"{request[:8]} stays: {sentence(code, lang='en') if code in REASONS else code}"
        for request, code in sorted(refused.items())
    ]
