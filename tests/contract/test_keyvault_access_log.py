"""What every place of the access log promises: kept in order, and said when it can't be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from deploy.cluster import Cluster
from keyvault.access_log import FIRST, LOOK, NOBODY, Access, InMemoryAccessLog, KafkaAccessLog, chained
from schemas import codec, topics

Reading = Callable[[], list[dict[str, Any]]]


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.servers)])
def log(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[tuple[Any, Reading]]:
    if request.param == "memory":
        made = InMemoryAccessLog()
        yield made, lambda: made.records
        return
    kafka, authority = request.getfixturevalue("kafka"), request.getfixturevalue("authority")
    Cluster(kafka.admin()).apply(topics.Members((), ("gm9901",)))
    consumer = Consumer(
        kafka.client(authority.issue("operator", tmp_path / "operator"))
        | {"group.id": "operator.contract", "enable.partition.eof": True, "enable.auto.commit": False}
    )
    _, start = consumer.get_watermark_offsets(TopicPartition("access-log.v1", 0), timeout=10)

    def read() -> list[dict[str, Any]]:
        consumer.assign([TopicPartition("access-log.v1", 0, start)])
        found = []
        while (message := consumer.poll(10)) is not None and message.error() is None:
            found.append(codec.decode("access_record", message.value()))
        return found

    yield KafkaAccessLog(kafka.client(authority.issue("keyvault", tmp_path / "keyvault"))), read
    consumer.close()


def records(count: int) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for i in range(count):
        look = Access(i, LOOK, bytes([i]) * 16, "caseworker-gm9901-1", "127.0.0.1", None, "no-mandate")
        made.append(chained(look, client=NOBODY, sequence=i + 1, previous_hash=made[-1]["hash"] if made else FIRST))
    return made


def test_what_was_appended_is_there_whole_and_in_order(log: tuple[Any, Reading]) -> None:
    place, read = log
    wanted = records(60)
    place.append(wanted[:1])
    place.append([])
    place.append(wanted[1:])
    assert read() == wanted


def test_the_same_records_again_are_kept_again(log: tuple[Any, Reading]) -> None:
    place, read = log
    for _ in range(2):
        place.append(records(2))
    assert read() == records(2) * 2
