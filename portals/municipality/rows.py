"""One area as people read it: name, figure in the chosen measure, and what must be said beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from portals.municipality import words
from portals.municipality.figures import Figures, Shown, anywhere
from portals.municipality.measures import Measure, bounds, class_of, people, value


class Reading(Protocol):
    """What is read of an epoch: its figures, or what changed since another."""

    def shown(self, code: str, group: str, year: int, usable: Callable[[str], bool] = anywhere) -> Shown:
        """What is shown for an area."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """`of` names the area the figure is of where that is another one; `label` says all in one line.

    `amount`: the figure in the chosen measure, `euros` the whole amount it was made from. `klass`: of the map, -1 for a decrease.
    """

    code: str
    name: str
    level: str
    shown: Shown
    amount: int | None
    figure: str
    euros: str
    note: str
    of: str
    label: str
    klass: int | None

    @property
    def colour(self) -> str:
        """The map's class: hatched over the colour of the area around where the figure can be compared, plain hatched where not."""
        return "none" if self.klass is None else "less" if self.klass < 0 else f"class-{self.klass}"


@dataclass(frozen=True, slots=True)
class Teller:
    """Makes rows of one group, service year and measure. `since` tells whether amounts are what changed."""

    figures: Figures
    reading: Reading
    group: str
    year: int
    measure: Measure
    lang: str
    change: bool = False

    def row(self, code: str, *, name: str = "") -> Row:
        """One area, under its own name or another one it goes by."""
        shown = self.reading.shown(code, self.group, self.year, self._usable)
        name, said = name or self.figures.area_name(code), self.note(shown)
        amount = None if shown.euros is None else value(shown.euros, self.figures.area(shown.source), self.measure)
        figure = words.measured(amount, self.measure, self.lang)
        of = "" if shown.own or shown.euros is None else self.figures.area_name(shown.source)
        label = f"{name}. {said} {of}: {figure}" if of else f"{name}: {figure}. {said}".strip()
        return Row(
            code, name, words.LEVELS[self.figures.level(code)][self.lang == "en"], shown, amount, figure,
            words.figure(shown.euros, self.lang), said, of, label, self._class(amount),
        )  # fmt: skip

    def _usable(self, code: str) -> bool:
        return people(self.figures.area(code), self.measure) is not None

    def _class(self, amount: int | None) -> int | None:
        if amount is None:
            return None
        return -1 if amount < 0 else class_of(amount, bounds(self.measure, self.group, change=self.change))

    def note(self, shown: Shown) -> str:
        """What must be said beside a figure: that it is another area's, or older; empty when neither."""
        said = [f"{words.HELD[self.lang]}."] if shown.held else []
        if not shown.held and not shown.decided:
            said.append(self._say("undecided"))
        if shown.few:
            said.append(self._say("few"))
        if shown.euros is None:
            return " ".join([*said, self._say("never")])
        if not shown.own:
            said.append(self._say("parent", parent=self.figures.area_name(shown.source)))
        if shown.known_until is not None:
            said.append(self._say("older", month=words.month_name(shown.known_until, self.lang)))
        if shown.last is not None:
            euros, month = shown.last
            said.append(
                self._say("last", euros=words.euros(euros, self.lang), month=words.month_name(month, self.lang))
            )
        return " ".join(said)

    def _say(self, key: str, **values: object) -> str:
        return words.text(key, self.lang, **values)


def ordered(rows: Iterable[Row], sort: str) -> list[Row]:
    """Rows in the order asked for; areas without a figure of their own come last, whichever way; ties by area code."""
    found = sorted(rows, key=lambda r: r.code) if sort else list(rows)
    field, _, direction = sort.partition("-")
    if field in ("naam", "niveau"):
        found.sort(key=lambda r: r.name if field == "naam" else r.level, reverse=direction == "af")
        return found
    amounts: dict[str, Callable[[Row], int | None]] = {
        "waarde": lambda r: r.amount, "euro": lambda r: r.shown.euros, "huishoudens": lambda r: r.shown.households,
    }  # fmt: skip
    if field not in amounts:
        return found
    read = amounts[field]
    with_own = [r for r in found if r.shown.own and read(r) is not None]
    with_own.sort(key=lambda r: (read(r) or 0) * (1 if direction == "op" else -1))
    known = {r.code for r in with_own}
    return with_own + [r for r in found if r.code not in known]
