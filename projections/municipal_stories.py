"""What is asked of a municipality's events: notes to show beside a figure, what an export may carry, marks for the trend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from projections.municipal_events import Intervention, Note, Place, Revision, Story

_COARSE_TO_FINE: Final = ("GM", "WK", "BU")


@dataclass(frozen=True, slots=True)
class Mark:
    """A dated mark in the trend: the index of its month, the day (ISO), and what to write beside it."""

    month: int
    day: str
    what: str
    area: str
    group: str


def marks(story: Story, *, area: str, group: str) -> list[Mark]:
    """Marks for the trend of an area (`GM....P`, wijk or buurt) and a group, by day and then id.

    A mark counts for its own area and for what lies in it, and for its own group; one of the total for every group.
    """
    found = [m for m in story.interventions.values() if _lies_in(area, m.area) and m.group in (group, "total")]
    return [_mark(m) for m in sorted(found, key=lambda m: (m.day, m.id))]


def _mark(found: Intervention) -> Mark:
    return Mark(found.day.year * 12 + found.day.month - 1, found.day.isoformat(), found.what, found.area, found.group)


def _lies_in(area: str, around: str) -> bool:
    """Whether an area is `around` or lies in it, both of one municipality: codes of wijk and buurt begin with those of what is around them."""
    return around.startswith("GM") or area == around or area[2:].startswith(around[2:])


def released_notes(story: Story, *, audience: str = "council") -> list[tuple[Note, Revision]]:
    """What a second person released for an audience, with the text shown, by place and then id."""
    found = [(n, n.shown) for n in story.notes.values()]
    shown = [(n, r) for n, r in found if r is not None and r.audience == audience]
    return sorted(shown, key=lambda pair: (_order(pair[0].place), pair[0].id))


def notes_for_export(story: Story, *, area: str | None = None, group: str | None = None) -> list[tuple[Note, Revision]]:
    """What an export or a print may carry: released, for the council; never what is only for the talk with providers.

    `area`, `group`: only notes beside exactly these, None for all.
    """
    return [
        (n, r) for n, r in released_notes(story)
        if area in (None, n.place.area) and group in (None, n.place.group)
    ]  # fmt: skip


def note_for_council(story: Story, *, year: int) -> tuple[Note, Revision] | None:
    """The one note that a page for the council carries, of those an export may carry whose period touches a service year; None where none does.

    Of the whole municipality before a wijk before a buurt, of the total before one group, then what was released last; ties by id.
    """
    told = [
        (n, r) for n, r in notes_for_export(story)
        if n.place.first_month <= year * 12 + 11 and n.place.last_month >= year * 12
    ]  # fmt: skip
    return min(told, key=lambda pair: _nearness(pair[0]), default=None)


def _nearness(note: Note) -> tuple[int, bool, int, str]:
    place = note.place
    return _COARSE_TO_FINE.index(place.area[:2]), place.group != "total", -note.releases[-1].at_ms, note.id


def _order(place: Place) -> tuple[str, str, int, int]:
    return place.area, place.group, place.first_month, place.last_month
