"""What a municipality and a provider may say besides rows, and what is refused of it."""

from __future__ import annotations

import pytest
from ledger_builders import PAYER, TODAY, sixteen

from schemas import codec
from schemas.codes import REASONS
from schemas.frames import ZERO16
from schemas.mandate_rules import MandateRules
from schemas.values import Month, SenderId, day_of
from streams.ledger_mandates import Limits, MandateBook, Said, hear

ANNE, BRAM = sixteen("Anne"), sixteen("Bram")
GRANTOR, OTHER, PROVIDER = SenderId("gm9901"), SenderId("gm9902"), SenderId("p12345678")
ENOUGH = Limits(households={9901: 1000, 9902: 1000})
NOW = Month.of(day_of(TODAY)).index


def a_mandate(handle: object = "H1", **fields: object) -> dict:
    return {
        "subject": 0, "handle": sixteen(handle), "reader": "caseworker-gm9901-1", "purpose": "coordination", "ground": "wmo-2.3.2",
        "valid_from": TODAY, "valid_until": TODAY + 90,
    } | fields  # fmt: skip


def a_month(**fields: object) -> dict:
    return {"payer": PAYER, "stream": "wmo", "month": NOW - 1, "nothing_delivered": False} | fields


def heard(
    *,
    sender: SenderId = GRANTOR,
    book: MandateBook | None = None,
    keyed: object = (ANNE, BRAM),
    limits: Limits = ENOUGH,
    **content: list,
) -> Said:
    empty: dict = {"rows": b"", "mandates": [], "mandates_withdrawn": [], "months": []}
    return hear(
        empty | content, sender=sender, payers=frozenset({PAYER}), persons=[ANNE, BRAM, ZERO16], keyed=keyed, day=TODAY,
        book=MandateBook({}) if book is None else book, limits=limits,
    )  # fmt: skip


def codes(said: Said) -> list[str]:
    return [code for _, _, code in said.refused]


def test_a_mandate_becomes_a_change_for_its_person_that_names_the_grantor() -> None:
    said = heard(mandates=[a_mandate()])
    ((person, change),) = said.changes
    fields = codec.decode("mandate_change", change)
    assert person == ANNE
    assert (fields["municipality"], fields["given"], fields["handle"]) == (9901, True, sixteen("H1"))
    assert "subject" not in fields


@pytest.mark.parametrize(
    ("code", "breaks", "passes"),
    [
        ("subject", {"subject": 2}, {"subject": 1}),
        ("subject", {"subject": 3}, {"subject": 0}),
        ("subject", {"subject": -1}, {"subject": 0}),
        ("period", {"valid_until": TODAY - 1}, {"valid_until": TODAY}),
        ("period", {"valid_until": 2**31 - 1}, {"valid_until": TODAY + 365}),
        ("mandate-period", {"valid_until": TODAY + 366}, {"valid_until": TODAY + 365}),
        ("purpose", {"purpose": "toegang"}, {"purpose": "assessment"}),
        ("mandate-reader", {"reader": "caseworker-gm9902-1"}, {"reader": "caseworker-gm9901-team-3"}),
        ("mandate-reader", {"reader": "gm9901"}, {"reader": "caseworker-gm9901-1"}),
        ("mandate-reader", {"reader": "caseworker-gm9901-"}, {"reader": "caseworker-gm9901-x"}),
    ],
)
def test_a_mandate_that_breaks_a_rule_is_refused_and_its_neighbour_is_taken(code, breaks, passes) -> None:
    said = heard(mandates=[a_mandate("H1", **breaks), a_mandate("H2", **passes)])
    assert said.refused == [(0, sixteen("H1"), code)]
    assert len(said.changes) == 1
    assert code in REASONS


def test_no_more_households_than_the_rules_allow_are_under_live_mandates() -> None:
    book, two = MandateBook({}), Limits(MandateRules(live_share=0.5), {9901: 2})
    assert codes(heard(mandates=[a_mandate("H1"), a_mandate("H2")], book=book, limits=two)) == []
    assert codes(heard(mandates=[a_mandate("H3", subject=1)], book=book, limits=two)) == ["mandate-limit"]
    assert codes(heard(mandates=[a_mandate("H4")], book=book, limits=two)) == [], "another reader of the same household"
    nearly = MandateBook({}, live={9901: {BRAM}})
    assert codes(heard(mandates=[a_mandate("H5"), a_mandate("H6", subject=1)], book=nearly, limits=two)) == [
        "mandate-limit"
    ]
    assert (
        codes(heard(mandates=[a_mandate("H7", reader="caseworker-gm9902-1")], sender=OTHER, book=book, limits=two))
        == []
    )


def test_only_a_municipality_gives_and_withdraws_mandates() -> None:
    assert (
        codes(heard(sender=PROVIDER, mandates=[a_mandate()], mandates_withdrawn=[sixteen("H1")]))
        == ["mandate-sender"] * 2
    )


@pytest.mark.parametrize("other", [{"subject": 1}, {"reader": "caseworker-gm9901-2"}, {"valid_until": TODAY + 1}])
def test_a_handle_used_for_another_mandate_is_refused(other) -> None:
    assert codes(heard(mandates=[a_mandate(), a_mandate(**other)])) == ["mandate-handle"]


def test_a_handle_another_municipality_used_is_refused() -> None:
    book = MandateBook({})
    heard(book=book, mandates=[a_mandate()])
    theirs = a_mandate(reader="caseworker-gm9902-1")
    assert codes(heard(book=book, sender=OTHER, mandates=[theirs])) == ["mandate-handle"]


def test_the_same_mandate_sent_again_changes_nothing() -> None:
    book = MandateBook({})
    heard(book=book, mandates=[a_mandate()], mandates_withdrawn=[sixteen("H1")])
    said = heard(book=book, mandates=[a_mandate()], mandates_withdrawn=[sixteen("H1")])
    assert (said.changes, said.refused, said.duplicates) == ([], [], 2)
    assert book.known[sixteen("H1")].withdrawn


def test_a_withdrawal_reaches_the_person_of_the_mandate_without_naming_a_subject() -> None:
    book = MandateBook({})
    heard(book=book, mandates=[a_mandate(subject=1)])
    ((person, change),) = heard(book=book, mandates_withdrawn=[sixteen("H1")]).changes
    assert person == BRAM
    assert codec.decode("mandate_change", change)["given"] is False


def test_a_mandate_is_withdrawn_only_by_the_municipality_that_gave_it() -> None:
    book = MandateBook({})
    heard(book=book, mandates=[a_mandate()])
    assert codes(heard(book=book, sender=OTHER, mandates_withdrawn=[sixteen("H1")])) == ["mandate-handle"]
    assert codes(heard(book=book, mandates_withdrawn=[sixteen("H2")])) == ["mandate-handle"]


def test_nothing_is_written_about_someone_whose_key_is_gone() -> None:
    book = MandateBook({})
    heard(book=book, mandates=[a_mandate()])
    assert codes(heard(book=book, keyed=(BRAM,), mandates_withdrawn=[sixteen("H1")])) == ["subject"]


@pytest.mark.parametrize(
    ("code", "breaks"),
    [
        ("payer", {"payer": 9902}),
        ("category", {"stream": "overig"}),
        ("future", {"month": NOW + 1}),
        ("too-old", {"month": -1}),
    ],
)
def test_a_month_that_breaks_a_rule_is_refused_and_its_neighbour_is_closed(code, breaks) -> None:
    said = heard(sender=PROVIDER, months=[a_month(**breaks), a_month(month=NOW)])
    assert said.refused == [(0, ZERO16, code)]
    assert said.months == [a_month(month=NOW)]
    assert said.accepted == 1


def test_a_municipality_closes_no_months() -> None:
    assert codes(heard(months=[a_month()])) == ["kind"]
