"""The page with the municipality's own events and a sign-in, in memory: the topic is a list of bytes, the provider is asked without a network."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.jwk import RSAKey
from municipal_builders import GM, NOW, page_pen, reader
from municipality_page_builders import usual

from deploy.mock_sign_in import Client, Invented, MockProvider
from portals.municipality.app import build_app
from portals.municipality.events import OwnEvents
from portals.municipality.own_pages import OwnPages
from portals.municipality.signin import SignInSettings

PAGE, ISSUER = "https://page.example", "https://provider.example"
KEY = RSAKey.generate_key(2048, {"kid": "mock", "use": "sig", "alg": "RS256"})
PEOPLE = (
    Invented("rik", "Rik Voorbeeld", ("GM9901:reader",)), Invented("wies", "Wies Voorbeeld", ("GM9901:writer",)),
    Invented("wout", "Wout Voorbeeld", ("GM9901:writer", "GM9901:releaser")), Invented("vera", "Vera Voorbeeld", ("GM9901:releaser",)),
    Invented("ander", "Ander Voorbeeld", ("GM9902:writer", "GM9902:releaser")), Invented("niemand", "Niemand Voorbeeld", ()),
)  # fmt: skip


class Topic:
    """The topic in memory: appended bytes are proved and read back at once."""

    def __init__(self, number: int = GM) -> None:
        self.records: list[bytes] = []
        self.reader = reader(number)

    def append(self, data: bytes) -> int:
        self.records.append(data)
        if not self.reader.take(data, NOW):
            self.reader.refused_offsets.add(len(self.records) - 1)
        self.reader.next_offset = len(self.records)
        return len(self.records) - 1


class Served:
    """One page: `visitor()` is a browser of its own."""

    def __init__(self, *, sign_in: bool = True, topic: Topic | None = None, released=None, **settings: Any) -> None:
        self.topic, self.now = topic or Topic(), 0.0
        events = OwnEvents(
            self.topic.reader, pen=page_pen() if sign_in else None, append=self.topic.append, now_ms=lambda: NOW
        )
        self.pages = OwnPages(released or usual(), events, GM)
        self.provider = MockProvider(ISSUER, [Client("page", "secret", f"{PAGE}/aangemeld")], PEOPLE, key=KEY)
        if sign_in:
            told = SignInSettings(ISSUER, "page", "secret", PAGE, **settings)
            self.pages.use_sign_in(told, clock=lambda: self.now)
            provider = httpx.ASGITransport(self.provider.app())
            self.pages.sign_in._provider.client_kwargs["transport"] = provider
        self.app = build_app(self.pages.released, ready=lambda: True, add_own=self.pages.add_to)

    def visitor(self, sub: str | None = None) -> Visitor:
        visitor = Visitor(self)
        if sub is not None:
            assert visitor.sign_in(sub).status_code == 303
        return visitor


class Visitor:
    """A browser without scripts, with its cookies."""

    def __init__(self, served: Served) -> None:
        self.served, self.cookies = served, httpx.Cookies()

    def _ask(self, app: Any, base: str, method: str, path: str, **other: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url=base, cookies=self.cookies) as client:
                answer = await client.request(method, path, **other)
                if base == PAGE:
                    self.cookies = client.cookies
                return answer

        return asyncio.run(ask())

    def get(self, path: str, **other: Any) -> httpx.Response:
        return self._ask(self.served.app, PAGE, "GET", path, **other)

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return unescape(answer.text)

    def send(
        self, path: str, fields: dict[str, str] | None = None, *, csrf: str | None = None, **other: Any
    ) -> httpx.Response:
        """Post a form as the page gives it: with the word of this session, unless another is given."""
        told = (fields or {}) | {"csrf": self.csrf() if csrf is None else csrf}
        return self._ask(self.served.app, PAGE, "POST", path, data=told, **other)

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/verhalen").text)
        return found[1] if found else ""

    def sign_in(self, sub: str, *, to: str = "/verhalen", **change: str) -> httpx.Response:
        """Go to the provider, choose somebody, come back; `change`: fields of the way back that are other ones."""
        leave = self.get("/aanmelden", params={"naar": to})
        asked = dict(httpx.URL(leave.headers["location"]).params)
        back = self._ask(self.served.provider.app(), ISSUER, "POST", "/authorize", data=asked | {"sub": sub})
        parts = urlsplit(back.headers["location"])
        return self.get(parts.path, params=dict(httpx.QueryParams(parts.query)) | change)


def story(**other: str) -> dict[str, str]:
    """A form of a note that may be kept."""
    return {
        "area": "BU99010101", "group": "wmo", "first_month": "2025-01", "last_month": "2025-03", "speaker": "policy", "audience": "council",
        "text": "Het **wijkteam** begon in maart.",
    } | other  # fmt: skip
