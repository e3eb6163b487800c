"""A small OpenID Connect provider of invented people, for the demo and for tests: authorization code with PKCE, signed id tokens.

Whoever opens it chooses who to be, without a password: it proves nothing about anybody and is never used in earnest.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import html
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

_CODE_SECONDS: Final = 60
_TOKEN_SECONDS: Final = 300
_HEADERS: Final = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Invented:
    """Someone who does not exist, and the roles the provider tells of."""

    sub: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """A page that people sign in to."""

    client_id: str
    client_secret: str
    redirect_uri: str


@dataclass(slots=True)
class MockProvider:
    """`issuer`: its own address; `clock`: seconds since 1970."""

    issuer: str
    clients: Sequence[Client]
    people: Sequence[Invented]
    clock: Callable[[], float] = time.time
    roles_claim: str = "zorgstroom_roles"
    key: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, {"kid": "mock", "use": "sig", "alg": "RS256"})
    )
    _codes: dict[str, tuple[float, dict[str, str]]] = field(default_factory=dict)

    def app(self) -> FastAPI:
        """Its addresses."""
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.add_api_route("/.well-known/openid-configuration", self.metadata, methods=["GET"])
        app.add_api_route("/authorize", self.choose, methods=["GET"], response_model=None)
        app.add_api_route("/authorize", self.chosen, methods=["POST"], response_model=None)
        app.add_api_route("/token", self.token, methods=["POST"], response_model=None)
        app.add_api_route("/jwks", self.jwks, methods=["GET"])
        return app

    def metadata(self) -> dict[str, Any]:
        """What a client reads first (OpenID Connect Discovery 1.0)."""
        at = self.issuer.rstrip("/")
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token", "jwks_uri": f"{at}/jwks",
            "response_types_supported": ["code"], "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"], "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }  # fmt: skip

    def jwks(self) -> dict[str, Any]:
        """The public key of its id tokens."""
        return {"keys": [self.key.as_dict(private=False)]}

    def _client(self, asked: dict[str, str]) -> Client | None:
        known = next((c for c in self.clients if c.client_id == asked.get("client_id")), None)
        fine = (
            known is not None
            and asked.get("redirect_uri") == known.redirect_uri
            and asked.get("response_type") == "code"
        )
        return known if fine and asked.get("code_challenge_method") == "S256" and asked.get("code_challenge") else None

    def choose(self, request: Request) -> Response:
        """Who to be."""
        asked = dict(request.query_params)
        if self._client(asked) is None:
            return HTMLResponse("<p>Unknown client or request.</p>", status_code=400, headers=_HEADERS)
        kept = "".join(
            f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">' for k, v in asked.items()
        )
        people = "".join(
            f'<p><button name="sub" value="{html.escape(p.sub)}">{html.escape(p.name)} ({html.escape(", ".join(p.roles))})</button></p>'
            for p in self.people
        )
        page = (
            '<!doctype html><html lang="nl"><head><meta charset="utf-8"><title>Aanmelden (oefenen)</title></head><body><main><h1>Aanmelden om te oefenen</h1>'
            f'<p>Deze mensen bestaan niet. Kies wie u bent.</p><form method="post" action="/authorize">{kept}{people}</form></main></body></html>'
        )
        return HTMLResponse(page, headers=_HEADERS)

    async def chosen(self, request: Request) -> Response:
        """Back to the page with a code."""
        asked = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        person = next((p for p in self.people if p.sub == asked.get("sub")), None)
        client = self._client(asked)
        if client is None or person is None:
            return HTMLResponse("<p>Unknown client or person.</p>", status_code=400, headers=_HEADERS)
        code = secrets.token_urlsafe(24)
        self._codes[code] = (self.clock(), asked)
        back = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{client.redirect_uri}?{back}", status_code=303)

    async def token(self, request: Request) -> Response:
        """A code for an id token: once, within a minute, with the client's secret and the verifier of its challenge (RFC 7636)."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        at, asked = self._codes.pop(form.get("code", ""), (0.0, {}))
        client = self._client(asked)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(
            b"="
        )
        if client is None or not self._proved(request, client):
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        fits = (
            hmac.compare_digest(challenge, asked["code_challenge"].encode())
            and form.get("redirect_uri") == client.redirect_uri
        )
        if not fits or form.get("grant_type") != "authorization_code" or self.clock() - at >= _CODE_SECONDS:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        told = {"access_token": secrets.token_urlsafe(24), "token_type": "Bearer", "expires_in": _TOKEN_SECONDS}
        return JSONResponse(told | {"id_token": self.id_token(client, asked)})

    def id_token(self, client: Client, asked: dict[str, str], **other: Any) -> str:
        """Signed claims about the person chosen."""
        person, now = next(p for p in self.people if p.sub == asked["sub"]), int(self.clock())
        claims = {
            "iss": self.issuer, "aud": client.client_id, "sub": person.sub, "name": person.name, "iat": now, "exp": now + _TOKEN_SECONDS,
            "nonce": asked.get("nonce", ""), self.roles_claim: list(person.roles),
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": "mock"}, claims | other, self.key)

    @staticmethod
    def _proved(request: Request, client: Client) -> bool:
        wanted = base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
        return hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Basic {wanted}".encode())


def invented_people(municipalities: Sequence[int]) -> list[Invented]:
    """For each municipality someone who reads, two who write and one who releases; and one who has no role anywhere."""
    made = []
    for number in municipalities:
        gm = f"GM{number:04d}"
        for first, roles in (
            ("Rik", ("reader",)), ("Wies", ("reader", "writer")), ("Wout", ("reader", "writer", "releaser")),
            ("Vera", ("reader", "releaser")),
        ):  # fmt: skip
            told = tuple(f"{gm}:{role}" for role in roles)
            made.append(Invented(f"{first.lower()}-{gm.lower()}", f"{first} Voorbeeld ({gm})", told))
    return [*made, Invented("niemand", "Niemand Voorbeeld", ())]


def main() -> None:
    """Entry: `--config FILE` (issuer, host, port, clients, municipalities)."""
    parser = argparse.ArgumentParser(description="A sign-in provider of invented people, for the demo.")
    parser.add_argument("--config", required=True, type=Path, help="settings (JSON)")
    told = json.loads(parser.parse_args().config.read_text("utf-8"))
    provider = MockProvider(
        told["issuer"], [Client(**c) for c in told["clients"]], invented_people(told["municipalities"])
    )
    uvicorn.run(
        provider.app(), host=told["host"], port=told["port"], log_config=None, access_log=False, server_header=False
    )


if __name__ == "__main__":
    main()
