"""Records of release on their way to Kafka, and where each released topic ends with them. Tables: `streams.release_store.DDL`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.release_store import Connection


@dataclass(frozen=True, slots=True)
class TopicEnd:
    """Where a released topic ends: version, and hash of the payload, of what was last queued for it; `next_offset`: behind what Kafka acknowledged.

    `epoch`: month index of the last epoch on it, -1 for none; `awaits_quarter`: whether that epoch's buurten and clusters are still to come.
    """

    version: int = 0
    hash: bytes = bytes(32)
    next_offset: int = 0
    epoch: int = -1
    awaits_quarter: bool = False


def topic_end(c: Connection, topic: str) -> TopicEnd:
    """Where a released topic ends, everything queued included."""
    row = c.execute(
        "SELECT version, hash, next_offset, epoch, awaits_quarter FROM topic_ends WHERE topic = %s", (topic,)
    ).fetchone()
    return TopicEnd(row[0], bytes(row[1]), *row[2:]) if row else TopicEnd()


def save_topic_end(c: Connection, topic: str, end: TopicEnd) -> None:
    """Remember where a released topic ends."""
    c.execute(
        "INSERT INTO topic_ends VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (topic) DO UPDATE SET version = EXCLUDED.version, "
        "hash = EXCLUDED.hash, next_offset = EXCLUDED.next_offset, epoch = EXCLUDED.epoch, awaits_quarter = EXCLUDED.awaits_quarter",
        (topic, end.version, end.hash, end.next_offset, end.epoch, end.awaits_quarter),
    )  # fmt: skip


def queue(c: Connection, topic: str, key: str, payload: bytes, end: TopicEnd) -> None:
    """A payload to sign and publish after the commit; the topic ends with it as `end` says."""
    c.execute("INSERT INTO outgoing (topic, key, payload) VALUES (%s, %s, %s)", (topic, key, payload))
    save_topic_end(c, topic, end)


def unsent(c: Connection) -> list[tuple[int, str, str, bytes]]:
    """(id, topic, key, payload) committed and not yet acknowledged, in order."""
    return [
        (int(i), str(t), str(k), bytes(v))
        for i, t, k, v in c.execute("SELECT id, topic, key, payload FROM outgoing WHERE NOT sent ORDER BY id")
    ]


def mark_sent(c: Connection, records: Sequence[tuple[int, str, int]]) -> None:
    """(id, topic, offset) that Kafka has acknowledged."""
    c.execute("UPDATE outgoing SET sent = true WHERE id = ANY(%s)", ([i for i, *_ in records],))
    for _, topic, offset in records:
        c.execute("UPDATE topic_ends SET next_offset = greatest(next_offset, %s) WHERE topic = %s", (offset + 1, topic))
