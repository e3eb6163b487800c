"""One door for every file: content decides, both ends are checked, and nothing a file holds makes it raise."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from provider_files import CONTEXT, FILES, read, references

from producers.checks import ProviderContext, check
from producers.deliveries import Delivery, Format, Reading, Withdrawal, oldest_day
from producers.findings import FILE_CODES, Finding, Severity
from producers.istandaard import REMEDIES
from producers.istandaard_xml import MAX_FILE_BYTES
from producers.replacements import replacements
from schemas.care import CARE_TYPE_BY_CODE
from schemas.codes import REASONS
from schemas.errors import Refused
from schemas.secrets import Bsn
from schemas.values import MAX_LINE_CENTS, MAX_QUANTITY, Address, Cents


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "maart.xlsx"
    path.write_bytes((FILES / "323_youth_passes.xml").read_bytes())
    assert check(path, CONTEXT).format is Format.MESSAGE_323


def test_a_file_above_50_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "groot.xml"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert [f.code for f in check(path, CONTEXT).findings] == ["file-size"]


def test_a_file_that_is_not_there_or_is_a_folder_is_a_finding(tmp_path: Path) -> None:
    assert [f.code for f in check(tmp_path / "weg.xml", CONTEXT).findings] == ["file-missing"]
    assert [f.code for f in check(tmp_path, CONTEXT).findings] == ["file-missing"]


@pytest.mark.parametrize(
    "content", [b"", b"   \n", b"\x00\x01\x02", bytes(range(256)), b"<", b"<a/>", b"\xff\xfe<\x00"]
)
def test_anything_at_all_ends_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wat"
    path.write_bytes(content)
    reading = check(path, replace(CONTEXT, payer=9901))
    assert len(reading.findings) == 1
    assert reading.refused_whole


def test_deep_nesting_and_undeclared_entities_end_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "diep.xml"
    path.write_bytes(b"<a>" * 100_000)
    assert [f.code for f in check(path, CONTEXT).findings] == ["file-format"]
    good = (FILES / "323_youth_passes.xml").read_text()
    path.write_text(good.replace("<jw323:DeclaratieNummer>", "<jw323:DeclaratieNummer>" + "<b>" * 300))
    assert [f.code for f in check(path, CONTEXT).findings] == ["xml-broken"]
    path.write_text(good.replace("D202503", "&boe;"))
    assert [f.code for f in check(path, CONTEXT).findings] == ["xml-doctype"]


def test_an_external_entity_is_never_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "geheim.txt"
    secret.write_text("GEHEIM")
    good = (FILES / "323_youth_passes.xml").read_text()
    doctype = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    path = tmp_path / "x.xml"
    path.write_text(good.replace("<jw323:Bericht", doctype + "<jw323:Bericht", 1).replace("J1", "&x;"))
    reading = check(path, CONTEXT)
    assert [f.code for f in reading.findings] == ["xml-doctype"]
    assert "GEHEIM" not in repr(reading)


def test_the_standards_own_examples_are_read_without_a_crash(reference_data: Path) -> None:
    context = ProviderContext(agb="65656055", municipalities=frozenset({384}), today=CONTEXT.today)
    files = sorted((reference_data / "istandaarden" / "jw" / "berichten").glob("*.xml"))
    codes = {path.stem: [f.code for f in check(path, context).findings] for path in files}
    assert codes.pop("JW323") == ["8021"]  # the example itself uses RN004 twice
    assert codes.pop("JW325") == ["credit-rejected"] * 3
    assert codes.pop("JW301") == ["wrong-receiver"]
    assert set(map(tuple, codes.values())) == {("message-kind",)}


def test_every_code_has_a_sentence_and_a_remedy_in_both_languages() -> None:
    assert set(REMEDIES) <= set(REASONS)
    assert not set(FILE_CODES) & set(REASONS)
    for code in (*FILE_CODES, *REMEDIES):
        finding = Finding(code, Severity.LINE)
        assert finding.sentence() != finding.sentence(lang="en")


def a_delivery(**changes: object) -> Delivery:
    fields = {
        "bsn": Bsn("999900006"), "payer": 9901, "care_type": CARE_TYPE_BY_CODE["zvw-wijkverpleging"],
        "first_day": dt.date(2025, 3, 1), "last_day": dt.date(2025, 3, 31), "cents": Cents(1000), "reference": "R1",
    }  # fmt: skip
    return Delivery(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"unit": 3}, "unit"),
        ({"last_day": dt.date(2025, 2, 28)}, "period"),
        ({"cents": Cents(-1)}, "amount"),
        ({"cents": Cents(MAX_LINE_CENTS + 1)}, "amount"),
        ({"tariff_cents": -1}, "amount"),
        ({"volume_hundredths": -1}, "unreadable"),
        ({"volume_hundredths": MAX_QUANTITY + 1}, "unreadable"),
        ({"product": "123456"}, "unreadable"),
        ({"reference": ""}, "unreadable"),
        ({"reference": "a\nb"}, "unreadable"),
    ],
)
def test_a_delivery_that_exists_is_valid(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as refused:
        a_delivery(**changes)
    assert refused.value.code == code


def test_five_years_back_from_a_leap_day_is_a_day_that_exists() -> None:
    assert oldest_day(dt.date(2028, 2, 29)) == dt.date(2023, 2, 28)
    assert oldest_day(dt.date(2026, 11, 23)) == dt.date(2021, 11, 23)


def a_reading(*items: Delivery) -> Reading:
    return Reading(source="m.csv", format=Format.CSV, items=items, lines=tuple(range(2, 2 + len(items))))


def test_a_replacement_sends_only_what_changed() -> None:
    kept, gone, changed = (
        a_delivery(),
        a_delivery(reference="R2", cents=Cents(2)),
        a_delivery(reference="R3", cents=Cents(3)),
    )
    corrected, new = replace(changed, cents=Cents(4)), a_delivery(reference="R4", cents=Cents(5))
    result = replacements(a_reading(kept, gone, changed), a_reading(kept, corrected, new))
    assert [(i.reference, i.withdrawn_reference) for i in result.items if isinstance(i, Withdrawal)] == [
        ("intrekking|R2", "R2"), ("intrekking|R3", "R3"),
    ]  # fmt: skip
    assert [(i.reference, i.cents.value) for i in result.items if isinstance(i, Delivery)] == [("R3~2", 4), ("R4", 5)]
    assert result.to_write_back == ((3, "R3~2"),)


def test_the_next_correction_of_a_corrected_line_gets_the_next_reference() -> None:
    old = a_reading(a_delivery(reference="R3~2"))
    result = replacements(old, a_reading(a_delivery(reference="R3~2", cents=Cents(9))))
    assert [i.reference for i in result.items] == ["intrekking|R3~2", "R3~3"]
    careless = replacements(old, a_reading(a_delivery(reference="R3", cents=Cents(9))))
    assert [i.reference for i in careless.items] == ["intrekking|R3~2", "R3~3"]


def test_equal_lines_count_and_a_line_that_stands_keeps_its_old_reference() -> None:
    twice = a_reading(a_delivery(reference="A"), a_delivery(reference="B"))
    result = replacements(twice, a_reading(a_delivery(reference="C")))
    assert [i.reference for i in result.items] == ["intrekking|B"]
    assert result.to_write_back == ((2, "A"),)


def test_another_address_is_a_change() -> None:
    old = a_delivery(address=Address("9980AB", 1), address_as_of=dt.date(2025, 3, 1))
    result = replacements(a_reading(old), a_reading(replace(old, address=Address("9980AB", 2))))
    assert len(result.items) == 2


def test_the_same_file_again_sends_nothing() -> None:
    reading = read("323_two_clients_passes.xml")
    assert replacements(reading, reading).items == ()
    assert references(reading)
