"""The projector tells municipalities whose retention period has passed, on a real PostgreSQL: once, again each week, and takes it back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from retention_builders import IDENTITY, IDENTITY_ID, PROJECTOR, key_of
from test_erasures_rebuilt import Log, log

from schemas import codec
from schemas.care import CARE_TYPES, Stream
from schemas.frames import ALWAYS, OPEN_END, Kind
from schemas.retention import Notice, request_of
from schemas.retention_rules import RetentionRules
from schemas.sealing import box_public_key, open_sealed
from schemas.values import day_number
from streams import projector_store as store
from streams.hop_store import PostgresHopStore
from streams.ledger import ledger_rows
from streams.retention_notices import RetentionNotices
from tests.unit.ledger_builders import PROVIDER, a_ledger_row, a_line, a_row

pytestmark = pytest.mark.servers
__all__ = ["log"]
TODAY = dt.date(2026, 12, 1)
YOUTH, WMO = (next(c.id for c in CARE_TYPES.values() if c.stream is s) for s in (Stream.JEUGDWET, Stream.WMO))
ANNE, BRAM, COR = (bytes([n]) * 16 for n in (1, 2, 3))
HOME, ELSEWHERE = 9901_01_01_03, 9902_01_01_03


class Round:
    """The tick of a projector over the books of a log, a day at a time. `persons`: in a page."""

    def __init__(self, log: Log, *, persons: int = 2, rules: RetentionRules | None = None) -> None:
        self.log, self.day = log, TODAY
        identity = IDENTITY_ID, box_public_key(IDENTITY)
        self.notices = RetentionNotices(
            PostgresHopStore(log.live, "projector"), rules or RetentionRules(), frozenset({9901, 9902}), lambda: identity, lambda: PROJECTOR,
            lambda: self.day, persons,
        )  # fmt: skip

    def said(self, day: dt.date = TODAY, *, ticks: int = 6) -> dict[tuple[str, bytes], Notice | None]:
        """All that is told on a day: (topic, person) -> the notice, None where it is taken back."""
        self.day, found = day, {}
        persons = {request_of(p): p for p in (ANNE, BRAM, COR)}
        for _ in range(ticks):
            with self.notices.store.transaction() as tx:
                for output in self.notices.outputs(tx):
                    notice = Notice.proved(output.body, key_of) if output.body else None
                    if notice is not None:
                        assert open_sealed(IDENTITY, notice.person) == persons[output.key]
                        assert persons[output.key] not in output.body
                    found[output.topic, persons[output.key]] = notice
        return found


@pytest.fixture
def rounds(log: Log) -> Iterator[Round]:
    made = Round(log)
    yield made
    made.notices.store.close()


def care(person: bytes, care_type: int, first: dt.date, *, days: int = 27, log: Log, **fields: Any) -> None:
    day = day_number(first)
    until = OPEN_END if days < 0 else day + days
    row = a_row(f"{person[0]}{first}", care_type=care_type, from_day=day, to_day=until, **fields)
    log.say(events={person: ledger_rows(row, PROVIDER)})
    log.work(100)


def test_who_is_due_is_told_of_once_a_week_to_the_municipality_where_he_or_she_lives(log: Log, rounds: Round) -> None:
    care(ANNE, YOUTH, dt.date(2006, 11, 1), log=log)
    care(BRAM, YOUTH, dt.date(2006, 12, 1), log=log)
    care(COR, WMO, dt.date(2011, 11, 1), log=log)
    log.say(placed={COR: a_line((ALWAYS, "home", ELSEWHERE))})
    log.work(100)
    told = rounds.said()
    assert set(told) == {("retention.gm9901.v1", ANNE), ("retention.gm9902.v1", COR)}, (
        "Anne where it was paid, Cor where he lives"
    )
    anne = told["retention.gm9901.v1", ANNE]
    assert anne is not None
    assert (anne.laws, anne.since, anne.checked_on, anne.preview_days, anne.municipality) == (
        (("jeugdwet", 2006),), day_number(TODAY), day_number(TODAY), 30, 9901,
    )  # fmt: skip
    assert rounds.said() == {}, "the day's round is over"
    assert rounds.said(TODAY + dt.timedelta(days=6)) == {}
    again = rounds.said(TODAY + dt.timedelta(days=7))
    assert [(n.since, n.checked_on) for n in again.values() if n] == [(day_number(TODAY), day_number(TODAY) + 7)] * 2
    assert set(rounds.said(dt.date(2027, 1, 1))) == {*told, ("retention.gm9901.v1", BRAM)}


def test_new_care_a_move_and_an_erasure_take_a_notice_back(log: Log, rounds: Round) -> None:
    for person in (ANNE, BRAM, COR):
        care(person, WMO, dt.date(2011, 11, 1), log=log)
    assert len(rounds.said()) == 3
    care(ANNE, YOUTH, dt.date(2026, 11, 1), log=log)
    log.say(placed={BRAM: a_line((ALWAYS, "home", ELSEWHERE))}, erased=[COR])
    log.work(100)
    next_day = TODAY + dt.timedelta(days=1)
    told = rounds.said(next_day)
    assert {k: n and n.since for k, n in told.items()} == {
        ("retention.gm9901.v1", ANNE): None, ("retention.gm9901.v1", BRAM): None, ("retention.gm9901.v1", COR): None,
        ("retention.gm9902.v1", BRAM): day_number(next_day),
    }  # fmt: skip


def test_a_file_is_kept_as_long_as_what_lasts_beyond_its_first_month_and_no_longer_when_that_is_taken_back(
    log: Log, rounds: Round
) -> None:
    care(ANNE, WMO, dt.date(2008, 1, 1), days=5 * 365, log=log)
    care(BRAM, WMO, dt.date(2008, 1, 1), days=-1, kind=Kind.GRANTED, log=log)
    assert rounds.said() == {}
    day = day_number(dt.date(2008, 1, 1))
    fields = {"care_type": WMO, "from_day": day, "to_day": OPEN_END}
    ended = (
        a_ledger_row(kind=Kind.GRANT_ENDED, **fields).tobytes()
        + a_ledger_row(kind=Kind.GRANTED, care_type=WMO, from_day=day, to_day=day + 60).tobytes()
    )
    log.say(events={BRAM: ended})
    log.work(100)
    assert set(rounds.said(TODAY + dt.timedelta(days=1))) == {("retention.gm9901.v1", BRAM)}
    assert set(rounds.said(dt.date(2028, 1, 1))) == {("retention.gm9901.v1", ANNE), ("retention.gm9901.v1", BRAM)}
    assert log.rebuilt("ends", at_once=2) == log.hash_of(log.live)


def test_a_round_that_is_broken_off_goes_on_and_tells_each_once(log: Log, rounds: Round) -> None:
    for person in (ANNE, BRAM, COR):
        care(person, WMO, dt.date(2011, 11, 1), log=log)
    with rounds.notices.store.transaction() as tx:
        assert len(rounds.notices.outputs(tx)) == 2
        raise psycopg.Rollback
    other = Round(log, persons=1)
    first, second = rounds.said(ticks=1), other.said(ticks=9)
    assert (len(first), len(second), first.keys() & second.keys()) == (2, 1, set())
    other.notices.store.close()


def test_while_kafka_is_away_nothing_piles_up(log: Log, rounds: Round) -> None:
    care(ANNE, WMO, dt.date(2011, 11, 1), log=log)
    with rounds.notices.store.transaction() as tx:
        sent = rounds.notices.store.add_outputs(tx, rounds.notices.outputs(tx))
    assert [r.topic for r in sent] == ["retention.gm9901.v1"]
    assert rounds.said(dt.date(2027, 1, 1)) == {}
    with rounds.notices.store.transaction() as tx:
        rounds.notices.store.delete(tx, [r.id for r in sent])
    assert len(rounds.said(dt.date(2027, 1, 1))) == 1
    assert codec.name_of(sent[0].value or b"") == "signed_retention_notice"


def test_books_from_before_ends_were_kept_tell_nobody_and_a_clock_that_ran_ahead_holds_nothing_up(
    log: Log, rounds: Round
) -> None:
    care(ANNE, WMO, dt.date(2011, 11, 1), log=log)
    with psycopg.connect(log.live) as c:
        c.execute("UPDATE retention_rounds SET day = %s", (day_number(dt.date(2099, 1, 1)),))
    assert len(rounds.said()) == 1
    with psycopg.connect(log.live) as c:
        c.execute("DROP TABLE retention_rounds")
        for statement in store.DDL:
            c.execute(statement.encode())
    assert rounds.said(dt.date(2027, 1, 1)) == {}
