"""Histories of the ledger, and the books they must give written down a second time, without folds.

The second time: an epoch's bookings are what stands at its end minus what stood at its beginning, nothing else.
"""

from __future__ import annotations

import calendar
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from projections.bookings import BOOKING
from schemas.frames import ALWAYS, PLACEMENT_ROW, Kind
from schemas.placements import own_household
from schemas.values import day_of
from tests.unit.ledger_builders import DAY, a_ledger_row, a_line, sixteen

PERSONS = tuple(sixteen(name) for name in ("Anne", "Bram", "Cor"))
PARTITION = {p: i % 2 for i, p in enumerate(PERSONS)}
AREAS = (99_01_01_01_01, 99_02_03_03_04)
REST = 99_01_00_00_00
HOMES = (
    ("home", AREAS[0]),
    ("next door", AREAS[0]),
    ("elsewhere", AREAS[1]),
    ("nursing home", REST),
    ("shelter", REST),
    (None, 0),
)
INSTITUTIONS = ("nursing home", "shelter")
DAYS = (DAY, DAY + 40, DAY + 400)
Key = tuple[Any, ...]


def without_zeros(counted: Counter[Key]) -> Counter[Key]:
    return Counter({k: v for k, v in counted.items() if v})


@dataclass(frozen=True)
class Placed:
    """A person's whole list of placements: (from day, household or None, area)."""

    person: bytes
    version: int
    stays: tuple[tuple[int, str | None, int], ...]


@dataclass(frozen=True)
class Said:
    """One ledger row about a person."""

    person: bytes
    kind: int
    cents: int
    day: int
    care_type: int
    payer: int
    provider: int
    volume: int
    frequency: int = 0
    days: int = 1
    """How many days it holds."""

    def row(self) -> np.ndarray:
        return a_ledger_row(
            kind=self.kind, cents=self.cents, from_day=self.day, care_type=self.care_type, payer=self.payer,
            provider=self.provider, volume=self.volume, frequency=self.frequency, to_day=self.day + self.days - 1,
        )  # fmt: skip

    def row_as_booking(self) -> np.ndarray:
        """The row with its sign, at no place."""
        out = np.zeros(1, BOOKING)
        for name in ("provider", "payer", "care_type"):
            out[name] = getattr(self, name)
        granted, back = (Kind.GRANTED, Kind.GRANT_ENDED), (Kind.WITHDRAWN, Kind.GRANT_ENDED)
        out["service_day"], out["kind"] = self.day, Kind.GRANTED if self.kind in granted else Kind.DELIVERED
        out["cents"] = -self.cents if self.kind in back else self.cents
        return out


@dataclass(frozen=True)
class Closed:
    """A marker in one partition."""

    partition: int


Step = Placed | Said | Closed
History = list[tuple[Step, ...]]
"""Records of the ledger, each of one partition, in order; a marker is a record of its own."""


def line_of(placed: Placed) -> bytes:
    """Packed placements; in an institution each is his or her own household, and the institution contributes."""
    line = np.frombuffer(a_line(*placed.stays), PLACEMENT_ROW).copy()
    for row, (_, name, _) in zip(line, placed.stays, strict=True):
        if name in INSTITUTIONS:
            row["household"] = np.void(own_household(placed.person))
    return line.tobytes()


def partition_of_record(record: tuple[Step, ...]) -> int:
    first = record[0]
    return first.partition if isinstance(first, Closed) else PARTITION[first.person]


# --- the books a second time ---------------------------------------------------------------------------------------------


def expected_books(history: History) -> Counter[Key]:
    """What stands at the end of each epoch minus what stood at its beginning, per partition."""
    books: Counter[Key] = Counter()
    for partition in (0, 1):
        rows: list[Said] = []
        lines: dict[bytes, Placed] = {}
        before: Counter[Key] = Counter()
        epoch = 0
        for record in [*(r for r in history if partition_of_record(r) == partition), (Closed(partition),)]:
            for step in record:
                if isinstance(step, Said):
                    rows.append(step)
                elif isinstance(step, Placed):
                    if step.person not in lines or step.version > lines[step.person].version:
                        lines[step.person] = step
                else:
                    now = standing(rows, lines, epoch)
                    change = Counter(now)
                    change.subtract({(*k[:10], epoch, k[11]): v for k, v in before.items()})
                    books.update(without_zeros(change))
                    before, epoch = now, epoch + 1
    return without_zeros(books)


def standing(rows: Sequence[Said], lines: dict[bytes, Placed], epoch: int) -> Counter[Key]:
    """What is delivered and not withdrawn, at the place known now."""
    out: Counter[Key] = Counter()
    for s in rows:
        sign = -1 if s.kind in (Kind.WITHDRAWN, Kind.GRANT_ENDED) else 1
        kind = int(Kind.GRANTED if s.kind in (Kind.GRANTED, Kind.GRANT_ENDED) else Kind.DELIVERED)
        for nth, (day, volume) in enumerate(pieces(s) if kind == Kind.GRANTED else [(s.day, max(s.volume, 0))]):
            stays = [x for x in (lines[s.person].stays if s.person in lines else ()) if x[0] <= day]
            household = contributor = own_household(s.person)
            area = s.payer * 1_000_000
            if stays and stays[-1][2]:
                _, name, area = stays[-1]
                contributor = sixteen(name)
                household = household if name in INSTITUTIONS else contributor
            key = (s.person, household, contributor, area, s.provider, s.payer, s.care_type, 4, kind, day, epoch)
            for measure, value in (("cents", 0 if nth else s.cents), ("volume", volume), ("count", 1)):
                out[(*key, measure)] += sign * value
    return without_zeros(out)


def pieces(grant: Said) -> list[tuple[int, int]]:
    """A grant's (first day, volume) per calendar month, counted day by day; of one without a rate its first day and its volume."""
    if grant.frequency not in (1, 2, 4) or grant.volume < 0:
        return [(grant.day, max(grant.volume, 0))]
    months: dict[tuple[int, int], list[int]] = {}
    for day in range(grant.day, grant.day + grant.days):
        months.setdefault((day_of(day).year, day_of(day).month), []).append(day)
    found, before = [], 0
    for (year, month), days in months.items():
        match grant.frequency:
            case 1:
                volume = grant.volume * len(days)
            case 2:
                whole = math.floor(Fraction(grant.volume * (before + len(days)), 7))
                volume = whole - math.floor(Fraction(grant.volume * before, 7))
            case _:
                volume = round(Fraction(grant.volume * len(days), calendar.monthrange(year, month)[1]))
        before += len(days)
        found.append((days[0], volume))
    return found


# --- histories -----------------------------------------------------------------------------------------------------------

a_person = st.sampled_from((PERSONS[0], *PERSONS))
a_service = st.builds(
    Said, a_person, st.just(int(Kind.DELIVERED)), st.sampled_from((0, 100, 12_500)), st.sampled_from(DAYS),
    st.sampled_from((1, 2, 45)), st.sampled_from((9901, 9902)), st.sampled_from((99_000_001, 99_000_002)),
    st.sampled_from((-1, 400)), st.just(0), st.sampled_from((1, 1, 45)),
)  # fmt: skip
a_grant = st.builds(
    lambda s, frequency, days: replace(s, kind=int(Kind.GRANTED), frequency=frequency, days=days),
    a_service, st.sampled_from((0, 1, 2, 4, 6)), st.integers(1, 100),
)  # fmt: skip


@st.composite
def some_stays(draw: st.DrawFn) -> tuple[tuple[int, str | None, int], ...]:
    days = sorted(draw(st.sets(st.sampled_from((ALWAYS, *DAYS, DAYS[-1] + 10)), max_size=3)))
    return tuple((day, *draw(st.sampled_from(HOMES))) for day in days)


@st.composite
def histories(draw: st.DrawFn, *, epochs: bool = True, moves: bool = True) -> History:
    """Services, grants, withdrawals of services that stand, placements in any order of versions, markers."""
    history: History = []
    services: list[Said] = []
    grants: list[Said] = []
    for _ in range(draw(st.integers(3, 18))):
        what = draw(st.sampled_from(("say", "say", "say", "withdraw", "place", "place", "grant", "end", "close")))
        if what == "close" and epochs:
            history.append((Closed(draw(st.sampled_from((0, 1)))),))
        elif what == "place" and moves:
            history.append((Placed(draw(a_person), draw(st.integers(1, 9)), draw(some_stays())),))
        elif what == "grant":
            grants.append(draw(a_grant))
            history.append((grants[-1],))
        elif what == "end" and grants:
            history.append((replace(grants.pop(), kind=int(Kind.GRANT_ENDED)),))
        elif what == "withdraw" and services:
            history.append((withdrawn(services.pop(draw(st.integers(0, len(services) - 1)))),))
        else:
            services.append(draw(a_service))
            history.append((services[-1],))
    return _joined(history, draw(st.sets(st.integers(0, 18))))


def withdrawn(service: Said) -> Said:
    """The withdrawal of a service: it repeats everything."""
    return replace(service, kind=int(Kind.WITHDRAWN))


def _joined(history: History, at: set[int]) -> History:
    """Some neighbours of one partition become one record, placements first, as the ledger writes them."""
    out: History = []
    for index, record in enumerate(history):
        mergeable = index in at and out and not any(isinstance(r[0], Closed) for r in (record, out[-1]))
        if mergeable and partition_of_record(out[-1]) == partition_of_record(record):
            both = out[-1] + record
            persons = [s.person for s in both if isinstance(s, Placed)]
            if len(persons) == len(set(persons)):
                out[-1] = tuple(sorted(both, key=lambda s: isinstance(s, Said)))
                continue
        out.append(record)
    return out
