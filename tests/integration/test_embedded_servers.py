"""The embedded servers are the real ones: they keep data over a restart and refuse whoever has no right."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.certificates import Authority
from deploy.cluster import Cluster
from deploy.embedded_kafka import EmbeddedKafka
from deploy.embedded_postgres import EmbeddedPostgres
from schemas import topics

MEMBERS = topics.Members(("p99000001",), ("gm9901",), (("caseworker-gm9901-1", "gm9901"),))
QUIET = {"log_level": 0}


def send(settings: dict[str, object], topic: str) -> str | None:
    """Try to write one record; returns Kafka's refusal or None."""
    told: list[object] = []
    producer = Producer({**settings, **QUIET, "message.timeout.ms": 4000})
    producer.produce(topic, b"x", partition=0, on_delivery=lambda error, _: told.append(error and error.name()))
    producer.flush(8)
    return None if told == [None] else str(told)


def test_topics_and_rights_become_what_the_table_says(kafka: EmbeddedKafka) -> None:
    cluster = Cluster(kafka.admin())
    cluster.apply(MEMBERS)
    assert cluster.compare(MEMBERS).none
    cluster.apply(topics.Members(("p99000001",), ("gm9901",), ()))
    left = cluster.compare(MEMBERS)
    assert {r.principal for r in left.missing_rights} == {"caseworker-gm9901-1"}
    cluster.apply(MEMBERS)


def test_a_grant_lets_in_and_its_absence_refuses(kafka: EmbeddedKafka, authority: Authority, tmp_path: Path) -> None:
    Cluster(kafka.admin()).apply(MEMBERS)
    admitted = kafka.client(authority.issue("p99000001", tmp_path / "a"))
    stranger = kafka.client(authority.issue("p99000009", tmp_path / "b"))
    assert send(admitted, "delivered.v1") is None
    assert "TOPIC_AUTHORIZATION_FAILED" in str(send(stranger, "delivered.v1"))
    assert "TOPIC_AUTHORIZATION_FAILED" in str(send(admitted, "ledger.v1"))


def test_a_foreign_authority_and_no_certificate_are_refused(
    kafka: EmbeddedKafka, authority: Authority, tmp_path: Path
) -> None:
    foreign = Authority(tmp_path / "foreign").issue("p99000001", tmp_path / "x")
    for settings in (
        {**kafka.client(foreign), "ssl.ca.location": str(authority.ca_path)},
        {"bootstrap.servers": kafka.bootstrap, "security.protocol": "ssl", "ssl.ca.location": str(authority.ca_path)},
        {"bootstrap.servers": kafka.bootstrap},
    ):
        with pytest.raises(KafkaException):
            AdminClient({**settings, **QUIET}).list_topics(timeout=3)


def test_what_was_written_is_there_after_a_restart(kafka: EmbeddedKafka, authority: Authority, tmp_path: Path) -> None:
    Cluster(kafka.admin()).apply(MEMBERS)
    assert send(kafka.client(authority.issue("p99000001", tmp_path / "a")), "delivered.v1") is None
    before = kafka.bootstrap
    kafka.kill9()
    kafka.start()
    assert kafka.bootstrap == before
    settings = kafka.client(authority.issue("intake", tmp_path / "i"))
    reader = Consumer({**settings, "group.id": "intake.test", **QUIET})
    reader.assign([TopicPartition("delivered.v1", 0, 0)])
    record = reader.poll(20)
    reader.close()
    assert record is not None
    assert record.error() is None


def test_each_role_has_a_database_no_other_login_enters(postgres: EmbeddedPostgres) -> None:
    one, two = postgres.create_role_database("role_one"), postgres.create_role_database("role_two")
    assert postgres.create_role_database("role_one") == one
    with psycopg.connect(one) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(two.replace("/role_two", "/role_one"))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(one.replace("role_one:", "role_two:"))
    postgres.kill9()
    postgres.start()
    with psycopg.connect(one) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
