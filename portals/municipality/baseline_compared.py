"""A later year beside a baseline, or one sentence why there is none: the same for the page and for the council's page."""

from __future__ import annotations

from decimal import Decimal

from portals.municipality.own_words import own_text
from portals.municipality.released import Released
from portals.municipality.words import day, month_name
from projections.municipal_baseline import Comparison, compared, epoch_to_compare, release_hash
from projections.municipal_events import Baseline
from projections.release.calendar import Calendar
from schemas.values import Month, day_number


def comparison(
    baseline: Baseline, year: int, released: Released, lang: str, *, calendar: Calendar, percent: Decimal = Decimal(0)
) -> tuple[Comparison | None, str]:
    """The comparison and nothing, or None and why. `percent`: tariff rises per year; `calendar`: when a month that is not out yet comes."""
    epochs, epoch = released.macro.epochs, epoch_to_compare(baseline, year)
    then, now = epochs.get(baseline.epoch), epochs.get(epoch)
    if then is None or release_hash(then).hex() != baseline.release_hash:
        return None, own_text("changed", lang)
    geography = released.macro.geography
    if now is None or geography is None:
        said = {"year": year, "month": month_name(epoch, lang)}
        if epochs and epoch <= max(epochs):
            return None, own_text("never", lang, **said)
        due = day(day_number(calendar.last_day(Month.from_index(epoch))), lang)
        return None, own_text("not_yet", lang, **said, day=due)
    shapes = released.macro.geographies.get(now["geometry_hash"], geography | {"areas": []})
    return compared(baseline, then, now, shapes, percent=percent), ""
