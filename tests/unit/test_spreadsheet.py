"""A spreadsheet's rows become deliveries; every bad cell is named; the template is understood by the reader."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import xlsxwriter
from provider_files import CONTEXT, FILES, read, references, refusals
from python_calamine import CalamineWorkbook

from producers.checks import check
from producers.deliveries import Delivery, Format, Reading
from producers.spreadsheet_references import complete_references
from producers.spreadsheet_rows import COLUMNS, letters
from producers.spreadsheet_template import write_template
from producers.spreadsheet_words import CARE_NAMES, STREAM_NAMES, UNIT_NAMES, care_type_named, stream_of, unit_named
from schemas.care import CARE_TYPE_BY_CODE, CARE_TYPES, UNITS
from schemas.errors import SettingsWrong
from schemas.values import Address, Cents

ROW = (
    999900006,
    "9980AB",
    12,
    "A",
    "Zvw",
    "Wijkverpleging",
    dt.date(2025, 3, 1),
    dt.date(2025, 3, 31),
    7.5,
    "uur",
    1234.56,
    "Z1",
)


def a_workbook(
    path: Path, rows: list[tuple[object, ...]], *, sheet: str = "Leveringen", header: tuple[str, ...] = COLUMNS
) -> Path:
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "dd-mm-yyyy"})
    page = book.add_worksheet(sheet)
    for number, row in enumerate([header, *rows]):
        page.write_row(number, 0, row)
    book.close()
    return path


def cells(reading: Reading) -> list[tuple[str, str | None]]:
    return [(f.code, f.where.cell) for f in reading.findings if f.code != "reference-made"]


def test_every_column_of_a_workbook_arrives(tmp_path: Path) -> None:
    reading = check(a_workbook(tmp_path / "maart.xlsx", [ROW]), CONTEXT_ONE)
    assert reading.format is Format.XLSX
    (item,) = reading.items
    assert isinstance(item, Delivery)
    assert (item.bsn.reveal(), item.payer, item.reference) == ("999900006", 9901, "Z1")
    assert (item.care_type, item.unit, item.volume_hundredths) == (CARE_TYPE_BY_CODE["zvw-wijkverpleging"], 4, 750)
    assert (item.first_day, item.last_day, item.cents) == (dt.date(2025, 3, 1), dt.date(2025, 3, 31), Cents(123456))
    assert (item.address, item.address_as_of) == (Address("9980AB", 12, "A"), dt.date(2025, 3, 1))


CONTEXT_ONE = type(CONTEXT)(agb=CONTEXT.agb, municipalities=frozenset({9901}), today=CONTEXT.today)


def test_a_csv_is_read_with_its_empty_rows_skipped_and_its_spellings_understood() -> None:
    reading = check(FILES / "sheet_passes.csv", CONTEXT_ONE)
    assert refusals(reading) == []
    assert references(reading) == ["P1", "Z1", "sheet_passes.csv|5"]
    assert reading.lines == (2, 3, 5)
    assert reading.total_cents == Cents(132540 + 101500 + 138880)
    assert [i.unit for i in reading.items] == [None, 4, 16]
    assert reading.to_write_back == ((5, "sheet_passes.csv|5"),)


@pytest.mark.parametrize("name", ["sheet_with_commas_passes.csv", "sheet_windows_1252_passes.csv"])
def test_commas_and_older_encodings_are_read_too(name: str) -> None:
    reading = check(FILES / name, CONTEXT_ONE)
    assert refusals(reading) == []
    assert reading.total_cents == Cents(132540)


def test_each_bad_cell_is_named_with_its_code_and_the_good_row_stays() -> None:
    reading = check(FILES / "sheet_cells_refused.csv", CONTEXT_ONE)
    assert references(reading) == ["P1"]
    assert cells(reading) == [
        ("bsn", "A3"), ("address", "B4"), ("address", "C5"), ("address", "B6"), ("category", "E7"), ("category", "F8"),
        ("cell", "G9"), ("period", "H10"), ("cell", "I11"), ("unit", "J12"), ("unit", "J13"), ("cell", "K14"),
        ("negative", "K15"), ("amount", "K16"), ("future", "G17"), ("too-old", "G18"), ("cell", "K19"), ("8021", "L20"),
        ("cell", "K21"),
    ]  # fmt: skip


def test_a_finding_in_a_workbook_names_sheet_and_cell_and_says_what_is_right(tmp_path: Path) -> None:
    reading = check(a_workbook(tmp_path / "m.xlsx", [(*ROW[:10], "tien", "Z1")]), CONTEXT_ONE)
    (finding,) = reading.findings
    assert finding.text() == (
        "Blad Leveringen, cel K2: De inhoud van deze cel is onbruikbaar. Vul een bedrag in euro's in, zoals 1234,56. [cell]"
    )
    assert finding.text(lang="en").startswith("Sheet Leveringen, cell K2: ")


def test_a_missing_column_is_named() -> None:
    (finding,) = check(FILES / "sheet_column_missing_refused.csv", CONTEXT_ONE).findings
    assert finding.code == "column-missing"
    assert "bedrag" in finding.text()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("sheet_column_twice_refused.csv", "column-twice"),
        ("sheet_no_rows_refused.csv", "file-empty"),
        ("letter_refused.csv", "file-format"),
    ],
)
def test_a_file_that_is_no_filled_in_template_is_refused(name: str, code: str) -> None:
    reading = check(FILES / name, CONTEXT_ONE)
    assert [f.code for f in reading.findings] == [code]
    assert reading.refused_whole


def test_headers_may_differ_in_case_and_spaces_and_other_columns_are_ignored(tmp_path: Path) -> None:
    header = ("opmerking", " bsn ", *(name.upper() for name in COLUMNS[1:]))
    path = a_workbook(tmp_path / "m.xlsx", [("vrij", *ROW)], header=header)
    assert refusals(check(path, CONTEXT_ONE)) == []


def test_a_workbook_with_several_sheets_needs_one_called_leveringen(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "m.xlsx"))
    book.add_worksheet("Blad1")
    book.add_worksheet("Blad2")
    book.close()
    assert [f.code for f in check(tmp_path / "m.xlsx", CONTEXT_ONE).findings] == ["sheet-missing"]


def test_a_bsn_that_lost_its_leading_zeros_is_padded_before_the_eleven_test(tmp_path: Path) -> None:
    reading = check(a_workbook(tmp_path / "m.xlsx", [(99990000, *ROW[1:])]), CONTEXT_ONE)
    assert cells(reading) == [("bsn", "A2")]  # 099990000 fails the test: it was tried as nine digits


def test_a_spreadsheet_needs_to_know_who_pays() -> None:
    assert [f.code for f in read("sheet_passes.csv").findings] == ["payer-missing"]


def test_a_reference_is_made_from_file_and_row_and_written_back_in_a_copy_that_reads_the_same(tmp_path: Path) -> None:
    rows = [(*ROW[:11], "Z1"), (), (*ROW[:11], ""), (*ROW[:11], "")]
    path = a_workbook(tmp_path / "maart.xlsx", rows)
    reading = check(path, CONTEXT_ONE)
    assert references(reading) == ["Z1", "maart.xlsx|4", "maart.xlsx|5"]
    copy = complete_references(path, reading)
    assert copy == tmp_path / "maart-met-referenties.xlsx"
    again = check(copy, CONTEXT_ONE)
    assert again.items == reading.items
    assert (again.findings, again.to_write_back) == ((), ())
    assert complete_references(copy, again) is None


def test_a_copy_never_overwrites_one_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes((FILES / "sheet_passes.csv").read_bytes())
    reading = check(path, CONTEXT_ONE)
    first, second = complete_references(path, reading), complete_references(path, reading)
    assert [p.name for p in (first, second) if p] == ["sheet-met-referenties.csv", "sheet-met-referenties-2.csv"]
    assert second is not None
    assert check(second, CONTEXT_ONE).items == reading.items


def test_the_template_has_all_columns_offers_what_the_reader_understands_and_holds_no_row_to_send(
    tmp_path: Path,
) -> None:
    path = tmp_path / "leveringen.xlsx"
    write_template(path)
    book = CalamineWorkbook.from_path(path)
    assert book.sheet_names[:1] == ["Leveringen"]
    assert "Uitleg" in book.sheet_names
    assert tuple(book.get_sheet_by_name("Leveringen").to_python()[0]) == COLUMNS
    assert [f.code for f in check(path, CONTEXT_ONE).findings] == ["file-empty"]
    with pytest.raises(SettingsWrong):
        write_template(path)


def test_the_examples_on_the_explanation_sheet_pass_the_check_when_copied(tmp_path: Path) -> None:
    write_template(tmp_path / "t.xlsx")
    rows = CalamineWorkbook.from_path(tmp_path / "t.xlsx").get_sheet_by_name("Uitleg").to_python(skip_empty_area=False)
    start = next(i for i, row in enumerate(rows) if row[0] == "BSN" and row[1] == "postcode")
    examples = [tuple(row[: len(COLUMNS)]) for row in rows[start + 1 : start + 4]]
    reading = check(a_workbook(tmp_path / "m.xlsx", examples), CONTEXT_ONE)
    assert refusals(reading) == []
    assert len(reading.items) == 3


def test_every_word_the_template_offers_is_understood() -> None:
    streams = {stream_of(name) for name in STREAM_NAMES.values()}
    offered = {care_type_named(name, stream).id for stream, names in CARE_NAMES.items() for name in names}
    assert offered == set(CARE_TYPES)
    assert len(streams) == len(STREAM_NAMES)
    assert {unit_named(name) for name in UNIT_NAMES} == set(UNITS)


def test_column_letters_are_those_of_a_spreadsheet() -> None:
    assert [letters(i) for i in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_a_cell_far_out_is_refused_before_it_eats_the_memory(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "m.xlsx"))
    page = book.add_worksheet("Leveringen")
    page.write_row(0, 0, COLUMNS)
    page.write(1_000_000, 16_000, "x")
    book.close()
    assert [f.code for f in check(tmp_path / "m.xlsx", CONTEXT_ONE).findings] == ["file-size"]


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("xl/worksheets/sheet1.xml", "w") as part,
    ):
        for _ in range(301):
            part.write(bytes(1024 * 1024))
    assert path.stat().st_size < 1024 * 1024
    assert [f.code for f in check(path, CONTEXT_ONE).findings] == ["file-size"]


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x03\x04" + bytes(500), b"\xd0\xcf\x11\xe0" + bytes(600)])
def test_a_broken_or_older_workbook_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.xlsx"
    path.write_bytes(content)
    assert [f.code for f in check(path, CONTEXT_ONE).findings] == ["file-format"]


def test_a_zip_that_is_no_workbook_is_refused_in_a_sentence(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("readme.txt", "hello")
    (tmp_path / "m.xlsx").write_bytes(buffer.getvalue())
    assert [f.code for f in check(tmp_path / "m.xlsx", CONTEXT_ONE).findings] == ["file-format"]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_twenty_thousand_rows_are_read_and_the_last_bad_cell_is_named(tmp_path: Path, form: str) -> None:
    count = 20_000
    path = big_sheet(tmp_path / f"groot.{form}", count)
    reading = check(path, replace(CONTEXT, payer=9901))
    assert len(reading.items) == count - 1
    (finding,) = reading.findings
    assert finding.where.cell == f"K{count + 1}"
    assert reading.total_cents == Cents(1050 * (count - 1))


def big_sheet(path: Path, count: int) -> Path:
    """`count` rows, the amount of the last one in words."""
    head = [
        "BSN",
        "postcode",
        "huisnummer",
        "toevoeging",
        "geldstroom",
        "zorgsoort",
        "van",
        "tot",
        "aantal",
        "eenheid",
        "bedrag",
        "referentie",
    ]
    row = [
        "999900006",
        "9980AB",
        "12",
        "",
        "Participatiewet",
        "Bijstandsuitkering",
        "01-03-2025",
        "31-03-2025",
        "",
        "",
        "10,50",
    ]
    if path.suffix == ".csv":
        lines = [";".join([*row, f"R{n}"]) for n in range(count - 1)]
        lines.append(";".join([*row[:-1], "tien", "RX"]))
        path.write_text("\n".join([";".join(head), *lines]) + "\n", "utf-8")
        return path
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Leveringen")
        sheet.write_row(0, 0, head)
        for n in range(count):
            last = n == count - 1
            sheet.write_row(n + 1, 0, [*row[:-1], "tien" if last else "10,50", "RX" if last else f"R{n}"])
    return path
