"""The hop protocol's tables in a role's own PostgreSQL database: next offsets, last numbers, records to send.

A window takes the rows of its partitions `FOR UPDATE`: a worker that lost a partition waits here, then finds its records
taken and skips them. So one transaction holds for all workers of a role, stale or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psycopg
from psycopg import sql

from schemas import codec
from schemas.errors import Unavailable
from streams.hop import Output

Transaction = psycopg.Connection[tuple[object, ...]]

_DDL = """
CREATE TABLE IF NOT EXISTS hop_input (partition int PRIMARY KEY, next_offset bigint NOT NULL);
CREATE TABLE IF NOT EXISTS hop_streams (stream bytea PRIMARY KEY, last_number bigint NOT NULL);
CREATE TABLE IF NOT EXISTS hop_numbers (
    topic text, source_partition int, target_partition int, last_number bigint NOT NULL,
    PRIMARY KEY (topic, source_partition, target_partition));
CREATE TABLE IF NOT EXISTS hop_outbox (
    id bigserial PRIMARY KEY, source_partition int NOT NULL, topic text NOT NULL, target_partition int NOT NULL,
    key bytea NOT NULL, value bytea, final boolean NOT NULL);
"""
_PREPARE_LOCK = 7_201_001


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One committed record to send. `value` None is a tombstone."""

    id: int
    source_partition: int
    topic: str
    partition: int
    key: bytes
    value: bytes | None
    final: bool


@contextmanager
def prepared(dsn: str, ddl: Iterable[str] = ()) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Open a connection and make the tables of hop and role, one process at a time. Raises `Unavailable`."""
    try:
        with psycopg.connect(dsn) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_PREPARE_LOCK,))
            for statement in (_DDL, *ddl):
                connection.execute(statement.encode())
            connection.commit()
            yield connection
    except psycopg.OperationalError as away:
        msg = "PostgreSQL is away."
        raise Unavailable(msg) from away


_BY_INDEX: Final = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off"
"""A window looks up some thousand keys in tables of millions: each by its index, never by reading the table."""


@dataclass(slots=True)
class PostgresHopStore:
    """Hop state of one role. Not shared between threads."""

    dsn: str
    role: str
    _connection: psycopg.Connection[tuple[object, ...]] | None = field(default=None, init=False)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction; rolled back on any error. Raises `Unavailable` when PostgreSQL is away."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self.dsn)
                self._connection.execute(_BY_INDEX)
                self._connection.commit()
            with self._connection.transaction():
                yield self._connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as away:
            self.close()
            msg = "PostgreSQL is away."
            raise Unavailable(msg) from away

    def close(self) -> None:
        """Close the connection; the next transaction opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def next_offsets(self, tx: Transaction, partitions: Sequence[int]) -> dict[int, int]:
        """Next offset of each partition, its row locked until the end of the transaction."""
        rows = tx.execute(
            "SELECT partition, next_offset FROM hop_input WHERE partition = ANY(%s) ORDER BY partition FOR UPDATE",
            (list(partitions),),
        ).fetchall()
        found = {int(str(p)): int(str(n)) for p, n in rows}
        absent = sorted(set(partitions) - set(found))
        if absent:
            for partition in absent:
                tx.execute("INSERT INTO hop_input VALUES (%s, 0) ON CONFLICT DO NOTHING", (partition,))
            return self.next_offsets(tx, partitions)
        return found

    def save_offsets(self, tx: Transaction, offsets: dict[int, int]) -> None:
        """Set next offsets."""
        with tx.cursor() as cursor:
            cursor.executemany(
                "UPDATE hop_input SET next_offset = %s WHERE partition = %s", [(n, p) for p, n in offsets.items()]
            )

    def last_numbers(self, tx: Transaction, streams: Iterable[bytes]) -> dict[bytes, int]:
        """Last number taken of each stream (0 = none)."""
        wanted = list(set(streams))
        rows = tx.execute("SELECT stream, last_number FROM hop_streams WHERE stream = ANY(%s)", (wanted,)).fetchall()
        return dict.fromkeys(wanted, 0) | {bytes(s): int(str(n)) for s, n in rows if isinstance(s, bytes)}

    def save_numbers(self, tx: Transaction, numbers: dict[bytes, int]) -> None:
        """Set last numbers."""
        with tx.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO hop_streams VALUES (%s, %s) ON CONFLICT (stream) DO UPDATE SET last_number = EXCLUDED.last_number",
                list(numbers.items()),
            )

    def add_outputs(self, tx: Transaction, outputs: Sequence[Output]) -> list[OutboxRow]:
        """Number the outputs, wrap them, keep them in the outbox; returns the rows in order."""
        if not outputs:
            return []
        numbers = self._take_numbers(tx, outputs)
        ids = [int(str(i)) for (i,) in tx.execute(
            "SELECT nextval('hop_outbox_id_seq') FROM generate_series(1, %s)", (len(outputs),)
        )]  # fmt: skip
        rows = []
        for identity, output, number in zip(ids, outputs, numbers, strict=True):
            value: bytes | None = output.body
            if number is not None:
                value = codec.encode(
                    "hop_record",
                    {"role": self.role, "source_partition": output.source_partition,
                     "source_offset": output.source_offset, "number": number, "body": output.body},
                )  # fmt: skip
            elif not output.body:
                value = None
            rows.append(
                OutboxRow(
                    identity, output.source_partition, output.topic, output.partition, output.key, value, output.final
                )
            )
        with tx.cursor().copy("COPY hop_outbox FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "int4", "text", "int4", "bytea", "bytea", "bool"])
            for r in rows:
                copy.write_row((r.id, r.source_partition, r.topic, r.partition, r.key, r.value, r.final))
        return rows

    def _take_numbers(self, tx: Transaction, outputs: Sequence[Output]) -> list[int | None]:
        keys = {(o.topic, o.source_partition, o.partition) for o in outputs if o.numbered}
        last: dict[tuple[str, int, int], int] = dict.fromkeys(keys, 0)
        if keys:
            topics, sources, targets = zip(*keys, strict=True)
            for topic, source, target, number in tx.execute(
                "SELECT h.* FROM hop_numbers h JOIN unnest(%s::text[], %s::int[], %s::int[]) AS k(t, s, p) "
                "ON (topic, source_partition, target_partition) = (k.t, k.s, k.p) FOR UPDATE OF h",
                (list(topics), list(sources), list(targets)),
            ):
                last[str(topic), int(str(source)), int(str(target))] = int(str(number))
        given: list[int | None] = []
        for o in outputs:
            if not o.numbered:
                given.append(None)
                continue
            key = (o.topic, o.source_partition, o.partition)
            last[key] += 1
            given.append(last[key])
        if keys:
            with tx.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO hop_numbers VALUES (%s, %s, %s, %s) ON CONFLICT (topic, source_partition, target_partition) "
                    "DO UPDATE SET last_number = EXCLUDED.last_number",
                    [(*key, number) for key, number in last.items()],
                )
        return given

    def leftovers(self, tx: Transaction, partitions: Sequence[int]) -> list[OutboxRow]:
        """Outbox rows of these source partitions that were committed and not yet deleted, in order."""
        rows = tx.execute(
            "SELECT id, source_partition, topic, target_partition, key, value, final FROM hop_outbox "
            "WHERE source_partition = ANY(%s) ORDER BY id", (list(partitions),),
        )  # fmt: skip
        return [OutboxRow(*row) for row in rows]  # type: ignore[arg-type]

    def delete(self, tx: Transaction, ids: Sequence[int]) -> None:
        """Forget acknowledged rows."""
        if ids:
            tx.execute("DELETE FROM hop_outbox WHERE id = ANY(%s)", (list(ids),))


def restore_offsets(dsn: str) -> dict[int, int]:
    """Next offset of every partition as the database knows it, for putting a consumer group back."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(sql.SQL("SELECT partition, next_offset FROM hop_input")).fetchall()
    return {int(p): int(n) for p, n in rows}


def move_forward(
    dsn: str, *, offsets: dict[int, int], received: dict[bytes, set[int]], topic: str, numbers: dict[int, int]
) -> None:
    """Move a restored database past input that is gone, in one transaction, never back.

    `offsets`: next offset per input partition; `received`: per stream the numbers that are done with: the unbroken row of
    them after the last one known is taken; `numbers`: per partition of `topic` the last number that lies there.
    """
    with psycopg.connect(dsn) as connection:
        for partition, offset in offsets.items():
            connection.execute(
                "UPDATE hop_input SET next_offset = greatest(next_offset, %s) WHERE partition = %s", (offset, partition)
            )
        for stream, done in received.items():
            row = connection.execute("SELECT last_number FROM hop_streams WHERE stream = %s", (stream,)).fetchone()
            last = int(row[0]) if row else 0
            while last + 1 in done:
                last += 1
            connection.execute(
                "INSERT INTO hop_streams VALUES (%s, %s) ON CONFLICT (stream) DO UPDATE SET last_number = EXCLUDED.last_number",
                (stream, last),
            )
        for partition, number in numbers.items():
            connection.execute(
                "INSERT INTO hop_numbers VALUES (%s, %s, %s, %s) ON CONFLICT (topic, source_partition, target_partition) "
                "DO UPDATE SET last_number = greatest(hop_numbers.last_number, EXCLUDED.last_number)",
                (topic, partition, partition, number),
            )
