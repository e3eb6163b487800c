"""The streets of a buurt in a real Chromium: reached by keyboard, read on a phone, nothing for axe to find."""

from __future__ import annotations

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
