"""Who is signed in stands on every page, with the way out; pages that are kept for everybody hold nobody's name or session."""

from __future__ import annotations

import gzip
import re
from html import unescape

import pytest
from municipality_page_builders import usual
from municipality_served import ask
from own_page_served import PEOPLE, Served

from deploy.mock_sign_in import Invented

FIGURES = (
    "/",
    "/verloop",
    "/vergelijk",
    "/postcodes",
    "/?lang=en&gebied=BU99010101&maand=2025-05",
    "/verloop?gebied=nergens&maand=1999-01",
)
OTHERS = ("/verhalen", "/nulmeting", "/verhalen/none", "/nergens", "/api/v1")
FORM = re.compile(r'<form class="who".*?</form>\n?', re.DOTALL)


@pytest.fixture(scope="module")
def served() -> Served:
    return Served()


@pytest.mark.parametrize("path", [*FIGURES, *OTHERS])
def test_the_name_and_the_way_out_stand_once_on_every_page(served: Served, path: str) -> None:
    rik, wies = served.visitor("rik"), served.visitor("wies")
    for visitor, name, other in (
        (rik, "Rik Voorbeeld", "Wies"),
        (wies, "Wies Voorbeeld", "Rik"),
        (rik, "Rik Voorbeeld", "Wies"),
    ):
        page = unescape(visitor.get(path).text)
        said = f"Signed in as {name}" if "lang=en" in path else f"Aangemeld als {name}"
        assert page.count(said) == page.count('action="/afmelden') == 1
        assert other not in page
        assert "<!--" not in page
    if path in FIGURES:
        assert FORM.sub("", rik.get(path).text) == FORM.sub("", wies.get(path).text)


def test_the_way_out_on_a_page_of_figures_signs_out(served: Served) -> None:
    rik = served.visitor("rik")
    word = re.search(r'name="csrf" value="([^"]+)"', rik.text("/verloop?lang=nl"))
    assert word is not None
    assert rik.send("/afmelden", {}, csrf=word[1]).headers["location"] == "/afgemeld"
    assert rik.get("/verloop").status_code == 401


def test_what_is_kept_for_everybody_has_nobody_in_it(served: Served) -> None:
    rik = served.visitor("rik")
    word = re.search(r'name="csrf" value="([^"]+)"', rik.text("/"))
    (site,) = {route.endpoint.__self__ for route in served.app.routes if getattr(route, "path", "") == "/"}
    kept = [gzip.decompress(page).decode() for page in site._pages._made.values()]
    assert len(kept) >= 1
    assert word is not None
    for page in kept:
        assert "Rik" not in page
        assert "csrf" not in page
        assert word[1] not in page


def test_where_figures_are_open_a_reader_signs_in_from_any_page_and_comes_back_to_it() -> None:
    open_to_all = Served(figures_without_sign_in=True)
    stranger, where = open_to_all.visitor(), "/verloop?gebied=WK990101&lang=en"
    page = stranger.text(where)
    assert "Signed in as" not in page
    assert 'href="/aanmelden?naar=%2Fverloop%3Fgebied%3DWK990101%26lang%3Den"' in page
    assert stranger.sign_in("rik", to=where).headers["location"] == where
    assert "Signed in as Rik Voorbeeld" in stranger.text(where)
    assert 'href="/aanmelden?naar=%2F%3Flang%3Dnl"' in open_to_all.visitor().text("/afgemeld")


def test_a_page_without_sign_in_has_nothing_of_it() -> None:
    for page in (Served(sign_in=False).visitor().text("/"), ask("/", usual()).text):
        for trace in ("<!--", "who", "aanmelden", "afmelden"):
            assert trace not in page


def test_a_name_is_text_and_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "<!-- who --><script>alert(1)</script>"
    monkeypatch.setattr("own_page_served.PEOPLE", (*PEOPLE, Invented("evil", name, ("GM9901:reader",))))
    page = Served().visitor("evil").get("/").text
    assert "<script>alert" not in page
    assert page.count("&lt;!-- who --&gt;&lt;script&gt;") == 1


def test_a_session_that_ended_sends_the_browser_itself_to_sign_in_where_a_script_asked(served: Served) -> None:
    gone = served.visitor()
    answer = gone.get("/verloop?groep=wmo", headers={"accept": "*/*", "hx-request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/aanmelden?naar=%2Fverloop%3Fgroep%3Dwmo"
    assert answer.text == ""
