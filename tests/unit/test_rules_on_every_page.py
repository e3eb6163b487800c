"""What a municipality gave up of the protection, and what its figures are rounded to, stand on every page and in every file, in words."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest
from municipality_export_builders import snapshot
from municipality_page_builders import geography, record, released, released_epoch
from own_page_served import Served, story

from portals.municipality.exports.council_beside import without_events
from portals.municipality.exports.council_page import content
from portals.municipality.exports.csv_file import csv_bytes
from portals.municipality.exports.geojson import geojson_bytes
from portals.municipality.exports.workbook import workbook_bytes
from portals.municipality.words import text

GIVEN_UP = ["euros_finer_than_1000: 500", "households_finer_than_5: 1"]
RULES = {"parameters": json.dumps({"euros_base": 500, "households_base": 1}), "given_up": GIVEN_UP}
PAGES = (
    "/", "/verloop", "/vergelijk", "/postcodes", "/verhalen", "/verhalen/nieuw", "/verhalen/{note}", "/verhalen/{note}/herzien",
    "/verhalen/{note}/intrekken", "/nulmeting", "/api/v1", "/bestaat-niet", "/nulmeting/bestaat-niet",
)  # fmt: skip


@pytest.fixture(scope="module")
def served() -> tuple[Served, str]:
    page = Served(released=released(record(geography()), record(released_epoch(**RULES))))
    visitor = page.visitor("wies")
    written = visitor.send("/verhalen/nieuw", story(area="GM9901P", text="Het wijkteam begint."))
    return page, written.headers["location"].split("?")[0].rpartition("/")[2]


@pytest.mark.parametrize("lang", ["nl", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_what_was_given_up(served: tuple[Served, str], path: str, lang: str) -> None:
    page, note = served
    shown = page.visitor("wies").get(f"{path.format(note=note)}?lang={lang}")
    assert shown.status_code in (200, 400, 404)
    assert f"{text('euros_finer_than_1000', lang)} (500)" in shown.text
    assert f"{text('households_finer_than_5', lang)} (1)" in shown.text


@pytest.mark.parametrize("path", [p for p in PAGES if not p.startswith("/api")])
def test_every_page_says_what_its_figures_are_rounded_to(served: tuple[Served, str], path: str) -> None:
    page, note = served
    shown = page.visitor("wies").get(path.format(note=note)).text
    assert "afgerond op 500 euro, aantallen huishoudens op 1." in shown
    assert "afgerond op 1.000 euro" not in shown


def test_every_file_says_both_in_words() -> None:
    made = snapshot(**RULES)
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(made, "nl")))
    files = (
        " ".join(str(c) for row in book["Uitleg"].iter_rows(values_only=True) for c in row),
        json.dumps(json.loads(geojson_bytes(made, "nl", group="total", year=2025))["about"], ensure_ascii=False),
        json.dumps(content(made, "nl", year=2025, beside=without_events(made, "nl", year=2025)), ensure_ascii=False),
    )
    for said in (*files, csv_bytes(made, "nl").decode("utf-8-sig")):
        assert "bedragen zijn fijner afgerond dan op 1.000 euro (500)" in said
    for said in files:
        assert "afgerond op 500 euro, aantallen huishoudens op 1." in said
