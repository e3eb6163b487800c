"""One page for the council as PDF: total, streams, change since the baseline, how the money is spread, completeness, one map, one story, and where it is from.

Typst sets it with the fonts it carries itself; nothing is fetched, no file is read, and names go in as values, never as markup.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import typst

from portals.municipality import words
from portals.municipality.exports.council_beside import Beside, beside_content, plain, without_events
from portals.municipality.exports.explanation import completeness, facts
from portals.municipality.exports.map_picture import LEGEND_COLOURS, legend_bounds, map_picture
from portals.municipality.exports.sentences import level_name, say
from portals.municipality.exports.snapshot import Snapshot

_TEMPLATE: Final = Path(__file__).with_name("council_page.typ")
_NAMES_AT_MOST: Final = 6
_LETTERS_AT_MOST: Final = 40


def council_page(snapshot: Snapshot, lang: str, *, year: int, beside: Beside | None = None) -> bytes:
    """The PDF, always one page; the same bytes for the same snapshot and what stands `beside` it (None: nothing does): no date of making is in it.

    It is PDF/UA-1, unless a name has a sign that the fonts lack: then it is tagged all the same, and that sign is an empty box.
    """
    page = json.dumps(content(snapshot, lang, year=year, beside=beside or without_events(snapshot, lang, year=year)))
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


def content(snapshot: Snapshot, lang: str, *, year: int, beside: Beside) -> dict[str, Any]:
    """Everything the template sets, in words."""
    figures, whole = snapshot.figures, snapshot.row(snapshot.whole, "total", year)
    level = "buurt" if figures.decided_at("buurt", "total", year) else "wijk"
    on_map = "wijk" if not _coloured(snapshot, level, year) and _coloured(snapshot, "wijk", year) else level
    return {
        "lang": lang, "kicker": say("council", lang), "title": words.text("title", lang, name=plain(snapshot.name, _LETTERS_AT_MOST)),
        "known": words.text("known", lang, year=year, month=words.month_name(snapshot.epoch, lang)) + ".",
        "warning": "" if snapshot.macro["protection"] == "full" else words.text("preliminary", lang),
        "given_up": _given_up(snapshot, lang),
        "total_head": words.group_name("total", lang), "total": words.figure(whole.euros if whole else None, lang),
        "total_note": _total_note(snapshot, year, lang), "streams_head": words.text("streams", lang), **_bar(snapshot, year, lang),
        **beside_content(beside, lang),
        "complete_head": say("completeness", lang), "complete": completeness(snapshot, lang),
        "map_head": say("map", lang, level=level_name(on_map, lang)), "map": map_picture(snapshot, on_map, year=year),
        "map_alt": say("map_alt", lang, name=plain(snapshot.name, _LETTERS_AT_MOST)), "legend": [*zip(LEGEND_COLOURS, legend_bounds(lang), strict=True)],
        "map_older": _older(snapshot, on_map, year, lang), "legend_held": say("legend_held", lang), "held_head": say("what_held", lang), "held": _held(snapshot, level, year, lang),
        "held_sentence": f"{words.HELD[lang]}.", "no_ggz": words.text("no_ggz", lang), "source": words.source(json.loads(snapshot.macro["parameters"]), lang),
        "facts": [f"{about}: {said}" if about else said for about, said in facts(snapshot, lang)],
    }  # fmt: skip


def _given_up(snapshot: Snapshot, lang: str) -> str:
    """What of the protection was given up, in a sentence; empty where nothing was."""
    names = words.given_up(snapshot.given_up, lang)
    return words.text("given_up", lang, names=names) if names else ""


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


def _coloured(snapshot: Snapshot, level: str, year: int) -> bool:
    """Whether some area of a level has a colour on the map, so that it is not hatched all over."""
    rows = (snapshot.row(a["code"], "total", year) for a in snapshot.figures.of_level(level))
    return any(row is not None and row.released and row.euros is not None for row in rows)


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
        return {"parts": [], "rest": None, "missing": ""}
    missing = ", ".join(words.group_name(g, lang) for g in bar.missing)
    parts = [
        {"name": words.group_name(p.group, lang), "euros": words.euros(p.euros, lang), "share": p.share, "group": p.group,
         "percent": "" if missing and not bar.rest else f"{p.share * 100:.0f}%"}
        for p in bar.parts
    ]  # fmt: skip
    rest = (
        None
        if not bar.rest
        else {"name": words.text("bar_rest", lang), "share": bar.rest, "percent": f"{bar.rest * 100:.0f}%"}
    )
    return {"parts": parts, "rest": rest, "missing": say("missing", lang, names=missing) if missing else ""}


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
    shown: Iterable[str] = (plain(n, _LETTERS_AT_MOST) for n in names[:_NAMES_AT_MOST])
    rest = len(names) - _NAMES_AT_MOST
    return ", ".join([*shown, *([say("and_more", lang, count=rest)] if rest > 0 else [])]) + "."
