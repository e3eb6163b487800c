"""Reads `mandates.v1` into the vault's table; offset and rows in one transaction, so each state is taken exactly once.

A mandate counts only where a grantor of its municipality signed its terms, whatever the projector says; a withdrawal closes, signed or not.
A record beyond the stored offset (a restored backup, a lost topic) stops the vault with one sentence; a record that can't
be read, or that no grantor signed, is counted, named by its place, and passed over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from keyvault.mandates import Mandate
from schemas import codec
from schemas.codes import sentence
from schemas.errors import ContractBroken, Refused, Unavailable, ZorgstroomError
from schemas.mandate_rules import may_grant
from schemas.mandate_terms import MandateTerms, signed_by
from schemas.sealing import sha256
from schemas.values import day_of

TOPIC: Final = "mandates.v1"
PARTITION: Final = 0
_GONE: Final = (
    "mandates.v1 has not the record that the vault's database takes next: one of them was restored or remade. "
    "Put the older one back, or empty the vault's tables `mandates` and `mandates_read` so that it reads all again."
)
_STOPPING_ERRORS: Final = {
    "_AUTO_OFFSET_RESET": _GONE, "OFFSET_OUT_OF_RANGE": _GONE,
    "TOPIC_AUTHORIZATION_FAILED": "The keyvault may not read mandates.v1; apply the table of rights again.",
    "GROUP_AUTHORIZATION_FAILED": "The keyvault may not use its consumer group; apply the table of rights again.",
}  # fmt: skip


class MandateStore(Protocol):
    """What the subscriber asks of the vault's store."""

    def mandates_next_offset(self, partition: int) -> int:
        """Where to go on reading."""
        ...

    def learn_mandates(self, states: Sequence[Mandate], *, partition: int, next_offset: int) -> None:
        """Take states and offset in one transaction."""
        ...


GrantorKey = Callable[[str, str], "bytes | None"]
"""The public key of a grantor by principal and key id, also of one revoked since (what was given before stands); None where the root signed none."""


class SubscriberMeter(Protocol):
    """What an operator may count of the reading."""

    def mandates_read(self, count: int) -> None:
        """So many states were taken."""
        ...

    def dead_letter(self, reason: str) -> None:
        """A record could not be read."""
        ...

    def waiting(self, *, waits: bool) -> None:
        """Whether Kafka or PostgreSQL is away."""
        ...


class MandateSubscriber(threading.Thread):
    """A thread that follows the one partition of `mandates.v1`. `level` is set once all that was there has been read."""

    def __init__(
        self,
        settings: dict[str, Any],
        store: MandateStore,
        grantor_key: GrantorKey,
        *,
        meter: SubscriberMeter,
        log: Any,
        broken: Callable[[str], None],
    ) -> None:
        """`settings`: librdkafka configuration of the keyvault. `broken` hears the sentence with which the thread ended."""
        super().__init__(name="mandates", daemon=True)
        self._settings = {
            **settings, "group.id": "keyvault.mandates", "enable.auto.commit": False, "enable.partition.eof": True,
            "auto.offset.reset": "error",
        }  # fmt: skip
        self._store, self._meter, self._log, self._broken = store, meter, log, broken
        self._grantor_key = grantor_key
        self._stopping = threading.Event()
        self.level = threading.Event()

    def run(self) -> None:
        """Follow until `stop`; what is away is waited for."""
        waits = False
        while not self._stopping.is_set():
            try:
                self._follow()
            except Unavailable as away:
                if not waits:
                    self._log.warning("waiting", reason=str(away))
                waits = True
                self._meter.waiting(waits=True)
                self._stopping.wait(1)
            except ZorgstroomError as broken:
                self._broken(str(broken))
                return
            except Exception as unexpected:  # noqa: BLE001 - a loop that ends must stop the process, not go silent
                self._broken(f"unexpected {type(unexpected).__name__} while reading mandates.v1")
                return

    def _follow(self) -> None:
        next_offset = self._store.mandates_next_offset(PARTITION)
        try:
            consumer = Consumer(self._settings)
            try:
                consumer.assign([TopicPartition(TOPIC, PARTITION, next_offset)])
                while not self._stopping.is_set():
                    next_offset = self._take(consumer.consume(200, 0.25), next_offset)
            finally:
                consumer.close()
        except KafkaException as away:
            msg = "Kafka is away."
            raise Unavailable(msg) from away

    def _take(self, records: Sequence[Any], next_offset: int) -> int:
        states = []
        taken = next_offset
        level = False
        for record in records:
            if record.error() is not None:
                level = self._at_end(record.error()) or level
            elif record.offset() > taken:
                raise ContractBroken(_GONE)
            elif record.offset() == taken:
                states += self._state(record)
                taken += 1
        if taken > next_offset:
            self._store.learn_mandates(states, partition=PARTITION, next_offset=taken)
            self._meter.mandates_read(len(states))
        if taken > next_offset or level:
            self._meter.waiting(waits=False)
        if level:
            self.level.set()
        return taken

    def _at_end(self, error: KafkaError) -> bool:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's own name for it
            return True
        if error.name() in _STOPPING_ERRORS:
            raise ContractBroken(_STOPPING_ERRORS[error.name()])
        self._meter.waiting(waits=True)  # the library goes on trying by itself
        return False

    def _state(self, record: Any) -> list[Mandate]:
        value = record.value() or b""
        try:
            return [mandate_of(value, self._grantor_key)]
        except Refused as refused:
            self._meter.dead_letter(refused.code)
            place = {"topic": TOPIC, "partition": PARTITION, "offset": record.offset()}
            self._log.error("record passed over", **place, hash=sha256(value).hex(), reason=refused.code)
            return []

    def stop(self) -> None:
        """Stop and wait a moment."""
        self._stopping.set()
        self.join(timeout=3)


def mandate_of(state: bytes, grantor_key: GrantorKey) -> Mandate:
    """The mandate of one record of `mandates.v1`. Raises `Refused` (`unreadable`, `schema`; `mandate-grantor` where none who may give it signed it)."""
    fields = codec.decode("mandate_state", state)
    terms = MandateTerms.decode(fields["terms"])
    try:
        first, last = day_of(terms.valid_from), day_of(terms.valid_until)
    except OverflowError as wrong:
        raise Refused("unreadable", "A day of the mandate lies outside the calendar.") from wrong
    mandate = Mandate(
        handle=terms.handle, person=fields["person"], municipality=terms.municipality, reader=terms.reader, purpose=terms.purpose,
        ground=terms.ground, valid_from=first, valid_until=last, given=fields["given"], revision=terms.revision, grantor=terms.grantor,
    )  # fmt: skip
    if mandate.given:
        may = may_grant(terms.grantor, reader=terms.reader, gemeente=mandate.gemeente)
        public = grantor_key(terms.grantor, terms.key_id) if may else None
        if public is None or not signed_by(public, terms=fields["terms"], signature=fields["signature"]):
            raise Refused("mandate-grantor", sentence("mandate-grantor", lang="en"))
    return mandate
