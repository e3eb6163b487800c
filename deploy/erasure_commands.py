"""`zorgstroom municipality erase ...`: pass on that someone asks to be erased, decide on it with two signatures, hand over the receipt."""

from __future__ import annotations

import datetime as dt
import getpass
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from deploy.admission import grantor_folder, sender_folder
from deploy.commands_frame import DataOption, Gemeente, YesOption, gemeente_of, out, plainly, zone_of
from deploy.zone import Zone
from producers.municipal_erasures import Requests, decide
from producers.municipal_erasures import ask as ask_for
from producers.municipal_mandates import Grantor
from producers.profile import Profile
from schemas.erasure import GROUNDS, REFUSALS, SIGNATURES, read_decision
from schemas.erasure_receipt import DESTROYED, checked
from schemas.errors import Refused, SettingsWrong, Unavailable
from schemas.secret_file import write_private

app = typer.Typer(
    no_args_is_help=True,
    help="Erase a person at his or her request: ask, decide with two signatures, hand over the receipt.",
)
RequestId = Annotated[str, typer.Argument(help="Id of the request, or its first digits.")]
_SECONDS: Final = 120.0


def _here(data: Path | None, gemeente: str) -> tuple[Zone, str, Profile]:
    zone, name = zone_of(data), f"gm{gemeente_of(gemeente):04d}"
    return zone, name, Profile.load(sender_folder(zone, name))


def _typed_bsn() -> str:
    return getpass.getpass("BSN: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


@app.command()
@plainly
def grounds() -> None:
    """What a request may rest on, and why it may be refused: closed lists."""
    for title, table in (("A request rests on", GROUNDS), ("It may be refused because", REFUSALS)):
        out.print(f"{title}:")
        for code, (_, english) in table.items():
            out.print(f"  {code:<16} {english}", markup=False)


@app.command()
@plainly
def ask(
    gemeente: Gemeente,
    ground: Annotated[
        str, typer.Option(help="What it rests on: one of `zorgstroom municipality erase grounds`.")
    ] = "avg-17",
    data: DataOption = None,
) -> None:
    """Pass on that someone asks to be erased; the BSN is asked for and not shown. Nothing is erased by it."""
    _, _, profile = _here(data, gemeente)
    if ground not in GROUNDS:
        raise Refused("erasure-ground", f"A request rests on one of {', '.join(GROUNDS)}.")
    made = ask_for(profile, _typed_bsn(), ground=ground, on=dt.datetime.now(dt.UTC).date())
    out.print(
        f"Request {made.id}. Two grantors decide on it: zorgstroom municipality erase decide {gemeente.upper()} {made.id[:8]} --as GRANTOR --grant"
    )


@app.command("list")
@plainly
def list_requests(gemeente: Gemeente, data: DataOption = None) -> None:
    """Requests of this municipality: since when, on what ground, what was decided, who still has to sign."""
    _, _, profile = _here(data, gemeente)
    requests = Requests.of(profile)
    for r in requests.all():
        signed = requests.decision(r)
        by = f", signed by {' and '.join(read_decision(signed)[1])}" if signed else ""
        receipt = ", receipt here" if _receipt_file(requests, r.id).exists() else ""
        out.print(f"{r.id}  {r.asked_on}  {r.ground:<15} {r.state}{by}{receipt}", markup=False)
    if not requests.all():
        out.print("No requests.")


@app.command("decide")
@plainly
def decide_on(
    gemeente: Gemeente,
    request: RequestId,
    grantor: Annotated[str, typer.Option("--as", help="The grantor who signs, e.g. grantor-gm9901-anne.")],
    grant: Annotated[bool, typer.Option("--grant", help="The request is granted: the person is erased.")] = False,
    refuse: Annotated[
        str | None, typer.Option("--refuse", help="The request is refused, for one of `erase grounds`.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, sign and send nothing.")] = False,
    yes: YesOption = False,
    data: DataOption = None,
) -> None:
    """Sign a decision; with the second grantor's signature it is sent, and what it grants can't be undone."""
    if grant == (refuse is not None):
        msg = "Say --grant, or --refuse and why."
        raise SettingsWrong(msg)
    zone, name, profile = _here(data, gemeente)
    if not grantor.startswith(f"grantor-{name}-") or not grantor_folder(zone, grantor).is_dir():
        msg = f"{grantor} is no grantor of {gemeente.upper()} on this machine; admit one with `zorgstroom municipality admit-grantor`."
        raise SettingsWrong(msg)
    requests = Requests.of(profile)
    asked = requests.read(request)
    decision = asked.decided(municipality=int(name[2:]), refusal=refuse or "", on=dt.datetime.now(dt.UTC).date())
    before = requests.decision(asked)
    signers = {*(read_decision(before)[1] if before else ()), grantor}
    last = len(signers) >= SIGNATURES
    if dry_run:
        out.print(
            f"{grantor} would sign; "
            + (_would(grant=grant) if last else "a second grantor signs after that, and nothing is sent before.")
        )
        return
    if last and grant and not yes:
        out.print(_would(grant=grant))
        typer.confirm("This can't be undone. Erase?", abort=True)
    signed, names = requests.sign(asked, decision, Grantor(grantor, grantor_folder(zone, grantor)))
    if len(names) < SIGNATURES:
        out.print(f"Signed by {names[0]}. Nothing is sent before a second grantor signs the same decision.")
        return
    decide(profile, asked, signed)
    if not grant:
        out.print(f"Refused ({refuse}), signed by {' and '.join(names)}. The request is closed; nothing was erased.")
        return
    path = _receipt_file(requests, asked.id)
    write_private(path, _receipt(zone, name, bytes.fromhex(asked.id)))
    _tell(zone, path)


@app.command()
@plainly
def receipt(gemeente: Gemeente, request: RequestId, data: DataOption = None) -> None:
    """The signed receipt of an erasure, to hand over; fetched where it is not here yet."""
    zone, name, profile = _here(data, gemeente)
    requests = Requests.of(profile)
    asked = requests.read(request)
    path = _receipt_file(requests, asked.id)
    if not path.exists():
        write_private(path, _receipt(zone, name, bytes.fromhex(asked.id)))
    _tell(zone, path)


def _would(*, grant: bool) -> str:
    if not grant:
        return "the request is closed, and nothing is erased."
    return "the decision is sent, and destroyed are:\n" + "\n".join(f"- {english}" for _, english in DESTROYED.values())


def _receipt_file(requests: Requests, request: str) -> Path:
    return requests.folder / f"{request}.receipt"


def _receipt(zone: Zone, name: str, request: bytes) -> bytes:
    """The receipt, as soon as the keyvault has destroyed the key. Raises `Unavailable` where that takes longer than two minutes."""
    vault, until = zone.vault(name, zone.reader_certificate(name)), time.monotonic() + _SECONDS
    try:
        with Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=out, transient=True
        ) as bar:
            bar.add_task("Erasing: ledger, books, keyvault")
            while True:
                try:
                    return vault.erasure_receipt(request)
                except Refused as not_yet:
                    if not_yet.code != "erasure-request" or time.monotonic() > until:
                        msg = "There is no receipt yet; fetch it later with `zorgstroom municipality erase receipt`."
                        raise Unavailable(msg) from not_yet
                time.sleep(0.2)
    finally:
        vault.close()


def _tell(zone: Zone, path: Path) -> None:
    for line in checked(path.read_bytes(), zone.roots.pinned).told(lang="en"):
        out.print(line, markup=False)
    out.print(
        f"Receipt: {path}. Anybody checks it with `zorgstroom receipt` and the network's public root keys.",
        markup=False,
    )
