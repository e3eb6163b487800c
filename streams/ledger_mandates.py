"""What besides rows an envelope says to the ledger: mandates given, changed and withdrawn, months closed. Decided without I/O.

Only a municipality gives mandates, signed by a grantor of hers who is not the reader, for a purpose of the list, at most as long and
as many as the rules say, each under a handle never used before; only a provider closes months, of payers that admitted it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas import codec
from schemas.care import Stream
from schemas.codes import sentence
from schemas.errors import Refused
from schemas.frames import ZERO16
from schemas.mandate_rules import CASEWORKER, MandateRules, kind_of_reader, may_grant
from schemas.mandate_terms import MandateTerms, signed_by
from schemas.values import Month, SenderId, day_number, day_of

_STREAMS: Final = frozenset(s.value for s in Stream)
_FIRST_MONTH: Final = Month(2000, 1)
_LATE_DAYS: Final = 7
"""How long a mandate may have been on its way: one that began before was not given in time, and would count for no limit."""
_LAST_DAY: Final = day_number(Month(2999, 12).first_day)


@dataclass(frozen=True, slots=True)
class GivenMandate:
    """A mandate as given: who gave it, for whose household, the encoded `MandateChange`, and whether it was withdrawn."""

    municipality: int
    person: bytes
    change: bytes
    withdrawn: bool

    @property
    def terms(self) -> MandateTerms:
        """Its last revision."""
        return MandateTerms.decode(codec.decode("mandate_change", self.change)["terms"])

    @property
    def is_limited(self) -> bool:
        """Whether it counts for the part of the households that may be under mandates; a family's own file has a limit of its own."""
        return kind_of_reader(self.terms.reader, gemeente=f"gm{self.municipality:04d}") == CASEWORKER


@dataclass(slots=True)
class MandateBook:
    """Mandates a window may touch, by handle, and those it changed."""

    known: dict[bytes, GivenMandate]
    live: dict[int, set[bytes]] = field(default_factory=dict)
    """Persons under live mandates, per municipality that gives some in this window."""
    families: dict[int, set[bytes]] = field(default_factory=dict)
    """Persons for whose own file mandates began in the last 30 days, per municipality."""
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

    def most_families(self, municipality: int) -> int:
        """For how many persons it may give mandates for the own file in 30 days."""
        return self.rules.most_families(self.households.get(municipality, 0))


GrantorKey = Callable[[str, str], "bytes | None"]
"""Public key of a grantor by principal and key id; None where the directory knows none."""


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
    named = (m["handle"] for kind in ("mandates", "mandates_changed") for m in content[kind])
    return [*named, *content["mandates_withdrawn"]]


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
    grantor_key: GrantorKey,
    refusals: Mapping[int, str] | None = None,
) -> Said:
    """Take mandates, changes, withdrawals and closed months of one envelope in order; `book` changes as they are accepted.

    `persons`: one per subject, zeros where there is none, `refusals`: why; `keyed`: who has a key, so can be written about;
    `day`: when Kafka took it in.
    """
    why = refusals or {}
    said = Said()
    judge = _Judge(sender, day, book, limits, grantor_key)
    for index, given in enumerate(content["mandates"]):
        person = persons[given["subject"]] if 0 <= given["subject"] < len(persons) else ZERO16
        lacks = why.get(given["subject"], "subject")
        _note(said, index, given["handle"], lambda g=given, p=person, w=lacks: judge.give(g, p, without=w))  # type: ignore[misc]
    for index, changed in enumerate(content["mandates_changed"]):
        _note(said, index, changed["handle"], lambda c=changed: judge.change(c, keyed))  # type: ignore[misc]
    for index, handle in enumerate(content["mandates_withdrawn"]):
        _note(said, index, handle, lambda h=handle: judge.withdraw(h, keyed))  # type: ignore[misc]
    for index, month in enumerate(content["months"]):
        code = _month_code(month, sender=sender, payers=payers, day=day)
        if code is None:
            said.months.append(month)
        else:
            said.refused.append((index, ZERO16, code))
    return said


def _note(said: Said, index: int, handle: bytes, judged: Callable[[], tuple[bytes, bytes] | None]) -> None:
    try:
        found = judged()
    except Refused as refused:
        said.refused.append((index, handle, refused.code))
        return
    if found is None:
        said.duplicates += 1
    else:
        said.changes.append(found)


def _require(holds: bool, code: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise Refused(code, sentence(code, lang="en"))


@dataclass(frozen=True, slots=True)
class _Judge:
    """What a municipality's mandates are held to. Methods give person and change to write, None for a repeat, or raise `Refused`."""

    sender: SenderId
    day: int
    book: MandateBook
    limits: Limits
    grantor_key: GrantorKey

    def give(self, given: Mapping[str, Any], person: bytes, *, without: str) -> tuple[bytes, bytes] | None:
        """`without`: the code where there is no person."""
        terms = self._terms(given)
        _require(person != ZERO16, without)
        mandate = GivenMandate(self.sender.number, person, _change(given), withdrawn=False)
        before = self.book.known.get(terms.handle)
        if before is not None:
            _require((before.person, before.change) == (person, mandate.change), "mandate-handle")
            return None
        _require(terms.revision == 1, "mandate-revision")
        _require(terms.valid_from >= self.day - _LATE_DAYS, "mandate-period")
        number = self.sender.number
        known, most = (
            (self.book.live, self.limits.most_live(number))
            if mandate.is_limited
            else (self.book.families, self.limits.most_families(number))
        )
        counted = known.setdefault(number, set())
        _require(person in counted or len(counted) < most, "mandate-limit")
        counted.add(person)
        self.book.keep(terms.handle, mandate)
        return person, mandate.change

    def change(self, changed: Mapping[str, Any], keyed: Container[bytes]) -> tuple[bytes, bytes] | None:
        """A longer one is a new mandate: the first day stays, and with it the longest time."""
        terms, before = self._terms(changed), self._own(changed["handle"])
        encoded, stands = _change(changed), before.terms
        if before.change == encoded:
            return None
        in_force = not before.withdrawn and stands.valid_until >= self.day
        _require(in_force and terms.revision == stands.revision + 1, "mandate-revision")
        _require(terms.reader == stands.reader, "mandate-reader")
        _require(terms.valid_from == stands.valid_from, "mandate-period")
        _require(before.person in keyed, "subject")
        self.book.keep(terms.handle, GivenMandate(before.municipality, before.person, encoded, withdrawn=False))
        return before.person, encoded

    def withdraw(self, handle: bytes, keyed: Container[bytes]) -> tuple[bytes, bytes] | None:
        _require(self.sender.is_municipality, "mandate-sender")
        before = self._own(handle)
        if before.withdrawn:
            return None
        _require(before.person in keyed, "subject")
        self.book.keep(handle, GivenMandate(before.municipality, before.person, before.change, withdrawn=True))
        fields = codec.decode("mandate_change", before.change) | {"given": False}
        return before.person, codec.encode("mandate_change", fields)

    def _own(self, handle: bytes) -> GivenMandate:
        """A mandate this municipality gave."""
        before = self.book.known.get(handle)
        if before is None or before.municipality != self.sender.number:
            raise Refused("mandate-handle", sentence("mandate-handle", lang="en"))
        return before

    def _terms(self, said: Mapping[str, Any]) -> MandateTerms:
        """Terms that hold by themselves."""
        _require(self.sender.is_municipality, "mandate-sender")
        terms = MandateTerms.decode(said["terms"])
        _require((terms.handle, terms.municipality) == (said["handle"], self.sender.number), "mandate-handle")
        _require(0 <= terms.valid_from <= terms.valid_until <= _LAST_DAY, "period")
        kind = kind_of_reader(terms.reader, gemeente=self.sender.text)
        _require(kind is not None, "mandate-reader")
        self.limits.rules.check(terms.purpose, first=terms.valid_from, last=terms.valid_until, kind=kind or "")
        self.limits.rules.check_ground(terms.ground)
        public = self.grantor_key(terms.grantor, terms.key_id)
        signed = public is not None and signed_by(public, terms=said["terms"], signature=said["signature"])
        _require(signed and may_grant(terms.grantor, reader=terms.reader, gemeente=self.sender.text), "mandate-grantor")
        return terms


def _change(said: Mapping[str, Any]) -> bytes:
    return codec.encode("mandate_change", {"given": True, "terms": said["terms"], "signature": said["signature"]})


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
