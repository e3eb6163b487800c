"""Each export, opened again with another program's library and compared with the records on the topics, cell by cell."""

from __future__ import annotations

import copy
import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from municipality_export_builders import NASTY, on_the_topics, snapshot
from municipality_page_builders import (
    BUURTEN,
    EMPTY_BUURT,
    HELD_BUURT,
    HELD_EVER_BUURT,
    JUNE,
    geography,
    released_epoch,
)

from portals.municipality import exports
from portals.municipality.exports.column_notes import COLUMN_NOTES, RULE_NAMES
from portals.municipality.exports.csv_file import csv_bytes
from portals.municipality.exports.geojson import geojson_bytes
from portals.municipality.exports.harmless import harmless
from portals.municipality.exports.sentences import TEXTS
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.exports.table import COLUMNS, head
from portals.municipality.exports.workbook import workbook_bytes
from portals.municipality.words import HELD
from projections.release.rules import Parameters
from schemas.values import Month

LANGS = ("nl", "en")


def from_csv(data: bytes, separator: str = ";") -> list[dict[str, str]]:
    """Rows by the columns' keys."""
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=separator))
    return [dict(zip(COLUMNS, line, strict=True)) for line in lines[1:]]


def from_excel(data: bytes, sheet: int = 1) -> list[dict[str, Any]]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    rows = list(book.worksheets[sheet].iter_rows(values_only=True))
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]]


def cell_of(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["area_code"], row["group_code"], int(row["year"])


def as_number(text: Any) -> int | None:
    return None if text in ("", None) else int(text)


def check(rows: list[dict[str, Any]], made: Snapshot, lang: str) -> None:
    """Every cell of the topics is there once, with its own value in its own column and nothing else there."""
    cells = on_the_topics(made)
    assert len(rows) == len(cells)
    assert {cell_of(row) for row in rows} == set(cells)
    for row in rows:
        cell = cells[cell_of(row)]
        held = cell["decision"] == "held"
        assert as_number(row["euros"]) == cell["euros"]
        assert as_number(row["households"]) == cell["households"]
        known = cell["known_until"]
        assert (row["value_of"] or None) == (None if known is None else str(Month.from_index(known)))
        assert row["state"] == TEXTS["held" if held else "released"][lang == "en"]
        assert (row["note"] or "") == (f"{HELD[lang]}." if held else "")
        assert row["known"] == str(made.month)
        assert row["snapshot"] == "GM9901 2025-06, macro 1, meso 1"
        assert row["completeness"]
        assert row["protection"] == TEXTS["preliminary"][lang == "en"]
        if not held:
            assert not any(row[c] for c in COLUMNS if c.startswith("around_"))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("separator", [";", ","])
def test_the_csv_has_every_cell_of_the_topics(lang: str, separator: str) -> None:
    made = snapshot()
    data = csv_bytes(made, lang, separator=separator)
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == len(on_the_topics(made)) + 1
    check(from_csv(data, separator), made, lang)


@pytest.mark.parametrize("lang", LANGS)
def test_the_excel_file_has_every_cell_of_the_topics(lang: str) -> None:
    made = snapshot()
    check(from_excel(workbook_bytes(made, lang)), made, lang)


def test_amounts_are_numbers_in_excel_and_plain_digits_in_csv() -> None:
    made = snapshot()
    row = next(r for r in from_excel(workbook_bytes(made, "nl")) if cell_of(r) == ("GM9901P", "total", 2025))
    assert row["euros"] == 4_400_000
    assert isinstance(row["euros"], int)
    assert b";4400000;" in csv_bytes(made, "nl")


@pytest.mark.parametrize("lang", LANGS)
def test_what_is_around_a_held_area_stands_in_columns_of_its_own(lang: str) -> None:
    rows = {cell_of(r): r for r in from_csv(csv_bytes(snapshot(), lang))}
    ever, now = rows[HELD_EVER_BUURT, "total", 2025], rows[HELD_BUURT, "total", 2025]
    assert (ever["euros"], ever["households"], ever["value_of"]) == ("", "", "")
    assert (ever["around_code"], ever["around_euros"], ever["around_of"]) == ("WK990102", "2200000", "2025-06")
    assert ever["around_name"] == "Buitenwijk & Polder"
    assert (now["euros"], now["value_of"]) == ("220000", "2025-03")
    assert (now["around_code"], now["around_euros"]) == ("WK990101", "2200000")
    assert rows[EMPTY_BUURT, "total", 2025]["euros"] == "0", "nothing is not the same as kept back"


def test_the_explaining_sheet_says_what_must_be_said_beside_every_figure() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(snapshot(), "nl")))
    assert book.sheetnames == ["Uitleg", "Cijfers", "Volledigheid", "Gebieden"]
    said = "\n".join(str(c) for row in book["Uitleg"].iter_rows(values_only=True) for c in row if c)
    held = sum(c["decision"] == "held" for c in on_the_topics(snapshot()).values())
    for sentence in (
        "Voorlopige bescherming", f"{HELD['nl']}.", "juni 2025", "GM9901 2025-06, macro 1, meso 1", f"{held} van {len(on_the_topics(snapshot()))} cijfers",
        "Jeugdwet: 9 van 12 gevraagde aanbiedermaanden afgesloten", "macro.gm9901.v1, meso.gm9901.v1", "Geestelijke gezondheidszorg zit in de totalen",
        "afgerond op 1.000 euro, aantallen huishoudens op 5", snapshot().macro["geometry_hash"].hex(), "Grenzen van 2025",
    ):  # fmt: skip
        assert sentence in said, sentence


def test_completeness_and_areas_have_sheets_of_their_own() -> None:
    made = snapshot()
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(made, "nl")))
    complete = list(book["Volledigheid"].iter_rows(values_only=True))[1:]
    assert complete == [
        ("wmo", "Wmo", 12, 12),
        ("jeugdwet", "Jeugdwet", 9, 12),
        ("participatiewet", "Participatiewet", 0, 12),
    ]
    areas = {row[0]: row[1:] for row in list(book["Gebieden"].iter_rows(values_only=True))[1:]}
    assert set(areas) == {"GM9901P"} | {a["code"] for a in geography()["areas"] if a["level"] != "gemeente"}
    assert areas["BU99010101"][:3] == ("Kerkbuurt", "buurt", "WK990101")
    assert areas["WK990101"][:3] == ("Dorpskern", "wijk", "GM9901P")


def test_what_was_given_up_and_the_day_stand_in_every_file() -> None:
    made = snapshot(given_up=["least_contributors 5"], published_on=20_300, protection="full")
    said = f"{TEXTS['full'][0]}; opgegeven: least_contributors 5"
    assert {row["protection"] for row in from_csv(csv_bytes(made, "nl"))} == {said}
    assert {row["protection"] for row in from_excel(workbook_bytes(made, "nl"))} == {said}
    assert json.loads(geojson_bytes(made, "nl", group="total", year=2025))["about"]["protection"] == said
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(made, "nl")))
    assert ("Uitgegeven op", "2025-07-31") in list(book["Uitleg"].iter_rows(values_only=True))


@pytest.mark.parametrize("name", [NASTY, "+31", "-1+1", "@SUM(A1)", "\t=1", " =1+1", "\uff1d1", 'a;b"c\nd', "'=1"])
def test_a_name_is_never_a_formula(name: str) -> None:
    made = snapshot(named={"BU99010101": name, "WK990101": name, "GM9901": name})
    rows = [r for r in from_csv(csv_bytes(made, "nl")) if r["area_code"] == "BU99010101"]
    assert {r["area_name"] for r in rows} == {harmless(name)}
    around = next(r for r in from_csv(csv_bytes(made, "nl")) if cell_of(r) == (HELD_BUURT, "total", 2025))
    assert around["around_name"] == harmless(name)
    for row in csv.reader(io.StringIO(csv_bytes(made, "nl").decode("utf-8-sig"), newline=""), delimiter=";"):
        assert not [c for c in row if c.lstrip()[:1] in ("=", "+", "-", "@", "\uff1d")]
    data = workbook_bytes(made, "nl")
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        sheets = [parts.read(n) for n in parts.namelist() if n.startswith("xl/worksheets/")]
        assert not [n for n in parts.namelist() if "externalLink" in n or "vba" in n.lower()]
    assert len(sheets) == 4
    assert not [s for s in sheets if b"<f>" in s or b"hyperlink" in s]
    assert {r["area_name"] for r in from_excel(data) if r["area_code"] == "BU99010101"} == {harmless(name)}


def test_a_name_that_is_no_formula_stays_as_it_is() -> None:
    assert harmless("Molenhoek-Zuid + 't Veld") == "Molenhoek-Zuid + 't Veld"
    assert harmless("") == ""


def test_a_negative_amount_stays_a_number() -> None:
    epoch = released_epoch()
    for cell in epoch["cells"]:
        if cell["area"] == "BU99010101":
            cell["euros"] = -12_000
    made = Snapshot(epoch, None, geography())
    assert {r["euros"] for r in from_csv(csv_bytes(made, "nl")) if r["area_code"] == "BU99010101"} == {"-12000"}


FILES = {
    "csv": lambda s: csv_bytes(s, "nl"),
    "excel": lambda s: workbook_bytes(s, "nl"),
    "geojson": lambda s: geojson_bytes(s, "nl", group="total", year=2025),
}


@pytest.mark.parametrize("kind", FILES)
def test_the_same_snapshot_gives_the_same_bytes_on_any_day(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    first = FILES[kind](snapshot())
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(4_000_000_000))
    assert FILES[kind](snapshot()) == first


@pytest.mark.parametrize("kind", FILES)
def test_a_value_that_was_never_published_changes_no_byte(kind: str) -> None:
    """Whatever a record says of a cell that is kept back: without a date of publication before this epoch it goes nowhere."""
    said = FILES[kind](snapshot())
    for known in (None, JUNE, JUNE + 1):
        for euros in (1_000, 777_000):
            made = snapshot()
            macro = copy.deepcopy(dict(made.macro))
            for cell in macro["cells"]:
                if cell["area"] == HELD_EVER_BUURT:
                    cell |= {"euros": euros, "households": 15, "known_until": known}
            assert FILES[kind](Snapshot(macro, made.meso, made.geography)) == said


def test_the_gemeente_without_a_map_and_without_meso_can_be_taken_along_too() -> None:
    made = Snapshot(released_epoch(), None, None)
    rows = {cell_of(r): r for r in from_csv(csv_bytes(made, "nl"))}
    assert set(rows) == {(c["area"], c["group"], c["service_year"]) for c in made.macro["cells"]}
    assert {r["snapshot"] for r in rows.values()} == {"GM9901 2025-06, macro 1"}
    assert openpyxl.load_workbook(io.BytesIO(workbook_bytes(made, "nl"))).sheetnames == [
        "Uitleg",
        "Cijfers",
        "Volledigheid",
    ]
    assert json.loads(geojson_bytes(made, "nl", group="total", year=2025))["features"] == []


def test_what_has_no_buurt_is_called_so() -> None:
    rows = [r for r in from_csv(csv_bytes(snapshot(), "nl")) if r["area_code"] == "GM9901"]
    assert {r["area_name"] for r in rows} == {"Zonder buurt: geheim adres, instelling of onbekend adres"}


def test_mental_health_care_has_no_row_and_no_word_of_its_own() -> None:
    for lang in LANGS:
        rows = from_csv(csv_bytes(snapshot(), lang))
        assert not [
            r for r in rows if "ggz" in " ".join(r.values()).lower() or "mental" in " ".join(r.values()).lower()
        ]


def test_the_explaining_sheet_says_what_the_columns_and_the_rules_are() -> None:
    made = snapshot(parameters=json.dumps(Parameters().as_dict() | {"still_unnamed": 7}))
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(made, "en")))
    lines = list(book["Explained"].iter_rows(values_only=True))
    assert set(COLUMN_NOTES) <= set(COLUMNS)
    for key, notes in COLUMN_NOTES.items():
        assert (TEXTS[key][1], notes[1]) in lines
    rules = dict(lines)["Rules"]
    assert set(RULE_NAMES) == set(Parameters().as_dict()), "each number of the rules has words"
    for name, number in Parameters().as_dict().items():
        assert f"{RULE_NAMES[name][1]}: {number}" in rules
    assert "still_unnamed: 7" in rules


def test_every_sentence_is_used() -> None:
    folder = Path(exports.__file__).parent
    files = [*folder.glob("*.py"), folder.parent / "council.py"]
    text = "".join(p.read_text("utf-8") for p in files)
    assert [key for key in TEXTS if text.count(f'"{key}"') < 2] == []


def test_both_languages_have_every_column_and_sentence() -> None:
    for key, (dutch, english) in TEXTS.items():
        assert dutch.strip(), key
        assert english.strip(), key
    assert len(set(head("nl"))) == len(set(head("en"))) == len(COLUMNS)
    assert set(BUURTEN) <= {r["area_code"] for r in from_csv(csv_bytes(snapshot(), "en"))}
