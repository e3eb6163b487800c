"""What besides rows an envelope says to the ledger: mandates given and withdrawn, months closed. Decided without I/O.

Only a municipality gives mandates, each under a handle never used before; only a provider closes months, of payers that
admitted it.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas import codec
from schemas.care import Stream
from schemas.frames import ZERO16
from schemas.values import Month, SenderId, day_number, day_of

_STREAMS: Final = frozenset(s.value for s in Stream)
_FIRST_MONTH: Final = Month(2000, 1)
_LAST_DAY: Final = day_number(Month(2999, 12).first_day)


@dataclass(frozen=True, slots=True)
class GivenMandate:
    """A mandate as given: who gave it, for whose household, the encoded `MandateChange`, and whether it was withdrawn."""

    municipality: int
    person: bytes
    change: bytes
    withdrawn: bool


@dataclass(slots=True)
class MandateBook:
    """Mandates a window may touch, by handle, and those it changed."""

    known: dict[bytes, GivenMandate]
    changed: dict[bytes, GivenMandate] = field(default_factory=dict)

    def keep(self, handle: bytes, given: GivenMandate) -> None:
        """Remember a mandate, or that it was withdrawn."""
        self.known[handle] = self.changed[handle] = given


@dataclass(slots=True)
class Said:
    """What became of an envelope's mandates and months.

    `changes`: (person, encoded `MandateChange`); `months`: those that count; `refused`: (position, handle, code).
    """

    changes: list[tuple[bytes, bytes]] = field(default_factory=list)
    months: list[dict[str, Any]] = field(default_factory=list)
    refused: list[tuple[int, bytes, str]] = field(default_factory=list)
    duplicates: int = 0

    @property
    def accepted(self) -> int:
        """How many of them count."""
        return len(self.changes) + len(self.months)


def handles_of(content: dict[str, Any]) -> list[bytes]:
    """Every mandate handle a content part names."""
    return [*(m["handle"] for m in content["mandates"]), *content["mandates_withdrawn"]]


def hear(
    content: dict[str, Any],
    *,
    sender: SenderId,
    payers: frozenset[int],
    persons: Sequence[bytes],
    keyed: Container[bytes],
    day: int,
    book: MandateBook,
) -> Said:
    """Take mandates, withdrawals and closed months of one envelope in order; `book` changes as they are accepted.

    `persons`: one per subject, zeros where there is none; `keyed`: who has a key, so can be written about.
    """
    said = Said()
    for index, mandate in enumerate(content["mandates"]):
        found = _give(mandate, sender=sender, persons=persons, book=book)
        _note(said, index, mandate["handle"], found)
    for index, handle in enumerate(content["mandates_withdrawn"]):
        _note(said, index, handle, _withdraw(handle, sender=sender, keyed=keyed, book=book))
    for index, month in enumerate(content["months"]):
        code = _month_code(month, sender=sender, payers=payers, day=day)
        if code is None:
            said.months.append(month)
        else:
            said.refused.append((index, ZERO16, code))
    return said


def _note(said: Said, index: int, handle: bytes, found: tuple[bytes, bytes] | str | None) -> None:
    if found is None:
        said.duplicates += 1
    elif isinstance(found, str):
        said.refused.append((index, handle, found))
    else:
        said.changes.append(found)


def _give(
    mandate: dict[str, Any], *, sender: SenderId, persons: Sequence[bytes], book: MandateBook
) -> tuple[bytes, bytes] | str | None:
    """Person and change to write, a code, or None for a mandate sent again as it was."""
    if not sender.is_municipality:
        return "mandate-sender"
    person = persons[mandate["subject"]] if 0 <= mandate["subject"] < len(persons) else ZERO16
    if person == ZERO16:
        return "subject"
    if not 0 <= mandate["valid_from"] <= mandate["valid_until"] <= _LAST_DAY:
        return "period"
    fields = {name: value for name, value in mandate.items() if name != "subject"}
    change = codec.encode("mandate_change", fields | {"given": True, "municipality": sender.number})
    before = book.known.get(mandate["handle"])
    if before is not None:
        return None if (before.person, before.change) == (person, change) else "mandate-handle"
    book.keep(mandate["handle"], GivenMandate(sender.number, person, change, withdrawn=False))
    return person, change


def _withdraw(
    handle: bytes, *, sender: SenderId, keyed: Container[bytes], book: MandateBook
) -> tuple[bytes, bytes] | str | None:
    if not sender.is_municipality:
        return "mandate-sender"
    before = book.known.get(handle)
    if before is None or before.municipality != sender.number:
        return "mandate-handle"
    if before.withdrawn:
        return None
    if before.person not in keyed:
        return "subject"
    book.keep(handle, GivenMandate(before.municipality, before.person, before.change, withdrawn=True))
    return before.person, codec.encode(
        "mandate_change", codec.decode("mandate_change", before.change) | {"given": False}
    )


def _month_code(month: dict[str, Any], *, sender: SenderId, payers: frozenset[int], day: int) -> str | None:
    if sender.is_municipality:
        return "kind"
    if month["payer"] not in payers:
        return "payer"
    if month["stream"] not in _STREAMS:
        return "category"
    if month["month"] < _FIRST_MONTH.index:
        return "too-old"
    return "future" if month["month"] > Month.of(day_of(day)).index else None
