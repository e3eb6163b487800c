"""What the API answers, as values: the OpenAPI document is made from these, and every answer is one of them. Released figures only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from portals.municipality import words
from portals.municipality.exports import sentences
from portals.municipality.exports.snapshot import Area, Row, Snapshot, stream_of
from schemas.values import Month

API: str = "/api/v1"
Level = Literal["placed", "gemeente", "wijk", "buurt", "street", "cluster"]


@dataclass(frozen=True, slots=True)
class CompletenessFact:
    """How many provider months of a group were closed, of those asked; a group that is not here is not given."""

    group: str
    months_closed: int
    months_asked: int


@dataclass(frozen=True, slots=True)
class SnapshotFact:
    """One released epoch: figures of service years so far, as known at the end of the month `epoch`, from these versions of its topics."""

    url: str
    epoch: str
    municipality: str
    name: str
    macro_version: int
    meso_version: int | None
    published_on: str | None
    protection: Literal["preliminary", "full"]
    given_up: list[str]
    warning: str
    completeness: list[CompletenessFact]
    parameters: dict[str, int]
    geometry_sha256: str
    ledger_position_sha256: str
    software: str
    boundaries_year: int | None
    population_year: int | None
    service_years: list[int]


@dataclass(frozen=True, slots=True)
class SnapshotList:
    """All snapshots, newest first."""

    snapshots: list[SnapshotFact]


@dataclass(frozen=True, slots=True)
class AreaFact:
    """One published area. Numbers of people are of the snapshot's `population_year`, null where unknown."""

    code: str
    name: str
    level: Level
    parent: str | None
    inhabitants: int | None
    private_households: int | None


@dataclass(frozen=True, slots=True)
class AreaList:
    """A part of the areas, coarse to fine, then by code. `next`: the address of the rest."""

    epoch: str
    total: int
    areas: list[AreaFact]
    next: str | None


@dataclass(frozen=True, slots=True)
class GroupFact:
    """One group under which figures are published, and the group it is part of."""

    code: str
    name: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class GroupList:
    """All groups of a snapshot. Mental health care is inside the totals and is shown apart nowhere."""

    epoch: str
    groups: list[GroupFact]
    note: str


@dataclass(frozen=True, slots=True)
class AroundFact:
    """The smallest area around one that is kept back, with the value of that area around it."""

    area: str
    area_name: str
    euros: int
    known_until: str


@dataclass(frozen=True, slots=True)
class FigureFact:
    """One cell.

    `euros` and `households` (in care), both rounded, are the area's own as last published, of the end of the month `known_until`;
    null where never published. `held`: kept back now; `around` is then another area's figure, not to be added to others.
    """

    url: str
    area: str
    area_name: str
    level: Level
    group: str
    group_name: str
    service_year: int
    decision: Literal["released", "held"]
    euros: int | None
    households: int | None
    known_until: str | None
    note: str
    around: AroundFact | None


@dataclass(frozen=True, slots=True)
class CellList:
    """A part of the figures of one snapshot, coarse to fine, then by area, group and year (newest first). `next`: the address of the rest."""

    snapshot: SnapshotFact
    total: int
    cells: list[FigureFact]
    next: str | None


@dataclass(frozen=True, slots=True)
class OneFigure:
    """One figure with what must be said beside it: how complete, from which snapshot, as known on which date."""

    figure: FigureFact
    completeness: list[CompletenessFact]
    completeness_note: str
    snapshot: SnapshotFact


@dataclass(frozen=True, slots=True)
class ProblemAnswer:
    """RFC 9457. `detail` says what to do; `allowed` what may be asked instead, or `see` where that is listed."""

    type: str
    title: str
    status: int
    detail: str
    allowed: list[str] | None = None
    see: str | None = None


def snapshot_fact(snapshot: Snapshot, lang: str) -> SnapshotFact:
    """What holds of every figure of a snapshot."""
    macro, geography = snapshot.macro, snapshot.geography
    full = macro["protection"] == "full"
    return SnapshotFact(
        url=f"{API}/snapshots/{snapshot.month}", epoch=str(snapshot.month), municipality=f"GM{snapshot.municipality:04d}",
        name=snapshot.name, macro_version=macro["version"], meso_version=snapshot.meso["version"] if snapshot.meso else None,
        published_on=snapshot.published_on or None, protection="full" if full else "preliminary", given_up=list(snapshot.given_up),
        warning="" if full else words.text("preliminary", lang),
        completeness=[CompletenessFact(c.group, c.months_closed, c.months_asked) for c in snapshot.completeness()],
        parameters=json.loads(macro["parameters"]), geometry_sha256=macro["geometry_hash"].hex(),
        ledger_position_sha256=macro["ledger_hash"].hex(), software=macro["software"],
        boundaries_year=geography["year"] if geography else None, population_year=geography["population_year"] if geography else None,
        service_years=snapshot.years(),
    )  # fmt: skip


def area_fact(area: Area) -> AreaFact:
    """An area without its shape (the GeoJSON export has shapes)."""
    return AreaFact(area.code, area.name, area.level, area.parent, area.inhabitants, area.households)  # type: ignore[arg-type]


def group_facts(snapshot: Snapshot, lang: str) -> list[GroupFact]:
    """Total, streams, care types as published."""
    return [
        GroupFact(g, words.group_name(g, lang), None if g == "total" else stream_of(g) or "total")
        for g in snapshot.group_order()
    ]


def figure_fact(snapshot: Snapshot, row: Row, lang: str) -> FigureFact:
    """One published cell in words and numbers."""
    around = (
        None
        if row.around is None
        else AroundFact(row.around.area, row.around.name, row.around.euros, _month(row.around.known_until))
    )
    return FigureFact(
        url=f"{API}/figures/{snapshot.month}/{row.area}/{row.group}/{row.service_year}", area=row.area,
        area_name=sentences.area_name(row, lang), level=row.level, group=row.group,  # type: ignore[arg-type]
        group_name=words.group_name(row.group, lang), service_year=row.service_year, decision="released" if row.released else "held",
        euros=row.euros, households=row.households, known_until=None if row.known_until is None else _month(row.known_until),
        note=sentences.note(row, lang), around=around,
    )  # fmt: skip


def one_figure(snapshot: Snapshot, row: Row, lang: str) -> OneFigure:
    """A figure by itself."""
    complete = [CompletenessFact(c.group, c.months_closed, c.months_asked) for c in snapshot.completeness_of(row.group)]
    note = sentences.complete(snapshot, row.group, lang)
    return OneFigure(figure_fact(snapshot, row, lang), complete, note, snapshot_fact(snapshot, lang))


def _month(index: int) -> str:
    return str(Month.from_index(index))
