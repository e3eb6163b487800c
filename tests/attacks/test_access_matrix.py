"""Every principal, every topic, every operation, really tried against the broker: what works is exactly the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
)

from deploy.certificates import Authority
from deploy.cluster import Cluster
from deploy.embedded_kafka import EmbeddedKafka
from deploy.settings import load_settings
from schemas import topics

MEMBERS = topics.Members(
    ("p99000001", "p99000002"),
    ("gm9901", "gm9902"),
    (("caseworker-gm9901-1", "gm9901"), ("caseworker-gm9902-1", "gm9902"), ("family-gm9901-a1b2", "gm9901")),
)
PRINCIPALS = (
    *topics.ROLES, topics.OPERATOR, *MEMBERS.providers, *MEMBERS.municipalities, *(c for c, _ in MEMBERS.readers),
    "officer-dora", "grantor-gm9901-anne", "p99000009", "caseworker-gm9901-2", "family-gm9901-c3d4", "stranger",
)  # fmt: skip
"""Officers and grantors have nothing to do with Kafka; the last four have a certificate of our authority and were never admitted."""
DENIED = ("TOPIC_AUTHORIZATION_FAILED", "UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_PARTITION")


@pytest.fixture(scope="module")
def kafka(server_folder: Path, authority: Authority) -> Iterator[EmbeddedKafka]:
    """A broker of its own: what may be written here is really written, and is no record of ours."""
    server = EmbeddedKafka(server_folder / "kafka-of-the-matrix", authority, load_settings().cache)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def all_topics(kafka: EmbeddedKafka) -> list[str]:
    Cluster(kafka.admin()).apply(MEMBERS)
    return sorted(name for name, _, _ in topics.concrete_topics(MEMBERS))


def test_what_each_principal_can_do_is_exactly_the_table(
    kafka: EmbeddedKafka, authority: Authority, all_topics: list[str], tmp_path: Path
) -> None:
    everyone = {name: kafka.client(authority.issue(name, tmp_path / name)) | {"log_level": 0} for name in PRINCIPALS}
    with ThreadPoolExecutor(len(PRINCIPALS)) as crowd:  # nearly all of it is waiting for the broker's refusals
        found = dict(zip(PRINCIPALS, crowd.map(lambda n: tried(everyone[n], n, all_topics), PRINCIPALS), strict=True))
    grants = topics.grants(MEMBERS)
    assert {g.principal for g in grants} <= set(PRINCIPALS), "whoever may do something is tried"
    by_admin = {"directory.v1", "role-keys.v1"}  # the broker's superuser alone writes them
    assert {g.topic for g in grants if g.operation is topics.Operation.WRITE} == set(all_topics) - by_admin
    for name, can in found.items():
        read = {g.topic for g in grants if g.principal == name and g.operation is topics.Operation.READ}
        write = {g.topic for g in grants if g.principal == name and g.operation is topics.Operation.WRITE}
        assert can == {
            "read": read, "write": write, "describe": read | write, "create": set(), "alter partitions": set(),
            "alter settings": set(), "delete": set(),
        }, name  # fmt: skip


def tried(settings: dict[str, Any], name: str, all_topics: list[str]) -> dict[str, set[Any]]:
    """What a principal really can do: operation -> topics."""
    admin = AdminClient(settings)
    return {
        "describe": set(admin.list_topics(timeout=20).topics) & set(all_topics),
        "read": readable(settings, name, all_topics),
        "write": writable(settings, all_topics),
        "create": allowed(admin.create_topics([NewTopic(f"made-by-{name}", 1)], request_timeout=10)),
        "alter partitions": allowed(
            admin.create_partitions([NewPartitions(t, 50) for t in all_topics], request_timeout=10)
        ),
        "alter settings": allowed(admin.incremental_alter_configs(list(shorter_kept(all_topics)), request_timeout=10)),
        "delete": allowed(admin.delete_topics(all_topics, request_timeout=10)),
    }


def test_a_group_of_another_principal_is_refused(kafka: EmbeddedKafka, authority: Authority, tmp_path: Path) -> None:
    Cluster(kafka.admin()).apply(MEMBERS)
    admin = AdminClient(kafka.client(authority.issue("gm9901", tmp_path)) | {"log_level": 0})
    for group, works in (("gm9901.page", True), ("gm9902.page", False), ("intake.v1", False)):
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=10)[group]
        if works:
            asked.result()
        else:
            with pytest.raises(KafkaException, match="GROUP_AUTHORIZATION_FAILED"):
                asked.result()


def readable(settings: dict[str, Any], name: str, all_topics: list[str]) -> set[str]:
    """Topics of which a record (or the end) really comes back: a denied topic is denied at its offsets or at the fetch."""
    reader = Consumer(settings | {"group.id": f"{name}.matrix", "enable.partition.eof": True})
    can = set()
    for topic in all_topics:
        try:
            low, _ = reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=5)
        except KafkaException as refused:
            if refused.args[0].name() not in DENIED:
                raise
            continue
        reader.assign([TopicPartition(topic, 0, low)])
        record = reader.poll(10)
        assert record is not None
        if record.error() is None or record.error().name() == "_PARTITION_EOF":
            can.add(topic)
    reader.close()
    return can


def writable(settings: dict[str, Any], all_topics: list[str]) -> set[str]:
    """Topics that took a record."""
    can: set[str] = set()

    def told(topic: str) -> Callable[[object, object], None]:
        return lambda error, _: can.add(topic) if error is None else None

    producer = Producer(settings | {"message.timeout.ms": 4000})
    for topic in all_topics:
        producer.produce(topic, b"x", key=b"k", partition=0, on_delivery=told(topic))
    producer.flush(15)
    return can


def shorter_kept(all_topics: Iterable[str]) -> Iterable[ConfigResource]:
    """What someone would alter who wants records to vanish."""
    for topic in all_topics:
        entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
        yield ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])


def allowed(results: dict[Any, Any]) -> set[Any]:
    """What an administrator's request was granted."""
    return {what for what, result in results.items() if result.exception() is None}
