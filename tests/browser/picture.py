"""Draws the picture of the README: `.venv/bin/python tests/browser/picture.py docs/images/municipality.png`.

The page of the invented Lindermonde, in the same Chromium as the tests; every figure on it is invented.
"""

from __future__ import annotations

import shutil
import socket
import sys
import threading
import time
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright

sys.path[:0] = [str(Path(__file__).parents[1] / "unit"), str(Path(__file__).parents[2])]

from municipality_year_builders import a_year  # noqa: E402 - the builders lie beside, found by the line above

from portals.municipality.app import build_app  # noqa: E402 - as above

VIEW = "?gebied=BU99010202&maat=inwoner&lang=nl"


def draw(path: Path) -> None:
    """Start the page, look at it, stop it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(build_app(a_year(), ready=lambda: True), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or playwright.chromium.executable_path
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1130})
        page.goto(f"http://127.0.0.1:{port}/{VIEW}", wait_until="networkidle")
        page.screenshot(path=path)
        browser.close()
    server.should_exit = True
    thread.join(10)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
