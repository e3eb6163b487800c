"""How concentrated the money is, in a real Chromium: for everyone, in every size, with and without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from municipality_page_builders import HELD_WIJK, with_december
from playwright.sync_api import Page, expect

from portals.municipality.released import Released

pytestmark = pytest.mark.browser
OF_2024 = "?maand=2025-12&jaar=2024"
SIZES = ((320, 640), (768, 1024), (1280, 900), (2560, 1440))


@pytest.fixture(scope="module")
def page_of() -> Released:
    return with_december()


@pytest.mark.parametrize(
    "query", [f"{OF_2024}&lang=nl", f"{OF_2024}&lang=en&gebied=BU99010101", f"{OF_2024}&gebied={HELD_WIJK}", "?lang=en"]
)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(visit: Callable[..., Page], query: str) -> None:
    page = visit(query)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
        if width == 320 or (width == 1280 and "BU99010101" in query):
            found = Axe().run(page)
            assert found.violations_count == 0, (width, found.generate_report())


@pytest.mark.parametrize("scripts", [True, False])
def test_the_link_to_the_last_one_leads_there_and_the_pictures_are_as_wide_as_their_numbers(
    visit: Callable[..., Page], scripts: bool
) -> None:
    page = visit("?lang=nl", java_script_enabled=scripts)
    page.click("#laatste-verdeling")
    expect(page.locator("#verdeling-zin")).to_contain_text("hooguit 5% van alle huishoudens; 45 huishoudens")
    expect(page.locator("#verdeling")).to_be_in_viewport()
    expect(page.locator("#helft-huishoudens")).to_have_text("hooguit 5%")
    expect(page.locator("#aanbieders-2 td.number")).to_have_text("415")
    wide = [page.locator(f"#aanbieders-{n} rect").bounding_box() for n in (1, 2)]
    assert all(box is not None for box in wide)
    first, second = (box["width"] for box in wide if box is not None)
    assert first > 20
    assert abs(second / first - 415 / 1240) < 0.02
    assert page.locator(".chart.small circle").count() == page.locator("#kromme-tabel tbody tr").count() == 4


def test_another_area_is_shown_without_a_new_page(visit: Callable[..., Page]) -> None:
    page = visit(f"{OF_2024}&lang=nl")
    page.select_option("#gebiedkeuze", "WK990101")
    page.click("#toon")
    expect(page.locator("#verdeling-zin")).to_contain_text("hooguit 10%")
    expect(page.locator("#aanbieders-4 td.number")).to_have_text("minder dan 10")
    expect(page.locator("#kromme")).to_have_count(0)
