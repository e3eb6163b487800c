"""When a month is over, closed and published: Amsterdam's midnight, Dutch working days, and settings that are refused in one sentence."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from projections.release.calendar import Calendar, end_of, is_over
from schemas.errors import SettingsWrong
from schemas.values import Month

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVERY_MONTH = [Month(2025, 1).plus(i) for i in range(240)]


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("month", "last_second"),
    [(Month(2026, 1), utc(2026, 1, 31, 22, 59, 59)), (Month(2026, 6), utc(2026, 6, 30, 21, 59, 59)), (Month(2025, 12), utc(2025, 12, 31, 22, 59, 59))],
)  # fmt: skip
def test_a_month_is_over_at_its_last_midnight_in_amsterdam_in_winter_and_summer(
    month: Month, last_second: dt.datetime
) -> None:
    assert not is_over(month, last_second)
    assert is_over(month, last_second + dt.timedelta(seconds=1))
    assert end_of(month) == dt.datetime(month.plus(1).year, month.plus(1).month, 1, tzinfo=AMSTERDAM)


@pytest.mark.parametrize(
    ("month", "fifth", "tenth"),
    [
        (Month(2025, 12), dt.date(2026, 1, 8), dt.date(2026, 1, 15)),  # New Year's Day
        (Month(2026, 3), dt.date(2026, 4, 9), dt.date(2026, 4, 16)),  # Good Friday and Easter Monday
        (Month(2026, 4), dt.date(2026, 5, 7), dt.date(2026, 5, 15)),  # Ascension Day before the tenth
        (Month(2025, 4), dt.date(2025, 5, 8), dt.date(2025, 5, 15)),  # Liberation Day, free once in five years
        (Month(2026, 9), dt.date(2026, 10, 7), dt.date(2026, 10, 14)),
    ],
)
def test_the_fifth_and_tenth_working_day_pass_over_weekends_and_dutch_holidays(
    month: Month, fifth: dt.date, tenth: dt.date
) -> None:
    calendar = Calendar()
    assert (calendar.month_day(month), calendar.quarter_day(month)) == (fifth, tenth)
    assert calendar.last_day(month) == (tenth if month.month in (3, 6, 9, 12) else fifth)


@pytest.mark.parametrize("month", EVERY_MONTH, ids=str)
def test_whatever_is_set_a_month_is_published_after_its_end_and_before_the_next_one_ends(month: Month) -> None:
    calendar = Calendar.of({"month_working_day": 1, "quarter_working_day": 15})
    assert (
        end_of(month).date() <= calendar.month_day(month) < calendar.quarter_day(month) < end_of(month.plus(1)).date()
    )


def test_days_can_be_set_and_further_days_closed() -> None:
    calendar = Calendar.of({"month_working_day": 2, "quarter_working_day": 3, "closed_days": ["2026-10-02"]})
    assert calendar.month_day(Month(2026, 9)) == dt.date(2026, 10, 5)
    assert calendar.quarter_day(Month(2026, 9)) == dt.date(2026, 10, 6)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ([], '"by": "calendar" or "command"'), ({"by": "hand"}, '"by": "calendar" or "command"'), ({"bye": "calendar"}, "each of which may be left out"),
        ({"since": "soon"}, "YYYY-MM-DD"), ({"closed_days": ["2026-13-01"]}, "YYYY-MM-DD"), ({"closed_days": 5}, "YYYY-MM-DD"),
        ({"month_working_day": 0}, "from 1 to 15"), ({"quarter_working_day": 16}, "from 1 to 15"), ({"month_working_day": True}, "from 1 to 15"),
        ({"month_working_day": 12}, "the quarter's not the lower one"), ({"month_working_day": 5.0}, "whole numbers"),
    ],
)  # fmt: skip
def test_a_calendar_that_cannot_be_is_refused_in_one_sentence(settings: object, says: str) -> None:
    with pytest.raises(SettingsWrong, match=says):
        Calendar.of(settings)


def test_the_calendar_closes_nothing_by_itself_unless_it_was_asked_to() -> None:
    assert not Calendar.of(None).closes(Month(2025, 1), utc(2030, 1, 1))
    assert not Calendar.of({"by": "command"}).closes(Month(2025, 1), utc(2030, 1, 1))


def test_the_calendar_closes_a_month_at_its_midnight_and_those_before_with_it() -> None:
    calendar = Calendar.of({"by": "calendar", "since": "2026-11-29"})
    november = Month(2026, 11)
    assert not calendar.closes(november, utc(2026, 11, 30, 22, 59))
    assert not calendar.closes(Month(2026, 1), utc(2026, 11, 30, 22, 59)), (
        "what was over before waits for a command, or for the next midnight"
    )
    assert calendar.closes(november, utc(2026, 11, 30, 23, 0))
    assert calendar.closes(Month(2026, 1), utc(2026, 11, 30, 23, 0))
    assert not calendar.closes(november.plus(1), utc(2026, 11, 30, 23, 0))
    assert calendar.closes(november, utc(2027, 2, 3)), "release was away for months"
