"""The town's own bookkeeping and the zone's pure rules, each on their own, come to the same books."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from producers.checks import ProviderContext, check
from producers.packing import pack
from producers.residence_files import read_links, read_residences
from producers.town.files import make_town
from producers.town.oracle import compare
from projections.bookings import BOOKING, Placements, booked, rebooked, summed
from schemas.care import CARE_TYPES
from schemas.frames import DELIVERY_ROW, LEDGER_ROW
from schemas.geography import area_code
from schemas.secrets import AddressKey, HandleKey
from schemas.values import Month, day_number, day_of
from streams.address_book import AddressBook
from streams.intake import linked, packed, timeline
from streams.intake_evidence import Evidence, dated_of, links_of, residences_of
from streams.ledger import Books, judge, prepare

TODAY = dt.date(2026, 11, 23)


class PureZone:
    """Intake, ledger and projector in memory, from their pure parts only."""

    def __init__(self, town: Path) -> None:
        self.town = town
        self.described = json.loads((town / "town.json").read_text("utf-8"))
        self.book = AddressBook.read([town / m["code"] for m in self.described["municipalities"]])
        self.address_key, self.handle_key = AddressKey.generate(), HandleKey.generate()
        self.dated, self.stays, self.links = defaultdict(set), defaultdict(dict), defaultdict(dict)
        self.lines, self.followers = {}, defaultdict(set)
        self.ledger = Books({}, set())
        self.bookings = np.zeros(0, BOOKING)
        self.refused, self.duplicates, self.at_provider = Counter(), 0, Counter()

    def run(self) -> None:
        months = self.described["months"]
        for step, month in enumerate(months):
            for m in self.described["municipalities"]:
                self.publish_homes(self.town / m["code"] / month, int(m["code"][2:]), step)
            for provider in self.described["providers"]:
                folder = self.town / "providers" / f"p{provider['agb']}" / month
                for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                    self.publish_file(path, provider, step)

    def publish_homes(self, place: Path, gemeente: int, step: int) -> None:
        for name, read in (("residences.csv", read_residences), ("links.csv", read_links)):
            if (place / name).exists():
                for one in read(place / name, self.handle_key):
                    self.hear(self.evidence(one.identity), gemeente, step)

    def publish_file(self, path: Path, provider: dict, step: int) -> None:
        payer = int(path.name.partition("GM")[2][:4]) if "GM" in path.name else None
        reading = check(path, ProviderContext(provider["agb"], frozenset(provider["municipalities"]), TODAY, payer))
        self.at_provider.update(f.code for f in reading.findings if f.severity.value != "note")
        for one in pack(reading.items, secret=HandleKey(hashlib.sha256(provider["agb"].encode()).digest())):
            known = self.evidence(one.identity)
            self.hear(known, 0, step)
            self.deliver(np.frombuffer(one.content["rows"], DELIVERY_ROW), known, provider, step)

    def evidence(self, identity: dict) -> Evidence:
        persons = [hashlib.blake2b(s["bsn"].encode(), digest_size=16).digest() for s in identity["subjects"]]
        return Evidence(identity, persons, {})

    def hear(self, known: Evidence, gemeente: int, step: int) -> None:
        touched = set()
        for person, dated in dated_of(known, book=self.book, secret=self.address_key):
            self.dated[person].add(dated)
            touched.add(person)
        for person, stays in residences_of(known, book=self.book, secret=self.address_key, gemeente=gemeente).items():
            self.stays[person][gemeente] = stays
            touched.add(person)
        for person, link in links_of(known):
            self.links[person][link.from_day] = link
            self.followers[link.to_person].add(person)
            touched.add(person)
        self.place(touched | {f for t in touched for f in self.followers[t]}, step)

    def own(self, person: bytes):
        return timeline(self.dated[person], [s for own in self.stays[person].values() for s in own])

    def place(self, persons: set[bytes], step: int) -> None:
        changed = {}
        for person in persons:
            links = list(self.links[person].values())
            line = packed(linked(self.own(person), links, {k.to_person: self.own(k.to_person) for k in links}))
            if line != self.lines.get(person, b""):
                changed[person] = self.lines[person] = line
        mine = np.isin(self.bookings["person"], np.array(list(changed), "V16")) if changed else np.zeros(0, bool)
        if mine.any():
            standing = summed(self.bookings[mine], with_epoch=False)
            epochs = np.full(len(standing), step)
            self.bookings = np.concatenate([self.bookings, rebooked(standing, epochs, Placements(changed))])

    def deliver(self, rows, known: Evidence, provider: dict, step: int) -> None:
        ready = prepare(rows, provider=int(provider["agb"]), payers=frozenset(provider["municipalities"]),
                        day=day_number(TODAY), subjects=known.persons, refusals={})  # fmt: skip
        judged = judge(ready, self.ledger)
        self.refused.update(code for _, code in judged.refused)
        self.duplicates += judged.duplicates
        if not judged.accepted:
            return
        frame = np.frombuffer(b"".join(row for _, row in judged.accepted), LEDGER_ROW)
        places = Placements({p: self.lines.get(p, b"") for p, _ in judged.accepted})
        owner = np.array(
            [places.index[p] for p, written in judged.accepted for _ in range(len(written) // LEDGER_ROW.itemsize)]
        )
        new, _ = booked(frame, owner, np.full(len(frame), step), places)
        self.bookings = np.concatenate([self.bookings, new])

    def dump(self, folder: Path) -> None:
        cells, households = defaultdict(lambda: defaultdict(int)), defaultdict(int)
        first = Month.parse(self.described["months"][0])
        for b in self.bookings[self.bookings["kind"] == 0]:
            day, group = day_of(int(b["service_day"])), CARE_TYPES[int(b["care_type"])].group.value
            cell = (area_code(int(b["area"])), group, day.year, str(first.plus(int(b["epoch"]))))
            cells[cell][bytes(b["household"])] += int(b["cents"])
            households[bytes(b["household"]).hex(), group, str(Month.of(day))] += int(b["cents"])
        rows = [(*c, sum(m.values()), sum(1 for v in m.values() if v)) for c, m in sorted(cells.items())]
        write(folder / "cells.csv", "area,group,service_year,epoch,cents,households", [r for r in rows if r[4] or r[5]])
        write(
            folder / "households.csv",
            "household,group,service_month,cents",
            [(*k, v) for k, v in households.items() if v],
        )


def write(path: Path, head: str, rows: list) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([head.split(","), *rows])


@pytest.fixture(
    scope="module",
    params=[("town", 5), ("mass-redeclaration", 3), ("movers", 4), ("negative-net", 4)],
    ids=lambda p: p[0],
)
def zone(request, tmp_path_factory):
    world, months = request.param
    folder = tmp_path_factory.mktemp(world)
    make_town(folder / "town", seed=7, months=months, addresses=600, world=world)
    zone = PureZone(folder / "town")
    zone.run()
    zone.dump(folder / "dump")
    return zone


def test_the_towns_books_are_those_of_the_zones_rules(zone) -> None:
    assert len(zone.bookings) > 1000
    assert compare(zone.town.parent / "dump", zone.town) == []


def test_the_ledger_refuses_what_the_town_planned_and_nothing_else(zone) -> None:
    assert dict(zone.refused) == zone.described["refused"]["ledger"]


def test_the_providers_check_refuses_what_the_town_planned_and_nothing_else(zone) -> None:
    planned = {code: n for code, n in zone.described["refused"]["check"].items() if n}
    assert dict(zone.at_provider) == planned


def test_what_is_sent_twice_counts_once_and_is_counted_as_a_duplicate(zone) -> None:
    assert zone.duplicates == zone.described["duplicates"]


def test_a_single_lost_line_shows_in_the_comparison(zone, tmp_path) -> None:
    spoiled = PureZone(zone.town)
    first = int(np.flatnonzero(zone.bookings["kind"] == 0)[0])
    spoiled.bookings = np.delete(zone.bookings, first)
    spoiled.dump(tmp_path / "dump")
    assert compare(tmp_path / "dump", zone.town) != []
