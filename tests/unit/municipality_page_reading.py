"""Reads the municipal page as a reader's browser gets it, without a broker or a browser."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from weakref import WeakKeyDictionary

import httpx
from fastapi import FastAPI
from municipality_page_builders import usual

from portals.municipality.app import build_app
from portals.municipality.released import Released

_APPS: WeakKeyDictionary[Released, FastAPI] = WeakKeyDictionary()


def asked(path: str, page=None, *, ready: bool = True) -> httpx.Response:
    """The answer to one address, from an application that is made once for each page."""
    page = page or usual()
    if not ready or page not in _APPS:
        _APPS[page] = build_app(page, ready=lambda: ready)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(_APPS[page])
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.get(path)

    return asyncio.run(ask())


def opened(path: str = "/", page=None) -> str:
    answer = asked(path, page)
    assert answer.status_code == 200
    return unescape(answer.text)


def chosen(text: str) -> str:
    """What the page says of the chosen area."""
    return re.search(r'<p id="gekozen"[^>]*>(.*?)</p>', text, re.DOTALL)[1].strip()


def on_the_map(text: str) -> dict[str, tuple[str, str]]:
    """Area -> what its shape says, and its class."""
    found = re.findall(r'id="kaart-([^"]+)"[^>]*aria-label="([^"]*)"><path[^>]*class="area ([^"]+)"', text)
    return {code: (label, klass) for code, label, klass in found}


def in_the_table(text: str) -> dict[str, str]:
    """Area -> its row without tags."""
    rows = re.findall(r'id="rij-([^"]+)"[^>]*>(.*?)</tr>', text, re.DOTALL)
    return {code: re.sub(r"<[^>]+>", " ", row) for code, row in rows}


def table(text: str) -> list[list[str]]:
    """The page's last table but those about the figure: cells of each row without tags."""
    body = re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)[-1]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "", c).strip() for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", r, re.DOTALL)]
        for r in rows
    ]


def warnings(text: str) -> list[str]:
    """The notices above the figures."""
    return re.findall(r'<p class="warning" role="note">(.*?)</p>', text, re.DOTALL)
