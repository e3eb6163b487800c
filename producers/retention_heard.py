"""What the zone tells a municipality of retention periods: its notices as they stand now, and how many they are. Nobody is named."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from producers.profile import Profile
from schemas import topics
from schemas.errors import Refused, Unavailable
from schemas.retention import Notice

FEWER: Final = 10
"""Counts below this are shown as fewer than it."""


@dataclass(frozen=True, slots=True)
class Told:
    """Notices that stand: request id in hexadecimal -> the notice as it was signed and what it says."""

    notices: Mapping[str, tuple[bytes, Notice]]

    def counts(self, kept: Mapping[str, str]) -> list[tuple[str, int, int]]:
        """(laws, last year, how many) of what would go, without what is held back."""
        rows = Counter(
            (" + ".join(law for law, _ in n.laws), max(year for _, year in n.laws))
            for request, (_, n) in self.notices.items() if request not in kept
        )  # fmt: skip
        return [(laws, year, count) for (laws, year), count in sorted(rows.items())]


def heard(profile: Profile, *, seconds: float = 15.0) -> Told:
    """What the zone says now of this municipality's retention periods. Raises `Unavailable`."""
    found: dict[str, tuple[bytes, Notice]] = {}
    topic = topics.retention_topic(profile.sender.number)
    consumer = Consumer(
        profile.kafka()
        | {"group.id": f"{profile.sender}.retention", "enable.auto.commit": False, "enable.partition.eof": True}
    )
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in consumer.consume(500, 0.1):
                if message.error() is not None:
                    if message.error().name() == "_PARTITION_EOF":
                        return Told(found)
                    continue
                request, data = (message.key() or b"").hex(), message.value()
                found.pop(request, None)
                if data:
                    found[request] = data, Notice.read(data)
    except Refused as newer:
        msg = "The zone speaks of retention periods in a way this version does not know; update the software."
        raise Unavailable(msg) from newer
    except KafkaException as away:
        msg = "Kafka does not answer; is the zone running?"
        raise Unavailable(msg) from away
    finally:
        consumer.close()
    msg = "Kafka does not answer; is the zone running?"
    raise Unavailable(msg)
