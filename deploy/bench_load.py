"""What benchmarks run on: a fresh zone with one invented gemeente, and sealed envelopes of invented deliveries for it.

Real Kafka and PostgreSQL, test BSNs only; nothing here measures.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import psycopg
from confluent_kafka import Producer

from deploy.key_register import KeyRegister
from deploy.officer_admission import committee_here
from deploy.preflight import remove_folder
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from producers.packing import identity_of
from schemas import frames, topics
from schemas.directory import Entry
from schemas.envelope import Header, RecipientKeys, seal_envelope
from schemas.errors import Unavailable
from schemas.sealing import keyed_handle, partition_of, verify_key_of
from schemas.secrets import HandleKey, SigningKey, passes_eleven_test
from schemas.values import Month, OutboxId, SenderId, day_number

PROVIDERS: Final = tuple(f"p980000{n:02d}" for n in range(1, 9))
MANY: Final = 100_000_000
"""Inhabitants of a zone in which the limit on new persons is not what is measured."""
OPERATORS: Final = ("anne", "bob")
OFFICERS: Final = ("dora", "eli", "fay")
_SUBJECTS_SHARE: Final = 0.4


def register_of(folder: Path) -> Path:
    """Write the files of one invented gemeente of 200 addresses; returns their folder."""
    register = folder / "register"
    register.mkdir()
    lines = [f"9000SA;{n};99010101;990101;9901" for n in range(1, 201)]
    (register / "address_register.csv").write_text(
        "PC6;Huisnummer;Buurt2025;Wijk2025;Gemeente2025\n" + "\n".join(lines) + "\n"
    )
    (register / "clusters.csv").write_text("PC6;Buurt2025;Cluster\n9000SA;99010101;1\n")
    (register / "special_addresses.csv").write_text("PC6;Huisnummer;Toevoeging;Soort\n")
    (register / "geography.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    return register


@contextmanager
def bench_zone() -> Iterator[Zone]:
    """A fresh zone with one invented gemeente of 200 addresses, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="zorgstroom-bench-"))
    folder.chmod(0o755)
    register = register_of(folder)
    zone = Zone(ZoneFolder(folder / "zone"))
    try:
        zone.make(municipalities=[9901], first_month=Month(2025, 1), address_dirs={9901: register})
        zone.folder.save_settings(zone.folder.settings() | {"inhabitants": MANY})
        zone.folder.add_members(providers=PROVIDERS)
        for name in OPERATORS:
            zone.folder.admit_operator(name)
        zone.start()
        committee_here(zone, OFFICERS)
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

    def envelopes(
        self, deliveries: int, *, per_envelope: int, share: float = _SUBJECTS_SHARE
    ) -> list[tuple[str, bytes]]:
        """(provider, sealed envelope) in turn over the providers. `share`: different persons per delivery in an envelope."""
        register = KeyRegister.of(self.zone.folder)
        identity, content = (
            register.current("intake", "identity").entry(),
            register.current("ledger", "content").entry(),
        )
        recipients = RecipientKeys(identity.key_id, identity.public_key, content.key_id, content.public_key)
        day = day_number(dt.datetime.now(dt.UTC).date())
        made = []
        for nth in range(-(-deliveries // per_envelope)):
            provider = PROVIDERS[nth % len(PROVIDERS)]
            self.numbers[provider] += 1
            made.append(
                (provider, self._envelope(provider, per_envelope, day=day, nth=nth, recipients=recipients, share=share))
            )
        return made

    def _envelope(
        self, provider: str, count: int, *, day: int, nth: int, recipients: RecipientKeys, share: float
    ) -> bytes:
        rows = np.zeros(count, frames.DELIVERY_ROW)
        subjects = max(1, int(count * share))
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
            bsn = self.bsns[(nth // len(PROVIDERS) * 1000 + i) % len(self.bsns)]
            place = {"postcode": "9000SA", "number": 1 + int(bsn) % 200, "suffix": ""}
            people.append(
                {"handle": keyed_handle(self.handles, "subject", bsn), "bsn": bsn, "address": place, "as_of": day - 100}
            )
        header = Header(
            "delivered.v1", SenderId(provider), OutboxId(b"bench outbox 001"), self.numbers[provider], recipients.identity_key_id,
            recipients.content_key_id, "bench", day,
        )  # fmt: skip
        return seal_envelope(
            header=header, identity=identity_of(subjects=people),
            content={"rows": rows.tobytes(), "months": [], "mandates": [], "mandates_changed": [], "mandates_withdrawn": []}, recipients=recipients,
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


class NewBookings:
    """Deliveries booked since this was opened, as they are committed.

    A trigger notes how many rows each COPY brought, in the same transaction; adding up the books themselves at every look
    would take a core from those who book.
    """

    def __init__(self, dsn: str) -> None:
        """Open; what is there now does not count."""
        self._c = psycopg.connect(dsn, autocommit=True)
        self._c.execute("CREATE TABLE bench_booked (count bigint NOT NULL)")
        self._c.execute(
            "CREATE FUNCTION bench_note() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN INSERT INTO bench_booked SELECT coalesce(sum(count), 0) FROM fresh; RETURN NULL; END'"
        )
        self._c.execute(
            "CREATE TRIGGER bench_note AFTER INSERT ON bookings REFERENCING NEW TABLE AS fresh "
            "FOR EACH STATEMENT EXECUTE FUNCTION bench_note()"
        )

    def count(self) -> int:
        """Deliveries booked and committed since it was opened."""
        row = self._c.execute("SELECT coalesce(sum(count), 0) FROM bench_booked").fetchone()
        return int(row[0]) if row else 0

    def wait(self, wanted: int, *, seconds: float = 600) -> float:
        """When so many were booked. Raises `Unavailable` after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.count() >= wanted:
                return time.monotonic()
            time.sleep(0.02)
        msg = f"After {seconds:.0f} s not all {wanted} deliveries are in the books."
        raise Unavailable(msg)

    def close(self) -> None:
        """Take the trigger away again."""
        self._c.execute("DROP FUNCTION bench_note CASCADE")
        self._c.execute("DROP TABLE bench_booked")
        self._c.close()
