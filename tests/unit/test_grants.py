"""What is granted per week or month stands beside what was delivered: month by month, in the same unit, at the same home."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from ledger_builders import HOUR, a_ledger_row, a_line, sixteen

from projections.bookings import Placements, booked
from projections.grants import GRANTS_FROM, MOST_MONTHS, spread
from projections.household_card import household_card
from schemas.frames import ALWAYS, NO_VALUE, OPEN_END, Kind
from schemas.values import Month, day_number, day_of

ANNE, AREA = sixteen("Anne"), 99_01_01_01_01
DAY, WEEK, MONTH, PERIOD = 1, 2, 4, 6
MINUTE = 1


def day(text: str) -> int:
    return day_number(dt.date.fromisoformat(text))


def grant(first: str, last: str | None, volume: int, frequency: int, **fields: object) -> np.ndarray:
    return a_ledger_row(
        kind=Kind.GRANTED, from_day=day(first), to_day=OPEN_END if last is None else day(last), volume=volume,
        frequency=frequency, **fields,
    )  # fmt: skip


def months(row: np.ndarray) -> list[tuple[str, int]]:
    _, days, volumes = spread(row)
    return [(str(day_of(d)), v) for d, v in zip(days.tolist(), volumes.tolist(), strict=True)]


def test_a_year_of_hours_a_week_is_twelve_months_that_sum_to_its_weeks() -> None:
    found = months(grant("2025-01-01", "2025-12-31", 400, WEEK))
    assert [d for d, _ in found] == [f"2025-{m:02d}-01" for m in range(1, 13)]
    assert sum(v for _, v in found) == 400 * 365 // 7
    assert found[1] == ("2025-02-01", 1600), "four weeks"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (grant("2025-01-15", "2025-02-10", 3100, MONTH), [("2025-01-15", 1700), ("2025-02-01", 1107)]),
        (grant("2025-01-30", "2025-02-02", 100, DAY), [("2025-01-30", 200), ("2025-02-01", 200)]),
        (grant("2025-01-15", "2026-02-10", 4000, PERIOD), [("2025-01-15", 4000)]),
        (grant("2025-01-15", None, 4000, 0), [("2025-01-15", 4000)]),
        (grant("2025-01-15", None, NO_VALUE, WEEK), [("2025-01-15", 0)]),
        (grant("2015-01-01", "2019-12-31", 400, WEEK), []),
        (grant("2999-12-20", None, 100, DAY), [("2999-12-20", 1200)]),
    ],
    ids=["parts of months", "days", "the whole period", "no rate", "no volume", "before anything", "at the end of all days"],
)  # fmt: skip
def test_other_grants(row: np.ndarray, expected: list[tuple[str, int]]) -> None:
    assert months(row) == expected


def test_a_grant_without_an_end_ends_somewhere_and_one_of_long_ago_begins_where_deliveries_do() -> None:
    found = months(grant("1995-01-01", None, 400, WEEK))
    assert len(found) == MOST_MONTHS
    assert found[0][0] == str(day_of(GRANTS_FROM))


def card(*rows: np.ndarray, open_month: str = "2025-07") -> list[dict]:
    together = np.concatenate(rows)
    places = Placements({ANNE: a_line((ALWAYS, "home", AREA))})
    bookings, _ = booked(together, np.zeros(len(together), np.int64), np.zeros(len(together), np.int64), places)
    return household_card(bookings, known_on=day("2026-01-01"), epoch=Month.parse(open_month).index)["lines"]


def delivered(month: str, volume: int, unit: int = HOUR) -> np.ndarray:
    return a_ledger_row(from_day=day(f"{month}-01"), volume=volume, unit=unit, reference=month)


def test_minutes_declared_stand_on_one_line_with_hours_granted_up_to_the_last_closed_month() -> None:
    weekly = grant("2025-01-01", None, 400, WEEK)
    (line,) = card(weekly, delivered("2025-01", 90_00, MINUTE), delivered("2025-02", 45_00, MINUTE))
    assert (line["unit"], line["volume"]) == (HOUR, 225)
    assert line["granted_volume"] == 400 * 181 // 7, "January to June: 181 days"
    assert (line["first_month"], line["last_month"]) == (Month(2025, 1).index, Month(2025, 2).index)


def test_a_month_that_is_open_counts_as_granted_once_something_was_delivered_in_it() -> None:
    weekly = grant("2025-01-01", None, 700, WEEK)
    (before,) = card(weekly, delivered("2025-06", 100), open_month="2025-07")
    (within,) = card(weekly, delivered("2025-07", 100), open_month="2025-07")
    assert within["granted_volume"] - before["granted_volume"] == 31_00


def test_a_grant_that_another_took_back_is_not_on_the_card() -> None:
    first, second = grant("2025-01-01", None, 400, WEEK), grant("2025-01-01", "2025-01-31", 100, MONTH)
    ended = first.copy()
    ended["kind"] = Kind.GRANT_ENDED
    (line,) = card(first, ended, second)
    assert line["granted_volume"] == 100
    assert card(first, ended) == []


def test_other_units_keep_their_own_line() -> None:
    lines = card(grant("2025-01-01", None, 400, MONTH, unit=14), delivered("2025-01", 100))
    assert [(x["unit"], x["granted_volume"], x["volume"]) for x in lines] == [(HOUR, -1, 100), (14, 2400, 0)]


def test_a_month_is_granted_where_the_person_lived_in_it() -> None:
    places = Placements({ANNE: a_line((ALWAYS, "home", AREA), (day("2025-02-01"), "next", AREA + 1))})
    bookings, unplaced = booked(
        grant("2025-01-01", "2025-03-31", 100, MONTH), np.zeros(1, np.int64), np.zeros(1, np.int64), places
    )
    assert bookings["area"].tolist() == [AREA, AREA + 1, AREA + 1]
    assert bookings["volume"].tolist() == [100, 100, 100]
    assert unplaced == 0
