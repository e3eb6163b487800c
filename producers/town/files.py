"""Writes a whole town: registers, geography, residence files and, per provider and month, the files that provider publishes."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import xlsxwriter

from producers.spreadsheet_template import COLUMNS
from producers.spreadsheet_words import STREAM_NAMES
from producers.town import messages, truth
from producers.town.geography import Home, Municipality, make_municipalities, ring
from producers.town.history import History, Sent, Step
from producers.town.people import Person, make_people
from producers.town.providers import PROVIDERS, by_message
from producers.town.worlds import WORLDS
from schemas.care import CARE_TYPE_BY_CODE, UNITS
from schemas.values import Month

FIRST_MONTH = Month(2025, 1)
Tell = Callable[[str, int, int], None]


def make_town(
    folder: Path, *, seed: int, months: int, addresses: int, world: str = "town",
    tell: Tell = lambda _what, _done, _all: None,
) -> dict[str, Any]:  # fmt: skip
    """Write a town into `folder`; returns what town.json says. The same arguments give the same bytes."""
    random = Random(f"{world}/{seed}")  # noqa: S311 - reproducible on purpose, nothing secret
    calendar = [FIRST_MONTH.plus(i) for i in range(months)]
    municipalities = make_municipalities(random, addresses)
    people = make_people(random, municipalities, months=months)
    WORLDS[world].change(random, municipalities, people)
    history = History(random, people, calendar)
    steps = history.make()
    _placed_by_messages(steps)
    folder.mkdir(parents=True, exist_ok=True)
    for municipality in municipalities:
        _registers(folder / f"GM{municipality.number}", municipality)
    for step in steps:
        tell("files", step.index, months)
        _residences(folder, municipalities, step, people, calendar)
        _provider_files(folder / "providers", step, random)
    tell("truth", months, months)
    services, changes = truth.write(folder, history, people, calendar)
    described = _describe(folder, municipalities, people, steps, seed=seed, world=world)
    described |= {"services": services, "changes": changes, "persons": len(people)}
    (folder / "town.json").write_text(json.dumps(described, indent=2), "utf-8")
    return described


def _placed_by_messages(steps: Sequence[Step]) -> None:
    for step in steps:
        named = [p for given in step.grants.values() for p, _ in given]
        named += [s.line.person for sent in step.sent.values() for s in sent if not by_message(CARE_TYPE_BY_CODE[s.line.care])]
        for person in named:
            if person.known == "messages" and person.placed_step is None:
                person.placed_step = step.index


def _write_csv(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=";", lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def _registers(folder: Path, municipality: Municipality) -> None:
    homes = municipality.homes
    _write_csv(
        folder / "address_register.csv", ("PC6", "Huisnummer", "Buurt2025", "Wijk2025", "Gemeente2025"),
        [(h.postcode, h.number, h.buurt, h.buurt // 100, h.gemeente) for h in homes],
    )  # fmt: skip
    clusters = sorted({(h.postcode, h.buurt, h.cluster) for h in homes})
    _write_csv(folder / "clusters.csv", ("PC6", "Buurt2025", "Cluster"), clusters)
    special = [(h.postcode, h.number, "", h.kind) for h in homes if h.kind != "home"]
    _write_csv(folder / "special_addresses.csv", ("PC6", "Huisnummer", "Toevoeging", "Soort"), special)
    (folder / "geography.geojson").write_text(json.dumps(_geojson(municipality)), "utf-8")


def _geojson(municipality: Municipality) -> dict[str, Any]:
    def feature(code: str, name: str, level: str, parent: str | None, outlines: list[list[list[float]]]) -> dict[str, Any]:
        shape = {"type": "Polygon", "coordinates": outlines} if len(outlines) == 1 else {
            "type": "MultiPolygon", "coordinates": [[o] for o in outlines]}  # fmt: skip
        return {
            "type": "Feature", "properties": {"code": code, "name": name, "level": level, "parent": parent}, "geometry": shape,
        }  # fmt: skip

    gm = f"GM{municipality.number}"
    features = [feature(gm, municipality.name, "gemeente", None, [ring(b) for b in municipality.buurten])]
    wijken: dict[int, list[Any]] = defaultdict(list)
    for b in municipality.buurten:
        wijken[b.code // 100].append(b)
    features += [
        feature(f"WK{code:06d}", f"Wijk {code % 100:02d} {buurten[0].name}", "wijk", gm, [ring(b) for b in buurten])
        for code, buurten in sorted(wijken.items())
    ]
    for b in municipality.buurten:
        buurt = f"BU{b.code:08d}"
        features.append(feature(buurt, b.name, "buurt", f"WK{b.code // 100:06d}", [ring(b)]))
        for n in range(1, b.clusters + 1):
            codes = sorted({h.postcode for h in b.homes if h.cluster == n})
            name = f"{b.name} {codes[0]}-{codes[-1]}"
            features.append(feature(f"{buurt}.{n:02d}", name, "cluster", buurt, [ring(b, n - 1, b.clusters)]))
    return {"type": "FeatureCollection", "features": features}


def _residences(folder: Path, municipalities: Sequence[Municipality], step: Step, people: Sequence[Person], calendar: list[Month]) -> None:
    rows: dict[int, list[tuple[object, ...]]] = {m.number: [] for m in municipalities}

    def stay(person: Person, home: Home, first: str, last: str) -> tuple[object, ...]:
        if person.secret:
            return (person.bsn, first, last, "", "", "", "ja")
        return (person.bsn, first, last, home.postcode, home.number, "", "nee")

    for person in step.residents:
        moved = person.move_to is not None and person.move_month is not None and step.index >= person.move_known_month
        if moved and person.move_to is not None and person.move_month is not None:
            day = calendar[person.move_month].first_day
            left = str(day.replace(day=1) if day.day > 1 else calendar[person.move_month].plus(-1).last_day)
            rows[person.home.gemeente].append(stay(person, person.home, "2015-01-01", left))
            rows[person.move_to.gemeente].append(stay(person, person.move_to, str(day), ""))
        else:
            rows[person.home.gemeente].append(stay(person, person.home, "2015-01-01", ""))
    links: dict[int, list[tuple[object, ...]]] = {m.number: [] for m in municipalities}
    for child in step.links:
        if child.parent is not None:
            parent = people[child.parent]
            links[parent.home.gemeente].append((child.bsn, parent.bsn, calendar[child.linked_month].first_day, ""))
    for m in municipalities:
        place = folder / f"GM{m.number}" / str(step.month)
        head = ("BSN", "van", "tot", "postcode", "huisnummer", "toevoeging", "geheim")
        _write_csv(place / "residences.csv", head, rows[m.number])
        _write_csv(place / "links.csv", ("BSN", "bij BSN", "van", "tot"), links[m.number])


def _provider_files(folder: Path, step: Step, random: Random) -> None:
    keys = sorted({*step.sent, *step.wrong, *step.rejected, *step.grants})
    for number, (agb, gemeente) in enumerate(keys):
        place = folder / f"p{agb}" / str(step.month)
        place.mkdir(parents=True, exist_ok=True)
        name = f"GM{gemeente}-{step.month}"
        code = f"{step.index:02d}{number:03d}"
        _message_files(place, name, code, step, key=(agb, gemeente))
        sheet = [s for s in step.sent.get((agb, gemeente), []) if not by_message(CARE_TYPE_BY_CODE[s.line.care])]
        if sheet:
            if random.random() < 0.3:
                _write_csv(place / f"4-leveringen-{name}.csv", COLUMNS, [_sheet_row(s) for s in sheet])
            else:
                _write_xlsx(place / f"4-leveringen-{name}.xlsx", [_sheet_row(s) for s in sheet])


def _message_files(place: Path, name: str, code: str, step: Step, *, key: tuple[str, int]) -> None:
    for law in ("wmo", "jw"):
        ends = messages.Ends(law, *key)

        def of_law(care: str, law: str = law) -> bool:
            return by_message(CARE_TYPE_BY_CODE[care]) and messages.group_of(care) == law

        grants: dict[int, list[Any]] = defaultdict(list)
        for person, arrangement in step.grants.get(key, []):
            if of_law(arrangement.care):
                grants[person.id].append((person, arrangement))
        for nth, given in enumerate(grants.values()):
            person = given[0][0]
            text = messages.grant(
                ends, person, [a for _, a in given], number=f"T{code}{nth:04d}", month=step.month,
                home=None if person.secret or person.known == "nothing" else person.home,
            )  # fmt: skip
            (place / f"1-{law}301-{name}-{nth:04d}.xml").write_text(text, "utf-8")
        rejected = [line for line in step.rejected.get(key, []) if of_law(line.care)]
        if rejected:
            text = messages.answer(ends, rejected, number=f"A{code}", month=step.month.plus(-1))
            (place / f"2-{law}325-{name}.xml").write_text(text, "utf-8")
        sent = [s for s in step.sent.get(key, []) if of_law(s.line.care)]
        if sent:
            text = messages.declaration(ends, sent, number=f"D{code}", month=step.month)
            (place / f"3-{law}323-{name}.xml").write_text(text, "utf-8")
            if key in step.again:
                (place / f"5-{law}323-{name}-nogmaals.xml").write_text(text, "utf-8")
        for nth, wrong in enumerate(s for s in step.wrong.get(key, []) if of_law(s.line.care)):
            text = messages.declaration(ends, [wrong], number=f"W{code}{nth}", month=step.month)
            (place / f"6-{law}323-{name}-fout-{nth}.xml").write_text(text, "utf-8")


def _sheet_row(sent: Sent) -> tuple[object, ...]:
    line, person = sent.line, sent.line.person
    care = CARE_TYPE_BY_CODE[line.care]
    home = None if person.known == "nothing" or person.secret else person.home
    euros = f"{line.cents // 100},{line.cents % 100:02d}"
    return (
        person.bsn, home.postcode if home else "", home.number if home else "", "", STREAM_NAMES[care.stream], care.label,
        str(line.first_day), str(line.last_day), "1", UNITS[82][0], euros, line.reference,
    )  # fmt: skip


def _write_xlsx(path: Path, rows: Sequence[Sequence[object]]) -> None:
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("Leveringen")
    sheet.write_row(0, 0, COLUMNS)
    for index, row in enumerate(rows, start=1):
        sheet.write_row(index, 0, row)
    book.close()


def _describe(
    folder: Path, municipalities: Sequence[Municipality], people: Sequence[Person], steps: Sequence[Step], *, seed: int, world: str
) -> dict[str, Any]:
    used = {agb for step in steps for agb, _ in {*step.sent, *step.grants}}
    examples = {}
    for m in municipalities:
        rich = [p for p in people if p.home.gemeente == m.number and p.known == "residence" and not p.secret and p.move_to is None and p.parent is None]
        if rich:
            chosen = max(rich, key=lambda p: (len(p.arrangements), -p.id))
            examples[f"GM{m.number}"] = {"bsn": chosen.bsn, "person": f"P{chosen.id}", "household": f"A{chosen.home.id}"}
    return {
        "seed": seed, "world": world, "months": [str(s.month) for s in steps],
        "municipalities": [{"code": f"GM{m.number}", "name": m.name, "addresses": len(m.homes)} for m in municipalities],
        "providers": [
            {"agb": p.agb, "name": p.name, "streams": [s.value for s in p.streams], "municipalities": list(p.municipalities)}
            for p in PROVIDERS if p.agb in used
        ],
        "caseworkers": [{"name": f"caseworker-gm{m.number}-1", "gm": f"gm{m.number}"} for m in municipalities],
        "examples": examples,
    }  # fmt: skip
