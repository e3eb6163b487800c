"""The projector with its tables in memory: what it makes of a history."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np

from projections.bookings import BOOKING, summed
from schemas import codec
from schemas.directory import KeysAt
from schemas.sealing import box_public_key, seal_events, seal_to, verify_key_of
from schemas.secrets import BoxKey, SigningKey
from streams.epoch_marker import marker
from streams.hop import InputRecord
from streams.hop_engine import HopEngine
from streams.metrics import WorkerMetrics
from streams.projector import Projector
from streams.projector_erasure import Settling
from tests.property.hop_memory import MemoryDatabase, MemoryHopStore
from tests.property.ledger_histories import (
    Closed,
    History,
    Key,
    Placed,
    Said,
    Step,
    line_of,
    partition_of_record,
    without_zeros,
)
from tests.unit.ledger_builders import DAY, KeysInMemory, a_hop_record


class PlacementKeys:
    """A placement key of each person."""

    def __init__(self) -> None:
        self.made: dict[bytes, BoxKey] = {}

    def of(self, person: bytes) -> BoxKey:
        return self.made.setdefault(person, BoxKey.generate())

    def keys(self, persons: Sequence[bytes]) -> dict[bytes, BoxKey]:
        return {p: self.of(p) for p in persons}


KEYS, PLACEMENT, RELEASE = KeysInMemory(), PlacementKeys(), SigningKey.generate()


@dataclass(slots=True)
class TablesInMemory:
    """What `streams.projector_store` keeps, with its functions."""

    frame: np.ndarray = field(default_factory=lambda: np.zeros(0, BOOKING))
    placements: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    open_epochs: dict[int, int] = field(default_factory=dict)
    ends: Counter[tuple[bytes, int, int]] = field(default_factory=Counter)
    """Person, care type and month in which care ends that lasts beyond the month it began in; zeros count as nothing when compared."""

    def erased(self, tx: Any, persons: Any) -> set[bytes]:
        return set()

    def take_out_year(self, tx: Any, *, partition: int, year: int, settled: bool) -> np.ndarray:
        return np.zeros(0, BOOKING)

    def epochs(self, tx: Any) -> dict[int, int]:
        return dict(self.open_epochs)

    def pass_marker(self, tx: Any, partition: int, epoch: int) -> None:
        self.open_epochs[partition] = epoch + 1

    def placements_of(self, tx: Any, persons: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        return {p: self.placements[p] for p in persons if p in self.placements}

    def save_placements(self, tx: Any, rows: dict[bytes, tuple[int, bytes]]) -> None:
        self.placements |= rows

    def standing_of(self, tx: Any, persons: Sequence[bytes]) -> np.ndarray:
        return summed(self.frame[np.isin(self.frame["person"], np.array(persons, "V16"))], with_epoch=False)

    def add_bookings(self, tx: Any, bookings: np.ndarray) -> None:
        self.frame = np.concatenate([self.frame, bookings])

    def add_ends(self, tx: Any, rows: Sequence[tuple[bytes, int, int, int]]) -> None:
        for person, care_type, month, count in rows:
            self.ends[person, care_type, month] += count

    def books(self, *, with_epoch: bool = True) -> Counter[Key]:
        """Every key that stands, with its cents, volume and count."""
        return as_counter(summed(self.frame, with_epoch=with_epoch))


def as_counter(frame: np.ndarray) -> Counter[Key]:
    names = [n for n in BOOKING.names or () if n not in ("cents", "volume", "count")]
    found: Counter[Key] = Counter()
    for b in frame:
        key = tuple(b[n].tobytes() if BOOKING[n].kind == "V" else int(b[n]) for n in names)
        for measure in ("cents", "volume", "count"):
            found[(*key, measure)] += int(b[measure])
    return without_zeros(found)


@contextlib.contextmanager
def projector(
    tables: TablesInMemory, *, release_keys: KeysAt = lambda _: [verify_key_of(RELEASE)]
) -> Iterator[HopEngine[Any, Any]]:
    """A real projector, whose tables are these."""
    metrics = WorkerMetrics("projector")
    role = Projector(
        keys=KEYS,
        placement_keys=PLACEMENT,
        settling=Settling(lambda _, years: [None] * len(years), lambda *_: None, lambda *_: None, 24_000),
        release_keys=release_keys,
        metrics=metrics,
        publish=False,
    )
    with (
        patch("streams.projector.store", tables),
        patch("streams.booking_fold.store", tables),
        patch("streams.projector_erasure.store", tables),
    ):
        yield HopEngine(role, MemoryHopStore(MemoryDatabase(), "projector"), metrics)


def written(history: History) -> list[InputRecord]:
    """The history as records of ledger.v1, in the order given."""
    numbers: Counter[tuple[str, int]] = Counter()
    offsets: Counter[int] = Counter()
    closed: Counter[int] = Counter()
    out = []
    for record in history:
        p = partition_of_record(record)
        role = "release" if isinstance(record[0], Closed) else "ledger"
        if role == "release":
            body = marker(RELEASE, partition=p, epoch=closed[p], month=24_000 + closed[p])
            closed[p] += 1
        else:
            body = _person_events(record)
        numbers[role, p] += 1
        out.append(a_hop_record(body, role=role, number=numbers[role, p], partition=p, offset=offsets[p]))
        offsets[p] += 1
    return out


def _person_events(record: tuple[Step, ...]) -> bytes:
    placements = [
        {"person": s.person, "version": s.version, "sealed": seal_to(box_public_key(PLACEMENT.of(s.person)), line_of(s))}
        for s in record if isinstance(s, Placed)
    ]  # fmt: skip
    events = []
    for person in dict.fromkeys(s.person for s in record if isinstance(s, Said)):
        rows = b"".join(s.row().tobytes() for s in record if isinstance(s, Said) and s.person == person)
        sealed = seal_events(KEYS.keys([person])[person], person, "events", rows)
        events.append({"person": person, "sealed": sealed})
    fields = {"day": DAY, "placements": placements, "events": events, "mandates": [], "months": [], "erased": []}
    return codec.encode("person_events", fields)


def folded(history: History, windows: Callable[[int], int] = lambda _: 10**6) -> TablesInMemory:
    """The tables after a history, in windows of `windows(n)` records each."""
    tables, records = TablesInMemory(), written(history)
    with projector(tables) as engine:
        start = index = 0
        while start < len(records):
            size = windows(index)
            for window in engine.windows(records[start : start + size]):
                engine.process(window)
            start, index = start + size, index + 1
    return tables
