"""The downloads in a real Chromium: what a click saves is the whole file, and the page about the API can be read."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import openpyxl
import pypdf
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from municipality_page_builders import usual
from playwright.sync_api import Browser, Page, expect, sync_playwright

from portals.municipality.app import build_app

pytestmark = pytest.mark.browser
SIZES = {"desktop": (1280, 900), "narrow": (320, 800)}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(build_app(usual(), ready=lambda: True), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < until
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or the one Playwright was given."""
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    with sync_playwright() as playwright:
        path = found or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("no Chromium is here: install one, or run `.venv/bin/playwright install chromium`")
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """`visit(path)` opens a page; whatever the browser complains of, or fetches elsewhere, fails the test."""
    complaints: list[str] = []
    pages: list[Page] = []

    def go(path: str, size: str = "desktop", **other: object) -> Page:
        width, height = SIZES[size]
        page = chromium.new_page(viewport={"width": width, "height": height}, **other)
        pages.append(page)
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith(address) else complaints.append(f"{r.url} is elsewhere"))
        page.goto(address + path)
        return page

    yield go
    for page in pages:
        page.close()
    assert not complaints


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
    page = visit("/?maand=2025-05&groep=wmo&lang=nl", java_script_enabled=scripts)
    with page.expect_download() as coming:
        page.click(f"#{link}")
    name, opens = FILES[link]
    stem, _, ending = name.partition(".")
    assert coming.value.suggested_filename == f"zorgstroom-GM9901-2025-05-{stem}.{ending}"
    data = Path(coming.value.path()).read_bytes()
    assert opens(data)
    assert data == httpx.get(f"{address}/export/{name}?maand=2025-05&groep=wmo&lang=nl").content
    expect(page.locator("#meenemen")).to_be_visible()


def test_after_another_choice_the_links_are_of_that_choice(visit: Callable[..., Page]) -> None:
    page = visit("/?lang=nl")
    page.select_option("#maand", "2025-05")
    page.click("#toon")
    expect(page.locator("#neem-excel")).to_have_attribute("href", re.compile("maand=2025-05"))
    with page.expect_download() as coming:
        page.click("#neem-excel")
    assert "2025-05" in coming.value.suggested_filename


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["nl", "en"])
def test_the_page_about_the_api_is_for_everyone(visit: Callable[..., Page], lang: str, size: str) -> None:
    page = visit(f"/api/v1?lang={lang}", size)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    expect(page.get_by_role("heading", level=1)).to_have_text("Zorgstroom API v1")


def test_the_links_are_reached_by_keyboard(visit: Callable[..., Page]) -> None:
    page = visit("/?lang=nl")
    page.focus("#neem-excel")
    seen = ["neem-excel"]
    for _ in range(5):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id"))
    assert seen == [*FILES, "naar-api"]


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_on_the_page_with_its_links(visit: Callable[..., Page], size: str) -> None:
    found = Axe().run(visit("/?lang=en", size))
    assert found.violations_count == 0, found.generate_report()
