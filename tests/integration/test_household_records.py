"""Micro records on a real PostgreSQL: one per live mandate, made anew when something changed, at night, and taken away in the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from projections.bookings import Placements, booked
from schemas import codec
from schemas.frames import ALWAYS, LEDGER_ROW, rows_of
from schemas.household_record import claims_of, open_section, section_key
from schemas.placements import own_household
from schemas.sealing import box_public_key
from schemas.secrets import BoxKey, SigningKey
from schemas.values import Month, day_number
from streams import projector_store as store
from streams.hop_store import OutboxRow, PostgresHopStore, prepared
from streams.household_records import HouseholdRecords
from tests.unit.ledger_builders import a_ledger_row, a_line, sixteen

ANNE, HANDLE, SECTION = sixteen("Anne"), bytes(range(16)), BoxKey.generate()
AREA = 99_01_01_01_01
START = dt.datetime(2025, 6, 10, 12, tzinfo=dt.UTC)


@dataclass
class Records:
    """Projectors that share a database, at a time of one's choosing; what they send."""

    dsn: str
    now: dt.datetime = START
    sent: list[OutboxRow] = field(default_factory=list)
    stores: list[PostgresHopStore] = field(default_factory=list)

    def projector(self) -> HouseholdRecords:
        self.stores.append(PostgresHopStore(self.dsn, "projector"))
        return HouseholdRecords(
            self.stores[-1],
            lambda: ("section-1", box_public_key(SECTION)),
            SigningKey(b"\x07" * 32),
            Month(2025, 1),
            lambda: self.now,
        )

    def put(self, rows: list[OutboxRow]) -> None:
        self.sent += rows

    def tick(self, projector: HouseholdRecords) -> list[dict[str, Any] | None]:
        """The records one tick sends: decoded, None for a tombstone."""
        before = len(self.sent)
        projector.tick(self)  # type: ignore[arg-type]
        return [codec.decode("household_record", r.value) if r.value else None for r in self.sent[before:]]

    def execute(self, query: str, *values: Any) -> None:
        with prepared(self.dsn) as connection:
            connection.execute(query, values)


@pytest.fixture
def records(fresh_database: Callable[[str], str]) -> Iterator[Records]:
    dsn = fresh_database("projector")
    with prepared(dsn, store.DDL) as c:
        line = a_line((ALWAYS, "home", AREA), (day_number(dt.date(2025, 6, 12)), "elsewhere", AREA))
        store.save_placements(c, {ANNE: (1, line)})
        rows = rows_of(a_ledger_row(from_day=day_number(dt.date(2025, 3, 1)), cents=700).tobytes(), LEDGER_ROW)
        places = Placements({ANNE: a_line((ALWAYS, "home", AREA))})
        store.add_bookings(c, booked(rows, *(rows["kind"].astype("i8") * 0,) * 2, places)[0])
        until = day_number(dt.date(2025, 6, 20))
        c.execute(
            "INSERT INTO mandates (handle, person, municipality, valid_until, given, marked) VALUES (%s, %s, 9901, %s, true, true)",
            (HANDLE, ANNE, until),
        )
    made = Records(dsn)
    yield made
    for one in made.stores:
        one.close()


def cents(record: dict[str, Any] | None) -> int:
    assert record is not None
    (claim,) = claims_of(record)
    key = section_key(section_secret=SECTION, handle=HANDLE, version=record["version"], claim=claim)
    return sum(line["cents"] for line in open_section(secret=key, record=record, index=0)["lines"])


def test_a_mark_gives_one_record_and_nothing_happens_without_one(records: Records) -> None:
    projector = records.projector()
    (first,) = records.tick(projector)
    assert (first["version"], cents(first)) == (1, 700)
    assert records.tick(projector) == []
    records.execute("UPDATE mandates SET marked = true")
    (second,) = records.tick(projector)
    assert second["version"] == 2
    assert second["sections"][0]["ciphertext"] != first["sections"][0]["ciphertext"]


def test_one_projector_at_a_time_turns_marks_into_records(records: Records) -> None:
    one, other = records.projector(), records.projector()
    assert len(records.tick(one)) == 1
    records.execute("UPDATE mandates SET marked = true")
    assert records.tick(other) == []
    records.execute("UPDATE leases SET until = now() - interval '1 second' WHERE name = 'household records'")
    assert len(records.tick(other)) == 1
    assert records.tick(one) == []


def test_each_night_every_live_record_goes_again_as_the_day_makes_it(records: Records) -> None:
    projector = records.projector()
    assert cents(records.tick(projector)[0]) == 700
    records.now = START + dt.timedelta(hours=14)
    assert records.tick(projector) == [], "two o'clock"
    records.now = START + dt.timedelta(hours=15)
    (again,) = records.tick(projector)
    assert (again["version"], cents(again)) == (2, 700)
    assert records.tick(projector) == [], "once a night"
    records.now = START + dt.timedelta(days=2)
    (moved,) = records.tick(projector)
    assert cents(moved) == 0, "Anne moved on the twelfth: the card is of the household she lives in"


def test_a_mandate_past_its_end_becomes_a_tombstone_that_goes_again_for_thirty_days(records: Records) -> None:
    projector = records.projector()
    records.tick(projector)
    records.now = dt.datetime(2025, 6, 20, 23, tzinfo=dt.UTC)
    assert [r["version"] for r in records.tick(projector)] == [2], "its last day, and the night's round"
    records.now = dt.datetime(2025, 6, 21, 1, tzinfo=dt.UTC)
    assert records.tick(projector) == [None]
    nights = [
        records.tick(projector)
        for records.now in (dt.datetime(2025, 6, 22, 3, tzinfo=dt.UTC) + dt.timedelta(n) for n in range(35))
    ]
    assert nights == [[None]] * 29 + [[]] * 6
    assert {(r.topic, r.key) for r in records.sent} == {("household.gm9901.v1", HANDLE)}


def test_a_withdrawn_mandate_becomes_a_tombstone_and_who_is_unplaced_is_alone(records: Records) -> None:
    projector = records.projector()
    records.execute("DELETE FROM placements")
    assert cents(records.tick(projector)[0]) == 0
    records.execute("UPDATE bookings SET household = %s", own_household(ANNE))
    records.execute("UPDATE mandates SET marked = true")
    assert cents(records.tick(projector)[0]) == 700
    records.execute("UPDATE mandates SET given = false, marked = true")
    assert records.tick(projector) == [None]
