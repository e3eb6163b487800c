"""Closing a month: order it of release and wait until it is published, or decided where its day is still to come."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator

import psycopg
from confluent_kafka import Producer

from deploy.key_register import KeyRegister
from deploy.zone import Zone
from projections.release.calendar import Calendar, day_in_amsterdam, ends_quarter, is_over
from projections.subscribers import ReleaseSubscriber
from schemas import codec, topics
from schemas.errors import Refused, Unavailable
from schemas.values import Month

_PAUSE_SECONDS = 0.2


def close_month(
    zone: Zone, *, epoch: int, month: Month, seconds: float, tend: Callable[[], list[str]] = list
) -> list[dt.date]:
    """Order release to close an epoch and wait; the days on which its figures are still to come, none where every municipality can read them.

    Raises `Refused` where the month is not over, `Unavailable`.
    """
    now = dt.datetime.now(dt.UTC)
    check_over(month, now)
    operator = zone.kafka.client(zone.certificate(topics.OPERATOR))
    producer = Producer(operator | {"acks": "all", "log_level": 2})
    producer.produce(
        "orders.v1", codec.encode("close_epoch_order", {"epoch": epoch, "month": month.index}), partition=0
    )
    if producer.flush(20):
        msg = "Kafka does not take the order to close the month."
        raise Unavailable(msg)
    coming = days_to_come(calendar_of(zone), month, day_in_amsterdam(now))
    waits = _decided(zone, epoch) if len(coming) == len(days_of(calendar_of(zone), month)) else _published(zone, month)
    deadline = time.monotonic() + seconds
    for done in waits:
        tend()
        if done:
            continue
        if time.monotonic() > deadline:
            msg = f"{month} was ordered to be closed, but release did not do it within {seconds:.0f} s."
            raise Unavailable(msg)
    return coming


def check_over(month: Month, now: dt.datetime) -> None:
    """Raise `Refused` where a month has not ended in Amsterdam."""
    if not is_over(month, now):
        raise Refused(
            "period",
            f"{month} is not over yet: it can be closed from the first of {month.plus(1)} on, 0:00 in Amsterdam.",
        )


def calendar_of(zone: Zone) -> Calendar:
    """When a zone closes and publishes. Raises `SettingsWrong`."""
    return Calendar.of(zone.folder.settings().get("closing"))


def days_of(calendar: Calendar, month: Month) -> list[dt.date]:
    """The day of gemeente and wijken, and that of buurten and clusters where the month ends a quarter."""
    return [calendar.month_day(month), *([calendar.quarter_day(month)] if ends_quarter(month) else [])]


def days_to_come(calendar: Calendar, month: Month, today: dt.date) -> list[dt.date]:
    """Of `days_of` those after today."""
    return [day for day in days_of(calendar, month) if day > today]


def _published(zone: Zone, month: Month) -> Iterator[bool]:
    """False while some municipality can't read a month on its topic."""
    keys = KeyRegister.of(zone.folder).proves("release")
    for municipality in zone.folder.settings()["municipalities"]:
        name = f"gm{municipality:04d}"
        files = zone.reader_certificate(name)
        reader = ReleaseSubscriber(
            zone.kafka.client(files) | {"log_level": 2}, f"{name}.close", topics.macro_topic(municipality), keys
        )
        try:
            while month.index not in reader.epochs:
                reader.poll(_PAUSE_SECONDS)
                yield False
        finally:
            reader.close()
        yield True


def _decided(zone: Zone, epoch: int) -> Iterator[bool]:
    """False while an epoch is not decided."""
    with psycopg.connect(zone.postgres.create_role_database("release"), autocommit=True) as c:
        while True:
            row = c.execute("SELECT state FROM closings WHERE epoch = %s", (epoch,)).fetchone()
            if row is not None and row[0] not in ("ordered", "marked"):
                return
            time.sleep(_PAUSE_SECONDS)
            yield False
