"""The records of one released epoch, made from decisions: pure, so that the same log gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from projections.release.cells import CellId
from projections.release.gate import PROTECTION, Published
from projections.release.rules import Parameters
from schemas import codec
from schemas.care import GROUP_OF_STREAM, Group, Stream
from schemas.requests import DataRequest
from schemas.sealing import sha256
from schemas.values import Month

_COMPLETENESS_OF = (Group.WMO, Group.JEUGDWET, Group.PARTICIPATIEWET)
"""None for `overig`: its few providers would be named by it."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What all records of one epoch of one municipality say alike. `first_month`, `month`: month indexes."""

    municipality: int
    number: int
    month: int
    first_month: int
    completeness: list[dict[str, Any]]
    parameters: Parameters
    geometry_hash: bytes
    positions: str
    software: str

    def record(self, level: str, cells: list[dict[str, Any]]) -> bytes:
        """The encoded `released_epoch` of `macro` or `meso`."""
        fields = {
            "municipality": self.municipality, "level": level, "epoch": self.month, "version": self.number + 1, "cells": cells,
            "completeness": self.completeness, "protection": PROTECTION,
            "parameters": json.dumps(self.parameters.as_dict(), sort_keys=True), "geometry_hash": self.geometry_hash,
            "ledger_hash": sha256(self.positions.encode()), "software": self.software,
        }  # fmt: skip
        return codec.encode("released_epoch", fields)


def cells(
    epoch: Epoch, standing: Mapping[CellId, bool], last: Mapping[CellId, Published]
) -> dict[str, list[dict[str, Any]]]:
    """Level -> every cell of this service year and the last, due in this epoch or not, with its last published value.

    `standing`: cell -> whether its latest decision released it. What was never published has no value.
    """
    found: dict[str, list[dict[str, Any]]] = {"macro": [], "meso": []}
    for cell, released in sorted(standing.items()):
        if cell.service_year < Month.from_index(epoch.month).year - 1:
            continue
        seen = last.get(cell)
        found["meso" if cell.level == "cluster" else "macro"].append({
            "area": cell.area, "area_level": cell.level, "group": cell.group, "service_year": cell.service_year,
            "decision": "released" if released else "held", "euros": seen.euros if seen else None,
            "households": seen.households if seen else None,
            "known_until": epoch.first_month + seen.epoch if seen else None,
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
