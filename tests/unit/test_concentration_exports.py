"""How concentrated the money is, to take along: Excel, API, the council's page and the files of everything released, held against the record."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest
from municipality_api_reading import fits
from municipality_page_builders import (
    DECEMBER,
    HELD_WIJK,
    PUBLIC,
    concentration,
    december,
    geography,
    record,
    released_epoch,
    usual,
    with_december,
)
from municipality_served import ask

from deploy.released_files import CONCENTRATION, write
from portals.municipality.exports.council_page import council_page
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.exports.workbook import workbook_bytes
from portals.municipality.words import HELD
from projections.release.history import checked

PATH = "/api/v1/concentration"


def snapshot(said: list[dict[str, Any]] | None = None) -> Snapshot:
    return Snapshot(december(said), released_epoch(DECEMBER, level="meso"), geography())


def book(made: Snapshot, lang: str = "nl") -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook_bytes(made, lang)))


def council(made: Snapshot, lang: str = "nl", year: int = 2024) -> tuple[int, str]:
    pdf = pypdf.PdfReader(io.BytesIO(council_page(made, lang, year=year)))
    return len(pdf.pages), " ".join(" ".join(page.extract_text() for page in pdf.pages).split())


def facts(query: str = "", page: Any = None) -> dict[str, Any]:
    return fits(ask(f"{PATH}{query}", page or with_december()), PATH)


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_excel_has_a_sheet_with_what_the_record_says(lang: str) -> None:
    sheet = book(snapshot(), lang)["Verdeling" if lang == "nl" else "Spread"]
    names, *rows = sheet.iter_rows(values_only=True)
    assert len(set(names)) == len(names)
    for row, told in zip(rows, concentration(), strict=True):
        area, _, _, year, sentence, half, *rest = row
        assert (area, year) == (told["area"], 2024)
        assert half == told["half_within"]
        few = "minder dan 10" if lang == "nl" else "fewer than 10"
        assert rest[:4] == [few if n is None else n for n in told["stacked"]]
        points = {p["households"]: p["money"] for p in told["curve"]}
        assert rest[4:8] == [points.get(p) for p in (2, 5, 15, 25)]
        assert (rest[8] or "") == (f"{HELD[lang]}." if half is None else "")
        assert rest[9:11] == ["2025-12", "GM9901 2025-12, macro 1, meso 1"]
        assert ("%" in sentence) == (half is not None)


def test_more_than_can_be_said_stands_in_words() -> None:
    row = list(book(snapshot(concentration(half_within=0)))["Verdeling"].iter_rows(values_only=True))[1]
    assert row[5] == "meer dan 25%"


def test_excel_says_when_it_comes_and_has_no_empty_sheet() -> None:
    explained = [row[1] for row in book(snapshot()).worksheets[0].iter_rows(values_only=True)]
    assert "In deze momentopname: van zorgjaar 2024, op een eigen blad." in explained
    without = book(snapshot([]))
    assert without.sheetnames == ["Uitleg", "Cijfers", "Volledigheid", "Gebieden"]
    explained = [row[1] for row in without.worksheets[0].iter_rows(values_only=True)]
    assert "In deze momentopname staat er geen." in explained
    assert any("met de cijfers van december van het jaar erna" in (line or "") for line in explained)


@pytest.mark.parametrize(("lang", "words"), [
    ("nl", "De helft van het geld ging naar hooguit 5% van alle huishoudens; 45 huishoudens hadden zorg van 4 of meer aanbieders."),
    ("en", "Half of the money went to at most 5% of all households; 45 households had care from 4 providers or more."),
])  # fmt: skip
def test_the_council_reads_the_sentence_where_it_exists_and_why_not_elsewhere(lang: str, words: str) -> None:
    assert council(snapshot(), lang)[0] == 1
    assert words in council(snapshot(), lang)[1]
    for year, absent in ((2025, council(snapshot(), lang, year=2025)), (2024, council(snapshot([]), lang))):
        assert words.partition(" ")[2][:20] not in absent[1]
        assert (f"Van zorgjaar {year}" if lang == "nl" else f"Of service year {year}") in absent[1]


def test_the_council_reads_why_it_cannot_be_said() -> None:
    pages, said = council(snapshot(concentration(half_within=None)))
    assert pages == 1
    assert f"is niet te zeggen; 45 huishoudens hadden zorg van 4 of meer aanbieders. {HELD['nl']}." in said


def test_the_api_says_what_the_record_says() -> None:
    found = facts()
    assert (found["epoch"], found["total"], found["next"]) == ("2025-12", 3, None)
    for fact, told in zip(found["concentration"], concentration(), strict=True):
        assert (fact["area"], fact["level"], fact["service_year"]) == (told["area"], told["area_level"], 2024)
        assert fact["half_within_percent"] == told["half_within"]
        assert fact["half"] == ("kept_back" if told["half_within"] is None else "within")
        assert [(p["percent_of_households"], p["percent_of_money"]) for p in fact["curve"]] == [
            (p["households"], p["money"]) for p in told["curve"]
        ]
        assert [r["households"] for r in fact["by_providers"]] == told["stacked"]
        assert [(r["providers"], r["or_more"]) for r in fact["by_providers"]] == [
            (1, False),
            (2, False),
            (3, False),
            (4, True),
        ]
        assert (fact["epoch"], fact["published_on"], fact["snapshot"]) == (
            "2025-12",
            "2026-01-01",
            "GM9901 2025-12, macro 1, meso 1",
        )
        assert (fact["note"] == f"{HELD['nl']}.") == (fact["area"] == HELD_WIJK)
    assert (
        fits(ask(found["concentration"][0]["snapshot_url"], with_december()), "/api/v1/snapshots/{epoch}")["epoch"]
        == "2025-12"
    )


def test_more_than_can_be_said_has_no_percentage() -> None:
    fact = facts("?area=GM9901P&lang=en", with_december(concentration(half_within=0)))["concentration"][0]
    assert (fact["half"], fact["half_within_percent"]) == ("more", None)
    assert fact["sentence"].startswith("Half of the money went to more than 25% of all households")


def test_filters_parts_and_what_an_earlier_month_knew() -> None:
    assert [f["area"] for f in facts("?area=WK990101&year=2024")["concentration"]] == ["WK990101"]
    part = facts("?limit=2")
    assert len(part["concentration"]) == 2
    assert [f["area"] for f in fits(ask(part["next"], with_december()), PATH)["concentration"]] == [HELD_WIJK]
    assert facts("?epoch=2025-06")["concentration"] == []
    assert facts("", usual())["concentration"] == []


@pytest.mark.parametrize(("query", "allowed"), [("?area=BU99010101", "WK990101"), ("?year=2023", "2024"), ("?epoch=2024-01", "2025-12"), ("?huishouden=1", "area")])  # fmt: skip
def test_what_is_unknown_is_refused_with_what_is_allowed(query: str, allowed: str) -> None:
    answer = ask(f"{PATH}{query}", with_december())
    assert answer.status_code == 422
    assert allowed in fits(answer, PATH)["allowed"]


def test_everything_released_has_it_as_each_record_says_it(tmp_path: Path) -> None:
    told = december(published_on=20_461, version=2)
    lying = [(record(geography()), 0), (record(released_epoch(DECEMBER - 1)), 0), (record(told), 0)]
    history = checked("macro.gm9901.v1", lying, lambda _: [PUBLIC])
    write(tmp_path / "out", [history])
    with (tmp_path / "out" / "concentration.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == CONCENTRATION
    for row, of in zip(rows, concentration(), strict=True):
        assert (row["gemeente"], row["level"], row["area"]) == ("GM9901", of["area_level"], of["area"])
        assert (row["service_year"], row["epoch"], row["version"], row["published_on"]) == (
            "2024",
            "2025-12",
            "2",
            "2026-01-08",
        )
        assert row["half_within"] == ("" if of["half_within"] is None else str(of["half_within"]))
        assert {n: row[n] for n in CONCENTRATION if n.startswith("money_") and row[n]} == {
            f"money_{p['households']}": str(p["money"]) for p in of["curve"]
        }
        assert [row[f"households_{n}"] for n in (1, 2, 3, 4)] == ["" if n is None else str(n) for n in of["stacked"]]
