"""The municipality's figures for programs: `/api/v1`, reading only, described by OpenAPI 3.1 and by a page for people.

It gives what the page gives, under the same protection; nothing is computed here that was not released.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.templating import Jinja2Templates
from pydantic import TypeAdapter
from starlette.convertors import PathConvertor, register_url_convertor

from portals.municipality import words
from portals.municipality.api_answers import (
    API,
    AreaList,
    CellList,
    GroupList,
    OneFigure,
    ProblemAnswer,
    SnapshotFact,
    SnapshotList,
    area_fact,
    figure_fact,
    group_facts,
    one_figure,
    snapshot_fact,
)
from portals.municipality.api_concentration import ConcentrationList, concentration_facts
from portals.municipality.exports.shelf import Made
from portals.municipality.exports.snapshot import LEVELS, Snapshot
from portals.municipality.problem import MEDIA_TYPE, PROBLEMS, Problem
from portals.municipality.snapshots import Snapshots, sent
from portals.municipality.view import rules_of, speaker

VERSION: Final = "1.0.0"
AT_MOST: Final = 2_000
"""Cells or areas in one answer."""
_USUALLY: Final = 500
_LETTERS_AT_MOST: Final = 1_000
_ASKED_AT_MOST: Final = 10_000_000
_RANGES: Final = {"limit": f"1 - {AT_MOST}", "offset": f"0 - {_ASKED_AT_MOST}", "year": "YYYY"}
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": title, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}}}
    for status, title, *_ in PROBLEMS.values()
}
Lang = Annotated[str, Query(description="`nl` (Dutch) or `en`: names, notes and problems.", examples=["en"])]
Epoch = Annotated[str, Query(description="Month `YYYY-MM` of a snapshot; the newest when left out.")]
Limit = Annotated[int, Query(ge=1, le=AT_MOST, description="How many at most in one answer.")]
Offset = Annotated[int, Query(ge=0, le=_ASKED_AT_MOST, description="How many to skip; `next` gives it.")]
LevelName = Annotated[
    str,
    Query(description=f"One of {', '.join(LEVELS)}; `placed` is the whole municipality, `gemeente` what has no buurt."),
]
AreaCode = Annotated[str, Query(description="Area code: `GM9901P`, `WK990101`, `BU99010101`, `BU99010101.03`.")]


def language(request: Request) -> str:
    """English where the address asks for it, else Dutch."""
    return "en" if request.query_params.get("lang") == "en" else "nl"


class _Anything(PathConvertor):
    """Any rest of an address, lines that end within it too."""

    regex = "(?s:.*)"


register_url_convertor("anything", _Anything())


class AnsweringRoute(APIRoute):
    """A route that answers what can't be given with a problem, and takes no parameter it does not know."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, with a check before it."""
        usual, known = super().get_route_handler(), {p.alias for p in self.dependant.query_params}

        async def handler(request: Request) -> Response:
            lang = language(request)
            try:
                _check_query(request, known, lang)
                return await usual(request)
            except Problem as problem:
                return problem.as_json()
            except RequestValidationError as wrong:
                name = str(wrong.errors()[0]["loc"][-1])
                return Problem("unknown-value", lang, name=name, allowed=[_RANGES.get(name, "")]).as_json()

        return handler


def _check_query(request: Request, known: set[str], lang: str) -> None:
    if len(request.url.query) > _LETTERS_AT_MOST:
        raise Problem("too-long", lang)
    names = [name for name, _ in request.query_params.multi_items()]
    if set(names) - known or len(set(names)) < len(names):
        raise Problem("unknown-parameter", lang, allowed=sorted(known))
    if request.query_params.get("lang", "nl") not in ("nl", "en"):
        raise Problem("unknown-value", lang, name="lang", allowed=["nl", "en"])


def _answer(request: Request, value: Any) -> Response:
    data = json.dumps(asdict(value), ensure_ascii=False, separators=(",", ":")).encode()
    return sent(request, Made.of(data), media_type="application/json")


def _one_of(name: str, value: str, allowed: list[str], lang: str, *, see: str = "") -> None:
    if value and value not in allowed:
        raise Problem("unknown-value", lang, name=name, allowed=() if see else allowed, see=see)


def _part(
    items: list[Any], request: Request, snapshot: Snapshot, *, limit: int, offset: int
) -> tuple[list[Any], str | None]:
    """A slice, and the address of what follows it in the same snapshot."""
    rest = offset + limit < len(items)
    following = request.url.include_query_params(epoch=str(snapshot.month), limit=limit, offset=offset + limit)
    return items[offset : offset + limit], f"{following.path}?{following.query}" if rest else None


def api_router(snapshots: Snapshots) -> APIRouter:
    """All addresses of the API over what was released."""
    router = APIRouter(prefix=API, route_class=AnsweringRoute, responses=_PROBLEMS)
    _add_lists(router, snapshots)
    _add_figures(router, snapshots)
    _add_concentration(router, snapshots)
    _add_descriptions(router, snapshots)
    return router


def _add_lists(router: APIRouter, snapshots: Snapshots) -> None:
    @router.get("/snapshots", response_model=SnapshotList, summary="All snapshots")
    def all_snapshots(request: Request, lang: Lang = "nl") -> Response:
        facts = [snapshot_fact(snapshots.of(m, lang), lang) for m in snapshots.epochs(lang)]
        return _answer(request, SnapshotList(facts))

    @router.get("/snapshots/{epoch}", response_model=SnapshotFact, summary="One snapshot")
    def one_snapshot(request: Request, epoch: str, lang: Lang = "nl") -> Response:
        return _answer(request, snapshot_fact(_at(snapshots, epoch, lang), lang))

    @router.get("/areas", response_model=AreaList, summary="Areas of a snapshot")
    def areas(
        request: Request, *, epoch: Epoch = "", level: LevelName = "", limit: Limit = _USUALLY, offset: Offset = 0, lang: Lang = "nl"
    ) -> Response:  # fmt: skip
        _one_of("level", level, list(LEVELS), lang)
        snapshot = snapshots.of(epoch, lang)
        found = [area_fact(a) for a in snapshot.areas() if level in ("", a.level)]
        part, following = _part(found, request, snapshot, limit=limit, offset=offset)
        return _answer(request, AreaList(str(snapshot.month), len(found), part, following))

    @router.get("/groups", response_model=GroupList, summary="Groups of a snapshot")
    def groups(request: Request, *, epoch: Epoch = "", lang: Lang = "nl") -> Response:
        snapshot = snapshots.of(epoch, lang)
        return _answer(request, GroupList(str(snapshot.month), group_facts(snapshot, lang), words.text("no_ggz", lang)))


def _at(snapshots: Snapshots, epoch: str, lang: str) -> Snapshot:
    """The snapshot an address is of; an unknown one is an address that does not exist. Raises `Problem`."""
    if epoch not in (allowed := snapshots.epochs(lang)):
        raise Problem("unknown-address", lang, allowed=allowed)
    return snapshots.of(epoch, lang)


def _add_figures(router: APIRouter, snapshots: Snapshots) -> None:
    @router.get("/cells", response_model=CellList, summary="Figures of a snapshot")
    def cells(
        request: Request, *, epoch: Epoch = "", group: Annotated[str, Query(description="A group's code, see `/groups`.")] = "",
        year: Annotated[int | None, Query(description="Service year.", ge=1900, le=2999)] = None, level: LevelName = "", area: AreaCode = "",
        limit: Limit = _USUALLY, offset: Offset = 0, lang: Lang = "nl",
    ) -> Response:  # fmt: skip
        snapshot = snapshots.of(epoch, lang)
        rows = snapshot.rows
        _one_of("group", group, snapshot.group_order(), lang)
        _one_of("level", level, list(LEVELS), lang)
        _one_of("area", area, sorted({r.area for r in rows}), lang, see=f"{API}/areas?epoch={snapshot.month}")
        _one_of("year", "" if year is None else str(year), [str(y) for y in snapshot.years()], lang)
        found = [
            r
            for r in rows
            if group in ("", r.group)
            and year in (None, r.service_year)
            and level in ("", r.level)
            and area in ("", r.area)
        ]
        part, following = _part(found, request, snapshot, limit=limit, offset=offset)
        facts = [figure_fact(snapshot, r, lang) for r in part]
        return _answer(request, CellList(snapshot_fact(snapshot, lang), len(found), facts, following))

    @router.get(
        "/figures/{epoch}/{area}/{group}/{year}",
        response_model=OneFigure,
        summary="One figure, at an address of its own",
    )
    def figure(request: Request, epoch: str, area: str, group: str, year: str, lang: Lang = "nl") -> Response:
        snapshot = _at(snapshots, epoch, lang)
        row = snapshot.row(area, group, int(year)) if year in [str(y) for y in snapshot.years()] else None
        if row is None:
            raise Problem("no-figure", lang, see=f"{API}/cells?epoch={snapshot.month}")
        return _answer(request, one_figure(snapshot, row, lang))


def _add_concentration(router: APIRouter, snapshots: Snapshots) -> None:
    @router.get("/concentration", response_model=ConcentrationList, summary="How concentrated service years are")
    def concentration(
        request: Request, *, epoch: Annotated[str, Query(description="Month `YYYY-MM`: what was said up to its end; the newest when left out.")] = "",
        year: Annotated[int | None, Query(description="Service year.", ge=1900, le=2999)] = None, area: AreaCode = "",
        limit: Limit = _USUALLY, offset: Offset = 0, lang: Lang = "nl",
    ) -> Response:  # fmt: skip
        at = snapshots.of(epoch, lang)
        out = [snapshots.of(month, lang) for month in snapshots.epochs(lang) if month <= str(at.month)]
        facts = [fact for snapshot in out for fact in concentration_facts(snapshot, lang, api=API)]
        _one_of("area", area, sorted({f.area for f in facts}), lang)
        _one_of("year", "" if year is None else str(year), sorted({str(f.service_year) for f in facts}), lang)
        found = [f for f in facts if area in ("", f.area) and year in (None, f.service_year)]
        part, following = _part(found, request, at, limit=limit, offset=offset)
        return _answer(request, ConcentrationList(str(at.month), len(found), part, following))


def described(router: APIRouter) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a router's addresses."""
    document = get_openapi(
        title="Zorgstroom, released figures of a municipality", version=VERSION, routes=router.routes,
        description="Reading only. Every figure is the service year so far, as known at the end of a month, released under signature, "
        "rounded as `parameters` of its snapshot says. Answers carry an ETag and stay the same while the snapshot does.",
    )  # fmt: skip
    document["components"]["schemas"]["ProblemAnswer"] = TypeAdapter(ProblemAnswer).json_schema()
    return document


def _add_descriptions(router: APIRouter, snapshots: Snapshots) -> None:
    templates = Jinja2Templates(directory=Path(__file__).parent / "templates")
    document = described(router)
    data = json.dumps(document, ensure_ascii=False).encode()
    made = Made.of(data)

    @router.get("/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> Response:
        return sent(request, made, media_type="application/json")

    @router.get("", include_in_schema=False)
    def for_people(request: Request, lang: Lang = "nl") -> Response:
        seen = {"document": document, "problems": PROBLEMS, "lang": lang, "most": AT_MOST, "t": speaker(lang)}
        seen |= rules_of(snapshots.newest(), lang)
        return templates.TemplateResponse(request, "api.html", seen)

    @router.api_route(
        "/{rest:anything}",
        methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        include_in_schema=False,
    )
    def nothing_here(request: Request, rest: str) -> Response:  # noqa: ARG001 - the path needs a name
        if request.method != "GET":
            raise Problem("method", language(request))
        raise Problem("unknown-address", language(request), see=API)
