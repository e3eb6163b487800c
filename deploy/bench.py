"""Benchmarks of the running zone: throughput, latency, rebuild, memory and disk, beside floors of the same run.

Each function measures once and asserts nothing; `bench_command` takes medians and ratios.
"""

from __future__ import annotations

import os
import statistics
import time
from bisect import bisect_left
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.admission import admit_here
from deploy.bench_load import PROVIDERS, Load, NewBookings, booked
from deploy.scraped import Scraped
from deploy.zone import WORKERS, Zone
from producers.profile import Profile
from producers.publisher import Publisher
from producers.town.clients import deliveries_of
from projections.bookings import BOOKING
from schemas import topics
from schemas.sealing import partition_of
from streams.config import RoleConfig
from streams.projector_store import add_bookings
from streams.rebuild import rebuild

_FLOOR_TOPIC: Final = "dead-letters.v1"
"""Nothing goes wrong in a benchmark, so its floor may be measured here."""
_ASK_THE_VAULT: Final = ("intake", "ledger", "projector")
_PROCESSES: Final = ("intake", "ledger", "projector", "keyvault", "release")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def road(zone: Zone, load: Load, *, deliveries: int, per_envelope: int, share: float = 0.4) -> dict[str, Any]:
    """(a) deliveries per second from acknowledged to committed bookings, and where the processor time went. `share`: persons per delivery."""
    dsn = zone.postgres.create_role_database("projector")
    envelopes = load.envelopes(deliveries, per_envelope=per_envelope, share=share)
    pids = {name: pid for name, pid in zone.supervisor.pids().items() if name in _PROCESSES}
    used, waited = {name: cpu_seconds(pid) for name, pid in pids.items()}, waited_for_vault(zone)
    books = NewBookings(dsn)
    started = time.monotonic()
    load.publish(envelopes)
    done = books.wait(deliveries)
    books.close()
    seconds = done - started
    micro = {name: round((cpu_seconds(pid) - used[name]) / deliveries * 1e6, 1) for name, pid in pids.items()}
    return {
        "deliveries": deliveries, "per_envelope": per_envelope, "per_second": round(deliveries / seconds),
        "microseconds_of_one_core_per_delivery": micro,
        "keyvault_of_the_roles_processor_time": round(micro.get("keyvault", 0.0) / sum(micro.values()), 3),
        "workers_wait_for_keyvault": round((waited_for_vault(zone) - waited) / (len(_ASK_THE_VAULT) * seconds), 3),
    }  # fmt: skip


def waited_for_vault(zone: Zone) -> float:
    """Seconds that intake, ledger and projector have waited for answers of the keyvault so far."""
    return sum(Scraped.of(zone.metrics_url(role)).one("zorgstroom_vault_seconds") for role in _ASK_THE_VAULT)


def floors(zone: Zone, load: Load, *, deliveries: int) -> dict[str, Any]:
    """The same bytes through Kafka alone, and the same number of booking rows into PostgreSQL alone."""
    aside = replace(load, numbers=dict(load.numbers))  # the road must not miss these numbers
    data = [e for _, e in aside.envelopes(deliveries, per_envelope=1000)]
    producer = Producer(zone.kafka.admin() | {"linger.ms": 2, "acks": "all"})
    started = time.monotonic()
    for value in data:
        producer.produce(_FLOOR_TOPIC, value, partition=0)
    producer.flush()
    consumer = Consumer(zone.kafka.admin() | {"group.id": "admin.floor", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(_FLOOR_TOPIC, 0, 0)])
    got = 0
    while got < len(data):
        got += len([r for r in consumer.consume(100, 1.0) if r.error() is None])
    kafka = deliveries / (time.monotonic() - started)
    consumer.close()
    dsn = zone.postgres.create_role_database("projector")
    rows = np.zeros(5000, BOOKING)
    rows["person"] = np.frombuffer(os.urandom(16 * 5000), "V16")
    rows["household"] = np.frombuffer(os.urandom(16 * 5000), "V16")
    with psycopg.connect(dsn) as c:
        c.execute("CREATE TEMP TABLE floor (LIKE bookings INCLUDING INDEXES)")
        c.execute("CREATE OR REPLACE TEMP VIEW nothing AS SELECT 1")
        c.execute("SET search_path TO pg_temp, public")
        c.execute("ALTER TABLE floor RENAME TO bookings")
        started = time.monotonic()
        for _ in range(max(1, deliveries // 5000)):
            add_bookings(c, rows)
        postgres = max(1, deliveries // 5000) * 5000 / (time.monotonic() - started)
        c.rollback()
    return {"kafka_only_per_second": round(kafka), "booking_rows_only_per_second": round(postgres)}


def latency(zone: Zone, load: Load, *, seconds: int, per_second: int, per_envelope: int) -> dict[str, Any]:
    """(d) from handing an envelope to Kafka until its deliveries are in the books, at a steady rate."""
    dsn = zone.postgres.create_role_database("projector")
    envelopes = load.envelopes(seconds * per_second, per_envelope=per_envelope)
    sent: list[float] = []
    files = {p: zone.certificate(p) for p in PROVIDERS}
    producers = {p: Producer(zone.kafka.client(f) | {"linger.ms": 2, "acks": "all"}) for p, f in files.items()}
    seen: list[tuple[float, int]] = []
    books = NewBookings(dsn)
    started = time.monotonic()
    nth = 0
    while not seen or seen[-1][1] < len(envelopes) * per_envelope:
        now = time.monotonic()
        while nth < len(envelopes) and now >= started + nth * per_envelope / per_second:
            provider, data = envelopes[nth]
            producers[provider].produce(
                "delivered.v1", data, partition=partition_of(provider.encode(), topics.ROAD_PARTITIONS)
            )
            sent.append(time.monotonic())
            nth += 1
        for p in producers.values():
            p.poll(0)
        seen.append((time.monotonic(), books.count()))
        if now - started > seconds + 60:
            break
        time.sleep(0.005)
    books.close()
    return {"per_second": per_second, "per_envelope": per_envelope} | _waits(sent, seen, each=per_envelope)


def publisher_latency(zone: Zone, *, seconds: int, per_second: int, per_envelope: int) -> dict[str, Any]:
    """(d) from a provider's `Publisher.publish` of one delivery (sealing and a durable outbox included) until it is in the books."""
    folder = admit_here(zone, "p90000090", name="Benchmark", municipalities=[9901])
    items = deliveries_of(4_000 + seconds * per_second)
    sent: list[float] = []
    seen: list[tuple[float, int]] = []
    books = NewBookings(zone.postgres.create_role_database("projector"))
    with Publisher(Profile.load(folder), batch_events=per_envelope) as publisher:
        for item in items[:4_000]:  # the persons are known afterwards
            publisher.publish(item)
        publisher.flush()
        books.wait(4_000)
        started = time.monotonic()
        while not seen or seen[-1][1] < len(items):
            now = time.monotonic()
            while len(sent) < seconds * per_second and now >= started + len(sent) / per_second:
                sent.append(time.monotonic())
                publisher.publish(items[4_000 + len(sent) - 1])
            seen.append((time.monotonic(), books.count()))
            if now - started > seconds + 60:
                break
            time.sleep(0.002)
    books.close()
    seen = [(t, n - 4_000) for t, n in seen]
    return {"per_second": per_second, "per_envelope": per_envelope} | _waits(sent, seen, each=1)


def _waits(sent: list[float], seen: list[tuple[float, int]], *, each: int) -> dict[str, int]:
    """How long after being sent each was seen: `each` deliveries at a time; (when, how many) were seen, in order."""
    times, counts = zip(*seen, strict=True)
    waits = sorted(
        times[min(bisect_left(counts, (index + 1) * each), len(times) - 1)] - at for index, at in enumerate(sent)
    )
    return {
        "median_ms": round(statistics.median(waits) * 1000), "p99_ms": round(waits[int(len(waits) * 0.99) - 1] * 1000),
    }  # fmt: skip


def rebuilding(zone: Zone) -> dict[str, Any]:
    """(c) deliveries per second folded from the ledger into an empty schema."""
    config = RoleConfig.load(zone.role_config("projector"))
    count = booked(config.database_dsn)
    compared = rebuild(config)
    ends = _ledger_ends(config)
    started = time.monotonic()
    consumer = Consumer(config.kafka.client() | {"group.id": "projector.floor", "enable.auto.commit": False})
    consumer.assign([TopicPartition("ledger.v1", p, 0) for p in ends])
    left = sum(ends.values())
    while left > 0:
        left -= len([r for r in consumer.consume(1000, 0.2) if r.error() is None])
    reading = time.monotonic() - started
    consumer.close()
    return {
        "deliveries": count, "equal": compared.equal, "per_second": round(count / compared.seconds),
        "reading_the_ledger_only_per_second": round(count / reading),
    }  # fmt: skip


def _ledger_ends(config: RoleConfig) -> dict[int, int]:
    """Records per partition of the ledger's topic."""
    consumer = Consumer(config.kafka.client() | {"group.id": "projector.floor"})
    ends = {
        p: consumer.get_watermark_offsets(TopicPartition("ledger.v1", p), timeout=20)[1]
        for p in range(topics.ROAD_PARTITIONS)
    }
    consumer.close()
    return {p: end for p, end in ends.items() if end}


def memory(zone: Zone) -> dict[str, float]:
    """(e) resident megabytes per process."""
    return {name: round(resident_mb(pid)) for name, pid in zone.supervisor.pids().items()}


def disk(zone: Zone, deliveries: int) -> dict[str, Any]:
    """(f) bytes on disk per delivery, per topic and per table."""
    data = zone.folder.path / "kafka" / "data"
    rows = {name: row.name for name, row, _ in topics.concrete_topics(zone.folder.members())}
    per_topic: Counter[str] = Counter()
    for path in data.glob("*-[0-9]*/*.log"):
        topic = path.parent.name.rpartition("-")[0]
        if topic in rows and topic != _FLOOR_TOPIC:
            per_topic[rows[topic]] += path.stat().st_size
    per_table: Counter[str] = Counter()
    for role in (*WORKERS, "keyvault"):
        with psycopg.connect(zone.postgres.create_role_database(role)) as c:
            for table, size in c.execute(
                "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            ):
                per_table[f"{role}.{table}"] = int(size)
    return {"topics": _each(per_topic, deliveries), "tables_with_indexes": _each(per_table, deliveries)}


def _each(sizes: Counter[str], deliveries: int) -> dict[str, float]:
    """Bytes per delivery, largest first; what is below a tenth of a byte is left out."""
    return {name: round(size / deliveries, 1) for name, size in sizes.most_common() if round(size / deliveries, 1) > 0}
