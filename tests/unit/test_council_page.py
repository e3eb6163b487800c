"""The page for the council as PDF, read again: what stands on it, that it is one page, and that names are words and nothing more."""

from __future__ import annotations

import copy
import io
import json
import re
from typing import Any

import pypdf
import pytest
from municipality_export_builders import snapshot
from municipality_page_builders import (
    DECEMBER,
    HELD_BUURT,
    HELD_EVER_BUURT,
    JUNE,
    cell,
    concentration,
    geography,
    released_epoch,
    square,
)

from portals.municipality.exports.council_beside import Beside, Change, beside_content
from portals.municipality.exports.council_page import council_page
from portals.municipality.exports.map_picture import map_picture
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.words import HELD


def opened(made: Snapshot, lang: str = "nl") -> tuple[pypdf.PdfReader, str]:
    pdf = pypdf.PdfReader(io.BytesIO(council_page(made, lang, year=2025)))
    return pdf, " ".join(" ".join(page.extract_text() for page in pdf.pages).split())


def test_it_says_the_total_its_streams_how_complete_what_is_held_and_from_where() -> None:
    pdf, said = opened(snapshot())
    assert len(pdf.pages) == 1
    for sentence in (
        "Geleverde zorg in Waterrijk", "Zorgjaar 2025 tot nu toe, zoals bekend eind juni 2025.", "€ 4.400.000", "120 huishoudens met zorg",
        "Wmo € 1.200.000 27%", "Jeugdwet € 2.000.000 45%", "Participatiewet € 800.000 18%", "Overige zorg (Zvw en Wlz) € 400.000 9%",
        "Jeugdwet: 9 van 12 gevraagde aanbiedermaanden afgesloten", "Buurt: 2 van 6. Molenhoek, Hoge Akker.", f"{HELD['nl']}.",
        "Voorlopige bescherming", "GM9901 2025-06, macro 1, meso 1", "macro.gm9901.v1, meso.gm9901.v1", "Ed25519",
        "Geestelijke gezondheidszorg zit in de totalen en wordt nergens apart getoond.",
    ):  # fmt: skip
        assert sentence in said, sentence


def test_in_english_no_dutch_is_left_but_names() -> None:
    _, said = opened(snapshot(), "en")
    assert "Care delivered in Waterrijk" in said
    assert "€ 4,400,000" in said
    assert "Neighbourhood: 2 of 6. Molenhoek, Hoge Akker." in said
    for dutch in ("Zorgjaar", "Volledigheid", "Achtergehouden", "huishoudens", "bekend"):
        assert dutch not in said


@pytest.mark.parametrize(("lang", "sentences"), [
    ("nl", ("Er is nog geen nulmeting.", "Over zorgjaar 2025 is nog geen verhaal voor de raad vrijgegeven.",
            "Van zorgjaar 2025 is dit er nog niet: het komt met de cijfers van eind december 2026.")),
    ("en", ("There is no baseline yet.", "No story for the council was released of service year 2025 yet.",
            "Of service year 2025 this is not there yet: it comes with the figures of the end of December 2026.")),
])  # fmt: skip
def test_what_does_not_exist_is_said_in_one_sentence_each(lang: str, sentences: tuple[str, ...]) -> None:
    _, said = opened(snapshot(), lang)
    for sentence in sentences:
        assert said.count(sentence) == 1
    assert "None" not in said
    bare, said = opened(Snapshot(released_epoch(), None, None), lang)
    assert len(bare.pages) == 1
    assert "Kaart" not in said
    assert "Map:" not in said


def test_the_legend_of_the_map_and_the_heading_under_it_do_not_touch() -> None:
    heights: dict[str, float] = {}

    def seen(text: str, _cm: Any, matrix: list[float], _font: Any, _size: float) -> None:
        for word in ("niet apart getoond", "Het verhaal erbij"):
            if word in text:
                heights[word] = _cm[5] + matrix[5] * _cm[3]

    pdf, _ = opened(snapshot())
    pdf.pages[0].extract_text(visitor_text=seen)
    assert abs(heights["niet apart getoond"] - heights["Het verhaal erbij"]) > 11, "a line of 11 points fits between"


def test_a_stream_that_is_held_is_named_and_no_share_is_given() -> None:
    made = snapshot()
    macro = copy.deepcopy(dict(made.macro))
    for one in macro["cells"]:
        if one["area"] == "GM9901P" and one["group"] == "overig":
            one |= {"decision": "held", "euros": None, "households": None, "known_until": None}
    _, said = opened(Snapshot(macro, made.meso, made.geography))
    assert "Niet apart getoond: Overige zorg (Zvw en Wlz)." in said
    assert "€ 2.000.000" in said
    assert not re.search(r"€ [\d.]+ \d+%", said)


def test_two_streams_that_are_held_are_one_piece_of_the_whole() -> None:
    made = snapshot()
    macro = copy.deepcopy(dict(made.macro))
    for one in macro["cells"]:
        if one["area"] == "GM9901P" and one["group"] in ("wmo", "jeugdwet"):
            one |= {"decision": "held", "euros": None, "households": None, "known_until": None}
    _, said = opened(Snapshot(macro, made.meso, made.geography))
    assert re.search(r"€ 400\.000 9%", said)
    assert "Niet apart getoond 73%" in said


def test_where_no_buurt_is_shown_the_map_has_the_wijken() -> None:
    made = snapshot()
    macro = copy.deepcopy(dict(made.macro))
    for one in macro["cells"]:
        if one["area_level"] == "buurt":
            one |= {"decision": "held", "euros": None, "households": None, "known_until": None}
    _, said = opened(Snapshot(macro, made.meso, made.geography))
    assert "Kaart: alle geldstromen samen, per wijk" in said
    assert "Buurt: 6 van 6." in said, "what is kept back is still told"


def test_a_total_that_is_held_says_so_and_from_when_it_is() -> None:
    made = snapshot()
    macro = copy.deepcopy(dict(made.macro))
    for one in macro["cells"]:
        if one["area"] == "GM9901P" and one["group"] == "total":
            one |= {"decision": "held", "known_until": JUNE - 1}
    _, said = opened(Snapshot(macro, made.meso, made.geography))
    assert "€ 4.400.000" in said
    assert "Cijfer van eind mei 2025." in said


def test_figures_of_an_earlier_quarter_on_the_map_are_said_to_be_so() -> None:
    made = snapshot()
    macro = copy.deepcopy(dict(made.macro))
    for one in macro["cells"]:
        if one["area"] == "BU99010101":
            one |= {"known_until": JUNE - 3}
    assert (
        "Op de kaart staan ook cijfers van eerder, van eind maart 2025."
        in opened(Snapshot(macro, None, made.geography))[1]
    )
    assert "van eerder" not in opened(made)[1]


def test_the_map_hatches_what_has_no_figure_of_its_own() -> None:
    picture = map_picture(snapshot(), "buurt", year=2025)
    fills = [part.split('"')[0] for part in picture.split('fill="')[1:]]
    assert fills.count("url(#hatch)") == 2
    only_held = copy.deepcopy(dict(snapshot().macro))
    for one in only_held["cells"]:
        if one["area"] in (HELD_BUURT, HELD_EVER_BUURT):
            one |= {"euros": None, "known_until": None}
    assert map_picture(Snapshot(only_held, None, geography()), "buurt", year=2025) == picture, (
        "an old value colours nothing"
    )


def test_a_wijk_without_a_shape_is_drawn_as_its_buurten() -> None:
    assert map_picture(snapshot(), "wijk", year=2025).count("<path") == 2


NAMES = [
    '#import "x"',
    "$x$ *b* _i_ `c`",
    "</svg><script>",
    '#read("/etc/hostname")',
    "\\u{1F600} @x <y>",
    "\u202egnp",
    "A" * 500,
    "’t Hôf – ș",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_set_as_it_stands(name: str) -> None:
    made = snapshot(named={"GM9901": name, HELD_BUURT: name})
    pdf, said = opened(made)
    assert len(pdf.pages) == 1
    shown = name if len(name) <= 40 else f"{name[:39]}…"
    if shown.isascii() or len(name) > 40:
        assert "".join(shown.split()) in "".join(said.split())


@pytest.mark.parametrize(
    "name", ["\u1234 \ue000", "\U0001f3e0", "a\x00b\x1fc", "\u2028\u202e\u200b", "\U000f0000\ufdd0"]
)
def test_a_sign_that_no_font_has_spoils_no_page(name: str) -> None:
    pdf, said = opened(snapshot(named={"GM9901": name, HELD_BUURT: name}))
    assert len(pdf.pages) == 1
    assert "€ 4.400.000" in said
    root: Any = pdf.trailer["/Root"]
    assert root["/StructTreeRoot"]


def large(count: int) -> Snapshot:
    """Many buurten with long names, half of them kept back, and everything said that can be."""
    ground: dict[str, Any] = geography()
    people = dict.fromkeys(("inhabitants", "under_18", "aged_75_and_over", "households"))
    buurten = {
        f"BU9901{1 + n // 90:02d}{1 + n % 90:02d}": f"Buurt met een heel lange naam aan het water {n}"
        for n in range(count)
    }
    ground["areas"] = [a for a in ground["areas"] if a["level"] == "gemeente"]
    for number in range(1, 2 + count // 90):
        ground["areas"].append({"code": f"WK9901{number:02d}", "name": f"Wijk met een heel lange naam aan de overkant {number}", "level": "wijk",
                                "parent": "GM9901", "geometry": "", "postcodes": []} | people)  # fmt: skip
    for n, (code, name) in enumerate(buurten.items()):
        shape = square(1000 * (n % 20), 1000 * (n // 20))
        ground["areas"].append(
            {
                "code": code,
                "name": name,
                "level": "buurt",
                "parent": f"WK{code[2:8]}",
                "geometry": shape,
                "postcodes": [],
            }
            | people
        )
    ground["name"] = "Een gemeente met een naam die nergens op past en toch moet"
    epoch = released_epoch(
        given_up=["figures_of_fewer_than_10_contributors: 5", "one_household_may_be_more_than_half_of_a_figure: 60"],
        published_on=20_000,
    )
    epoch["parameters"] = json.dumps({f"parameter_{n}": n for n in range(8)})
    epoch["cells"] = [c for c in epoch["cells"] if c["area_level"] in ("placed", "gemeente")]
    epoch["cells"] += [
        cell(a["code"], "wijk", "total", None, held=True) for a in ground["areas"] if a["level"] == "wijk"
    ]
    epoch["cells"] += [
        cell(code, "buurt", "total", 1000 * n, held=n % 2 == 0, known=JUNE - n % 2 * 3)
        for n, code in enumerate(buurten)
    ]
    return Snapshot(epoch, released_epoch(level="meso"), ground)


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_it_is_always_one_page(lang: str) -> None:
    pdf, said = opened(large(400), lang)
    assert len(pdf.pages) == 1
    assert ("Buurt: 200 van 400." if lang == "nl" else "Neighbourhood: 200 of 400.") in said
    assert ("en nog 194" if lang == "nl" else "and 194 more") in said
    assert ("opgegeven:" if lang == "nl" else "gave up some of the protection:") in said
    assert ("een cijfer mag van minder dan 10 huishoudens of instellingen zijn (5)" in said) == (lang == "nl")


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_it_stays_one_page_with_the_sentence_about_how_the_money_is_spread(lang: str) -> None:
    made = large(400)
    said = concentration(service_year=2025, half_within=None)[:1]
    pdf, text = opened(
        Snapshot(dict(made.macro) | {"epoch": DECEMBER + 12, "concentration": said}, made.meso, made.geography), lang
    )
    assert len(pdf.pages) == 1
    assert ("is niet te zeggen" if lang == "nl" else "can't be said") in text


def test_the_same_snapshot_gives_the_same_bytes() -> None:
    assert council_page(snapshot(), "nl", year=2025) == council_page(snapshot(), "nl", year=2025)
    pdf, _ = opened(snapshot())
    assert not {"/ModDate", "/CreationDate"} & set(pdf.metadata or {})


def test_a_value_that_was_never_published_changes_no_byte() -> None:
    made = snapshot()
    macro = copy.deepcopy(dict(made.macro))
    for one in macro["cells"]:
        if one["area"] == HELD_EVER_BUURT:
            one |= {"euros": 777_000, "households": 15, "known_until": None}
    assert council_page(Snapshot(macro, made.meso, made.geography), "nl", year=2025) == council_page(
        made, "nl", year=2025
    )


def test_a_screen_reader_can_read_it_and_no_font_comes_from_this_machine() -> None:
    pdf, _ = opened(snapshot())
    root: Any = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "nl"
    assert root["/StructTreeRoot"]
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Geleverde zorg in Waterrijk"
    fonts = {str(f.get_object()["/BaseFont"]).partition("+")[2] for f in pdf.pages[0]["/Resources"]["/Font"].values()}  # type: ignore[index,union-attr]
    assert {name.split("-")[0] for name in fonts} == {"LibertinusSerif"}


@pytest.mark.parametrize(("months", "said"), [(6, "even lang na het eind van dat jaar (eind juni 2026)"), (-6, "even ver in dat jaar (eind juni 2025)"), (0, "even lang na")])  # fmt: skip
def test_a_baseline_frozen_during_its_year_is_compared_equally_far_into_the_other(months: int, said: str) -> None:
    change = Change(
        "Start", 2024, DECEMBER - 12 + months, 4_000_000, 2025, DECEMBER + months, 4_400_000, preliminary=False
    )
    of = Beside(change, "", None, "", None, "")
    assert said in " ".join(beside_content(of, "nl")["change_said"])
    assert beside_content(of, "nl")["change"] == "+ € 400.000 (+10%)"


def test_no_change_has_no_sign_and_nothing_before_no_percentage() -> None:
    for before, after, written in ((4_000, 4_000, "€ 0"), (0, 4_000, "+ € 4.000"), (-1_000, 2_000, "+ € 3.000")):
        change = Change("Start", 2024, JUNE - 12, before, 2025, JUNE, after, preliminary=False)
        assert beside_content(Beside(change, "", None, "", None, ""), "nl")["change"] == written
