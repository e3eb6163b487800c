"""A whole month again: what to send so that a new file stands where an old one stood.

Knows both readings and nothing of what the zone holds: that the old file was sent is the caller's word.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from itertools import chain

from producers.deliveries import WITHDRAWN_HERE, Delivery, Item, Reading, Withdrawal
from producers.findings import CREDIT_REJECTED, Finding, Severity
from schemas.care import Stream


def replacements(old: Reading, new: Reading, *, used: Iterable[tuple[Stream, str]] = ()) -> Reading:
    """What must be sent so that `new` stands where `old` stood: withdrawals of what is gone or changed, then new lines.

    Lines equal but for their reference stand as they are. A changed line under a reference of `old` gets the next one
    (`R` -> `R~2` -> `R~3`), since a reference is used once: `to_write_back` of the result names every row whose reference
    in force is not the one in the file. Grants and withdrawals of `new` go along. Findings and codes are those of `new`.
    `used`: references of deliveries taken out before, as far as known: a line removed once may come back under its old name.
    Where `new` is a 325 that rejects declaration `old` as a whole, every delivery of `old` is withdrawn.
    """
    if any(f.code == "answer-whole" for f in new.findings):
        return _rejected_as_a_whole(old, answer=new)
    if new.refused_whole:
        return new
    standing: dict[Hashable, list[Delivery]] = {}
    for item in old.items:
        if isinstance(item, Delivery):
            standing.setdefault(_content(item), []).append(item)
    last_turns = _last_turns(chain(used, ((item.stream, item.reference) for item in old.items)))
    in_force = dict(new.to_write_back)
    kept: list[tuple[Item, int]] = []
    for item, line in zip(new.items, new.lines, strict=True):
        same = standing.get(_content(item)) if isinstance(item, Delivery) else None
        if same:
            reference = _take(same, item.reference).reference
        else:
            reference = _fresh_reference(item, last_turns)
            kept.append((item if reference == item.reference else replace(item, reference=reference), line))
        if reference != item.reference:
            in_force[line] = reference
    gone = [(_withdrawal_of(d), 0) for left in standing.values() for d in left]
    pairs: list[tuple[Item, int]] = [*gone, *kept]
    return replace(new, items=tuple(i for i, _ in pairs), lines=tuple(n for _, n in pairs),
                   to_write_back=tuple(sorted(in_force.items())))  # fmt: skip


def all_withdrawn(reading: Reading) -> Reading:
    """The withdrawals that take out every delivery of a file: of a declaration the municipality refused as a whole."""
    return replacements(reading, replace(reading, items=(), lines=(), to_write_back=()))


def _rejected_as_a_whole(declaration: Reading, *, answer: Reading) -> Reading:
    """What a 325 without lines means for the 323 it answers; `answer-other` when it answers another one."""
    if (declaration.declaration, declaration.receiver) != (
        answer.declaration,
        answer.sender,
    ) or answer.declaration is None:
        other = Finding("answer-other", Severity.MESSAGE, remedy_nl="Kies de declaratie met hetzelfde declaratienummer.",
                        remedy_en="Choose the declaration of the same number.")  # fmt: skip
        return replace(answer, findings=(other,))
    credits_too = any(isinstance(item, Withdrawal) for item in declaration.items)
    notes = (CREDIT_REJECTED,) if credits_too else ()
    return replace(all_withdrawn(declaration), source=answer.source, format=answer.format, findings=notes)


def _content(d: Delivery) -> Hashable:
    return (d.bsn, d.payer, d.care_type.id, d.first_day, d.last_day, d.cents, d.product, d.assignment,
            d.volume_hundredths, d.unit, d.tariff_cents, d.address, d.address_as_of)  # fmt: skip


def _take(same: list[Delivery], reference: str) -> Delivery:
    """Remove and return one of the standing equals: the one with the same reference if there is one."""
    return same.pop(next((i for i, d in enumerate(same) if d.reference == reference), 0))


def _turn_of(reference: str) -> tuple[str, int]:
    """`R` -> (R, 1); `R~3` -> (R, 3)."""
    stem, _, turn = reference.rpartition("~")
    return (stem, int(turn)) if stem and turn.isdecimal() else (reference, 1)


def _last_turns(used: Iterable[tuple[Stream, str]]) -> dict[tuple[Stream, str], int]:
    last: dict[tuple[Stream, str], int] = {}
    for stream, reference in used:
        stem, turn = _turn_of(reference)
        last[stream, stem] = max(turn, last.get((stream, stem), 0))
    return last


def _fresh_reference(item: Item, last_turns: dict[tuple[Stream, str], int]) -> str:
    stem, turn = _turn_of(item.reference)
    last = last_turns.get((item.stream, stem))
    if last is None:
        return item.reference
    last_turns[item.stream, stem] = fresh = max(turn, last) + 1
    return f"{stem}~{fresh}"


def _withdrawal_of(d: Delivery) -> Withdrawal:
    return Withdrawal(
        bsn=d.bsn, payer=d.payer, care_type=d.care_type, first_day=d.first_day, last_day=d.last_day, cents=d.cents,
        reference=f"{WITHDRAWN_HERE}{d.reference}", withdrawn_reference=d.reference, product=d.product,
        assignment=d.assignment, volume_hundredths=d.volume_hundredths, unit=d.unit, tariff_cents=d.tariff_cents,
    )  # fmt: skip
