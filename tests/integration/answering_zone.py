"""The zone as a provider meets it, on a real broker: reads what it publishes and answers with receipts as told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from provider_profiles import Admitted, admitted, receipt

from deploy.certificates import Authority
from deploy.cluster import Cluster
from deploy.embedded_kafka import EmbeddedKafka
from producers.kafka_link import DELIVERED
from schemas import codec, topics
from schemas.envelope import Envelope
from schemas.sealing import partition_of

Answer = Callable[[Envelope, "AnsweringZone"], list[dict[str, Any]]]


def accepts(envelope: Envelope, zone: AnsweringZone) -> list[dict[str, Any]]:
    """Everything is applied."""
    return [receipt(envelope, accepted=zone.events_of(envelope))]


def says_nothing(_: Envelope, __: AnsweringZone) -> list[dict[str, Any]]:
    """No receipt at all."""
    return []


class AnsweringZone(threading.Thread):
    """Answers one provider until `close`."""

    def __init__(
        self, kafka: EmbeddedKafka, authority: Authority, folder: Path, agb: str, answer: Answer = accepts
    ) -> None:
        super().__init__(daemon=True)
        self.provider: Admitted = admitted(folder / "profile", authority, bootstrap=kafka.bootstrap, agb=agb)
        self.answer, self.seen, self.wrong = answer, list[Envelope](), list[BaseException]()
        self._open: dict[tuple[bytes, int], int] = {}
        Cluster(kafka.admin()).apply(topics.Members((f"p{agb}",), ("gm9901",)))
        self._receipts = Producer(kafka.client(authority.issue("ledger", folder / "ledger")))
        self._reader = Consumer(
            kafka.client(authority.issue("intake", folder / "intake"))
            | {"group.id": "intake.test", "enable.auto.commit": False, "log_level": 0}
        )
        where = TopicPartition(DELIVERED, partition_of(f"p{agb}".encode(), topics.ROAD_PARTITIONS))
        where.offset = self._reader.get_watermark_offsets(where, timeout=30)[1]
        self._reader.assign([where])
        self._topic = topics.receipts_topic(f"p{agb}")
        self._closing = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._closing.is_set():
            message = self._reader.poll(0.1)
            if message is None or message.error() is not None:
                continue
            try:
                envelope, _, cents = self.provider.opened(message.value())
                self._open[envelope.header.outbox.raw, envelope.header.number] = len(cents)
                self.seen.append(envelope)
                for told in self.answer(envelope, self):
                    self.tell(told)
            except BaseException as wrong:  # noqa: BLE001 - shown by the test
                self.wrong.append(wrong)

    def tell(self, told: dict[str, Any]) -> None:
        """Publish a receipt."""
        self._receipts.produce(self._topic, codec.encode("receipt", told), partition=0)
        self._receipts.flush(10)

    def events_of(self, envelope: Envelope) -> int:
        """Rows in an envelope that was seen."""
        return self._open[envelope.header.outbox.raw, envelope.header.number]

    def numbers(self) -> list[int]:
        """Numbers as they arrived."""
        return [e.header.number for e in self.seen]

    def has(self, count: int, *, seconds: float = 30) -> bool:
        """Wait for so many envelopes."""
        deadline = time.monotonic() + seconds
        while len(self.seen) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not self.wrong, self.wrong
        return len(self.seen) >= count

    def close(self) -> None:
        self._closing.set()
        self.join(10)
        self._reader.close()
        assert not self.wrong, self.wrong
