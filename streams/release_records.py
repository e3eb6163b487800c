"""The records of one released epoch, made from what was decided: pure, so that the same log gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from projections.release.cells import LAYERS, CellId
from projections.release.gate import Published
from schemas import codec
from schemas.care import GROUP_OF_STREAM, Group, Stream
from schemas.requests import DataRequest
from schemas.values import Month

_COMPLETENESS_OF = (Group.WMO, Group.JEUGDWET, Group.PARTICIPATIEWET)
"""None for `overig`: its few providers would be named by it."""
MESO: Final = frozenset(layer.level for layer in LAYERS if layer.meso)
QUARTERLY: Final = frozenset(layer.level for layer in LAYERS if layer.quarterly)
"""Levels that are cut once a quarter and published with it."""


@dataclass(frozen=True, slots=True)
class Head:
    """What all records of one epoch of one municipality say alike, fixed when it was decided. Hashes in hexadecimal; `parameters` is JSON."""

    completeness: list[dict[str, Any]]
    parameters: str
    given_up: list[str]
    protection: str
    geometry_hash: str
    ledger_hash: str
    software: str
    concentration: list[dict[str, Any]] = field(default_factory=list)
    """Of the service year that is published for the last time with this epoch; on the macro topic only."""

    def told(self) -> str:
        """As JSON, for release's own log."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def of(cls, told: str) -> Self:
        """Inverse of `told`."""
        return cls(**json.loads(told))

    @classmethod
    def released(cls, record: dict[str, Any]) -> Self:
        """As a released record says it."""
        same = {
            n: record[n] for n in ("completeness", "parameters", "given_up", "protection", "software", "concentration")
        }
        return cls(**same, geometry_hash=record["geometry_hash"].hex(), ledger_hash=record["ledger_hash"].hex())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands: its municipality, level and epoch (month index), its version on its topic and what lies before it.

    `published_on`: day number; `awaits_quarter`: buurten and clusters of the epoch come later.
    """

    municipality: int
    level: str
    epoch: int
    version: int
    previous: bytes
    published_on: int
    awaits_quarter: bool


def record(place: Place, head: Head, cells_of: list[dict[str, Any]]) -> bytes:
    """The encoded `released_epoch`."""
    fields = asdict(place) | asdict(head) | {
        "cells": cells_of, "concentration": head.concentration if place.level == "macro" else [], "geometry_hash": bytes.fromhex(head.geometry_hash), "ledger_hash": bytes.fromhex(head.ledger_hash),
    }  # fmt: skip
    return codec.encode("released_epoch", fields)


def cells(
    month: int, first_month: int, standing: Mapping[CellId, bool], last: Mapping[CellId, Published]
) -> dict[str, list[dict[str, Any]]]:
    """Level -> every cell of this service year and the last, due in this epoch or not, with its last published value.

    `month`, `first_month`: month indexes of this epoch and of the first; `standing`: cell -> whether its latest decision released it. What was
    never published has no value.
    """
    found: dict[str, list[dict[str, Any]]] = {"macro": [], "meso": []}
    for cell, released in sorted(standing.items()):
        if cell.service_year < Month.from_index(month).year - 1:
            continue
        seen = last.get(cell)
        found["meso" if cell.level in MESO else "macro"].append({
            "area": cell.area, "area_level": cell.level, "group": cell.group, "service_year": cell.service_year,
            "decision": "released" if released else "held", "euros": seen.euros if seen else None,
            "households": seen.households if seen else None,
            "known_until": first_month + seen.epoch if seen else None,
        })  # fmt: skip
    return found


def completeness(
    asked: Iterable[DataRequest], covered: set[tuple[int, int, str, int]], *, since: int, until: int
) -> list[dict[str, Any]]:
    """Provider months closed of those asked, per group, of the months from `since` to `until`."""
    wanted = {a for request in asked for a in request.months(since=since, until=until)}
    result = []
    for group in _COMPLETENESS_OF:
        of_group = {a for a in wanted if GROUP_OF_STREAM[Stream(a[2])] is group}
        result.append({"group": group.value, "months_closed": len(of_group & covered), "months_asked": len(of_group)})
    return result
