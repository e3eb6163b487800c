"""Makes a lost database of release anew from what it published: which epochs are through, and what of each cell readers have seen.

What counts for later epochs is what was published. Why a cell was held is known to the lost database alone; held again, it gets its reason again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from projections.release.cells import CellId
from projections.release.gate import Decision
from projections.subscribers import ReleaseSubscriber
from schemas import codec, topics
from schemas.directory import KeysAt
from schemas.errors import ContractBroken, SettingsWrong, Unavailable
from schemas.sealing import sha256
from schemas.values import Month
from streams import release_geography as geography
from streams import release_outbox as outbox
from streams import release_store as store
from streams.config import RoleConfig
from streams.hop_store import prepared
from streams.release_records import QUARTERLY, Head
from streams.release_topics import Record, records_since

REPLAYED: Final = "replayed"
"""The reason of a decision whose own was lost."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many epochs are through, and decisions of how many cells were put back."""

    epochs: int
    decisions: int


def is_empty(config: RoleConfig) -> bool:
    """Whether release's database has published nothing yet: it is new, or a lost one's place."""
    with prepared(config.database_dsn, store.DDL):
        pass
    with store.connect(config.database_dsn) as own:
        return not store.geography_hashes(own)


def check_not_lost(own: store.Connection, settings: dict[str, Any], municipalities: tuple[int, ...]) -> None:
    """Raise `ContractBroken` where the database is empty and its topics are not: it would publish twice. `Unavailable`."""
    if store.geography_hashes(own):
        return
    consumer = Consumer(settings | {"group.id": "release.begin"})
    try:
        wanted = [TopicPartition(topics.macro_topic(m), 0) for m in municipalities]
        ends = [consumer.get_watermark_offsets(p, timeout=10)[1] for p in wanted]
    except KafkaException as away:
        msg = "Kafka does not say what was released before."
        raise Unavailable(msg) from away
    finally:
        consumer.close()
    if any(ends):
        msg = "Release's database is empty, and epochs were released before. Stop the zone and type `zorgstroom operator replay`."
        raise ContractBroken(msg)


def replay_release(config: RoleConfig, release_keys: KeysAt) -> Replayed:
    """Fill release's empty database in one transaction, from its own topics. Raises `SettingsWrong` where it is not empty, `Unavailable`."""
    if not is_empty(config):
        msg = "Release's database is not empty: only a lost one is made anew. Drop it first if it is lost indeed."
        raise SettingsWrong(msg)
    read = {m: _read(config, m, release_keys) for m in config.municipalities}
    with store.connect(config.database_dsn) as own, own.transaction():
        return put_back(own, read, config.first_month)


def put_back(own: store.Connection, read: Mapping[int, tuple[Lying, Lying]], first_month: Month) -> Replayed:
    """Write what was read of each municipality's two topics into release's empty tables, within a transaction of the caller."""
    through, decided = _through(first_month, read), 0
    for epoch in range(through):
        month = first_month.index + epoch
        store.order(own, epoch=epoch, month=month, first_month=first_month.index)
        for municipality, levels in read.items():
            if any(month not in level.epochs for level in levels):
                continue  # it joined later
            decisions = [d for level in levels for d in _decisions(level.epochs[month])]
            store.save_decisions(own, municipality, epoch, decisions)
            store.save_head(own, municipality, epoch, Head.released(levels[0].epochs[month]).told())
            decided += len(decisions)
        awaits = any(
            level.epochs[month]["awaits_quarter"] for both in read.values() for level in both if month in level.epochs
        )
        store.set_state(own, epoch, "month" if awaits else "published")
    for municipality, levels in read.items():
        for level in levels:
            outbox.save_topic_end(own, level.topic, level.end())
        if levels[0].geography is not None:
            store.save_geography(own, municipality, sha256(geography.encoded(levels[0].geography)))
    return Replayed(through, decided)


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies on one released topic, as a reader takes it. `last`: hash of the last payload of release; `next_offset`: behind all records."""

    topic: str
    epochs: dict[int, dict[str, Any]]
    geography: dict[str, Any] | None
    last: bytes
    next_offset: int

    @classmethod
    def of(cls, topic: str, records: Iterable[Record], keys: KeysAt) -> Self:
        """What release did not sign counts for nothing."""
        reader, last, after = ReleaseSubscriber({}, "", topic, keys), bytes(32), 0
        for record in records:
            after = record.offset + 1
            if reader.take(record.value, record.appended_ms):
                last = sha256(codec.decode("signed_release", record.value)["payload"])
        return cls(topic, reader.epochs, reader.geography, last, after)

    def end(self) -> outbox.TopicEnd:
        """Where the topic ends."""
        if not self.epochs:
            return outbox.TopicEnd(hash=self.last, next_offset=self.next_offset)
        newest = self.epochs[max(self.epochs)]
        return outbox.TopicEnd(
            newest["version"], self.last, self.next_offset, newest["epoch"], awaits_quarter=newest["awaits_quarter"]
        )


def _read(config: RoleConfig, municipality: int, keys: KeysAt) -> tuple[Lying, Lying]:
    """All that was released on both levels of a municipality."""
    settings = config.kafka.client() | {"group.id": "release.replay"}
    macro, meso = (
        Lying.of(topic, records_since(settings, topic), keys)
        for topic in (topics.macro_topic(municipality), topics.meso_topic(municipality))
    )
    return macro, meso


def _through(first_month: Month, read: Mapping[int, tuple[Lying, Lying]]) -> int:
    """How many epochs from the first on every municipality has on both levels; one that was on its way is decided again.

    A municipality that joined later has none before its first.
    """
    levels = [level for both in read.values() for level in both if level.epochs]
    epoch = 0
    while levels and all(
        first_month.index + epoch in e.epochs or first_month.index + epoch < min(e.epochs) for e in levels
    ):
        epoch += 1
    return epoch


def _decisions(released: dict[str, Any]) -> list[Decision]:
    """What an epoch's record says was decided then. A cell that keeps an older value and is not held was not due, and none of a quarter that is awaited."""
    found = []
    for c in released["cells"]:
        if released["awaits_quarter"] and c["area_level"] in QUARTERLY:
            continue
        cell = CellId(c["area_level"], c["area"], c["group"], c["service_year"])
        if c["decision"] == "held":
            found.append(Decision(cell, released=False, reason=REPLAYED, euros=None, households=None))
        elif c["known_until"] == released["epoch"]:
            found.append(Decision(cell, released=True, reason=REPLAYED, euros=c["euros"], households=c["households"]))
    return found
