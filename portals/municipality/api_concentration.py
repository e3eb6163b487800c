"""What the API answers of how concentrated service years are: one value per area and year, said once and never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from portals.municipality import concentration_words, words
from portals.municipality.concentration import MORE, Concentration
from portals.municipality.exports import sentences
from portals.municipality.exports.concentration_table import said_of
from portals.municipality.exports.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class CurvePointFact:
    """The percentage of the money that goes to this percentage of all households, those with the largest amounts first."""

    percent_of_households: int
    percent_of_money: int


@dataclass(frozen=True, slots=True)
class ProvidersFact:
    """Households with care of so many providers (`or_more`: or more), rounded; null where too few to be said."""

    providers: int
    or_more: bool
    households: int | None


@dataclass(frozen=True, slots=True)
class ConcentrationFact:
    """How concentrated all money streams together are in one service year and area, as known at the end of the month `epoch`.

    `half`: `within` - half of the money goes to at most `half_within_percent` of all households; `more` - to more than can be
    said; `kept_back` - it can't be said, for the reason in `note`. `curve` is of the whole municipality only. `snapshot_url`: from which snapshot.
    """

    area: str
    area_name: str
    level: Literal["placed", "wijk"]
    service_year: int
    epoch: str
    published_on: str | None
    snapshot: str
    snapshot_url: str
    protection: str
    half: Literal["within", "more", "kept_back"]
    half_within_percent: int | None
    sentence: str
    note: str
    curve: list[CurvePointFact]
    by_providers: list[ProvidersFact]


@dataclass(frozen=True, slots=True)
class ConcentrationList:
    """All that was said up to the month `epoch`, newest year first, then the whole and its wijken. `next`: the address of the rest."""

    epoch: str
    total: int
    concentration: list[ConcentrationFact]
    next: str | None


def concentration_facts(snapshot: Snapshot, lang: str, *, api: str) -> list[ConcentrationFact]:
    """All that one snapshot says; nothing but of the December in which it is said. `api`: where its addresses begin."""
    return [_fact(snapshot, of, lang, api) for of in said_of(snapshot)]


def _fact(snapshot: Snapshot, of: Concentration, lang: str, api: str) -> ConcentrationFact:
    kept_back, more = of.half_within is None, of.half_within == MORE
    return ConcentrationFact(
        area=of.area, area_name=snapshot.figures.area_name(of.area), level="placed" if of.level == "placed" else "wijk",
        service_year=of.service_year, epoch=str(snapshot.month), published_on=snapshot.published_on or None, snapshot=snapshot.label,
        snapshot_url=f"{api}/snapshots/{snapshot.month}", protection=sentences.protection(snapshot, lang),
        half="kept_back" if kept_back else "more" if more else "within", half_within_percent=of.half_within or None,
        sentence=concentration_words.sentence(of, lang), note=f"{words.HELD[lang]}." if kept_back else "",
        curve=[CurvePointFact(households, money) for households, money in of.curve],
        by_providers=[ProvidersFact(row.providers, row.or_more, row.households) for row in of.stacked],
    )  # fmt: skip
