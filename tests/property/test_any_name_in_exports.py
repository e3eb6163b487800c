"""Whatever an area is called: every file opens, the name is text in it, and the figures beside it are the same."""

from __future__ import annotations

import csv
import io

import openpyxl
import pypdf
from hypothesis import given, settings
from hypothesis import strategies as st
from municipality_export_builders import snapshot
from municipality_page_builders import HELD_BUURT

from portals.municipality.exports.council_page import council_page
from portals.municipality.exports.csv_file import csv_bytes
from portals.municipality.exports.harmless import harmless
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.exports.table import COLUMNS
from portals.municipality.exports.workbook import workbook_bytes

names = st.one_of(st.text(max_size=45), st.text(alphabet="=+-@\t\r\n;,\"' \u202e<>&#$*_`\\", max_size=12))
AREA, NAME, EUROS = (COLUMNS.index(c) for c in ("area_code", "area_name", "euros"))


def called(name: str) -> Snapshot:
    return snapshot(named={"GM9901": name, HELD_BUURT: name})


@settings(max_examples=120, deadline=None)
@given(name=names)
def test_csv_has_it_as_text_that_calculates_nothing(name: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_bytes(called(name), "nl").decode("utf-8-sig"), newline=""), delimiter=";"))
    usual = list(csv.reader(io.StringIO(csv_bytes(snapshot(), "nl").decode("utf-8-sig"), newline=""), delimiter=";"))
    assert {r[NAME] for r in rows if r[AREA] == HELD_BUURT} == {harmless(name)}
    assert [(r[AREA], r[EUROS]) for r in rows] == [(r[AREA], r[EUROS]) for r in usual]
    assert not [cell for row in rows for cell in row if cell.strip()[:1] in ("=", "+", "@")]


@settings(max_examples=30, deadline=None)
@given(name=names)
def test_the_excel_file_opens_and_its_cells_are_text_or_numbers(name: str) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(workbook_bytes(called(name), "nl"))).worksheets[1]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}


@settings(max_examples=30, deadline=None)
@given(name=names)
def test_the_councils_page_stays_one_page_with_its_total(name: str) -> None:
    pdf = pypdf.PdfReader(io.BytesIO(council_page(called(name), "nl", year=2025)))
    assert len(pdf.pages) == 1
    assert "€ 4.400.000" in pdf.pages[0].extract_text()
