"""Folds the whole ledger into an empty schema and compares it with the live books; and writes the books in readable form.

Runs inside the zone with the projector's settings and certificate. The live books are read in one snapshot, the ledger up
to the offsets of that snapshot, so both can be compared while deliveries keep flowing.
"""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from confluent_kafka import Consumer, TopicPartition

from keyvault.client import PersonKeyCache
from projections.bookings import Placements
from schemas.care import CARE_TYPES
from schemas.directory_follower import DirectoryFollower
from schemas.errors import ContractBroken
from schemas.geography import area_code
from schemas.values import Month, day_of
from streams import hop_engine
from streams import projector_store as store
from streams.config import RoleConfig
from streams.hop import InputRecord
from streams.hop_store import PostgresHopStore, prepared
from streams.metrics import WorkerMetrics
from streams.projector import INPUT, Projector
from streams.projector_erasure import Settling

SCHEMA: Final = "rebuilt"
_WINDOW_EVENTS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Compared:
    """The two hashes, how many ledger records were folded, how long it took."""

    live: str
    rebuilt: str
    records: int
    seconds: float

    @property
    def equal(self) -> bool:
        """Whether the books are what the ledger says, byte for byte."""
        return self.live == self.rebuilt


def _in_schema(dsn: str) -> str:
    return f"{dsn}?options=-csearch_path%3D{SCHEMA}%20-csynchronous_commit%3Doff"


def live_state(dsn: str) -> tuple[dict[int, int], str]:
    """Next offset per partition and the hash of the books, in one snapshot."""
    with psycopg.connect(dsn) as c:
        c.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        offsets = {int(str(p)): int(str(n)) for p, n in c.execute("SELECT partition, next_offset FROM hop_input")}
        return offsets, store.books_hash(c)


def _rebuilt_tables() -> list[str]:
    """The projector's tables without what only lasting and reading them needs: no write-ahead log, no household index."""
    return [
        statement.replace("CREATE TABLE", "CREATE UNLOGGED TABLE")
        for statement in store.DDL
        if "bookings_household" not in statement
    ]


def rebuild(config: RoleConfig, *, progress: Callable[[int, int], None] = lambda _done, _all: None) -> Compared:
    """Rebuild and compare; the rebuilt schema is dropped afterwards. `progress` hears records done and of how many."""
    started = time.monotonic()
    offsets, live = live_state(config.database_dsn)
    with psycopg.connect(config.database_dsn, autocommit=True) as c:
        c.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        c.execute(f"CREATE SCHEMA {SCHEMA}")
    try:
        with prepared(_in_schema(config.database_dsn), _rebuilt_tables()):
            pass
        records = _fold(config, offsets, progress)
        with psycopg.connect(_in_schema(config.database_dsn)) as c:
            rebuilt = store.books_hash(c)
    finally:
        with psycopg.connect(config.database_dsn, autocommit=True) as c:
            c.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    return Compared(live, rebuilt, records, time.monotonic() - started)


def _fold(config: RoleConfig, offsets: dict[int, int], progress: Callable[[int, int], None]) -> int:
    follower = DirectoryFollower(config.roots, config.kafka.client(), role=config.role)
    follower.start()
    directory = follower.wait()
    follower.stop()
    vault = config.vault_client()
    metrics = WorkerMetrics("projector")
    role = Projector(
        keys=PersonKeyCache(vault.person_keys, seconds=3600), placement_keys=PersonKeyCache(vault.placement_keys, seconds=3600), settling=Settling(vault.year_keys, vault.erase, vault.destroy_year, config.first_month.index),
        release_keys=lambda ms: directory.proves("release", ms), metrics=metrics, publish=False,
    )  # fmt: skip
    engine = hop_engine.HopEngine(
        role, PostgresHopStore(_in_schema(config.database_dsn), role.name), metrics, window_events=_WINDOW_EVENTS
    )
    wanted = {p: n for p, n in offsets.items() if n > 0}
    total, done = sum(wanted.values()), 0
    consumer = Consumer(
        config.kafka.client() | {"group.id": "projector.rebuild", "enable.auto.commit": False, "fetch.max.bytes": 52_428_800,
                                 "queued.max.messages.kbytes": 131_072}
    )  # fmt: skip
    consumer.assign([TopicPartition(INPUT, p, 0) for p in sorted(wanted)])
    left = dict(wanted)
    quiet = time.monotonic()
    while left:
        batch = [
            InputRecord(r.partition(), r.offset(), r.key() or b"", r.value() or b"", r.timestamp()[1])
            for r in consumer.consume(1000, 0.1) if r.error() is None and r.offset() < wanted.get(r.partition(), 0)
        ]  # fmt: skip
        if not batch:
            if time.monotonic() - quiet > 60:
                msg = "The ledger's topic does not give all records the books were made from."
                raise ContractBroken(msg)
            continue
        quiet = time.monotonic()
        for window in engine.windows(batch):
            engine.process(window)
        done += len(batch)
        for r in batch:
            if left.get(r.partition) == r.offset + 1:
                del left[r.partition]
        progress(done, total)
    consumer.close()
    return done


def dump(config: RoleConfig, folder: Path) -> dict[str, int]:
    """Write `cells.csv` and `households.csv`: what the hash is made of, summed per cell and household; rows per file."""
    folder.mkdir(parents=True, exist_ok=True)
    cells: dict[tuple[str, str, int, int], dict[bytes, int]] = defaultdict(lambda: defaultdict(int))
    households: dict[tuple[bytes, str, str], int] = defaultdict(int)
    with psycopg.connect(config.database_dsn) as c, c.cursor("dump") as cursor:
        cursor.execute(
            "SELECT area, care_type, household, service_day, epoch, sum(cents)::bigint FROM bookings WHERE kind = 0 "
            "GROUP BY 1, 2, 3, 4, 5"
        )
        for area, care, household, day, epoch, cents in cursor:
            group, first = CARE_TYPES[care].group.value, day_of(day)
            cells[area_code(area), group, first.year, epoch][household] += cents
            households[household, group, str(Month.of(first))] += cents
    cell_rows: list[tuple[Any, ...]] = []
    for (area, group, year, epoch), members in sorted(cells.items()):
        cents, count = sum(members.values()), sum(1 for v in members.values() if v)
        if cents or count:
            cell_rows.append((area, group, year, str(config.first_month.plus(epoch)), cents, count))
    household_rows = [(h.hex(), g, m, v) for (h, g, m), v in sorted(households.items()) if v]
    _write(folder / "cells.csv", ("area", "group", "service_year", "epoch", "cents", "households"), cell_rows)
    _write(folder / "households.csv", ("household", "group", "service_month", "cents"), household_rows)
    return {"cells": len(cell_rows), "households": len(household_rows)}


def _write(path: Path, head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def unplaced_services(config: RoleConfig) -> int:
    """Services that stand now and whose person has no known address on the day: counted in the rest of who pays."""
    with psycopg.connect(config.database_dsn) as c:
        persons = [
            bytes(p) for (p,) in c.execute("SELECT DISTINCT person FROM bookings WHERE area % 100 = 0 AND kind = 0")
        ]
        rows = store.standing_of(c, persons)
        packed = {p: k for p, (_, k) in store.placements_of(c, persons).items()}
    if not len(rows):
        return 0
    rows = rows[rows["kind"] == 0]
    places = Placements({p: packed.get(p, b"") for p in persons})
    owner = [places.index[p] for p in rows["person"].tolist()]
    alone = places.place(rows.copy(), np.array(owner, dtype=np.int64))
    return int(rows["count"][alone].sum())
