"""One page for the council as PDF: the total and its streams, one map, what is kept back, how complete it is and where it is from.

Typst sets it with the fonts it carries itself; nothing is fetched, no file is read, and names go in as values, never as markup.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import typst

from portals.municipality import concentration_words, words
from portals.municipality.exports.explanation import completeness, facts
from portals.municipality.exports.map_picture import LEGEND_COLOURS, legend_bounds, map_picture
from portals.municipality.exports.sentences import level_name, say
from portals.municipality.exports.snapshot import Snapshot

_TEMPLATE: Final = Path(__file__).with_name("council_page.typ")
_NAMES_AT_MOST: Final = 6
_LETTERS_AT_MOST: Final = 40


def council_page(snapshot: Snapshot, lang: str, *, year: int) -> bytes:
    """The PDF, always one page; the same bytes for the same snapshot: no date of making is in it.

    It is PDF/UA-1, unless a name has a sign that the fonts lack: then it is tagged all the same, and that sign is an empty box.
    """
    page = json.dumps(content(snapshot, lang, year=year))
    try:
        return _set(page, ["ua-1"])
    except typst.TypstError:
        return _set(page, [])


def _set(page: str, standards: list[typst.PDFStandard]) -> bytes:
    return typst.compile(
        _TEMPLATE.read_bytes(),
        format="pdf",
        ignore_system_fonts=True,
        pdf_standards=standards,
        sys_inputs={"page": page},
    )


def content(snapshot: Snapshot, lang: str, *, year: int) -> dict[str, Any]:
    """Everything the template sets, in words."""
    figures, whole = snapshot.figures, snapshot.row(snapshot.whole, "total", year)
    level = "buurt" if figures.decided_at("buurt", "total", year) else "wijk"
    return {
        "lang": lang, "kicker": say("council", lang), "title": words.text("title", lang, name=_short(snapshot.name)),
        "known": words.text("known", lang, year=year, month=words.month_name(snapshot.epoch, lang)) + ".",
        "warning": "" if snapshot.macro["protection"] == "full" else words.text("preliminary", lang),
        "given_up": say("given_up", lang, names=", ".join(snapshot.given_up)).capitalize() + "." if snapshot.given_up else "",
        "total_head": words.group_name("total", lang), "total": words.figure(whole.euros if whole else None, lang),
        "total_note": _total_note(snapshot, year, lang), "streams_head": words.text("streams", lang), **_bar(snapshot, year, lang),
        **_concentration(snapshot, year, lang),
        "complete_head": say("completeness", lang), "complete": completeness(snapshot, lang),
        "map_head": say("map", lang, level=level_name(level, lang)), "map": map_picture(snapshot, level, year=year),
        "map_alt": say("map_alt", lang, name=_short(snapshot.name)), "legend": [*zip(LEGEND_COLOURS, legend_bounds(lang), strict=True)],
        "map_older": _older(snapshot, level, year, lang), "legend_held": say("legend_held", lang), "held_head": say("what_held", lang), "held": _held(snapshot, level, year, lang),
        "held_sentence": f"{words.HELD[lang]}.", "no_ggz": words.text("no_ggz", lang), "source": words.text("source", lang),
        "facts": [f"{about}: {said}" if about else said for about, said in facts(snapshot, lang)],
    }  # fmt: skip


def _total_note(snapshot: Snapshot, year: int, lang: str) -> list[str]:
    whole = snapshot.row(snapshot.whole, "total", year)
    if whole is None or whole.euros is None:
        return [words.text("never", lang)]
    said = [say("so_many", lang, count=whole.households)] if whole.households is not None else []
    if not whole.released:
        said.append(f"{words.HELD[lang]}.")
    if whole.known_until is not None and whole.known_until != snapshot.epoch:
        said.append(words.text("older", lang, month=words.month_name(whole.known_until, lang)))
    return said


def _older(snapshot: Snapshot, level: str, year: int, lang: str) -> str:
    """Which earlier months figures on the map are from: buurten come once a quarter."""
    rows = [snapshot.row(a["code"], "total", year) for a in snapshot.figures.of_level(level)]
    known = {r.known_until for r in rows if r is not None and r.released and r.known_until is not None} - {
        snapshot.epoch
    }
    months = [words.month_name(m, lang) for m in sorted(known, reverse=True)[:_NAMES_AT_MOST]]
    return say("map_older", lang, months=", ".join(months)) if months else ""


def _bar(snapshot: Snapshot, year: int, lang: str) -> dict[str, Any]:
    """The streams of the whole municipality that are shown apart; no shares of a whole that is not shown."""
    bar = snapshot.figures.bar(snapshot.whole, year)
    if bar is None:
        return {"parts": [], "missing": ""}
    missing = ", ".join(words.group_name(g, lang) for g in bar.missing)
    parts = [
        {"name": words.group_name(p.group, lang), "euros": words.euros(p.euros, lang), "share": p.share, "group": p.group,
         "percent": "" if missing else f"{p.share * 100:.0f}%"}
        for p in bar.parts
    ]  # fmt: skip
    return {"parts": parts, "missing": say("missing", lang, names=missing) if missing else ""}


def _concentration(snapshot: Snapshot, year: int, lang: str) -> dict[str, str]:
    """The sentence about the whole municipality, where this snapshot says it of this year; else nothing, and no empty place."""
    of = snapshot.figures.concentration.get((snapshot.whole, year))
    if of is None:
        return {"spread_head": "", "spread": "", "spread_note": ""}
    note = f"{words.HELD[lang]}." if of.half_within is None else ""
    return {
        "spread_head": concentration_words.say("head", lang),
        "spread": concentration_words.sentence(of, lang),
        "spread_note": note,
    }


def _held(snapshot: Snapshot, level: str, year: int, lang: str) -> list[str]:
    """Per level how many areas are kept back, and some of their names: the first by code, never by amount."""
    lines = []
    for at in ("wijk", "buurt") if level == "buurt" else ("wijk",):
        rows = [r for a in snapshot.figures.of_level(at) if (r := snapshot.row(a["code"], "total", year)) is not None]
        held = [r.name for r in sorted(rows, key=lambda r: r.area) if not r.released]
        if held:
            names = _some(held, lang)
            lines.append(
                say(
                    "held_areas",
                    lang,
                    level=level_name(at, lang).capitalize(),
                    held=len(held),
                    all=len(rows),
                    names=names,
                )
            )
    return lines or [say("none_held", lang)]


def _some(names: list[str], lang: str) -> str:
    shown: Iterable[str] = (_short(n) for n in names[:_NAMES_AT_MOST])
    rest = len(names) - _NAMES_AT_MOST
    return ", ".join([*shown, *([say("and_more", lang, count=rest)] if rest > 0 else [])]) + "."


def _short(name: str) -> str:
    """A name that fits, without signs that only steer (line ends, controls, directions)."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in name)
    return plain if len(plain) <= _LETTERS_AT_MOST else f"{plain[: _LETTERS_AT_MOST - 1]}…"
