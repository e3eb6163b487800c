"""The municipal page in a real Chromium: with keyboard, on a phone, without scripts, and what axe finds."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from municipality_page_builders import BUURTEN, HELD_BUURT, usual
from playwright.sync_api import Page, expect

import portals.municipality
from portals.municipality.released import Released

pytestmark = pytest.mark.browser
SIZES = ("desktop", "phone")
STATIC = Path(portals.municipality.__file__).parent / "static"


@pytest.fixture(scope="module")
def page_of() -> Released:
    return usual()


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("?lang=nl", "phone"),
        ("?lang=en", "desktop"),
        (f"?gebied={HELD_BUURT}&lang=nl", "desktop"),
        ("?groep=begeleiding&lang=en", "phone"),
        ("?gebied=BU99010101&volgorde=euro&lang=en", "phone"),
    ],
)
def test_axe_finds_nothing(visit: Callable[..., Page], query: str, size: str) -> None:
    found = Axe().run(visit(query, size))
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_screen(visit: Callable[..., Page], size: str) -> None:
    page = visit("", size)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_every_area_is_reached_and_chosen_by_keyboard(visit: Callable[..., Page]) -> None:
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Naar de cijfers"
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id"))
    assert [i for i in dict.fromkeys(seen) if i.startswith("kaart-")] == [f"kaart-{code}" for code in BUURTEN]
    page.focus(f"#kaart-{HELD_BUURT}")
    page.keyboard.press("Enter")
    expect(page.locator("#gebied")).to_have_text("Molenhoek")
    assert f"gebied={HELD_BUURT}" in page.url


def test_the_focus_can_be_seen(visit: Callable[..., Page]) -> None:
    page = visit()
    area = page.locator("#kaart-BU99010101 path")
    before = area.evaluate("e => getComputedStyle(e).strokeWidth")
    page.focus("#naar-meenemen")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "kaart-BU99010101"
    assert area.evaluate("e => getComputedStyle(e).strokeWidth") != before


@pytest.mark.skipif(
    not (STATIC / "vendor" / "6-htmx.js").exists(), reason="htmx was not fetched; `make web-assets` fetches it"
)
def test_choosing_changes_the_figures_and_nothing_else(visit: Callable[..., Page]) -> None:
    page = visit()
    page.evaluate("window.same = true")
    page.click("#kaart-BU99010103 path")
    expect(page.locator("#gebied")).to_have_text("Stationskwartier")
    expect(page.get_by_role("status")).to_contain_text("Stationskwartier: € 880.000")
    assert page.evaluate("document.activeElement.id") == "kaart-BU99010103"
    page.select_option("#groep", "wmo")
    page.click("#toon")
    expect(page.get_by_role("status")).to_contain_text("Stationskwartier: € 240.000")
    assert "groep=wmo" in page.url
    assert "gebied=BU99010103" in page.url
    assert "gebied=BU99010103" in page.get_by_role("link", name="English").get_attribute("href")
    assert page.evaluate("window.same")
    page.go_back()
    expect(page.get_by_role("status")).to_contain_text("Stationskwartier: € 880.000")
    expect(page.locator("#groep")).to_have_value("total")


def test_all_of_it_works_without_scripts(visit: Callable[..., Page]) -> None:
    page = visit(java_script_enabled=False)
    page.click(f"#rij-{HELD_BUURT}")
    expect(page.locator("#gebied")).to_have_text("Molenhoek")
    page.select_option("#maand", "2025-05")
    page.click("#toon")
    expect(page.locator(".known")).to_contain_text("zoals bekend eind mei 2025")
    page.get_by_role("link", name="English").click()
    expect(page.locator(".known")).to_contain_text("as known at the end of May 2025")


def test_an_address_opens_what_it_says(visit: Callable[..., Page]) -> None:
    page = visit("?maand=2025-05&groep=jeugdwet&jaar=2025&gebied=BU99010101&lang=en")
    expect(page.locator("#gebied")).to_have_text("Kerkbuurt")
    expect(page.locator("#groep")).to_have_value("jeugdwet")
    expect(page.locator("#maand")).to_have_value("2025-05")
    expect(page.locator(".big")).to_have_text("€ 100,000")


def test_the_table_is_sorted_by_what_is_clicked(visit: Callable[..., Page]) -> None:
    page = visit("?volgorde=euro")
    table = page.locator("section", has=page.locator("#tabel"))
    assert table.locator("tbody th a").first.inner_text() == "Waterrijk"
    table.get_by_role("link", name="Gebied").click()
    expect(table.locator("tbody th a").first).to_have_text("Bedrijvenpark")


def test_a_print_carries_the_figures_and_not_the_buttons(visit: Callable[..., Page]) -> None:
    page = visit()
    page.emulate_media(media="print")
    expect(page.locator("#toon")).to_be_hidden()
    expect(page.locator(".known")).to_be_visible()
    expect(page.locator("table").last).to_be_visible()


def test_the_colours_of_the_map_are_told_apart(visit: Callable[..., Page]) -> None:
    """Neighbouring classes differ in lightness, which every eye and a grey print keep."""
    page = visit()
    shades = page.evaluate(
        "[...document.querySelectorAll('.legend .swatch:not(.held)')].map(e => getComputedStyle(e).backgroundColor.match(/\\d+/g))"
    )
    light = [
        0.2126 * (int(r) / 255) ** 2.2 + 0.7152 * (int(g) / 255) ** 2.2 + 0.0722 * (int(b) / 255) ** 2.2
        for r, g, b in shades
    ]
    assert len(light) == 6
    assert all((a + 0.05) / (b + 0.05) > 1.25 for a, b in itertools.pairwise(light)), light
