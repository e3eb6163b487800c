"""Subscribers a third party can use too: released figures of a municipality, and one household under a mandate.

Each reads only the topic of its own level, with its own certificate, and verifies what it reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Protocol

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, Message, TopicPartition

from projections.release.signing import verified_payload
from schemas import codec, topics
from schemas.directory import KeysAt
from schemas.errors import Refused, Unavailable
from schemas.household_record import COMMON_SECTION, open_section
from schemas.sealing import partition_of, sha256
from schemas.secrets import DataKey

_AT_ONCE: Final = 200
_RECENT_MS: Final = 15 * 60_000
_QUIET: Final = {"enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest"}


@dataclass(slots=True)
class ReleaseSubscriber:
    """Released epochs of one municipality and level. `settings`: librdkafka with the municipality's certificate.

    `release_keys`: what proves that release signed, e.g. of a `schemas.directory_follower.DirectoryFollower`.
    """

    settings: dict[str, Any]
    group: str
    topic: str
    release_keys: KeysAt
    epochs: dict[int, dict[str, Any]] = field(default_factory=dict)
    geography: dict[str, Any] | None = None
    geographies: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    """Every geography that was published, by the hash that the epochs made with it name."""
    versions: dict[int, int] = field(default_factory=dict)
    """Version -> month index of every epoch record that counts, also of one that a higher version of the same month took the place of."""
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
            news = self.take(record.value() or b"", record.timestamp()[1]) or news
        return news

    def take(self, data: bytes, appended_ms: int) -> bool:
        """Take in one record of the topic and when Kafka took it in; False, and counted in `refused`, where release did not sign it, it is unknown or another topic's.

        So it is with a second record of an epoch that says something else under the same version: the first one stays.
        """
        try:
            payload = verified_payload(self.release_keys(appended_ms), data)
            name = codec.name_of(payload)
            if name == "published_geography":
                self._take_geography(codec.decode(name, payload), sha256(payload))
            else:
                self._take_epoch(codec.decode("released_epoch", payload))
        except Refused:
            self.refused += 1
            return False
        return True

    def _take_geography(self, found: dict[str, Any], digest: bytes) -> None:
        self._check_topic(topics.macro_topic(found["municipality"]), topics.meso_topic(found["municipality"]))
        self.geography = self.geographies[digest] = found

    def _take_epoch(self, released: dict[str, Any]) -> None:
        topic = topics.meso_topic if released["level"] == "meso" else topics.macro_topic
        self._check_topic(topic(released["municipality"]))
        known = self.epochs.get(released["epoch"])
        if known is not None and known["version"] == released["version"] and known != released:
            raise Refused("equivocation", "Release signed two different records under one version.")
        self.versions[released["version"]] = released["epoch"]
        if known is None or released["version"] > known["version"]:
            self.epochs[released["epoch"]] = released

    def missing(self) -> set[int]:
        """Month indexes of records that were on this topic and are not (any more).

        Versions count up by one, so a gap shows: as the months between its neighbours, else as the one of them that ends a quarter, since
        only that comes in two records; and every figure names the month it is from. The newest records, and all of them together, can go unseen.
        """
        found: set[int] = set()
        for before, after in pairwise(sorted(self.versions)):
            if after - before > 1:
                first, last = self.versions[before], self.versions[after]
                found |= set(range(first + 1, last)) or {first if (first + 1) % 3 == 0 else last}
        newest = self.latest()
        if newest is not None:
            found |= {c["known_until"] for c in newest["cells"]} - {None} - set(self.epochs)
        return found

    def _check_topic(self, *of_record: str) -> None:
        if self.topic not in of_record:
            raise Refused("part", "A released record of another municipality or level lies on this topic.")

    def latest(self) -> dict[str, Any] | None:
        """The newest released epoch, or None."""
        return self.epochs[max(self.epochs)] if self.epochs else None

    def close(self) -> None:
        """Close the consumer."""
        if self._consumer is not None:
            self._consumer.close()


class Vault(Protocol):
    """The keyvault, as far as a reader needs it."""

    def look(self, record: dict[str, Any]) -> list[DataKey | None]:
        """Keys of a record's sections for this one look, None where it opens none; written to the access log first."""
        ...

    def own_log(self, record: dict[str, Any], *, before_ms: int = 0) -> list[dict[str, Any]]:
        """Lines of the access log about the member whose mandate a record belongs to, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Card:
    """What a mandate opens of a household: the common section's fields, and of each private section opened its lines by class."""

    version: int
    fields: dict[str, Any]
    private: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    left_out: int = 0
    """Lines that did not fit in the record, the oldest ones."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line this viewer sees; a total is their sum."""
        return [*self.fields["lines"], *(line for lines in self.private.values() for line in lines)]


@dataclass(slots=True)
class HouseholdSubscriber:
    """One household under one mandate. `settings`: librdkafka with the reader's certificate."""

    settings: dict[str, Any]
    group: str
    municipality: int
    handle: bytes
    vault: Vault
    _consumer: Consumer | None = None
    _record: dict[str, Any] | None = None
    _withdrawn: bool = False
    _at_end: bool = False

    def poll(self, seconds: float) -> bool:
        """Read on; True when a newer record of this mandate came. Raises `Unavailable`."""
        if self._consumer is None:
            self._assign(since_ms=int(time.time() * 1000) - _RECENT_MS)
        assert self._consumer is not None
        news = False
        for record in _arrived(self._consumer, seconds):
            if record.error() is not None:
                self._at_end = self._at_end or record.error().name() == "_PARTITION_EOF"
                _check(record.error())
                continue
            if record.key() == self.handle:
                news = self._take(record.value()) or news
        return news

    def catch_up(self, *, seconds: float) -> None:
        """Read up to the end of what is there. Raises `Unavailable` after `seconds`.

        Every live record goes in every round, so the last minutes are read first, and all of it only where this mandate is not
        among them.
        """
        deadline = time.monotonic() + seconds
        self._read_to_end(deadline)
        if self._record is None and not self._withdrawn:
            self._assign(since_ms=None)
            self._read_to_end(deadline)

    def _read_to_end(self, deadline: float) -> None:
        self._at_end = False
        while not self._at_end:
            if time.monotonic() > deadline:
                msg = "Kafka does not answer in time."
                raise Unavailable(msg)
            self.poll(0.25)

    def _assign(self, *, since_ms: int | None) -> None:
        topic = topics.household_topic(self.municipality)
        count = next(t.partitions for t in topics.TABLE if t.name == "household.{gm}.v1")
        if self._consumer is None:
            self._consumer = Consumer(self.settings | _QUIET | {"group.id": self.group})
        start = TopicPartition(
            topic, partition_of(self.handle, count), OFFSET_BEGINNING if since_ms is None else since_ms
        )
        if since_ms is not None:
            try:
                found = self._consumer.offsets_for_times([start], timeout=10)[0]
            except KafkaException as failed:
                _check(failed.args[0])
                msg = "Kafka is away."
                raise Unavailable(msg) from failed
            start = TopicPartition(topic, start.partition, found.offset if found.offset >= 0 else OFFSET_END)
        self._consumer.assign([start])

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
        record, keys = self._record, self.vault.look(self._record)
        opened = {
            (s["member"], s["section_class"]): open_section(secret=key, record=record, index=index)
            for index, (s, key) in enumerate(zip(record["sections"], keys, strict=True)) if key is not None
        }  # fmt: skip
        common = opened.pop(COMMON_SECTION, None)
        if common is None:
            raise Refused("part", "The record has no section in common.")
        private = {c: card for (_, c), card in sorted(opened.items()) if card}
        left_out = sum(card["left_out"] for card in (common, *private.values()))
        return Card(record["version"], common, {c: card["lines"] for c, card in private.items()}, left_out)

    def own_log(self, *, before_ms: int = 0) -> list[dict[str, Any]] | None:
        """Who looked at the member whose own file this is, newest first: `access_record` data. None while no record has come.

        A thousand at once; older ones come with the moment of the oldest (`before_ms`). Lines of looks under another member's mandate say only who and when. Raises `Refused` for a caseworker's mandate.
        """
        return None if self._record is None else self.vault.own_log(self._record, before_ms=before_ms)

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
