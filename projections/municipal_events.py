"""What a municipality's own events come to: notes with their revisions, who released them, baselines, marks in the trend.

A fold without I/O: the same topic gives the same state. An event that breaks a rule (a note released by who wrote it, a revision
that skips one) changes nothing, wherever it came from: the rules hold for who reads, not only for who writes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, assert_never

from schemas.errors import Refused
from schemas.municipal_events import Event, Kind
from schemas.values import Month, day_of

SPEAKERS: Final = ("policy", "provider", "client")
AUDIENCES: Final = ("council", "providers")
TEXT_AT_MOST: Final = 4_000
"""Characters of a note."""
LINE_AT_MOST: Final = 120
"""Characters of a name of a baseline, or of a mark in the trend."""
_AREA: Final = re.compile(r"GM(\d{4})P|WK(\d{4})\d{2}|BU(\d{4})\d{4}")
_GROUP: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_LATEST_MS: Final = 32_503_680_000_000
"""1 January 3000."""
_LATEST_MONTH: Final = Month(2999, 12).index


@dataclass(frozen=True, slots=True)
class Place:
    """What a note is beside: an area not below buurt, a group, and a period of months (indexes, both included)."""

    area: str
    group: str
    first_month: int
    last_month: int


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a note's text, and who wrote it."""

    number: int
    at_ms: int
    actor: str
    actor_name: str
    speaker: str
    audience: str
    text: str


@dataclass(frozen=True, slots=True)
class Release:
    """A second person's word that a revision may be shown."""

    revision: int
    at_ms: int
    actor: str
    actor_name: str


@dataclass(frozen=True, slots=True)
class Note:
    """A note: all its revisions and releases, oldest first; `withdrawn`: when and by whom, or None."""

    id: str
    place: Place
    revisions: tuple[Revision, ...]
    releases: tuple[Release, ...] = ()
    withdrawn: tuple[int, str] | None = None

    @property
    def latest(self) -> Revision:
        """The newest text, released or not."""
        return self.revisions[-1]

    @property
    def shown(self) -> Revision | None:
        """What readers see: the revision that was released last. None before the first release, and when the note is withdrawn."""
        return self.revisions[self.releases[-1].revision - 1] if self.releases and self.withdrawn is None else None

    @property
    def waits(self) -> bool:
        """Whether a second person still has to release the newest text."""
        return self.withdrawn is None and (not self.releases or self.releases[-1].revision != self.latest.number)

    def wrote(self, actor: str) -> bool:
        """Whether someone wrote any revision: such a person never releases this note."""
        return any(r.actor == actor for r in self.revisions)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A frozen service year. `areas`: code -> (hash of its boundaries, inhabitants or None); hashes in hexadecimal digits."""

    id: str
    name: str
    at_ms: int
    actor_name: str
    service_year: int
    epoch: int
    release_version: int
    release_hash: str
    geometry_hash: str
    geometry_year: int
    parameters: str
    protection: str
    population_year: int | None
    providers: int
    areas: tuple[tuple[str, str, int | None], ...]


@dataclass(frozen=True, slots=True)
class Intervention:
    """A dated mark in the trend of an area and group."""

    id: str
    area: str
    group: str
    day: dt.date
    what: str
    at_ms: int
    actor_name: str


@dataclass(frozen=True, slots=True)
class Story:
    """All there is on one municipality's topic, by id."""

    notes: Mapping[str, Note] = field(default_factory=dict)
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    interventions: Mapping[str, Intervention] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()
    """Ids of interventions that were put in error."""


def apply(story: Story, event: Event) -> Story:
    """The state after an event. Raises `Refused` (`municipal-event`) where it breaks a rule; then the state stays."""
    d = event.fields
    if not 0 <= d["at_ms"] < _LATEST_MS:
        raise _broken("An event happens at a moment; check the clock of the machine it was written on.")
    match event.kind:
        case Kind.BASELINE_FROZEN:
            return _freeze(story, d)
        case Kind.NOTE_WRITTEN:
            return _write(story, d)
        case Kind.NOTE_RELEASED:
            return _release(story, d)
        case Kind.NOTE_WITHDRAWN:
            note = _standing(story, d)
            return _with_note(story, replace(note, withdrawn=(d["at_ms"], d["actor_name"])))
        case Kind.INTERVENTION_MARKED:
            return _mark(story, d)
        case Kind.INTERVENTION_WITHDRAWN:
            if d["intervention"] not in story.interventions:
                raise _broken("There is no such mark; list them again.")
            left = {k: v for k, v in story.interventions.items() if k != d["intervention"]}
            return replace(story, interventions=left, ended=story.ended | {d["intervention"]})
    assert_never(event.kind)


def replay(events: Iterable[Event]) -> Story:
    """The state after all events of a topic, in order; those that break a rule are passed over."""
    story = Story()
    for event in events:
        try:
            story = apply(story, event)
        except Refused:
            continue
    return story


def _broken(sentence: str, dutch: str = "") -> Refused:
    """`dutch`: for rules that who writes on the page can break."""
    return Refused("municipal-event", sentence, dutch=dutch)


def check_place(municipality: int, place: Place) -> None:
    """Raises `Refused` unless it is of this municipality, not below buurt, and its months are in order."""
    found = _AREA.fullmatch(place.area)
    if found is None or int(next(filter(None, found.groups()))) != municipality:
        raise _broken(
            "A note stands beside the whole municipality, a wijk or a buurt of it, and never beside less.",
            "Een verhaal staat bij de hele gemeente, een wijk of een buurt, en nooit bij minder.",
        )
    if not _GROUP.fullmatch(place.group):
        raise _broken(
            "A note stands beside a money stream, a published care type, or the total.",
            "Een verhaal staat bij een geldstroom, een uitgegeven zorgsoort, of het totaal.",
        )
    if not 0 < place.first_month <= place.last_month <= _LATEST_MONTH:
        raise _broken(
            "The last month of a note is not before its first.",
            "De laatste maand van een verhaal ligt niet voor de eerste.",
        )


def _line(text: str) -> None:
    if not text.strip() or len(text) > LINE_AT_MOST or any(ord(c) < 32 for c in text):
        raise _broken(f"Write one line of at most {LINE_AT_MOST} characters.")


def _freeze(story: Story, d: dict[str, Any]) -> Story:
    if d["baseline"] in story.baselines:
        raise _broken("This baseline is frozen already.")
    _line(d["name"])
    if not 1900 <= d["service_year"] <= 2999 or not 12 * d["service_year"] <= d["epoch"] <= _LATEST_MONTH:
        raise _broken("A baseline freezes a service year as known in that year or later.")
    areas = tuple(sorted((a["code"], a["shape"].hex(), a["inhabitants"]) for a in d["areas"]))
    frozen = Baseline(
        id=d["baseline"], name=d["name"], at_ms=d["at_ms"], actor_name=d["actor_name"], service_year=d["service_year"], epoch=d["epoch"],
        release_version=d["release_version"], release_hash=d["release_hash"].hex(), geometry_hash=d["geometry_hash"].hex(),
        geometry_year=d["geometry_year"], parameters=d["parameters"], protection=d["protection"],
        population_year=d["population_year"], providers=d["providers"], areas=areas,
    )  # fmt: skip
    return replace(story, baselines={**story.baselines, frozen.id: frozen})


def _mark(story: Story, d: dict[str, Any]) -> Story:
    if d["intervention"] in story.interventions or d["intervention"] in story.ended:
        raise _broken("This mark was put already.")
    _line(d["what"])
    try:
        day = day_of(d["day"])
    except OverflowError as wrong:
        raise _broken("A mark has a day.") from wrong
    month = Month.of(day).index
    check_place(d["municipality"], Place(d["area"], d["group"], month, month))
    mark = Intervention(d["intervention"], d["area"], d["group"], day, d["what"], d["at_ms"], d["actor_name"])
    return replace(story, interventions={**story.interventions, mark.id: mark})


def _with_note(story: Story, note: Note) -> Story:
    return replace(story, notes={**story.notes, note.id: note})


def _standing(story: Story, d: dict[str, Any]) -> Note:
    note = story.notes.get(d["note"])
    if note is None or note.withdrawn is not None:
        raise _broken(
            "There is no such note, or it was withdrawn; load the list again.",
            "Dit verhaal is er niet, of het is ingetrokken; laad de lijst opnieuw.",
        )
    return note


def _write(story: Story, d: dict[str, Any]) -> Story:
    place = Place(d["area"], d["group"], d["first_month"], d["last_month"])
    check_place(d["municipality"], place)
    if not d["text"].strip() or len(d["text"]) > TEXT_AT_MOST:
        raise _broken(f"A note has 1 to {TEXT_AT_MOST} characters.", f"Een verhaal heeft 1 tot {TEXT_AT_MOST} tekens.")
    if (d["speaker"] == "client") != d["consent"]:
        raise _broken(
            "A client speaks only with consent; say so, or choose who else speaks.",
            "Een cliënt spreekt alleen met toestemming; zeg dat die er is, of kies wie anders spreekt.",
        )
    revision = Revision(d["revision"], d["at_ms"], d["actor"], d["actor_name"], d["speaker"], d["audience"], d["text"])
    if d["note"] not in story.notes:
        if d["revision"] != 1:
            raise _broken(
                "There is no such note; load the list again.", "Dit verhaal is er niet; laad de lijst opnieuw."
            )
        return _with_note(story, Note(d["note"], place, (revision,)))
    note = _standing(story, d)
    if place != note.place:
        raise _broken(
            "A revision stays beside the same figure; write another note for another one.",
            "Een herziening blijft bij hetzelfde cijfer; schrijf voor een ander cijfer een ander verhaal.",
        )
    if d["revision"] != note.latest.number + 1:
        raise _broken(
            "Somebody else revised this note in the meantime; read that first.",
            "Iemand anders herzag dit verhaal intussen; lees dat eerst.",
        )
    return _with_note(story, replace(note, revisions=(*note.revisions, revision)))


def _release(story: Story, d: dict[str, Any]) -> Story:
    note = _standing(story, d)
    if d["revision"] != note.latest.number:
        raise _broken(
            "Somebody revised this note in the meantime; read that first.",
            "Iemand herzag dit verhaal intussen; lees dat eerst.",
        )
    if not note.waits:
        raise _broken("This text was released already.", "Deze tekst is al vrijgegeven.")
    if note.wrote(d["actor"]):
        raise _broken(
            "Who wrote a note does not release it; ask a second person.",
            "Wie aan een verhaal schreef geeft het niet vrij; vraag een tweede persoon.",
        )
    release = Release(d["revision"], d["at_ms"], d["actor"], d["actor_name"])
    return _with_note(story, replace(note, releases=(*note.releases, release)))
