"""The municipality's own pages in a real Chromium: sign in, write, be refused, revise, release, compare; keyboard, no scripts, axe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from municipal_builders import GM, NOW, frozen, marked, page_pen, record
from municipality_page_builders import geography, released
from municipality_page_builders import record as signed
from own_page_served import KEY, Topic
from playwright.sync_api import Browser, Page, expect
from served_on_a_port import free_ports, serving
from test_municipal_baseline import NOW as LATER
from test_municipal_baseline import THEN, epoch_of

import portals.municipality
from deploy.mock_sign_in import Client, MockProvider, invented_people
from portals.municipality.app import build_app
from portals.municipality.events import OwnEvents
from portals.municipality.own_pages import OwnPages
from portals.municipality.signin import SignInSettings
from projections.municipal_baseline import frozen_fields

pytestmark = pytest.mark.browser
SIZES = {"desktop": (1280, 900), "phone": (320, 700)}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A page and its provider on this machine, two released quarters and a baseline on it."""
    port, issuing = free_ports(2)
    page, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{issuing}"
    topic, then = Topic(), epoch_of(THEN, 2025)
    fields = frozen_fields(then, geography(), service_year=2025, providers=7)
    flags = (
        marked("i2", group="total", day=20_522, what="Wijkteam begint"),
        marked("i3", group="total", day=20_523, what="Nieuw contract"),
    )
    for event in (frozen("b1", **fields), marked(), *flags):
        topic.append(record(event))
    known = released(signed(geography()), signed(then), signed(epoch_of(LATER, 2026, GM9901P=5_000_000)))
    pages = OwnPages(known, OwnEvents(topic.reader, pen=page_pen(), append=topic.append, now_ms=lambda: NOW), GM)
    pages.use_sign_in(SignInSettings(issuer, "page", "secret", page))
    provider = MockProvider(issuer, [Client("page", "secret", f"{page}/aangemeld")], invented_people([GM]), key=KEY)
    with serving(provider.app(), issuing), serving(build_app(known, ready=lambda: True, add_own=pages.add_to), port):
        yield page


@pytest.fixture
def signed_in(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """`signed_in("wies")`: a page of a browser of its own in which somebody signed in, by clicking, without scripts unless asked."""
    contexts = []

    def go(first: str, size: str = "desktop", *, scripts: bool = False, to: str = "/verhalen") -> Page:
        width, height = SIZES[size]
        context = chromium.new_context(viewport={"width": width, "height": height}, java_script_enabled=scripts)
        contexts.append(context)
        page = context.new_page()
        page.goto(address + to)
        page.get_by_role("button", name=f"{first.capitalize()} Voorbeeld").click()
        page.wait_for_url(f"{address}/**")
        return page

    yield go
    for context in contexts:
        context.close()


def write(page: Page, address: str, text: str) -> None:
    page.goto(f"{address}/verhalen/nieuw?lang=nl")
    page.get_by_label("Gebied").select_option("GM9901P")
    page.get_by_label("Eerste maand").fill("2026-01")
    page.get_by_label("Laatste maand").fill("2026-03")
    page.get_by_label("Tekst").fill(text)
    page.get_by_role("button", name="Bewaar").click()


def test_a_story_goes_from_writing_over_a_refusal_and_a_revision_to_release_without_scripts(
    signed_in: Callable[..., Page], address: str
) -> None:
    wies = signed_in("wies")
    write(wies, address, "Voor 123456782 begon het.")
    assert wies.locator("mark").inner_text() == "123456782"
    wies.get_by_label("Tekst").fill("Het begon in **maart**.")
    wies.get_by_role("button", name="Bewaar").click()
    note = wies.url.partition("?")[0]
    wies.get_by_role("link", name="Herzien").click()
    wies.get_by_label("Tekst").fill("Het begon in **april**.")
    wies.get_by_role("button", name="Bewaar").click()
    assert wies.get_by_text("Versie 2, geschreven op").count() == 1
    assert wies.get_by_role("link", name="Vrijgeven").count() == 0
    vera = signed_in("vera")
    vera.goto(note)
    vera.get_by_role("link", name="Vrijgeven").click()
    vera.get_by_role("button", name="Vrijgeven").click()
    rik = signed_in("rik")
    assert rik.locator(".said strong").first.inner_text() == "april"
    rik.get_by_role("button", name="Afmelden").click()
    assert "afgemeld" in rik.locator("#gezegd").inner_text()
    rik.goto(f"{address}/verhalen")
    assert "Kies wie u bent" in rik.content(), "signed out is gone: the provider asks again"


def test_a_story_is_written_by_keyboard_alone(signed_in: Callable[..., Page], address: str) -> None:
    page = signed_in("wies", scripts=True, to="/verhalen/nieuw")
    seen: list[str] = []
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("document.activeElement.name || document.activeElement.id || document.activeElement.tagName")
        )
        if seen[-1] == "first_month" or seen[-1] == "last_month":
            page.keyboard.type("2026-02")
        elif seen[-1] == "text":
            page.keyboard.type("Met het toetsenbord.")
        elif seen[-1] == "bewaar":
            page.keyboard.press("Enter")
            break
    assert [n for n in seen if n in ("area", "group", "speaker", "consent", "audience", "text", "bewaar")] == [
        "area", "group", "speaker", "consent", "audience", "text", "bewaar",
    ]  # fmt: skip
    page.wait_for_url("**/verhalen/*?lang=nl")
    assert "Met het toetsenbord." in page.content()


@pytest.mark.parametrize(("size", "lang"), [("phone", "nl"), pytest.param("desktop", "en", marks=pytest.mark.long)])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    signed_in: Callable[..., Page], address: str, size: str, lang: str
) -> None:
    page = signed_in("wout", size, scripts=True)
    write(page, address, "Zonder bezwaar, https://voorbeeld.example en [zie](https://voorbeeld.example).")
    note = page.url.partition("?")[0]
    releaser = signed_in("vera", size, scripts=True)

    def look(page: Page, where: str) -> None:
        if not where.startswith("here"):
            page.goto(f"{where}{'&' if '?' in where else '?'}lang={lang}")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{where}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), where

    for path in (
        "/verhalen",
        "/verhalen/nieuw",
        "/nulmeting",
        "/nulmeting/b1?jaar=2026",
        "/nulmeting/b1?jaar=2026&index=4,2&bron=Contract",
        "/nulmeting/b1?index=x",
        "/verhalen/none",
    ):
        look(page, address + path)
    for path in (note, f"{note}/herzien", f"{note}/intrekken"):
        look(page, path)
    look(releaser, f"{note}/vrijgeven")
    releaser.get_by_role("button", name="Vrijgeven" if lang == "nl" else "Release").click()
    look(releaser, f"{address}/verhalen")
    write(page, address, "Bel 06-12345678 of mail anne@example.org.")
    look(page, "here: refused")


@pytest.mark.parametrize("lang", ["nl", pytest.param("en", marks=pytest.mark.long)])
def test_figures_with_marks_and_a_name_are_clear_to_axe_from_a_phone_to_a_wall(
    signed_in: Callable[..., Page], address: str, lang: str
) -> None:
    page = signed_in("wout", scripts=True)
    for path in ("/", "/verloop", "/vergelijk", "/postcodes", "/verloop?maand=1999-01&gebied=x", "/nergens", "/api/v1"):
        page.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={lang}")
        expect(page.get_by_role("button", name="Afmelden" if lang == "nl" else "Sign out")).to_have_count(1)
        for width in (320, 1280, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (
                path,
                width,
            )
        page.set_viewport_size({"width": 320, "height": 700})
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"


def test_a_mark_is_drawn_and_read_out_and_kept_on_paper(signed_in: Callable[..., Page], address: str) -> None:
    page = signed_in("rik", to="/verloop?maand=2026-03&jaar=2025&lang=nl")
    for media in ("screen", "print"):
        page.emulate_media(media=media)
        expect(
            page.locator("#maatregel-lijst li").filter(has_text="Lijn 1, 10 maart 2026: Wijkteam begint")
        ).to_be_visible()
        for chart in page.locator("svg.chart").all():
            expect(chart.locator(".flag-name")).to_have_text(["1–2"])
            frame = chart.bounding_box()
            assert frame is not None
            for box in (text.bounding_box() for text in chart.locator("text").all()):
                assert box is not None
                assert frame["x"] <= box["x"] + 1
                assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
            assert "2px" in chart.locator(".flag-line").first.evaluate("e => getComputedStyle(e).strokeDasharray"), (
                "told by shape, not by colour"
            )
    described = (page.locator("svg.chart").first.get_attribute("aria-describedby") or "").split()
    assert described == ["tabel", "maatregel-lijst"]
    expect(page.locator("tr", has_text="Lijn 1: Wijkteam begint. Lijn 2: Nieuw contract.")).to_have_count(1)


def test_signing_out_by_keyboard_on_a_page_of_figures(signed_in: Callable[..., Page], address: str) -> None:
    page = signed_in("rik", scripts=True, to="/verloop")
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Afmelden":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/afgemeld")
    expect(page.get_by_role("link", name="Aanmelden")).to_be_visible()


@pytest.mark.skipif(
    not (Path(portals.municipality.__file__).parent / "static" / "vendor" / "6-htmx.js").exists(),
    reason="htmx was not fetched; `make web-assets` fetches it",
)
def test_a_click_after_the_session_ended_leads_to_the_sign_in_and_back_to_what_was_chosen(
    signed_in: Callable[..., Page], address: str
) -> None:
    page = signed_in("rik", scripts=True, to="/")
    page.context.clear_cookies()
    page.get_by_role("link", name="Verloop", exact=True).click()
    page.get_by_role("button", name="Rik Voorbeeld").click()
    page.wait_for_url(f"{address}/verloop?**")
    expect(page.locator("#sofar")).to_be_visible()


def test_a_comparison_is_read_without_scripts(signed_in: Callable[..., Page], address: str) -> None:
    page = signed_in("rik", to="/nulmeting/b1?jaar=2026")
    row = page.locator("tbody tr", has_text="Waterrijk").filter(has_text="Alle geldstromen")
    assert "€ 600.000" in row.inner_text()
    page.get_by_label("Tariefstijging").fill("5")
    page.get_by_label("Bron").fill("Contract 2026")
    page.get_by_role("button", name="Toon").click()
    assert "Bron: Contract 2026" in page.content()
    assert (
        "€ 4.620.000" in page.locator("tbody tr", has_text="Waterrijk").filter(has_text="Alle geldstromen").inner_text()
    )
