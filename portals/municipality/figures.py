"""What the page shows of an epoch: each area's own figure, or that of the smallest area around it that may be shown.

Pure: from released cells and published areas to values for the templates. Nothing is ever computed by subtraction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from schemas.geography import parent_code

STREAMS: Final = ("wmo", "jeugdwet", "participatiewet", "overig")
Cell = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """One area's figure as shown: euros to 1,000, households to 5. `source`: the area the value is of.

    `known_until`: month index of a value older than this epoch, else None. `euros` None: nothing around it was ever released.
    `held`: the area itself is kept back; `decided`: it has a cell of this group at all. `last`: its own last released
    euros and the month index they are from, where another area's value is shown.
    """

    area: str
    source: str
    euros: int | None
    households: int | None
    known_until: int | None
    held: bool
    decided: bool
    last: tuple[int, int] | None

    @property
    def own(self) -> bool:
        """Whether the value is of the area itself."""
        return self.source == self.area and self.euros is not None


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of the bar of streams."""

    group: str
    euros: int
    share: float


@dataclass(frozen=True, slots=True)
class Bar:
    """An area's total split over money streams. `source`: the area it is of; `missing`: streams that are not shown apart."""

    source: str
    parts: tuple[Part, ...]
    missing: tuple[str, ...]


def placed_code(municipality: int) -> str:
    """The area code of the placed total of a municipality."""
    return f"GM{municipality:04d}P"


class Figures:
    """One released epoch of one municipality, macro and meso together."""

    def __init__(self, macro: dict[str, Any], meso: dict[str, Any] | None, geography: dict[str, Any] | None) -> None:
        """`macro`, `meso`: `released_epoch` datums; `geography`: `published_geography`."""
        self.epoch: int = macro["epoch"]
        self.municipality: int = macro["municipality"]
        self.protection: str = macro["protection"]
        self.given_up: list[list[str]] = [g.split(": ") for g in macro["given_up"]]
        self.completeness: list[dict[str, Any]] = macro["completeness"]
        self.areas: list[dict[str, Any]] = geography["areas"] if geography else []
        self.name: str = geography["name"] if geography else f"GM{self.municipality:04d}"
        self._names = {a["code"]: a["name"] for a in self.areas} | {placed_code(self.municipality): self.name}
        self._levels = {a["code"]: a["level"] for a in self.areas} | {placed_code(self.municipality): "placed"}
        cells: Iterable[Cell] = [*macro["cells"], *(meso["cells"] if meso else [])]
        self._cells = {(c["area"], c["group"], c["service_year"]): c for c in cells}

    def years(self) -> list[int]:
        """Service years with a figure that is not nothing, newest first."""
        return sorted({year for (_, _, year), c in self._cells.items() if c["euros"]}, reverse=True) or [
            self.epoch // 12
        ]

    def groups(self) -> list[str]:
        """Groups published somewhere: the streams first, then finer care types."""
        have = {g for _, g, _ in self._cells}
        return [g for g in ("total", *STREAMS) if g in have] + sorted(have - {"total", *STREAMS})

    def area_name(self, code: str) -> str:
        """Name of an area, its code where it has none."""
        return str(self._names.get(code, code))

    def level(self, code: str) -> str:
        """Level of an area: `placed` for the whole municipality, `gemeente` for what has no buurt."""
        return str(self._levels.get(code, "gemeente"))

    def of_level(self, level: str) -> list[dict[str, Any]]:
        """All published areas of a level."""
        return [a for a in self.areas if a["level"] == level]

    def parent(self, code: str) -> str | None:
        """The area around: cluster, buurt, wijk, placed municipality."""
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

    def shown(self, code: str, group: str, year: int) -> Shown:
        """What is shown for an area: its released value, else that of the smallest area around it that is not kept back.

        Only where all around it is kept back too, the nearest value that was once released.
        """
        mine = self.own(code, group, year)
        chain = [
            (at, cell)
            for at in self._outward(code)
            if (cell := self.own(at, group, year)) and cell["euros"] is not None
        ]
        at, cell = next(
            (pair for pair in chain if pair[1]["decision"] == "released"), chain[0] if chain else (code, None)
        )
        held = mine is not None and mine["decision"] == "held"
        last = (
            (mine["euros"], mine["known_until"])
            if mine is not None and mine["euros"] is not None and at != code
            else None
        )
        if cell is None:
            return Shown(code, code, None, None, None, held=held, decided=mine is not None, last=None)
        older = None if cell["known_until"] == self.epoch else cell["known_until"]
        return Shown(code, at, cell["euros"], cell["households"], older, held=held, decided=mine is not None, last=last)

    def _outward(self, code: str) -> Iterator[str]:
        at: str | None = code
        while at is not None:
            yield at
            at = self.parent(at)

    def bar(self, code: str, year: int) -> Bar | None:
        """The split over streams of the smallest area around `code` that shows all of them apart.

        Where none does, of the smallest one that shows two.
        """
        bars = [bar for at in self._outward(code) if (bar := self._split(at, year)) is not None]
        return next((bar for bar in bars if not bar.missing), bars[0] if bars else None)

    def _split(self, code: str, year: int) -> Bar | None:
        cells = {g: self.own(code, g, year) for g in STREAMS}
        have = {
            g: int(c["euros"])
            for g, c in cells.items()
            if c is not None and c["euros"] is not None and c["decision"] == "released"
        }
        whole = sum(v for v in have.values() if v > 0)
        if len(have) < 2 or whole <= 0:
            return None
        parts = tuple(Part(g, v, max(0, v) / whole) for g, v in have.items() if v)
        return Bar(code, parts, tuple(g for g in STREAMS if g not in have))
