"""Who was erased, as the ledger's topic says it: what a restored copy is told before anything else, since it lies outside every copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition

from deploy.zone import Zone
from schemas import codec, topics
from schemas.errors import Refused, Unavailable

_TOPIC: Final = "ledger.v1"
_SECONDS: Final = 30.0


def erased(zone: Zone) -> Iterator[bytes]:
    """Persons that the ledger erased. Raises `Unavailable`."""
    for name, fields in _records(zone):
        if name == "person_events":
            yield from (e["person"] for e in fields["erased"])


def settled(zone: Zone) -> Iterator[tuple[bytes, bytes]]:
    """Persons of whom what they left is settled, so that the vault may have destroyed their key, with the signed decision."""
    for name, fields in _records(zone):
        if name == "erasure_settled":
            yield from ((p["person"], p["decision"]) for p in fields["persons"])


def closed_years(zone: Zone) -> Iterator[tuple[int, int]]:
    """(partition, service year) of years that closed for good, so that the keys of what erased persons left in them are destroyed."""
    for name, fields in _records(zone):
        if name == "year_settled":
            yield fields["partition"], fields["year"]


def _records(zone: Zone) -> Iterator[tuple[str, dict[str, Any]]]:
    files = zone.certificate(topics.OPERATOR)
    consumer = Consumer(zone.kafka.client(files) | topics.READ_ONCE | {"group.id": "operator.erasures", "log_level": 2})
    try:
        for partition in range(topics.ROAD_PARTITIONS):
            low, high = consumer.get_watermark_offsets(TopicPartition(_TOPIC, partition), timeout=_SECONDS)
            consumer.assign([TopicPartition(_TOPIC, partition, low)])
            while low < high:
                record = consumer.poll(_SECONDS)
                if record is None or record.error() is not None:
                    msg = f"Kafka does not give {_TOPIC}."
                    raise Unavailable(msg)
                low = record.offset() + 1
                try:
                    body = codec.decode("hop_record", record.value() or b"")["body"]
                    name = codec.name_of(body)
                    if name in ("person_events", "erasure_settled", "year_settled"):
                        yield name, codec.decode(name, body) | {"partition": partition}
                except Refused:
                    continue  # a dead letter tells of it
    finally:
        consumer.close()
