"""What provider commands show as tables: receipts one by one, and added up per file."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from producers.command_frame import Chosen, out, say
from producers.outbox import Receipt, Refusal
from producers.requests import Requests
from schemas import codes
from schemas.care import Stream
from schemas.geography import gemeente_code
from schemas.remarks import REASONS
from schemas.requests import DataRequest, runs
from schemas.values import Month, SenderId

_COLUMNS = (
    ("Bestand", "File"),
    ("Regels", "Lines"),
    ("Verwerkt", "Applied"),
    ("Dubbel", "Known"),
    ("Geweigerd", "Refused"),
)


def _table(*heads: tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(say(*head))
    return table


def show_receipts(receipts: list[Receipt]) -> None:
    """One row per envelope, then each refusal with its place and sentence."""
    table = _table(("Nr", "No"), *_COLUMNS, ("Code", "Code"))
    for r in receipts:
        table.add_row(
            str(r.number),
            escape(r.file),
            str(r.events),
            str(r.accepted),
            str(r.duplicates),
            str(len(r.refused)),
            r.code,
        )
    out.print(table)
    for r in receipts:
        if r.code != codes.ACCEPTED:
            out.print(f"{r.file}: {codes.sentence(r.code, lang=Chosen.lang)} [{r.code}]", style="red", markup=False)
        for refusal in r.refused:
            place = say(
                f"{refusal.file} regel {refusal.line}, referentie {refusal.reference}",
                f"{refusal.file} line {refusal.line}, reference {refusal.reference}",
            )
            out.print(
                f"{place}: {codes.sentence(refusal.code, lang=Chosen.lang)} [{refusal.code}]", style="red", markup=False
            )


def show_doubts(doubts: list[Refusal]) -> None:
    """What clients say is not right, by the sender's own references."""
    for d in doubts:
        sentence = REASONS[d.code][Chosen.lang == "en"] if d.code in REASONS else d.code
        out.print(
            say(
                f"Een cliënt zegt van referentie {d.reference} ({d.file} regel {d.line}): {sentence}",
                f"A client says of reference {d.reference} ({d.file} line {d.line}): {sentence}",
            ),
            style="yellow",
            markup=False,
        )


def show_per_file(receipts: list[Receipt]) -> None:
    """Lines, applied, known and refused per file, and together."""
    totals: dict[str, list[int]] = {}
    for r in receipts:
        row = totals.setdefault(r.file or say("(eigen systeem)", "(own system)"), [0, 0, 0, 0])
        for index, value in enumerate((r.events, r.accepted, r.duplicates, len(r.refused))):
            row[index] += value
    table = _table(*_COLUMNS)
    for file, row in totals.items():
        table.add_row(escape(file), *map(str, row))
    table.add_row(say("Samen", "Together"), *(str(sum(r[i] for r in totals.values())) for i in range(4)), style="bold")
    out.print(table)


def show_requests(asked: Requests, sender: SenderId, *, said: set[tuple[int, str, int]]) -> None:
    """Each request to this sender with what is still to be said. `said`: (payer, stream, month index)."""
    ours = [r for r in asked.proved.values() if r.asks(sender)]
    for r in ours:
        streams, gemeente = ", ".join(s.value for s in r.streams), gemeente_code(r.municipality)
        out.print(
            say(
                f"{gemeente} vraagt {streams} van {r.first_month} tot en met {r.last_month}, vóór {r.by:%d-%m-%Y}.",
                f"{gemeente} asks for {streams} from {r.first_month} up to and including {r.last_month}, before {r.by}.",
            ),
            style="bold",
            markup=False,
        )
        out.print(say(f"  Waarom: {r.why} ({r.ground})", f"  Why: {r.why} ({r.ground})"), markup=False)
        for stream in r.streams:
            out.print(f"  {stream.value}: {_to_say(r, stream, sender, said)}", markup=False)
    if not ours:
        out.print(say("Er wordt u niets gevraagd.", "Nothing is asked of you."))
    if asked.refused:
        out.print(
            say(
                f"{asked.refused} verzoeken zijn niet getoond: ze zijn niet getekend door de gemeente waarvoor ze spreken.",
                f"{asked.refused} requests are not shown: they are not signed by the municipality they speak for.",
            ),
            style="yellow",
        )


def _to_say(request: DataRequest, stream: Stream, sender: SenderId, said: set[tuple[int, str, int]]) -> str:
    asked = [
        m
        for p, _, s, m in request.months(since=0, until=request.last_month.index)
        if (p, s) == (sender.number, stream.value)
    ]
    open_ones = [Month.from_index(m) for m in asked if (request.municipality, stream.value, m) not in said]
    if not open_ones:
        return say("alles is gemeld", "all is said")
    listed = ", ".join(str(a) if a == b else say(f"{a} t/m {b}", f"{a} to {b}") for a, b in runs(open_ones))
    done = len(asked) - len(open_ones)
    return say(
        f"{done} van {len(asked)} maanden gemeld; nog te melden: {listed}",
        f"{done} of {len(asked)} months said; still to be said: {listed}",
    )
