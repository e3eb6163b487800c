"""Turns marks into micro records: one record per live mandate, sealed anew, sent in ticks by one projector at a time.

A record shows the household where the mandate's person lives now; a mandate withdrawn or past its end becomes a tombstone.
Each night every live record goes again, since where a person lives and what was granted so far change with the day alone, and every
tombstone of the last 30 days, so that none is missed.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from projections.household_card import household_card
from schemas import codec, topics
from schemas.frames import PLACEMENT_ROW
from schemas.household_record import COMMON, seal_record
from schemas.placements import own_household
from schemas.secrets import SigningKey
from schemas.values import MandateHandle, Month, day_number
from streams import projector_store as store
from streams.hop import Output
from streams.hop_store import PostgresHopStore, Transaction
from streams.outbox import OutboxSender
from streams.projector import record_partition

_LEASE_SECONDS: Final = 30
_BATCH: Final = 200
_NIGHT: Final = dt.time(2, 30, tzinfo=dt.UTC)
_TOMBSTONE_DAYS: Final = 30


@dataclass(slots=True)
class HouseholdRecords:
    """The tick of one projector. `now`: the time; `first_month`: label of epoch 0."""

    store: PostgresHopStore
    section_key: Callable[[], tuple[str, bytes]]
    signing: SigningKey
    first_month: Month
    now: Callable[[], dt.datetime]
    _holder: str = field(default_factory=lambda: os.urandom(8).hex())

    def tick(self, sender: OutboxSender) -> None:
        """Make and hand over the records of marked mandates, if this projector holds the lease."""
        with self.store.transaction() as tx:
            if not self._lease(tx):
                return
            today = day_number(self.now().date())
            tx.execute(
                "UPDATE mandates SET marked = true WHERE given AND valid_until < %s AND household IS NOT NULL", (today,)
            )
            self._nightly(tx, today)
            rows = tx.execute(
                "SELECT handle, person, municipality, valid_until, given, version FROM mandates WHERE marked "
                "ORDER BY handle LIMIT %s FOR UPDATE", (_BATCH,),
            ).fetchall()  # fmt: skip
            outputs = [self._record(tx, row, today) for row in rows]
            sent = self.store.add_outputs(tx, outputs)
        sender.put(sent)

    def _nightly(self, tx: Transaction, today: int) -> None:
        """Once a night, by whichever projector comes first."""
        now = self.now()
        night = dt.datetime.combine(now.date(), _NIGHT)
        following = night if now < night else night + dt.timedelta(days=1)
        row = tx.execute(
            "INSERT INTO leases VALUES ('nightly records', '', %s) ON CONFLICT (name) DO UPDATE SET until = EXCLUDED.until "
            "WHERE leases.until <= %s RETURNING 1", (following, now),
        ).fetchone()  # fmt: skip
        if row is not None:
            tx.execute(
                "UPDATE mandates SET marked = true WHERE NOT marked AND valid_until >= %s", (today - _TOMBSTONE_DAYS,)
            )

    def _lease(self, tx: Transaction) -> bool:
        row = tx.execute(
            "INSERT INTO leases VALUES ('household records', %s, now() + make_interval(secs => %s)) ON CONFLICT (name) "
            "DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until "
            "WHERE leases.holder = EXCLUDED.holder OR leases.until < now() RETURNING 1",
            (self._holder, _LEASE_SECONDS),
        ).fetchone()
        return row is not None

    def _record(self, tx: Transaction, row: tuple[Any, ...], today: int) -> Output:
        handle, person, municipality, valid_until, given, version = row
        handle, person, version = bytes(handle), bytes(person), int(version) + 1
        live = given and valid_until >= today
        household = self._household(tx, person, today) if live else None
        tx.execute(
            "UPDATE mandates SET marked = false, version = %s, household = %s WHERE handle = %s",
            (version, household, handle),
        )
        body = b""
        if household is not None:
            epoch = max(store.epochs(tx).values(), default=0)
            card = household_card(
                store.household_bookings(tx, household), known_on=today, epoch=self.first_month.plus(epoch).index
            )
            _, public = self.section_key()
            body = seal_record(
                handle=MandateHandle(handle), version=version, vault_public=public, signing=self.signing,
                sections={(0, COMMON): codec.encode("household_card", card)},
            )  # fmt: skip
        topic = topics.household_topic(municipality)
        partitions = next(t.partitions for t in topics.TABLE if t.name == "household.{gm}.v1")
        return Output(
            topic=topic, partition=record_partition(handle, partitions), key=handle, body=body,
            source_partition=record_partition(handle, topics.ROAD_PARTITIONS), source_offset=-1, numbered=False,
        )  # fmt: skip

    def _household(self, tx: Transaction, person: bytes, today: int) -> bytes:
        """Where the person lives today; someone unplaced is his or her own household."""
        placed = store.placements_of(tx, [person]).get(person)
        rows = np.frombuffer(placed[1], PLACEMENT_ROW) if placed else np.zeros(0, PLACEMENT_ROW)
        current = rows[rows["from_day"] <= today][-1:]
        if len(current) and current["area"][0] != 0:
            found: bytes = current["household"][0].tobytes()
            return found
        return own_household(person)
