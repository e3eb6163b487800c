"""The page's files to take along, each under an address that says month, group and year; and the API, mounted beside the page."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import Response

from portals.municipality.api import api_router
from portals.municipality.council import Council
from portals.municipality.exports.council_beside import Beside
from portals.municipality.exports.council_page import council_page
from portals.municipality.exports.csv_file import csv_bytes
from portals.municipality.exports.geojson import geojson_bytes
from portals.municipality.exports.shelf import Shelf
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.exports.workbook import workbook_bytes
from portals.municipality.problem import Problem
from portals.municipality.released import Released
from portals.municipality.snapshots import Snapshots, sent


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says, made valid. `group` and `year` are of the snapshot."""

    lang: str
    group: str
    year: int
    beside: Beside | None = None


@dataclass(frozen=True, slots=True)
class File:
    """One kind of file. `asks`: which parameters besides month and language it depends on. `beside`: whether it carries what the municipality itself adds."""

    media_type: str
    make: Callable[[Snapshot, Asked], bytes]
    asks: frozenset[str] = frozenset()
    beside: bool = False


FILES: Final = {
    "figures.xlsx": File("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", lambda s, a: workbook_bytes(s, a.lang)),
    "figures.csv": File("text/csv; charset=utf-8", lambda s, a: csv_bytes(s, a.lang)),
    "figures-comma.csv": File("text/csv; charset=utf-8", lambda s, a: csv_bytes(s, a.lang, separator=",")),
    "areas.geojson": File("application/geo+json", lambda s, a: geojson_bytes(s, a.lang, group=a.group, year=a.year), frozenset({"groep", "jaar"})),
    "council.pdf": File("application/pdf", lambda s, a: council_page(s, a.lang, year=a.year, beside=a.beside), frozenset({"jaar"}), beside=True),
}  # fmt: skip
"""By the last part of the address."""


def asked_of(query: dict[str, str], snapshot: Snapshot) -> Asked:
    """Group and year of an address; the total and the newest year where it names none. Raises `Problem` for an unknown one.

    Other parameters are the page's own choices and change nothing here.
    """
    lang = language(query)
    groups, years = snapshot.group_order(), [str(y) for y in snapshot.years()]
    group, year = query.get("groep") or "total", query.get("jaar") or years[0]
    if group not in groups:
        raise Problem("unknown-value", lang, name="groep", allowed=groups)
    if year not in years:
        raise Problem("unknown-value", lang, name="jaar", allowed=years)
    return Asked(lang, group, int(year))


def language(query: dict[str, str]) -> str:
    """English where the address asks for it, else Dutch."""
    return "en" if query.get("lang") == "en" else "nl"


def add_exports(app: FastAPI, released: Released, *, ready: Callable[[], bool]) -> None:
    """Add downloads and API to the page's application."""
    snapshots, shelf = Snapshots(released, ready), Shelf()
    app.routes.extend(api_router(snapshots).routes)

    @app.get("/export/{name}", include_in_schema=False)
    def export(request: Request, name: str) -> Response:
        query = dict(request.query_params)
        lang = language(query)
        if name not in FILES:
            return Problem("unknown-address", lang, allowed=[f"/export/{known}" for known in FILES]).as_text()
        try:
            council = Council(released, getattr(app.state, "own", None))
            return _file(request, name, query, snapshots=snapshots, shelf=shelf, council=council)
        except Problem as wrong:
            return wrong.as_text()


def _file(
    request: Request, name: str, query: dict[str, str], *, snapshots: Snapshots, shelf: Shelf, council: Council
) -> Response:
    file, snapshot = FILES[name], snapshots.of(query.get("maand", ""), language(query), named="maand")
    asked = asked_of(query, snapshot)
    key: tuple[Hashable, ...] = (
        name, asked.lang, asked.group if "groep" in file.asks else "", asked.year if "jaar" in file.asks else 0,
    )  # fmt: skip
    if file.beside:
        picked = council.picked(query, asked.lang)
        made = shelf.take(
            snapshot,
            (*key, picked, council.version()),
            lambda: file.make(
                snapshot, replace(asked, beside=council.beside(snapshot, picked, asked.lang, year=asked.year))
            ),
        )
    else:
        made = shelf.take(snapshot, key, lambda: file.make(snapshot, asked))
    stem, _, ending = name.partition(".")
    filename = f"zorgstroom-GM{snapshot.municipality:04d}-{snapshot.month}-{stem}.{ending}"
    return sent(request, made, media_type=file.media_type, filename=filename)
