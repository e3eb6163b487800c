"""Placements and events of a round become bookings; what they touch is marked for new household records."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from projections.bookings import Placements, booked, rebooked
from projections.retention import lasting, months_of
from schemas.frames import LEDGER_ROW, Kind, Rows, rows_of
from streams import projector_store as store
from streams.hop_store import Transaction
from streams.metrics import WorkerMetrics


@dataclass(slots=True)
class Round:
    """What of a window lies between two markers, all partitions together.

    `events`: (person, packed `ledger_row`s, epoch); `placements`: person -> version, packed `placement_row`s, epoch.
    """

    events: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    placements: dict[bytes, tuple[int, bytes, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BookingFold:
    """`publish`: whether household records are made from these books."""

    metrics: WorkerMetrics
    publish: bool

    def fold(self, tx: Transaction, this: Round) -> None:
        """Placements first, then events: what a placement changes of the same round's events nets to nothing anyway."""
        persons = {p for p, _, _ in this.events} | set(this.placements)
        if not persons:
            return
        standing = store.placements_of(tx, sorted(persons))
        changed = {
            p: (v, rows, epoch)
            for p, (v, rows, epoch) in this.placements.items()
            if p not in standing or v > standing[p][0]
        }
        if changed:
            self._rebook(tx, changed)
            standing |= {p: (v, rows) for p, (v, rows, _) in changed.items()}
        touched: set[bytes] = set()
        if this.events:
            touched = self._book(tx, this.events, {p: standing.get(p, (0, b""))[1] for p in persons})
        self.mark(tx, persons, touched)

    def _rebook(self, tx: Transaction, changed: dict[bytes, tuple[int, bytes, int]]) -> None:
        store.save_placements(tx, {p: (v, rows) for p, (v, rows, _) in changed.items()})
        before = store.standing_of(tx, sorted(changed))
        if len(before):
            places = Placements({p: rows for p, (_, rows, _) in changed.items()})
            epochs = np.array([changed[p][2] for p in before["person"].tolist()], dtype=np.int64)
            moved = rebooked(before, epochs, places)
            store.add_bookings(tx, moved)
            if len(moved):
                self.mark(tx, set(), set(moved["household"].tolist()))

    def _book(self, tx: Transaction, events: list[tuple[bytes, bytes, int]], packed: dict[bytes, bytes]) -> set[bytes]:
        places = Placements(packed)
        counts = [len(rows_of(rows, LEDGER_ROW)) for _, rows, _ in events]
        together = rows_of(b"".join(rows for _, rows, _ in events), LEDGER_ROW)
        owner = np.repeat(np.array([places.index[p] for p, _, _ in events], dtype=np.int64), counts)
        epochs = np.repeat(np.array([e for _, _, e in events], dtype=np.int64), counts)
        rows, unplaced = booked(together, owner, epochs, places)
        self.metrics.events_out.inc(len(together))
        self.metrics.unplaced.inc(unplaced)
        store.add_bookings(tx, rows)
        self._remember_ends(tx, together, owner, places)
        return set(rows["household"].tolist())

    def _remember_ends(self, tx: Transaction, rows: Rows, owner: NDArray[np.int64], places: Placements) -> None:
        """When what lasts beyond a booking's month ends, for retention periods: added to, as bookings are."""
        at = np.flatnonzero(lasting(rows) & (rows["kind"] != Kind.WITHDRAWAL_SAID))
        if len(at):
            months = months_of(rows["to_day"][at]).tolist()
            taken_back = np.isin(rows["kind"][at], (Kind.WITHDRAWN, Kind.GRANT_ENDED))
            counts = np.where(taken_back, -1, 1).tolist()
            persons = [places.persons[o] for o in owner[at].tolist()]
            store.add_ends(tx, list(zip(persons, rows["care_type"][at].tolist(), months, counts, strict=True)))

    def mark(self, tx: Transaction, persons: set[bytes], households: set[bytes]) -> None:
        """Live mandates that show any of these get a new record at the next tick."""
        if self.publish:
            tx.execute(
                "UPDATE mandates SET marked = true WHERE NOT marked AND (person = ANY(%s) OR household = ANY(%s))",
                (list(persons), list(households)),
            )
