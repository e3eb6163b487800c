"""Closes epochs: committed once, marked in every partition of the ledger, decided, and published on their day in one go.

Each step is a state in release's own database, so that killed at any moment it goes on where it was: markers are sent again with the same
bytes, decisions are made once, and a released record is sent again only where it does not lie on its topic yet.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from projections.release.audit.crew import Crew
from projections.release.calendar import Calendar, day_in_amsterdam, ends_quarter
from projections.release.rules import Parameters
from projections.release.signing import signed
from schemas import codec, topics
from schemas.errors import Refused, Unavailable
from schemas.secrets import SigningKey
from schemas.values import Month
from streams import release_books as books
from streams import release_outbox as outbox
from streams import release_store as store
from streams.epoch_marker import marker
from streams.metrics import WorkerMetrics
from streams.release_decisions import Deciding
from streams.release_publication import queue_epoch, queue_geography
from streams.release_topics import Topics

LEDGER: Final = "ledger.v1"
_WAITING: Final = ("decided", "month")


@dataclass(slots=True)
class Release:
    """One release process. `geographies`: gemeente number -> `published_geography` datum; `addresses`: gemeente number -> finest area -> addresses; `first_month`: index of epoch 0; `crew`: who helps with a large audit."""

    books_dsn: str
    topics: Topics
    signing: Callable[[], SigningKey]
    geographies: dict[int, dict[str, Any]]
    addresses: dict[int, dict[int, int]]
    first_month: int
    metrics: WorkerMetrics
    parameters: Parameters = field(default_factory=Parameters)
    given_up: tuple[str, ...] = ()
    calendar: Calendar = field(default_factory=Calendar)
    crew: Crew | None = None
    _books: books.Connection | None = None
    _areas_out: bool = False
    """Whether readers have the areas this process knows."""
    _tail_known: bool = False
    """Whether what lies behind the acknowledged records was looked at since something went wrong."""

    def step(self, own: store.Connection, now: dt.datetime) -> bool:
        """Do the next thing there is to do at a moment; False when there is nothing. Raises `Unavailable` to be tried again."""
        closing = store.next_closing(own)
        waits = closing is not None and closing.state in _WAITING
        if (not waits and self._publish_geographies(own)) or self._send(own):
            return True
        if closing is None:
            return self._close_by_calendar(own, now)
        match closing.state:
            case "ordered":
                self._mark(own, closing)
                return True
            case "marked":
                return self._decide(own, closing)
            case _:
                return self._publish(own, closing, day_in_amsterdam(now))

    def _close_by_calendar(self, own: store.Connection, now: dt.datetime) -> bool:
        """Take the open month as ordered where the calendar closes it."""
        epoch = store.next_epoch(own)
        month = Month.from_index(self.first_month + epoch)
        if not self.calendar.closes(month, now):
            return False
        return store.order(own, epoch=epoch, month=month.index, first_month=self.first_month)

    def _publish_geographies(self, own: store.Connection) -> bool:
        """Names and shapes go out once, and again when they change; not between an epoch's decision and its publication."""
        if self._areas_out:
            return False
        with own.transaction():
            queued = [queue_geography(own, datum) for _, datum in sorted(self.geographies.items())]
        self._areas_out = True
        return any(queued)

    def _send(self, own: store.Connection) -> bool:
        """Sign and send what waits; what lies on its topic already is not sent a second time."""
        waiting = outbox.unsent(own)
        self.metrics.outbox.set(len(waiting))
        if not waiting:
            return False
        if not self._tail_known:
            outbox.mark_sent(own, self._already_there(own, waiting))
            self._tail_known = True
            return True
        key = self.signing()
        try:
            offsets = self.topics.send([(topic, 0, name.encode(), signed(key, p)) for _, topic, name, p in waiting])
        except Unavailable:
            self._tail_known = False
            raise
        self.metrics.envelopes_out.inc(len(waiting))
        outbox.mark_sent(own, [(i, topic, at) for (i, topic, *_), at in zip(waiting, offsets, strict=True)])
        self.metrics.outbox.set(0)
        return True

    def _already_there(
        self, own: store.Connection, waiting: list[tuple[int, str, str, bytes]]
    ) -> list[tuple[int, str, int]]:
        """Of records that wait, those that came to their topic though nobody heard of it: (id, topic, offset)."""
        found = []
        for topic in sorted({topic for _, topic, *_ in waiting}):
            there = {}
            for lying in self.topics.since(topic, outbox.topic_end(own, topic).next_offset):
                try:
                    there[codec.decode("signed_release", lying.value)["payload"]] = lying.offset
                except Refused:
                    continue  # none of ours
            found += [(i, topic, there[p]) for i, t, _, p in waiting if t == topic and p in there]
        return found

    def _mark(self, own: store.Connection, closing: store.Closing) -> None:
        wanted: list[tuple[str, int, bytes | None, bytes]] = []
        for partition in range(topics.ROAD_PARTITIONS):
            body = marker(self.signing(), partition=partition, epoch=closing.epoch, month=closing.month)
            hop = {
                "role": "release",
                "source_partition": partition,
                "source_offset": -1,
                "number": closing.epoch + 1,
                "body": body,
            }
            wanted.append((LEDGER, partition, None, codec.encode("hop_record", hop)))
        offsets = self.topics.send(wanted)
        self.metrics.envelopes_out.inc(len(wanted))
        store.set_state(own, closing.epoch, "marked", positions=json.dumps(offsets))

    def _deciding(self, own: store.Connection, closing: store.Closing) -> Deciding:
        self._books = self._books or books.connect(self.books_dsn)
        return Deciding(
            own, self._books, closing, geographies=self.geographies, addresses=self.addresses, first_month=self.first_month,
            parameters=self.parameters, given_up=self.given_up, crew=self.crew,
        )  # fmt: skip

    def _decide(self, own: store.Connection, closing: store.Closing) -> bool:
        """Decide every municipality, all in one transaction; False while a partition is behind."""
        deciding = self._deciding(own, closing)
        if not books.passed_by_all(deciding.books, epoch=closing.epoch, partitions=topics.ROAD_PARTITIONS):
            return False
        with own.transaction():
            deciding.decide()
            store.set_state(own, closing.epoch, "decided")
        return True

    def _publish(self, own: store.Connection, closing: store.Closing, today: dt.date) -> bool:
        """Queue what is due of a decided epoch, all municipalities in one transaction; False while its day is still to come."""
        month = Month.from_index(closing.month)
        if today < (self.calendar.month_day(month) if closing.state == "decided" else self.calendar.quarter_day(month)):
            return False
        awaits = ends_quarter(month) and today < self.calendar.quarter_day(month)
        with own.transaction():
            closing = store.locked(own, closing)
            if not closing.previewed:
                self._deciding(own, closing).heed_new_mandates()
            for _, datum in sorted(self.geographies.items()):
                queue_epoch(own, datum, closing, first_month=self.first_month, today=today, awaits_quarter=awaits)
            store.set_state(own, closing.epoch, "month" if awaits else "published")
        return True

    def forget_connections(self) -> None:
        """Begin anew with Kafka and the books after something was away."""
        if self._books is not None:
            self._books.close()
        self._books, self._tail_known, self._areas_out = None, False, False
        self.topics.forget()
