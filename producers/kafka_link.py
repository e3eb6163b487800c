"""Between an outbox and Kafka: sends waiting envelopes in order, reads receipts, sends again what the zone asks for.

Runs in a thread of its own. What is away is waited for; the outbox keeps everything meanwhile.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from producers.outbox import Outbox, Receipt, Waiting
from producers.profile import Profile
from schemas import codec, topics
from schemas.errors import Refused, Unavailable
from schemas.sealing import partition_of
from schemas.values import OutboxId

DELIVERED, ROLE_KEYS = "delivered.v1", "role-keys.v1"
_RESEND_SECONDS: Final = 60.0
_AHEAD: Final = 100
"""Envelopes sent and not yet finally received: beyond it the link waits for receipts."""


class KafkaLink(threading.Thread):
    """Keeps one outbox and the zone in step. `told` hears every final receipt."""

    def __init__(self, profile: Profile, outbox: Outbox, told: Callable[[Receipt], None] = lambda _: None) -> None:
        """Nothing connects before `start`."""
        super().__init__(name=f"link {profile.sender}", daemon=True)
        self._profile, self._outbox, self._told = profile, outbox, told
        self._partition = partition_of(profile.sender.text.encode(), topics.ROAD_PARTITIONS)
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._caught_up = threading.Event()
        self._sent_until = 0
        self._last_answer = time.monotonic()
        self.waiting_for = ""
        self.on_hold = False

    def wake(self) -> None:
        """Something new is in the outbox."""
        self._wake.set()

    def caught_up(self, *, seconds: float) -> bool:
        """Wait until all receipts there are have been read."""
        return self._caught_up.wait(seconds)

    def stop(self) -> None:
        """Stop after what is under way; the outbox keeps the rest."""
        self._stopping.set()
        self._wake.set()
        self.join(timeout=10)

    def run(self) -> None:
        """Read receipts first (a restored outbox shows itself there), then send and read in turn."""
        settings = self._profile.kafka()
        receipts = Consumer(
            settings | {"group.id": f"{self._profile.sender}.receipts", "enable.auto.commit": False, "enable.partition.eof": True,
                        "fetch.wait.max.ms": 50}
        )  # fmt: skip
        topic = topics.receipts_topic(self._profile.sender.text)
        role_keys = TopicPartition(ROLE_KEYS, 0, 0)  # few, and each only the latest: read anew at each start
        receipts.assign([TopicPartition(topic, 0, self._outbox.receipts_offset), role_keys])
        producer = self._producer(settings)
        try:
            while not self._stopping.is_set():
                try:
                    self._read(receipts, seconds=0.02 if self._caught_up.is_set() else 1.0)
                except Unavailable as full:  # the receipt could not be kept: read it again
                    self.waiting_for = str(full)
                    receipts.assign([TopicPartition(topic, 0, self._outbox.receipts_offset), role_keys])
                    self._stopping.wait(1)
                    continue
                if not self._caught_up.is_set():
                    self.waiting_for = "Kafka"
                    continue
                self.waiting_for = ""
                self._maybe_again()
                batch = self._next_batch()
                if batch and not self._send(producer, batch):
                    self.waiting_for = "Kafka"
                    producer = self._producer(settings)
                    self._stopping.wait(1)
                elif not batch:
                    self._wake.wait(0.02 if self._outbox.waiting_count() else 0.2)
                    self._wake.clear()
        finally:
            with contextlib.suppress(KafkaException):
                receipts.close()

    @staticmethod
    def _producer(settings: dict[str, Any]) -> Producer:
        return Producer(
            settings | {"enable.idempotence": True, "acks": "all", "linger.ms": 2, "message.timeout.ms": 20_000,
                        "message.max.bytes": 2 * 1024 * 1024}
        )  # fmt: skip

    def _next_batch(self) -> list[Waiting]:
        if self.on_hold or self._outbox.waiting_count() == 0:
            return []
        batch = self._outbox.waiting(after=self._sent_until, limit=20)
        oldest = self._outbox.waiting(after=0, limit=1)
        ahead = self._sent_until - (oldest[0].position - 1) if oldest else 0
        return [] if ahead >= _AHEAD else batch

    def _send(self, producer: Producer, batch: list[Waiting]) -> bool:
        """Send a batch in order; True when all of it is acknowledged, else the next try begins at the first that is not."""
        acked = [False] * len(batch)

        def told(index: int) -> Callable[[object, object], None]:
            def mark(error: object, _message: object) -> None:
                acked[index] = error is None

            return mark

        try:
            for index, envelope in enumerate(batch):
                producer.produce(DELIVERED, envelope.sealed, partition=self._partition, on_delivery=told(index))
            while producer.flush(1) and not self._stopping.is_set():
                self.waiting_for = "Kafka"
        except (KafkaException, BufferError):
            producer.flush(5)
        for envelope, done in zip(batch, acked, strict=True):
            if not done:
                return False
            self._sent_until = envelope.position
        return True

    def _maybe_again(self) -> None:
        """When nothing is heard for a minute about what was sent, send it again: numbers make that harmless."""
        oldest = self._outbox.waiting(after=0, limit=1)
        if not oldest or oldest[0].position > self._sent_until:
            self._last_answer = time.monotonic()
        elif time.monotonic() - self._last_answer > _RESEND_SECONDS:
            self._sent_until = oldest[0].position - 1
            self._last_answer = time.monotonic()

    def _read(self, receipts: Consumer, *, seconds: float) -> None:
        for record in receipts.consume(500, seconds):
            if record.error() is not None:
                if record.error().name() == "_PARTITION_EOF" and record.topic() != ROLE_KEYS:
                    self._caught_up.set()
                continue
            if record.topic() == ROLE_KEYS:
                self._profile.learn(record.value() or b"")
                continue
            try:
                fields = codec.decode("receipt", record.value() or b"")
            except Refused:
                continue  # a receipt of a newer version; the tool says so where it shows its own version
            self._take(fields, next_offset=int(record.offset()) + 1)

    def _take(self, fields: dict[str, Any], *, next_offset: int) -> None:
        self._last_answer = time.monotonic()
        if fields["kind"] == "final":
            receipt = self._outbox.take_receipt(fields, next_offset=next_offset)
            if receipt is not None:
                self._told(receipt)
        elif fields["kind"] == "expects":
            position = self._outbox.position_of(OutboxId(fields["outbox"]), fields["number"])
            if position is not None:
                self._sent_until = min(self._sent_until, position - 1)
        elif fields["kind"] == "doubt":
            self._outbox.take_doubt(fields, position=next_offset - 1)
        else:
            self.on_hold = True
