"""Closes epochs: committed once, marked in every partition of the ledger, decided, published in one go.

Each step is a state in release's own database, so that killed at any moment it goes on where it was: markers and released
records are sent again with the same bytes, decisions are made once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from projections.release.gate import Published, decide
from projections.release.rules import Parameters
from projections.release.signing import signed
from schemas import codec, topics
from schemas.errors import Unavailable
from schemas.requests import DataRequest
from schemas.sealing import sha256
from schemas.secrets import SigningKey
from schemas.values import Month
from streams import release_books as books
from streams import release_geography as geography
from streams import release_records as records
from streams import release_store as store
from streams.epoch_marker import marker
from streams.metrics import WorkerMetrics, software_version

LEDGER: Final = "ledger.v1"
_PRODUCER: Final = {
    "enable.idempotence": True, "acks": "all", "message.timeout.ms": 10_000, "message.max.bytes": 2 * 1024 * 1024,
}  # fmt: skip


@dataclass(slots=True)
class Release:
    """One release process. `geographies`: gemeente number -> `published_geography` datum; `addresses`: gemeente number -> finest area -> addresses; `first_month`: index of epoch 0."""

    books_dsn: str
    kafka: dict[str, Any]
    signing: Callable[[], SigningKey]
    geographies: dict[int, dict[str, Any]]
    addresses: dict[int, dict[int, int]]
    first_month: int
    metrics: WorkerMetrics
    parameters: Parameters = field(default_factory=Parameters)
    _producer: Producer | None = None
    _books: books.Connection | None = None

    def step(self, own: store.Connection) -> bool:
        """Do the next thing there is to do; False when there is nothing. Raises `Unavailable` to be tried again."""
        if self._publish_geographies(own) or self._send(own):
            return True
        closing = store.next_closing(own)
        if closing is None:
            return False
        match closing.state:
            case "ordered":
                self._mark(own, closing)
            case "marked":
                return self._decide(own, closing)
            case _:
                store.set_state(own, closing.epoch, "published")
        return True

    def _publish_geographies(self, own: store.Connection) -> bool:
        """Names and shapes go out once, and again when they change."""
        known, done = store.geography_hashes(own), False
        for municipality, datum in sorted(self.geographies.items()):
            payload = geography.encoded(datum)
            if known.get(municipality) == sha256(payload):
                continue
            record, done = signed(self.signing(), payload), True
            with own.transaction():
                for topic in (topics.macro_topic(municipality), topics.meso_topic(municipality)):
                    store.queue(own, topic, "geography", record)
                store.save_geography(own, municipality, sha256(payload))
        return done

    def _produce(self, wanted: Sequence[tuple[str, int, bytes | None, bytes]]) -> list[int]:
        """Send (topic, partition, key, value) and wait for all; their offsets. Raises `Unavailable`."""
        offsets: dict[int, int] = {}

        def told(at: int) -> Any:
            return lambda error, message: offsets.__setitem__(at, message.offset() if error is None else -1)

        try:
            if self._producer is None:
                self._producer = Producer(self.kafka | _PRODUCER)
            for at, (topic, partition, key, value) in enumerate(wanted):
                self._producer.produce(topic, key=key, value=value, partition=partition, on_delivery=told(at))
            left = self._producer.flush(15)
        except (KafkaException, BufferError) as refused:
            self._producer = None
            msg = "Kafka does not take what release publishes."
            raise Unavailable(msg) from refused
        if left or len(offsets) < len(wanted) or min(offsets.values(), default=0) < 0:
            self._producer = None
            msg = "Kafka does not take what release publishes."
            raise Unavailable(msg)
        self.metrics.envelopes_out.inc(len(wanted))
        return [offsets[i] for i in range(len(wanted))]

    def _send(self, own: store.Connection) -> bool:
        waiting = store.unsent(own)
        self.metrics.outbox.set(len(waiting))
        if not waiting:
            return False
        self._produce([(topic, 0, key.encode(), value) for _, topic, key, value in waiting])
        store.mark_sent(own, [i for i, *_ in waiting])
        self.metrics.outbox.set(0)
        return True

    def _mark(self, own: store.Connection, closing: store.Closing) -> None:
        wanted: list[tuple[str, int, bytes | None, bytes]] = []
        for partition in range(topics.ROAD_PARTITIONS):
            body = marker(self.signing(), partition=partition, epoch=closing.epoch, month=closing.month)
            hop = {
                "role": "release",
                "source_partition": partition,
                "source_offset": -1,
                "number": closing.epoch + 1,
                "body": body,
            }
            wanted.append((LEDGER, partition, None, codec.encode("hop_record", hop)))
        offsets = self._produce(wanted)
        store.set_state(own, closing.epoch, "marked", positions=json.dumps(offsets))

    def _decide(self, own: store.Connection, closing: store.Closing) -> bool:
        """Decide every municipality and queue its records, all in one transaction; False while a partition is behind."""
        self._books = self._books or books.connect(self.books_dsn)
        if not books.passed_by_all(self._books, epoch=closing.epoch, partitions=topics.ROAD_PARTITIONS):
            return False
        rows = books.contributions(self._books, epoch=closing.epoch)
        now, covered = books.mandated(self._books), books.coverage(self._books)
        gemeente = rows["area"] // 1_000_000
        with own.transaction():
            mandated = store.mandated_ever(own, now)
            for municipality in sorted(self.geographies):
                self._decide_one(
                    own, closing, municipality, rows=rows[gemeente == municipality], mandated=mandated, covered=covered
                )
            store.set_state(own, closing.epoch, "decided")
        return True

    def _decide_one(
        self, own: store.Connection, closing: store.Closing, municipality: int, *, rows: Any, mandated: set[bytes],
        covered: books.Covered,
    ) -> None:  # fmt: skip
        datum, month = self.geographies[municipality], Month.from_index(closing.month)
        epochs, last = store.published(own, municipality)
        decisions = decide(
            rows, epoch=closing.epoch, month_of_year=month.month, years=(month.year - 1, month.year), published=epochs,
            areas=geography.numbers(datum), mandated=mandated, parameters=self.parameters, addresses=self.addresses[municipality],
        )  # fmt: skip
        store.save_decisions(own, municipality, closing.epoch, decisions)
        for d in decisions:
            if d.released and d.euros is not None:
                last[d.cell] = Published(d.euros, d.households, closing.epoch)
        asked = [DataRequest.decode(d) for d in store.requests(own, municipality)]
        epoch = records.Epoch(
            municipality=municipality, number=closing.epoch, month=closing.month, first_month=self.first_month,
            completeness=records.completeness(asked, covered, since=self.first_month, until=closing.month),
            parameters=self.parameters, geometry_hash=sha256(geography.encoded(datum)), positions=closing.positions,
            software=software_version(),
        )  # fmt: skip
        found = records.cells(epoch, store.latest(own, municipality), last)
        for level, topic in (("macro", topics.macro_topic(municipality)), ("meso", topics.meso_topic(municipality))):
            store.queue(own, topic, f"epoch-{closing.month}", signed(self.signing(), epoch.record(level, found[level])))

    def forget_connections(self) -> None:
        """Begin anew with Kafka and the books after something was away."""
        if self._books is not None:
            self._books.close()
        self._books = self._producer = None
