"""The municipal page over signed releases, without a broker: what it opens on, what it says of held areas, what it never says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from municipality_page_builders import (
    BUURTEN,
    HELD_BUURT,
    HELD_EVER_BUURT,
    JUNE,
    WIJKEN,
    geography,
    record,
    released,
    released_epoch,
    usual,
)
from municipality_page_reading import asked, chosen, in_the_table, on_the_map, opened

import portals.municipality
from portals.municipality.words import HELD, TEXTS, text
from projections.release.chosen_parameters import BOUNDS
from schemas.secrets import SigningKey


def test_it_opens_on_the_total_of_all_streams_as_known_at_the_last_month() -> None:
    page = opened()
    assert chosen(page) == "Waterrijk: € 4.400.000."
    assert "Alle geldstromen samen. Zorgjaar 2025 tot nu toe, zoals bekend eind juni 2025." in page
    assert '<option value="2025-06" selected>' in page
    assert '<option value="total" selected>' in page


def test_month_and_group_stand_in_the_address() -> None:
    page = opened("/?maand=2025-05&groep=jeugdwet&jaar=2025&gebied=BU99010101&lang=nl")
    assert '<option value="2025-05" selected>' in page
    assert '<option value="jeugdwet" selected>' in page
    assert chosen(page) == "Kerkbuurt: € 100.000."
    assert "Jeugdwet. Zorgjaar 2025 tot nu toe, zoals bekend eind mei 2025." in page
    assert "?maand=2025-05&groep=jeugdwet&jaar=2025&gebied=BU99010103&lang=nl" in page


@pytest.mark.parametrize(
    "query",
    [
        "maand=1999-01",
        "maand=%00",
        "groep=ggz",
        "groep=<script>",
        "jaar=1",
        "jaar=x",
        "gebied=BU00000000",
        "volgorde=z",
        "lang=de",
    ],
)
def test_an_unknown_choice_is_as_good_as_none(query: str) -> None:
    page = opened(f"/?{query}")
    notices = re.findall(r'<p class="warning" role="note">.*?</p>\s*', page)
    assert len(notices) == (1 if query == "lang=de" else 2), "and the page says so"
    assert page.replace(notices[-1], "") == opened("/").replace(notices[-1], "")
    assert query.partition("=")[2] not in page or query in ("volgorde=z", "lang=de", "jaar=1", "jaar=x")


def test_a_held_area_shows_the_smallest_published_area_around_it_and_says_so() -> None:
    says = chosen(opened(f"/?gebied={HELD_EVER_BUURT}"))
    assert HELD["nl"] in says
    assert "Hier ziet u Buitenwijk & Polder: het kleinste gebied eromheen dat wel getoond mag worden." in says
    assert says.endswith("Buitenwijk & Polder: € 2.200.000")
    label, klass = on_the_map(opened())[HELD_EVER_BUURT]
    assert klass == "held none"
    assert label == says


def test_a_held_area_that_was_shown_before_keeps_its_last_figure_beside_the_parent() -> None:
    says = chosen(opened(f"/?gebied={HELD_BUURT}"))
    assert "Eigen laatst getoonde cijfer: € 220.000, van eind maart 2025." in says
    assert says.endswith("Dorpskern: € 2.200.000")


def test_a_parent_that_is_held_too_is_passed_over() -> None:
    epoch = released_epoch()
    for cell in epoch["cells"]:
        if cell["area"] == "WK990102":
            cell |= {"decision": "held", "known_until": JUNE - 1}
    page = released(record(geography()), record(epoch))
    assert chosen(opened(f"/?gebied={HELD_EVER_BUURT}", page)).endswith("Waterrijk: € 4.400.000")


def test_where_all_around_is_held_the_nearest_figure_that_was_once_shown() -> None:
    epoch = released_epoch()
    for cell in epoch["cells"]:
        cell |= {"decision": "held", "known_until": None if cell["euros"] is None else JUNE - 1}
    says = chosen(opened(f"/?gebied={HELD_EVER_BUURT}", released(record(geography()), record(epoch))))
    assert "Cijfer van eind mei 2025." in says
    assert says.endswith("Buitenwijk & Polder: € 2.200.000")


def test_the_table_says_what_the_map_says() -> None:
    page = opened("/?groep=wmo")
    drawn, rows = on_the_map(page), in_the_table(page)
    assert set(drawn) == set(BUURTEN)
    assert set(rows) == {"GM9901P", *WIJKEN, *BUURTEN}
    for code, (label, klass) in drawn.items():
        assert re.findall(r"€ \d[\d.]*\b", label)[-1] in rows[code]
        assert ("Achtergehouden" in rows[code]) == klass.startswith("held")


def test_what_comes_for_districts_only_is_drawn_per_district() -> None:
    page = opened("/?groep=begeleiding&lang=en")
    assert set(on_the_map(page)) == set(WIJKEN)
    assert set(in_the_table(page)) == {"GM9901P", *WIJKEN}
    assert "Map per district" in page
    says = chosen(opened("/?groep=begeleiding&lang=en&gebied=BU99010101"))
    assert HELD["en"] not in says
    assert says.endswith("You see Dorpskern: the smallest area around it that may be shown. Dorpskern: € 250,000")


def test_a_figure_of_an_earlier_month_says_which() -> None:
    epoch = released_epoch()
    for cell in epoch["cells"]:
        if cell["area_level"] == "buurt" and cell["euros"] is not None:
            cell["known_until"] = JUNE - 1
    page = opened("/?gebied=BU99010101", released(record(geography()), record(epoch)))
    assert chosen(page) == "Kerkbuurt: € 220.000. Cijfer van eind mei 2025."


def test_the_bar_is_of_the_area_or_of_one_named() -> None:
    page = opened("/?gebied=BU99010101")
    assert "Dit is de verdeling van" not in page
    assert "Jeugdwet € 100.000" in page
    page = opened(f"/?gebied={HELD_BUURT}")
    assert "Dit is de verdeling van Dorpskern." in page
    assert "Jeugdwet € 1.000.000" in page


def test_a_bar_is_of_the_smallest_area_that_shows_all_streams() -> None:
    epoch = released_epoch()
    for cell in epoch["cells"]:
        if cell["area"] == "BU99010101" and cell["group"] == "overig":
            cell |= {"decision": "held", "euros": None, "households": None, "known_until": None}
    page = opened("/?gebied=BU99010101", released(record(geography()), record(epoch)))
    assert "Dit is de verdeling van Dorpskern." in page
    assert "45%</td>" in page


def test_a_stream_that_is_held_is_named_and_not_drawn() -> None:
    epoch = released_epoch()
    for cell in epoch["cells"]:
        if cell["group"] == "overig":
            cell |= {"decision": "held", "euros": None, "households": None, "known_until": None}
    page = opened("/?gebied=BU99010101", released(record(geography()), record(epoch)))
    assert "Niet apart getoond: Overige zorg (Zvw en Wlz)." in page
    assert "%</td>" not in page, "no share of a whole that is not shown"
    assert "stream-overig" not in page


def held_streams(*streams: str, areas: tuple[str, ...] = ()) -> dict[str, Any]:
    """An epoch in which these streams are kept back, everywhere or in some areas."""
    epoch = released_epoch()
    for cell in epoch["cells"]:
        if cell["group"] in streams and (not areas or cell["area"] in areas):
            cell |= {"decision": "held", "euros": None, "households": None, "known_until": None}
    return epoch


def test_two_streams_that_are_held_are_one_piece_of_the_bar_so_that_the_others_do_not_look_like_all() -> None:
    page = opened("/", released(record(geography()), record(held_streams("wmo", "jeugdwet"))))
    drawn = [
        float(w)
        for w in re.findall(
            r'width="([\d.]+)" height="34"', page.partition('<svg class="bar"')[2].partition("</svg>")[0]
        )
    ]
    assert drawn == pytest.approx([400 * 2 / 11, 400 / 11, 400 * 8 / 11], abs=0.01), "3 of 11 parts are wmo, 5 jeugdwet"
    shares = re.findall(r"(\d+)%</td>", page.partition('id="balk-streams"')[2].partition("</table>")[0])
    assert shares == ["18", "9", "73"]
    assert "€ 3.200.000" not in page, "of what is kept back no amount is written"


def test_where_no_streams_are_shown_apart_at_all_the_page_says_so() -> None:
    none = "worden nu geen geldstromen apart getoond"
    everything = held_streams("wmo", "jeugdwet", "participatiewet", "overig")
    everything["cells"] = [c for c in everything["cells"] if c["group"] != "begeleiding"]
    assert none in opened("/", released(record(geography()), record(everything)))
    assert none not in opened("/")


def test_a_bar_of_a_known_whole_comes_before_one_of_a_smaller_area_that_would_pass_two_streams_for_all() -> None:
    epoch = held_streams("wmo", "jeugdwet")
    for cell in epoch["cells"]:
        if (cell["area"], cell["group"]) == ("BU99010101", "total"):
            cell |= {"decision": "held", "euros": None, "households": None, "known_until": None}
    page = opened("/?gebied=BU99010101", released(record(geography()), record(epoch)))
    assert "Dit is de verdeling van Dorpskern." in page
    assert 'class="rest"' in page


def test_where_the_whole_is_of_another_month_or_held_the_bar_has_no_such_piece() -> None:
    held_total = held_streams("wmo", "jeugdwet", "total")
    older = held_streams("wmo", "jeugdwet")
    for cell in older["cells"]:
        if cell["group"] == "total":
            cell["known_until"] = JUNE - 3
    for epoch in (held_total, older):
        page = opened("/", released(record(geography()), record(epoch)))
        assert "%</td>" not in page
        assert 'class="rest"' not in page


def without_a_buurt() -> dict[str, Any]:
    """An epoch in which no buurt ever had a figure."""
    epoch = released_epoch()
    for cell in epoch["cells"]:
        if cell["area"] in BUURTEN:
            cell |= {"decision": "held", "euros": None, "households": None, "known_until": None}
    return epoch


def test_where_no_buurt_is_shown_the_map_has_the_wijken_and_is_not_grey_all_over() -> None:
    page = opened("/", released(record(geography()), record(without_a_buurt())))
    assert "Kaart per wijk" in page
    assert "De kaart toont daarom wijken; de buurten staan in de tabel." in page
    assert re.findall(r'id="kaart-(\w+)" href', page) == list(WIJKEN)
    assert all(f'id="rij-{code}"' in page for code in BUURTEN)
    assert 'id="kaart-wijken"' not in opened("/")


def test_what_can_be_taken_along_is_one_link_from_the_top() -> None:
    page = opened()
    assert page.index('href="#meenemen"') < page.index('id="kaart"') < page.index('id="meenemen"')


def test_completeness_is_said_per_stream_and_never_of_what_was_not_asked() -> None:
    page = opened()
    assert "Jeugdwet: 9 van 12 gevraagde aanbiedermaanden afgesloten" in page
    assert "Een aanbiedermaand is één maand van één aanbieder." in page
    assert "Overige zorg (Zvw en Wlz): 0 van 0" not in page


def test_households_in_care_are_not_taken_for_all_households() -> None:
    assert re.search(r"Huishoudens met zorg: <strong>\d+", opened())
    assert re.search(r"Households in care: <strong>\d+", opened("/?lang=en"))


def test_clusters_stand_under_their_buurt_without_households() -> None:
    page = opened("/?gebied=BU99010101")
    part = page[page.index("Binnen deze buurt") : page.index("Dezelfde cijfers als tabel")]
    assert "Kerkbuurt 1" in part
    assert "€ 60.000" in part
    assert "Achtergehouden" in part
    assert "Huishoudens" not in part
    assert "Delen van een buurt zijn er alleen voor alle geldstromen samen." in part


def test_the_preliminary_line_stands_until_protection_is_full() -> None:
    assert "Voorlopige bescherming" in opened()
    full = released(record(geography()), record(released_epoch(protection="full")))
    assert "Voorlopige bescherming" not in opened(page=full)


def test_both_languages_have_every_sentence() -> None:
    for key, (dutch, english) in TEXTS.items():
        assert dutch.strip(), key
        assert english.strip(), key
        assert set(re.findall(r"{\w+}", dutch)) == set(re.findall(r"{\w+}", english)), key
    english = opened("/?lang=en")
    assert '<html lang="en">' in english
    assert chosen(english) == "Waterrijk: € 4,400,000."
    assert "Zorgjaar" not in english


@pytest.mark.parametrize("lang", ["nl", "en"])
@pytest.mark.parametrize("name", [b.gives_up for b in BOUNDS.values()])
def test_what_was_given_up_stands_on_the_page_in_words(name: str, lang: str) -> None:
    warned = opened(
        f"/?lang={lang}", page=released(record(geography()), record(released_epoch(given_up=[f"{name}: 60"])))
    )
    assert f"{text(name, lang)} (60)." in warned
    assert text("given_up", lang, names="")[:30] not in opened(f"/?lang={lang}")


def test_every_sentence_is_used() -> None:
    folder = Path(portals.municipality.__file__).parent
    own = [p for p in [*folder.glob("*.py"), *folder.glob("templates/*.html")] if p.name != "sentences.py"]
    text = "".join(p.read_text("utf-8") for p in own)
    made = {
        "map_buurt",
        "map_wijk",
        "period_jaar",
        "period_kwartaal",
        "period_maand",
        "trend_known_1",
        "trend_known_3",
        "trend_so_far_1",
        "trend_so_far_3",
    }
    assert {key for key in TEXTS if f'"{key}"' not in text and f"'{key}'" not in text} == made | {
        "not_found_how",
        "failed_how",
        *(b.gives_up for b in BOUNDS.values()),
    }


def test_before_the_first_close_it_says_how_to_close() -> None:
    page = opened(page=released(record(geography())))
    assert "Er is nog geen maand afgesloten" in page
    assert "zorgstroom operator close-month" in page


def test_what_another_signed_is_not_shown() -> None:
    forged = record(released_epoch(JUNE), SigningKey(bytes(32)))
    page = opened(page=released(record(geography()), record(released_epoch(JUNE - 1)), forged))
    assert '<option value="2025-05" selected>' in page
    assert "2025-06" not in page


def test_nothing_of_others_is_loaded_and_nothing_is_kept() -> None:
    answer = asked("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert not re.findall(r'(?:src|href)="https?://', answer.text)
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


def test_health_says_whether_all_was_read() -> None:
    page = usual()
    assert asked("/health", page).status_code == 200
    page.trouble = "Kafka does not answer."
    answer = asked("/health", page, ready=False)
    assert (answer.status_code, answer.text) == (503, "reading. Kafka does not answer.")
