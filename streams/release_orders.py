"""What release is told: orders of operators to close an epoch, and what municipalities ask of providers."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from projections.release.calendar import is_over
from schemas import codec
from schemas.errors import ContractBroken, Refused, Unavailable
from schemas.requests import verified_request
from schemas.roots import Roots
from schemas.values import Month
from streams import release_store as store
from streams.metrics import WorkerMetrics

_LOST: Final = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE, KafkaError.TOPIC_AUTHORIZATION_FAILED)  # noqa: SLF001 - the library's own names


def take_order(own: store.Connection, order: dict[str, Any], appended_ms: int, *, first_month: int) -> bool:
    """Take a `close_epoch_order` that Kafka took in at a moment (ms since 1970); False for one given before. Raises `Refused` (`period`).

    What counts is when it was given, so that one that came too early stays refused when it is read again.
    """
    try:
        month = Month.from_index(order["month"])
    except ValueError as wrong:
        raise Refused(
            "period", "An order to close an epoch was ignored: it names a month that no calendar has."
        ) from wrong
    if not is_over(month, dt.datetime.fromtimestamp(appended_ms / 1000, dt.UTC)):
        raise Refused(
            "period", f"An order to close {month} was ignored: it was given before the end of that month in Amsterdam."
        )
    return store.order(own, epoch=order["epoch"], month=order["month"], first_month=first_month)


class Follower:
    """Reads one small topic into release's database; offset and rows in one transaction."""

    def __init__(
        self, settings: dict[str, Any], topic: str, table: str, *, first_month: int, municipalities: tuple[int, ...],
        roots: Roots, metrics: WorkerMetrics, log: Any,
    ) -> None:  # fmt: skip
        """`table`: where the offset is kept; `first_month`: index of the month of epoch 0; `roots`: the network's."""
        self._consumer = Consumer(
            settings | {"group.id": f"release.{table}", "enable.auto.commit": False, "auto.offset.reset": "error"}
        )
        self._topic, self._table, self._first_month, self._municipalities = topic, table, first_month, municipalities
        self._roots, self._metrics, self._log = roots, metrics, log
        self._assigned = False

    def take(self, own: store.Connection) -> bool:
        """Take what has come; True when there was something. Raises `Unavailable`, `ContractBroken`."""
        try:
            if not self._assigned:
                self._consumer.assign([TopicPartition(self._topic, 0, store.next_offset(own, self._table))])
                self._assigned = True
            messages = self._consumer.consume(50, 0.1)
        except KafkaException as away:
            msg = f"Kafka does not give {self._topic}."
            raise Unavailable(msg) from away
        for message in messages:
            self._check(message.error())
        if not messages:
            return False
        with own.transaction():
            for message in messages:
                self._metrics.envelopes_in.inc()
                try:
                    self._one(own, message.value() or b"", int(message.timestamp()[1]))
                except Refused as refused:
                    self._metrics.refused(refused.code)
                    self._log.warning("ignored", reason=str(refused), topic=self._topic, offset=message.offset())
            store.save_offset(own, self._table, int(messages[-1].offset()) + 1)
        return True

    def _check(self, error: Any) -> None:
        if error is None:
            return
        if error.code() in _LOST:
            msg = f"{self._topic} does not begin where release left off, or may not be read; put the topic back or restore release's database."
            raise ContractBroken(msg)
        self._assigned = False
        msg = f"Kafka does not give {self._topic}."
        raise Unavailable(msg)

    def _one(self, own: store.Connection, data: bytes, appended_ms: int) -> None:
        """Raises `Refused` for what is neither an order nor a request that can be met."""
        match codec.name_of(data):
            case "close_epoch_order":
                if not take_order(
                    own, codec.decode("close_epoch_order", data), appended_ms, first_month=self._first_month
                ):
                    self._metrics.duplicates.inc()
            case "signed_request":
                request = verified_request(self._roots, data)
                if request.municipality not in self._municipalities:
                    raise Refused("payer", "A request of a municipality that is not in the network was ignored.")
                store.ask(own, request=request.id, municipality=request.municipality, datum=request.encoded())
            case _:
                raise Refused("schema", "A record that is neither an order nor a request was ignored.")

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()
