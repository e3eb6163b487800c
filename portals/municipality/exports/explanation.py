"""What the explaining sheet of the Excel file says, as headed lines: how to read it, how complete it is, how it is guarded, where it is from."""

from __future__ import annotations

import json

from portals.municipality import words
from portals.municipality.exports.column_notes import COLUMN_NOTES, rules_in_words
from portals.municipality.exports.concentration_table import explained
from portals.municipality.exports.sentences import complete, protection, say
from portals.municipality.exports.snapshot import Snapshot

Line = tuple[str, str]
"""What it is about (empty: goes on), and what is said."""


def facts(snapshot: Snapshot, lang: str) -> list[Line]:
    """Known on which date, from which snapshot, by which rules and program, from where."""
    macro = snapshot.macro
    lines = [
        (say("known", lang), words.month_name(snapshot.epoch, lang)),
        (say("snapshot", lang), snapshot.label),
        *([(say("published", lang), snapshot.published_on)] if snapshot.published_on else []),
        (say("protection", lang), protection(snapshot, lang)),
        (say("rules", lang), rules_in_words(json.loads(macro["parameters"]), lang)),
        (say("read_from", lang), ", ".join(snapshot.topics)),
        ("", say("signed", lang, topics=", ".join(snapshot.topics))),
        (say("geometry_hash", lang), macro["geometry_hash"].hex()),
        (say("ledger_hash", lang), macro["ledger_hash"].hex()),
        (say("software", lang), str(macro["software"])),
    ]
    return [line for line in lines if line[1]]


def explanation(snapshot: Snapshot, lang: str) -> list[Line]:
    """The whole sheet, from top to bottom."""
    rows = snapshot.rows
    held = sum(not row.released for row in rows)
    preliminary = snapshot.macro["protection"] != "full"
    return [
        (words.text("title", lang, name=snapshot.name), ""),
        *([("", words.text("preliminary", lang))] if preliminary else []),
        ("", say("year_so_far", lang)),
        ("", words.source(json.loads(snapshot.macro["parameters"]), lang)),
        ("", words.text("no_ggz", lang)),
        (say("held", lang).capitalize(), f"{words.HELD[lang]}."),
        ("", say("held_rule", lang)),
        ("", say("held_how", lang, held=held, all=len(rows))),
        (say("columns", lang), ""),
        *((say(key, lang), said[lang == "en"]) for key, said in COLUMN_NOTES.items()),
        *_headed(say("completeness", lang), completeness(snapshot, lang)),
        *_headed(say("concentration", lang), explained(snapshot, lang)),
        *facts(snapshot, lang),
        *_places(snapshot, lang),
    ]


def completeness(snapshot: Snapshot, lang: str) -> list[str]:
    """How complete each stream is, in words."""
    return [complete(snapshot, c.group, lang) for c in snapshot.completeness()] or [words.text("complete_none", lang)]


def _places(snapshot: Snapshot, lang: str) -> list[Line]:
    if snapshot.geography is None:
        return []
    said = [say("boundaries", lang, year=snapshot.geography["year"])]
    if snapshot.geography["population_year"] is not None:
        said.append(say("population_year", lang, year=snapshot.geography["population_year"]))
    return _headed(say("areas", lang), said)


def _headed(head: str, lines: list[str]) -> list[Line]:
    return [(head if i == 0 else "", line) for i, line in enumerate(lines)]
