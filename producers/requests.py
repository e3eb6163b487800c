"""Requests of municipalities: published by them, read and proved by providers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from producers.profile import Profile
from schemas import topics
from schemas.errors import Refused, Unavailable
from schemas.requests import TOPIC, DataRequest, signed_request, verified_request

_SECONDS = 15.0


def publish_requests(profile: Profile, requests: Sequence[DataRequest]) -> None:
    """Publish what the municipality of this profile asks, and wait until it is kept. Raises `Unavailable`."""
    told: list[bool] = []
    entry, signing = profile.own_entry(), profile.signing_key()
    producer = Producer(profile.kafka() | {"acks": "all", "message.timeout.ms": int(_SECONDS * 1000) - 5000})
    for request in requests:
        data = signed_request(request, entry=entry, signing=signing)
        producer.produce(TOPIC, data, partition=0, on_delivery=lambda error, _: told.append(error is None))
    producer.flush(_SECONDS)
    if told != [True] * len(requests):
        msg = "Kafka does not take the request; is the zone running?"
        raise Unavailable(msg)


@dataclass(slots=True)
class Requests:
    """What was asked: proved requests by id, oldest first, and how many records could not be proved."""

    proved: dict[str, DataRequest] = field(default_factory=dict)
    refused: int = 0


def read_requests(profile: Profile, *, seconds: float = _SECONDS) -> Requests:
    """Everything asked so far, of whomever. Raises `Unavailable`."""
    found, roots = Requests(), profile.directory.roots
    consumer = Consumer(
        profile.kafka() | topics.READ_ONCE | {"group.id": f"{profile.sender}.requests", "enable.partition.eof": True}
    )
    try:
        consumer.assign([TopicPartition(TOPIC, 0, 0)])
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in consumer.consume(200, 0.1):
                if message.error() is not None:
                    if message.error().name() == "_PARTITION_EOF":
                        return found
                    continue
                try:
                    request = verified_request(roots, message.value() or b"")
                except Refused:
                    found.refused += 1
                else:
                    found.proved[request.id] = request
    except KafkaException:
        pass
    finally:
        consumer.close()
    raise Unavailable("Kafka can't be reached; try again later.",
                      dutch="Kafka is niet bereikbaar; probeer het later opnieuw.")  # fmt: skip
