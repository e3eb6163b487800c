"""The page's application asked without a socket, and what its answers must always carry."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

import httpx
from municipality_page_builders import usual

from portals.municipality.app import build_app

GUARDS = {
    "content-security-policy": "default-src 'self'; style-src 'self'; script-src 'self'; img-src 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer", "x-content-type-options": "nosniff",
}  # fmt: skip


@cache
def _usual() -> Any:
    return build_app(usual(), ready=lambda: True)


def ask(
    path: str, page: Any = None, *, ready: bool = True, method: str = "GET", app: Any = None, **headers: str
) -> httpx.Response:
    """One answer; its guarding headers are checked."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(
            app or (build_app(page or usual(), ready=lambda: ready) if page or not ready else _usual())
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.request(
                method,
                path,
                headers={"accept-encoding": "identity"} | {k.replace("_", "-"): v for k, v in headers.items()},
            )

    answer = asyncio.run(asked())
    assert {k: answer.headers.get(k) for k in GUARDS} == GUARDS
    assert "set-cookie" not in answer.headers
    return answer
