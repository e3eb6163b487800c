"""Where access records go besides the vault's table: acknowledged by Kafka before a key leaves. No log, no key."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Protocol

from confluent_kafka import KafkaException, Producer

from schemas import codec
from schemas.errors import Unavailable

TOPIC = "access-log.v1"


class AccessLog(Protocol):
    """Where an access record is kept for others to read."""

    def append(self, record: dict[str, Any]) -> None:
        """Keep the record durably. Raises `Unavailable`; then no key may leave."""
        ...


@dataclass(slots=True)
class InMemoryAccessLog:
    """For tests of what depends on the log."""

    records: list[dict[str, Any]] = field(default_factory=list)
    away: bool = False

    def append(self, record: dict[str, Any]) -> None:
        """Keep it, or be away."""
        if self.away:
            msg = "The access log can't be written; try again."
            raise Unavailable(msg)
        self.records.append(record)


class KafkaAccessLog:
    """Writes to `access-log.v1` and waits for the acknowledgement (10 s)."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """`settings`: librdkafka configuration of the keyvault."""
        self._producer = Producer({**settings, "acks": "all", "enable.idempotence": True, "message.timeout.ms": 8_000})
        self._lock = threading.Lock()

    def append(self, record: dict[str, Any]) -> None:
        """Send and wait."""
        told: list[object] = []
        with self._lock:
            try:
                self._producer.produce(
                    TOPIC, value=codec.encode("access_record", record), partition=0,
                    on_delivery=lambda error, _: told.append(error),
                )  # fmt: skip
                self._producer.flush(10)
            except (KafkaException, BufferError) as away:
                told.append(away)
        if told != [None]:
            msg = "The access log can't be written; no key is handed over. Try again in a minute."
            raise Unavailable(msg)
