"""A whole town from a seed: ground, people, history, evidence, files, and the truth to hold the zone's books against."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from producers.town.evidence import Evidence, make_evidence
from producers.town.geography import Municipality, make_municipalities
from producers.town.history import ACCEPTED, DUPLICATE, History, make_history
from producers.town.mistakes import add_mistakes
from producers.town.month_files import Mischief, Tell, write_files
from producers.town.people import Person, make_people
from producers.town.providers import PROVIDERS, TARIFFS
from producers.town.truth import Books, keep_books
from producers.town.worlds import WORLDS
from schemas.care import CARE_TYPE_BY_CODE
from schemas.errors import SettingsWrong
from schemas.values import Month

_MAKING, _LAST = ".making", "town.json"
"""Everything is made in the first and moved out of it when done; a folder with the second is a whole town."""
_OURS: Final = re.compile(r"GM\d{4}|providers|history\.csv|truth\.csv|\.making")
FIRST_MONTH: Final = Month(2025, 1)
EXAMPLE_GEMEENTE: Final = 9901
EXAMPLE_BSNS: Final = ("999900006", "999900018", "999900031")
"""The test numbers in the project's example files: sending one of those changes the card of a household here."""

TRUTH_COLUMNS: Final = (
    "person", "household", "gemeente", "address", "buurt", "area", "provider", "group", "care_type", "service_date",
    "service_year", "epoch", "cents",
)  # fmt: skip
HISTORY_COLUMNS: Final = (
    "service", "kind", "household", "gemeente", "area", "provider", "group", "care_type", "service_year", "epoch", "cents",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Town:
    """Everything about one town, before it is written."""

    municipalities: list[Municipality]
    people: list[Person]
    history: History
    evidence: Evidence
    books: Books


def invent(*, seed: int, months: int, addresses: int, world: str = "town") -> Town:
    """A town as values; the same arguments give the same town."""
    random = Random(f"{world}/{seed}")  # noqa: S311 - reproducible on purpose, nothing secret
    calendar = tuple(FIRST_MONTH.plus(i) for i in range(months))
    municipalities = make_municipalities(random, addresses)
    people = make_people(random, municipalities, months=months)
    WORLDS[world].change(random, municipalities, people, months)
    _give_example_numbers(people)
    history = make_history(random, people, months=calendar, habits=WORLDS[world].habits)
    add_mistakes(random, history)
    evidence = make_evidence(random, people, history=history)
    return Town(municipalities, people, history, evidence, keep_books(history, evidence))


def _give_example_numbers(people: list[Person]) -> None:
    """The BSNs of the example files go to settled persons of the first municipality, the first to its broadest household."""
    example = _example_household(people, EXAMPLE_GEMEENTE)
    settled = [p for p in people if _is_settled(p) and p.home.gemeente == EXAMPLE_GEMEENTE and p not in example]
    holders = {p.bsn: p for p in people}
    for bsn, person in zip(EXAMPLE_BSNS, [*example[:1], *settled], strict=False):
        other = holders.get(bsn)
        if other is not None:
            other.bsn, holders[person.bsn] = person.bsn, other
        person.bsn, holders[bsn] = bsn, person


def make_town(
    folder: Path, *, seed: int, months: int, addresses: int, world: str = "town",
    tell: Tell = lambda _what, _done, _all: None,
) -> dict[str, Any]:  # fmt: skip
    """Write a town into `folder`; returns what town.json says. The same arguments give the same bytes.

    Raises `SettingsWrong` where the folder holds something already: two towns in one folder would be neither.
    """
    making = _empty(folder)
    town = invent(seed=seed, months=months, addresses=addresses, world=world)
    mischief = write_files(making, town.municipalities, history=town.history, evidence=town.evidence, tell=tell)
    _write(making / "history.csv", HISTORY_COLUMNS, _history_rows(town))
    _write(making / "truth.csv", TRUTH_COLUMNS, _truth_rows(town))
    described = _describe(town, mischief, seed=seed, world=world)
    (making / _LAST).write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for made in sorted(making.iterdir(), key=lambda p: (p.name == _LAST, p.name)):
        made.rename(folder / made.name)
    making.rmdir()
    return described


def _empty(folder: Path) -> Path:
    """The folder to write in before all is done; what an interrupted try left there is removed."""
    making = folder / _MAKING
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = list(folder.iterdir())
        interrupted = making.is_dir() and not (folder / _LAST).exists() and all(_OURS.fullmatch(p.name) for p in there)
        if there and not interrupted:
            msg = f"{folder} is not empty; choose another folder for the town."
            raise SettingsWrong(msg)
        for left in there:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        making.mkdir()
    except OSError as wrong:
        msg = f"{folder} can't be written; check the name, the permissions and the free space."
        raise SettingsWrong(msg) from wrong
    return making


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def _history_rows(town: Town) -> Iterable[Sequence[object]]:
    for change in town.books.changes:
        line, spot, care = change.line, change.spot, CARE_TYPE_BY_CODE[change.line.care]
        yield (f"S{line.service}", change.kind, spot.household, spot.gemeente, spot.area, line.provider.agb, care.group.value,
               care.code, line.first.year, town.history.months[change.step], change.cents)  # fmt: skip


def _truth_rows(town: Town) -> Iterable[Sequence[object]]:
    """`epoch` is the month in which the service was taken, wherever it stood then."""
    for line, spot in town.books.standing.values():
        care = CARE_TYPE_BY_CODE[line.care]
        yield (f"P{line.person.id}", spot.household, spot.gemeente, spot.address, spot.buurt, spot.area, line.provider.agb,
               care.group.value, care.code, line.first, line.first.year, town.history.months[line.step], line.cents)  # fmt: skip


def _describe(town: Town, mischief: Mischief, *, seed: int, world: str) -> dict[str, Any]:
    history = town.history
    sent = Counter(line.outcome for line in history.lines)
    refused = {
        by: {o.partition(":")[2]: n for o, n in sorted(sent.items()) if o.startswith(f"{by}:")}
        for by in ("check", "ledger")
    }
    refused["check"]["0001"] = mischief.wrong_totals
    used = {line.provider.agb for line in history.lines}
    return {
        "seed": seed, "world": world, "months": [str(m) for m in history.months],
        "municipalities": [
            {"code": f"GM{m.number:04d}", "name": m.name, "addresses": len(m.homes), "buurten": len(m.buurten)}
            for m in town.municipalities
        ],
        "providers": [
            {"agb": p.agb, "name": p.name, "streams": [s.value for s in p.streams], "municipalities": list(p.municipalities),
             "formats": [*(["323", "301"] if any(c in TARIFFS for c in p.care) else []),
                         *(["csv" if int(p.agb) % 3 == 0 else "xlsx"] if any(c not in TARIFFS for c in p.care) else [])]}
            for p in PROVIDERS if p.agb in used
        ],
        "caseworkers": [{"name": f"caseworker-gm{m.number:04d}-1", "gm": f"gm{m.number:04d}"} for m in town.municipalities],
        "examples": {f"GM{m.number:04d}": e for m in town.municipalities if (e := _example(town, m.number)) is not None},
        "persons": len(town.people), "lines": len(history.lines), "accepted": sent[ACCEPTED], "duplicates": sent[DUPLICATE] + mischief.copied_lines,
        "refused": refused, "answers": len(history.rejections), "services": len(town.books.standing), "changes": len(town.books.changes),
    }  # fmt: skip


def _example(town: Town, gemeente: int) -> dict[str, Any] | None:
    own = _example_household(town.people, gemeente)
    if not own:
        return None
    born = {f"P{p.id}": p.born[:7] for p in own}
    return {"bsn": own[0].bsn, "household": f"A{own[0].home.id}", "persons": [p.bsn for p in own], "born": born}


def _is_settled(person: Person) -> bool:
    """Whether where the person counts is plain: in the residence file from the start, an ordinary home, no move."""
    known = person.known == "residence" and not person.secret and person.home.kind == "home"
    return known and person.move_to is None and person.parent is None and bool(person.arrangements)


def _example_household(people: list[Person], gemeente: int) -> list[Person]:
    """A household worth a caseworker's look: of settled persons, the most kinds of care and providers; that person first."""
    per_home: dict[int, list[Person]] = {}
    for person in people:
        if person.home.gemeente == gemeente:
            per_home.setdefault(person.home.id, []).append(person)
    settled = [own for own in per_home.values() if all(map(_is_settled, own))]
    if not settled:
        return []
    chosen = max(settled, key=lambda own: (_breadth(own), -own[0].id))
    return sorted(chosen, key=lambda p: (-len(p.arrangements), p.id))


def _breadth(own: list[Person]) -> int:
    return len({(a.care, a.provider.agb) for p in own for a in p.arrangements})
