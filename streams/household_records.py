"""Turns households into micro records: one per live mandate, sealed anew, sent in rounds by one projector at a time.

Every live record goes in every round, changed or not, in a new random order, all of a municipality of one size, with the round's
number for a version: so neither times nor sizes nor versions tell which households changed, or which two mandates show one. A
round takes as long as a steady stream of bytes asks. A record shows the household where the mandate's person lives now; a mandate withdrawn or
past its end becomes a tombstone, which goes again each night for 30 days, so that none is missed.
"""

from __future__ import annotations

import datetime as dt
import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, MutableSequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from projections.household_card import as_fits, household_sections
from schemas import topics
from schemas.confidentiality import Confidentiality
from schemas.errors import Refused
from schemas.frames import PLACEMENT_ROW, UNKNOWN_BIRTH, Rows
from schemas.household_record import COMMON_SECTION, Layout, SectionName, most_bytes, seal_record
from schemas.mandate_rules import MandateRules
from schemas.placements import own_household
from schemas.secrets import SigningKey
from schemas.values import MandateHandle, Month, day_number
from streams import projector_store as store
from streams.hop import Output
from streams.hop_store import PostgresHopStore, Transaction
from streams.outbox import OutboxSender
from streams.projector import record_partition

_LEASE_SECONDS: Final = 30
_NIGHT: Final = dt.time(2, 30, tzinfo=dt.UTC)
_TOMBSTONE_DAYS: Final = 30
_RECORD_OVERHEAD: Final = 1_024
"""About what keys, hashes and the signature take besides."""


@dataclass(frozen=True, slots=True)
class RecordRules:
    """What of a household goes into a record, and how fast records go.

    `tick_seconds`: between two ticks; `bytes_per_second`: how much a round may send: it takes as many ticks as that asks.
    """

    mandates: MandateRules = MandateRules()  # noqa: RUF009 - frozen
    confidentiality: Confidentiality = Confidentiality()  # noqa: RUF009 - frozen
    tick_seconds: float = 5.0
    bytes_per_second: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Content:
    """What a record will hold, and whose household that is."""

    municipality: int
    household: bytes
    sections: dict[SectionName, bytes]


@dataclass(slots=True)
class _Round:
    """A round under way: its number, and what is still to go of what was live at its beginning."""

    number: int
    key: tuple[str, bytes]
    layouts: dict[int, Layout]
    waiting: list[tuple[bytes, _Content]]
    per_tick: int


@dataclass(slots=True)
class HouseholdRecords:
    """The tick of one projector.

    `section_key`: id and public half of the vault's key for the next round; `settled` hears of the key under which every live record has
    gone out and was acknowledged, and says whether it took note. `now`: the time; `first_month`: label of epoch 0; `shuffle`: puts a list in random order.
    """

    store: PostgresHopStore
    section_key: Callable[[], tuple[str, bytes]]
    settled: Callable[[str], bool]
    signing: Callable[[], SigningKey]
    first_month: Month
    now: Callable[[], dt.datetime]
    rules: RecordRules = field(default_factory=RecordRules)
    shuffle: Callable[[MutableSequence[Any]], None] = random.SystemRandom().shuffle
    _holder: str = field(default_factory=lambda: os.urandom(8).hex())
    _contents: dict[bytes, _Content] = field(default_factory=dict)
    _as_of: tuple[int, int] | None = None
    _round: _Round | None = None
    _settled: str = ""

    def tick(self, sender: OutboxSender) -> None:
        """Hand over what this tick's part of the round is, if this projector holds the lease."""
        try:
            self._tick(sender)
        except BaseException:
            self._forget()  # what was made may not be committed
            raise

    def _tick(self, sender: OutboxSender) -> None:
        with self.store.transaction() as tx:
            if not self._lease(tx):
                return
            if store.records_on_their_way(tx):
                return  # Kafka is away: what would pile up is old by the time it could go
            today = day_number(self.now().date())
            outputs = self._tombstones(tx, today)
            if self._round is None or not self._round.waiting:
                if self._round is not None and self._round.key[0] != self._settled:
                    self._settled = self._round.key[0] if self.settled(self._round.key[0]) else ""
                self._round = self._new_round(tx, today)
            outputs += [self._record(handle, content) for handle, content in self._next()]
            sent = self.store.add_outputs(tx, outputs)
        sender.put(sent)

    def _lease(self, tx: Transaction) -> bool:
        """Whether this projector sends the records; who takes over knows nothing yet of what another has sent."""
        row = tx.execute("SELECT holder FROM leases WHERE name = 'household records' FOR UPDATE").fetchone()
        if row is None or row[0] != self._holder:
            self._forget()
        taken = tx.execute(
            "INSERT INTO leases VALUES ('household records', %s, now() + make_interval(secs => %s)) ON CONFLICT (name) "
            "DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until "
            "WHERE leases.holder = EXCLUDED.holder OR leases.until < now() RETURNING 1",
            (self._holder, _LEASE_SECONDS),
        ).fetchone()
        return taken is not None

    def _forget(self) -> None:
        self._contents.clear()
        self._round = self._as_of = None

    # --- a round --------------------------------------------------------------------------------------------------

    def _new_round(self, tx: Transaction, today: int) -> _Round:
        live = self._refresh(tx, today)
        by_municipality: dict[int, list[dict[SectionName, bytes]]] = defaultdict(list)
        for content in live.values():
            by_municipality[content.municipality].append(content.sections)
        classes = self.rules.confidentiality.codes
        layouts = {m: Layout.fitting(all_of, classes=classes) for m, all_of in by_municipality.items()}
        waiting = sorted(live.items())
        self.shuffle(waiting)
        weight = sum(sum(layouts[c.municipality].widths.values()) + _RECORD_OVERHEAD for c in live.values())
        a_tick = self.rules.bytes_per_second * self.rules.tick_seconds
        return _Round(
            store.next_round(tx),
            self.section_key(),
            layouts,
            waiting,
            max(1, int(len(waiting) * a_tick / max(1, weight))),
        )

    def _next(self) -> list[tuple[bytes, _Content]]:
        assert self._round is not None
        ready = self._round.waiting[: self._round.per_tick]
        del self._round.waiting[: self._round.per_tick]
        return ready

    def _refresh(self, tx: Transaction, today: int) -> dict[bytes, _Content]:
        """What every live mandate shows now; made anew where something changed, and for all on another day or in another epoch."""
        epoch = max(store.epochs(tx).values(), default=0)
        if self._as_of != (today, epoch):
            self._contents.clear()
            self._as_of = (today, epoch)
        rows: Iterable[Any] = tx.execute(
            "SELECT handle, person, municipality, purpose, marked FROM mandates WHERE given AND valid_until >= %s FOR UPDATE", (today,)
        ).fetchall()  # fmt: skip
        made: dict[bytes, _Content] = {}
        for row in rows:
            handle, person, municipality, purpose, marked = row
            handle = bytes(handle)
            content = None if marked else self._contents.get(handle)
            if content is None:
                content = self._content(tx, bytes(person), municipality, purpose, today=today, epoch=epoch)
                tx.execute(
                    "UPDATE mandates SET marked = false, household = %s WHERE handle = %s", (content.household, handle)
                )
            made[handle] = content
        self._contents = made
        return made

    def _content(
        self, tx: Transaction, person: bytes, municipality: int, purpose: str, *, today: int, epoch: int
    ) -> _Content:
        placements = store.placements_of(tx, [person])
        household = _household(person, placements, today)
        bookings = store.household_bookings(tx, household)
        members = sorted(set(bookings["person"].tolist()))
        births = {p: born for p, rows in store.placements_of(tx, members).items() if (born := _born(rows)) is not None}
        cards = household_sections(
            bookings, subject=person, births=births, table=self.rules.confidentiality, known_on=today,
            epoch=self.first_month.plus(epoch).index,
        )  # fmt: skip
        classes = self.rules.confidentiality.codes
        shown = {
            name: as_fits(card, most_bytes(name, classes=classes))
            for name, card in cards.items() if name == COMMON_SECTION or self._opens(purpose, name[1])
        }  # fmt: skip
        return _Content(municipality, household, shown)

    def _opens(self, purpose: str, section_class: str) -> bool:
        """Whether this purpose opens a class; one that left the list opens nothing."""
        try:
            return self.rules.mandates.purpose(purpose).opens(section_class)
        except Refused:
            return False

    def _record(self, handle: bytes, content: _Content) -> Output:
        assert self._round is not None
        body = seal_record(
            handle=MandateHandle(handle), version=self._round.number, sections=content.sections,
            layout=self._round.layouts[content.municipality], vault_public=self._round.key[1], signing=self.signing(),
            household=content.household,
        )  # fmt: skip
        return _output(handle, content.municipality, body)

    # --- the end of a mandate -------------------------------------------------------------------------------------

    def _tombstones(self, tx: Transaction, today: int) -> list[Output]:
        """Take away what ended since the last tick; once a night, all that ended in the last 30 days."""
        now = self.now()
        night = dt.datetime.combine(now.date(), _NIGHT)
        following = night if now < night else night + dt.timedelta(days=1)
        nightly = tx.execute(
            "INSERT INTO leases VALUES ('nightly records', '', %s) ON CONFLICT (name) DO UPDATE SET until = EXCLUDED.until "
            "WHERE leases.until <= %s RETURNING 1", (following, now),
        ).fetchone()  # fmt: skip
        gone = "(NOT given OR valid_until < %s)"
        rows: Iterable[Any] = tx.execute(
            f"UPDATE mandates SET household = NULL, marked = false, ended_on = COALESCE(ended_on, %s) WHERE {gone} "  # noqa: S608 - constants
            "AND (ended_on IS NULL OR (%s AND ended_on >= %s)) RETURNING handle, municipality",
            (today, today, nightly is not None, today - _TOMBSTONE_DAYS),
        ).fetchall()  # fmt: skip
        ended = sorted((bytes(h), int(m)) for h, m in rows)
        self.shuffle(ended)
        if self._round is not None:
            over = {h for h, _ in ended}
            self._round.waiting = [w for w in self._round.waiting if w[0] not in over]
        return [_output(handle, municipality, b"") for handle, municipality in ended]


def _output(handle: bytes, municipality: int, body: bytes) -> Output:
    partitions = next(t.partitions for t in topics.TABLE if t.name == "household.{gm}.v1")
    return Output(
        topic=topics.household_topic(municipality), partition=record_partition(handle, partitions), key=handle, body=body,
        source_partition=record_partition(handle, topics.ROAD_PARTITIONS), source_offset=-1, numbered=False,
    )  # fmt: skip


def _rows(packed: bytes) -> Rows:
    return np.frombuffer(packed, PLACEMENT_ROW)


def _born(placed: tuple[int, bytes]) -> int | None:
    rows = _rows(placed[1])
    return int(rows["born"][0]) if len(rows) and rows["born"][0] != UNKNOWN_BIRTH else None


def _household(person: bytes, placements: dict[bytes, tuple[int, bytes]], today: int) -> bytes:
    """Where the person lives today; someone unplaced is his or her own household."""
    rows = _rows(placements[person][1] if person in placements else b"")
    current = rows[rows["from_day"] <= today][-1:]
    if len(current) and current["area"][0] != 0:
        found: bytes = current["household"][0].tobytes()
        return found
    return own_household(person)
