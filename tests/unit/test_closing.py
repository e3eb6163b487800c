"""What is said to whoever closes a month too early, twice or out of order, and on which days its figures are still to come."""

from __future__ import annotations

import datetime as dt

import pytest

from deploy.closing import check_over, days_of, days_to_come
from deploy.closing_commands import _check_meant
from projections.release.calendar import Calendar
from schemas.errors import Refused, SettingsWrong
from schemas.values import Month

MARCH = Month(2026, 3)


def test_a_month_that_is_not_over_is_refused_with_the_moment_from_which_it_can_be_closed() -> None:
    with pytest.raises(
        Refused, match="2026-03 is not over yet: it can be closed from the first of 2026-04 on, 0:00 in Amsterdam"
    ):
        check_over(MARCH, dt.datetime(2026, 3, 31, 21, 59, tzinfo=dt.UTC))
    check_over(MARCH, dt.datetime(2026, 3, 31, 22, 0, tzinfo=dt.UTC))


def test_a_month_that_was_closed_or_is_not_the_next_one_is_refused_in_a_sentence() -> None:
    _check_meant(None, MARCH)
    _check_meant("2026-03", MARCH)
    with pytest.raises(Refused, match=r"2026-02 is closed already, and a month closes once\. 2026-03 is open"):
        _check_meant("2026-02", MARCH)
    with pytest.raises(Refused, match="2026-03 is open and comes first"):
        _check_meant("2026-04", MARCH)
    with pytest.raises(SettingsWrong, match="YYYY-MM"):
        _check_meant("maart", MARCH)


def test_days_that_have_come_are_not_to_come() -> None:
    calendar, fifth, tenth = Calendar(), dt.date(2026, 4, 9), dt.date(2026, 4, 16)
    assert days_of(calendar, MARCH) == [fifth, tenth]
    assert days_of(calendar, Month(2026, 4)) == [dt.date(2026, 5, 7)]
    assert days_to_come(calendar, MARCH, fifth - dt.timedelta(days=1)) == [fifth, tenth]
    assert days_to_come(calendar, MARCH, fifth) == [tenth]
    assert days_to_come(calendar, MARCH, tenth) == []
