"""Whose period has passed, what a standing decision of two may do and what it may not: without servers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from erasure_builders import MUNICIPALITY, SIGNERS, STRANGER, a_decision, signed
from retention_builders import PERSON, PREVIEW, PROJECTOR, SINCE, a_notice, a_standing, a_use, key_of
from test_erasure_rules import PROJECTOR as CALLER
from vault_builders import DAY, VaultInMemory

from keyvault.erasure_work import ErasureWork
from projections.bookings import BOOKING, Placements, booked
from projections.retention import is_due, last_months, lasting, months_of, oldest_kept_day
from schemas import codec
from schemas.care import CARE_TYPES, Stream
from schemas.envelope import Header
from schemas.erasure import GROUNDS, RETENTION
from schemas.errors import Refused, SettingsWrong
from schemas.frames import LEDGER_ROW, OPEN_END, Kind
from schemas.retention import LONGEST_DAYS, Notice, Standing, decided, may_be_about, request_of
from schemas.retention_rules import RetentionRules
from schemas.secrets import SigningKey
from schemas.values import Month, SenderId, day_number
from streams.ledger_envelope import Work

ANNE, BART, _ = SIGNERS
JEUGD, WMO, ZVW = (
    next(c.id for c in CARE_TYPES.values() if c.stream is s) for s in (Stream.JEUGDWET, Stream.WMO, Stream.ZVW)
)
RULES = RetentionRules()
NOVEMBER = dt.date(2006, 11, 30)


# --- who is due ---------------------------------------------------------------------------------------------------


def a_row(care_type: int, first: dt.date, last: dt.date | None = None, kind: Kind = Kind.DELIVERED) -> np.ndarray:
    row = np.zeros(1, LEDGER_ROW)
    row["kind"], row["care_type"], row["payer"], row["cents"] = kind, care_type, 9901, 100
    row["from_day"], row["to_day"] = day_number(first), OPEN_END if last is None else day_number(last)
    return row


def last_of(*rows: np.ndarray, person: bytes = PERSON) -> dict[Stream, int]:
    """As the projector finds it: bookings of the rows, and the ends of what lasts."""
    together = np.concatenate(rows)
    places = Placements({person: b""})
    standing, _ = booked(together, np.zeros(len(together), np.int64), np.zeros(len(together), np.int64), places)
    long = together[lasting(together)]
    ends = [(person, int(c), int(m)) for c, m in zip(long["care_type"], months_of(long["to_day"]), strict=True)]
    return last_months(standing, ends).get(person, {})


def due(on: dt.date, *rows: np.ndarray, rules: RetentionRules = RULES) -> bool:
    return is_due(last_of(*rows), rules, month=Month.of(on).index)


def test_a_youth_file_goes_twenty_years_and_a_day_after_its_last_month_and_not_before() -> None:
    care = a_row(JEUGD, dt.date(2006, 11, 1), NOVEMBER)
    assert due(dt.date(2026, 12, 1), care)
    assert not due(dt.date(2026, 11, 30), care)
    assert not due(dt.date(2025, 12, 1), care), "nineteen years"


def test_of_two_laws_the_longest_period_counts() -> None:
    wmo, youth = a_row(WMO, dt.date(2006, 1, 1), dt.date(2006, 1, 31)), a_row(JEUGD, dt.date(2006, 11, 1), NOVEMBER)
    assert due(dt.date(2021, 2, 1), wmo)
    assert not due(dt.date(2021, 2, 1), wmo, youth)
    assert due(dt.date(2026, 12, 1), wmo, youth)


def test_a_law_without_a_period_keeps_the_whole_file() -> None:
    old = a_row(WMO, dt.date(1990, 1, 1), dt.date(1990, 1, 31))
    assert not due(dt.date(2026, 12, 1), old, a_row(ZVW, dt.date(1990, 1, 1), dt.date(1990, 1, 31)))
    with_zvw = RetentionRules({Stream.WMO: 15, Stream.ZVW: 20})
    assert due(dt.date(2026, 12, 1), old, a_row(ZVW, dt.date(1990, 1, 1), dt.date(1990, 1, 31)), rules=with_zvw)
    assert not due(dt.date(2026, 12, 1), old, rules=RetentionRules({}))


def test_a_period_counts_from_the_end_of_what_was_delivered_or_granted_not_from_its_begin() -> None:
    for kind in (Kind.DELIVERED, Kind.GRANTED):
        long = a_row(WMO, dt.date(2004, 1, 1), dt.date(2008, 6, 30), kind)
        assert not due(dt.date(2019, 2, 1), long)
        assert not due(dt.date(2023, 6, 30), long)
        assert due(dt.date(2023, 7, 1), long)
    assert not due(dt.date(2100, 1, 1), a_row(WMO, dt.date(2004, 1, 1), None, Kind.GRANTED)), "a grant without an end"


def test_who_has_nothing_booked_is_never_due() -> None:
    assert last_months(np.zeros(0, BOOKING), [(PERSON, WMO, 0)]) == {}
    assert not is_due({}, RULES, month=Month(2026, 12).index)


def test_what_erased_persons_left_is_nobodys() -> None:
    rows = np.zeros(1, BOOKING)
    rows["person"] = rows["household"] = np.void(b"c" * 16)
    rows["care_type"] = WMO
    assert last_months(rows, []) == {}


def test_who_has_nothing_before_the_shortest_period_is_not_even_looked_at() -> None:
    month = Month(2026, 12).index
    assert oldest_kept_day(RULES, month=month) == day_number(dt.date(2011, 12, 1))
    assert oldest_kept_day(RetentionRules({}), month=month) is None


@pytest.mark.parametrize(
    "setting",
    [{"retention_years": []}, {"retention_years": {"awbz": 15}}, {"retention_years": {"wmo": 0}}, {"retention_years": {"wmo": 15.5}},
     {"retention_years": {"wmo": True}}, {"retention_years": {"wmo": "15"}}, {"retention_years": None}, {"retention_preview_days": 0},
     {"retention_preview_days": "30"}, {"retention_preview_days": 366}],
)  # fmt: skip
def test_a_wrong_setting_is_one_sentence_that_names_it(setting: dict) -> None:
    with pytest.raises(SettingsWrong, match=next(iter(setting))):
        RetentionRules.of(setting)


def test_periods_are_those_of_the_law_or_of_the_setting() -> None:
    assert RetentionRules.of({}).years == {Stream.JEUGDWET: 20, Stream.WMO: 15}
    assert RetentionRules.of({"retention_years": {"zvw": 20}}).years == {Stream.ZVW: 20}
    assert RetentionRules.of({"retention_years": {}}).shortest_months is None


# --- the standing decision ----------------------------------------------------------------------------------------


def test_two_grantors_decide_once_and_it_counts_for_a_notice_of_the_projector() -> None:
    found = decided(a_use(), key_of, on=SINCE + PREVIEW + 2)
    assert (found.deciders, found.decision.ground, found.decision.request) == (
        (ANNE, BART),
        RETENTION,
        request_of(PERSON),
    )
    assert decided(signed(), key_of).decision.ground == "avg-17", "a decision on one request counts as before"
    assert RETENTION not in GROUNDS, "nobody asks on this ground"
    with pytest.raises(Refused):
        decided(signed(a_decision(ground=RETENTION)), key_of)


@pytest.mark.parametrize(
    ("use", "code"),
    [
        (a_use(standing=a_standing(ANNE)), "erasure-signatures"),
        (a_use(standing=a_standing(ANNE, ANNE)), "erasure-signatures"),
        (a_use(standing=a_standing(ANNE, STRANGER[0])), "erasure-signatures"),
        (a_use(standing=a_standing(municipality=9902)), "erasure-signatures"),
        (a_use(standing=a_standing(valid_until=SINCE + LONGEST_DAYS)), "retention-decision"),
        (a_use(standing=a_standing(valid_until=SINCE - 1)), "retention-decision"),
        (a_use(standing=a_standing(valid_until=SINCE + PREVIEW)), "retention-decision"),
        (a_use(a_notice(municipality=9902)), "retention-notice"),
        (a_use(a_notice(checked_on=SINCE + PREVIEW - 1)), "retention-notice"),
        (a_use(a_notice(key=SigningKey(b"\x77" * 32))), "retention-notice"),
        (a_use(a_notice(key=SIGNERS[ANNE])), "retention-notice"),
        (a_use(notice=signed()), "schema"),
        (a_use(standing=signed()), "schema"),
        (a_standing(), "schema"),
        (a_notice(), "schema"),
    ],
    ids=["one signature", "the same twice", "one of another municipality", "of another municipality", "more than a year", "backwards",
         "expired", "notice of another municipality", "preview too short", "not the projector's", "a grantor's own notice", "no notice",
         "a decision on one request", "a decision alone", "a notice alone"],
)  # fmt: skip
def test_anything_less_erases_nobody(use: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        decided(use, key_of, on=SINCE + PREVIEW + 2)
    assert refused.value.code == code


@pytest.mark.parametrize("on", [SINCE - 1, SINCE + 301])
def test_a_standing_decision_counts_on_its_own_days(on: int) -> None:
    with pytest.raises(Refused) as refused:
        decided(a_use(), key_of, on=on)
    assert refused.value.code == "retention-decision"


def test_every_changed_byte_of_a_use_is_refused_or_changes_nothing_that_counts() -> None:
    data = a_use()
    for at in range(len(data)):
        with pytest.raises(Refused):
            decided(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], key_of, on=SINCE + PREVIEW + 2)


def test_a_notice_is_about_one_person_and_names_nobody() -> None:
    decision = decided(a_use(), key_of).decision
    assert may_be_about(decision, PERSON)
    assert not may_be_about(decision, b"\x32" * 16)
    assert may_be_about(a_decision(), b"\x32" * 16), "a decision on one request is bound where it was asked"
    notice = a_notice()
    assert PERSON not in notice
    assert "person" not in repr(Notice.read(notice))


def test_the_keyvault_destroys_no_other_key_by_it_and_none_without(tmp_path: Path) -> None:
    here, other = VaultInMemory(tmp_path), b"q" * 16
    here.store.person_keys([PERSON, other], make=True, today=DAY)
    work = ErasureWork(here.vault, key_of, lambda _: None)
    for person, use in (
        (other, a_use()),
        (PERSON, a_use(standing=a_standing(ANNE))),
        (PERSON, a_use(a_notice(key=SIGNERS[BART]))),
    ):
        with pytest.raises(Refused):
            work.erase(CALLER, codec.encode("vault_erase", {"person": person, "decision": use}))
    assert None not in here.store.person_keys([PERSON, other], make=False, today=DAY)
    work.erase(CALLER, codec.encode("vault_erase", {"person": PERSON, "decision": a_use()}))
    assert here.store.person_keys([PERSON], make=False, today=DAY) == [None]
    done = here.store.erasure(request_of(PERSON))
    assert done is not None
    assert (done.decision.ground, done.decision.municipality, done.deciders) == (RETENTION, MUNICIPALITY, (ANNE, BART))
    assert here.results() == ["erasure-request", "erasure-signatures", "retention-notice", "given"]


def test_a_standing_decision_says_what_it_was_signed_for() -> None:
    said, names = Standing.read(a_standing())
    assert (said.municipality, said.valid_from, names) == (MUNICIPALITY, SINCE, (ANNE, BART))
    assert PROJECTOR.reveal() not in a_notice()


def test_the_ledger_erases_nobody_else_by_it_and_none_after_its_last_day() -> None:
    heard = {"request": request_of(PERSON), "code": "0200", "person": PERSON, "decision": a_use()}
    found = []
    for changes, day in (
        ({}, SINCE + 31),
        ({"person": b"q" * 16}, SINCE + 31),
        ({}, SINCE + 301),
        ({"request": b"q" * 16}, SINCE + 31),
    ):
        fields = {"erasures": [heard | changes], "appended_ms": day * 86_400_000}
        taken: Any = SimpleNamespace(payload=SimpleNamespace(fields=fields))
        work = Work(taken, cast("Header", SimpleNamespace(sender=SenderId("gm9901"))), [])
        work.erase(key_of)
        found.append((work.erased, [code for _, _, code in work.not_erased]))
    assert found == [
        ([(PERSON, heard["decision"])], []),
        ([], ["erasure-request"]),
        ([], ["retention-decision"]),
        ([], ["erasure-request"]),
    ]
