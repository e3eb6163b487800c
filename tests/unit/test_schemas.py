"""The .avsc files are the contract: names, packed rows and golden bytes are held against the code."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from schemas import care, codec, codes, frames, geography, topics
from schemas.directory import Entry
from schemas.errors import Refused
from schemas.values import Address, Month, SenderId, day_number, day_of

GOLDEN = Path(__file__).parent.parent / "vectors" / "schema_fingerprints.txt"


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("delivery_row", frames.DELIVERY_ROW),
        ("ledger_row", frames.LEDGER_ROW),
        ("placement_row", frames.PLACEMENT_ROW),
        ("settled_row", frames.SETTLED_ROW),
    ],
)
def test_a_packed_row_is_exactly_its_avro_record(name: str, dtype: np.dtype[np.void]) -> None:
    fields = codec.raw_schema(name)["fields"]
    assert [(f["name"], f["type"]["size"]) for f in fields] == [(n, dtype[n].itemsize) for n in dtype.names or ()]
    row = np.zeros(1, dtype)
    row[next(n for n in dtype.names or () if n.endswith("_day"))] = -5
    datum = {f["name"]: row[f["name"]].tobytes() for f in fields}
    assert codec.encode(name, datum)[10:] == row.tobytes()


def test_every_schema_ever_published_is_still_there() -> None:
    published = dict(line.split() for line in GOLDEN.read_text().splitlines())
    today = {name: codec.schema_fingerprint(name).hex() for name in codec.schema_names()}
    assert published == today, "a changed schema is a new event: add a file, keep the old one, add its line"


def test_the_directory_entry_has_the_fields_of_its_schema() -> None:
    assert [f["name"] for f in codec.raw_schema("directory_entry")["fields"]] == list(Entry.__slots__)


@pytest.mark.parametrize("data", [b"", b"\xc3\x01", b"\x00" * 40, b"\xc3\x01" + b"\x07" * 40])
def test_bytes_that_are_no_record_are_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        codec.decode("receipt", data)


def test_a_record_with_bytes_left_over_is_refused() -> None:
    whole = codec.encode("close_epoch_order", {"epoch": 1, "month": 24300})
    assert codec.decode("close_epoch_order", whole) == {"epoch": 1, "month": 24300}
    for cut in range(len(whole)):
        with pytest.raises(Refused):
            codec.decode("close_epoch_order", whole[:cut])
    with pytest.raises(Refused):
        codec.decode("close_epoch_order", whole + b"\x00")


def test_packed_rows_that_are_cut_off_are_refused() -> None:
    with pytest.raises(Refused):
        frames.rows_of(bytes(frames.DELIVERY_ROW.itemsize + 1), frames.DELIVERY_ROW)


def test_areas_are_codes_and_numbers_of_the_same_thing() -> None:
    assert geography.area_number("BU99010103.07") == 9901010307
    assert geography.area_code(9901010307) == "BU99010103.07"
    assert geography.area_code(geography.area_number("GM9901")) == "GM9901"
    assert geography.is_rest(9901000000)
    assert not geography.is_rest(9901000001)
    assert [geography.parent_code(c) for c in ("BU99010103.07", "BU99010103", "WK990101", "GM9901")] == [
        "BU99010103", "WK990101", "GM9901", None,
    ]  # fmt: skip
    for wrong in ("BU99010103.00", "WK990101", "x", ""):
        with pytest.raises(ValueError, match=r"area|cluster"):
            geography.area_number(wrong)


def test_months_count_across_years() -> None:
    december = Month.parse("2025-12")
    assert str(december.plus(1)) == "2026-01"
    assert Month.from_index(december.index) == december
    assert december.last_day == dt.date(2025, 12, 31)
    assert day_of(day_number(dt.date(2025, 6, 1))) == dt.date(2025, 6, 1)
    for wrong in ("2025-13", "25-01", "2025-1", ""):
        with pytest.raises(ValueError, match="YYYY-MM"):
            Month.parse(wrong)


def test_an_address_is_tidied_and_never_shown() -> None:
    address = Address.parse("9981 ab", " 12 ", "a 1")
    assert address.canonical() == b"9981AB|12|A1"
    assert "9981" not in repr(address)
    for postcode, number, suffix in (
        ("0981AB", "1", ""),
        ("9981AB", "0", ""),
        ("9981AB", "x", ""),
        ("9981AB", "1", "é"),
    ):
        with pytest.raises(Refused) as told:
            Address.parse(postcode, number, suffix)
        assert told.value.code == "address"


def test_senders_are_providers_or_municipalities() -> None:
    assert SenderId("p12345678").number == 12345678
    assert SenderId("gm9901").is_municipality
    for wrong in ("p1234567", "gm99011", "12345678", "P12345678", ""):
        with pytest.raises(ValueError, match="sender"):
            SenderId(wrong)


def test_every_care_type_has_a_group_and_ggz_is_never_published_apart() -> None:
    assert len({t.code for t in care.CARE_TYPES.values()}) == len(care.CARE_TYPES)
    for care_type in care.CARE_TYPES.values():
        assert care_type.group in set(care.Group) - {care.Group.TOTAL}
        if care_type.ggz:
            alike = [t for t in care.CARE_TYPES.values() if t.published_as == care_type.published_as and not t.ggz]
            assert care_type.published_as is None or alike, "a published type must hold more than GGZ"


def test_every_code_speaks_both_languages() -> None:
    for code in codes.REASONS:
        assert codes.sentence(code, lang="nl") != codes.sentence(code, lang="en")


def test_the_topic_table_grants_no_reader_another_level() -> None:
    members = topics.Members(("p99000001", "p99000002"), ("gm9901", "gm9902"), (("caseworker-gm9901-1", "gm9901"),))
    lines = topics.grants(members)
    reads = {(g.principal, g.topic) for g in lines if g.operation is topics.Operation.READ}
    assert {t for p, t in reads if p == "gm9901"} == {
        "macro.gm9901.v1", "meso.gm9901.v1", "receipts.gm9901.v1", "requests.v1", "retention.gm9901.v1", "role-keys.v1", "municipality.gm9901.v1",
    }  # fmt: skip
    assert {t for p, t in reads if p == "caseworker-gm9901-1"} == {"household.gm9901.v1"}
    assert {t for p, t in reads if p == "p99000001"} == {"receipts.p99000001.v1", "requests.v1", "role-keys.v1"}
    assert {t for p, t in reads if p == "intake"} == {"delivered.v1", "directory.v1"}
    assert "delivered.v1" not in {t for p, t in reads if p != "intake"}


def test_the_page_of_topics_is_the_table() -> None:
    assert (Path(__file__).parents[2] / "docs" / "topics.md").read_text("utf-8") == topics.as_markdown()
