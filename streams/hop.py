"""The hop protocol: number, commit, send. What every worker shares, without Kafka or SQL.

A worker takes the next number of a stream, skips what it has seen, and leaves what lies beyond for the resend. All a
window changes is one transaction: rows, next offsets, last numbers, records to send. Sending comes after the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

Payload = TypeVar("Payload")
Transaction = TypeVar("Transaction", contravariant=True)


@dataclass(frozen=True, slots=True)
class InputRecord:
    """One Kafka record as read: where it lay and its bytes."""

    partition: int
    offset: int
    key: bytes
    value: bytes
    timestamp_ms: int


class Verdict(StrEnum):
    """What to do with a number."""

    NEXT = "next"
    SEEN = "seen"
    BEYOND = "beyond"


def verdict(last_number: int, number: int) -> Verdict:
    """The three-way rule: the next is taken, a seen one skipped, from beyond nothing is taken."""
    if number <= last_number:
        return Verdict.SEEN
    return Verdict.NEXT if number == last_number + 1 else Verdict.BEYOND


@dataclass(frozen=True, slots=True)
class Numbered(Generic[Payload]):
    """A record whose number counts: its stream (opaque bytes), the number, and what the role made of it."""

    record: InputRecord
    stream: bytes
    number: int
    payload: Payload


@dataclass(frozen=True, slots=True)
class Poison:
    """A record whose number does not count: it goes to the dead letters with this reason (schemas.codes)."""

    record: InputRecord
    reason: str


@dataclass(frozen=True, slots=True)
class Output:
    """A record to send, made by one input record.

    `numbered` outputs travel in a HopRecord with the next number of (role, source partition, topic, target partition).
    `final` outputs (receipts) leave only after every other output of the same window is acknowledged.
    """

    topic: str
    partition: int
    key: bytes
    body: bytes
    source_partition: int
    source_offset: int
    numbered: bool = True
    final: bool = False


class Role(Protocol[Payload, Transaction]):
    """What one worker does; the hop calls it and owns offsets, numbers and sending."""

    name: str
    input_topic: str

    def identify(self, record: InputRecord) -> Numbered[Payload] | Poison:
        """Verify what makes the number count (signature; hop record) and say which stream and number. No I/O."""
        ...

    def events_in(self, payload: Payload) -> int:
        """How many events a payload holds, about: windows are bounded by events."""
        ...

    def apply(self, tx: Transaction, accepted: Sequence[Numbered[Payload]]) -> Sequence[Output]:
        """Do the work of accepted records inside the transaction; return what to send, in input order."""
        ...

    def seen(self, tx: Transaction, record: Numbered[Payload]) -> Sequence[Output]:
        """A number seen before came again: usually nothing (intake checks for equivocation, repeats no receipt)."""
        ...

    def beyond(self, tx: Transaction, record: Numbered[Payload], *, expected: int) -> Sequence[Output]:
        """A gap: usually nothing between workers; intake says `expects n` to the sender."""
        ...
