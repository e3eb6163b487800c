"""How concentrated the money is, as the page shows it: of the chosen area or the one around it, in the one month that says it."""

from __future__ import annotations

import copy
import re

import pytest
from municipality_page_builders import (
    DECEMBER,
    HELD_WIJK,
    JUNE,
    concentration,
    december,
    geography,
    record,
    released,
    released_epoch,
    usual,
    with_december,
)
from municipality_page_reading import opened, table

from portals.municipality import concentration as said
from portals.municipality.concentration_svg import BOTTOM, LEFT, RIGHT, TOP, WIDTH, curve, halves, widths
from portals.municipality.released import Released
from portals.municipality.words import HELD
from projections.release import concentration as decided
from schemas.values import Month

OF_2024 = "/?maand=2025-12&jaar=2024"


def section(path: str, page: Released | None = None) -> str:
    """The section without tags."""
    html = re.search(
        r'<section class="card" aria-labelledby="verdeling">.*?</section>',
        opened(path, page or with_december()),
        re.DOTALL,
    )
    assert html
    return " ".join(re.sub(r"<[^>]+>", " ", html[0]).split())


def sentence(path: str, page: Released | None = None) -> str:
    found = re.search(r'id="verdeling-zin">(.*?)</p>', opened(path, page or with_december()))
    return found[1] if found else ""


def with_half(half: int | None, **other: object) -> Released:
    return with_december([concentration(half_within=half, **other)[0]])


def test_what_the_page_takes_for_granted_is_what_is_decided() -> None:
    assert decided.POINTS[-1] == said.LAST_POINT
    assert said.LEAST_IN_CARE == decided.LEAST_IN_CARE
    assert said.LEVELS == decided.LEVELS


@pytest.mark.parametrize(
    ("half", "lang", "words"),
    [
        (1, "nl", "De helft van het geld ging naar hooguit 1% van alle huishoudens; 45 huishoudens hadden zorg van 4 of meer aanbieders."),
        (25, "en", "Half of the money went to at most 25% of all households; 45 households had care from 4 providers or more."),
        (0, "nl", "De helft van het geld ging naar meer dan 25% van alle huishoudens; 45 huishoudens hadden zorg van 4 of meer aanbieders."),
        (None, "en", "To how many households half of the money went can't be said; 45 households had care from 4 providers or more."),
    ],
)  # fmt: skip
def test_one_sentence_says_it(half: int | None, lang: str, words: str) -> None:
    page = with_half(half)
    assert sentence(f"{OF_2024}&lang={lang}", page) == words
    assert (f"{HELD[lang]}." in section(f"{OF_2024}&lang={lang}", page)) == (half is None)


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_it_says_of_which_year_known_when_and_from_which_snapshot(lang: str) -> None:
    shown = section(f"{OF_2024}&lang={lang}")
    for part in (
        ["Zorgjaar 2024, alle geldstromen samen, zoals bekend eind december 2025.", "uitgave 1 van december 2025", "uitgegeven op 1 januari 2026"]
        if lang == "nl"
        else ["Service year 2024, all money streams together, as known at the end of December 2025.", "release 1, of December 2025", "published on 1 January 2026"]
    ):  # fmt: skip
        assert part in shown


def test_the_tables_say_what_the_pictures_draw() -> None:
    shown = section(OF_2024)
    assert "1 1.240 2 415 3 120 4 of meer 45" in shown
    assert "2% 31% 5% 52% 15% 83% 25% 97%" in shown
    assert "Geld de helft Huishoudens hooguit 5%" in shown
    assert "Afgerond op 5." in shown


def test_a_wijk_has_its_own_and_no_curve_and_what_is_too_few_is_a_number_below_which_it_lies() -> None:
    shown = section(f"{OF_2024}&gebied=WK990101")
    assert "hooguit 10%" in shown
    assert "4 of meer minder dan 10" in shown
    assert "minder dan 10 huishoudens hadden zorg van 4 of meer aanbieders" in shown
    assert "alleen voor de hele gemeente" in shown
    assert "kromme" not in opened(f"{OF_2024}&gebied=WK990101", with_december())
    stricter = released(
        record(geography()), record(december(parameters='{"least_households": 15, "households_base": 10}'))
    )
    assert "4 of meer minder dan 15 Afgerond op 10." in section(f"{OF_2024}&gebied=WK990101", stricter)


@pytest.mark.parametrize("area", ["BU99010101", "BU99010101.02"])
def test_a_buurt_and_its_parts_show_their_wijk_in_words(area: str) -> None:
    shown = section(f"{OF_2024}&gebied={area}")
    assert shown.startswith(
        "Hoe het geld is verdeeld: Dorpskern Dit wordt alleen gezegd van de hele gemeente en van wijken met 200"
    )
    assert "Hier ziet u Dorpskern, waar Kerkbuurt" in shown
    assert "hooguit 10%" in shown


def test_a_wijk_of_which_half_cannot_be_said_is_not_replaced_by_the_whole() -> None:
    shown = section(f"{OF_2024}&gebied={HELD_WIJK}")
    assert "is niet te zeggen" in shown
    assert f"{HELD['nl']}." in shown
    assert "4 of meer 35" in shown
    assert "helft-geld" not in opened(f"{OF_2024}&gebied={HELD_WIJK}", with_december())


def test_a_wijk_of_which_nothing_is_said_shows_the_whole_and_where_nothing_is_said_that_is_said() -> None:
    page = with_december(concentration()[:1])
    shown = section(f"{OF_2024}&gebied={HELD_WIJK}", page)
    assert "Hier ziet u Waterrijk, waar Buitenwijk & Polder in ligt." in shown
    assert "hooguit 5%" in shown
    nothing = section(f"{OF_2024}&gebied={HELD_WIJK}", with_december([]))
    assert "wordt dit voor Waterrijk niet gezegd: er zijn minder dan 200 huishoudens met zorg" in nothing
    assert "%" not in nothing


def test_before_its_time_it_says_when_it_comes_and_where_the_last_one_is() -> None:
    coming = section("/?maand=2025-12&jaar=2025")
    assert "het komt met de cijfers van eind december 2026" in coming
    assert "Het laatste dat is uitgegeven: zorgjaar 2024" in coming
    link = re.search(
        r'id="laatste-verdeling" href="([^"]+)"', opened("/?maand=2025-12&jaar=2025&gebied=WK990101", with_december())
    )
    assert link
    assert "hooguit 10%" in sentence("/" + link[1].partition("#")[0].lstrip("/"), with_december())
    assert link[1].endswith("#verdeling")


def test_an_earlier_month_does_not_know_what_came_later() -> None:
    shown = section("/?maand=2025-06&jaar=2025")
    assert "december 2026" in shown
    assert "laatste" not in shown
    assert section("/?maand=2025-06", usual()) == section("/?maand=2025-06")


@pytest.mark.parametrize("epoch", [JUNE, DECEMBER - 12, DECEMBER + 12])
def test_what_stands_in_a_record_of_another_month_or_area_is_not_shown(epoch: int) -> None:
    misplaced = released_epoch(epoch, concentration=concentration())
    assert said.said_in(misplaced) == {}
    buurt = december([concentration()[1] | {"area": "BU99010101", "area_level": "buurt"}])
    assert said.said_in(buurt) == {}


def test_a_curve_in_the_record_of_a_wijk_is_not_shown() -> None:
    wijk = copy.deepcopy(concentration())[1] | {"curve": [{"households": 5, "money": 50}]}
    (found,) = said.said_in(december([wijk])).values()
    assert found.curve == ()


def test_a_record_of_before_the_field_existed_has_none() -> None:
    old = released_epoch(DECEMBER)
    del old["concentration"]
    assert said.said_in(old) == {}


@pytest.mark.parametrize(
    ("sort", "providers"),
    [
        ("", ["1", "2", "3", "4 of meer"]), ("naam-af", ["4 of meer", "3", "2", "1"]),
        ("huishoudens", ["1", "2", "3", "4 of meer"]), ("huishoudens-op", ["3", "2", "1", "4 of meer"]),
    ],
)  # fmt: skip
def test_the_table_is_sorted_as_asked_and_what_is_not_said_comes_last(sort: str, providers: list[str]) -> None:
    text = opened(f"{OF_2024}&gebied=WK990101&volgorde={sort}", with_december())
    assert re.findall(r'id="aanbieders-\d"><th scope="row">(.*?)</th>', text) == providers


def test_the_pages_last_table_stays_that_of_the_areas() -> None:
    assert table(opened(OF_2024, with_december()))[0][0] == "Waterrijk"


def test_the_bars_are_as_long_as_their_numbers() -> None:
    within, more = halves(5), halves(said.MORE)
    assert within is not None
    assert more is not None
    assert (within.money, within.households, within.open) == (WIDTH / 2, WIDTH / 20, 0)
    assert more.households == WIDTH / 4
    assert more.households + more.open == WIDTH / 2, "the largest first: never more than half of them"
    assert halves(None) is None
    rows = [said.Stacked(n, n == 4, count) for n, count in ((1, 400), (2, 100), (3, 0), (4, None))]
    assert widths(rows) == [WIDTH, WIDTH / 4, 0, None]
    assert widths(rows[3:]) == [None]


def test_the_curve_goes_from_nothing_through_its_points() -> None:
    drawn = curve([(5, 50), (25, 100)])
    assert drawn is not None
    assert drawn.pieces[0][:2] == (LEFT, BOTTOM)
    assert [(d.x, d.y) for d in drawn.dots] == [
        (round(LEFT + (RIGHT - LEFT) / 5, 1), (TOP + BOTTOM) / 2),
        (RIGHT, TOP),
    ]
    assert curve([]) is None


def test_december_is_the_month_in_which_it_is_due() -> None:
    assert said.due(2024) == DECEMBER == Month(2025, 12).index
