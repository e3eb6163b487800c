"""Makes a lost database of the ledger anew from `ledger.v1`: references, standing debits and grants, mandates, and where to go on.

What the ledger sent last before it was lost may have got to one partition and not to another. So it begins a little before the last input
its topic knows of, with the books as they were there: those inputs are judged again with the same result, under the same numbers, and
readers skip what they have. What names a person whose key is destroyed is not judged again: it would come out otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from confluent_kafka import Consumer, TopicPartition

from schemas import codec, topics
from schemas.envelope import Header
from schemas.errors import ContractBroken, Refused, SettingsWrong, Unavailable
from schemas.frames import LEDGER_ROW, ZERO16, Kind, rows_of
from schemas.mandate_terms import MandateTerms
from schemas.sealing import open_events
from schemas.secrets import DataKey
from streams import ledger_store, projector_store
from streams.config import RoleConfig
from streams.hop_store import PostgresHopStore, Transaction, prepared
from streams.key_ring import KeyRing, Keys
from streams.ledger import Books, Known, slot_of_row
from streams.ledger_mandates import GivenMandate
from streams.remarks import DDL as REMARKS_DDL

INPUT, OUTPUT, REMARKS = "rekeyed.v1", "ledger.v1", "remarks.v1"
_AGAIN: Final = 1_000
"""Inputs of a partition that are judged again: more than are ever on their way at once."""
_TAIL: Final = 10_000
_SECONDS: Final = 30.0
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


@dataclass(slots=True)
class _Folded:
    """What a stretch of the topic says."""

    books: Books = field(default_factory=lambda: Books({}, set()))
    mandates: dict[bytes, GivenMandate] = field(default_factory=dict)
    erased: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Person -> marks of what was delivered to him or her."""


@dataclass(slots=True)
class _Fold:
    """Folds records one by one. `until`: per source partition the first input offset that is judged again."""

    until: dict[int, int]
    numbers: dict[tuple[int, int], int] = field(default_factory=dict)
    grants: dict[tuple[int, bytes], tuple[tuple[int, int], Known]] = field(default_factory=dict)
    references: int = 0
    mandates: int = 0
    _seen: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))

    def wanted(self, partition: int, data: bytes) -> dict[str, Any] | None:
        """The fields of a record of the ledger that counts: a new number, of an input that is not judged again."""
        try:
            hop = codec.decode("hop_record", data)
            if hop["role"] != "ledger" or codec.name_of(hop["body"]) != "person_events":
                return None
            fields = codec.decode("person_events", hop["body"])
        except Refused:
            return None
        stream = hop["source_partition"], partition
        if hop["number"] <= self._seen[stream] or hop["source_offset"] >= self.until.get(hop["source_partition"], 0):
            return None
        self._seen[stream] = self.numbers[stream] = hop["number"]
        return fields | {"source_offset": hop["source_offset"]}

    def take(self, folded: _Folded, fields: dict[str, Any], keys: dict[bytes, DataKey]) -> None:
        """One record, with the keys of its persons."""
        for sealed in fields["events"]:
            secret = keys.get(sealed["person"])
            if secret is not None:
                packed = open_events(secret, sealed["person"], "events", sealed["sealed"])
                rows_of(packed, LEDGER_ROW)
                self._rows(folded.books, sealed["person"], packed, fields["source_offset"])
        for sealed in fields["mandates"]:
            secret = keys.get(sealed["person"])
            if secret is not None:
                self._mandate(
                    folded, sealed["person"], open_events(secret, sealed["person"], "mandate", sealed["sealed"])
                )

        for gone in fields["erased"]:
            packed = gone["references"]
            folded.erased[gone["person"]] = [packed[i : i + 16] for i in range(0, len(packed), 16)]

    def _rows(self, books: Books, person: bytes, packed: bytes, offset: int) -> None:
        debit = ZERO16
        for at in range(0, len(packed), _SIZE):
            row = packed[at : at + _SIZE]
            fields = rows_of(row, LEDGER_ROW)[0]
            key = int(fields["provider"]), fields["reference"].tobytes()
            match row[0]:
                case Kind.DELIVERED:
                    self._remember(books, key, Known(person, row))
                    if (slot := slot_of_row(person, row)) is not None:
                        books.open(slot)
                case Kind.WITHDRAWN:
                    debit = key[1]
                    books.withdrawn.add(key)
                    if key in books.added:
                        books.added[key].withdrawn = True
                    if (slot := slot_of_row(person, row)) is not None:
                        books.close(slot)
                case Kind.WITHDRAWAL_SAID:
                    self._remember(books, key, Known(person, bytes([Kind.WITHDRAWN]) + row[1:] + debit))
                case Kind.GRANTED:
                    known = Known(person, row)
                    self._remember(books, key, known)
                    if (assignment := fields["assignment"].tobytes()) != ZERO16:
                        self._grant((key[0], assignment), (offset, at), known)

    def _remember(self, books: Books, key: tuple[int, bytes], known: Known) -> None:
        books.remember(key, known)
        self.references += 1

    def _grant(self, own: tuple[int, bytes], when: tuple[int, int], known: Known) -> None:
        """The last one stands; a provider's inputs have one order, whatever partitions its persons are in."""
        before = self.grants.get(own)
        if before is None or before[0] < when:
            self.grants[own] = when, known

    def _mandate(self, folded: _Folded, person: bytes, change: bytes) -> None:
        fields = codec.decode("mandate_change", change)
        terms = MandateTerms.decode(fields["terms"])
        given = codec.encode("mandate_change", fields | {"given": True})
        folded.mandates[terms.handle] = GivenMandate(terms.municipality, person, given, withdrawn=not fields["given"])
        self.mandates += 1


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
            fold = _Fold(_begin_again(consumer, KeyRing("ledger", lambda: config.secrets_of("content")), keys))
            done = 0
            total = sum(_end(consumer, OUTPUT, p) for p in range(topics.ROAD_PARTITIONS))
            for partition in range(topics.ROAD_PARTITIONS):
                for batch in _batches(_values(consumer, OUTPUT, partition), 2_000):
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
        for data in _values(consumer, OUTPUT, partition, last=_TAIL):
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
    for offset, data in enumerate(_values(consumer, INPUT, partition, start=begin, until=end), start=begin):
        header = Header.decode(codec.decode("rekeyed_envelope", codec.decode("hop_record", data)["body"])["header"])
        if content_keys.get(header.content_key_id) is None:
            first = offset + 1
    return first


def _save(tx: Transaction, fold: _Fold, records: list[dict[str, Any]], keys: Lender) -> None:
    persons = sorted({s["person"] for r in records for kind in ("events", "mandates") for s in r[kind]})
    lent = keys.keys(persons) if persons else {}
    folded = _Folded()
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


def _go_on(tx: Transaction, consumer: Consumer, fold: _Fold) -> None:
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
    tx.execute("UPDATE remarks_read SET next_offset = %s", (_end(consumer, REMARKS, 0),))


def _number_before(consumer: Consumer, partition: int, offset: int) -> int:
    """The last number taken where reading goes on at `offset`: the highest before it, since what was sent twice lies there twice."""
    highest = 0
    for data in _values(consumer, INPUT, partition, start=max(0, offset - _TAIL), until=offset):
        highest = max(highest, int(codec.decode("hop_record", data)["number"]))
    if highest:
        return highest
    for data in _values(consumer, INPUT, partition, start=offset):  # all before it has expired
        return int(codec.decode("hop_record", data)["number"]) - 1
    return 0


def _end(consumer: Consumer, topic: str, partition: int) -> int:
    return int(consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)[1])


def _batches(values: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for value in values:
        batch.append(value)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _values(
    consumer: Consumer,
    topic: str,
    partition: int,
    *,
    last: int | None = None,
    start: int | None = None,
    until: int | None = None,
) -> Iterator[bytes]:
    """Values of a partition up to its end of now or `until`, from its beginning, from `start`, or about the `last` so many."""
    low, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
    high = end if until is None else min(end, until)
    first = max(low, start) if start is not None else low if last is None else max(low, high - last)
    if first >= high:
        return
    consumer.assign([TopicPartition(topic, partition, first)])
    while True:
        one = consumer.poll(_SECONDS)  # a batch alone would wait for the batch to fill
        if one is None:
            msg = f"Kafka does not give {topic}."
            raise Unavailable(msg)
        for record in (one, *consumer.consume(1_000, 0)):
            if (record.topic(), record.partition()) != (topic, partition):
                continue  # the end of the one before, told late
            if record.error() is None:
                yield record.value() or b""
            if record.error() is not None or record.offset() >= high - 1:
                return


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
