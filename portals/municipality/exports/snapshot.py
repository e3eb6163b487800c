"""One released epoch as exports and the API take it along: its cells exactly as published, and the facts every figure must say.

Pure. A value without the date it was published, or dated at the very epoch that keeps it back, was never published and is left out: what
the gate would never release no export carries, whoever wrote the record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from portals.municipality.figures import STREAMS, Cell, Figures, placed_code
from schemas import topics
from schemas.care import CARE_TYPES
from schemas.values import Month

LEVELS: Final = ("placed", "gemeente", "wijk", "buurt", "street", "cluster")
"""Coarse to fine; `gemeente` is what has no buurt."""
_STREAM_OF_TYPE: Final = {t.published_as: t.group.value for t in CARE_TYPES.values() if t.published_as and not t.ggz}


@dataclass(frozen=True, slots=True)
class Around:
    """The smallest area around another one that may be shown, and its value. `known_until`: month index the value is from."""

    area: str
    name: str
    euros: int
    known_until: int


@dataclass(frozen=True, slots=True)
class Row:
    """One published cell.

    `euros` (to 1,000) and `households` (to 5) are the area's own as last published, with the month index they are from; None
    where never published. `around` is set where the area is kept back and one around it has a value.
    """

    area: str
    name: str
    level: str
    group: str
    service_year: int
    released: bool
    euros: int | None
    households: int | None
    known_until: int | None
    around: Around | None


@dataclass(frozen=True, slots=True)
class Area:
    """One published area. `geometry`: GeoJSON in metres, empty where none; numbers of people None where unknown."""

    code: str
    name: str
    level: str
    parent: str | None
    inhabitants: int | None
    households: int | None
    geometry: str


@dataclass(frozen=True, slots=True)
class Completeness:
    """How many provider months of a group were closed, of those asked."""

    group: str
    months_closed: int
    months_asked: int


def as_published(cell: Cell, epoch: int) -> Cell:
    """The cell, without a value that was never published."""
    dated = cell["known_until"] is not None and cell["known_until"] <= epoch
    earlier = dated and (cell["decision"] == "released" or cell["known_until"] < epoch)
    return cell if earlier else cell | {"euros": None, "households": None, "known_until": None}


class Snapshot:
    """One epoch of one municipality as it stands on its topics."""

    def __init__(
        self, macro: Mapping[str, Any], meso: Mapping[str, Any] | None, geography: Mapping[str, Any] | None
    ) -> None:
        """`macro`, `meso`: `released_epoch` datums of one epoch; `geography`: `published_geography`."""
        self.epoch: int = macro["epoch"]
        self.municipality: int = macro["municipality"]
        self.macro, self.meso, self.geography = macro, meso, geography
        self._cells = [as_published(c, self.epoch) for level in (macro, meso) if level for c in level["cells"]]
        self.figures = Figures(
            dict(macro) | {"cells": self._cells}, None, dict(geography) if geography is not None else None
        )
        self.name = self.figures.name
        self.whole = placed_code(self.municipality)

    def made_of(self, macro: object, meso: object, geography: object) -> bool:
        """Whether it was made of these very records (not: whether they say the same)."""
        return self.macro is macro and self.meso is meso and self.geography is geography

    @property
    def month(self) -> Month:
        """The month at whose end this was known."""
        return Month.from_index(self.epoch)

    @property
    def label(self) -> str:
        """The snapshot in one line: `GM9901 2025-06, macro 2, meso 1`."""
        meso = f", meso {self.meso['version']}" if self.meso else ""
        return f"GM{self.municipality:04d} {self.month}, macro {self.macro['version']}{meso}"

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics it was read from."""
        return (topics.macro_topic(self.municipality), *((topics.meso_topic(self.municipality),) if self.meso else ()))

    @property
    def given_up(self) -> tuple[str, ...]:
        """Names of the settings that made the rules looser, as the release says."""
        return tuple(
            sorted({str(name) for level in (self.macro, self.meso) if level for name in level.get("given_up") or ()})
        )

    @property
    def published_on(self) -> str:
        """The day it went out (`2025-07-07`), empty where the release does not say."""
        day = self.macro.get("published_on")
        return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat() if day else ""

    def completeness(self) -> list[Completeness]:
        """Per group that was asked of providers; none for `overig`."""
        return [
            Completeness(c["group"], c["months_closed"], c["months_asked"])
            for c in self.macro["completeness"]
            if c["months_asked"]
        ]

    def completeness_of(self, group: str) -> list[Completeness]:
        """What is known of how complete a group's figures are: of each stream for the total, of its stream for a care type."""
        known = self.completeness()
        return known if group == "total" else [c for c in known if c.group == _STREAM_OF_TYPE.get(group, group)]

    def group_order(self) -> list[str]:
        """Groups published: total, streams, finer care types; the total alone where nothing is."""
        return self.figures.groups() or ["total"]

    def years(self) -> list[int]:
        """Service years with cells, newest first; the year of the snapshot where there are none."""
        return sorted({c["service_year"] for c in self._cells} or {self.month.year}, reverse=True)

    def areas(self) -> list[Area]:
        """All published areas, coarse to fine, then by code. The gemeente stands under the code of its placed total, which its figures are of."""
        found = [
            Area(
                code=self.whole if a["level"] == "gemeente" else a["code"], name=a["name"],
                level="placed" if a["level"] == "gemeente" else a["level"],
                parent=None if a["level"] == "gemeente" else self.figures.parent(a["code"]),
                inhabitants=a["inhabitants"], households=a["households"], geometry=a["geometry"],
            )
            for a in self.figures.areas
        ]  # fmt: skip
        return sorted(found, key=lambda a: (LEVELS.index(a.level), a.code))

    @cached_property
    def rows(self) -> list[Row]:
        """Every cell, coarse to fine, then by area, group and year."""
        order = {g: i for i, g in enumerate(self.group_order())}
        ordered = sorted(
            self._cells,
            key=lambda c: (LEVELS.index(c["area_level"]), c["area"], order[c["group"]], -c["service_year"]),
        )
        return [self._row(c) for c in ordered]

    def row(self, area: str, group: str, year: int) -> Row | None:
        """One cell, None where this snapshot has no such cell."""
        cell = self.figures.own(area, group, year)
        return None if cell is None else self._row(cell)

    def _row(self, cell: Cell) -> Row:
        area, group, year = cell["area"], cell["group"], cell["service_year"]
        released = cell["decision"] == "released"
        return Row(
            area, self.figures.area_name(area), cell["area_level"], group, year, released, cell["euros"],
            cell["households"], cell["known_until"], None if released else self.around(area, group, year),
        )  # fmt: skip

    def around(self, area: str, group: str, year: int) -> Around | None:
        """What the page shows for an area that has no figure of its own here; None where the area's own is what is shown."""
        shown = self.figures.shown(area, group, year)
        if shown.euros is None or shown.source == area:
            return None
        known = self.epoch if shown.known_until is None else shown.known_until
        return Around(shown.source, self.figures.area_name(shown.source), shown.euros, known)


def stream_of(group: str) -> str | None:
    """The stream a published care type is part of; None for the total and the streams themselves."""
    return None if group in ("total", *STREAMS) else _STREAM_OF_TYPE.get(group)
