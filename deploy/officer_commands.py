"""`zorgstroom officer ...`: what an officer types, on the officer's own machine: take part in ceremonies; with a colleague, name one person."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.commands_frame import DataOption, YesOption, out, plainly, zone_of
from deploy.officer_admission import officer_folder, tool_of
from keyvault.officers.folder import OfficerFolder
from keyvault.officers.tool import OfficerTool
from schemas.errors import Refused, SettingsWrong
from schemas.reidentification import APPROVED_WITHIN_HOURS, NOBODY, OPEN_MINUTES, REASONS, Request
from schemas.secret_file import write_private
from schemas.values import day_number, day_of

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
As = Annotated[
    str | None, typer.Option("--as", help="Name of the officer, where the folder lies with the zone (a demo, a test).")
]
Own = Annotated[Path | None, typer.Option("--folder", help="The officer's own folder.")]
RequestId = Annotated[
    str, typer.Argument(help="Id of the request, or its first digits; not needed where there is one only.")
]
_ID_BYTES: Final = 16


@contextmanager
def _tool(folder: Path | None, name: str | None, data: Path | None) -> Iterator[OfficerTool]:
    if folder is None and name is None:
        msg = "Name your folder with --folder, or who you are with --as where it lies with the zone."
        raise SettingsWrong(msg)
    tool = tool_of(OfficerFolder.load(folder or officer_folder(zone_of(data), name or "")))
    try:
        yield tool
    finally:
        tool.vault.close()


@app.callback()
def options() -> None:
    """I am one of the officers who may name a person, two together."""


@app.command()
@plainly
def step(
    name: As = None,
    folder: Own = None,
    data: DataOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is open, and do nothing.")] = False,
) -> None:
    """Take part in what goes on: promise, deal, check and confirm; destroy the share of a committee that was. Type it again after the others."""
    with _tool(folder, name, data) as tool:
        done = [] if dry_run else tool.step()
        told = tool.vault.told()
    for line in done:
        out.print(line, markup=False)
    if told.ceremony is not None:
        out.print(
            f"A ceremony is open, of {', '.join(told.ceremony.roster)}; {len(told.messages)} of its messages are there."
        )
        out.print("Type this again when the others have taken part.")
    elif not done:
        out.print(
            f"Nothing to do. {'The last ceremony was given up: ' + told.given_up + '.' if told.given_up else ''}".rstrip()
        )


@app.command()
@plainly
def reasons() -> None:
    """Why who somebody is may be asked: a closed list."""
    for code, (_, english) in REASONS.items():
        out.print(f"{code:<14} {english}", markup=False)


@app.command()
@plainly
def ask(
    reason: Annotated[str, typer.Option(help="One of `zorgstroom officer reasons`.")],
    ground: Annotated[str, typer.Option(help="Legal ground as a code, e.g. jeugdwet-7.3.11.")],
    case: Annotated[str, typer.Option("--case", help="Number of the file you keep; no names.")],
    person: Annotated[str | None, typer.Option(help="Pseudonym (32 hexadecimal digits).")] = None,
    mandate: Annotated[str | None, typer.Option(help="Handle of a mandate: its person is meant.")] = None,
    key: Annotated[str | None, typer.Option(help="Joint key, where there are several; the newest without it.")] = None,
    court_order: Annotated[str, typer.Option(help="Number of a court order that delays telling the person.")] = "",
    told_from: Annotated[str, typer.Option(help="Day from which the person is told then (YYYY-MM-DD).")] = "",
    name: As = None,
    folder: Own = None,
    data: DataOption = None,
) -> None:
    """Ask who somebody is. Nothing is opened before another officer approves; the person can read it in the log."""
    with _tool(folder, name, data) as tool:
        made = tool.ask(
            person=_hex(person), handle=_hex(mandate), reason=reason, ground=ground, case_number=case, key_id=key,
            court_order=court_order, told_from=_day(told_from), asked_at_ms=int(time.time() * 1000),
        )  # fmt: skip
    out.print(
        f"Request {made.id.hex()}. Another officer approves it within {APPROVED_WITHIN_HOURS} hours: zorgstroom officer approve {made.id.hex()[:8]}"
    )


@app.command()
@plainly
def requests(name: As = None, folder: Own = None, data: DataOption = None) -> None:
    """What other officers ask and nobody approved yet."""
    with _tool(folder, name, data) as tool:
        found = tool.waiting()
    for r in found:
        out.print(_said(r), markup=False)
    if not found:
        out.print("Nothing is asked.")


@app.command()
@plainly
def approve(
    request: RequestId = "",
    name: As = None,
    folder: Own = None,
    data: DataOption = None,
    yes: YesOption = False,
) -> None:
    """Approve what a colleague asks, as the second officer: your part goes to the colleague's tool, sealed. You do not see who it is."""
    with _tool(folder, name, data) as tool:
        found = [r for r in tool.waiting() if r.id.hex().startswith(request.lower())]
        if len(found) != 1:
            raise Refused(
                "reid-request",
                f"{len(found)} requests with this id wait for you; see `zorgstroom officer requests`, and name one.",
            )
        (asked,) = found
        out.print(_said(asked), markup=False)
        if not yes:
            typer.confirm("Approve? The person can read that you did.", abort=True)
        tool.approve(asked)
    out.print(
        f"Approved. {asked.first} opens it within {OPEN_MINUTES} minutes: zorgstroom officer open {asked.id.hex()[:8]}"
    )


@app.command("open")
@plainly
def open_request(request: RequestId = "", name: As = None, folder: Own = None, data: DataOption = None) -> None:
    """Open what was approved: the BSN is shown once, here, and nowhere else. A letter to the person is written beside it."""
    with _tool(folder, name, data) as tool:
        mine = [r for r in tool.folder.mine() if r.hex().startswith(request.lower())]
        if len(mine) != 1:
            raise Refused(
                "reid-request",
                f"{len(mine)} requests with this id were made on this machine and not opened yet; name one with more digits.",
            )
        bsn = tool.open(mine[0])
        out.print(f"BSN: {bsn.reveal()}", markup=False)
        letter = tool.folder.path / f"brief-{mine[0].hex()[:8]}.txt"
        write_private(letter, _letter(mine[0], tool.folder.name).encode())
    out.print(
        f"Tell the person: {letter}. A court order delays the letter as it delays the line in the log.", markup=False
    )


def _letter(request: bytes, officer: str) -> str:
    return (
        "Geachte heer, mevrouw,\n\n"
        f"Op {dt.datetime.now(dt.UTC):%d-%m-%Y} hebben twee functionarissen samen nagegaan wie u bent in Zorgstroom, het netwerk waarin\n"
        "zorgaanbieders doorgeven welke zorg zij leverden. Normaal staat u daar zonder naam en zonder BSN.\n\n"
        f"Het kenmerk is {request.hex()}. U kunt in uw eigen logboek lezen wie dit vroeg, wanneer en waarom\n"
        "(zorgstroom family log, of via uw gemeente). Bent u het er niet mee eens? Dan kunt u bezwaar maken bij uw gemeente,\n"
        "of een klacht indienen bij de Autoriteit Persoonsgegevens.\n\n"
        f"{officer}\n"
    )


def _said(r: Request) -> str:
    about = f"pseudonym {r.person.hex()}" if r.person != NOBODY else f"the person of mandate {r.handle.hex()}"
    when = dt.datetime.fromtimestamp(r.asked_at_ms / 1000, dt.UTC)
    late = f"; told from {day_of(r.told_from)} on, court order {r.court_order}" if r.court_order else ""
    return (
        f"{r.id.hex()[:8]}  {r.first}, {when:%Y-%m-%d %H:%M} UTC: {about}, because of {REASONS[r.reason][1] if r.reason in REASONS else r.reason} "
        f"({r.ground}), case {r.case_number}{late}"
    )


def _hex(text: str | None) -> bytes:
    if text is None:
        return NOBODY
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != _ID_BYTES:
        msg = "A pseudonym and a handle are 32 hexadecimal digits."
        raise SettingsWrong(msg)
    return found


def _day(text: str) -> int:
    if not text:
        return 0
    try:
        return day_number(dt.date.fromisoformat(text))
    except ValueError as wrong:
        msg = "A day is YYYY-MM-DD."
        raise SettingsWrong(msg) from wrong
