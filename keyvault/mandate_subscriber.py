"""Reads `mandates.v1` into the vault's table; offset and rows in one transaction, so each state is taken exactly once."""

from __future__ import annotations

import threading
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from keyvault.store import Mandate, VaultStore
from schemas import codec
from schemas.errors import Unavailable
from schemas.values import day_of

TOPIC = "mandates.v1"


class MandateSubscriber(threading.Thread):
    """A thread that follows the one partition of `mandates.v1`."""

    def __init__(self, settings: dict[str, Any], store: VaultStore) -> None:
        """`settings`: librdkafka configuration of the keyvault."""
        super().__init__(name="mandates", daemon=True)
        self._settings = {**settings, "group.id": "keyvault.mandates", "enable.auto.commit": False}
        self._store = store
        self._stopping = threading.Event()

    def run(self) -> None:
        """Follow until `stop`; what is away is waited for."""
        while not self._stopping.is_set():
            consumer = Consumer(self._settings)
            try:
                consumer.assign([TopicPartition(TOPIC, 0, self._store.mandates_next_offset(0))])
                self._follow(consumer)
            except Unavailable:
                self._stopping.wait(1)
            finally:
                consumer.close()

    def _follow(self, consumer: Consumer) -> None:
        while not self._stopping.is_set():
            batch = [r for r in consumer.consume(200, 0.25) if r.error() is None]
            if batch:
                states = [_mandate(codec.decode("mandate_state", r.value())) for r in batch]
                self._store.learn_mandates(states, partition=0, next_offset=batch[-1].offset() + 1)

    def stop(self) -> None:
        """Stop and wait a moment."""
        self._stopping.set()
        self.join(timeout=3)


def _mandate(d: dict[str, Any]) -> Mandate:
    return Mandate(
        handle=d["handle"], person=d["person"], municipality=d["municipality"], reader=d["reader"], purpose=d["purpose"],
        ground=d["ground"], valid_from=day_of(d["valid_from"]), valid_until=day_of(d["valid_until"]), given=d["given"],
    )  # fmt: skip
