"""What the address bar says, made valid. Whatever is unknown becomes what the page opens on, and the page says so without repeating it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from portals.municipality.compare import Period
from portals.municipality.figures import Figures, placed_code
from portals.municipality.measures import Measure, offered
from schemas.values import Month

SORTS: Final = (
    "",
    "naam",
    "naam-af",
    "niveau",
    "niveau-af",
    "waarde",
    "waarde-op",
    "euro",
    "euro-op",
    "huishoudens",
    "huishoudens-op",
)
INSIDE: Final = ("deel", "straat")
"""What is drawn of a chosen buurt."""
PARAMETERS: Final = (
    "maand",
    "groep",
    "jaar",
    "gebied",
    "maat",
    "periode",
    "met",
    "metjaar",
    "volgorde",
    "delen",
    "lang",
)
Read = Callable[[int], Figures]
"""Month index -> the figures of that epoch."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One view of the figures. `epoch`, `other_epoch`: month indexes; `year`, `other_year`: service years; `area` empty: the whole."""

    lang: str
    epoch: int
    group: str
    year: int
    area: str
    measure: Measure
    period: Period
    other_epoch: int
    other_year: int
    sort: str
    inside: str = "deel"
    """Of `INSIDE`."""
    refused: tuple[str, ...] = ()
    """Which parameters were unknown, of `PARAMETERS`."""

    def link(self, page: str = "", **other: object) -> str:
        """The address of the same choice with something else chosen; every value is of a closed list or a published area code."""
        now = {
            "maand": str(Month.from_index(self.epoch)), "groep": self.group, "jaar": self.year, "gebied": self.area,
            "maat": self.measure.value, "periode": self.period.value, "volgorde": self.sort, "delen": self.inside,
            "lang": self.lang,
        } | other  # fmt: skip
        return f"{page}?" + "&".join(f"{k}={v}" for k, v in now.items() if v != "" and (k, v) not in _USUAL)

    def compared(self, page: str = "", **other: object) -> str:
        """The same with what it is compared with."""
        at = {"met": str(Month.from_index(self.other_epoch)), "metjaar": self.other_year}
        return self.link(page, **(at | other))

    @property
    def english(self) -> bool:
        """Whether the page speaks English."""
        return self.lang == "en"


_USUAL: Final = {("maat", Measure.EUROS.value), ("periode", Period.YEAR.value), ("delen", INSIDE[0])}


def choose(query: dict[str, str], epochs: Collection[int], read: Read) -> tuple[Choice, Figures] | None:
    """Read the address bar; what is absent or unknown becomes the newest month and the total. None while nothing is out."""
    if not epochs:
        return None
    asked = _Asked(query)
    newest = max(epochs)
    epoch = asked.month("maand", epochs, usual=newest)
    figures = read(epoch)
    years = figures.years()
    year = asked.year("jaar", years, usual=years[0])
    group = asked.one_of("groep", figures.groups(), usual="total")
    area = asked.get("gebied")
    if area and (quote(area) != area or not figures.knows(area) or area == f"GM{figures.municipality:04d}"):
        area = asked.refuse("gebied")
    measures = offered(figures, group)
    wanted = asked.one_of("maat", list(Measure), usual=Measure.EUROS.value)
    other = asked.month("met", epochs, usual=_before(epoch, year, epochs))
    choice = Choice(
        lang="en" if query.get("lang") == "en" else "nl", epoch=epoch, group=group, year=year,
        area="" if area == placed_code(figures.municipality) else area, measure=Measure(wanted) if Measure(wanted) in measures else Measure.EUROS,
        period=Period(asked.one_of("periode", list(Period), usual=Period.YEAR.value)), other_epoch=other,
        other_year=asked.year("metjaar", read(other).years(), usual=year if year in read(other).years() else read(other).years()[0]),
        sort=asked.one_of("volgorde", SORTS, usual=""), inside=asked.one_of("delen", INSIDE, usual=INSIDE[0]),
    )  # fmt: skip
    return replace(choice, refused=tuple(asked.refused)), figures


def _before(epoch: int, year: int, epochs: Collection[int]) -> int:
    """The end of the quarter before, where it is out and of the same service year, else the first month of it."""
    earlier = sorted(e for e in epochs if year * 12 <= e < epoch)
    quarters = [e for e in earlier if (e + 1) % 3 == 0]
    return (quarters or earlier or [epoch])[-1]


class _Asked:
    """The query, and which of its parameters were unknown."""

    def __init__(self, query: dict[str, str]) -> None:
        self._query = query
        self.refused: list[str] = []

    def get(self, name: str) -> str:
        return self._query.get(name, "")

    def refuse(self, name: str) -> str:
        self.refused.append(name)
        return ""

    def one_of(self, name: str, allowed: Collection[str], *, usual: str) -> str:
        wanted = self.get(name)
        if wanted and wanted not in allowed:
            self.refuse(name)
        return wanted if wanted and wanted in allowed else usual

    def month(self, name: str, allowed: Collection[int], *, usual: int) -> int:
        wanted = self.get(name)
        if not wanted:
            return usual
        try:
            index = Month.parse(wanted).index
        except ValueError:
            index = -1
        if index not in allowed:
            self.refuse(name)
            return usual
        return index

    def year(self, name: str, allowed: Collection[int], *, usual: int) -> int:
        found = self.one_of(name, [str(year) for year in allowed], usual=str(usual))
        return int(found)
