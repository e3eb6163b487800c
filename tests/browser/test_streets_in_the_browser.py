"""The streets of a buurt in a real Chromium: reached by keyboard, read on a phone, nothing for axe to find."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from test_portal_streets import STREET, page

from portals.municipality.released import Released

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_of() -> Released:
    return page()


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_a_street_is_chosen_by_keyboard_and_fits_a_phone_in_both_languages(visit: Callable[..., Page], lang) -> None:
    opened = visit(f"?gebied=BU99010101&lang={lang}", "phone")
    opened.focus("#straat-1")
    opened.keyboard.press("Enter")
    expect(opened.locator("#gebied")).to_have_text("Lange laan")
    assert STREET in opened.url
    assert opened.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    found = Axe().run(opened)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("lang", ["nl", "en"])
@pytest.mark.parametrize("scripts", [True, False])
def test_streets_or_parts_are_drawn_as_chosen_by_keyboard_with_and_without_scripts(
    visit: Callable[..., Page], lang: str, scripts: bool
) -> None:
    opened = visit(f"?gebied=BU99010101&lang={lang}", java_script_enabled=scripts)
    expect(opened.locator("svg [id^=deel-]")).to_have_count(3)
    opened.focus("#teken-straat")
    opened.keyboard.press("Enter")
    expect(opened.locator("svg [id^=straten-]")).to_have_count(2)
    expect(opened.locator("#teken-straat")).to_have_attribute("aria-current", "true")
    expect(opened).to_have_url(re.compile("&delen=straat"))
    opened.focus(f"[id='straten-{STREET}']")
    opened.keyboard.press("Enter")
    expect(opened.locator("#gebied")).to_have_text("Lange laan")
    expect(opened.locator("section:has(#straten) .outline")).to_have_count(1)
    opened.select_option("#periode", "kwartaal")
    opened.click("#toon")
    expect(opened).to_have_url(re.compile("delen=straat.*periode=kwartaal"))
    expect(opened.locator("svg [id^=straten-]")).to_have_count(2)
    opened.click("#teken-deel")
    expect(opened.locator("svg [id^=deel-]")).to_have_count(3)
    expect(opened).not_to_have_url(re.compile("delen"))


@pytest.mark.parametrize("width", [320, 1280])
def test_a_map_of_streets_is_clear_to_axe_and_no_wider_than_the_screen(visit: Callable[..., Page], width: int) -> None:
    opened = visit(f"?gebied={STREET}&delen=straat")
    opened.set_viewport_size({"width": width, "height": 800})
    assert opened.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    found = Axe().run(opened)
    assert found.violations_count == 0, found.generate_report()
