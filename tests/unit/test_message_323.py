"""Each rule of the 323: one file that passes and one that must not, with its code."""

from __future__ import annotations

import datetime as dt

import pytest
from provider_files import FILES, read, references, refusals

from producers.deliveries import Delivery, Format, Withdrawal
from schemas.care import CARE_TYPE_BY_CODE
from schemas.values import Cents, Month


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("323_two_clients_passes.xml", ["W1", "W2", "W3"]),
        ("323_youth_passes.xml", ["J1"]),
        ("323_credit_of_an_earlier_debit_passes.xml", ["W11", "W12", "W13"]),
        ("323_earlier_period_passes.xml", ["W1"]),
        ("323_minutes_at_an_hour_tariff_passes.xml", ["W1"]),
        ("323_euros_and_no_tariff_pass.xml", ["W1", "W2"]),
        ("323_windows_1252_passes.xml", ["Wé1"]),
        ("323_utf_16_passes.xml", ["W1"]),
    ],
)
def test_a_declaration_that_keeps_the_rules_is_read_whole(name: str, expected: list[str]) -> None:
    reading = read(name)
    assert refusals(reading) == []
    assert references(reading) == expected


@pytest.mark.parametrize(
    ("name", "code", "reference", "rest"),
    [
        ("323_credit_without_a_debit_refused.xml", "8017", "W1", ["W2"]),
        ("323_credited_twice_refused.xml", "9390", "W12", ["W11"]),
        ("323_reference_twice_refused.xml", "8021", "W1", ["W1"]),
        ("323_second_debit_refused.xml", "9389", "W2", ["W1"]),
        ("323_later_period_refused.xml", "9319", "W1", ["W2"]),
        ("323_minutes_at_an_hour_tariff_refused.xml", "9346", "W1", []),
        ("323_tariff_refused.xml", "9346", "W1", ["W2"]),
        ("323_bsn_refused.xml", "bsn", "W1", ["W2"]),
        ("323_category_refused.xml", "category", "W1", ["W2"]),
        ("323_unit_refused.xml", "unit", "W1", ["W2"]),
        ("323_period_refused.xml", "period", "W1", ["W2"]),
        ("323_future_refused.xml", "future", "W1", []),
        ("323_too_old_refused.xml", "too-old", "W1", ["W2"]),
    ],
)
def test_a_line_that_breaks_a_rule_stays_out_by_its_reference_and_the_rest_may_go(
    name: str, code: str, reference: str, rest: list[str]
) -> None:
    reading = read(name)
    assert refusals(reading) == [(code, reference)]
    assert references(reading) == rest
    assert reading.has_refusals
    assert not reading.refused_whole


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("323_total_refused.xml", "0001"),
        ("323_credit_of_its_own_debit_refused.xml", "0001-TR316"),
        ("323_half_a_month_refused.xml", "declaration-month"),
        ("323_month_of_no_calendar_refused.xml", "declaration-month"),
        ("323_without_amount_refused.xml", "xml-shape"),
        ("323_debit_naming_an_earlier_debit_refused.xml", "xml-shape"),
        ("323_wrong_sender_refused.xml", "wrong-sender"),
        ("323_wrong_receiver_refused.xml", "wrong-receiver"),
        ("323_version_refused.xml", "message-version"),
        ("323_older_release_refused.xml", "message-version"),
        ("323_message_code_refused.xml", "message-code"),
        ("323_cut_off_refused.xml", "xml-broken"),
        ("323_doctype_refused.xml", "xml-doctype"),
        ("323_entities_refused.xml", "xml-doctype"),
        ("323_encoding_refused.xml", "xml-encoding"),
    ],
)
def test_a_message_that_breaks_a_rule_of_the_whole_is_refused_and_nothing_of_it_remains(name: str, code: str) -> None:
    reading = read(name)
    assert [f.code for f in reading.findings] == [code]
    assert reading.refused_whole
    assert reading.items == ()


@pytest.mark.parametrize("name", [p.name for p in sorted(FILES.glob("*refused*"))])
def test_no_message_shows_a_bsn(name: str) -> None:
    reading = read(name)
    assert reading.findings
    for lang in ("nl", "en"):
        shown = " ".join(f.text(lang=lang) for f in reading.findings) + repr(reading)
        assert "99990" not in shown


def test_every_field_of_a_debit_arrives() -> None:
    reading = read("323_two_clients_passes.xml")
    assert (reading.format, reading.sender, reading.receiver) == (Format.MESSAGE_323, "98000001", "9901")
    assert (reading.month, reading.declaration) == (Month(2025, 3), "D202503")
    first, second, third = reading.items
    assert isinstance(first, Delivery)
    assert first.bsn.reveal() == "999900006"
    assert (first.payer, first.care_type, first.product) == (9901, CARE_TYPE_BY_CODE["wmo-02"], "02A16")
    assert (first.first_day, first.last_day) == (dt.date(2025, 3, 1), dt.date(2025, 3, 31))
    assert (first.volume_hundredths, first.unit, first.tariff_cents, first.cents) == (400, 4, 6360, Cents(25440))
    assert (first.assignment, first.address) == ("10072", None)
    assert first.bsn == second.bsn != third.bsn
    assert reading.total_cents == Cents(25440 + 12960 + 25440)


def test_a_credit_is_a_withdrawal_of_the_earlier_reference_and_repeats_its_fields() -> None:
    withdrawn, new, _ = read("323_credit_of_an_earlier_debit_passes.xml").items
    assert isinstance(withdrawn, Withdrawal)
    assert isinstance(new, Delivery)
    assert (withdrawn.reference, withdrawn.withdrawn_reference) == ("W11", "W1")
    assert (withdrawn.cents, withdrawn.assignment) == (Cents(25440), "10072")


def test_a_fault_names_its_line() -> None:
    (finding,) = read("323_tariff_refused.xml").findings
    line = (FILES / "323_tariff_refused.xml").read_text().splitlines()[(finding.where.line or 0) - 1]
    assert line.strip() == "<wmo323:Prestatie>"
    assert finding.text().startswith(f"Regel {finding.where.line}, referentie W1: ")


def test_xml_that_is_cut_off_names_the_line_it_breaks_at() -> None:
    (finding,) = read("323_cut_off_refused.xml").findings
    lines = (FILES / "323_cut_off_refused.xml").read_text().count("\n") + 1
    assert finding.where.line == lines
