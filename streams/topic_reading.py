"""Reading a stretch of one partition once: its values, up to where it ends now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from confluent_kafka import Consumer, TopicPartition

from schemas.errors import Unavailable

_SECONDS: Final = 30.0


def end_of(consumer: Consumer, topic: str, partition: int) -> int:
    """The offset behind the last record of a partition now."""
    return int(consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)[1])


def in_batches(values: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    """Values in lists of `size`, the last one shorter."""
    batch: list[bytes] = []
    for value in values:
        batch.append(value)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def values_of(
    consumer: Consumer,
    topic: str,
    partition: int,
    *,
    last: int | None = None,
    start: int | None = None,
    until: int | None = None,
) -> Iterator[bytes]:
    """Values of a partition up to its end of now or `until`, from its beginning, from `start`, or about the `last` so many."""
    low, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
    high = end if until is None else min(end, until)
    first = max(low, start) if start is not None else low if last is None else max(low, high - last)
    if first >= high:
        return
    consumer.assign([TopicPartition(topic, partition, first)])
    while True:
        one = consumer.poll(_SECONDS)  # a batch alone would wait for the batch to fill
        if one is None:
            msg = f"Kafka does not give {topic}."
            raise Unavailable(msg)
        for record in (one, *consumer.consume(1_000, 0)):
            if (record.topic(), record.partition()) != (topic, partition):
                continue  # the end of the one before, told late
            if record.error() is None:
                yield record.value() or b""
            if record.error() is not None or record.offset() >= high - 1:
                return
