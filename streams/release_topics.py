"""What release does with Kafka: it sends records and waits for all of them, and reads what already lies on a topic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from schemas.errors import Unavailable

_PRODUCER: Final = {
    "enable.idempotence": True, "acks": "all", "message.timeout.ms": 10_000, "message.max.bytes": 2 * 1024 * 1024,
}  # fmt: skip
_SECONDS: Final = 30.0
Wanted = Sequence[tuple[str, int, bytes | None, bytes]]
"""(topic, partition, key, value) to send."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies on a topic of one partition. `appended_ms`: when Kafka took it in."""

    offset: int
    appended_ms: int
    value: bytes


class Topics(Protocol):
    """The topics as release needs them."""

    def send(self, wanted: Wanted) -> list[int]:
        """Send in order and wait for all; their offsets. Raises `Unavailable`, and then some may be there."""
        ...

    def since(self, topic: str, offset: int) -> list[Record]:
        """Records of a topic's one partition from an offset up to its end of now. Raises `Unavailable`."""
        ...

    def forget(self) -> None:
        """Begin anew after something was away."""
        ...


@dataclass(slots=True)
class KafkaTopics:
    """The real ones. `settings`: librdkafka with release's certificate."""

    settings: dict[str, Any]
    _producer: Producer | None = None

    def send(self, wanted: Wanted) -> list[int]:
        """See `Topics`."""
        offsets: dict[int, int] = {}

        def told(at: int) -> Any:
            return lambda error, message: offsets.__setitem__(at, message.offset() if error is None else -1)

        try:
            if self._producer is None:
                self._producer = Producer(self.settings | _PRODUCER)
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
        return [offsets[i] for i in range(len(wanted))]

    def since(self, topic: str, offset: int) -> list[Record]:
        """See `Topics`."""
        return list(records_since(self.settings | {"group.id": "release.tail"}, topic, offset))

    def forget(self) -> None:
        """See `Topics`."""
        self._producer = None


def records_since(settings: dict[str, Any], topic: str, offset: int = 0) -> Iterator[Record]:
    """Records of a topic's one partition from an offset up to its end of now. `settings`: librdkafka, with a group. Raises `Unavailable`."""
    consumer = Consumer(settings | {"enable.auto.commit": False, "auto.offset.reset": "earliest"})
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
        if max(low, offset) >= high:
            return
        consumer.assign([TopicPartition(topic, 0, max(low, offset))])
        while True:
            record = consumer.poll(_SECONDS)
            if record is None or record.error() is not None:
                msg = f"Kafka does not give {topic}."
                raise Unavailable(msg)
            yield Record(int(record.offset()), int(record.timestamp()[1]), record.value() or b"")
            if record.offset() >= high - 1:
                return
    except KafkaException as away:
        msg = f"Kafka does not give {topic}."
        raise Unavailable(msg) from away
    finally:
        consumer.close()
