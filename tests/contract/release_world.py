"""Release at work without Kafka: its own database and the projector's views in PostgreSQL, topics in memory, and a clock that a test sets."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from projections.release.audit.crew import Crew
from projections.release.calendar import Calendar
from projections.release.history import TopicHistory, checked
from projections.release.rules import Parameters
from schemas import codec, topics
from schemas.errors import Unavailable
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey
from schemas.values import Month
from streams import release_store as store
from streams.hop_store import prepared
from streams.metrics import WorkerMetrics
from streams.release import LEDGER, Release
from streams.release_topics import Record, Wanted
from tests.contract.broken_off import Steps

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))
from release_builders import a_contribution, some

GM = 9901
FIRST = Month(2026, 1)
KEY, OTHER_KEY = SigningKey(bytes(range(32))), SigningKey(bytes(range(1, 33)))
MACRO, MESO = topics.macro_topic(GM), topics.meso_topic(GM)
BY_CALENDAR = Calendar.of({"by": "calendar", "since": "2026-01-01"})
CLUSTERS = [GM * 1_000_000 + w * 10_000 + b * 100 + c for w in (1, 2) for b in (1, 2) for c in (1, 2)]
_VIEWS = (
    "CREATE TABLE IF NOT EXISTS release_contributions (area bigint NOT NULL, household bytea NOT NULL, contributor bytea NOT NULL, provider bigint NOT NULL, "
    "care_type int NOT NULL, service_year int NOT NULL, epoch int NOT NULL, cents bigint NOT NULL, erased int NOT NULL)",
    "CREATE TABLE IF NOT EXISTS release_passed (partition int, epoch int)",
    "CREATE TABLE IF NOT EXISTS release_mandated (household bytea)",
    "CREATE TABLE IF NOT EXISTS release_coverage (provider bigint, payer bigint, stream text, month int)",
)


def at(day: str, hour: int = 12) -> dt.datetime:
    """A moment of a day, by UTC."""
    return dt.datetime.fromisoformat(f"{day}T{hour:02d}:00:00+00:00")


def geography(clusters: Sequence[int] = CLUSTERS, *, name: str = "Proefstad") -> dict[str, Any]:
    """The published areas around these clusters, all of one municipality."""
    municipality = clusters[0] // 1_000_000
    areas = {f"GM{municipality:04d}": ("gemeente", "")}
    for c in clusters:
        wijk, buurt = f"WK{c // 10_000:06d}", f"BU{c // 100:08d}"
        areas |= {
            wijk: ("wijk", f"GM{municipality:04d}"),
            buurt: ("buurt", wijk),
            f"{buurt}.{c % 100:02d}": ("cluster", buurt),
        }
    people = dict.fromkeys(("inhabitants", "under_18", "aged_75_and_over", "households"))
    return {
        "municipality": municipality, "name": name, "year": 2026, "population_year": None, "streets": [],
        "areas": [
            {"code": code, "name": code, "level": level, "parent": parent, "geometry": "", "postcodes": []} | people
            for code, (level, parent) in sorted(areas.items())
        ],
    }  # fmt: skip


@dataclass
class TopicsInMemory:
    """What release sent, record by record; `broken` makes the next sending fail after so many records of it came through."""

    clock: Callable[[], dt.datetime]
    steps: Steps = field(default_factory=Steps)
    lying: dict[str, list[Record]] = field(default_factory=dict)
    broken: int | None = None

    def send(self, wanted: Wanted) -> list[int]:
        offsets = []
        for number, (topic, partition, _, value) in enumerate(wanted):
            if self.broken is not None and number == self.broken:
                self.broken = None
                raise Unavailable("Kafka does not take what release publishes.")
            self.steps.step("record")
            there = self.lying.setdefault(topic if topic != LEDGER else f"{topic}/{partition}", [])
            there.append(Record(len(there), int(self.clock().timestamp() * 1000), value))
            offsets.append(len(there) - 1)
        return offsets

    def since(self, topic: str, offset: int) -> list[Record]:
        return self.lying.get(topic, [])[offset:]

    def forget(self) -> None:
        """Nothing is open."""


@dataclass
class World:
    """One zone's release. `own`, `books`: addresses of the two databases; `now`: its clock."""

    own: str
    books: str
    calendar: Calendar = BY_CALENDAR
    now: dt.datetime = field(default_factory=lambda: at("2026-01-10"))
    key: SigningKey = KEY
    parameters: Parameters = field(default_factory=Parameters)
    given_up: tuple[str, ...] = ()
    crew: Crew | None = None
    first: Month = FIRST
    areas: dict[str, Any] = field(default_factory=geography)
    joined: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Further municipalities: gemeente number -> its published areas."""
    topics: TopicsInMemory = field(init=False)

    def __post_init__(self) -> None:
        self.topics = TopicsInMemory(lambda: self.now)
        with prepared(self.own, store.DDL), prepared(self.books, _VIEWS):
            pass

    def book(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Contributions as `release_builders` makes them."""
        with psycopg.connect(self.books) as c, c.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO release_contributions VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", list(rows)
            )

    def tell_books(self, statement: str, *values: Any) -> None:
        """Change what release sees of the books."""
        with psycopg.connect(self.books) as c:
            c.execute(statement.encode(), values)

    def passes(self, epoch: int) -> None:
        """The projector passes an epoch's marker in every partition."""
        with psycopg.connect(self.books) as c:
            for partition in range(topics.ROAD_PARTITIONS):
                c.execute(
                    "INSERT INTO release_passed SELECT %s, %s WHERE NOT EXISTS (SELECT FROM release_passed WHERE partition = %s AND epoch = %s)",
                    (partition, epoch, partition, epoch),
                )  # fmt: skip

    def release(self) -> Release:
        """A process that starts now."""
        return Release(
            books_dsn=self.books, topics=self.topics, signing=lambda: self.key, geographies={GM: self.areas} | self.joined,
            addresses={m: dict.fromkeys(CLUSTERS, 200) for m in (GM, *self.joined)}, first_month=self.first.index, metrics=WorkerMetrics("release"),
            parameters=self.parameters, given_up=self.given_up, calendar=self.calendar, crew=self.crew,
        )  # fmt: skip

    def work(self) -> None:
        """A process starts, does all there is to do, and ends; the projector passes each marker at once."""
        release = self.release()
        with store.connect(self.own) as own:
            busy = True
            while busy:
                busy = release.step(own, self.now)
                closing = store.next_closing(own)
                if closing is not None and closing.state == "marked":
                    self.passes(closing.epoch)
                    busy = True
        release.forget_connections()

    def state(self) -> list[tuple[int, str]]:
        """Epochs and how far each is."""
        with store.connect(self.own) as own:
            return [(int(e), str(s)) for e, s in own.execute("SELECT epoch, state FROM closings ORDER BY 1")]

    def released(self, topic: str = MACRO) -> list[dict[str, Any]]:
        """What lies on a topic of released epochs, decoded, in order."""
        payloads = [codec.decode("signed_release", r.value)["payload"] for r in self.topics.lying.get(topic, [])]
        return [codec.decode("released_epoch", p) for p in payloads if codec.name_of(p) == "released_epoch"]

    def values(self) -> dict[str, list[bytes]]:
        """The bytes on every topic."""
        return {topic: [r.value for r in records] for topic, records in sorted(self.topics.lying.items())}

    def history(self, topic: str = MACRO, *keys: SigningKey) -> TopicHistory:
        """A topic, verified with nothing but public keys."""
        public = [verify_key_of(k) for k in keys or (KEY,)]
        return checked(topic, [(r.value, r.appended_ms) for r in self.topics.lying.get(topic, [])], lambda _: public)

    def cell(self, area: str, group: str = "total", *, year: int = 2026, topic: str = MACRO) -> dict[str, Any] | None:
        """A cell as the last record of a topic has it."""
        cells = self.released(topic)[-1]["cells"]
        return next((c for c in cells if (c["area"], c["group"], c["service_year"]) == (area, group, year)), None)


def care_of(
    epoch: int, *, year: int = 2026, cents: int = 1_000_00, clusters: Sequence[int] = CLUSTERS
) -> list[tuple[Any, ...]]:
    """Eighteen households in each cluster with the same care, known in an epoch."""
    return [
        row
        for n, c in enumerate(clusters)
        for row in some(18, first=1 + 100 * n, area=c, epoch=epoch, year=year, cents=cents)
    ]


def one(household: int, **fields: Any) -> list[tuple[Any, ...]]:
    """One contribution."""
    return [a_contribution(household, **fields)]
