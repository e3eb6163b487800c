"""Chooses what stands beside the total on the council's page: baseline and story of the municipality's own events, and how the money is spread.

Only what was released at the end of the page's month counts, so that an address says the same later; of the events, what stands now.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from portals.municipality import words
from portals.municipality.baseline_compared import comparison
from portals.municipality.baseline_ends import partly
from portals.municipality.concentration import Concentration, due
from portals.municipality.exports.council_beside import Beside, Change, Told, why_no_spread
from portals.municipality.exports.sentences import say
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.markdown import as_lines
from portals.municipality.own_words import own_text
from portals.municipality.problem import Problem
from portals.municipality.released import Released
from projections.municipal_baseline import Comparison, Row, epoch_to_compare
from projections.municipal_events import Baseline, Story
from projections.municipal_stories import note_for_council, notes_for_export
from projections.release.calendar import Calendar

if TYPE_CHECKING:
    from portals.municipality.own_pages import OwnPages

_YEARS_BACK: Final = 12


@dataclass(frozen=True, slots=True)
class Picked:
    """Ids that an address names, empty where it leaves the choice to the rule."""

    note: str
    baseline: str


class Council:
    """The municipality's part of its council's page. `own`: None where the page has no events of the municipality."""

    def __init__(self, released: Released, own: OwnPages | None) -> None:
        """Nothing is read yet."""
        self._released, self._own = released, own
        self._calendar = own.calendar if own is not None else Calendar()

    @property
    def _events(self) -> Story:
        return self._own.readers_story() if self._own is not None else Story()

    def version(self) -> Hashable:
        """Another one with each record of any topic it is made of."""
        return self._released.state(), self._own.version() if self._own is not None else ""

    def picked(self, query: dict[str, str], lang: str) -> Picked:
        """Which story and baseline an address names. Raises `Problem` for one that is not there, or not for the council."""
        allowed = {
            "verhaal": sorted(note.id for note, _ in notes_for_export(self._events)),
            "nulmeting": sorted(self._events.baselines),
        }
        for name, ids in allowed.items():
            if query.get(name) and query[name] not in ids:
                raise Problem("unknown-value", lang, name=name, allowed=ids)
        return Picked(query.get("verhaal", ""), query.get("nulmeting", ""))

    def beside(self, snapshot: Snapshot, picked: Picked, lang: str, *, year: int) -> Beside:
        """What stands beside the total of a snapshot and service year."""
        change, why_no_change = self._change(snapshot, picked.baseline, lang, year)
        spread, why_no_spread = self._spread(snapshot, lang, year)
        story = self._story(snapshot, picked.note, lang, year)
        why_no_story = "" if story else say("no_story", lang, year=year)
        return Beside(change, why_no_change, spread, why_no_spread, story, why_no_story)

    # --- the baseline ---------------------------------------------------------------------------------------------

    def _change(self, snapshot: Snapshot, baseline: str, lang: str, year: int) -> tuple[Change | None, str]:
        """Since the baseline named, or the one frozen last of those of an earlier service year: of the last year that could be compared by then."""
        frozen = self._events.baselines
        if not frozen:
            return None, say("no_baseline", lang)
        earlier = [b for b in frozen.values() if b.service_year < year and baseline in ("", b.id)]
        if not earlier:
            return None, say("no_earlier_baseline", lang, year=year)
        of = max(earlier, key=lambda b: (b.at_ms, b.id))
        years = range(year, of.service_year, -1)
        out = [y for y in years if epoch_to_compare(of, y) <= snapshot.epoch]
        if not out:
            first = of.service_year + 1
            month = words.month_name(epoch_to_compare(of, first), lang)
            return None, say("change_coming", lang, year=first, month=month)
        released = self._released.epochs()
        at = next((y for y in out if epoch_to_compare(of, y) in released), out[0])
        found, why_not = comparison(of, at, self._released, lang, calendar=self._calendar)
        if found is None:
            return None, why_not
        whole = next((row for row in found.rows if (row.area, row.group) == (snapshot.whole, "total")), None)
        return (
            (None, _left_out(found, snapshot.whole, lang))
            if whole is None
            else (self._whole(of, found, whole, lang), "")
        )

    def _whole(self, of: Baseline, found: Comparison, whole: Row, lang: str) -> Change:
        gaps = partly(self._released.figures(of.epoch), self._released.figures(found.epoch), lang)
        return Change(
            of.name, of.service_year, of.epoch, whole.before, found.year, found.epoch, whole.after,
            preliminary=of.protection != "full", partly=gaps,
        )  # fmt: skip

    # --- how the money is spread ----------------------------------------------------------------------------------

    def _spread(self, snapshot: Snapshot, lang: str, year: int) -> tuple[Concentration | None, str]:
        """Of the page's service year, or else of the last one before it of which it was said by then."""
        out = set(self._released.epochs())
        for at in range(year, year - _YEARS_BACK, -1):
            if due(at) <= snapshot.epoch and due(at) in out:
                said = self._released.figures(due(at)).concentration.get((snapshot.whole, at))
                if said is not None:
                    return said, ""
        return None, why_no_spread(snapshot, lang, year=year, released=due(year) in out)

    # --- the story ------------------------------------------------------------------------------------------------

    def _story(self, snapshot: Snapshot, note: str, lang: str, year: int) -> Told | None:
        named = next((pair for pair in notes_for_export(self._events) if note and pair[0].id == note), None)
        found = named or note_for_council(self._events, year=year)
        if found is None:
            return None
        told, revision = found
        place = told.place
        first, last = (words.month_name(m, lang) for m in (place.first_month, place.last_month))
        area, group = snapshot.figures.area_name(place.area), words.group_name(place.group, lang)
        period = own_text("period", lang, first=first, last=last)
        speaker = f"{own_text('speaker', lang)}: {own_text(revision.speaker, lang)}."
        if self._own is not None and (since := self._own.held_since(told, lang)):
            speaker += f" {since}"
        return Told(f"{area}, {group}, {period}.", speaker, tuple(as_lines(revision.text)), f"/verhalen/{told.id}")


def _left_out(found: Comparison, whole: str, lang: str) -> str:
    reason = next(reason for reason, left in found.left_out.items() if (whole, "total") in left)
    return say("change_left_out", lang, year=found.year, reason=own_text(f"left_{reason}", lang))
