"""Makes a lost database of the ledger anew from `ledger.v1`: references, standing debits and grants, mandates, and where to go on.

What the ledger sent last before it was lost may have got to one partition and not to another. So it begins a little before the last input
its topic knows of, with the books as they were there: those inputs are judged again with the same result, under the same numbers, and
readers skip what they have. What names a person whose key is destroyed is not judged again: it would come out otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from confluent_kafka import Consumer, TopicPartition

from schemas import codec, topics
from schemas.envelope import Header
from schemas.errors import ContractBroken, Refused, SettingsWrong
from schemas.frames import LEDGER_ROW
from schemas.secrets import DataKey
from streams import ledger_store, projector_store
from streams.config import RoleConfig
from streams.hop_store import PostgresHopStore, Transaction, prepared
from streams.key_ring import KeyRing, Keys
from streams.ledger import Books
from streams.ledger_fold import Fold, Folded
from streams.remarks import DDL as REMARKS_DDL
from streams.topic_reading import end_of, in_batches, values_of

INPUT, OUTPUT, REMARKS = "rekeyed.v1", "ledger.v1", "remarks.v1"
_AGAIN: Final = 1_000
"""Inputs of a partition that are judged again: more than are ever on their way at once."""
_TAIL: Final = 10_000
_SIZE: Final = LEDGER_ROW.itemsize


class Lender(Protocol):
    """Who lends person keys and makes none."""

    def keys(self, persons: Sequence[bytes]) -> dict[bytes, DataKey]:
        """Keys of these persons; who has none is not among them."""
        ...


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many references, mandates and records; per partition of the input where the ledger goes on."""

    references: int
    mandates: int
    records: int
    offsets: dict[int, int]


def replay_ledger(
    config: RoleConfig, keys: Lender, *, progress: Callable[[int, int], None] = lambda *_: None
) -> Replayed:
    """Fill the ledger's empty database, in one transaction. `keys`: lent, never made. `progress` hears (records done, of).

    Raises `SettingsWrong` where the database is not empty, `ContractBroken` where a record of the ledger does not open, `Unavailable`.
    """
    with prepared(config.database_dsn, (*ledger_store.DDL, *REMARKS_DDL)):
        pass
    consumer = Consumer(
        config.kafka.client() | topics.READ_ONCE | {"group.id": "ledger.replay", "enable.partition.eof": True}
    )
    store = PostgresHopStore(config.database_dsn, "ledger")
    try:
        with store.transaction() as tx:
            _check_empty(tx)
            fold = Fold(_begin_again(consumer, KeyRing("ledger", lambda: config.secrets_of("content")), keys))
            done = 0
            total = sum(end_of(consumer, OUTPUT, p) for p in range(topics.ROAD_PARTITIONS))
            for partition in range(topics.ROAD_PARTITIONS):
                for batch in in_batches(values_of(consumer, OUTPUT, partition), 2_000):
                    records = [r for data in batch if (r := fold.wanted(partition, data)) is not None]
                    _save(tx, fold, records, keys)
                    done += len(batch)
                    progress(done, total)
            grants = {own: known for own, (_, known) in fold.grants.items()}
            ledger_store.save_books(tx, Books({}, set(), grants=grants, granted=set(grants)))
            _go_on(tx, consumer, fold)
    finally:
        consumer.close()
        store.close()
    return Replayed(fold.references, fold.mandates, done, fold.until)


def is_empty(config: RoleConfig) -> bool:
    """Whether a role's database has taken nothing yet: it is new, or a lost one's place."""
    with prepared(config.database_dsn) as c:
        return _empty(c)


def _empty(tx: Transaction) -> bool:
    row = tx.execute("SELECT count(*) FROM hop_input WHERE next_offset > 0").fetchone()
    return row is not None and not int(str(row[0]))


def _check_empty(tx: Transaction) -> None:
    if not _empty(tx):
        msg = "The ledger's database is not empty: only a lost one is made anew. Drop it first if it is lost indeed."
        raise SettingsWrong(msg)


def _begin_again(consumer: Consumer, content_keys: Keys, keys: Lender) -> dict[int, int]:
    """Per partition of the input: the first offset that is judged again. What opens no more, since its key is destroyed, is not."""
    last: dict[int, int] = defaultdict(int)
    named: list[tuple[int, int, set[bytes]]] = []
    for partition in range(topics.ROAD_PARTITIONS):
        for data in values_of(consumer, OUTPUT, partition, last=_TAIL):
            try:
                hop = codec.decode("hop_record", data)
            except Refused:
                continue
            if hop["role"] == "ledger":
                last[hop["source_partition"]] = max(last[hop["source_partition"]], hop["source_offset"] + 1)
                named.append((hop["source_partition"], hop["source_offset"], _persons_in(hop["body"])))
    low = {
        p: consumer.get_watermark_offsets(TopicPartition(INPUT, p), timeout=10)[0]
        for p in range(topics.ROAD_PARTITIONS)
    }
    begin = {p: max(low[p], last[p] - _AGAIN) for p in range(topics.ROAD_PARTITIONS)}
    named = [(p, offset, persons) for p, offset, persons in named if offset >= begin[p]]
    wanted = {person for _, _, persons in named for person in persons}
    lent = keys.keys(sorted(wanted)) if wanted else {}
    for partition, offset, persons in named:
        if not persons <= lent.keys():
            begin[partition] = max(begin[partition], offset + 1)
    return {p: _first_that_opens(consumer, p, content_keys, begin=begin[p], end=last[p]) for p in begin}


def _persons_in(body: bytes) -> set[bytes]:
    """Whom a record of the ledger is about, and whom it erases."""
    if codec.name_of(body) != "person_events":
        return set()
    fields = codec.decode("person_events", body)
    return {part["person"] for kind in ("placements", "events", "mandates", "erased") for part in fields[kind]}


def _first_that_opens(consumer: Consumer, partition: int, content_keys: Keys, *, begin: int, end: int) -> int:
    """The first input from `begin` on, up to `end`, behind which every one opens."""
    first = begin
    for offset, data in enumerate(values_of(consumer, INPUT, partition, start=begin, until=end), start=begin):
        header = Header.decode(codec.decode("rekeyed_envelope", codec.decode("hop_record", data)["body"])["header"])
        if content_keys.get(header.content_key_id) is None:
            first = offset + 1
    return first


def _save(tx: Transaction, fold: Fold, records: list[dict[str, Any]], keys: Lender) -> None:
    persons = sorted({s["person"] for r in records for kind in ("events", "mandates") for s in r[kind]})
    lent = keys.keys(persons) if persons else {}
    folded = Folded()
    for record in records:
        try:
            fold.take(folded, record, lent)
        except Refused as wrong:
            msg = (
                "A record of ledger.v1 does not open with its person's key: the keyvault is not the one of this ledger."
            )
            raise ContractBroken(msg) from wrong
    ledger_store.save_books(tx, folded.books)
    ledger_store.save_mandates(tx, folded.mandates)
    for person, marks in folded.erased.items():
        ledger_store.erase(tx, person, marks=marks)
    fold.grants = {own: found for own, found in fold.grants.items() if found[1].person not in folded.erased}


def _go_on(tx: Transaction, consumer: Consumer, fold: Fold) -> None:
    """Where the ledger reads on, and under which numbers it writes on."""
    for partition, offset in fold.until.items():
        tx.execute(
            "INSERT INTO hop_input VALUES (%s, %s) ON CONFLICT (partition) DO UPDATE SET next_offset = EXCLUDED.next_offset",
            (partition, offset),
        )
        number = _number_before(consumer, partition, offset)
        tx.execute("INSERT INTO hop_streams VALUES (%s, %s)", (f"intake/{partition}/{partition}".encode(), number))
    for (source, target), number in fold.numbers.items():
        tx.execute("INSERT INTO hop_numbers VALUES (%s, %s, %s, %s)", (OUTPUT, source, target, number))
    tx.execute("UPDATE remarks_read SET next_offset = %s", (end_of(consumer, REMARKS, 0),))


def _number_before(consumer: Consumer, partition: int, offset: int) -> int:
    """The last number taken where reading goes on at `offset`: the highest before it, since what was sent twice lies there twice."""
    highest = 0
    for data in values_of(consumer, INPUT, partition, start=max(0, offset - _TAIL), until=offset):
        highest = max(highest, int(codec.decode("hop_record", data)["number"]))
    if highest:
        return highest
    for data in values_of(consumer, INPUT, partition, start=offset):  # all before it has expired
        return int(codec.decode("hop_record", data)["number"]) - 1
    return 0


def begin_anew(config: RoleConfig) -> None:
    """Put the projector's consumer group, whose database is empty, back to the beginning of its input, while its workers are down.

    Raises `SettingsWrong` where the database is not empty, `Unavailable`.
    """
    if not is_empty(config):
        msg = f"The database of {config.role} is not empty: only a lost one is made anew. Drop it first if it is lost indeed."
        raise SettingsWrong(msg)
    with prepared(config.database_dsn, projector_store.DDL) as c:
        projector_store.rounds_from_now(c)
    consumer = Consumer(config.kafka.client() | {"group.id": f"{config.role}.v1", "enable.auto.commit": False})
    try:
        consumer.commit(
            offsets=[TopicPartition(OUTPUT, p, 0) for p in range(topics.ROAD_PARTITIONS)], asynchronous=False
        )
    finally:
        consumer.close()
