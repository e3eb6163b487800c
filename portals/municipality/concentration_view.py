"""The section about how concentrated the money of the chosen service year is, for the template: of the chosen area or the smallest one around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from portals.municipality import concentration_words, words
from portals.municipality.choice import Choice
from portals.municipality.concentration import LEAST_IN_CARE, Concentration, Stacked, due
from portals.municipality.concentration_svg import curve, halves, widths
from portals.municipality.figures import Figures, placed_code
from portals.municipality.released import Released
from schemas.values import Month

_YEARS_BACK: Final = 12
Context = dict[str, Any]
_T = TypeVar("_T")


def concentration_section(choice: Choice, figures: Figures, released: Released) -> Context:
    """What the section shows; `said` None where nothing is, and `why` then says why, or when it comes.

    Only what was out at the chosen month counts, so that an address shows the same later.
    """
    lang, epoch = choice.lang, due(choice.year)

    def say(key: str, /, **values: object) -> str:
        return concentration_words.say(key, lang, **values)

    context: Context = {"say": say, "said": None, "why": "", "latest": None, "released_in": None}
    month = words.month_name(epoch, lang)
    if epoch > choice.epoch:
        return context | {"why": say("coming", year=choice.year, month=month), "latest": _latest(choice, released)}
    if epoch not in released.epochs():
        return context | {"why": say("missing", year=choice.year, month=month)}
    of_december = released.figures(epoch)
    chosen = choice.area or placed_code(figures.municipality)
    found = _nearest(chosen, figures, of_december, choice.year)
    name = figures.area_name(chosen)
    if found is None:
        return context | {"why": say("not_here", year=choice.year, area=figures.name, least=LEAST_IN_CARE)}
    area = figures.area_name(found.area)
    return context | _told(found, choice) | {
        "said": found, "area": area, "released_in": of_december, "what": say("what", year=choice.year, month=month),
        "around": "" if found.area == chosen else say("around", area=area, chosen=name, least=LEAST_IN_CARE),
    }  # fmt: skip


def _nearest(chosen: str, figures: Figures, of_december: Figures, year: int) -> Concentration | None:
    """What is said of an area or of the smallest one around it."""
    said = of_december.concentration
    return next((said[at, year] for at in figures.outward(chosen) if (at, year) in said), None)


def _latest(choice: Choice, released: Released) -> tuple[str, int] | None:
    """Address and service year of the last one that was out at the chosen month."""
    out = set(released.epochs())
    for year in range(choice.year - 1, choice.year - _YEARS_BACK, -1):
        at = due(year)
        if at <= choice.epoch and at in out and released.figures(at).concentration:
            return choice.link("/", maand=str(Month.from_index(at)), jaar=year, volgorde="") + "#verdeling", year
    return None


def _told(found: Concentration, choice: Choice) -> Context:
    lang = choice.lang
    rows = list(zip(found.stacked, widths(found.stacked), strict=True))
    return {
        "sentence": concentration_words.sentence(found, lang), "unsaid": found.half_within is None, "share": concentration_words.share(found, lang),
        "halves": halves(found.half_within), "curve": curve(found.curve), "points": _ordered(found.curve, choice.sort, lambda p: p[0], lambda p: p[1], "waarde"),
        "stacked": _ordered(rows, choice.sort, lambda r: r[0].providers, lambda r: r[0].households, "huishoudens"),
        "providers": lambda row: concentration_words.providers(row, lang), "counted": lambda row: _counted(found, row, lang),
    }  # fmt: skip


def _counted(found: Concentration, row: Stacked, lang: str) -> str:
    return concentration_words.counted(found, row, lang)


def _ordered(
    rows: Sequence[_T], sort: str, name: Callable[[_T], int], amount: Callable[[_T], int | None], field: str
) -> list[_T]:
    """As released, or by name or amount as the page's tables are; what is not said comes last."""
    asked, _, direction = sort.partition("-")
    if asked == "naam":
        return sorted(rows, key=name, reverse=direction == "af")
    if asked != field:
        return list(rows)
    known = sorted(
        (r for r in rows if amount(r) is not None), key=lambda r: (amount(r) or 0) * (1 if direction == "op" else -1)
    )
    return known + [r for r in rows if amount(r) is None]
