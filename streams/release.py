"""The process that closes epochs: committed once, marked in every partition of the ledger, decided, published in one go.

Each step is a state in its own database, so that killed at any moment it goes on where it was and publishes once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Producer

from projections.release.cells import CellId
from projections.release.gate import PROTECTION, Decision, Published, decide
from projections.release.rules import Parameters
from projections.release.signing import signed
from schemas import codec, topics
from schemas.care import GROUP_OF_STREAM, Group, Stream
from schemas.errors import Unavailable
from schemas.sealing import sha256
from schemas.secrets import SigningKey
from schemas.values import Month
from streams import release_geography as geography
from streams import release_store as store
from streams.epoch_marker import marker
from streams.metrics import WorkerMetrics, software_version

LEDGER: Final = "ledger.v1"


@dataclass(slots=True)
class Release:
    """One release process. `geographies`: gemeente number -> `published_geography` datum."""

    own_dsn: str
    books_dsn: str
    kafka: dict[str, Any]
    signing: SigningKey
    geographies: dict[int, dict[str, Any]]
    metrics: WorkerMetrics
    parameters: Parameters = field(default_factory=Parameters)
    _producer: Producer | None = None

    def step(self) -> bool:
        """Do the next thing there is to do; False when there is nothing. Raises `Unavailable` to be tried again."""
        with store.connect(self.own_dsn) as own:
            if self._publish_geographies(own) or self._send(own):
                return True
            for closing in store.closings(own):
                match closing.state:
                    case "ordered":
                        self._mark(own, closing)
                        return True
                    case "marked":
                        return self._decide(own, closing)
                    case "decided":
                        store.set_state(own, closing.epoch, "published")
                        return True
                    case _:
                        continue
        return False

    def _publish_geographies(self, own: store.Connection) -> bool:
        known = {int(m): bytes(h) for m, h in own.execute("SELECT municipality, hash FROM geographies")}
        for municipality, datum in sorted(self.geographies.items()):
            payload = geography.encoded(datum)
            if known.get(municipality) == sha256(payload):
                continue
            record = signed(self.signing, payload)
            for topic in (topics.macro_topic(municipality), topics.meso_topic(municipality)):
                store.queue(own, topic, "geography", record)
            own.execute(
                "INSERT INTO geographies VALUES (%s, %s) ON CONFLICT (municipality) DO UPDATE SET hash = EXCLUDED.hash",
                (municipality, sha256(payload)),
            )
            own.commit()
            return True
        return False

    def _produce(self, records: Sequence[tuple[str, int, bytes | None, bytes]]) -> list[int]:
        """Send (topic, partition, key, value) and wait for all; their offsets. Raises `Unavailable`."""
        if self._producer is None:
            self._producer = Producer(
                self.kafka | {"enable.idempotence": True, "acks": "all", "message.timeout.ms": 10_000, "message.max.bytes": 2097152}
            )
        offsets: dict[int, int] = {}

        def told(at: int) -> Any:
            return lambda error, message: offsets.__setitem__(at, -1 if error else message.offset())

        for at, (topic, partition, key, value) in enumerate(records):
            self._producer.produce(topic, key=key, value=value, partition=partition, on_delivery=told(at))
        left = self._producer.flush(15)
        if left or len(offsets) < len(records) or min(offsets.values(), default=0) < 0:
            self._producer = None
            msg = "Kafka does not take what release publishes."
            raise Unavailable(msg)
        self.metrics.envelopes_out.inc(len(records))
        return [offsets[i] for i in range(len(records))]

    def _send(self, own: store.Connection) -> bool:
        waiting = store.unsent(own)
        if not waiting:
            return False
        self._produce([(topic, 0, key.encode(), value) for _, topic, key, value in waiting])
        store.mark_sent(own, [i for i, *_ in waiting])
        own.commit()
        return True

    def _mark(self, own: store.Connection, closing: store.Closing) -> None:
        records: list[tuple[str, int, bytes | None, bytes]] = []
        for partition in range(topics.ROAD_PARTITIONS):
            body = marker(self.signing, partition=partition, epoch=closing.epoch, month=closing.month)
            hop = {"role": "release", "source_partition": partition, "source_offset": -1, "number": closing.epoch + 1, "body": body}
            records.append((LEDGER, partition, None, codec.encode("hop_record", hop)))
        offsets = self._produce(records)
        store.set_state(own, closing.epoch, "marked", positions=json.dumps(offsets))

    def _decide(self, own: store.Connection, closing: store.Closing) -> bool:
        with store.connect(self.books_dsn) as books:
            if not store.passed_by_all(books, closing.epoch, topics.ROAD_PARTITIONS):
                return False
            rows = store.contributions(books, closing.epoch)
            mandated = store.mandated(books)
            covered = store.coverage(books)
        month = Month.from_index(closing.month)
        for municipality, datum in sorted(self.geographies.items()):
            mine = rows[rows["area"] // 1_000_000 == municipality]
            epochs, last = store.published(own, municipality)
            decisions = decide(
                mine, epoch=closing.epoch, month_of_year=month.month, years=(month.year - 1, month.year), published=epochs,
                areas=geography.numbers(datum), mandated=mandated, parameters=self.parameters,
            )  # fmt: skip
            store.save_decisions(own, municipality, closing.epoch, decisions)
            for d in decisions:
                if d.released and d.euros is not None:
                    last[d.cell] = Published(d.euros, d.households, closing.epoch)
            self._queue(own, closing, municipality, decisions=decisions, last=last, covered=covered)
        store.set_state(own, closing.epoch, "decided")
        return True

    def _queue(
        self, own: store.Connection, closing: store.Closing, municipality: int, *, decisions: Sequence[Decision],
        last: dict[CellId, Published], covered: set[tuple[int, int, str, int]],
    ) -> None:  # fmt: skip
        """Queue the epoch's macro and meso records: every cell of the two service years, due or not."""
        standing = store.latest(own, municipality) | {d.cell: d.released for d in decisions}
        month = Month.from_index(closing.month)
        cells = {"macro": [], "meso": []}  # type: dict[str, list[dict[str, Any]]]
        first = closing.month - closing.epoch
        for cell, released in sorted(standing.items()):
            if cell.service_year < month.year - 1:
                continue
            seen = last.get(cell)
            cells["meso" if cell.level == "cluster" else "macro"].append(
                {
                    "area": cell.area, "area_level": cell.level, "group": cell.group, "service_year": cell.service_year,
                    "decision": "released" if released else "held", "euros": seen.euros if seen else None,
                    "households": seen.households if seen else None, "known_until": first + seen.epoch if seen else None,
                }
            )  # fmt: skip
        payload_hash = sha256(geography.encoded(self.geographies[municipality]))
        completeness = self._completeness(own, municipality, closing.month, covered)
        for level, topic in (("macro", topics.macro_topic(municipality)), ("meso", topics.meso_topic(municipality))):
            payload = codec.encode(
                "released_epoch",
                {
                    "municipality": municipality, "level": level, "epoch": closing.month, "version": closing.epoch + 1,
                    "cells": cells[level], "completeness": completeness, "protection": PROTECTION,
                    "parameters": json.dumps(self.parameters.as_dict(), sort_keys=True), "geometry_hash": payload_hash,
                    "ledger_hash": sha256(closing.positions.encode()), "software": software_version(),
                },
            )  # fmt: skip
            store.queue(own, topic, f"epoch-{closing.month}", signed(self.signing, payload))

    @staticmethod
    def _completeness(
        own: store.Connection, municipality: int, month: int, covered: set[tuple[int, int, str, int]]
    ) -> list[dict[str, Any]]:
        """Provider months closed of those asked, per group; none for `overig`, whose providers would be named by it."""
        asked: set[tuple[int, int, str, int]] = set()
        for (datum,) in own.execute("SELECT datum FROM requests WHERE municipality = %s", (municipality,)):
            request = codec.decode("data_request", bytes(datum))
            months = range(request["first_month"], min(request["last_month"], month) + 1)
            asked |= {
                (int(provider.lstrip("p")), municipality, stream, m)
                for provider in request["providers"] for stream in request["streams"] for m in months
            }  # fmt: skip
        result = []
        for group in (Group.WMO, Group.JEUGDWET, Group.PARTICIPATIEWET):
            wanted = {a for a in asked if GROUP_OF_STREAM.get(Stream(a[2])) is group}
            result.append({"group": group.value, "months_closed": len(wanted & covered), "months_asked": len(wanted)})
        return result
