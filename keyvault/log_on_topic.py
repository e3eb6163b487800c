"""Whether the access log in the vault's database goes on from what lies on its topic: an older copy would write other lines under the same numbers."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from keyvault.access_log import TOPIC
from keyvault.ports import Store
from schemas import codec
from schemas.errors import ContractBroken, Unavailable
from schemas.topics import READ_ONCE

_SECONDS = 10


def check_log_goes_on(settings: dict[str, Any], store: Store) -> None:
    """Compare the topic's last line with the database. `settings`: librdkafka configuration of the keyvault.

    Raises `ContractBroken` where the database is older than the topic or has another line under that number, `Unavailable` while Kafka is away.
    """
    last = _last_line(settings)
    if last is None:
        return
    head, _ = store.log_head()
    if last["sequence"] > head:
        msg = (
            f"The keyvault's database ends at line {head} of its access log, and line {last['sequence']} lies on {TOPIC}: it is an older copy. Put a "
            "backup back with `zorgstroom operator backup restore keyvault`, which takes the later lines from there."
        )
        raise ContractBroken(msg)
    (same,) = store.log_lines(after=last["sequence"] - 1, limit=1)
    if same["hash"] != last["hash"]:
        msg = f"Line {last['sequence']} of the access log is another one on {TOPIC} than in the keyvault's database: one of the two is not this zone's."
        raise ContractBroken(msg)


def _last_line(settings: dict[str, Any]) -> dict[str, Any] | None:
    consumer = Consumer(settings | READ_ONCE | {"group.id": "keyvault.log"})
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=_SECONDS)
        if low == high:
            return None
        consumer.assign([TopicPartition(TOPIC, 0, high - 1)])
        record = consumer.poll(_SECONDS)
        if record is None or record.error() is not None:
            raise Unavailable(f"Kafka does not give {TOPIC}.")
        return codec.decode("access_record", record.value() or b"")
    except KafkaException as away:
        msg = "Kafka is away."
        raise Unavailable(msg) from away
    finally:
        consumer.close()
