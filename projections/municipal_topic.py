"""A municipality's own topic, read and written with its own certificate: what is not signed by it does not count.

For its page and its commands; nobody else may read or write it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from projections.municipal_events import Story, apply
from schemas import topics
from schemas.directory import KeysAt
from schemas.errors import Refused, Unavailable
from schemas.municipal_events import verified_event

_AT_ONCE: Final = 200
_READING: Final = {"enable.auto.commit": False, "enable.partition.eof": True}
_WRITING: Final = {"acks": "all", "message.timeout.ms": 8_000, "enable.idempotence": True}
_SECONDS_OF_A_SEND: Final = 10.0


@dataclass(slots=True)
class MunicipalReader:
    """What one municipality's topic comes to. `settings`: librdkafka with its certificate; `own_keys`: its signing keys that count at a moment."""

    settings: dict[str, Any]
    group: str
    municipality: int
    own_keys: KeysAt
    story: Story = field(default_factory=Story)
    refused: int = 0
    """Records that were not proved to be the municipality's, or that broke a rule."""
    refused_offsets: set[int] = field(default_factory=set)
    """Where those lie."""
    next_offset: int = 0
    caught_up: bool = False
    """Whether the end of the topic was reached once."""
    _consumer: Consumer | None = None

    def poll(self, seconds: float) -> bool:
        """Read what has come; False when there was nothing new. Raises `Refused`, `Unavailable`."""
        if self._consumer is None:
            self._consumer = Consumer(self.settings | _READING | {"group.id": self.group})
            self._consumer.assign([TopicPartition(topics.municipality_topic(self.municipality), 0, self.next_offset)])
        news = False
        for record in self._consumer.consume(_AT_ONCE, seconds):
            if record.error() is not None:
                self._heed(record.error().name())
                continue
            counts = self.take(record.value() or b"", record.timestamp()[1])
            self.refused_offsets |= set() if counts else {record.offset()}
            news = counts or news
            self.next_offset = record.offset() + 1
        return news

    def take(self, data: bytes, appended_ms: int) -> bool:
        """Take in one record and when Kafka took it in; False, and counted in `refused`, where it does not count."""
        try:
            event = verified_event(self.own_keys, data, municipality=self.municipality, appended_ms=appended_ms)
            self.story = apply(self.story, event)
        except Refused:
            self.refused += 1
            return False
        return True

    def _heed(self, error: str) -> None:
        if error == "_PARTITION_EOF":
            self.caught_up = True
        elif error in ("TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"):
            raise Refused("part", "This certificate may not read this municipality's topic.")
        elif error in ("_ALL_BROKERS_DOWN", "UNKNOWN_TOPIC_OR_PART"):
            raise Unavailable("Kafka is away.", dutch="Kafka is niet bereikbaar.")

    def catch_up(self, *, seconds: float) -> Story:
        """Read to the end of what was there at first. Raises `Unavailable` after `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.caught_up:
            if time.monotonic() > deadline:
                raise Unavailable(
                    "Kafka does not answer; is the zone running?", dutch="Kafka antwoordt niet; draait de zone?"
                )
            self.poll(0.25)
        return self.story

    def close(self) -> None:
        """Close the consumer."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None


def append(settings: dict[str, Any], municipality: int, data: bytes) -> int:
    """Append a signed event and wait until it is kept; returns its offset. Raises `Unavailable`: then it may still be kept, look before trying again."""
    kept: list[int] = []
    producer = Producer(settings | _WRITING)
    try:
        producer.produce(
            topics.municipality_topic(municipality), data, partition=0,
            on_delivery=lambda error, record: kept.append(record.offset()) if error is None else None,
        )  # fmt: skip
        producer.flush(_SECONDS_OF_A_SEND)
    except (KafkaException, BufferError):
        kept = []
    if not kept:
        raise Unavailable("Kafka does not take it; look whether it is there, and try again.",
                          dutch="Kafka neemt dit niet aan; kijk of het er staat en probeer het opnieuw.")  # fmt: skip
    return kept[0]
