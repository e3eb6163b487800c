"""Canaries: what a role never sees is in no byte of its memory, database, topics or log, before and after an erasure."""

from __future__ import annotations

import datetime as dt
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from erasing import asked, decided, rebuilt, rows, wait_for
from memory_images import held
from provider_profiles import encodings
from psycopg import sql
from runs import told

from deploy.zone import WORKERS, Zone
from producers.deliveries import Delivery
from producers.packing import reference_handle
from schemas.care import CARE_TYPES
from schemas.geography import area_number
from schemas.secrets import Bsn
from schemas.values import Address, Cents
from tests.integration.road_by_hand import MARCH, Road, Sender, admitted

PROVIDER = "p98444446"
STAYS, GOES = "999961007", "999961019"
PLACES = {STAYS: Address("9876QX", 7, "QZXJWVKQ"), GOES: Address("9876XQ", 9, "KQVWJXZQ")}
VOLUMES, TARIFFS = {STAYS: 738_194_265, GOES: 516_927_483}, {STAYS: 27_182_817, GOES: 14_142_139}
CENTS = {STAYS: 77_345_671, GOES: 91_862_453}
AREA = area_number("GM9901")
"""Where both live for the books: the rest of the municipality, since its register does not know their addresses."""
pytestmark = pytest.mark.usefixtures("municipality")

NEVER = {
    "intake": {"content", "amount"},
    "ledger": {"bsn", "address", "household", "area"},
    "projector": {"bsn", "address"},
    "keyvault": {"bsn", "address", "content", "amount", "area"},
    "release": {"bsn", "address", "content", "person"},
    "Kafka": {"bsn", "address", "content", "amount", "household"},
    "PostgreSQL": {"bsn", "address"},
}
"""What stands in the design's column "never sees"; Kafka sees sealed bytes only, PostgreSQL what the roles may keep.

Release sees amounts per household and cell: of a household with one delivery, that one.
"""
SEES = {
    "intake": {"bsn", "address"}, "ledger": {"content"}, "projector": {"household", "person"}, "PostgreSQL": {"amount", "area"},
}  # fmt: skip
"""The search finds each kind of canary where it has to be; numbers a worker has booked may be gone from its memory already, and are with PostgreSQL."""
EVERYTHING = {"bsn", "address", "content", "amount", "person", "household", "area"}


def delivery(bsn: str, reference: str) -> Delivery:
    care = next(c for c in CARE_TYPES.values() if c.stream.value == "wmo")
    return Delivery(
        bsn=Bsn(bsn), payer=9901, care_type=care, first_day=MARCH, last_day=MARCH + dt.timedelta(days=27), cents=Cents(CENTS[bsn]),
        reference=reference, volume_hundredths=VOLUMES[bsn], unit=4, tariff_cents=TARIFFS[bsn], address=PLACES[bsn], address_as_of=MARCH,
    )  # fmt: skip


def canaries(bsn: str, sender: Sender, *, person: bytes, household: bytes) -> dict[str, list[bytes]]:
    """Kind -> the forms in which it may stand somewhere, each too long to be there by chance."""
    place, reference = PLACES[bsn], reference_handle(sender.profile.handle_key(), "wmo", f"canary-{bsn}")
    numbers = b"".join(n.to_bytes(8, "little") for n in (VOLUMES[bsn], TARIFFS[bsn], CENTS[bsn]))
    return {
        "bsn": [form for form in encodings(bsn) if len(form) >= 8],
        "address": [f(text) for text in (place.postcode, place.suffix) for f in (str.encode, lambda t: t.encode("utf-16-le"))],
        "content": [numbers, reference, str(VOLUMES[bsn]).encode(), f"canary-{bsn}".encode()],
        "person": [person, person.hex().encode()],
        "household": [household, household.hex().encode()],
        "area": [AREA.to_bytes(8, "little"), AREA.to_bytes(8, "big"), str(AREA).encode()],
    } | {f"amount, {encoding}, {bsn}": [form] for encoding, form in written(CENTS[bsn]).items()}  # fmt: skip


def written(cents: int) -> dict[str, bytes]:
    """An amount alone, as it may stand somewhere. Each form is short: it counts where the amounts of both deliveries stand in the same form."""
    euros, rest = divmod(cents, 100)
    forms = {
        "digits": f"{cents}", "comma": f"{euros},{rest:02d}", "point": f"{euros}.{rest:02d}",
        "Dutch": f"{euros:,}".replace(",", ".") + f",{rest:02d}", "English": f"{euros:,}.{rest:02d}",
    }  # fmt: skip
    return {name: text.encode() for name, text in forms.items()} | {
        "little-endian": cents.to_bytes(8, "little"), "big-endian": cents.to_bytes(8, "big"),
    }  # fmt: skip


def of_kinds(looked_for: dict[str, list[bytes]], kinds: set[str]) -> dict[str, list[bytes]]:
    """What is looked for of some kinds."""
    return {name: forms for name, forms in looked_for.items() if name.split(",")[0] in kinds}


def kinds_of(found: set[str]) -> set[str]:
    """The kinds that are there: an amount where both are, in one form."""
    amounts = [name.split(", ")[1] for name in found if name.startswith("amount, ")]
    return {name for name in found if "," not in name} | {"amount" for form in amounts if amounts.count(form) == 2}


def names_in(data: bytes, looked_for: dict[str, list[bytes]]) -> set[str]:
    return {name for name, forms in looked_for.items() if any(form in data for form in forms)}


def processes(zone: Zone) -> Iterator[tuple[str, int]]:
    """Name and process id of every role, of Kafka, and of PostgreSQL with each of its backends."""
    yield from ((name, pid) for name, pid in zone.supervisor.pids().items() if name in NEVER)
    yield "Kafka", zone.kafka.pid  # type: ignore[attr-defined]
    postmaster = zone.postgres.pid  # type: ignore[attr-defined]
    yield "PostgreSQL", postmaster
    for task in Path(f"/proc/{postmaster}/task").glob("*/children"):
        yield from (("PostgreSQL", int(child)) for child in task.read_text().split())


def broken(
    zone: Zone, looked_for: dict[str, list[bytes]], *, kafka: bool = True
) -> tuple[list[str], dict[str, set[str]]]:
    """`role holds kind` for each that a role must never see; and what each holds. Every process's memory is read."""
    holds: dict[str, set[str]] = {}
    read = 0
    for name, pid in processes(zone):
        if name == "Kafka" and not kafka:
            continue
        try:
            wanted = of_kinds(looked_for, NEVER[name] | SEES.get(name, set()))
            first = pid == zone.postgres.pid  # type: ignore[attr-defined]
            found, size = held(pid, wanted, shared=name != "PostgreSQL" or first, others=first)
        except FileNotFoundError:
            continue  # a backend that ended meanwhile
        holds[name] = holds.get(name, set()) | found
        read += size
    assert set(holds) == set(NEVER) - (set() if kafka else {"Kafka"})
    assert read > 100_000_000
    holds = {name: kinds_of(found) for name, found in holds.items()}
    return [f"{name} holds {kind}" for name, kinds in holds.items() for kind in sorted(kinds & NEVER[name])], holds


def in_files(zone: Zone, looked_for: dict[str, list[bytes]]) -> list[str]:
    """Topics, logs, settings, and the pages of roles that serve metrics: nothing in the clear; numbers of persons are keys inside of the zone."""
    kinds = {"kafka": NEVER["Kafka"], "logs": EVERYTHING, "roles": EVERYTHING}
    hits = []
    for folder, wanted in kinds.items():
        found: set[str] = set()
        for path in (p for p in (zone.folder.path / folder).rglob("*") if p.is_file()):
            here = names_in(path.read_bytes().rstrip(b"\0"), of_kinds(looked_for, wanted))
            hits += [f"{path.name}: {kind}" for kind in kinds_of(here)]
            found |= here
        hits += [f"{folder}: {kind}" for kind in kinds_of(found)]
    for role in (*WORKERS, "keyvault"):
        with urllib.request.urlopen(zone.metrics_url(role)) as answer:
            page = answer.read()
        hits += [f"metrics of {role}: {kind}" for kind in kinds_of(names_in(page, looked_for))]
    return hits


def in_database(zone: Zone, role: str, looked_for: dict[str, list[bytes]]) -> set[tuple[str, str]]:
    """(table, kind) of what stands in a role's own tables, as bytes, text or numbers."""
    found: set[tuple[str, str]] = set()
    numbers = {form[:8][::-1] for form in looked_for["content"] if len(form) == 24}
    with psycopg.connect(zone.postgres.create_role_database(role)) as c:
        tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        for (table,) in c.execute(tables).fetchall():
            with c.cursor().copy(sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(sql.Identifier(table))) as copy:
                data = b"".join(bytes(part) for part in copy)
            found |= {(table, kind) for kind in kinds_of(names_in(data, looked_for))}
            found |= {(table, "content")} if any(n in data for n in numbers) else set()
    return found


def test_no_role_holds_what_it_never_sees_before_and_after_an_erasure(zone: Zone, road: Road) -> None:
    sender = Sender(admitted(road.demo, PROVIDER))
    booked = rows(zone, "projector", "SELECT coalesce(sum(count), 0)::int FROM bookings WHERE kind = 0")[0][0]
    # In one envelope, so that whoever has the rows has both at once; one more, so that intake was just given an address.
    envelope = sender.sealed(1, *(delivery(bsn, f"canary-{bsn}") for bsn in (STAYS, GOES)))
    assert told(road, sender, envelope) == ("0200", 2)
    again = replace(delivery(STAYS, "canary-again"), cents=Cents(1))
    assert told(road, sender, sender.sealed(2, again)) == ("0200", 1)
    wait_for(zone, booked + 3)
    ids: dict[str, dict[str, list[bytes]]] = {}
    for bsn, cents in CENTS.items():
        ((person, household),) = rows(
            zone, "projector", "SELECT DISTINCT person, household FROM bookings WHERE cents = %s", cents
        )
        ids[bsn] = canaries(bsn, sender, person=bytes(person), household=bytes(household))
    both = {name: ids[STAYS].get(name, []) + ids[GOES].get(name, []) for name in ids[STAYS] | ids[GOES]}
    faults, holds = broken(
        zone, both, kafka=False
    )  # its heap is large, and keeps what was: it is read once, in the end
    assert faults == []
    assert {name: SEES[name] - holds[name] for name in SEES} == {name: set() for name in SEES}, (
        "the search finds what is there"
    )
    assert in_files(zone, both) == []
    in_databases = {role: in_database(zone, role, both) for role in (*WORKERS, "keyvault")}
    assert in_databases["projector"] >= {
        ("bookings", kind) for kind in ("content", "household", "person", "amount", "area")
    }
    assert [(role, *hit) for role, found in in_databases.items() for hit in found if hit[1] in NEVER[role]] == []

    decided(zone, asked(zone, GOES), "--grant")
    assert rebuilt(zone)
    faults, _ = broken(zone, both)
    assert faults == []
    assert in_files(zone, both) == []
    of_who_went = of_kinds(ids[GOES], {"bsn", "address", "person", "household"}) | {"content": [b"nothing of it"]}
    left = {(role, *hit) for role in (*WORKERS, "keyvault") for hit in in_database(zone, role, of_who_went)}
    refusing = {(role, "erased_persons", "person") for role in ("intake", "ledger", "projector", "keyvault")}
    assert left == refusing | {("intake", "erasure_requests", "person")}, (
        "a number that leads to nobody, to refuse what comes late"
    )
