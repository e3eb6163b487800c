"""After a restored backup: a role's place in its input is put back to where its database is, while its workers are down.

Where `delivered.v1` has expired meanwhile, intake's database is moved forward instead: to the oldest offset there is, for each
outbox to the last number up to which every envelope has its final receipt, and to the last number that lies on `rekeyed.v1`.
The senders are then asked for the next, and send again what lacks a final receipt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas import codec, topics
from schemas.errors import SettingsWrong, Unavailable
from schemas.sealing import partition_of
from streams.config import RoleConfig
from streams.hop_store import move_forward, restore_offsets
from streams.intake_store import stream_of

INPUTS: Final = {"intake": "delivered.v1", "ledger": "rekeyed.v1", "projector": "ledger.v1"}
_OUTPUT: Final = "rekeyed.v1"
_TAIL: Final = 5_000
"""Records at the end of a partition among which its highest number is: what is sent again, is sent up to the last."""
_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Restored:
    """Next offset of each partition; for those that were moved forward, from where."""

    offsets: dict[int, int]
    moved_from: dict[int, int]


def put_back(config: RoleConfig, *, administrator: dict[str, Any]) -> Restored:
    """Commit the database's next offsets for the role's group, moved forward first where intake's input has expired.

    `administrator`: librdkafka settings of whoever may read receipts. Raises `SettingsWrong` while a worker of the role still
    runs, or where the topic no longer has those offsets and that can't be mended; `Unavailable`.
    """
    topic = INPUTS[config.role]
    offsets, moved = restore_offsets(config.database_dsn), {}
    consumer = Consumer(config.kafka.client() | {"group.id": f"{config.role}.v1", "enable.auto.commit": False})
    try:
        for partition, offset in offsets.items():
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            if offset < low and config.role == "intake":
                moved[partition], offsets[partition] = offset, low
            elif not low <= offset <= high:
                msg = (
                    f"{topic} partition {partition} holds offsets {low} to {high}, the database of {config.role} expects {offset}: "
                    "what lies between is gone. Restore a newer backup."
                )
                raise SettingsWrong(msg)
        # the group first: Kafka refuses it while a worker still runs, and then nothing was moved
        consumer.commit(offsets=[TopicPartition(topic, p, n) for p, n in offsets.items()], asynchronous=False)
        if moved:
            _forward(config.database_dsn, {p: offsets[p] for p in moved}, administrator)
    except KafkaException as refused:
        if refused.args[0].name() in ("UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS"):
            msg = f"A worker of {config.role} still runs; stop all of them first."
            raise SettingsWrong(msg) from refused
        msg = "Kafka is away."
        raise Unavailable(msg) from refused
    except psycopg.OperationalError as away:
        msg = "PostgreSQL is away."
        raise Unavailable(msg) from away
    finally:
        consumer.close()
    return Restored(offsets, moved)


def _forward(dsn: str, offsets: dict[int, int], administrator: dict[str, Any]) -> None:
    reader = Consumer(administrator | topics.READ_ONCE | {"group.id": "admin.restore", "enable.partition.eof": True})
    try:
        finals: dict[bytes, set[int]] = {}
        known = reader.list_topics(timeout=10).topics
        for topic in sorted(t for t in known if t.startswith("receipts.")):
            for data in _records(reader, topic, 0):
                r = codec.decode("receipt", data)
                if r["kind"] == "final" and partition_of(r["sender"].encode(), topics.ROAD_PARTITIONS) in offsets:
                    finals.setdefault(stream_of(r["sender"], r["outbox"]), set()).add(r["number"])
        numbers = {}
        for partition in offsets:
            last = [codec.decode("hop_record", data) for data in _records(reader, _OUTPUT, partition, last=_TAIL)]
            numbers[partition] = max((r["number"] for r in last if r["source_partition"] == partition), default=0)
    finally:
        reader.close()
    move_forward(dsn, offsets=offsets, received=finals, topic=_OUTPUT, numbers=numbers)


def _records(reader: Consumer, topic: str, partition: int, *, last: int | None = None) -> Iterator[bytes]:
    """Values of a partition up to its end of now; with `last` only about so many of them."""
    low, high = reader.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
    start = low if last is None else max(low, high - last)
    if low == high:
        return
    reader.assign([TopicPartition(topic, partition, start)])
    while True:
        record = reader.poll(_SECONDS)
        if record is None:
            msg = f"Kafka does not give {topic}."
            raise Unavailable(msg)
        if (record.topic(), record.partition()) != (topic, partition):
            continue  # the end of the one before, told late
        if record.error() is None:
            yield record.value() or b""
        elif record.error().name() == "_PARTITION_EOF":
            return
        else:
            raise KafkaException(record.error())
