"""What provider commands show as tables: receipts one by one, and added up per file."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from producers.command_frame import Chosen, out, say
from producers.outbox import Receipt
from schemas import codes

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
