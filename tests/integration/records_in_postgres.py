"""Projectors that make household records from a real PostgreSQL, at a time of one's choosing, and what they send, opened. For tests."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import nacl.bindings as sodium

from projections.bookings import Placements, booked
from schemas import codec
from schemas.frames import LEDGER_ROW, UNKNOWN_BIRTH, rows_of
from schemas.household_record import claims_of, open_key_box
from schemas.sealing import box_public_key
from schemas.secrets import BoxKey, SigningKey
from schemas.values import Month, day_number
from streams import projector_store as store
from streams.hop_store import OutboxRow, PostgresHopStore, prepared
from streams.household_records import HouseholdRecords, RecordRules
from tests.unit.ledger_builders import a_ledger_row, a_line

SECTION: Final = BoxKey(b"\x0c" * 32)
AREA: Final = 99_01_01_01_01
START: Final = dt.datetime(2025, 6, 10, 12, tzinfo=dt.UTC)
LAST: Final = dt.date(2025, 6, 20)


@dataclass
class Records:
    """A database of bookings and mandates; `sent` is what all projectors on it sent."""

    dsn: str
    now: dt.datetime = START
    sent: list[OutboxRow] = field(default_factory=list)
    stores: list[PostgresHopStore] = field(default_factory=list)
    section_key_id: str = "section-1"
    settled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        with prepared(self.dsn, store.DDL):
            pass

    def projector(self, rules: RecordRules | None = None, *, seed: int | None = None) -> HouseholdRecords:
        """One more projector; with a `seed` its random orders are always the same."""
        self.stores.append(PostgresHopStore(self.dsn, "projector"))
        shuffle: Callable[[Any], None] = random.Random(seed).shuffle if seed is not None else random.shuffle
        return HouseholdRecords(
            self.stores[-1], lambda: (self.section_key_id, box_public_key(SECTION)),
            lambda key_id: self.settled.append(key_id) is None, lambda: SigningKey(b"\x07" * 32), Month(2025, 1),
            lambda: self.now, rules or RecordRules(), shuffle,
        )  # fmt: skip

    def put(self, rows: Sequence[OutboxRow]) -> None:
        """The sender's part: everything is acknowledged at once."""
        self.sent += rows
        self.execute("DELETE FROM hop_outbox")

    def tick(self, projector: HouseholdRecords) -> list[OutboxRow]:
        """What one tick sends."""
        before = len(self.sent)
        projector.tick(self)  # type: ignore[arg-type]
        return self.sent[before:]

    def records(self, projector: HouseholdRecords) -> list[dict[str, Any] | None]:
        """The same, decoded; None for a tombstone."""
        return [codec.decode("household_record", r.value) if r.value else None for r in self.tick(projector)]

    def execute(self, query: str, *values: Any) -> None:
        with prepared(self.dsn) as connection:
            connection.execute(query, values)

    def place(
        self, person: bytes, *stays: tuple[int, object, int], born: Month | None = None, version: int = 1
    ) -> None:
        """Where a person lives: (from day, name of the household, area) each."""
        packed = a_line(*stays, born=UNKNOWN_BIRTH if born is None else born.index)
        with prepared(self.dsn) as c:
            store.save_placements(c, {person: (version, packed)})

    def deliver(self, person: bytes, *, at: tuple[int, object, int], **row: Any) -> None:
        """One delivery, booked at a place, and the marks it leaves."""
        self.deliver_all(person, [a_ledger_row(**row)], at=at)

    def deliver_all(self, person: bytes, frames: Sequence[Any], *, at: tuple[int, object, int]) -> None:
        """The same of many at once."""
        rows = rows_of(b"".join(f.tobytes() for f in frames), LEDGER_ROW)
        made = booked(rows, *(rows["kind"].astype("i8") * 0,) * 2, Placements({person: a_line(at)}))[0]
        with prepared(self.dsn) as c:
            store.add_bookings(c, made)
            households = list(set(made["household"].tolist()))
            c.execute("UPDATE mandates SET marked = true WHERE household = ANY(%s)", (households,))

    def give(
        self, handle: bytes, person: bytes, *, purpose: str = "coordination", until: dt.date = LAST, gm: int = 9901
    ) -> None:
        """A mandate as the projector's table has it."""
        self.execute(
            "INSERT INTO mandates (handle, person, municipality, purpose, valid_until, given, marked) VALUES (%s, %s, %s, %s, %s, true, true)",
            handle, person, gm, purpose, day_number(until),
        )  # fmt: skip

    def close(self) -> None:
        for one in self.stores:
            one.close()


def plain(record: dict[str, Any]) -> dict[tuple[int, str], bytes]:
    """Every section's bytes under the vault's key, padding and all."""
    opened = {}
    for section, claim in zip(record["sections"], claims_of(record), strict=True):
        key = open_key_box(
            section_secret=SECTION, handle=record["handle"], version=record["version"], claim=claim
        ).data_key
        opened[section["member"], section["section_class"]] = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            section["ciphertext"],
            record["handle"] + record["version"].to_bytes(8, "big"),
            section["nonce"],
            key.reveal(),
        )
    return opened


def cards(record: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The opened cards of a record by class, without empty ones."""
    assert record is not None
    contents = {name: sodium.sodium_unpad(padded, len(padded)) for name, padded in plain(record).items()}
    return {name[1]: codec.decode("household_card", content) for name, content in contents.items() if content}


def cents(card: dict[str, Any]) -> int:
    """The sum of a card's lines."""
    return sum(int(line["cents"]) for line in card["lines"])
