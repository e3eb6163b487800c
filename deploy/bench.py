"""Benchmarks on this machine: the road, the provider's side, the rebuild, latency, memory and disk, beside floors of the same run.

Prints medians and ratios; asserts nothing. Everything runs on real Kafka and PostgreSQL with test BSNs only.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.preflight import remove_folder
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from schemas import frames, topics
from schemas.directory import Entry
from schemas.envelope import Header, RecipientKeys, seal_envelope
from schemas.sealing import keyed_handle, partition_of, verify_key_of
from schemas.secrets import HandleKey, SigningKey, passes_eleven_test
from schemas.values import Month, OutboxId, SenderId, day_number
from streams.config import RoleConfig
from streams.rebuild import rebuild

PROVIDERS: Final = tuple(f"p980000{n:02d}" for n in range(1, 9))
_SUBJECTS_SHARE: Final = 0.4
_PROCESSES: Final = ("intake", "ledger", "projector", "keyvault", "release")


@contextmanager
def bench_zone() -> Iterator[Zone]:
    """A fresh zone with one invented gemeente of 200 addresses, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="zorgstroom-bench-"))
    folder.chmod(0o755)
    register = folder / "register"
    register.mkdir()
    lines = [f"9000SA;{n};99010101;990101;9901" for n in range(1, 201)]
    (register / "address_register.csv").write_text(
        "PC6;Huisnummer;Buurt2025;Wijk2025;Gemeente2025\n" + "\n".join(lines) + "\n"
    )
    (register / "clusters.csv").write_text("PC6;Buurt2025;Cluster\n9000SA;99010101;1\n")
    (register / "special_addresses.csv").write_text("PC6;Huisnummer;Toevoeging;Soort\n")
    (register / "geography.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    zone = Zone(ZoneFolder(folder / "zone"))
    try:
        zone.make(municipalities=[9901], first_month=Month(2025, 1), address_dirs={9901: register})
        zone.folder.add_members(providers=PROVIDERS)
        zone.start()
        yield zone
    finally:
        zone.stop()
        forget = getattr(zone.postgres, "forget", None)
        if forget is not None:
            forget()
        remove_folder(folder)


@dataclass(slots=True)
class Load:
    """Makes sealed envelopes of invented deliveries for eight providers."""

    zone: Zone
    signing: SigningKey = field(default_factory=SigningKey.generate)
    handles: HandleKey = field(default_factory=HandleKey.generate)
    numbers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROVIDERS, 0))
    bsns: list[str] = field(
        default_factory=lambda: [b for n in range(999_900_006, 999_999_991) if passes_eleven_test(b := f"{n:09d}")]
    )

    def admit(self) -> None:
        """Put the providers into the directory."""
        public = verify_key_of(self.signing)
        self.zone.publish_directory(
            [Entry("sender", p, "bench", "signing", public, valid_from=0, municipalities=(9901,)) for p in PROVIDERS]
        )

    def envelopes(self, deliveries: int, *, per_envelope: int) -> list[tuple[str, bytes]]:
        """(provider, sealed envelope) in turn over the providers."""
        keys = [self.zone.folder.secret_file(r, n) for r, n in (("intake", "identity"), ("ledger", "content"))]
        assert all(k.exists() for k in keys)
        entries = self.zone.role_key_entries()
        recipients = RecipientKeys(entries[0].key_id, entries[0].public_key, entries[1].key_id, entries[1].public_key)
        day = day_number(dt.datetime.now(dt.UTC).date())
        made = []
        for nth in range(-(-deliveries // per_envelope)):
            provider = PROVIDERS[nth % len(PROVIDERS)]
            self.numbers[provider] += 1
            made.append((provider, self._envelope(provider, per_envelope, day=day, nth=nth, recipients=recipients)))
        return made

    def _envelope(self, provider: str, count: int, *, day: int, nth: int, recipients: RecipientKeys) -> bytes:
        rows = np.zeros(count, frames.DELIVERY_ROW)
        subjects = max(1, int(count * _SUBJECTS_SHARE))
        rows["subject"], rows["payer"], rows["care_type"], rows["unit"] = np.arange(count) % subjects, 9901, 2, 4
        rows["from_day"], rows["to_day"], rows["volume"], rows["tariff_cents"], rows["cents"] = (
            day - 40,
            day - 10,
            400,
            -1,
            25_440,
        )
        rows["reference"] = np.frombuffer(os.urandom(16 * count), "V16")
        rows["assignment"] = np.frombuffer(os.urandom(16 * count), "V16")
        people = []
        for i in range(subjects):
            bsn = self.bsns[(nth * 131 + i) % len(self.bsns)]
            place = {"postcode": "9000SA", "number": 1 + int(bsn) % 200, "suffix": ""}
            people.append(
                {"handle": keyed_handle(self.handles, "subject", bsn), "bsn": bsn, "address": place, "as_of": day - 100}
            )
        header = Header(
            "delivered.v1", SenderId(provider), OutboxId(b"bench outbox 001"), self.numbers[provider], recipients.identity_key_id,
            recipients.content_key_id, "bench", day,
        )  # fmt: skip
        return seal_envelope(
            header=header, identity={"subjects": people, "residences": [], "links": []},
            content={"rows": rows.tobytes(), "months": [], "mandates": [], "mandates_withdrawn": []}, recipients=recipients,
            signing=self.signing,
        )  # fmt: skip

    def publish(self, envelopes: list[tuple[str, bytes]], *, per_second: float | None = None, events: int = 0) -> float:
        """Send in order; returns the time of the last acknowledgement. `per_second`: events per second, else all at once."""
        files = {p: self.zone.certificate(p) for p in PROVIDERS}
        producers = {
            p: Producer(self.zone.kafka.client(f) | {"linger.ms": 2, "acks": "all", "log_level": 2})
            for p, f in files.items()
        }
        started = time.monotonic()
        for nth, (provider, data) in enumerate(envelopes):
            if per_second is not None:
                time.sleep(max(0.0, started + nth * events / per_second - time.monotonic()))
            producers[provider].produce(
                "delivered.v1", data, partition=partition_of(provider.encode(), topics.ROAD_PARTITIONS)
            )
            producers[provider].poll(0)
        for producer in producers.values():
            producer.flush()
        return time.monotonic()


def booked(dsn: str) -> int:
    """Deliveries in the books."""
    with psycopg.connect(dsn) as c:
        row = c.execute("SELECT coalesce(sum(count), 0) FROM bookings").fetchone()
    return int(row[0]) if row else 0


def wait_booked(dsn: str, wanted: int, *, seconds: float = 600) -> float:
    """When all were in the books."""
    deadline = time.monotonic() + seconds
    with psycopg.connect(dsn, autocommit=True) as c:
        while time.monotonic() < deadline:
            row = c.execute("SELECT coalesce(sum(count), 0) FROM bookings").fetchone()
            if row and int(row[0]) >= wanted:
                return time.monotonic()
            time.sleep(0.05)
    raise TimeoutError


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def road(zone: Zone, load: Load, *, deliveries: int, per_envelope: int) -> dict[str, Any]:
    """(a) deliveries per second from acknowledged to committed bookings, and where the processor time went."""
    dsn = zone.postgres.create_role_database("projector")
    before = booked(dsn)
    envelopes = load.envelopes(deliveries, per_envelope=per_envelope)
    pids = {name: pid for name, pid in zone.supervisor.pids().items() if name in _PROCESSES}
    used = {name: cpu_seconds(pid) for name, pid in pids.items()}
    started = time.monotonic()
    load.publish(envelopes)
    done = wait_booked(dsn, before + deliveries)
    seconds = done - started
    micro = {name: round((cpu_seconds(pid) - used[name]) / deliveries * 1e6, 1) for name, pid in pids.items()}
    return {
        "deliveries": deliveries, "per_envelope": per_envelope, "per_second": round(deliveries / seconds),
        "microseconds_of_one_core_per_delivery": micro,
    }  # fmt: skip


def floors(zone: Zone, load: Load, *, deliveries: int) -> dict[str, Any]:
    """The same bytes through Kafka alone, and the same number of booking rows into PostgreSQL alone."""
    data = [e for _, e in load.envelopes(deliveries, per_envelope=1000)]
    producer = Producer(zone.kafka.admin() | {"linger.ms": 2, "acks": "all"})
    started = time.monotonic()
    for value in data:
        producer.produce("dead-letters.v1", value, partition=0)
    producer.flush()
    consumer = Consumer(zone.kafka.admin() | {"group.id": "admin.floor", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition("dead-letters.v1", 0, 0)])
    got = 0
    while got < len(data):
        got += len([r for r in consumer.consume(100, 1.0) if r.error() is None])
    kafka = deliveries / (time.monotonic() - started)
    consumer.close()
    dsn = zone.postgres.create_role_database("projector")
    from projections.bookings import BOOKING
    from streams.projector_store import add_bookings

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
    base = booked(dsn)
    envelopes = load.envelopes(seconds * per_second, per_envelope=per_envelope)
    sent: list[float] = []
    files = {p: zone.certificate(p) for p in PROVIDERS}
    producers = {p: Producer(zone.kafka.client(f) | {"linger.ms": 2, "acks": "all"}) for p, f in files.items()}
    seen: list[tuple[float, int]] = []
    started = time.monotonic()
    with psycopg.connect(dsn, autocommit=True) as c:
        nth = 0
        while not seen or seen[-1][1] < base + len(envelopes) * per_envelope:
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
            row = c.execute("SELECT coalesce(sum(count), 0) FROM bookings").fetchone()
            seen.append((time.monotonic(), int(row[0]) if row else 0))
            if now - started > seconds + 60:
                break
            time.sleep(0.005)
    waits = []
    for index, at in enumerate(sent):
        wanted = base + (index + 1) * per_envelope
        waits.append(next((t for t, n in seen if n >= wanted), seen[-1][0]) - at)
    waits.sort()
    return {
        "per_second": per_second, "per_envelope": per_envelope, "median_ms": round(statistics.median(waits) * 1000),
        "p99_ms": round(waits[int(len(waits) * 0.99) - 1] * 1000),
    }  # fmt: skip


def rebuilding(zone: Zone) -> dict[str, Any]:
    """(c) deliveries per second folded from the ledger into an empty schema."""
    config = RoleConfig.load(zone.role_config("projector"))
    count = booked(config.database_dsn)
    compared = rebuild(config)
    return {"deliveries": count, "equal": compared.equal, "per_second": round(count / compared.seconds)}


def memory(zone: Zone) -> dict[str, float]:
    """(e) resident megabytes per process."""
    return {name: round(resident_mb(pid)) for name, pid in zone.supervisor.pids().items()}


def disk(zone: Zone, deliveries: int) -> dict[str, Any]:
    """(f) bytes on disk per delivery, per topic and per table."""
    data = zone.folder.path / "kafka" / "data"
    per_topic: dict[str, float] = {}
    for path in data.glob("*-[0-9]*/*.log"):
        topic = path.parent.name.rpartition("-")[0]
        if topic in ("delivered.v1", "rekeyed.v1", "ledger.v1"):
            per_topic[topic] = per_topic.get(topic, 0) + path.stat().st_size / deliveries
    per_table = {}
    for role, tables in (
        ("ledger", ("known_references", "open_debits")),
        ("projector", ("bookings",)),
        ("intake", ("handle_cache",)),
    ):
        with psycopg.connect(zone.postgres.create_role_database(role)) as c:
            for table in tables:
                row = c.execute("SELECT pg_total_relation_size(%s::regclass)", (table,)).fetchone()
                per_table[f"{role}.{table}"] = round(int(row[0]) / deliveries, 1) if row else 0.0
    return {"topics": {k: round(v, 1) for k, v in sorted(per_topic.items())}, "tables_with_indexes": per_table}


def provider_side(*, lines: int) -> dict[str, Any]:
    """(b) reading, checking and sealing at the provider, microseconds per line."""
    from producers.checks import ProviderContext, check
    from producers.packing import pack
    from producers.town.files import make_town
    from schemas.sealing import box_public_key
    from schemas.secrets import BoxKey

    folder = Path(tempfile.mkdtemp(prefix="zorgstroom-bench-"))
    try:
        make_town(folder / "town", seed=1, months=1, addresses=max(2000, lines * 2), world="town")
        paths = sorted((folder / "town" / "providers").rglob("20-*.xml")) or sorted(
            (folder / "town" / "providers").rglob("*323*.xml")
        )
        secret, signing = HandleKey.generate(), SigningKey.generate()
        keys = RecipientKeys("i", box_public_key(BoxKey.generate()), "c", box_public_key(BoxKey.generate()))
        read = sealed = 0.0
        count = 0
        for path in paths:
            context = ProviderContext(path.parts[-3][1:], frozenset({9901, 9902}), dt.datetime.now(dt.UTC).date())
            started = time.perf_counter()
            reading = check(path, context)
            middle = time.perf_counter()
            for number, packed in enumerate(pack(reading.items, secret=secret, lines=reading.lines), start=1):
                header = Header(
                    "delivered.v1", SenderId("p98000001"), OutboxId(bytes(16)), number, "i", "c", "s", 20_000
                )
                seal_envelope(
                    header=header, identity=packed.identity, content=packed.content, recipients=keys, signing=signing
                )
            sealed += time.perf_counter() - middle
            read += middle - started
            count += len(reading.items)
    finally:
        remove_folder(folder)
    return {
        "lines": count,
        "read_and_check_us": round(read / count * 1e6, 1),
        "pack_and_seal_us": round(sealed / count * 1e6, 1),
    }
