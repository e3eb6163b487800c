"""After a restored backup: the consumer group of a role is put back to where its database is, while its workers are down."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.errors import SettingsWrong, Unavailable
from streams.config import RoleConfig
from streams.hop_store import restore_offsets

INPUTS = {"intake": "delivered.v1", "ledger": "rekeyed.v1", "projector": "ledger.v1"}


def put_back(config: RoleConfig) -> dict[int, int]:
    """Commit the database's next offsets for the role's group; partition -> offset.

    Raises `SettingsWrong` while a worker of the role still runs or where the topic no longer has those offsets.
    """
    topic = INPUTS[config.role]
    offsets = restore_offsets(config.database_dsn)
    consumer = Consumer(config.kafka.client() | {"group.id": f"{config.role}.v1", "enable.auto.commit": False})
    try:
        for partition, offset in offsets.items():
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            if not low <= offset <= high:
                msg = (
                    f"{topic} partition {partition} holds offsets {low} to {high}, the database of {config.role} expects {offset}: "
                    "what lies between is gone; let the senders send again what lacks a final receipt."
                )
                raise SettingsWrong(msg)
        consumer.commit(offsets=[TopicPartition(topic, p, n) for p, n in offsets.items()], asynchronous=False)
    except KafkaException as refused:
        if refused.args[0].name() in ("UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS"):
            msg = f"A worker of {config.role} still runs; stop all of them first."
            raise SettingsWrong(msg) from refused
        msg = "Kafka is away."
        raise Unavailable(msg) from refused
    finally:
        consumer.close()
    return offsets
