"""How concentrated service years are, as a table: one row for each area of which a snapshot says it. The words are the page's own."""

from __future__ import annotations

from portals.municipality import concentration_words, words
from portals.municipality.concentration import Concentration
from portals.municipality.exports import sentences
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.exports.table import Value

_FIRST: tuple[str, ...] = ("area_code", "area_name", "level", "year")
_LAST: tuple[str, ...] = ("note", "known", "snapshot", "protection")


def said_of(snapshot: Snapshot) -> list[Concentration]:
    """All that a snapshot says, the whole first; empty but in the December in which it is said."""
    return list(snapshot.figures.concentration.values())


def head(snapshot: Snapshot, lang: str) -> list[str]:
    """The columns' names: a column for each point of a curve and each number of providers."""
    stacked = next((c.stacked for c in said_of(snapshot)), ())
    return [
        *(sentences.say(key, lang) for key in _FIRST),
        concentration_words.say("said", lang),
        concentration_words.say("half_column", lang),
        *(concentration_words.stacked_column(row, lang) for row in stacked),
        *(concentration_words.say("curve_column", lang, percent=percent) for percent in _points(snapshot)),
        *(sentences.say(key, lang) for key in _LAST),
    ]


def records(snapshot: Snapshot, lang: str) -> list[list[Value]]:
    """One list per area, as long as `head`; None where something is not said. What is more than can be counted stands in words."""
    points, guarded = _points(snapshot), sentences.protection(snapshot, lang)
    rows = []
    for of in said_of(snapshot):
        curve, unsaid = dict(of.curve), of.half_within is None
        rows.append([
            of.area, snapshot.figures.area_name(of.area), sentences.level_name(of.level, lang), of.service_year,
            concentration_words.sentence(of, lang), None if unsaid else of.half_within or concentration_words.share(of, lang),
            *(concentration_words.counted(of, row, lang) if row.households is None else row.households for row in of.stacked),
            *(curve.get(percent) for percent in points),
            f"{words.HELD[lang]}." if unsaid else "", str(snapshot.month), snapshot.label, guarded,
        ])  # fmt: skip
    return rows


def _points(snapshot: Snapshot) -> list[int]:
    return sorted({households for of in said_of(snapshot) for households, _ in of.curve})


def explained(snapshot: Snapshot, lang: str) -> list[str]:
    """What the explaining sheet says of it: when it comes, and of which year this snapshot has it."""
    years = sorted({of.service_year for of in said_of(snapshot)})
    here = concentration_words.say("sheet_has", lang, years=", ".join(map(str, years))) if years else (
        concentration_words.say("sheet_none", lang)
    )  # fmt: skip
    return [concentration_words.say("in_snapshot", lang), here]
