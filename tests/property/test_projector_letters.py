"""What the projector can't open or prove is told by a letter, changes no book and stops nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from schemas import codec
from schemas.frames import ALWAYS, Kind
from schemas.sealing import seal_events, sha256, verify_key_of
from schemas.secrets import SigningKey
from streams.epoch_marker import marker
from streams.hop import InputRecord
from tests.property.books_in_memory import KEYS, RELEASE, TablesInMemory, projector, written
from tests.property.ledger_histories import AREAS, DAY, PARTITION, PERSONS, Placed, Said
from tests.unit.ledger_builders import a_hop_record

ANNE = next(p for p in PERSONS if PARTITION[p] == 0)
SERVICE = Said(ANNE, int(Kind.DELIVERED), cents=100, day=DAY, care_type=1, payer=9901, provider=98000001, volume=1)
GOOD = written([(Placed(ANNE, 1, ((ALWAYS, "home", AREAS[0]),)), SERVICE)])[0]
Fields = dict[str, Any]


def body_of(record: InputRecord) -> Fields:
    return codec.decode("person_events", codec.decode("hop_record", record.value)["body"])


def flipped(entry: Fields) -> Fields:
    return entry | {"sealed": entry["sealed"][:-1] + bytes([entry["sealed"][-1] ^ 1])}


def events_under(kind: str) -> Callable[[Fields], Fields]:
    """The first record's events sealed as something else."""
    return lambda f: (
        f
        | {
            kind: [{"person": ANNE, "sealed": seal_events(KEYS.keys([ANNE])[ANNE], ANNE, "events", b"")}],
            "events": [],
        }
    )


def after_the_good_one(bodies: list[tuple[str, bytes]]) -> tuple[TablesInMemory, list[Fields]]:
    """The tables and letters after the good record and others behind it."""
    tables, numbers, records = TablesInMemory(), {"ledger": 1, "release": 0}, [GOOD]
    for offset, (role, body) in enumerate(bodies, 1):
        numbers[role] += 1
        records.append(a_hop_record(body, role=role, number=numbers[role], partition=GOOD.partition, offset=offset))
    with projector(tables) as engine:
        sent = [row for window in engine.windows(records) for row in engine.process(window)]
    letters = [codec.decode("dead_letter", row.value) for row in sent if row.topic == "dead-letters.v1"]
    for letter in letters:
        assert (letter["topic"], letter["partition"], letter["role"]) == ("ledger.v1", GOOD.partition, "projector")
        assert letter["sha256"] == sha256(records[letter["offset"]].value)
    return tables, letters


@pytest.mark.parametrize(
    "spoil",
    [
        lambda f: f | {"events": [flipped(e) for e in f["events"]]},
        lambda f: f | {"placements": [flipped(p) | {"version": 2} for p in f["placements"]], "events": []},
        events_under("months"),
        events_under("mandates"),
    ],
    ids=["events", "placement", "months", "mandate"],
)
def test_a_part_that_does_not_open(spoil: Callable[[Fields], Fields]) -> None:
    good = body_of(GOOD)
    tables, letters = after_the_good_one(
        [("ledger", codec.encode("person_events", spoil(good))), ("ledger", codec.encode("person_events", good))]
    )
    assert [(x["reason"], x["offset"]) for x in letters] == [("part", 1)]
    assert tables.books() == {k: 2 * v for k, v in after_the_good_one([])[0].books().items()}


def test_a_marker_that_release_did_not_sign_closes_nothing() -> None:
    forged = marker(SigningKey.generate(), partition=GOOD.partition, epoch=0, month=24_000)
    real = marker(RELEASE, partition=GOOD.partition, epoch=0, month=24_000)
    tables, letters = after_the_good_one([("release", forged)])
    assert [(x["reason"], x["offset"]) for x in letters] == [("signature", 1)]
    assert tables.open_epochs == {}
    tables, letters = after_the_good_one([("release", forged), ("release", real)])
    assert (len(letters), tables.open_epochs) == (1, {GOOD.partition: 1})


def test_a_marker_signed_with_a_key_that_was_revoked_closes_nothing_from_that_moment_on() -> None:
    revoked_at = 5_000
    real = marker(RELEASE, partition=GOOD.partition, epoch=0, month=24_000)
    for appended, closed in ((revoked_at - 1, {GOOD.partition: 1}), (revoked_at, {})):
        tables = TablesInMemory()
        record = a_hop_record(real, role="release", number=1, partition=GOOD.partition)
        with projector(tables, release_keys=lambda ms: [verify_key_of(RELEASE)] if ms < revoked_at else []) as engine:
            for window in engine.windows([dataclasses.replace(record, timestamp_ms=appended)]):
                engine.process(window)
        assert tables.open_epochs == closed


def test_what_is_no_record_of_a_worker() -> None:
    record = InputRecord(0, 0, b"", b"\x00random", 0)
    with projector(TablesInMemory()) as engine:
        sent = [row for window in engine.windows([record]) for row in engine.process(window)]
    (letter,) = [codec.decode("dead_letter", row.value) for row in sent]
    assert (letter["reason"], letter["sha256"]) == ("unreadable", sha256(record.value))
