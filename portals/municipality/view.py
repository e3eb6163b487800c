"""What the templates get: every view shares its words, its choice and what is said about each figure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from portals.municipality import words
from portals.municipality.choice import Choice
from portals.municipality.compare import Period
from portals.municipality.figures import Figures, placed_code
from portals.municipality.measures import COLOURS, Measure, bounds, offered, stream_of, value
from portals.municipality.released import Released
from portals.municipality.trend import complete
from schemas.values import Month

Context = dict[str, Any]
_MONTHS_NAMED: Final = 6


def speaker(lang: str) -> Callable[..., str]:
    """The page's sentences in one language."""

    def say(key: str, /, **values: object) -> str:
        return words.text(key, lang, **values)

    return say


def language(lang: str) -> Context:
    """What every template needs, whatever it shows."""
    return {
        "lang": lang, "t": speaker(lang), "euros": lambda v: words.euros(v, lang), "figure": lambda v: words.figure(v, lang),
        "number": partial(words.number, lang=lang), "month_name": lambda i: words.month_name(i, lang), "short_month": lambda i: words.short_month(i, lang),
        "group_name": lambda g: words.group_name(g, lang), "group_short": lambda g: words.group_short(g, lang), "day": lambda n: words.day(n, lang),
        "month_of": lambda i: str(Month.from_index(i)),
        "measure_name": lambda m: words.MEASURES[Measure(m)][lang == "en"],
    }  # fmt: skip


def rules_of(figures: Figures | None, lang: str) -> Context:
    """What every page says of the rules of a release: what was given up of the protection, and what figures are rounded to."""
    return {
        "given_up": words.given_up(figures.given_up, lang) if figures else "",
        "source": words.source(figures.parameters if figures else {}, lang),
    }


def frame(choice: Choice, figures: Figures, released: Released, page: str) -> Context:
    """What all views of figures need: choices to make, notices, and what is said about a figure. `page`: its path."""
    lang = choice.lang
    whole = placed_code(figures.municipality)
    selected = choice.area or whole
    return language(lang) | rules_of(figures, lang) | {
        "choice": choice, "figures": figures, "page": page, "name": figures.name, "whole": whole, "held": words.HELD[lang],
        "epochs": released.epochs(), "places": _places(figures, choice), "measures": offered(figures, choice.group), "periods": list(Period),
        "notices": notices(choice, figures, released), "selected_code": selected, "selected_name": figures.area_name(selected),
        "people": _people(figures, selected, lang), "known": _known(choice, lang), "complete": complete(figures, choice.group),
        "completeness": _completeness(figures, choice.group), "in_overig": stream_of(choice.group) == "overig",
    }  # fmt: skip


def _known(choice: Choice, lang: str) -> str:
    return words.text("known", lang, year=choice.year, month=words.month_name(choice.epoch, lang))


def _completeness(figures: Figures, group: str) -> list[Context]:
    """Per stream that tells it; of the chosen stream alone where one is chosen."""
    stream = stream_of(group)
    return [
        c | {"percent": c["months_closed"] * 100 // c["months_asked"]}
        for c in figures.completeness
        if c["months_asked"] and stream in ("total", c["group"])
    ]


def _places(figures: Figures, choice: Choice) -> list[tuple[str, list[tuple[str, str]]]]:
    """Areas to choose from, by wijk; the parts of a buurt only once that buurt is chosen."""
    found = []
    for wijk in figures.of_level("wijk"):
        inside = [(wijk["code"], wijk["name"])]
        for buurt in figures.of_level("buurt"):
            if buurt["parent"] != wijk["code"]:
                continue
            inside.append((buurt["code"], buurt["name"]))
            if choice.area[:10] == buurt["code"]:
                inside += [
                    (a["code"], a["name"])
                    for level in ("street", "cluster")
                    for a in figures.of_level(level)
                    if a["parent"] == buurt["code"]
                ]
        found.append((wijk["name"], inside))
    return found


def _people(figures: Figures, code: str, lang: str) -> str:
    """Numbers of people of an area as published, in one sentence; empty where none is."""
    area = figures.area(code)
    names = ("inhabitants", "under_18", "aged_75_and_over", "households")
    if area is None or figures.geography is None or all(area[n] is None for n in names):
        return ""
    unknown = words.text("unknown", lang)
    counts = {n: unknown if area[n] is None else words.number(area[n], lang) for n in names}
    return words.text("people", lang, year=figures.geography["population_year"] or unknown, **counts)


def notices(choice: Choice, figures: Figures, released: Released) -> list[str]:
    """What is wrong with the address or with the topics, in sentences; nothing of what was typed is repeated."""
    say, lang = speaker(choice.lang), choice.lang
    found = []
    if "maand" in choice.refused:
        found.append(say("refused_maand", month=words.month_name(choice.epoch, lang)))
    if "gebied" in choice.refused:
        found.append(say("refused_gebied"))
    for name, epoch, year in (("jaar", choice.epoch, choice.year), ("metjaar", choice.other_epoch, choice.other_year)):
        if name in choice.refused:
            found.append(say("refused_jaar", month=words.month_name(epoch, lang), year=year))
    if set(choice.refused) - {"maand", "gebied", "jaar", "metjaar"}:
        found.append(say("refused_other"))
    if missing := released.missing():
        named = [words.month_name(m, lang) for m in missing[:_MONTHS_NAMED]]
        found.append(say("missing", months=", ".join(named) + (" ..." if len(missing) > _MONTHS_NAMED else "")))
    if not figures.areas:
        found.append(say("no_areas"))
    if refused := released.macro.refused + released.meso.refused:
        found.append(say("not_counted", count=refused))
    return found


def legend(choice: Choice, *, change: bool) -> Context:
    """The classes of a map: bounds and colours, the same in every month."""
    return {
        "classes": bounds(choice.measure, choice.group, change=change),
        "colours": COLOURS,
        "change": change,
    }


def rates(figures: Figures, code: str, euros: int | None, choice: Choice) -> list[tuple[str, str]]:
    """An amount in every measure that can be had for its area but the chosen one."""
    if euros is None:
        return []
    found = []
    for measure in offered(figures, choice.group):
        amount = value(euros, figures.area(code), measure)
        if measure is not choice.measure and amount is not None:
            found.append((words.MEASURES[measure][choice.english], words.figure(amount, choice.lang)))
    return found
