"""When an epoch is cut and when it is published: months and working days in the Netherlands, given as arguments, never read from a clock.

A month ends at its last midnight in Amsterdam. It is published on a working day of the month after it: no Saturday, Sunday or public holiday.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

import holidays

from schemas.errors import SettingsWrong
from schemas.values import Month

ZONE: Final = ZoneInfo("Europe/Amsterdam")
_LATEST_WORKING_DAY: Final = 15
"""Every month has more working days than these, so that a month is out before the next one ends."""
_SETTINGS: Final = frozenset({"by", "since", "month_working_day", "quarter_working_day", "closed_days"})


@cache
def _public_holidays(year: int) -> frozenset[dt.date]:
    return frozenset(holidays.country_holidays("NL", years=year))


def end_of(month: Month) -> dt.datetime:
    """The midnight in Amsterdam with which a month is over."""
    return dt.datetime(month.plus(1).year, month.plus(1).month, 1, tzinfo=ZONE)


def is_over(month: Month, now: dt.datetime) -> bool:
    """Whether a month has ended at a moment (with a time zone)."""
    return now >= end_of(month)


def day_in_amsterdam(now: dt.datetime) -> dt.date:
    """The day it is in Amsterdam."""
    return now.astimezone(ZONE).date()


def ends_quarter(month: Month) -> bool:
    """Whether buurten and clusters are cut with this month."""
    return month.month % 3 == 0


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a zone closes and publishes. `by_itself`: months are closed by the calendar, from the first one that ends after `since`; else by command.

    Months that were over on `since` are closed by command, or together with the first month that ends after it. `closed_days`: days that are no
    working days besides the public holidays.
    """

    by_itself: bool = False
    since: dt.date = dt.date.min
    month_working_day: int = 5
    quarter_working_day: int = 10
    closed_days: frozenset[dt.date] = frozenset()

    @classmethod
    def of(cls, settings: Any) -> Self:
        """From the setting `closing`; without it months are closed by command. Raises `SettingsWrong`."""
        if settings is None:
            return cls()
        if (
            not isinstance(settings, dict)
            or not set(settings) <= _SETTINGS
            or settings.get("by", "command") not in ("calendar", "command")
        ):
            msg = (
                'The setting `closing` is {"by": "calendar" or "command", "since": "YYYY-MM-DD", "month_working_day": 5, "quarter_working_day": 10, '
                '"closed_days": []}, each of which may be left out.'
            )
            raise SettingsWrong(msg)
        try:
            since = dt.date.fromisoformat(settings["since"]) if "since" in settings else dt.date.min
            closed = frozenset(dt.date.fromisoformat(d) for d in settings.get("closed_days", ()))
        except (TypeError, ValueError) as wrong:
            msg = "Days in the setting `closing` (`since`, `closed_days`) are YYYY-MM-DD."
            raise SettingsWrong(msg) from wrong
        month, quarter = settings.get("month_working_day", 5), settings.get("quarter_working_day", 10)
        if not (type(month) is type(quarter) is int and 1 <= month <= quarter <= _LATEST_WORKING_DAY):
            msg = f"The settings `month_working_day` and `quarter_working_day` are whole numbers from 1 to {_LATEST_WORKING_DAY}, the quarter's not the lower one."
            raise SettingsWrong(msg)
        return cls(settings.get("by", "command") == "calendar", since, month, quarter, closed)

    def month_day(self, month: Month) -> dt.date:
        """The day on which the figures of gemeente and wijken of a month are published."""
        return self._working_day(month.plus(1), self.month_working_day)

    def quarter_day(self, month: Month) -> dt.date:
        """The day on which buurten and clusters are published, where the month ends a quarter."""
        return self._working_day(month.plus(1), self.quarter_working_day)

    def last_day(self, month: Month) -> dt.date:
        """The day on which all of a month is published."""
        return self.quarter_day(month) if ends_quarter(month) else self.month_day(month)

    def closes(self, month: Month, now: dt.datetime) -> bool:
        """Whether the calendar closes a month by itself at a moment, all before it being closed."""
        latest = Month.of(day_in_amsterdam(now)).plus(-1)
        return self.by_itself and month.index <= latest.index and end_of(latest).date() > self.since

    def _working_day(self, month: Month, number: int) -> dt.date:
        free, day = _public_holidays(month.year), month.first_day
        while True:
            if day.weekday() < 5 and day not in free and day not in self.closed_days:
                number -= 1
                if number == 0 or day == month.last_day:
                    return day
            day += dt.timedelta(days=1)
