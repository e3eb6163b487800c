"""The access log: a chain of records, each with the hash of the one before, and where it goes besides the vault's own table.

No log, no key: a key leaves only after its record is acknowledged by Kafka. A record may say `given` where the answer got
lost on its way; never the other way round. Fields are those NEN 7513 asks for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
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

LOOK, READ_LOG, WITHDRAW, ORDER, TURN, TURN_END, ERASE, YEAR_END = (
    "look",
    "log",
    "withdraw",
    "order",
    "turn",
    "turn-end",
    "erase",
    "year-end",
)
NAME_ASK, NAME_APPROVE, NAME_OPEN, NAME_PART, NAME_END = (
    "name-ask",
    "name-approve",
    "name-open",
    "name-part",
    "name-end",
)
OFFICERS_BEGIN, OFFICERS_END, OFFICERS_LEFT = "officers-begin", "officers-end", "officers-left"
"""Actions. `name-...`: an officer's steps to learn who somebody is; `officers-...`: a committee is made, handed on, left."""

GIVEN: Final = "given"
LIMIT: Final = "household-limit"
NOBODY: Final = bytes(16)
_ACKNOWLEDGED_WITHIN_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Access:
    """One access or refused try. `household`, as the log calls it, and `sections` where they are known; `result`: `given` or a code.

    `about`, `reason`, `ground`: where no mandate says whom it is about and why.
    """

    at_ms: int
    action: str
    handle: bytes = field(repr=False)
    who: str
    source: str
    mandate: Mandate | None
    result: str
    household: bytes = field(default=NOBODY, repr=False)
    sections: tuple[str, ...] = ()
    about: bytes = field(default=NOBODY, repr=False)
    reason: str = ""
    ground: str = ""

    @property
    def person(self) -> bytes:
        """Whom it is about: the mandate's person, or the one named in `about`; zeros where nobody."""
        return self.mandate.person if self.mandate else self.about


def chained(access: Access, *, client: bytes, sequence: int, previous_hash: bytes) -> dict[str, Any]:
    """The `access_record` datum of an access, chained to the record before it. `client`: the log's id of the mandate's person."""
    mandate = access.mandate
    record: dict[str, Any] = {
        "sequence": sequence, "at_ms": access.at_ms, "action": access.action, "sections": ",".join(access.sections),
        "client": client, "household": access.household, "handle": access.handle, "who": access.who, "source": access.source,
        "municipality": mandate.municipality if mandate else 0, "grantor": mandate.grantor if mandate else "",
        "purpose": mandate.purpose if mandate else access.reason, "ground": mandate.ground if mandate else access.ground,
        "result": access.result, "previous_hash": previous_hash,
    }  # fmt: skip
    return record | {"hash": log_hash(record)}


def log_hash(record: dict[str, Any]) -> bytes:
    """Hash of an access record: SHA-256 over the encoded record with its own hash as zeros (the previous one included)."""
    return sha256(codec.encode("access_record", record | {"hash": bytes(32)}))


@dataclass(slots=True)
class ChainCheck:
    """Holds a log against itself and against what it was said to be before, line by line, in order.

    `heads`: sequence -> hash, as receipts, looks and family views showed them. `faults` are sentences, empty for a whole log.
    """

    heads: Mapping[int, bytes] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    last: int = 0
    head: bytes = FIRST
    _known: dict[int, bytes] = field(default_factory=dict)

    def take(self, records: Iterable[dict[str, Any]]) -> None:
        """The next records. A record sent twice, word for word, is one."""
        for record in records:
            number = int(record["sequence"])
            if self._known.get(number) == record["hash"] == log_hash(record):
                continue
            if number != self.last + 1:
                self.faults.append(
                    f"After line {self.last} comes line {number}: lines were removed, added or put in another order."
                )
            elif record["previous_hash"] != self.head:
                self.faults.append(f"Line {number} does not follow from line {self.last}: one of the two was changed.")
            if record["hash"] != log_hash(record):
                self.faults.append(f"Line {number} was changed: its hash is another.")
            shown = self.heads.get(number)
            if shown is not None and shown != record["hash"]:
                self.faults.append(f"Line {number} is not the one that was shown before: the log was forked.")
            self.last, self.head = number, bytes(record["hash"])
            self._known[number] = self.head

    def end(self) -> list[str]:
        """What is wrong, now that all lines were taken."""
        beyond = sorted(n for n in self.heads if n > self.last)
        if beyond:
            self.faults.append(f"Line {beyond[-1]} was shown before, and the log ends at line {self.last}: it was cut.")
        return self.faults


def first_break(records: Iterable[dict[str, Any]]) -> int | None:
    """Sequence of the first record that does not follow from the one before it, or None. Records in order, from the first."""
    check = ChainCheck()
    for record in records:
        check.take([record])
        if check.faults:
            return int(record["sequence"])
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
        self._producer = Producer(
            {**settings, "acks": "all", "enable.idempotence": True, "message.timeout.ms": 8_000, "linger.ms": 0,
             "socket.nagle.disable": True}
        )  # fmt: skip
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
