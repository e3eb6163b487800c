"""Bytes of topics as a principal reads them. For tests."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, TopicPartition

from deploy.certificates import RoleCertificate
from deploy.demo import Demo


def certificate(demo: Demo, name: str) -> RoleCertificate:
    """A certificate of the zone's authority for a principal, made for the attempt."""
    return demo.zone.authority.issue(name, demo.zone.folder.path / "tried" / name)


def client(demo: Demo, name: str) -> dict[str, Any]:
    """A librdkafka configuration of a principal."""
    return demo.zone.kafka.client(certificate(demo, name)) | {"log_level": 0}


def records(demo: Demo, name: str, topic: str) -> list[bytes]:
    """The values of a topic, as this principal reads them from the beginning to the end of now."""
    reader = Consumer(client(demo, name) | {"group.id": f"{name}.test", "enable.partition.eof": True})
    partitions = reader.list_topics(topic, timeout=10).topics[topic].partitions
    reader.assign([TopicPartition(topic, p, 0) for p in partitions])
    found, ends = [], 0
    while ends < len(partitions):
        record = reader.poll(10)
        assert record is not None, topic
        if record.error() is not None:
            ends += 1
        elif record.value():
            found.append(record.value())
    reader.close()
    return found
