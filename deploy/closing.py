"""Closing a month: order it of release and wait until both levels of every municipality show it."""

from __future__ import annotations

import time
from collections.abc import Callable

from confluent_kafka import Producer

from deploy.key_register import KeyRegister
from deploy.zone import Zone
from projections.subscribers import ReleaseSubscriber
from schemas import codec, topics
from schemas.errors import Unavailable
from schemas.values import Month


def close_month(zone: Zone, *, epoch: int, month: Month, seconds: float, tend: Callable[[], list[str]] = list) -> None:
    """Order release to close an epoch and wait until every municipality can read it. Raises `Unavailable`."""
    operator = zone.kafka.client(zone.certificate(topics.OPERATOR))
    producer = Producer(operator | {"acks": "all", "log_level": 2})
    producer.produce(
        "orders.v1", codec.encode("close_epoch_order", {"epoch": epoch, "month": month.index}), partition=0
    )
    if producer.flush(20):
        msg = "Kafka does not take the order to close the month."
        raise Unavailable(msg)
    keys = KeyRegister.of(zone.folder).proves("release")
    deadline = time.monotonic() + seconds
    for municipality in zone.folder.settings()["municipalities"]:
        name = f"gm{municipality:04d}"
        files = zone.reader_certificate(name)
        reader = ReleaseSubscriber(
            zone.kafka.client(files) | {"log_level": 2}, f"{name}.close", topics.macro_topic(municipality), keys
        )
        try:
            while month.index not in reader.epochs:
                reader.poll(0.2)
                tend()
                if time.monotonic() > deadline:
                    msg = f"{month} was ordered to be closed, but release did not publish it within {seconds:.0f} s."
                    raise Unavailable(msg)
        finally:
            reader.close()
