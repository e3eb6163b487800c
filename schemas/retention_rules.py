"""How long a file is kept after the care under a law has ended: the closed table of periods, with the article each comes from.

A network may set other years (`retention_years` of zone.json) and another time to look at what would go (`retention_preview_days`). A law without
a period is kept until somebody asks. The defaults are our reading of the law: let your own lawyer read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from schemas.care import Stream
from schemas.errors import SettingsWrong

ARTICLES: Final[Mapping[Stream, str]] = MappingProxyType(
    {Stream.JEUGDWET: "Jeugdwet 7.3.8", Stream.WMO: "Wmo 2015 5.3.4"}
)
"""Where a default comes from."""

YEARS: Final[Mapping[Stream, int]] = MappingProxyType({Stream.JEUGDWET: 20, Stream.WMO: 15})
PREVIEW_DAYS: Final = 30
_MOST_YEARS, _MOST_DAYS = 115, 365


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """Periods of a network. `years`: per law, absent = never by itself; `preview_days`: how long a preview stands before anything goes."""

    years: Mapping[Stream, int] = field(default_factory=lambda: YEARS)
    preview_days: int = PREVIEW_DAYS

    @property
    def shortest_months(self) -> int | None:
        """The shortest period; None where nothing ever goes by itself."""
        return min(self.years.values()) * 12 if self.years else None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> RetentionRules:
        """From `retention_years` and `retention_preview_days` of a zone's settings. Raises `SettingsWrong`."""
        years, days = settings.get("retention_years", dict(YEARS)), settings.get("retention_preview_days", PREVIEW_DAYS)
        laws = {s.value for s in Stream}
        whole = isinstance(years, Mapping) and all(k in laws and _within(v, _MOST_YEARS) for k, v in years.items())
        if not whole:
            msg = (
                f"The setting `retention_years` can't be used: it names laws of {', '.join(sorted(laws))}, each with 1 to {_MOST_YEARS} whole years; "
                "leave a law out to keep its files until somebody asks."
            )
            raise SettingsWrong(msg)
        if not _within(days, _MOST_DAYS):
            msg = f"The setting `retention_preview_days` can't be used: write a whole number of 1 to {_MOST_DAYS} days."
            raise SettingsWrong(msg)
        return cls({Stream(k): v for k, v in years.items()}, days)


def _within(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
