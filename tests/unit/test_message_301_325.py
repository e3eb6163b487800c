"""The 301 gives grants and the BRP address; the 325 takes out what the municipality rejected."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from provider_files import CONTEXT, FILES, read, references, refusals

from producers.checks import ProviderContext, check
from producers.deliveries import Grant, Reading, Withdrawal
from producers.replacements import replacements
from schemas.care import CARE_TYPE_BY_CODE, Stream
from schemas.secrets import Bsn
from schemas.values import Address, Cents


def test_a_301_gives_each_product_as_a_grant_with_the_brp_address_as_of_its_dagtekening() -> None:
    first, second = read("301_brp_address_passes.xml").items
    assert isinstance(first, Grant)
    assert isinstance(second, Grant)
    assert first.bsn == Bsn("999900006")
    assert (first.address, first.address_as_of) == (Address("9980AB", 12, "A2"), dt.date(2025, 2, 20))
    assert (first.care_type, first.product, first.assignment) == (CARE_TYPE_BY_CODE["wmo-02"], "02A16", "10072")
    assert (first.volume_hundredths, first.unit, first.frequency) == (400, 4, 2)
    assert (first.first_day, first.last_day) == (dt.date(2025, 3, 1), dt.date(2025, 12, 31))
    assert (second.last_day, second.unit, second.frequency, second.cents) == (None, 1, 4, Cents(0))


@pytest.mark.parametrize("name", ["301_stay_address_places_nobody_passes.xml", "301_address_abroad_passes.xml"])
def test_a_stay_address_a_relations_address_or_one_abroad_places_nobody_and_the_grant_stands(name: str) -> None:
    reading = read(name)
    (grant,) = reading.items
    assert isinstance(grant, Grant)
    assert (grant.address, grant.address_as_of) == (None, None)
    assert not reading.has_refusals


def test_an_unknown_category_refuses_that_product_by_its_assignment_only() -> None:
    reading = read("301_category_refused.xml")
    assert refusals(reading) == [("category", "10072")]
    assert [i.assignment for i in reading.items] == ["10073"]


def test_the_same_301_gives_the_same_references_and_a_changed_one_others(tmp_path) -> None:
    text = (FILES / "301_brp_address_passes.xml").read_text()
    changed = tmp_path / "changed.xml"
    changed.write_text(text.replace("2025-12-31", "2025-10-31"))
    before, again, after = (
        references(r) for r in (read("301_brp_address_passes.xml"),) * 2 + (check(changed, CONTEXT),)
    )
    assert before == again
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_a_301_for_another_provider_is_refused() -> None:
    other = ProviderContext(agb="98000002", municipalities=frozenset({9901}), today=CONTEXT.today)
    reading = check(FILES / "301_brp_address_passes.xml", other)
    assert [f.code for f in reading.findings] == ["wrong-receiver"]
    assert reading.items == ()


def test_a_325_withdraws_what_was_rejected_and_leaves_what_was_granted() -> None:
    reading = read("325_two_rejected_passes.xml")
    assert [(i.reference, i.withdrawn_reference) for i in reading.items if isinstance(i, Withdrawal)] == [
        ("325|J1", "J1"), ("325|J3", "J3"),
    ]  # fmt: skip
    first = reading.items[0]
    assert (first.stream, first.payer, first.cents) == (Stream.JEUGDWET, 9901, Cents(5000))
    assert reading.total_cents == Cents(-10000)


def test_a_rejected_client_takes_all_its_lines_out() -> None:
    assert references(read("325_rejected_client_passes.xml")) == ["325|J1"]


def test_a_rejected_credit_is_said_and_withdraws_nothing() -> None:
    reading = read("325_rejected_credit_passes.xml")
    assert reading.items == ()
    assert [(f.code, f.where.reference) for f in reading.findings] == [("credit-rejected", "J9")]
    assert not reading.has_refusals


@pytest.mark.parametrize("name", ["325_all_granted_passes.xml", "325_question_about_the_month_passes.xml"])
def test_an_answer_that_grants_all_changes_nothing(name: str) -> None:
    reading = read(name)
    assert (reading.items, reading.findings) == ((), ())


def test_an_answer_without_return_codes_is_refused() -> None:
    assert [f.code for f in read("325_without_codes_refused.xml").findings] == ["xml-shape"]


def _declaration() -> Reading:
    return read("323_youth_passes.xml")


def test_a_declaration_rejected_as_a_whole_is_taken_out_with_its_answer_beside_it() -> None:
    answer = read("325_whole_declaration_refused.xml")
    assert [f.code for f in answer.findings] == ["answer-whole"]
    assert answer.items == ()
    taken_out = replacements(_declaration(), answer)
    assert not taken_out.has_refusals
    assert [i.withdrawn_reference for i in taken_out.items if isinstance(i, Withdrawal)] == ["J1"]
    assert taken_out.total_cents == Cents(-_declaration().total_cents.value)


def test_an_answer_to_another_declaration_takes_nothing_out() -> None:
    other = replace(_declaration(), declaration="D202502")
    result = replacements(other, read("325_whole_declaration_refused.xml"))
    assert [f.code for f in result.findings] == ["answer-other"]
    assert result.items == ()
