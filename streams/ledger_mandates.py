"""What besides rows an envelope says to the ledger: mandates given and withdrawn, months closed. Decided without I/O.

Only a municipality gives mandates, to a caseworker of her own, for a purpose of the list, at most as long and as many as the rules
say, each under a handle never used before; only a provider closes months, of payers that
admitted it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas import codec
from schemas.care import Stream
from schemas.errors import Refused
from schemas.frames import ZERO16
from schemas.mandate_rules import MandateRules
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

    @property
    def valid_until(self) -> int:
        """Its last day."""
        return int(codec.decode("mandate_change", self.change)["valid_until"])


@dataclass(slots=True)
class MandateBook:
    """Mandates a window may touch, by handle, and those it changed."""

    known: dict[bytes, GivenMandate]
    live: dict[int, set[bytes]] = field(default_factory=dict)
    """Persons under live mandates, per municipality that gives some in this window."""
    changed: dict[bytes, GivenMandate] = field(default_factory=dict)

    def keep(self, handle: bytes, given: GivenMandate) -> None:
        """Remember a mandate, or that it was withdrawn."""
        self.known[handle] = self.changed[handle] = given


@dataclass(frozen=True, slots=True)
class Limits:
    """What a mandate is held to. `households`: how many a municipality has, by its number."""

    rules: MandateRules = MandateRules()  # noqa: RUF009 - frozen
    households: Mapping[int, int] = field(default_factory=dict)

    def most_live(self, municipality: int) -> int:
        """How many of its households may be under live mandates."""
        return self.rules.most_live(self.households.get(municipality, 0))


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
    limits: Limits,
) -> Said:
    """Take mandates, withdrawals and closed months of one envelope in order; `book` changes as they are accepted.

    `persons`: one per subject, zeros where there is none; `keyed`: who has a key, so can be written about.
    """
    said = Said()
    for index, mandate in enumerate(content["mandates"]):
        found = _give(mandate, sender=sender, persons=persons, book=book, limits=limits)
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
    mandate: dict[str, Any], *, sender: SenderId, persons: Sequence[bytes], book: MandateBook, limits: Limits
) -> tuple[bytes, bytes] | str | None:
    """Person and change to write, a code, or None for a mandate sent again as it was."""
    person = persons[mandate["subject"]] if 0 <= mandate["subject"] < len(persons) else ZERO16
    code = _mandate_code(mandate, sender=sender, person=person, rules=limits.rules)
    if code is not None:
        return code
    fields = {name: value for name, value in mandate.items() if name != "subject"}
    change = codec.encode("mandate_change", fields | {"given": True, "municipality": sender.number})
    before = book.known.get(mandate["handle"])
    if before is not None:
        return None if (before.person, before.change) == (person, change) else "mandate-handle"
    live = book.live.setdefault(sender.number, set())
    if person not in live and len(live) >= limits.most_live(sender.number):
        return "mandate-limit"
    live.add(person)
    book.keep(mandate["handle"], GivenMandate(sender.number, person, change, withdrawn=False))
    return person, change


def _mandate_code(mandate: dict[str, Any], *, sender: SenderId, person: bytes, rules: MandateRules) -> str | None:
    """The first rule a mandate breaks by itself, or None."""
    if not sender.is_municipality:
        return "mandate-sender"
    if person == ZERO16:
        return "subject"
    if not 0 <= mandate["valid_from"] <= mandate["valid_until"] <= _LAST_DAY:
        return "period"
    if re.fullmatch(rf"caseworker-{re.escape(sender.text)}-[a-z0-9-]{{1,40}}", mandate["reader"]) is None:
        return "mandate-reader"
    try:
        rules.check(mandate["purpose"], first=mandate["valid_from"], last=mandate["valid_until"])
    except Refused as refused:
        return refused.code
    return None


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
