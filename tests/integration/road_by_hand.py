"""A provider admitted to the running demo whose envelopes are made and put on the road by hand. For tests."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from deploy.admission import admit
from deploy.demo import Demo
from producers import joining
from producers.deliveries import Delivery
from producers.packing import pack
from producers.profile import Profile
from schemas import codec, topics
from schemas.care import CARE_TYPES
from schemas.envelope import Header, RecipientKeys, seal_envelope
from schemas.sealing import partition_of, sha256
from schemas.secrets import Bsn
from schemas.values import Cents, OutboxId, SenderId, day_number

TODAY = dt.datetime.now(dt.UTC).date()
MARCH = dt.date(2025, 3, 1)
SOMEONE = "999900018"


def a_delivery(reference: str, *, cents: int = 12_345, first: dt.date = MARCH, bsn: str = SOMEONE) -> Delivery:
    care = next(c for c in CARE_TYPES.values() if c.stream.value == "wmo")
    return Delivery(
        bsn=Bsn(bsn), payer=9901, care_type=care, first_day=first, last_day=first + dt.timedelta(days=27),
        cents=Cents(cents), reference=reference,
    )  # fmt: skip


@dataclass(slots=True)
class Sender:
    """A provider whose envelopes are made by hand."""

    profile: Profile
    outbox: OutboxId = field(default_factory=lambda: OutboxId(os.urandom(16)))

    def sealed(self, number: int, *items: Any, **changes: Any) -> bytes:
        """An envelope; `changes` to its header, `signing` and `recipients`."""
        day = changes.pop("day", day_number(TODAY))
        signing = changes.pop("signing", self.profile.signing_key())
        recipients: RecipientKeys = changes.pop("recipients", self.profile.recipients(day_number(TODAY)))
        subjects = changes.pop("bsns", None)
        packed = next(iter(pack(items, secret=self.profile.handle_key())))
        for subject, bsn in zip(packed.identity["subjects"], subjects or (), strict=False):
            subject["bsn"] = bsn
        header = Header(
            "delivered.v1", self.profile.sender, self.outbox, number, recipients.identity_key_id,
            recipients.content_key_id, self.profile.signing_key_id, day,
        )  # fmt: skip
        return seal_envelope(
            header=dataclasses.replace(header, **changes), identity=packed.identity, content=packed.content,
            recipients=recipients, signing=signing,
        )  # fmt: skip

    def fresh(self) -> Sender:
        """The same provider with a new outbox."""
        return Sender(self.profile)


@dataclass(slots=True)
class Road:
    """Puts bytes on the road and hears what becomes of them."""

    demo: Demo
    producer: Producer
    letters: Consumer
    receipts: Consumer

    def put(self, *records: bytes, sender: str, partition: int | None = None) -> list[tuple[int, int]]:
        """Send; the (partition, offset) of each."""
        at: dict[int, tuple[int, int]] = {}

        def told(index: int) -> Callable[[object, Any], None]:
            def mark(error: object, message: Any) -> None:
                assert error is None, error
                at[index] = (message.partition(), message.offset())

            return mark

        where = partition_of(sender.encode(), topics.ROAD_PARTITIONS) if partition is None else partition
        for index, record in enumerate(records):
            self.producer.produce("delivered.v1", record, partition=where, on_delivery=told(index))
        assert self.producer.flush(20) == 0
        return [at[i] for i in range(len(records))]

    def reasons(self, records: list[bytes], *, sender: str, partition: int | None = None) -> list[str]:
        """Send records that must all end as dead letters; their reasons, in order."""
        places = self.put(*records, sender=sender, partition=partition)
        found: dict[tuple[int, int], dict[str, Any]] = {}
        deadline = time.monotonic() + 40
        while any(p not in found for p in places) and time.monotonic() < deadline:
            letter = self.letter(topic="delivered.v1")
            found[letter["partition"], letter["offset"]] = letter
        for place, record in zip(places, records, strict=True):
            assert place in found, f"record {places.index(place)} got no dead letter"
            assert found[place]["sha256"] == sha256(record)
        return [found[p]["reason"] for p in places]

    def letter(self, *, topic: str, seconds: float = 40) -> dict[str, Any]:
        """The next dead letter about a record of `topic`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            message = self.letters.poll(0.5)
            if message is not None and message.error() is None:
                letter = codec.decode("dead_letter", message.value())
                if letter["topic"] == topic:
                    return letter
        pytest.fail(f"no dead letter about {topic}")

    def heard(self, sender: Sender, *, count: int, seconds: float = 40) -> list[dict[str, Any]]:
        """The next `count` receipts of this sender's outbox."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < deadline:
            message = self.receipts.poll(0.2)
            if message is not None and message.error() is None:
                receipt = codec.decode("receipt", message.value())
                if receipt["outbox"] == sender.outbox.raw:
                    found.append(receipt)
        assert len(found) == count, found
        return found


def admitted(demo: Demo, name: str) -> Profile:
    folder = demo.zone.folder.path / "senders" / name
    if not (folder / "cert.pem").exists():
        joining.join(folder, sender=SenderId(name), name="Proefaanbieder")
        request = (folder / f"aanvraag-{name}.json").read_bytes()
        joining.accept(folder, admit(demo.zone, request, municipalities=[9901]))
    return Profile.load(folder)


def reader(settings: dict[str, Any], group: str, topic: str) -> Consumer:
    consumer = Consumer(settings | {"group.id": group, "enable.auto.commit": False, "log_level": 0})
    _, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)
    consumer.assign([TopicPartition(topic, 0, high)])
    return consumer


def road_of(demo: Demo, profile: Profile) -> Iterator[Road]:
    name = profile.sender.text
    operator = demo.zone.kafka.client(demo.zone.certificate(topics.OPERATOR))
    letters = reader(operator, "operator.letters", "dead-letters.v1")
    receipts = reader(profile.kafka(), f"{name}.hand", topics.receipts_topic(name))
    yield Road(demo, Producer(profile.kafka() | {"acks": "all"}), letters, receipts)
    letters.close()
    receipts.close()
