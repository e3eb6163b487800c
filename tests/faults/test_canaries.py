"""Canaries: what a role never sees is in no byte of its memory, database, topics or log, before and after an erasure."""

from __future__ import annotations

import datetime as dt
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from erasing import asked, decided, persons, rebuilt, rows, wait_for
from memory_images import held
from provider_profiles import encodings
from psycopg import sql
from runs import told

from deploy.zone import WORKERS, Zone
from producers.deliveries import Delivery
from producers.packing import reference_handle
from schemas.care import CARE_TYPES
from schemas.secrets import Bsn
from schemas.values import Address, Cents
from tests.integration.road_by_hand import MARCH, Road, Sender, admitted

PROVIDER = "p98444446"
STAYS, GOES = "999961007", "999961019"
PLACES = {STAYS: Address("9876QX", 7, "QZXJWVKQ"), GOES: Address("9876XQ", 9, "KQVWJXZQ")}
VOLUMES, TARIFFS, CENTS = (
    {STAYS: 718_281_828, GOES: 141_421_356},
    {STAYS: 27_182_817, GOES: 14_142_139},
    77_345_671,
)
pytestmark = pytest.mark.usefixtures("municipality")

NEVER = {
    "intake": {"content"},
    "ledger": {"bsn", "address", "household"},
    "projector": {"bsn", "address"},
    "keyvault": {"bsn", "address", "content"},
    "release": {"bsn", "address", "content", "person"},
    "Kafka": {"bsn", "address", "content", "household"},
    "PostgreSQL": {"bsn", "address"},
}
"""What stands in the design's column "never sees"; Kafka sees sealed bytes only, PostgreSQL what the roles may keep."""
SEES = {"intake": {"bsn", "address"}, "ledger": {"content"}, "projector": {"household", "person"}}
"""The search finds each kind of canary where it has to be."""


def delivery(bsn: str, reference: str) -> Delivery:
    care = next(c for c in CARE_TYPES.values() if c.stream.value == "wmo")
    return Delivery(
        bsn=Bsn(bsn), payer=9901, care_type=care, first_day=MARCH, last_day=MARCH + dt.timedelta(days=27), cents=Cents(CENTS),
        reference=reference, volume_hundredths=VOLUMES[bsn], unit=4, tariff_cents=TARIFFS[bsn], address=PLACES[bsn], address_as_of=MARCH,
    )  # fmt: skip


def canaries(bsn: str, sender: Sender, *, person: bytes, household: bytes) -> dict[str, list[bytes]]:
    """Kind -> the forms in which it may stand somewhere, each too long to be there by chance."""
    place, reference = PLACES[bsn], reference_handle(sender.profile.handle_key(), "wmo", f"canary-{bsn}")
    numbers = b"".join(n.to_bytes(8, "little") for n in (VOLUMES[bsn], TARIFFS[bsn], CENTS))
    return {
        "bsn": [form for form in encodings(bsn) if len(form) >= 8],
        "address": [f(text) for text in (place.postcode, place.suffix) for f in (str.encode, lambda t: t.encode("utf-16-le"))],
        "content": [numbers, reference, str(VOLUMES[bsn]).encode(), f"canary-{bsn}".encode()],
        "person": [person, person.hex().encode()],
        "household": [household, household.hex().encode()],
    }  # fmt: skip


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
            wanted = {kind: looked_for[kind] for kind in NEVER[name] | SEES.get(name, set())}
            found, size = held(pid, wanted, shared=name != "PostgreSQL" or pid == zone.postgres.pid)  # type: ignore[attr-defined]
        except FileNotFoundError:
            continue  # a backend that ended meanwhile
        holds[name] = holds.get(name, set()) | found
        read += size
    assert set(holds) == set(NEVER) - (set() if kafka else {"Kafka"})
    assert read > 100_000_000
    return [f"{name} holds {kind}" for name, kinds in holds.items() for kind in sorted(kinds & NEVER[name])], holds


def in_files(zone: Zone, looked_for: dict[str, list[bytes]]) -> list[str]:
    """Topics, logs, settings, and the pages of roles that serve metrics: nothing in the clear; numbers of persons are keys inside of the zone."""
    kinds = {"kafka": ("bsn", "address", "content", "household"), "logs": tuple(looked_for), "roles": tuple(looked_for)}
    hits = []
    for folder, wanted in kinds.items():
        for path in (p for p in (zone.folder.path / folder).rglob("*") if p.is_file()):
            data = path.read_bytes().rstrip(b"\0")
            hits += [f"{path.name}: {kind}" for kind in wanted if any(form in data for form in looked_for[kind])]
    for role in (*WORKERS, "keyvault"):
        with urllib.request.urlopen(zone.metrics_url(role)) as answer:
            page = answer.read()
        hits += [f"metrics of {role}: {k}" for k, forms in looked_for.items() if any(form in page for form in forms)]
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
            found |= {(table, kind) for kind, forms in looked_for.items() if any(f in data for f in forms)}
            found |= {(table, "content")} if any(n in data for n in numbers) else set()
    return found


def test_no_role_holds_what_it_never_sees_before_and_after_an_erasure(zone: Zone, road: Road) -> None:
    sender = Sender(admitted(road.demo, PROVIDER))
    before, booked = (
        persons(zone),
        rows(zone, "projector", "SELECT coalesce(sum(count), 0)::int FROM bookings WHERE kind = 0")[0][0],
    )
    ids: dict[str, dict[str, list[bytes]]] = {}
    for number, bsn in enumerate((STAYS, GOES), 1):
        assert told(road, sender, sender.sealed(number, delivery(bsn, f"canary-{bsn}"))) == ("0200", 1)
        wait_for(zone, booked + number)
        (person,) = persons(zone) - before
        before |= {person}
        ((household,),) = rows(zone, "projector", "SELECT DISTINCT household FROM bookings WHERE person = %s", person)
        ids[bsn] = canaries(bsn, sender, person=person, household=bytes(household))
    both = {kind: ids[STAYS][kind] + ids[GOES][kind] for kind in ids[STAYS]}
    faults, holds = broken(
        zone, both, kafka=False
    )  # its heap is large, and keeps what was: it is read once, in the end
    assert faults == []
    assert {name: SEES[name] - holds[name] for name in SEES} == {name: set() for name in SEES}, (
        "the search finds what is there"
    )
    assert in_files(zone, both) == []
    in_databases = {role: in_database(zone, role, both) for role in (*WORKERS, "keyvault")}
    assert in_databases["projector"] >= {("bookings", kind) for kind in ("content", "household", "person")}
    assert [(role, *hit) for role, found in in_databases.items() for hit in found if hit[1] in NEVER[role]] == []

    decided(zone, asked(zone, GOES), "--grant")
    assert rebuilt(zone)
    faults, _ = broken(zone, both)
    assert faults == []
    assert in_files(zone, both) == []
    of_who_went = {kind: forms for kind, forms in ids[GOES].items() if kind != "content"} | {
        "content": [b"nothing of it"]
    }
    left = {(role, *hit) for role in (*WORKERS, "keyvault") for hit in in_database(zone, role, of_who_went)}
    refusing = {(role, "erased_persons", "person") for role in ("intake", "ledger", "projector", "keyvault")}
    assert left == refusing | {("intake", "erasure_requests", "person")}, (
        "a number that leads to nobody, to refuse what comes late"
    )
