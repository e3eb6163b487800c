"""Sign-in with OpenID Connect: authorization code with PKCE, checked by authlib; roles of this municipality from one claim.

Nobody is kept but in memory. Who has no role here gets a page that says so, and no session. Forms carry their session's word (CSRF).
"""

from __future__ import annotations

import hmac
import time
import warnings
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from portals.municipality.own_words import own_text
from portals.municipality.sessions import ROLES, Session, Sessions
from schemas.errors import Refused, SettingsWrong

_log: Final = structlog.get_logger("page")
_LARGEST_FORM: Final = 64_000
SIGN_IN_PATHS: Final = ("/aanmelden", "/aangemeld", "/afgemeld")
_OPEN_PATHS: Final = ("/static/", "/health", *SIGN_IN_PATHS)
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
Say = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """Where to sign in. `page_url`: how browsers reach this page; `roles_claim`: whose values are like `GM9901:writer`.

    `figures_without_sign_in`: figures and released notes are shown to whoever reaches the page; writing always needs sign-in.
    """

    issuer: str
    client_id: str
    client_secret: str
    page_url: str
    roles_claim: str = "zorgstroom_roles"
    figures_without_sign_in: bool = False

    @classmethod
    def of(cls, told: Any) -> Self:
        """From the setting `sign_in` of a page. Raises `SettingsWrong`."""
        known = set(cls.__dataclass_fields__)
        try:
            made = cls(**told)
        except TypeError as wrong:
            msg = f"The setting `sign_in` has issuer, client_id, client_secret and page_url, and may have others of: {', '.join(sorted(known))}."
            raise SettingsWrong(msg) from wrong
        texts = (made.issuer, made.client_id, made.client_secret, made.page_url, made.roles_claim)
        if not all(isinstance(t, str) and t for t in texts) or not isinstance(made.figures_without_sign_in, bool):
            msg = "The setting `sign_in` has texts that are not empty, and figures_without_sign_in is true or false."
            raise SettingsWrong(msg)
        for url in (made.issuer, made.page_url):
            if not _is_safe(url):
                msg = "In the setting `sign_in`, issuer and page_url begin with https:// (http:// only on this machine itself)."
                raise SettingsWrong(msg)
        return made


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


def roles_of(claims: Mapping[str, Any], *, claim: str, municipality: int) -> frozenset[str]:
    """Roles of a person at one municipality: of `["GM9901:writer", "GM9902:reader"]` only those of its own; a text is split at spaces."""
    told = claims.get(claim, [])
    values = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
    found = set()
    for value in values:
        where, _, role = str(value).partition(":")
        if where.upper() == f"GM{municipality:04d}" and role in ROLES:
            found.add(role)
    return frozenset(found)


def local_path(wanted: str) -> str:
    """Where to go after signing in: a path of this page, else its first page."""
    fine = (
        wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable() and "\\" not in wanted
    )
    return wanted if fine else "/"


class SignIn:
    """The doors of one page. `say(request, key, status)` makes a page with one of its sentences."""

    def __init__(
        self, settings: SignInSettings, *, municipality: int, say: Say, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing is asked of the provider before somebody signs in."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it announces a later version of its HTTP library
            from authlib.integrations.starlette_client import OAuth
        self.settings, self.sessions, self._municipality, self._say = settings, Sessions(clock), municipality, say
        self._cookie = f"__Host-zorgstroom-gm{municipality:04d}"
        self._waiting_cookie = f"{self._cookie}-aanmelden"
        self._provider = OAuth().register(
            "provider", client_id=settings.client_id, client_secret=settings.client_secret,
            server_metadata_url=f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid profile", "code_challenge_method": "S256", "timeout": 10},
        )  # fmt: skip

    def add_to(self, app: FastAPI) -> None:
        """The addresses of signing in and out, and the guard before all others."""
        app.middleware("http")(self._guard)
        app.add_api_route("/aanmelden", self._leave, methods=["GET"])
        app.add_api_route("/aangemeld", self._come_back, methods=["GET"])
        app.add_api_route("/afmelden", self._sign_out, methods=["POST"])
        app.add_api_route("/afgemeld", self._signed_out, methods=["GET"])

    async def _guard(self, request: Request, further: Callable[[Request], Awaitable[Response]]) -> Response:
        token = request.cookies.get(self._cookie, "")
        request.state.person = self.sessions.find(token) if token else None
        path = request.url.path
        open_to_all = path.startswith(_OPEN_PATHS) or self.settings.figures_without_sign_in
        if request.state.person is not None or open_to_all:
            return await further(request)
        asked = path + (f"?{request.url.query}" if request.url.query else "")
        leave = f"/aanmelden?{urlencode({'naar': asked})}"
        if request.method == "GET" and "hx-request" in request.headers:
            # A script can't follow to the provider: the browser itself has to go.
            return Response(status_code=401, headers={"HX-Redirect": leave})
        if request.method == "GET" and "text/html" in request.headers.get("accept", "text/html"):
            return RedirectResponse(leave, status_code=303)
        if path.startswith("/api/"):
            told = {
                "type": "about:blank",
                "title": "Sign in first",
                "status": 401,
                "detail": own_text("sign_in_first", "en"),
            }
            return JSONResponse(told, 401, media_type="application/problem+json")
        return self._say(request, "sign_in_first", 401)

    async def _leave(self, request: Request) -> Response:
        token, kept = self.sessions.wait()
        kept["naar"] = local_path(request.query_params.get("naar", "/"))
        request.scope["session"] = kept
        try:
            answer: Response = await self._provider.authorize_redirect(
                request, f"{self.settings.page_url.rstrip('/')}/aangemeld"
            )
        except Exception as away:  # noqa: BLE001 - whatever the provider or the line to it does, the reader is told the same
            _log.warning("sign-in", why=type(away).__name__)
            return self._say(request, "provider_away", 503)
        self._keep(answer, self._waiting_cookie, token)
        return answer

    async def _come_back(self, request: Request) -> Response:
        kept = self.sessions.waited(request.cookies.get(self._waiting_cookie, ""))
        if kept is None:
            return self._say(request, "sign_in_again", 400)
        request.scope["session"] = kept
        must = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
        }
        try:
            told = await self._provider.authorize_access_token(request, claims_options=must)
            claims = told["userinfo"]
            actor, name = str(claims["sub"]), str(claims.get("name") or claims["sub"])
        except Exception as wrong:  # noqa: BLE001 - a forged, old or broken answer of any kind signs nobody in
            _log.warning("sign-in", why=type(wrong).__name__)
            return self._say(request, "sign_in_again", 400)
        roles = roles_of(claims, claim=self.settings.roles_claim, municipality=self._municipality)
        if not roles:
            return self._say(request, "no_role", 403)
        self.sessions.end(request.cookies.get(self._cookie, ""))
        answer = RedirectResponse(kept["naar"], status_code=303)
        self._keep(answer, self._cookie, self.sessions.begin(actor=actor[:200], name=name[:100], roles=roles))
        self._forget(answer, self._waiting_cookie)
        return answer

    async def _sign_out(self, request: Request) -> Response:
        await form_of(request)
        self.sessions.end(request.cookies.get(self._cookie, ""))
        answer = RedirectResponse("/afgemeld", status_code=303)
        self._forget(answer, self._cookie)
        return answer

    async def _signed_out(self, request: Request) -> Response:
        return self._say(request, "signed_out", 200)

    def _keep(self, answer: Response, cookie: str, token: str) -> None:
        answer.set_cookie(cookie, token, secure=True, httponly=True, samesite="lax", path="/")

    def _forget(self, answer: Response, cookie: str) -> None:
        answer.delete_cookie(cookie, secure=True, httponly=True, samesite="lax", path="/")


def person_of(request: Request) -> Session | None:
    """Who is signed in, None where nobody is or the page has no sign-in."""
    found: Session | None = getattr(request.state, "person", None)
    return found


def person_with(request: Request, role: str) -> Session:
    """Who is signed in and has a role. Raises `Refused`."""
    person = person_of(request)
    if person is None or role not in person.roles:
        raise Refused("part", f"This needs the role {role}; sign in as somebody who has it.",
                      dutch=f"Hiervoor is de rol {role} nodig; meld u aan als iemand die deze heeft.")  # fmt: skip
    return person


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that one of this session's own pages sent. Raises `Refused`."""
    person = person_of(request)
    foreign = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise Refused("part", "That is too much for one form.", dutch="Dat is te veel voor één formulier.")
    fields: dict[str, str] = {}
    if request.headers.get("content-type", "").partition(";")[0] == "application/x-www-form-urlencoded":
        try:
            fields = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50))
        except ValueError:
            fields = {}
    if person is None or foreign or not hmac.compare_digest(fields.get("csrf", "").encode(), person.csrf.encode()):
        raise Refused("part", "This form is not from this page, or you were signed out; load the page again and sign in.",
                      dutch="Dit formulier komt niet van deze pagina, of u was afgemeld; laad de pagina opnieuw en meld u aan.")  # fmt: skip
    return fields
