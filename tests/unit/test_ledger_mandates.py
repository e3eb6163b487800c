"""What a municipality and a provider may say besides rows, and what is refused of it."""

from __future__ import annotations

import pytest
from ledger_builders import (
    GRANTOR,
    GRANTOR_KEY,
    GRANTOR_KEY_ID,
    PAYER,
    TODAY,
    a_mandate,
    a_mandate_change,
    sixteen,
    terms_of,
)

from schemas import codec
from schemas.codes import REASONS
from schemas.frames import ZERO16
from schemas.mandate_rules import MandateRules
from schemas.mandate_terms import MandateTerms, signed_by
from schemas.sealing import verify_key_of
from schemas.values import Month, SenderId, day_of
from streams.ledger_mandates import Limits, MandateBook, Said, hear

ANNE, BRAM = sixteen("Anne"), sixteen("Bram")
GM, OTHER, PROVIDER = SenderId("gm9901"), SenderId("gm9902"), SenderId("p12345678")
ENOUGH = Limits(households={9901: 1000, 9902: 1000})
NOW = Month.of(day_of(TODAY)).index


def a_month(**fields: object) -> dict:
    return {"payer": PAYER, "stream": "wmo", "month": NOW - 1, "nothing_delivered": False} | fields


THEIRS: dict = {"municipality": 9902, "reader": "caseworker-gm9902-1", "grantor": "grantor-gm9902-bea"}


def a_grantors_key(name: str, key_id: str) -> bytes | None:
    """Both municipalities' grantors sign with one key here."""
    known = (GRANTOR, THEIRS["grantor"], "grantor-gm9901-1")
    return verify_key_of(GRANTOR_KEY) if key_id == GRANTOR_KEY_ID and name in known else None


def heard(
    *,
    sender: SenderId = GM,
    book: MandateBook | None = None,
    keyed: object = (ANNE, BRAM),
    limits: Limits = ENOUGH,
    day: int = TODAY,
    refusals: dict[int, str] | None = None,
    **content: list,
) -> Said:
    empty: dict = {"rows": b"", "mandates": [], "mandates_changed": [], "mandates_withdrawn": [], "months": []}
    return hear(
        empty | content, sender=sender, payers=frozenset({PAYER}), persons=[ANNE, BRAM, ZERO16], keyed=keyed, day=day, refusals=refusals,
        book=MandateBook({}) if book is None else book, limits=limits, grantor_key=a_grantors_key,
    )  # fmt: skip


def codes(said: Said) -> list[str]:
    return [code for _, _, code in said.refused]


def test_a_mandate_becomes_a_change_for_its_person_that_names_the_grantor() -> None:
    said = heard(mandates=[a_mandate()])
    ((person, change),) = said.changes
    fields = codec.decode("mandate_change", change)
    assert (person, fields["given"]) == (ANNE, True)
    assert MandateTerms.decode(fields["terms"]) == terms_of("H1")
    assert signed_by(verify_key_of(GRANTOR_KEY), terms=fields["terms"], signature=fields["signature"])


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
        ("mandate-handle", {"municipality": 9902}, {"municipality": 9901}),
        ("mandate-revision", {"revision": 2}, {"revision": 1}),
        ("purpose", {"purpose": "own-file"}, {"purpose": "own-file", "reader": "family-gm9901-x"}),
        ("purpose", {"reader": "family-gm9901-x"}, {"purpose": "youth-help"}),
        ("mandate-grantor", {"grantor": "grantor-gm9901-bea"}, {}),
        ("mandate-grantor", {"grantor": THEIRS["grantor"]}, {}),
        ("mandate-grantor", {"key_id": "another"}, {}),
        (
            "mandate-grantor",
            {"grantor": "grantor-gm9901-1"},
            {"grantor": "grantor-gm9901-1", "reader": "caseworker-gm9901-2"},
        ),
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
    family = a_mandate("H8", subject=1, reader="family-gm9901-x", purpose="own-file")
    assert codes(heard(mandates=[family], book=book, limits=two)) == [], "one's own file is nobody's look at another"
    nearly = MandateBook({}, live={9901: {BRAM}})
    assert codes(heard(mandates=[a_mandate("H5"), a_mandate("H6", subject=1)], book=nearly, limits=two)) == [
        "mandate-limit"
    ]
    assert codes(heard(mandates=[a_mandate("H7", **THEIRS)], sender=OTHER, book=book, limits=two)) == []


def test_so_many_get_mandates_for_their_own_file_in_a_month_and_a_withdrawn_one_counts() -> None:
    book = MandateBook({}, families={9901: {bytes([n]) * 16 for n in range(100, 109)}})
    few = Limits(households={9901: 100})
    family = {"reader": "family-gm9901-x", "purpose": "own-file"}
    assert (
        codes(heard(mandates=[a_mandate("F1", **family)], mandates_withdrawn=[sixteen("F1")], book=book, limits=few))
        == []
    )
    assert codes(heard(mandates=[a_mandate("F2", subject=1, **family)], book=book, limits=few)) == ["mandate-limit"]
    assert codes(heard(mandates=[a_mandate("F3", **family)], book=book, limits=few)) == [], "for the same person again"
    assert codes(heard(mandates=[a_mandate("F4", subject=1)], book=book, limits=few)) == [], (
        "a caseworker's is counted apart"
    )


@pytest.mark.parametrize("ground", ["", "x" * 41, "wmo\n2.3.2", "omdat zij het vroeg", "Wmo-2.3.2"])
def test_a_legal_ground_is_a_code(ground: str) -> None:
    assert codes(heard(mandates=[a_mandate(ground=ground)])) == ["mandate-ground"]


def test_a_mandate_that_began_long_before_it_came_is_refused_and_one_that_was_under_way_is_taken() -> None:
    assert codes(heard(mandates=[a_mandate(valid_from=TODAY - 8)])) == ["mandate-period"]
    assert codes(heard(mandates=[a_mandate(valid_from=TODAY - 7)])) == []


def test_why_there_is_no_person_is_told_as_intake_says_it() -> None:
    assert codes(heard(mandates=[a_mandate(subject=2)], refusals={2: "mandate-unknown"})) == ["mandate-unknown"]


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
    theirs = a_mandate(**THEIRS)
    assert codes(heard(book=book, sender=OTHER, mandates=[theirs])) == ["mandate-handle"]


def test_the_same_mandate_sent_again_changes_nothing() -> None:
    book = MandateBook({})
    heard(book=book, mandates=[a_mandate()], mandates_withdrawn=[sixteen("H1")])
    said = heard(book=book, mandates=[a_mandate()], mandates_withdrawn=[sixteen("H1")])
    assert (said.changes, said.refused, said.duplicates) == ([], [], 2)
    assert book.known[sixteen("H1")].withdrawn


def test_a_mandate_nobody_signed_or_that_was_changed_after_signing_is_refused() -> None:
    given = a_mandate()
    longer = terms_of(valid_until=TODAY + 100).encoded()
    assert codes(heard(mandates=[given | {"signature": bytes(64)}])) == ["mandate-grantor"]
    assert codes(heard(mandates=[given | {"terms": longer}])) == ["mandate-grantor"]
    assert codes(heard(mandates=[given | {"terms": b"no terms"}])) == ["unreadable"]


def test_a_change_takes_the_place_of_what_stood_and_is_told_to_the_same_person() -> None:
    book = MandateBook({})
    heard(book=book, mandates=[a_mandate(subject=1)])
    shorter = a_mandate_change(purpose="assessment", valid_until=TODAY + 10)
    ((person, change),) = heard(book=book, mandates_changed=[shorter]).changes
    fields = codec.decode("mandate_change", change)
    terms = MandateTerms.decode(fields["terms"])
    assert (person, fields["given"], terms.revision) == (BRAM, True, 2)
    assert (terms.purpose, terms.valid_until) == ("assessment", TODAY + 10)
    again = heard(book=book, mandates=[], mandates_changed=[shorter])
    assert (again.changes, again.refused, again.duplicates) == ([], [], 1)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("mandate-revision", a_mandate_change(revision=1, purpose="assessment")),
        ("mandate-revision", a_mandate_change(revision=3)),
        ("mandate-reader", a_mandate_change(reader="caseworker-gm9901-2")),
        ("mandate-period", a_mandate_change(valid_from=TODAY + 1)),
        ("mandate-period", a_mandate_change(valid_until=TODAY + 366)),
        ("purpose", a_mandate_change(purpose="curiosity")),
        ("mandate-handle", a_mandate_change("H2")),
        ("mandate-handle", a_mandate_change(**THEIRS)),
        ("mandate-grantor", a_mandate_change() | {"signature": bytes(64)}),
    ],
)
def test_a_change_that_breaks_a_rule_is_refused_and_changes_nothing(code: str, change: dict) -> None:
    book = MandateBook({})
    heard(book=book, mandates=[a_mandate()])
    before = dict(book.known)
    assert codes(heard(book=book, mandates_changed=[change])) == [code]
    assert book.known == before


def test_what_ended_or_was_withdrawn_is_not_changed_any_more() -> None:
    ended = terms_of(valid_from=TODAY - 20, valid_until=TODAY - 1)
    change = a_mandate_change(valid_from=TODAY - 20, valid_until=TODAY + 5)
    book = MandateBook({})
    given = {"subject": 0, "handle": ended.handle, **ended.signed(GRANTOR_KEY)}
    assert codes(heard(book=book, day=TODAY - 20, mandates=[given])) == []
    assert codes(heard(book=book, mandates_changed=[change])) == ["mandate-revision"]
    heard(book=book, mandates=[a_mandate("H2")], mandates_withdrawn=[sixteen("H2")])
    assert codes(heard(book=book, mandates_changed=[a_mandate_change("H2")])) == ["mandate-revision"]
    assert codes(heard(book=book, sender=OTHER, mandates_changed=[a_mandate_change("H2", **THEIRS)])) == [
        "mandate-handle"
    ]


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
