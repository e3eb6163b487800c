"""What stands beside the total on the council's page: change since the baseline, how the money is spread, one story; each there, or one sentence why not.

Pure: chosen in `portals.municipality.council`, set by `council_page`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from portals.municipality import concentration_words, words
from portals.municipality.concentration import LEAST_IN_CARE, Concentration, due
from portals.municipality.concentration_svg import WIDTH, halves
from portals.municipality.exports.sentences import say
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.own_words import own_text
from schemas.values import Month

_LONGEST_WORD: Final = 24
_NAME_AT_MOST: Final = 60


@dataclass(frozen=True, slots=True)
class Change:
    """The total of a baseline and of a later service year, equally long after its end. `epoch`, `baseline_epoch`: month indexes; euros to 1,000.

    `partly`: which streams were not complete at either end, in words; empty where all were.
    """

    baseline: str
    baseline_year: int
    baseline_epoch: int
    before: int
    year: int
    epoch: int
    after: int
    preliminary: bool
    partly: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A note released for the council. `place`: area, group and period in words; `lines`: its words; `path`: where all of it can be read."""

    place: str
    speaker: str
    lines: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Beside:
    """All of it. Each of `change`, `spread`, `story` is there, or its sentence says why not."""

    change: Change | None
    why_no_change: str
    spread: Concentration | None
    why_no_spread: str
    story: Told | None
    why_no_story: str


def why_no_spread(snapshot: Snapshot, lang: str, *, year: int, released: bool) -> str:
    """Why nothing is said of how the money of a service year and of those before it is spread. `released`: whether the month that says it is out."""
    month = words.month_name(due(year), lang)
    if due(year) > snapshot.epoch:
        return concentration_words.say("coming", lang, year=year, month=month)
    if not released:
        return concentration_words.say("missing", lang, year=year, month=month)
    return concentration_words.say(
        "not_here", lang, year=year, area=snapshot.figures.area_name(snapshot.whole), least=LEAST_IN_CARE
    )


def without_events(snapshot: Snapshot, lang: str, *, year: int) -> Beside:
    """What stands there for a snapshot alone: how the money is spread where that very snapshot says it, no baseline and no story."""
    spread = snapshot.figures.concentration.get((snapshot.whole, year))
    why = "" if spread else why_no_spread(snapshot, lang, year=year, released=True)
    return Beside(None, say("no_baseline", lang), spread, why, None, say("no_story", lang, year=year))


def beside_content(beside: Beside, lang: str) -> dict[str, Any]:
    """What the template sets of it, in words."""
    return _change(beside, lang) | _spread(beside, lang) | _story(beside, lang)


def _change(beside: Beside, lang: str) -> dict[str, Any]:
    of, made = beside.change, {"change_head": say("change_head", lang)}
    if of is None:
        return made | {"change": "", "change_said": [beside.why_no_change]}
    was = say("change_was", lang, name=plain(of.baseline, _NAME_AT_MOST), year=of.baseline_year,
              month=words.month_name(of.baseline_epoch, lang), euros=words.euros(of.before, lang))  # fmt: skip
    ended = of.epoch >= Month(of.year, 12).index
    now = say("change_now" if ended else "change_now_within", lang, year=of.year, month=words.month_name(of.epoch, lang),
              euros=words.euros(of.after, lang))  # fmt: skip
    early = [own_text("preliminary", lang)] if of.preliminary else []
    return made | {
        "change": _difference(of, lang),
        "change_said": [was, now, *early, *([of.partly] if of.partly else [])],
    }


def _difference(of: Change, lang: str) -> str:
    """`+ € 600.000 (+14%)`; no percentage of nothing."""
    difference = of.after - of.before
    sign = "+" if difference > 0 else "\N{MINUS SIGN}" if difference < 0 else ""
    share = f" ({sign}{abs(difference) * 100 / of.before:.0f}%)" if of.before > 0 and difference else ""
    return f"{sign} {words.euros(abs(difference), lang)}{share}".strip()


def _spread(beside: Beside, lang: str) -> dict[str, Any]:
    of = beside.spread
    made: dict[str, Any] = {"spread_head": concentration_words.say("head", lang), "spread_bars": []}
    if of is None:
        return made | {"spread": [beside.why_no_spread]}
    held = [f"{words.HELD[lang]}."] if of.half_within is None else []
    month = words.month_name(due(of.service_year), lang)
    said = [
        concentration_words.sentence(of, lang),
        *held,
        concentration_words.say("what", lang, year=of.service_year, month=month),
    ]
    bars = halves(of.half_within)
    drawn = [] if bars is None else [
        {"name": concentration_words.say("money", lang), "said": concentration_words.say("half", lang),
         "share": bars.money / WIDTH, "open": 0.0},
        {"name": concentration_words.say("households", lang), "said": concentration_words.share(of, lang),
         "share": bars.households / WIDTH, "open": bars.open / WIDTH},
    ]  # fmt: skip
    return made | {"spread": said, "spread_bars": drawn}


def _story(beside: Beside, lang: str) -> dict[str, Any]:
    of, head = beside.story, say("story_head", lang)
    if of is None:
        return {"story_head": head, "story_of": "", "story": [], "story_more": "", "story_why": beside.why_no_story}
    return {
        "story_head": head, "story_of": f"{plain(of.place)} {of.speaker}", "story": [_breakable(plain(line)) for line in of.lines],
        "story_more": say("story_more", lang, path=of.path), "story_why": "",
    }  # fmt: skip


def plain(text: str, letters_at_most: int | None = None) -> str:
    """Without signs that only steer (line ends, controls, directions), and cut where a number of letters is given."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)
    return kept if letters_at_most is None or len(kept) <= letters_at_most else f"{kept[: letters_at_most - 1]}…"


def _breakable(line: str) -> str:
    """A word longer than a line may be broken, so that it stays in its column."""
    return re.sub(rf"(\S{{{_LONGEST_WORD}}})(?=\S)", "\\1\N{ZERO WIDTH SPACE}", line)
