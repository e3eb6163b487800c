"""Planned mistakes: lines the provider's check or the ledger must refuse, each with its code, and lines sent twice.

They change no sum. Each stands where its reader meets it: what only the ledger can know is in another file than its partner.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from random import Random
from typing import Final

from producers.town.history import DUPLICATE, History, Line
from producers.town.providers import TARIFFS
from schemas.values import Month

_LINES_PER_MISTAKE: Final = 3000
AGAIN, LATER, FAULTY = 92, 95, 97
"""Turns of the files that hold them; a spreadsheet's stand among its ordinary lines."""


def add_mistakes(random: Random, history: History) -> None:
    """Lines that must be refused, each with its code, and lines sent twice. They change no sum."""
    last = len(history.months) - 1
    taken = {r.line.reference for r in history.rejections} | {x.previous for x in history.lines if x.credit}
    debits = [
        x for x in history.lines if not x.credit and x.care in TARIFFS and x.step < last and x.reference not in taken
    ]
    sheets = [x for x in history.lines if x.care not in TARIFFS and x.step < last]
    _add_to_sheets(random, history, sheets)
    credited = [x for x in history.lines if x.credit and x.step < last]
    if not debits:
        return
    count = max(1, len(debits) // _LINES_PER_MISTAKE)
    makers = (_same_reference, _second_debit, _unknown_debit, _sent_twice)
    # Each line is used once: two mistakes about one line would meet in one file, where the provider's check finds them.
    chosen = iter(random.sample(debits, min(len(debits), count * (len(makers) + len(_FAULTS)))))
    for _ in range(count):
        history.lines += [make(history, line) for make, line in zip(makers, chosen, strict=False)]
        history.lines += [_faulty(history, line, code) for code, line in zip(_FAULTS, chosen, strict=False)]
    for line in random.sample(credited, min(count, len(credited))):
        twice = f"X{line.service:08d}"
        history.lines.append(replace(line, reference=twice, step=line.step + 1, turn=LATER, outcome="ledger:9390"))


def _add_to_sheets(random: Random, history: History, debits: list[Line]) -> None:
    """In spreadsheets: a wrong BSN, a reference again with another amount, and a line repeated the month after."""
    chosen = iter(random.sample(debits, min(len(debits), 3 * max(1, len(debits) // _LINES_PER_MISTAKE))))
    for line in chosen:
        history.lines.append(replace(_faulty(history, line, "bsn"), turn=line.turn))
        for outcome, more in (("ledger:8021", 100), (DUPLICATE, 0)):
            other = next(chosen, None)
            if other is not None:
                history.lines.append(replace(other, cents=other.cents + more, step=other.step + 1, outcome=outcome))


def _same_reference(history: History, line: Line) -> Line:
    """8021: the reference again with other content, a month later."""
    del history
    volume = line.volume + 1
    return replace(
        line,
        volume=volume,
        cents=volume * (line.tariff_cents or 0),
        step=line.step + 1,
        turn=LATER,
        outcome="ledger:8021",
    )


def _second_debit(history: History, line: Line) -> Line:
    """9389: the same assignment, product and period again without a credit."""
    service = history.new_service()
    return replace(
        line, service=service, reference=f"E{service:08d}", step=line.step + 1, turn=LATER, outcome="ledger:9389"
    )


def _unknown_debit(history: History, line: Line) -> Line:
    """8017: a credit of a debit that never was."""
    service = history.new_service()
    return replace(
        line, service=service, reference=f"K{service:08d}", previous=f"N{service:08d}", credit=True, step=line.step + 1, turn=LATER,
        outcome="ledger:8017",
    )  # fmt: skip


def _sent_twice(history: History, line: Line) -> Line:
    """The very line again in a later message: counted as a duplicate and ignored."""
    del history
    return replace(line, step=line.step + 1, turn=AGAIN, outcome=DUPLICATE)


_FAULTS: Final = ("bsn", "9346", "category", "period", "9319", "too-old")


def _faulty(history: History, line: Line, code: str) -> Line:
    """A line the provider's own check refuses with `code`. A wrong BSN fails the eleven-test, so it is nobody's."""
    service = history.new_service()
    bad = replace(line, service=service, reference=f"F{service:08d}", turn=FAULTY, outcome=f"check:{code}")
    match code:
        case "bsn":
            return replace(bad, bsn=f"{line.bsn[:8]}{(int(line.bsn[8]) + 1) % 10}")
        case "9346":
            return replace(bad, cents=line.cents + 1000)
        case "category":
            return replace(bad, category="99")
        case "period":
            return replace(bad, first=line.last, last=line.first)
        case "9319":
            after = Month.of(line.last).plus(4)
            return replace(bad, first=after.first_day, last=after.last_day)
        case _:
            return replace(bad, first=dt.date(2015, 1, 1), last=dt.date(2015, 1, 31))
