"""Tells municipalities whose retention period has passed: once a day past all persons, a page of them per tick.

A notice goes to the municipality where the person lives, else to the one that paid last; it is said again each week while it is true, and taken back
when it is not any more: the person got care, moved, or was erased. The person is sealed to intake; the municipality learns laws and years.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from projections.retention import is_due, last_months, oldest_kept_day
from schemas import topics
from schemas.care import Stream
from schemas.frames import PLACEMENT_ROW
from schemas.retention import Notice, request_of
from schemas.retention_rules import RetentionRules
from schemas.sealing import partition_of, seal_to
from schemas.secrets import SigningKey
from schemas.values import Month, day_number
from streams import projector_store as store
from streams import retention_table as table
from streams.hop import Output
from streams.hop_store import PostgresHopStore, Transaction
from streams.outbox import OutboxSender
from streams.retention_table import Page, Stands

_PERSONS: Final = 500
_AGAIN_DAYS: Final = 7
_GEMEENTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Due:
    """Whose period has passed: per law the month its last care ended in, and who is told."""

    last: Mapping[Stream, int]
    municipality: int


@dataclass(frozen=True, slots=True)
class RetentionNotices:
    """The tick of one projector. `identity`: id and public half of intake's key of today; `today`: the day it is."""

    store: PostgresHopStore
    rules: RetentionRules
    municipalities: frozenset[int]
    identity: Callable[[], tuple[str, bytes]]
    signing: Callable[[], SigningKey]
    today: Callable[[], dt.date]
    persons_per_tick: int = _PERSONS

    def tick(self, sender: OutboxSender) -> None:
        """The next page of today's round, if it is not over."""
        with self.store.transaction() as tx:
            sent = self.store.add_outputs(tx, self.outputs(tx))
        sender.put(sent)

    def outputs(self, tx: Transaction) -> list[Output]:
        """What the next page's persons come to: notices, and what takes notices back."""
        today = self.today()
        if table.on_their_way(tx):
            return []
        page = table.next_page(tx, day=day_number(today), size=self.persons_per_tick)
        if page is None:
            return []
        due, outputs = self._due(tx, page, today), list[Output]()
        before = table.standing(tx, page)
        for person in sorted(before.keys() | due.keys()):
            stood, now = before.get(person), due.get(person)
            if stood is not None and (now is None or now.municipality != stood.municipality):
                table.forget(tx, person)
                outputs.append(_output(person, stood.municipality, b""))
                stood = None
            if now is not None and (notice := self._news(tx, person, now, stood, day_number(today))) is not None:
                outputs.append(_output(person, now.municipality, notice.signed(self.signing())))
        return outputs

    def _news(self, tx: Transaction, person: bytes, due: _Due, stood: Stands | None, today: int) -> Notice | None:
        """What is to be said of someone who is due: nothing where it was said this week."""
        if stood is not None and today - stood.checked_on < min(_AGAIN_DAYS, self.rules.preview_days):
            return None
        stands = replace(stood, checked_on=today) if stood else Stands(person, due.municipality, today, today)
        table.keep(tx, stands)
        key_id, public = self.identity()
        laws = tuple(sorted((law.value, Month.from_index(month).year) for law, month in due.last.items()))
        return Notice(
            request_of(person), due.municipality, laws, since=stands.since, checked_on=today, preview_days=self.rules.preview_days,
            identity_key_id=key_id, person=seal_to(public, person),
        )  # fmt: skip

    def _due(self, tx: Transaction, page: Page, today: dt.date) -> dict[bytes, _Due]:
        month = Month.of(today).index
        oldest = oldest_kept_day(self.rules, month=month)
        persons = [] if oldest is None else [p for p, first in page.oldest.items() if first < oldest]
        if not persons:
            return {}
        standing = store.standing_of(tx, persons)
        last = last_months(standing, store.ends_of(tx, persons))
        passed = {p: months for p, months in last.items() if is_due(months, self.rules, month=month)}
        lives = store.placements_of(tx, sorted(passed))
        return {
            person: _Due(months, told)
            for person, months in passed.items()
            if (told := self._told(standing, person, lives.get(person, (0, b""))[1], day_number(today))) is not None
        }

    def _told(self, standing: NDArray[np.void], person: bytes, placed: bytes, today: int) -> int | None:
        """The municipality where someone lives now; else, where that is none of the network, the one that paid last."""
        rows = np.frombuffer(placed, PLACEMENT_ROW)
        current = rows[rows["from_day"] <= today][-1:]
        lives_in = int(current["area"][0]) // _GEMEENTE if len(current) else 0
        own = standing[standing["person"] == np.void(person)]
        paid = int(own["payer"][np.argmax(own["service_day"])])
        return next((m for m in (lives_in, paid) if m in self.municipalities), None)


def _output(person: bytes, municipality: int, body: bytes) -> Output:
    request = request_of(person)
    return Output(
        topic=topics.retention_topic(municipality), partition=0, key=request, body=body,
        source_partition=partition_of(person, topics.ROAD_PARTITIONS), source_offset=-1, numbered=False,
    )  # fmt: skip
