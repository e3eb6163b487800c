"""Baselines on the page: what was frozen, and a later year beside it, equally long after its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from portals.municipality import words
from portals.municipality.baseline_compared import comparison
from portals.municipality.baseline_ends import ends, partly
from portals.municipality.baseline_order import SORTS, Order, ordered
from portals.municipality.exports.column_notes import rules_in_words
from portals.municipality.own_pages import OwnPages, language
from portals.municipality.own_words import own_text
from projections.municipal_baseline import epoch_to_compare, months_after_the_year
from projections.municipal_events import Baseline
from schemas.errors import Refused

_MOST_PERCENT: Final = 50
_LONGEST_SOURCE: Final = 200
_YEARS_AHEAD: Final = 10


@dataclass(frozen=True, slots=True)
class _Index:
    """A tariff rise as typed: percent per year and its source; `wrong` where it can't be used."""

    percent: Decimal
    source: str
    wrong: bool


def _index(request: Request) -> _Index:
    typed = request.query_params.get("index", "").strip().replace(",", ".")
    source = request.query_params.get("bron", "").strip()
    try:
        percent = Decimal(typed or "0")
    except InvalidOperation:
        return _Index(Decimal(0), source, wrong=True)
    fine = percent.is_finite() and abs(percent) <= _MOST_PERCENT and (not percent or 0 < len(source) <= _LONGEST_SOURCE)
    return _Index(percent, source, wrong=False) if fine else _Index(Decimal(0), source[:_LONGEST_SOURCE], wrong=True)


class _Baselines:
    """Answers to the addresses of baselines."""

    def __init__(self, pages: OwnPages) -> None:
        self._pages = pages

    def list_baselines(self, request: Request) -> Response:
        """Every baseline, the oldest first, and the marks in the trend."""
        story = self._pages.events.story
        frozen = sorted(story.baselines.values(), key=lambda b: (b.at_ms, b.id))
        marks = sorted(story.interventions.values(), key=lambda m: (m.day, m.id))
        return self._pages.page(request, "baselines.html", baselines=frozen, marks=marks, when=self._when(request))

    def one(self, request: Request, baseline: str) -> Response:
        """A baseline and, where it is released, another year beside it."""
        found = self._pages.events.story.baselines.get(baseline)
        if found is None:
            raise Refused("unreadable", "There is no such baseline.", dutch="Deze nulmeting is er niet.")
        years, index = self._years(found), _index(request)
        typed = request.query_params.get("jaar", "")
        year = (
            int(typed)
            if typed.isdecimal() and typed.isascii() and len(typed) == 4 and int(typed) in years
            else self._newest(found, years)
        )
        return self._pages.page(
            request, "baseline.html", baseline=found, year=year, years=years, index=index, typed=request.query_params.get("index", ""),
            percent=words.number(index.percent, language(request)), when=self._when(request), people=self._people(found), rules=rules_in_words(json.loads(found.parameters), language(request)), **self._beside(found, year, index, request),
        )  # fmt: skip

    def _when(self, request: Request) -> Any:
        def said(baseline: Baseline) -> str:
            months = months_after_the_year(baseline)
            key = "after_end" if months > 0 else "before_end" if months < 0 else "at_end"
            return own_text(key, language(request), months=abs(months))

        return said

    def _years(self, baseline: Baseline) -> list[int]:
        """Later service years to choose from: up to one after the last that is released."""
        newest = max(self._pages.released.epochs(), default=baseline.epoch)
        ahead = max(1, min(_YEARS_AHEAD, (newest - baseline.epoch) // 12 + 1))
        return [baseline.service_year + n for n in range(1, ahead + 1)]

    def _newest(self, baseline: Baseline, years: list[int]) -> int:
        out = set(self._pages.released.epochs())
        return next((y for y in reversed(years) if epoch_to_compare(baseline, y) in out), years[0])

    @staticmethod
    def _people(baseline: Baseline) -> int | None:
        return next((people for code, _, people in baseline.areas if code.startswith("GM")), None)

    def _beside(self, baseline: Baseline, year: int, index: _Index, request: Request) -> dict[str, Any]:
        """The comparison, or one sentence why there is none (yet)."""
        pages = self._pages
        found, why_not = comparison(
            baseline, year, pages.released, language(request), calendar=pages.calendar, percent=index.percent
        )
        asked = request.query_params.get("volgorde", "")
        sort = asked if asked in SORTS else ""
        kept = {
            "lang": language(request),
            "jaar": str(year),
            "index": request.query_params.get("index", ""),
            "bron": index.source,
        }
        order = Order(sort, tuple((name, value) for name, value in kept.items() if value))
        rows = ordered(found.rows, sort, pages.area_name) if found else []
        made = {"comparison": found, "why_not": why_not, "rows": rows, "choice": order}
        if found is None:
            return made
        lang, (then, now) = language(request), (pages.released.figures(e) for e in (baseline.epoch, found.epoch))
        base = max(int(of.parameters.get("euros_base", 1_000)) for of in (then, now))
        return made | {"ends": ends((then, now), lang), "base": base, "partly": partly(then, now, lang)}


def baseline_router(pages: OwnPages) -> APIRouter:
    """The addresses of baselines."""
    baselines, router = _Baselines(pages), APIRouter()
    router.add_api_route("/nulmeting", baselines.list_baselines, methods=["GET"], response_model=None)
    router.add_api_route("/nulmeting/{baseline}", baselines.one, methods=["GET"], response_model=None)
    return router
