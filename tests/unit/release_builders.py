"""Small worlds for the release gate: contributions with dull defaults, one municipality."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from projections.release.cells import CellId, streets_of
from projections.release.contributions import CONTRIBUTION, Contributions
from projections.release.gate import Decision, decide, primary
from projections.release.rules import Parameters
from schemas.care import CARE_TYPE_BY_CODE

CLUSTER = 9901_01_01_01
OTHER_CLUSTER = 9901_01_01_02
OTHER_BUURT = 9901_01_02_01
OTHER_WIJK = 9901_02_01_01
REST = 9901_000000
P = Parameters()
AREAS = {"gemeente": [9901], "placed": [9901], "wijk": [990101], "buurt": [99010101], "cluster": [CLUSTER]}


def an_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def a_contribution(
    household: int, *, cents: int = 100_00, area: int = CLUSTER, provider: int = 0, care: str = "wmo-01", year: int = 2025,
    epoch: int = 0, contributor: int | None = None, erased: bool = False,
) -> tuple:  # fmt: skip
    """`provider` 0: one of three, by household."""
    chosen = provider or 99_000_001 + household % 3
    by = household if contributor is None else contributor
    return area, an_id(household), an_id(by), chosen, CARE_TYPE_BY_CODE[care].id, year, epoch, cents, int(erased)


def rows(contributions: Iterable[tuple]) -> np.ndarray:
    return np.array(list(contributions), dtype=CONTRIBUTION)


def some(count: int, *, first: int = 1, **fields) -> list[tuple]:
    """`count` households with the same amount each."""
    return [a_contribution(first + i, **fields) for i in range(count)]


def decided(
    contributions: Sequence[tuple], *, epoch: int = 2, month: int | None = None, published: dict | None = None,
    mandated: Iterable[int] = (), areas: dict | None = None, years: Sequence[int] = (2025,),
) -> dict[CellId, Decision]:  # fmt: skip
    """All decisions of an epoch by the single-cell rules; the default is March, so that every layer is due."""
    amounts = Contributions(rows(contributions), epoch=epoch, mandated={an_id(m) for m in mandated})
    found = primary(
        amounts, epoch % 12 + 1 if month is None else month, years, published=published or {}, areas=AREAS if areas is None else areas,
        parameters=P,
    )  # fmt: skip
    return {d.cell: d for d in found}


def held_too(
    contributions: Sequence[tuple], *, epoch: int = 2, month: int | None = None, published: dict | None = None, areas: dict | None = None,
    addresses: dict[int, int] | None = None, mandated: Iterable[int] = (), streets: Iterable[str] = (),
) -> dict[CellId, Decision]:  # fmt: skip
    """All decisions of an epoch, with what is held so that nothing follows by subtraction."""
    found = decide(
        rows(contributions), epoch=epoch, month_of_year=epoch % 12 + 1 if month is None else month, years=(2025,), published=published or {},
        areas=AREAS if areas is None else areas, mandated={an_id(m) for m in mandated}, parameters=P, addresses=addresses or {},
        streets=streets_of(streets),
    )  # fmt: skip
    return {d.cell: d for d in found}


def cell(area: str = "BU99010101", group: str = "total", year: int = 2025) -> CellId:
    level = "placed" if area.endswith("P") else {"GM": "gemeente", "WK": "wijk", "BU": "buurt"}[area[:2]]
    inside = "street" if "_" in area else "cluster"
    return CellId(inside if "." in area else level, area, group, year)
