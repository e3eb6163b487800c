"""Signed releases of an invented municipality, as they would come from its topics; no figure of them is of anybody."""

from __future__ import annotations

import json
from typing import Any

from portals.municipality.released import Released
from projections.release.signing import signed
from projections.subscribers import ReleaseSubscriber
from schemas import codec
from schemas.sealing import sha256, verify_key_of
from schemas.secrets import SigningKey
from schemas.values import Month, day_number

GM = 9901
SECRET = SigningKey(bytes(range(32)))
PUBLIC = verify_key_of(SECRET)
JUNE = Month(2025, 6).index
WIJKEN = {"WK990101": "Dorpskern", "WK990102": "Buitenwijk & Polder"}
BUURTEN = {
    "BU99010101": "Kerkbuurt", "BU99010102": "Molenhoek", "BU99010103": "Stationskwartier",
    "BU99010201": "De Weide", "BU99010202": "Hoge Akker", "BU99010203": "Bedrijvenpark",
}  # fmt: skip
HELD_BUURT, HELD_EVER_BUURT, EMPTY_BUURT = "BU99010102", "BU99010202", "BU99010203"
"""Held now with an older figure; held from the start; without care."""


def cell(area: str, level: str, group: str, euros: int | None, **other: Any) -> dict[str, Any]:
    """One released cell; `held=True` holds it, `known` says from which epoch its value is."""
    counts = level in {"gemeente", "placed", "wijk", "buurt"} and euros is not None
    return {
        "area": area, "area_level": level, "group": group, "service_year": other.get("year", 2025),
        "decision": "held" if other.get("held") else "released", "euros": euros,
        "households": other.get("households", 120) if counts else None, "known_until": None if euros is None else other.get("known", JUNE),
    }  # fmt: skip


def square(x: int, y: int, side: int = 1000) -> str:
    """A GeoJSON square in metres."""
    corners = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    return json.dumps({"type": "Polygon", "coordinates": [corners]})


def geography() -> dict[str, Any]:
    """Two wijken of three buurten, two clusters in the first of each."""
    areas = [{"code": "GM9901", "name": "Waterrijk", "level": "gemeente", "parent": "", "geometry": ""}]
    areas += [{"code": c, "name": n, "level": "wijk", "parent": "GM9901", "geometry": ""} for c, n in WIJKEN.items()]
    for i, (code, name) in enumerate(BUURTEN.items()):
        x, y = 1000 * (i % 3), 1000 * (i // 3)
        areas.append(
            {"code": code, "name": name, "level": "buurt", "parent": f"WK{code[2:8]}", "geometry": square(x, y)}
        )
        areas += [
            {
                "code": f"{code}.{n:02d}",
                "name": f"{name} {n}",
                "level": "cluster",
                "parent": code,
                "geometry": square(x, y + 500 * (n - 1), 500),
            }
            for n in (1, 2)
            if i % 3 == 0
        ]
    people = dict.fromkeys(("inhabitants", "under_18", "aged_75_and_over", "households"))
    return {
        "municipality": GM, "name": "Waterrijk", "year": 2025, "population_year": None,
        "areas": [a | people | {"postcodes": []} for a in areas], "streets": [],
    }  # fmt: skip


def macro_cells(known: int = JUNE) -> list[dict[str, Any]]:
    """Cells of gemeente, placed, wijk and buurt, two of them kept back."""
    streams = {"wmo": 3, "jeugdwet": 5, "participatiewet": 2, "overig": 1}
    cells = []
    for group, share in [*streams.items(), ("total", 11)]:
        cells += [
            cell("GM9901P", "placed", group, 400_000 * share, known=known),
            cell("GM9901", "gemeente", group, 30_000 * share, known=known),
        ]
        cells += [cell(c, "wijk", group, 200_000 * share, known=known) for c in WIJKEN]
        for n, code in enumerate(BUURTEN):
            if code == HELD_BUURT:
                cells.append(cell(code, "buurt", group, 20_000 * share, held=True, known=known - 3))
            elif code == HELD_EVER_BUURT:
                cells.append(cell(code, "buurt", group, None, held=True))
            elif code == EMPTY_BUURT:
                cells.append(cell(code, "buurt", group, 0, households=0, known=known))
            else:
                cells.append(cell(code, "buurt", group, (20_000 + 30_000 * n) * share, known=known))
    cells += [cell("GM9901P", "placed", "begeleiding", 500_000, known=known)]
    cells += [cell(c, "wijk", "begeleiding", 250_000, known=known) for c in WIJKEN]
    return cells


def released_epoch(epoch: int = JUNE, *, level: str = "macro", version: int = 1, **other: Any) -> dict[str, Any]:
    """A `released_epoch` datum."""
    meso = [
        cell(f"{code}.{n:02d}", "cluster", "total", None if n == 2 else 60_000, held=n == 2, known=epoch)
        for code in ("BU99010101", "BU99010201")
        for n in (1, 2)
    ]
    asked = [
        {"group": g, "months_closed": c, "months_asked": 12}
        for g, c in (("wmo", 12), ("jeugdwet", 9), ("participatiewet", 0))
    ]
    return {
        "municipality": GM, "level": level, "epoch": epoch, "version": version, "cells": macro_cells(epoch) if level == "macro" else meso,
        "completeness": [*asked, {"group": "overig", "months_closed": 0, "months_asked": 0}], "protection": "preliminary",
        "parameters": "{}", "geometry_hash": sha256(codec.encode("published_geography", geography())), "ledger_hash": bytes(32), "software": "1",
        "published_on": day_number(Month.from_index(epoch + 1).first_day), "previous": bytes(32), "given_up": [], "awaits_quarter": False, "concentration": [],
    } | other  # fmt: skip


def record(datum: dict[str, Any], secret: SigningKey = SECRET) -> bytes:
    """The signed record as it stands on a topic."""
    return signed(secret, codec.encode("published_geography" if "areas" in datum else "released_epoch", datum))


def released(*macro: bytes, meso: tuple[bytes, ...] = ()) -> Released:
    """What the page knows after reading these records, without a broker."""
    page = Released({}, GM, lambda _: [PUBLIC])
    for topic, records in ((page.macro, macro), (page.meso, meso)):
        assert isinstance(topic, ReleaseSubscriber)
        for data in records:
            topic.take(data, 0)
    return page


DECEMBER = Month(2025, 12).index
"""The only month that says how concentrated 2024 is."""
HELD_WIJK = "WK990102"
"""A wijk of which half can't be said."""


def concentration(**other: Any) -> list[dict[str, Any]]:
    """How concentrated 2024 is, as the record of December 2025 says it: the whole with a curve, and both wijken."""
    whole = {
        "area": "GM9901P", "area_level": "placed", "service_year": 2024, "half_within": 5,
        "curve": [{"households": h, "money": m} for h, m in ((2, 31), (5, 52), (15, 83), (25, 97))], "stacked": [1_240, 415, 120, 45],
    }  # fmt: skip
    wijken = [
        whole | {"area": "WK990101", "area_level": "wijk", "half_within": 10, "curve": [], "stacked": [640, 205, 60, None]},
        whole | {"area": HELD_WIJK, "area_level": "wijk", "half_within": None, "curve": [], "stacked": [600, 210, 60, 35]},
    ]  # fmt: skip
    return [whole | other, *wijken]


def december(said: list[dict[str, Any]] | None = None, **other: Any) -> dict[str, Any]:
    """The December record in which it is said, with figures of 2024 and 2025."""
    cells = macro_cells(DECEMBER)
    rules = json.dumps({"least_households": 10, "households_base": 5})
    return released_epoch(
        DECEMBER, cells=[*cells, *(c | {"service_year": 2024} for c in cells)],
        concentration=concentration() if said is None else said, **({"parameters": rules} | other),
    )  # fmt: skip


def with_december(said: list[dict[str, Any]] | None = None) -> Released:
    """June and December 2025 released; December says how concentrated 2024 is."""
    macro = [record(released_epoch(JUNE)), record(december(said))]
    return released(
        record(geography()), *macro, meso=tuple(record(released_epoch(e, level="meso")) for e in (JUNE, DECEMBER))
    )


def usual() -> Released:
    """March, May and June released, with their geography."""
    epochs = (JUNE - 3, JUNE - 1, JUNE)
    return released(
        record(geography()),
        *(record(released_epoch(e)) for e in epochs),
        meso=tuple(record(released_epoch(e, level="meso")) for e in epochs),
    )
