"""The projector's memory of notices: about whom one stands, since when, and how far today's round has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from streams.hop_store import Transaction

DDL: Final = (
    "CREATE TABLE IF NOT EXISTS retention_notices (person bytea PRIMARY KEY, municipality int NOT NULL, since int NOT NULL, checked_on int NOT NULL)",
    "CREATE TABLE IF NOT EXISTS retention_rounds (one boolean PRIMARY KEY DEFAULT true CHECK (one), day int NOT NULL, after bytea, whole boolean NOT NULL)",
    # ends of care are kept from the first booking on, or nobody is due: books from before know too few
    "INSERT INTO retention_rounds (day, whole) SELECT 0, NOT EXISTS (SELECT 1 FROM bookings) ON CONFLICT DO NOTHING",
)
_AHEAD_DAYS: Final = 2
"""A round of a day further ahead was a clock's mistake: it holds up none of today's."""


@dataclass(frozen=True, slots=True)
class Stands:
    """A notice that stands: whom it told of, since when, and the day it was checked last."""

    person: bytes = field(repr=False)
    municipality: int
    since: int
    checked_on: int


@dataclass(frozen=True, slots=True)
class Page:
    """Persons with bookings, in order, behind `after` up to and with `last` (None: to the end); each with the day of the oldest."""

    after: bytes
    last: bytes | None
    oldest: dict[bytes, int] = field(repr=False)


def next_page(tx: Transaction, *, day: int, size: int) -> Page | None:
    """The next persons of the day's round, which one projector takes; None when the day's round is over, or the books are not whole."""
    row = tx.execute("SELECT day, after FROM retention_rounds WHERE whole FOR UPDATE").fetchone()
    if row is None:
        return None
    same, after = day <= int(str(row[0])) <= day + _AHEAD_DAYS, row[1]
    if same and after is None:
        return None
    start = bytes(after) if same else b""  # type: ignore[call-overload]
    rows = tx.execute(
        "SELECT person, min(service_day) FROM bookings WHERE person > %b GROUP BY person ORDER BY person LIMIT %b",
        (start, size), binary=True,
    ).fetchall()  # fmt: skip
    oldest = {bytes(p): int(str(d)) for p, d in rows}  # type: ignore[call-overload]
    last = max(oldest) if len(oldest) == size else None
    tx.execute("UPDATE retention_rounds SET day = %s, after = %s", (int(str(row[0])) if same else day, last))
    return Page(start, last, oldest)


def standing(tx: Transaction, page: Page) -> dict[bytes, Stands]:
    """The notices that stand about persons of a page's stretch, also about those who have nothing booked any more."""
    rows = tx.execute(
        "SELECT person, municipality, since, checked_on FROM retention_notices WHERE person > %b AND (%b::bytea IS NULL OR person <= %b)",
        (page.after, page.last, page.last), binary=True,
    )  # fmt: skip
    found = [Stands(bytes(p), int(str(m)), int(str(s)), int(str(c))) for p, m, s, c in rows]  # type: ignore[call-overload]
    return {s.person: s for s in found}


def keep(tx: Transaction, stands: Stands) -> None:
    """Remember a notice."""
    tx.execute(
        "INSERT INTO retention_notices VALUES (%s, %s, %s, %s) ON CONFLICT (person) DO UPDATE SET "
        "municipality = EXCLUDED.municipality, since = EXCLUDED.since, checked_on = EXCLUDED.checked_on",
        (stands.person, stands.municipality, stands.since, stands.checked_on),
    )


def forget(tx: Transaction, person: bytes) -> None:
    """Forget a notice."""
    tx.execute("DELETE FROM retention_notices WHERE person = %s", (person,))


def on_their_way(tx: Transaction) -> bool:
    """Whether notices of an earlier tick are not acknowledged yet."""
    return tx.execute("SELECT 1 FROM hop_outbox WHERE topic LIKE 'retention.%' LIMIT 1").fetchone() is not None
