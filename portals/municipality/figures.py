"""What the page shows of an epoch: each area's own figure, or that of the smallest area around it that may be shown.

Pure: from released cells and published areas to values for the templates. Nothing is ever computed by subtraction here;
`compare.py` takes the difference of two published figures of one cell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from portals.municipality.concentration import said_in
from portals.municipality.streets import street_areas
from schemas.geography import area_code, clusters_of_street, parent_code

STREAMS: Final = ("wmo", "jeugdwet", "participatiewet", "overig")
Cell = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """One area's figure as shown: euros to 1,000, households to 5. `source`: the area the value is of.

    `known_until`: month index of a value older than this epoch, else None. `euros` None: nothing around it was ever released.
    `held`: the area itself is kept back; `decided`: it has a cell of this group at all. `last`: its own last released
    euros and the month index they are from, where another area's value is shown. `few`: it has a figure of its own, which is
    passed over because too few people live there to divide it by, or it is not known how many.
    """

    area: str
    source: str
    euros: int | None
    households: int | None
    known_until: int | None
    held: bool
    decided: bool
    last: tuple[int, int] | None
    few: bool = False

    @property
    def own(self) -> bool:
        """Whether the value is of the area itself."""
        return self.source == self.area and self.euros is not None


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a bar: of money streams, or of care types."""

    group: str
    euros: int
    share: float


@dataclass(frozen=True, slots=True)
class Bar:
    """An area's total split over groups. `source`: the area it is of; `missing`: groups that are not shown apart.

    `rest`: the share of two or more of those together, where the whole is published as of the same month; else None, and shares are of what is
    shown. Of one alone it would be that one's figure.
    """

    source: str
    parts: tuple[Part, ...]
    missing: tuple[str, ...]
    rest: float | None = None


def anywhere(_: str) -> bool:
    """Every area will do."""
    return True


def placed_code(municipality: int) -> str:
    """The area code of the placed total of a municipality."""
    return f"GM{municipality:04d}P"


class Figures:
    """One released epoch of one municipality, macro and meso together."""

    def __init__(self, macro: dict[str, Any], meso: dict[str, Any] | None, geography: dict[str, Any] | None) -> None:
        """`macro`, `meso`: `released_epoch` datums; `geography`: `published_geography`."""
        self.epoch: int = macro["epoch"]
        self.municipality: int = macro["municipality"]
        self.version: int = macro["version"]
        self.software: str = macro["software"]
        self.published_on: int | None = macro.get("published_on")
        """Day of publication, days since 1970-01-01; None where the record does not say."""
        self.ledger_hash: bytes = macro["ledger_hash"]
        self.geometry_hash: bytes = macro["geometry_hash"]
        self.parameters: dict[str, Any] = json.loads(macro["parameters"])
        self.concentration = said_in(macro)
        """(area code, service year) -> how concentrated that year is; empty but in the December in which it is said."""
        self.geography = geography
        self.whole_meso = meso is not None
        self.protection: str = macro["protection"]
        self.given_up: list[str] = list(macro["given_up"])
        self.completeness: list[dict[str, Any]] = macro["completeness"]
        self.areas: list[dict[str, Any]] = [*geography["areas"], *street_areas(geography)] if geography else []
        self.name: str = geography["name"] if geography else f"GM{self.municipality:04d}"
        self._names = {a["code"]: a["name"] for a in self.areas} | {placed_code(self.municipality): self.name}
        self._areas = {a["code"]: a for a in self.areas}
        self._street_of = {
            area_code(c): a["code"] for a in self.areas if a["level"] == "street" for c in clusters_of_street(a["code"])
        }
        self._levels = {a["code"]: a["level"] for a in self.areas} | {placed_code(self.municipality): "placed"}
        cells: Iterable[Cell] = [*macro["cells"], *(meso["cells"] if meso else [])]
        self._cells = {(c["area"], c["group"], c["service_year"]): c for c in cells}
        years = {year for (_, _, year), c in self._cells.items() if c["euros"]}
        self._years = sorted(years, reverse=True) or [self.epoch // 12]
        have = {g for _, g, _ in self._cells}
        self._groups = [g for g in ("total", *STREAMS) if g in have] + sorted(have - {"total", *STREAMS})
        self._of_level: dict[str, list[dict[str, Any]]] = {}
        for area in self.areas:
            self._of_level.setdefault(area["level"], []).append(area)

    def years(self) -> list[int]:
        """Service years with a figure that is not nothing, newest first."""
        return list(self._years)

    def groups(self) -> list[str]:
        """Groups published somewhere: the streams first, then finer care types."""
        return list(self._groups)

    def types(self) -> list[str]:
        """Finer care types published somewhere."""
        return [g for g in self.groups() if g != "total" and g not in STREAMS]

    def knows(self, code: str) -> bool:
        """Whether an area is published at all."""
        return code in self._levels

    def area(self, code: str) -> dict[str, Any] | None:
        """What is published about an area: name, people, shape. The placed municipality is the municipality."""
        return self._areas.get(code.removesuffix("P"))

    def area_name(self, code: str) -> str:
        """Name of an area, its code where it has none."""
        return str(self._names.get(code, code))

    def level(self, code: str) -> str:
        """Level of an area: `placed` for the whole municipality, `gemeente` for what has no buurt."""
        return str(self._levels.get(code, "gemeente"))

    def of_level(self, level: str) -> list[dict[str, Any]]:
        """All published areas of a level."""
        return self._of_level.get(level, [])

    def parent(self, code: str) -> str | None:
        """The area around: cluster or street, buurt, wijk, placed municipality."""
        if code.endswith("P") or code.startswith("GM"):
            return None
        around = parent_code(code)
        return placed_code(self.municipality) if around is not None and around.startswith("GM") else around

    def own(self, code: str, group: str, year: int) -> Cell | None:
        """An area's own cell, or None where that group is not decided at its level."""
        return self._cells.get((code, group, year))

    def decided_at(self, level: str, group: str, year: int) -> bool:
        """Whether areas of this level have cells of this group and year (buurten come once a quarter, and not for every group)."""
        return any((a["code"], group, year) in self._cells for a in self.of_level(level))

    def published(self, code: str, group: str, year: int) -> int | None:
        """Euros of a cell published at the end of this very month; None where it was held, not due, or not there."""
        cell = self.own(code, group, year)
        if cell is None or cell["decision"] != "released" or cell["known_until"] != self.epoch:
            return None
        return int(cell["euros"])

    def due_at(self, level: str, group: str, year: int) -> bool:
        """Whether some area of this level got a figure of this group and year at the end of this very month."""
        return any(self.published(a["code"], group, year) is not None for a in self.of_level(level))

    def shown(self, code: str, group: str, year: int, usable: Callable[[str], bool] = anywhere) -> Shown:
        """What is shown for an area: its released value, else that of the smallest area around it that is not kept back.

        Only where all around it is kept back too, the nearest value that was once released. An area that is not `usable` (it
        has too few inhabitants to divide by) is passed over.
        """
        mine = self.own(code, group, year)
        chain = [
            (at, cell)
            for at in self.outward(code)
            if usable(at) and (cell := self.own(at, group, year)) and cell["euros"] is not None
        ]
        at, cell = next(
            (pair for pair in chain if pair[1]["decision"] == "released"), chain[0] if chain else (code, None)
        )
        held = mine is not None and mine["decision"] == "held"
        few = mine is not None and not held and not usable(code)
        last = (
            (mine["euros"], mine["known_until"])
            if mine is not None and mine["euros"] is not None and at != code and held
            else None
        )
        if cell is None:
            return Shown(code, code, None, None, None, held=held, decided=mine is not None, last=None, few=few)
        older = None if cell["known_until"] == self.epoch else cell["known_until"]
        return Shown(
            code, at, cell["euros"], cell["households"], older, held=held, decided=mine is not None, last=last, few=few
        )

    def outward(self, code: str) -> Iterator[str]:
        """An area and those around it, from small to large: around a cluster is its street, where that has a figure of its own, then the buurt."""
        at: str | None = code
        while at is not None:
            yield at
            if at in self._street_of:
                yield self._street_of[at]
            at = self.parent(at)

    def bar(
        self, code: str, year: int, groups: Sequence[str] = STREAMS, *, whole: Sequence[str] = ("total",)
    ) -> Bar | None:
        """The split over streams (or other groups that make one whole) of the smallest area around `code` that shows all of them apart.

        Where none does, of the smallest one that shows two and the whole; then of the smallest one that shows two. `whole`: groups whose
        sum all of these are.
        """
        bars = [bar for at in self.outward(code) if (bar := self._split(at, year, groups, whole)) is not None]
        told = [bar for bar in bars if not bar.missing] or [bar for bar in bars if bar.rest] or bars
        return told[0] if told else None

    def _split(self, code: str, year: int, groups: Sequence[str], whole: Sequence[str]) -> Bar | None:
        have = {g: c for g in groups if (c := self._released(code, g, year)) is not None}
        shown = sum(max(0, c["euros"]) for c in have.values())
        if len(have) < 2 or shown <= 0:
            return None
        missing = tuple(g for g in groups if g not in have)
        rest = self._rest(code, year, whole, have.values()) if len(missing) > 1 else None
        all_of_it = shown + (rest or 0)
        parts = tuple(Part(g, c["euros"], max(0, c["euros"]) / all_of_it) for g, c in have.items() if c["euros"])
        return Bar(code, parts, missing, None if rest is None else rest / all_of_it)

    def _released(self, code: str, group: str, year: int) -> Cell | None:
        cell = self.own(code, group, year)
        return cell if cell is not None and cell["euros"] is not None and cell["decision"] == "released" else None

    def _rest(self, code: str, year: int, whole: Sequence[str], have: Iterable[Cell]) -> int | None:
        """What the parts leave of the whole; None unless all of it and each part are released as of one month, and no part is less than nothing."""
        wholes = [self._released(code, g, year) for g in whole]
        cells = [*wholes, *have]
        known = {c["known_until"] for c in cells if c is not None}
        if None in wholes or len(known) != 1 or any(c["euros"] < 0 for c in have):
            return None
        left = sum(c["euros"] for c in wholes if c is not None) - sum(c["euros"] for c in have)
        return left if left > 0 else None
