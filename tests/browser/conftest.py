"""A page on a free port, and a real Chromium to look at it. A module of tests says with `page_of` what was released."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from served_on_a_port import free_ports, serving

from portals.municipality.app import build_app
from portals.municipality.released import Released

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def address(page_of: Released) -> Iterator[str]:
    """The page of `page_of` on a free port of this machine."""
    with serving(build_app(page_of, ready=lambda: True), free_ports(1)[0]) as at:
        yield f"{at}/"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or the one Playwright was given; let go after each file, since it holds this thread's event loop."""
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
    """`visit(query)` opens the page; whatever the browser complains of fails the test."""
    complaints: list[str] = []
    pages: list[Page] = []

    def go(query: str = "", size: str = "desktop", **other: object) -> Page:
        width, height = SIZES[size]
        page = chromium.new_page(viewport={"width": width, "height": height}, **other)
        pages.append(page)
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on("requestfailed", lambda r: None if "ABORTED" in r.failure else complaints.append(f"{r.url} failed"))
        page.on("request", lambda r: None if r.url.startswith(address) else complaints.append(f"{r.url} is elsewhere"))
        page.goto(address + query)
        return page

    yield go
    for page in pages:
        page.close()
    assert not complaints
