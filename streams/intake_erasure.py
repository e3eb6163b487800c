"""Intake's part of an erasure: it keeps who asked, and once two officials decided it forgets who that was.

A request comes with a BSN and is kept as a person id; the decision names the request alone. What is decided goes on to the ledger even
where it was decided before: a sender whose first envelope was refused further on sends it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from schemas import codec
from schemas.codes import ACCEPTED
from schemas.erasure import Decision, PublicKeyOf, proved
from schemas.errors import Refused
from schemas.frames import PLACEMENT_ROW, ZERO16
from schemas.retention import Notice, decided, read_use
from streams import intake_retention as retention
from streams import intake_store as store
from streams import pseudonym_table as table
from streams.hop_store import Transaction
from streams.intake_retention import RetentionDesk
from streams.key_ring import Keys

_ASKED, _GRANTED = "asked", "granted"


@dataclass(slots=True)
class Heard:
    """What became of an envelope's requests and decisions: `erasures` of a rekeyed envelope, and who else's placement may change."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    moved: set[bytes] = field(default_factory=set)

    def add(self, request: bytes, code: str = ACCEPTED, *, person: bytes = ZERO16, decision: bytes = b"") -> None:
        """One more row."""
        self.rows.append({"request": request, "code": code, "person": person, "decision": decision})


@dataclass(frozen=True, slots=True)
class ErasureDesk:
    """Takes requests and decisions of one municipality.

    `appended_day`: when Kafka took it in; `key_of`: of grantors and the projector; `identity_keys`: what notices' persons are
    sealed to.
    """

    municipality: int
    key_of: PublicKeyOf
    appended_day: int
    identity_keys: Keys

    def hear(
        self, tx: Transaction, identity: dict[str, Any], persons: Sequence[bytes], refusals: Mapping[int, str]
    ) -> Heard:
        """All of one identity part, in order. `persons`: one per subject, zeros where refused; `refusals`: why, by subject."""
        heard = Heard()
        for asked in identity["erasures_asked"]:
            subject = asked["subject"]
            if subject in refusals or not 0 <= subject < len(persons):
                heard.add(asked["request"], refusals.get(subject, "subject"))
                continue
            try:
                self._ask(tx, asked["request"], persons[subject])
            except Refused as refused:
                heard.add(asked["request"], refused.code)
            else:
                heard.add(asked["request"])
        for said in identity["erasures_decided"]:
            self._hear(tx, said, heard)
        return heard

    def _hear(self, tx: Transaction, said: bytes, heard: Heard) -> None:
        """A decision on a request; or what a municipality says of retention periods, which comes the same way."""
        request = ZERO16
        try:
            match codec.name_of(said):
                case retention.NOTICE:
                    request = Notice.read(said).request
                    self._retention.notice(tx, said)
                case retention.ENDED:
                    request = self._retention.end(tx, said)
                case retention.USE:
                    request = read_use(said)[1].request
                    self._erase(tx, request, self._due(tx, said, request), said, heard)
                    return
                case _:
                    self._decide(tx, said, heard)
                    return
        except Refused as refused:
            heard.add(request, refused.code)
        else:
            heard.add(request)

    @property
    def _retention(self) -> RetentionDesk:
        return RetentionDesk(self.municipality, self.appended_day, self.key_of, self.identity_keys)

    def _ask(self, tx: Transaction, request: bytes, person: bytes) -> None:
        known = _request(tx, request)
        if known == (self.municipality, person, _ASKED):
            return  # said twice is said once
        if known is not None:
            raise Refused("erasure-request", "The request id was used before.")
        lives_in = _gemeente(store.placement(tx, person), self.appended_day)
        if lives_in not in (None, self.municipality):
            raise Refused("erasure-elsewhere", "The person lives in another municipality.")
        open_one = tx.execute(
            "SELECT 1 FROM erasure_requests WHERE person = %s AND state = 'asked'", (person,)
        ).fetchone()
        if open_one is not None:
            raise Refused("erasure-asked", "A request for this person is open.")
        tx.execute("INSERT INTO erasure_requests VALUES (%s, %s, %s, 'asked')", (request, self.municipality, person))

    def _decide(self, tx: Transaction, signed: bytes, heard: Heard) -> None:
        request = ZERO16
        try:
            decision = proved(signed, self.key_of).decision
            request = decision.request
            person = self._asked_before(tx, decision)
        except Refused as refused:
            heard.add(request, refused.code)
            return
        if not decision.granted:
            heard.add(request)
            return
        self._erase(tx, request, person, signed, heard)

    def _due(self, tx: Transaction, said: bytes, request: bytes) -> bytes:
        """Whom a standing decision erases; said again it is the same. Raises `Refused`."""
        known = _request(tx, request)
        if known is not None and known == (self.municipality, known[1], _GRANTED) and decided(said, self.key_of):
            return known[1]
        person = self._retention.due(tx, said)
        if _gemeente(store.placement(tx, person), self.appended_day) not in (None, self.municipality):
            raise Refused("erasure-elsewhere", "The person lives in another municipality.")
        tx.execute(
            "INSERT INTO erasure_requests VALUES (%s, %s, %s, %s)", (request, self.municipality, person, _GRANTED)
        )
        return person

    def _erase(self, tx: Transaction, request: bytes, person: bytes, decision: bytes, heard: Heard) -> None:
        store.lock_placements(tx, [person])
        table.unlink(tx, person)
        retention.named(tx, [person])
        heard.moved |= store.forget(tx, [person])
        heard.add(request, person=person, decision=decision)

    def _asked_before(self, tx: Transaction, decision: Decision) -> bytes:
        """Whom a decision is about; from here on that is how it was decided. Raises `Refused` (`erasure-request`)."""
        known, state = _request(tx, decision.request), "granted" if decision.granted else "refused"
        ours = known is not None and known[0] == decision.municipality == self.municipality
        if known is None or not ours or known[2] not in (_ASKED, state):
            raise Refused("erasure-request", "The request is not this municipality's, or decided otherwise.")
        tx.execute("UPDATE erasure_requests SET state = %s WHERE request = %s", (state, decision.request))
        return known[1]


def _request(tx: Transaction, request: bytes) -> tuple[int, bytes, str] | None:
    row = tx.execute(
        "SELECT municipality, person, state FROM erasure_requests WHERE request = %s FOR UPDATE", (request,)
    ).fetchone()
    return None if row is None else (int(str(row[0])), bytes(row[1]), str(row[2]))  # type: ignore[call-overload]


def _gemeente(packed: bytes, day: int) -> int | None:
    """The gemeente where someone with these placements lives on a day; None where that is not known."""
    rows = np.frombuffer(packed, PLACEMENT_ROW)
    current = rows[rows["from_day"] <= day][-1:]
    return int(current["area"][0]) // 1_000_000 if len(current) and current["area"][0] else None
