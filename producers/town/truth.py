"""What the books must say, counted by plain bookkeeping from the steps: no fold, no column, no code of the zone.

`history.csv` has every change per epoch (service, withdrawal, and the reversal and rebooking of late news of homes);
`truth.csv` the services as they finally stand.
"""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from producers.town.history import History, Line, Step
from producers.town.people import Person
from schemas.care import CARE_TYPE_BY_CODE
from schemas.values import Month

TRUTH_COLUMNS: Final = (
    "person", "household", "gemeente", "address", "buurt", "area", "provider", "group", "care_type", "service_date",
    "service_year", "epoch", "cents",
)  # fmt: skip
HISTORY_COLUMNS: Final = (
    "service", "kind", "household", "gemeente", "area", "provider", "group", "care_type", "service_year", "epoch", "cents",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a service counts."""

    household: str
    gemeente: str
    address: str
    buurt: str
    area: str


def _own(person: Person) -> str:
    return f"P{person.id}"


def spot(person: Person, day: dt.date, *, step: int, months: list[Month], people: list[Person], payer: int) -> Spot:
    """Where a service of `day` counts, as known at the end of step `step`."""
    if person.parent is not None and step >= person.linked_month and day >= months[person.linked_month].first_day:
        return spot(people[person.parent], day, step=step, months=months, people=people, payer=payer)
    rest = f"GM{payer:04d}"
    known = _known(person, step)
    if not known:
        return Spot(_own(person), rest, "", "", rest)
    home = person.home
    moved = person.move_to is not None and person.move_month is not None and step >= person.move_known_month
    if moved and person.move_to is not None and person.move_month is not None and day >= months[person.move_month].first_day:
        home = person.move_to
    gemeente = f"GM{home.gemeente:04d}"
    if person.secret and person.known != "messages":
        return Spot(_own(person), gemeente, "", "", gemeente)
    address = f"A{home.id}"
    match home.kind:
        case "instelling":
            return Spot(_own(person), gemeente, address, "", gemeente)
        case "gedeeld":
            return Spot(_own(person), gemeente, address, f"BU{home.buurt:08d}", home.area)
        case _:
            return Spot(address, gemeente, address, f"BU{home.buurt:08d}", home.area)


def _known(person: Person, step: int) -> bool:
    match person.known:
        case "residence":
            return True
        case "messages":
            return person.placed_step is not None and step >= person.placed_step
        case _:
            return bool(person.known_from_month) and step >= person.known_from_month


@dataclass(frozen=True, slots=True)
class Change:
    """One row of history.csv."""

    line: Line
    kind: str
    spot: Spot
    epoch: int
    cents: int


def changes(history: History, people: list[Person], months: list[Month]) -> list[Change]:
    """Every change the books should see, in epoch order."""
    found: list[Change] = []
    standing: dict[int, tuple[Line, Spot]] = {}
    by_person: dict[int, list[int]] = {}
    followers: dict[int, list[Person]] = {}
    for person in people:
        if person.parent is not None:
            followers.setdefault(person.parent, []).append(person)

    def where(line: Line, step: int) -> Spot:
        return spot(line.person, line.first_day, step=step, months=months, people=people, payer=line.payer)

    by_step: dict[int, list[Line]] = {}
    gone: dict[int, list[Line]] = {}
    for line in history.lines:
        by_step.setdefault(line.step, []).append(line)
        if line.withdrawn is not None:
            gone.setdefault(line.withdrawn, []).append(line)
    for step in history.steps:
        touched = _touched(step, people, followers)
        for person in touched:
            for service in by_person.get(person.id, []):
                if service not in standing:
                    continue
                line, before = standing[service]
                after = where(line, step.index)
                if after != before:
                    found.append(Change(line, "rebooked", before, step.index, -line.cents))
                    found.append(Change(line, "rebooked", after, step.index, line.cents))
                    standing[service] = (line, after)
        for line in by_step.get(step.index, []):
            place = where(line, step.index)
            standing[line.id] = (line, place)
            by_person.setdefault(line.person.id, []).append(line.id)
            found.append(Change(line, "delivered", place, step.index, line.cents))
        for line in gone.get(step.index, []):
            _, place = standing.pop(line.id)
            found.append(Change(line, "withdrawn", place, step.index, -line.cents))
    return found


def _touched(step: Step, people: list[Person], followers: dict[int, list[Person]]) -> list[Person]:
    """Persons of whom something became known in this step, and who is linked to them."""
    news = [p for p in people if p.known == "messages" and p.placed_step == step.index] + step.residents + step.links
    return list({p.id: p for person in news for p in (person, *followers.get(person.id, []))}.values())


def write(folder: Path, history: History, people: list[Person], months: list[Month]) -> tuple[int, int]:
    """Write history.csv and truth.csv; returns how many rows each has."""
    found = changes(history, people, months)
    standing: dict[int, tuple[Line, Spot]] = {}
    with (folder / "history.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HISTORY_COLUMNS)
        for c in found:
            care = CARE_TYPE_BY_CODE[c.line.care]
            writer.writerow(
                (f"S{c.line.id}", c.kind, c.spot.household, c.spot.gemeente, c.spot.area, c.line.arrangement.provider.agb,
                 care.group.value, care.code, c.line.first_day.year, months[c.epoch], c.cents)
            )  # fmt: skip
            if c.cents > 0:
                standing[c.line.id] = (c.line, c.spot)
            elif c.kind == "withdrawn":
                standing.pop(c.line.id, None)
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(TRUTH_COLUMNS)
        for line, place in standing.values():
            care = CARE_TYPE_BY_CODE[line.care]
            writer.writerow(
                (f"P{line.person.id}", place.household, place.gemeente, place.address, place.buurt, place.area,
                 line.arrangement.provider.agb, care.group.value, care.code, line.first_day, line.first_day.year,
                 months[line.step], line.cents)
            )  # fmt: skip
    return len(standing), len(found)
