"""A restored database of intake whose input has expired is moved forward: nothing done twice, nothing that lacks a receipt lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.certificates import Authority
from deploy.cluster import Cluster
from deploy.embedded_kafka import EmbeddedKafka
from schemas import codec, topics
from schemas.errors import SettingsWrong
from schemas.sealing import partition_of
from schemas.values import Month
from streams.config import KafkaAccess, RoleConfig
from streams.hop_store import prepared
from streams.intake_store import stream_of
from streams.restore import put_back

SENDER = "p98777771"
QUIET = ("p98777700", "p98777799")
"""Providers around it that never sent anything."""
OUTBOX = bytes(range(16))
STREAM = stream_of(SENDER, OUTBOX)
PARTITION = partition_of(SENDER.encode(), topics.ROAD_PARTITIONS)


class Backup:
    """A role's database as it was at offset 3, and Kafka as it is now: 12 records later, of which the first 6 have expired."""

    def __init__(self, kafka: EmbeddedKafka, authority: Authority, folder: Path, dsn: str, role: str) -> None:
        self.kafka, self.role, self.dsn = kafka, role, dsn
        files = authority.issue(role, folder / role)
        access = KafkaAccess(kafka.bootstrap, files.ca, files.cert, files.key)
        self.config = RoleConfig(role, access, dsn, bytes(32), folder, 0, Month(2025, 1), (9901,))
        Cluster(kafka.admin()).apply(topics.Members((SENDER, *QUIET), ("gm9901",)))
        producer = Producer(kafka.admin())
        topic = {"intake": "delivered.v1", "ledger": "rekeyed.v1"}[role]
        _, self.end = Consumer(kafka.admin() | {"group.id": "admin.x"}).get_watermark_offsets(
            TopicPartition(topic, PARTITION), timeout=20
        )
        for n in range(12):
            producer.produce(topic, b"%d" % n, partition=PARTITION)
        for number in (1, 2, 3, 4, 5, 7):
            receipt = {"sender": SENDER, "outbox": OUTBOX, "number": number, "kind": "final", "code": "0200", "accepted": 1,
                       "duplicates": 0, "refused": [], "log_sequence": 0, "log_hash": bytes(32)}  # fmt: skip
            producer.produce(topics.receipts_topic(SENDER), codec.encode("receipt", receipt), partition=0)
        if role == "intake":
            for number in range(1, 10):
                hop = {
                    "role": "intake",
                    "source_partition": PARTITION,
                    "source_offset": number,
                    "number": number,
                    "body": b"x",
                }
                producer.produce("rekeyed.v1", codec.encode("hop_record", hop), partition=PARTITION)
        assert producer.flush(20) == 0
        self.first = self.end + 6
        where = TopicPartition(topic, PARTITION, self.first)
        admin = AdminClient(kafka.admin())
        for future in admin.delete_records([where]).values():
            future.result(20)
        with prepared(dsn) as connection:
            connection.execute("INSERT INTO hop_input VALUES (%s, %s)", (PARTITION, self.end + 3))
            connection.execute("INSERT INTO hop_streams VALUES (%s, 2)", (STREAM,))
            connection.execute("INSERT INTO hop_numbers VALUES ('rekeyed.v1', %s, %s, 2)", (PARTITION, PARTITION))

    def held(self) -> tuple[int, int, int]:
        """Next offset, last number of the sender's outbox, last number sent."""
        with psycopg.connect(self.dsn) as c:
            (offset,) = c.execute("SELECT next_offset FROM hop_input").fetchone()
            (number,) = c.execute("SELECT last_number FROM hop_streams WHERE stream = %s", (STREAM,)).fetchone()
            (sent,) = c.execute("SELECT last_number FROM hop_numbers").fetchone()
        return offset, number, sent

    def committed(self) -> int:
        consumer = Consumer(self.config.kafka.client() | {"group.id": f"{self.role}.v1"})
        (found,) = consumer.committed([TopicPartition("delivered.v1", PARTITION)], timeout=20)
        consumer.close()
        return int(found.offset)


def test_intake_moves_past_what_has_expired_and_takes_what_lacks_a_receipt(
    kafka: EmbeddedKafka, authority: Authority, tmp_path: Path, fresh_database: Callable[[str], str]
) -> None:
    backup = Backup(kafka, authority, tmp_path, fresh_database("intake"), "intake")
    restored = put_back(backup.config, administrator=kafka.admin())
    assert restored.moved_from == {PARTITION: backup.end + 3}
    assert restored.offsets == {PARTITION: backup.first}
    assert backup.committed() == backup.first
    assert backup.held() == (backup.first, 5, 9), "6 has no final receipt, so it is asked for; 9 lies on rekeyed.v1"
    again = put_back(backup.config, administrator=kafka.admin())
    assert again.moved_from == {}
    assert backup.held() == (backup.first, 5, 9)


def test_a_ledger_whose_input_has_expired_is_not_moved(
    kafka: EmbeddedKafka, authority: Authority, tmp_path: Path, fresh_database: Callable[[str], str]
) -> None:
    backup = Backup(kafka, authority, tmp_path, fresh_database("ledger"), "ledger")
    with pytest.raises(SettingsWrong, match=r"the database of ledger expects \d+: what lies between is gone"):
        put_back(backup.config, administrator=kafka.admin())
    assert backup.held() == (backup.end + 3, 2, 2)
