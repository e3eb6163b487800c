"""A role's database in memory and in PostgreSQL, and a small role that writes in either. For tests of the hop's store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.hop import InputRecord, Numbered, Output
from streams.hop_store import PostgresHopStore, prepared
from tests.property.hop_memory import MemoryDatabase, MemoryHopStore

STREAM = b"p99000001/outbox"


class InMemory:
    """A database of a role, in memory."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()

    def store(self) -> MemoryHopStore:
        return MemoryHopStore(self.database, "intake")

    def note(self, tx: Any, what: str) -> None:
        tx.applied.append((what,))

    def noted(self) -> list[str]:
        return [what for (what,) in self.database.tables.applied]

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class InPostgres:
    """A database of a role, in PostgreSQL; `note` stands for what a role writes."""

    dsn: str
    stores: list[PostgresHopStore] = field(default_factory=list)

    def __post_init__(self) -> None:
        with prepared(self.dsn, ["CREATE TABLE IF NOT EXISTS noted (id bigserial PRIMARY KEY, what text NOT NULL)"]):
            pass

    def store(self) -> PostgresHopStore:
        self.stores.append(PostgresHopStore(self.dsn, "intake"))
        return self.stores[-1]

    def note(self, tx: Any, what: str) -> None:
        tx.execute("INSERT INTO noted (what) VALUES (%s)", (what,))

    def noted(self) -> list[str]:
        store = PostgresHopStore(self.dsn, "intake")
        with store.transaction() as tx:
            found = [str(what) for (what,) in tx.execute("SELECT what FROM noted ORDER BY id")]
        store.close()
        return found

    def close(self) -> None:
        for store in self.stores:
            store.close()


def an_output(body: bytes = b"body", **fields: Any) -> Output:
    dull = {"topic": "rekeyed.v1", "partition": 0, "key": b"key", "source_partition": 0, "source_offset": 0}
    return Output(**dull | {"body": body} | fields)


def a_record(offset: int, *, partition: int = 0) -> InputRecord:
    return InputRecord(partition, offset, b"", b"%d" % (offset + 1), 0)


@dataclass
class Relay:
    """A role that notes each payload and sends it on."""

    database: Any
    name: str = "intake"
    input_topic: str = "delivered.v1"

    def identify(self, record: InputRecord) -> Numbered[bytes]:
        return Numbered(record, STREAM + b"%d" % record.partition, int(record.value), record.value)

    def events_in(self, payload: bytes) -> int:
        return 1

    def apply(self, tx: Any, accepted: Sequence[Numbered[bytes]]) -> list[Output]:
        for a in accepted:
            self.database.note(tx, f"{a.record.partition}:{a.number}")
        return [
            an_output(a.payload, source_partition=a.record.partition, source_offset=a.record.offset) for a in accepted
        ]

    def seen(self, tx: Any, record: Numbered[bytes]) -> list[Output]:
        return []

    def beyond(self, tx: Any, record: Numbered[bytes], *, expected: int) -> list[Output]:
        return []
