"""Whatever comes in by the address bar or from the topics: a clear page or sentence, and nothing of the inside of the machine."""

from __future__ import annotations

import asyncio
import re
from html import unescape

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from municipality_page_builders import JUNE, geography, record, released, released_epoch, usual
from municipality_page_reading import asked, chosen, opened, table, warnings
from municipality_year_builders import LAST, a_year, epoch_record

import portals.municipality.app
from portals.municipality.app import build_app
from portals.municipality.choice import PARAMETERS
from schemas.secrets import SigningKey

VIEWS = ("/", "/verloop", "/vergelijk", "/postcodes")


@pytest.mark.parametrize("path", ["/nergens", "/verloop/", "/static/nergens.css", "/..%2f..%2fetc%2fpasswd", "/api"])
@pytest.mark.parametrize("lang", ["nl", "en"])
def test_an_unknown_address_is_a_page_with_a_sentence(path: str, lang: str) -> None:
    answer = asked(f"{path}?lang={lang}")
    if answer.status_code == 307:
        return  # a slash too many leads to the page without it
    assert answer.status_code == 404
    text = unescape(answer.text)
    assert ("Deze pagina is er niet" if lang == "nl" else "This page does not exist") in text
    assert 'href="/?lang=' in text
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")


@pytest.mark.parametrize("view", VIEWS)
def test_an_unknown_month_or_area_is_said_and_not_repeated(view: str) -> None:
    text = opened(f"{view}?maand=1999-07&gebied=BU12345678&groep=ggz", a_year())
    said = warnings(text)
    assert said[0] == "Van de maand in het adres is niets uitgegeven. U ziet eind juni 2025."
    assert said[1] == "Het gebied in het adres is hier niet bekend. U ziet de hele gemeente."
    assert said[2] == "Een keuze in het adres bestaat niet. Daarvoor ziet u de gewone keuze."
    assert "1999" not in text
    assert "BU12345678" not in text
    assert "groep=ggz" not in text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(VIEWS),
    st.dictionaries(
        st.sampled_from([*PARAMETERS, "x", ""]),
        st.text(max_size=12)
        | st.sampled_from(["<script>", "2025-06", "2025-13", "٢٠٢٥-٠٦", "9" * 40, "GM9901", "GM9901P", "wmo"]),
    ),
)
def test_no_address_breaks_the_page_or_comes_back_in_it(view: str, query: dict[str, str]) -> None:
    answer = asked(view + "?" + str(httpx.QueryParams(query)), FUZZED)
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "Traceback" not in answer.text


FUZZED = usual()
MARCH = JUNE - 3


def test_a_failure_inside_is_a_sentence_and_tells_nothing(monkeypatch) -> None:
    def fails(*_: object) -> dict:
        raise RuntimeError("secret of the machine")

    monkeypatch.setattr(portals.municipality.app, "map_page", fails)
    answer = asked("/?lang=nl")
    assert answer.status_code == 500
    assert "Er ging hier iets mis" in answer.text
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_deleted_record_is_noticed_and_its_month_named() -> None:
    assert warnings(opened("/", a_year())) == []
    said = warnings(opened("/", a_year(without=(LAST - 2,))))
    assert said == [
        "Er ontbreken uitgegeven cijfers van april 2025. Wat hier staat klopt, maar is niet alles. Vraag de beheerder het topic na te lezen."
    ]


def a_topic(*epochs_of_versions: tuple[int, int]):
    """Macro records (version, month) and nothing else."""
    return released(record(geography()), *(record(released_epoch(e, version=v)) for v, e in epochs_of_versions))


def test_a_month_released_in_two_records_is_whole_and_each_of_them_is_missed() -> None:
    """The first half of a quarter's last month comes before the buurten do; a later version takes its place."""
    whole = [(1, MARCH - 1), (2, MARCH), (3, MARCH), (4, MARCH + 1), (5, MARCH + 2), (6, JUNE)]
    older = {c["known_until"] for c in released_epoch(JUNE)["cells"]} - {None, JUNE}
    assert older == {MARCH}
    assert a_topic(*whole).missing() == []
    for gone, month in ((2, MARCH), (3, MARCH), (4, MARCH + 1), (5, MARCH + 2)):
        left = [pair for pair in whole if pair[0] != gone]
        found = a_topic(*left).missing()
        assert found == [month], gone


def test_a_deleted_meso_record_is_noticed_too() -> None:
    records = [record(a_year().meso.epochs[e]) for e in (LAST - 3, LAST - 2, LAST)]
    page = released(
        record(geography()), *(epoch_record(e, "macro") for e in range(LAST - 3, LAST + 1)), meso=tuple(records)
    )
    assert page.missing() == [LAST - 1]


def test_figures_say_when_they_were_published_where_the_record_does() -> None:
    page = a_year()
    figures = page.figures(LAST)
    assert "uitgegeven op" not in opened("/", page) or figures.published_on is not None
    figures.published_on = 20_276
    assert "uitgegeven op 7 juli 2025" in opened("/?groep=wmo", page)


def test_deleted_names_and_shapes_are_noticed_and_the_whole_is_still_shown() -> None:
    text = opened("/", released(record(released_epoch())))
    assert any("De namen en vormen van de gebieden ontbreken" in said for said in warnings(text))
    assert chosen(text) == "GM9901: € 4.400.000."
    assert "Van deze gebieden zijn geen vormen uitgegeven." in text


def test_a_repeated_record_changes_nothing() -> None:
    once, again = a_year(), a_year()
    for epoch in (LAST - 2, LAST):
        again.macro.take(record(again.macro.epochs[epoch]), 0)
    assert opened("/verloop", again) == opened("/verloop", once)


def test_what_does_not_count_is_said_with_how_many_and_nothing_of_it() -> None:
    page = usual()
    page.macro.take(record(released_epoch(JUNE), SigningKey(bytes(32))), 0)
    page.macro.take(record(released_epoch(JUNE, software="other")), 0)
    text = opened("/", page)
    assert (
        "2 berichten zijn niet meegeteld: niet door de uitgifte ondertekend, of in strijd met een eerder bericht."
        in warnings(text)
    )
    assert "other" not in text


def test_areas_are_those_that_an_epoch_was_made_with_even_when_others_came_later() -> None:
    later = geography()
    later["areas"] = [a | {"name": "Nieuw " + a["name"]} for a in later["areas"]]
    page = released(record(geography()), record(released_epoch()), record(later))
    assert chosen(opened("/?gebied=BU99010101", page)) == "Kerkbuurt: € 220.000."


def test_a_hundred_readers_at_once_all_get_their_page() -> None:
    page = a_year()

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(build_app(page, ready=lambda: True))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            areas = [a["code"] for a in page.figures(LAST).areas if a["level"] in ("buurt", "wijk")]
            return await asyncio.gather(
                *(client.get(f"{VIEWS[n % 4]}?gebied={areas[n % len(areas)]}") for n in range(100))
            )

    answers = asyncio.run(ask())
    assert {a.status_code for a in answers} == {200}
    for n in (0, 37, 98):
        assert answers[n].text == asked(str(answers[n].url).removeprefix("http://page"), page).text


def test_a_page_made_before_is_not_shown_once_something_new_came() -> None:
    page, address = a_year(until=LAST - 1), "/?maand=2025-05"
    assert warnings(opened(address, page)) == []
    page.macro.take(record(released_epoch(JUNE), SigningKey(bytes(32))), 0)
    assert len(warnings(opened(address, page))) == 1
    assert "2025-06" not in opened(address, page)
    page.macro.take(epoch_record(LAST, "macro"), 0)
    assert '<option value="2025-06">juni 2025</option>' in opened(address, page)
    assert "zoals bekend eind juni 2025" in opened("/", page)


@pytest.mark.parametrize(
    "path", ["/?gebied=WK990101&groep=wmo", "/verloop?gebied=WK990101", "/vergelijk?met=2025-01", "/postcodes"]
)
def test_a_fixed_address_shows_the_same_after_later_releases(path: str) -> None:
    before, after = a_year(until=LAST - 1), a_year()
    address = re.search(r'<a id="adres" href="([^"]+)"', opened(path, before))[1]
    assert "maand=2025-05" in address
    assert table(opened(address, after)) == table(opened(path, before))


def test_every_view_says_as_known_on_from_which_snapshot_and_how_complete() -> None:
    page = a_year()
    for view in VIEWS:
        text = opened(view, page)
        about = text[text.index('id="over"') :]
        assert "zoals bekend eind juni 2025" in about
        assert f"uitgave {page.macro.epochs[LAST]['version']} van juni 2025" in about
        assert page.macro.epochs[LAST]["ledger_hash"].hex()[:12] in about
        assert page.macro.epochs[LAST]["geometry_hash"].hex()[:12] in about
        assert "Jeugdwet: 136 van 144 gevraagde aanbiedermaanden afgesloten (94%)" in about


def test_a_year_that_had_not_begun_in_the_chosen_month_is_said_so_and_not_called_an_address() -> None:
    for query, sentence in (
        ("/?maand=2025-03&jaar=2026", "Van het gekozen zorgjaar was eind maart 2025 niets bekend. U ziet zorgjaar 2025."),
        ("/vergelijk?met=2025-03&metjaar=2026", "Van het gekozen zorgjaar was eind maart 2025 niets bekend. U ziet zorgjaar 2025."),
        ("/?maand=2025-03&jaar=2026&lang=en", "Nothing of the chosen service year was known at the end of March 2025."),
    ):  # fmt: skip
        page = opened(query)
        assert sentence in page
        assert "Een keuze in het adres" not in page
