"""The downloads in a real Chromium: what a click saves is the whole file, and the page about the API can be read."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import openpyxl
import pypdf
import pytest
from axe_playwright_python.sync_playwright import Axe
from municipality_page_builders import usual
from playwright.sync_api import Page, expect

from portals.municipality.released import Released

pytestmark = pytest.mark.browser
WIDTHS = [320, 1280]


@pytest.fixture(scope="module")
def page_of() -> Released:
    return usual()


FILES = {
    "neem-excel": ("figures.xlsx", lambda data: openpyxl.load_workbook(io.BytesIO(data)).sheetnames == ["Uitleg", "Cijfers", "Volledigheid", "Gebieden"]),
    "neem-csv": ("figures.csv", lambda data: data.decode("utf-8-sig").startswith("Gebied;Naam;")),
    "neem-csv-komma": ("figures-comma.csv", lambda data: data.decode("utf-8-sig").startswith("Gebied,Naam,")),
    "neem-geojson": ("areas.geojson", lambda data: json.loads(data)["about"]["group"] == "wmo"),
    "neem-pdf": ("council.pdf", lambda data: len(pypdf.PdfReader(io.BytesIO(data)).pages) == 1),
}  # fmt: skip


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("link", FILES)
def test_a_click_saves_the_whole_file(visit: Callable[..., Page], address: str, link: str, scripts: bool) -> None:
    page = visit("?maand=2025-05&groep=wmo&lang=nl", java_script_enabled=scripts)
    with page.expect_download() as coming:
        page.click(f"#{link}")
    name, opens = FILES[link]
    stem, _, ending = name.partition(".")
    assert coming.value.suggested_filename == f"zorgstroom-GM9901-2025-05-{stem}.{ending}"
    data = Path(coming.value.path()).read_bytes()
    assert opens(data)
    assert data == httpx.get(f"{address}export/{name}?maand=2025-05&groep=wmo&lang=nl").content
    expect(page.locator("#meenemen")).to_be_visible()


def test_after_another_choice_the_links_are_of_that_choice(visit: Callable[..., Page]) -> None:
    page = visit("?lang=nl")
    page.select_option("#maand", "2025-05")
    page.click("#toon")
    expect(page.locator("#neem-excel")).to_have_attribute("href", re.compile("maand=2025-05"))
    with page.expect_download() as coming:
        page.click("#neem-excel")
    assert "2025-05" in coming.value.suggested_filename


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", ["nl", "en"])
def test_the_page_about_the_api_is_for_everyone(visit: Callable[..., Page], lang: str, width: int) -> None:
    page = visit(f"api/v1?lang={lang}")
    page.set_viewport_size({"width": width, "height": 800})
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    expect(page.get_by_role("heading", level=1)).to_have_text("Zorgstroom API v1")


def test_the_links_are_reached_by_keyboard(visit: Callable[..., Page]) -> None:
    page = visit("?lang=nl")
    page.focus("#neem-excel")
    seen = ["neem-excel"]
    for _ in range(5):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id"))
    assert seen == [*FILES, "naar-api"]


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_on_the_page_with_its_links(visit: Callable[..., Page], width: int) -> None:
    page = visit("?lang=en")
    page.set_viewport_size({"width": width, "height": 800})
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
