"""The ledger's rules, row by row: each code with a row that breaks it and its neighbour that does not."""

from __future__ import annotations

import numpy as np
import pytest
from ledger_builders import DAY, GUIDANCE, HOUR, PAYER, PROVIDER, TODAY, a_row, a_withdrawal, rows, sixteen

from schemas.codes import REASONS
from schemas.frames import LEDGER_ROW, NO_VALUE, OPEN_END, ZERO16, Kind
from schemas.values import MAX_LINE_CENTS, MAX_QUANTITY, day_number, day_of
from streams.ledger import TAKEN, Books, Judged, judge, oldest_day, prepare

ANNE, BRAM = sixteen("Anne"), sixteen("Bram")
FIVE_YEARS_BACK = oldest_day(TODAY)


def taken(
    *frames: np.ndarray, books: Books | None = None, subjects: list[bytes] | None = None,
    refusals: dict[int, str] | None = None, provider: int = PROVIDER,
) -> Judged:  # fmt: skip
    ready = prepare(
        rows(*frames), provider=provider, payers=frozenset({PAYER}), day=TODAY,
        subjects=[ANNE, BRAM] if subjects is None else subjects, refusals=refusals or {},
    )  # fmt: skip
    return judge(ready, books if books is not None else Books({}, set()))


def codes(judged: Judged) -> list[str]:
    return [code for _, code in judged.refused]


def written(judged: Judged) -> np.ndarray:
    return np.frombuffer(b"".join(row for _, row in judged.accepted), LEDGER_ROW)


@pytest.mark.parametrize(
    ("code", "breaks", "passes"),
    [
        ("subject", {"subject": 2}, {"subject": 1}),
        ("kind", {"kind": 3}, {"kind": Kind.GRANTED}),
        ("payer", {"payer": 9902}, {"payer": PAYER}),
        ("category", {"care_type": 99}, {"care_type": GUIDANCE}),
        ("unit", {"unit": 99}, {"unit": 0}),
        ("unit", {"kind": Kind.GRANTED, "frequency": 3}, {"kind": Kind.GRANTED, "frequency": 4}),
        ("period", {"to_day": DAY - 1}, {"to_day": DAY}),
        ("period", {"kind": Kind.GRANTED, "from_day": 2**31 - 1, "to_day": OPEN_END}, {"kind": Kind.GRANTED, "to_day": OPEN_END}),
        ("future", {"from_day": TODAY + 1}, {"from_day": TODAY}),
        ("too-old", {"from_day": FIVE_YEARS_BACK - 1}, {"from_day": FIVE_YEARS_BACK}),
        ("amount", {"cents": MAX_LINE_CENTS + 1}, {"cents": MAX_LINE_CENTS}),
        ("amount", {"cents": -1}, {"cents": 0}),
        ("amount", {"volume": MAX_QUANTITY + 1}, {"volume": MAX_QUANTITY}),
        ("amount", {"volume": -2}, {"volume": NO_VALUE}),
        ("amount", {"tariff": MAX_QUANTITY + 1}, {"tariff": 0}),
    ],
)  # fmt: skip
def test_a_row_that_breaks_a_rule_is_refused_with_its_code_and_its_neighbour_is_taken(code, breaks, passes) -> None:
    assert code in REASONS
    judged = taken(a_row("R1"), a_row("R2", **breaks), a_row("R3", **passes))
    assert judged.refused == [(1, code)]
    assert len(judged.accepted) == 2


def test_a_grant_may_begin_after_today_and_long_ago() -> None:
    judged = taken(
        a_row("R1", kind=Kind.GRANTED, from_day=TODAY + 60),
        a_row("R2", kind=Kind.GRANTED, from_day=FIVE_YEARS_BACK - 400),
    )
    assert judged.refused == []


def test_five_years_back_from_a_leap_day_is_the_last_of_february() -> None:
    import datetime as dt

    assert day_of(oldest_day(day_number(dt.date(2028, 2, 29)))) == dt.date(2023, 2, 28)


def test_the_code_of_a_refused_subject_is_the_code_of_its_rows_alone() -> None:
    judged = taken(a_row("R1"), a_row("R2", subject=1), subjects=[ANNE, ZERO16], refusals={1: "bsn"})
    assert judged.refused == [(1, "bsn")]


def test_a_subject_without_a_person_is_refused_even_where_intake_gave_no_code() -> None:
    assert codes(taken(a_row("R1"), subjects=[ZERO16])) == ["subject"]


def test_the_first_rule_a_row_breaks_gives_the_code() -> None:
    assert codes(taken(a_row("R1", payer=9902, care_type=99, cents=-1))) == ["payer"]
    assert codes(taken(a_row("R1", care_type=99, unit=99, from_day=TODAY + 1))) == ["category"]


def test_what_is_written_repeats_the_row_and_names_the_provider() -> None:
    row = written(taken(a_row("R1", cents=777, assignment="T1", product="44A35", tariff=50)))[0]
    assert (row["cents"], row["provider"], row["product"], row["tariff_cents"]) == (777, PROVIDER, b"44A35", 50)
    assert bytes(row["reference"]) == sixteen("R1")
    assert (row["from_day"], row["unit"]) == (DAY, HOUR)


def test_the_same_row_again_is_a_duplicate_and_counts_once() -> None:
    judged = taken(a_row("R1"), a_row("R1"))
    assert (len(judged.accepted), judged.duplicates, judged.refused) == (1, 1, [])


def test_a_reference_used_for_something_else_is_8021() -> None:
    assert codes(taken(a_row("R1"), a_row("R1", cents=1))) == ["8021"]


def test_a_reference_used_for_another_person_is_8021() -> None:
    assert codes(taken(a_row("R1"), a_row("R1", subject=1))) == ["8021"]


def test_two_providers_may_use_the_same_reference() -> None:
    books = Books({}, set())
    taken(a_row("R1"), books=books)
    assert taken(a_row("R1", cents=1), books=books, provider=PROVIDER + 1).refused == []


def test_a_changed_grant_needs_a_new_reference() -> None:
    grant = a_row("G1", kind=Kind.GRANTED)
    assert taken(grant, grant).duplicates == 1
    assert codes(taken(grant, a_row("G1", kind=Kind.GRANTED, volume=1))) == ["8021"]


def test_a_grant_of_the_same_assignment_takes_the_one_before_back_word_for_word() -> None:
    books = Books({}, set())
    judged = taken(
        a_row("G1", kind=Kind.GRANTED, assignment="T1", volume=100, frequency=2, to_day=OPEN_END),
        a_row("G2", kind=Kind.GRANTED, assignment="T1", volume=200, frequency=2, to_day=DAY + 60),
        a_row("G3", kind=Kind.GRANTED, assignment="T2"), a_row("G4", kind=Kind.GRANTED), a_row("G5", kind=Kind.GRANTED),
        books=books,
    )  # fmt: skip
    assert len(judged.accepted) == 5
    out = written(judged)
    assert out["kind"].tolist() == [Kind.GRANTED, Kind.GRANT_ENDED, *[Kind.GRANTED] * 4]
    ended, first = out[1].copy(), out[0].copy()
    ended["kind"] = first["kind"]
    assert ended == first
    again = taken(a_row("G6", kind=Kind.GRANTED, assignment="T1", volume=300), books=books)
    assert written(again)["volume"].tolist() == [200, 300]
    assert written(again)["kind"].tolist() == [Kind.GRANT_ENDED, Kind.GRANTED]


def test_a_grant_that_was_refused_or_is_known_takes_nothing_back_nor_does_anothers() -> None:
    books = Books({}, set())
    first = a_row("G1", kind=Kind.GRANTED, assignment="T1")
    taken(first, books=books)
    assert taken(first, books=books).duplicates == 1
    assert codes(taken(a_row("G2", kind=Kind.GRANTED, assignment="T1", cents=-1), books=books)) == ["amount"]
    others = taken(a_row("G1", kind=Kind.GRANTED, assignment="T1"), books=books, provider=PROVIDER + 1)
    assert written(others)["kind"].tolist() == [Kind.GRANTED]
    bram = taken(a_row("G3", kind=Kind.GRANTED, assignment="T1", subject=1), books=books)
    assert written(bram)["kind"].tolist() == [Kind.GRANTED], (
        "a number that goes to another person ends nothing of the first"
    )


def test_a_second_debit_for_assignment_product_and_period_is_9389() -> None:
    assert codes(taken(a_row("R1", assignment="T1"), a_row("R2", assignment="T1", cents=1))) == ["9389"]


@pytest.mark.parametrize(
    "other",
    [{"assignment": "T2"}, {"product": "01A06"}, {"care_type": GUIDANCE}, {"from_day": DAY + 1}, {"to_day": DAY + 5}, {"subject": 1},
     {"assignment": None}],
)  # fmt: skip
def test_a_debit_that_differs_in_one_of_them_stands_beside_the_first(other) -> None:
    assert taken(a_row("R1", assignment="T1"), a_row("R2", **({"assignment": "T1"} | other))).refused == []


def test_debits_without_an_assignment_never_stand_in_each_others_way() -> None:
    assert taken(a_row("R1"), a_row("R2")).refused == []


def test_a_grant_stands_in_no_debits_way() -> None:
    assert taken(a_row("G1", kind=Kind.GRANTED, assignment="T1"), a_row("R1", assignment="T1")).refused == []


def test_after_its_credit_a_debit_may_be_declared_anew() -> None:
    judged = taken(
        a_row("R1", assignment="T1"), a_withdrawal("R1", assignment="T1"), a_row("R2", assignment="T1", cents=1),
        a_row("R3", assignment="T1"),
    )  # fmt: skip
    assert judged.refused == [(3, "9389")]


def test_a_withdrawal_is_written_as_its_debit_in_all_but_the_kind_and_then_as_it_was_said() -> None:
    debit, credit, said = written(taken(a_row("R1", cents=900, volume=3), a_withdrawal("R1", cents=5, volume=1)))
    assert credit["kind"] == Kind.WITHDRAWN
    assert (said["kind"], said["cents"], said["volume"]) == (Kind.WITHDRAWAL_SAID, 5, 1)
    assert said["reference"] != debit["reference"]
    assert [debit[n] for n in LEDGER_ROW.names if n != "kind"] == [credit[n] for n in LEDGER_ROW.names if n != "kind"]


def test_a_credit_without_a_known_debit_is_8017() -> None:
    assert codes(taken(a_withdrawal("R9"))) == ["8017"]


def test_a_credit_naming_another_persons_debit_is_8017() -> None:
    assert codes(taken(a_row("R1"), a_withdrawal("R1", subject=1))) == ["8017"]


def test_a_credit_naming_another_providers_debit_is_8017() -> None:
    books = Books({}, set())
    taken(a_row("R1"), books=books)
    assert codes(taken(a_withdrawal("R1"), books=books, provider=PROVIDER + 1)) == ["8017"]


def test_neither_a_grant_nor_a_credit_can_be_credited() -> None:
    judged = taken(
        a_row("G1", kind=Kind.GRANTED),
        a_withdrawal("G1", "C1"),
        a_row("R1"),
        a_withdrawal("R1", "C2"),
        a_withdrawal("C2", "C3"),
    )
    assert judged.refused == [(1, "8017"), (4, "8017")]


def test_a_second_credit_is_9390() -> None:
    assert codes(taken(a_row("R1"), a_withdrawal("R1", "C1"), a_withdrawal("R1", "C2"))) == ["9390"]


def test_the_same_credit_again_is_a_duplicate() -> None:
    judged = taken(a_row("R1"), a_withdrawal("R1"), a_withdrawal("R1"))
    assert (judged.duplicates, judged.refused) == (1, [])


@pytest.mark.parametrize("other", [{"cents": 1}, {"previous": "R2"}])
def test_a_credits_reference_used_for_another_credit_is_8021(other) -> None:
    again = a_row("C1", kind=Kind.WITHDRAWN, **({"previous": "R1"} | other))
    assert codes(taken(a_row("R1"), a_row("R2"), a_withdrawal("R1"), again)) == ["8021"]


def test_a_refused_row_leaves_no_trace_in_the_books() -> None:
    books = Books({}, set())
    taken(a_row("R1", assignment="T1", cents=-1), a_withdrawal("R1"), books=books)
    assert (books.added, books.opened, books.withdrawn) == ({}, set(), set())


def test_later_envelopes_of_a_window_see_what_earlier_ones_did() -> None:
    books = Books({}, set())
    taken(a_row("R1", assignment="T1"), books=books)
    assert codes(taken(a_row("R2", assignment="T1"), books=books)) == ["9389"]
    taken(a_withdrawal("R1"), books=books)
    assert taken(a_row("R2", assignment="T1"), books=books).refused == []
    assert len(books.opened) == 1


def test_every_kind_of_row_has_its_rule() -> None:
    assert set(TAKEN) == set(Kind) - {Kind.GRANT_ENDED, Kind.WITHDRAWAL_SAID}, "those the ledger alone writes"


def test_no_rows_are_nothing() -> None:
    assert taken() == Judged()
