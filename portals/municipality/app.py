"""The page's web application: everything is in the address bar, nothing is kept about who looks."""

from __future__ import annotations

import gzip
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portals.municipality.choice import Choice, choose
from portals.municipality.downloads import add_exports
from portals.municipality.figures import Figures
from portals.municipality.map_drawing import Atlas
from portals.municipality.map_view import compare_page, map_page
from portals.municipality.released import Released
from portals.municipality.trend_view import postcodes_page, trend_page
from portals.municipality.view import Context, language, rules_of
from projections.municipal_stories import Mark

if TYPE_CHECKING:
    from portals.municipality.own_pages import OwnPages

_log: Final = structlog.get_logger("page")
_HERE: Final = Path(__file__).parent
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self'; script-src 'self'; img-src 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
}  # fmt: skip
_STATIC: Final = "no-cache"
"""Style sheets and scripts are asked for again, and sent again only when they changed."""
_PAGES_KEPT: Final = 512
_LEAST_BYTES_TO_PACK: Final = 1_000
_PACKED_AT: Final = 6
_PACKED_EACH_TIME_AT: Final = 3
"""Level of what is packed for one reader alone: half the time of the one above, a tenth larger."""
_WHOSE: Final = "<!-- who -->"
"""Where a kept page has the place for who is signed in. No text of anybody can be this: all of it is escaped."""
_NOTHING_BESIDE: Final[dict[str, Any]] = {"own": False, "marks": []}


class Pages:
    """Pages made before, packed, while nothing new was released. They are the same for everybody."""

    def __init__(self, released: Released) -> None:
        self._released, self._lock, self._making = released, Lock(), Lock()
        self._state: tuple[object, ...] = ()
        self._made: OrderedDict[tuple[str, Choice], bytes] = OrderedDict()

    def packed(self, path: str, choice: Choice, make: Callable[[], bytes]) -> bytes:
        """The page at `path` for this choice as gzip; made when it is not there, once however many ask for it."""
        key, state = (path, choice), self._released.state()
        found = self._known(key, state)
        if found is not None:
            return found
        with self._making:
            found = self._known(key, state)
            if found is None:
                found = gzip.compress(make(), _PACKED_AT, mtime=0)
                self._keep(key, state, found)
        return found

    def _known(self, key: tuple[str, Choice], state: tuple[object, ...]) -> bytes | None:
        with self._lock:
            if state != self._state:
                self._state = state
                self._made.clear()
            if key in self._made:
                self._made.move_to_end(key)
            return self._made.get(key)

    def _keep(self, key: tuple[str, Choice], state: tuple[object, ...], made: bytes) -> None:
        with self._lock:
            if state == self._state:
                self._made[key] = made
            while len(self._made) > _PAGES_KEPT:
                self._made.popitem(last=False)


@cache
def _templates() -> Jinja2Templates:
    """Compiled once in a process; everything put into them is escaped."""
    loader = FileSystemLoader(_HERE / "templates")
    return Jinja2Templates(env=Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True))


class Site:
    """Answers to the addresses of the page, made from templates."""

    def __init__(self, released: Released) -> None:
        self.released, self._pages, atlas = released, Pages(released), Atlas()
        self._templates = _templates()
        folder = _HERE / "static" / "vendor"
        self._vendor = sorted(p.name for p in folder.glob("*")) if folder.is_dir() else []
        self.views: dict[str, tuple[str, Callable[[Choice, Figures, Sequence[Mark]], Context]]] = {
            "/": ("map.html", lambda choice, figures, _: map_page(choice, figures, released, atlas)),
            "/verloop": ("trend.html", lambda choice, figures, marks: trend_page(choice, figures, released, marks)),
            "/vergelijk": ("compare.html", lambda choice, figures, _: compare_page(choice, figures, released, atlas)),
            "/postcodes": ("postcodes.html", lambda choice, figures, _: postcodes_page(choice, figures, released)),
        }

    def page(self, request: Request) -> Response:
        """One of the views for what the address bar says."""
        template, view = self.views[request.url.path]
        found = choose(dict(request.query_params), self.released.epochs(), self.released.figures)
        if found is None:
            return self.said(request, "empty", 200, template="empty.html")
        choice, figures = found

        own: OwnPages | None = getattr(request.app.state, "own", None)
        personal = own is not None and own.sign_in is not None

        def make() -> bytes:
            beside = (
                own.beside(area=choice.area, group=choice.group, year=choice.year, lang=choice.lang)
                if own
                else _NOTHING_BESIDE
            )
            shared = {"vendor": self._vendor, "whose": _WHOSE if personal else ""}
            context = view(choice, figures, beside["marks"]) | shared | beside
            return self._templates.get_template(template).render(context).encode()

        packed = self._pages.packed(request.url.path + (own.version() if own else ""), choice, make)
        if own is not None and personal:
            return HTMLResponse(self._signed(request, gzip.decompress(packed), own, choice.lang))
        if "gzip" in request.headers.get("accept-encoding", ""):
            return HTMLResponse(packed, headers={"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})
        return HTMLResponse(gzip.decompress(packed), headers={"Vary": "Accept-Encoding"})

    def _signed(self, request: Request, page: bytes, own: OwnPages, lang: str) -> bytes:
        """A page kept for everybody with this reader's name and sign-out in it; what is kept has nobody's."""
        who = self._templates.get_template("who.html").render(who=own.who(request, lang), lang=lang)
        return page.replace(_WHOSE.encode(), who.encode(), 1)

    def said(self, request: Request, key: str, status: int, *, template: str = "said.html") -> Response:
        """A page that is one sentence, and what to do."""
        lang = "en" if request.query_params.get("lang") == "en" else "nl"
        context = (
            language(lang)
            | rules_of(self.released.newest(), lang)
            | {"vendor": self._vendor, "name": self.released.name(), "key": key}
        )
        return self._templates.TemplateResponse(request, template, context, status_code=status)


class Guard:
    """Puts the same headers on every answer, and turns whatever goes wrong inside into a sentence."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                if scope["path"].startswith("/static/"):
                    headers["Cache-Control"] = _STATIC
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as failed:
            _log.error("failed", error=type(failed).__name__)
            if begun:
                raise
            await self._site.said(Request(scope), "failed", 500)(scope, receive, sending)


def build_app(
    released: Released, *, ready: Callable[[], bool], add_own: Callable[[FastAPI], None] = lambda _: None
) -> FastAPI:
    """The application over what was released. `add_own`: adds the municipality's own pages, and sign-in before all others."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    site = Site(released)
    add_own(app)
    app.add_middleware(GZipMiddleware, minimum_size=_LEAST_BYTES_TO_PACK, compresslevel=_PACKED_EACH_TIME_AT)
    app.add_middleware(Guard, site=site)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")

    @app.exception_handler(HTTPException)
    def refused(request: Request, wrong: HTTPException) -> Response:
        return site.said(request, "not_found", wrong.status_code)

    @app.get("/health")
    def health() -> PlainTextResponse:
        now = "ready" if ready() else "reading"
        return PlainTextResponse(f"{now}. {released.trouble}".strip(), status_code=200 if ready() else 503)

    add_exports(app, released, ready=ready)
    for path in site.views:
        app.add_api_route(path, site.page, methods=["GET"], response_class=HTMLResponse)
    return app
