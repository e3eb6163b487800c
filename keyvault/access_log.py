"""The access log: a chain of records, each with the hash of the one before, and where it goes besides the vault's own table.

No log, no key: a key leaves only after its record is acknowledged by Kafka. A record may say `given` where the answer got
lost on its way; never the other way round.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from confluent_kafka import KafkaException, Producer

from keyvault.mandates import Mandate
from schemas import codec
from schemas.errors import Unavailable
from schemas.sealing import sha256

TOPIC: Final = "access-log.v1"
FIRST: Final = bytes(32)
"""What the first record has for the hash of the one before."""

GIVEN: Final = "given"
LIMIT: Final = "household-limit"
_ACKNOWLEDGED_WITHIN_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Look:
    """One look or refused try. `result`: `given`, or the code of the refusal."""

    at_ms: int
    handle: bytes = field(repr=False)
    reader: str
    mandate: Mandate | None
    result: str


def chained(look: Look, *, sequence: int, previous_hash: bytes) -> dict[str, Any]:
    """The `access_record` datum of a look, chained to the record before it."""
    record: dict[str, Any] = {
        "sequence": sequence, "at_ms": look.at_ms, "handle": look.handle, "reader": look.reader,
        "purpose": look.mandate.purpose if look.mandate else "", "ground": look.mandate.ground if look.mandate else "",
        "result": look.result, "previous_hash": previous_hash,
    }  # fmt: skip
    return record | {"hash": log_hash(record)}


def log_hash(record: dict[str, Any]) -> bytes:
    """Hash of an access record: SHA-256 over the encoded record with its own hash as zeros (the previous one included)."""
    return sha256(codec.encode("access_record", record | {"hash": bytes(32)}))


def first_break(records: Sequence[dict[str, Any]], *, previous_hash: bytes = FIRST) -> int | None:
    """Sequence of the first record that does not follow from the one before it, or None. Records in order, without doubles."""
    for record in records:
        if record["previous_hash"] != previous_hash or record["hash"] != log_hash(record):
            return int(record["sequence"])
        previous_hash = record["hash"]
    return None


class AccessLog(Protocol):
    """Where access records are kept for others to read."""

    def append(self, records: Sequence[dict[str, Any]]) -> None:
        """Keep the records durably and in order. Raises `Unavailable`; then no key may leave."""
        ...


@dataclass(slots=True)
class InMemoryAccessLog:
    """For tests of what depends on the log."""

    records: list[dict[str, Any]] = field(default_factory=list)
    away: bool = False

    def append(self, records: Sequence[dict[str, Any]]) -> None:
        """Keep them, or be away."""
        if self.away:
            msg = "The access log can't be written; try again."
            raise Unavailable(msg)
        self.records += records


class KafkaAccessLog:
    """Writes to `access-log.v1` and waits for the acknowledgement (10 s). After a failure the same records come again."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """`settings`: librdkafka configuration of the keyvault."""
        self._producer = Producer({**settings, "acks": "all", "enable.idempotence": True, "message.timeout.ms": 8_000})
        self._lock = threading.Lock()

    def append(self, records: Sequence[dict[str, Any]]) -> None:
        """Send and wait."""
        acknowledged: list[bool] = []  # a KafkaError can't be compared with None: `==` raises
        with self._lock:
            try:
                for record in records:
                    self._producer.produce(
                        TOPIC, value=codec.encode("access_record", record), partition=0,
                        on_delivery=lambda error, _: acknowledged.append(error is None),
                    )  # fmt: skip
                self._producer.flush(_ACKNOWLEDGED_WITHIN_SECONDS)
            except (KafkaException, BufferError):
                acknowledged.append(False)
        if acknowledged != [True] * len(records):
            msg = "The access log can't be written; no key is handed over. Try again in a minute."
            raise Unavailable(msg)
