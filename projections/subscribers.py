"""Subscribers a third party can use too: released figures of a municipality, and one household under a mandate.

Each reads only the topic of its own level, with its own certificate, and verifies what it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from confluent_kafka import Consumer, Message, TopicPartition

from projections.release.signing import verified_payload
from schemas import codec, topics
from schemas.errors import Refused, Unavailable
from schemas.household_record import open_section
from schemas.sealing import partition_of
from schemas.secrets import DataKey

_AT_ONCE: Final = 200
_QUIET: Final = {"enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest"}


@dataclass(slots=True)
class ReleaseSubscriber:
    """Released epochs of one municipality and level. `settings`: librdkafka with the municipality's certificate."""

    settings: dict[str, Any]
    group: str
    topic: str
    release_public: bytes
    epochs: dict[int, dict[str, Any]] = field(default_factory=dict)
    geography: dict[str, Any] | None = None
    refused: int = 0
    caught_up: bool = False
    """Whether the end of the topic was reached once: what is known then is all there was."""
    _consumer: Consumer | None = None

    def poll(self, seconds: float) -> bool:
        """Read what has come; False when there was nothing new. Raises `Unavailable` when Kafka does not answer."""
        if self._consumer is None:
            self._consumer = Consumer(self.settings | _QUIET | {"group.id": self.group})
            self._consumer.assign([TopicPartition(self.topic, 0, 0)])
        news = False
        for record in _arrived(self._consumer, seconds):
            if record.error() is not None:
                self.caught_up = self.caught_up or record.error().name() == "_PARTITION_EOF"
                _check(record.error())
                continue
            news = self.take(record.value() or b"") or news
        return news

    def take(self, data: bytes) -> bool:
        """Take in one record of the topic; False, and counted, where release did not sign it or it is unknown."""
        try:
            payload = verified_payload(self.release_public, data)
            name = codec.name_of(payload)
            if name == "published_geography":
                self.geography = codec.decode(name, payload)
                return True
            released = codec.decode("released_epoch", payload)
        except Refused:
            self.refused += 1
            return False
        known = self.epochs.get(released["epoch"])
        if known is None or released["version"] >= known["version"]:
            self.epochs[released["epoch"]] = released
        return True

    def latest(self) -> dict[str, Any] | None:
        """The newest released epoch, or None."""
        return self.epochs[max(self.epochs)] if self.epochs else None

    def close(self) -> None:
        """Close the consumer."""
        if self._consumer is not None:
            self._consumer.close()


class Vault(Protocol):
    """The keyvault, as far as a reader needs it."""

    def look(self, record: dict[str, Any]) -> list[DataKey]:
        """Keys of a record's sections for this one look; written to the access log first."""
        ...


@dataclass(frozen=True, slots=True)
class Card:
    """An opened household card and the version of its record."""

    version: int
    fields: dict[str, Any]


@dataclass(slots=True)
class CaseworkerSubscriber:
    """One household under one mandate. `settings`: librdkafka with the reader's certificate."""

    settings: dict[str, Any]
    group: str
    municipality: int
    handle: bytes
    vault: Vault
    _consumer: Consumer | None = None
    _record: dict[str, Any] | None = None
    _withdrawn: bool = False

    def poll(self, seconds: float) -> bool:
        """Read on; True when a newer record of this mandate came. Raises `Unavailable`."""
        if self._consumer is None:
            topic = topics.household_topic(self.municipality)
            count = next(t.partitions for t in topics.TABLE if t.name == "household.{gm}.v1")
            self._consumer = Consumer(self.settings | _QUIET | {"group.id": self.group})
            self._consumer.assign([TopicPartition(topic, partition_of(self.handle, count), 0)])
        news = False
        for record in _arrived(self._consumer, seconds):
            if record.error() is not None:
                _check(record.error())
                continue
            if record.key() != self.handle:
                continue
            news = self._take(record.value()) or news
        return news

    def _take(self, value: bytes | None) -> bool:
        if not value:
            self._record, self._withdrawn = None, True
            return True
        fields = codec.decode("household_record", value)
        if self._record is not None and fields["version"] <= self._record["version"]:
            return False
        self._record, self._withdrawn = fields, False
        return True

    @property
    def withdrawn(self) -> bool:
        """Whether the mandate's record was taken away."""
        return self._withdrawn

    def look(self) -> Card | None:
        """Open the newest record: the vault is asked, and logs, at each look. None while no record has come.

        Raises `Refused` with the vault's reason.
        """
        if self._record is None:
            return None
        keys = self.vault.look(self._record)
        return Card(self._record["version"], open_section(secret=keys[0], record=self._record, index=0))

    def close(self) -> None:
        """Close the consumer."""
        if self._consumer is not None:
            self._consumer.close()


def _arrived(consumer: Consumer, seconds: float) -> list[Message]:
    """What is there now, else the first that comes within `seconds` (a batch alone would wait for the batch to fill)."""
    there: list[Message] = consumer.consume(_AT_ONCE, 0)
    if there:
        return there
    first = consumer.poll(seconds)
    return [] if first is None else [first, *consumer.consume(_AT_ONCE, 0)]


def _check(error: Any) -> None:
    if error.name() in ("TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"):
        raise Refused("no-mandate", "This certificate may not read this topic.")
    if error.name() == "_ALL_BROKERS_DOWN":
        msg = "Kafka is away."
        raise Unavailable(msg)


def wait_for(condition: Callable[[], bool], *, poll: Callable[[float], bool], seconds: float) -> bool:
    """Poll until `condition` holds; False after `seconds`."""
    left = seconds
    while not condition():
        poll(0.25)
        left -= 0.25
        if left <= 0:
            return False
    return True
