"""Intake's part of retention periods: it keeps whose period the projector says has passed, and until when somebody may object.

The preview begins when intake hears of a notice. Whoever a provider names after that is forgotten here: the preview begins anew, if the projector says
so again. A notice from a day that has not come is a clock's mistake and counts for nothing. What came before that was in the projector's books when it checked the notice that is used, since that is as many days later.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from schemas import codec
from schemas.erasure import PublicKeyOf
from schemas.errors import Refused
from schemas.retention import FRESH_DAYS, Notice, decided, read_use, request_of
from schemas.sealing import open_sealed
from streams import pseudonym_table as table
from streams.hop_store import Transaction
from streams.key_ring import Keys

DDL: Final = (
    "CREATE TABLE IF NOT EXISTS retention_due (request bytea PRIMARY KEY, person bytea NOT NULL UNIQUE, municipality int NOT NULL, since int NOT NULL)",
    "CREATE TABLE IF NOT EXISTS retention_ended (municipality int, decision bytea, PRIMARY KEY (municipality, decision))",
)
USE, NOTICE, ENDED = "retention_use", "signed_retention_notice", "retention_ended"


def named(tx: Transaction, persons: Collection[bytes]) -> None:
    """Providers named these persons: no preview stands about any of them."""
    if persons and tx.execute("SELECT 1 FROM retention_due LIMIT 1").fetchone() is not None:
        tx.execute("DELETE FROM retention_due WHERE person = ANY(%b)", (list(persons),))


@dataclass(frozen=True, slots=True)
class RetentionDesk:
    """Hears one municipality on one day. `day`: on which Kafka took the envelope; `key_of`: of grantors and the projector."""

    municipality: int
    day: int
    key_of: PublicKeyOf
    identity_keys: Keys

    def notice(self, tx: Transaction, data: bytes) -> bytes:
        """From here on the preview of a notice stands, if it did not before; its request. Raises `Refused` (`retention-notice`)."""
        notice = Notice.proved(data, self.key_of)
        person = self._person(notice)
        if notice.municipality != self.municipality or notice.checked_on > self.day + 1 or table.erased(tx, [person]):
            raise _not_ours()
        tx.execute(
            "INSERT INTO retention_due VALUES (%s, %s, %s, %s) ON CONFLICT (request) DO UPDATE SET municipality = EXCLUDED.municipality, "
            "since = EXCLUDED.since WHERE retention_due.municipality <> EXCLUDED.municipality",
            (notice.request, person, self.municipality, self.day),
        )
        return notice.request

    def _person(self, notice: Notice) -> bytes:
        secret = self.identity_keys.get(notice.identity_key_id)
        person = b"" if secret is None else open_sealed(secret, notice.person)
        if notice.request != request_of(person):
            raise _not_ours()
        return person

    def end(self, tx: Transaction, data: bytes) -> bytes:
        """A standing decision of this municipality counts no more; its id."""
        decision: bytes = codec.decode(ENDED, data)["decision"]
        tx.execute("INSERT INTO retention_ended VALUES (%s, %s) ON CONFLICT DO NOTHING", (self.municipality, decision))
        return decision

    def due(self, tx: Transaction, data: bytes) -> bytes:
        """Whom a use of a standing decision erases. Raises `Refused`: as `decided`, `retention-waits`, `retention-kept`."""
        decided(data, self.key_of, on=self.day)
        standing, notice = read_use(data)
        if standing.municipality != self.municipality or not -1 <= self.day - notice.checked_on <= FRESH_DAYS:
            raise _not_ours()
        if tx.execute(
            "SELECT 1 FROM retention_ended WHERE municipality = %s AND decision = %s", (self.municipality, standing.id)
        ).fetchone():
            raise Refused("retention-decision", "The standing decision was ended.")
        row = tx.execute(
            "SELECT person, since FROM retention_due WHERE request = %s AND municipality = %s FOR UPDATE",
            (notice.request, self.municipality),
        ).fetchone()
        if row is None or notice.checked_on - int(str(row[1])) < notice.preview_days:
            raise Refused("retention-waits", "The preview has not stood long enough.")
        person: bytes = bytes(row[0])  # type: ignore[call-overload]
        if tx.execute("SELECT 1 FROM erasure_requests WHERE person = %s AND state <> 'granted'", (person,)).fetchone():
            raise Refused("retention-kept", "It was decided otherwise about this person, or a request is open.")
        return person


def _not_ours() -> Refused:
    return Refused("retention-notice", "The notice is not for this municipality, too old, or about somebody else.")
