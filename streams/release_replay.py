"""Makes a lost database of release anew from what it published: which epochs are through, and what of each cell readers have seen.

What counts for later epochs is what was published. Why a cell was held is known to the lost database alone; held again, it gets its reason again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from projections.release.cells import CellId
from projections.release.gate import Decision
from projections.subscribers import ReleaseSubscriber
from schemas import topics
from schemas.directory import KeysAt
from schemas.errors import ContractBroken, SettingsWrong, Unavailable
from schemas.sealing import sha256
from streams import release_geography as geography
from streams import release_store as store
from streams.config import RoleConfig
from streams.hop_store import prepared

_SECONDS: Final = 60.0
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
    through = _through(config, read)
    decided = 0
    with store.connect(config.database_dsn) as own, own.transaction():
        for epoch in range(through):
            month = config.first_month.index + epoch
            store.order(own, epoch=epoch, month=month, first_month=config.first_month.index)
            for municipality, levels in read.items():
                decisions = [d for level in levels for d in _decisions(level.epochs[month])]
                store.save_decisions(own, municipality, epoch, decisions)
                decided += len(decisions)
            store.set_state(own, epoch, "published")
        for municipality, (macro, _) in read.items():
            if macro.geography is not None:
                store.save_geography(own, municipality, sha256(geography.encoded(macro.geography)))
    return Replayed(through, decided)


def _read(config: RoleConfig, municipality: int, keys: KeysAt) -> tuple[ReleaseSubscriber, ReleaseSubscriber]:
    """All that was released on both levels of a municipality."""
    both = tuple(
        ReleaseSubscriber(config.kafka.client(), "release.replay", topic, keys)
        for topic in (topics.macro_topic(municipality), topics.meso_topic(municipality))
    )
    for reader in both:
        deadline = time.monotonic() + _SECONDS
        while not reader.caught_up:
            if time.monotonic() > deadline:
                msg = f"Kafka does not give {reader.topic}."
                raise Unavailable(msg)
            reader.poll(0.5)
        reader.close()
    return both[0], both[1]


def _through(config: RoleConfig, read: dict[int, tuple[ReleaseSubscriber, ReleaseSubscriber]]) -> int:
    """How many epochs from the first on every municipality has on both levels; one that was on its way is decided again."""
    epoch = 0
    while all(config.first_month.index + epoch in level.epochs for both in read.values() for level in both):
        epoch += 1
    return epoch


def _decisions(released: dict[str, Any]) -> list[Decision]:
    """What an epoch's record says was decided then. A cell that keeps an older value and is not held was not due."""
    found = []
    for c in released["cells"]:
        cell = CellId(c["area_level"], c["area"], c["group"], c["service_year"])
        if c["decision"] == "held":
            found.append(Decision(cell, released=False, reason=REPLAYED, euros=None, households=None))
        elif c["known_until"] == released["epoch"]:
            found.append(Decision(cell, released=True, reason=REPLAYED, euros=c["euros"], households=c["households"]))
    return found
