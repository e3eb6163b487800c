"""Eighteen months of releases of the invented Lindermonde: shapes of the town, figures by a rule of thumb; nobody's."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

from municipality_page_builders import record, released, released_epoch

from portals.municipality.released import Released
from producers.town.geography import make_municipalities
from producers.town.shapes import parts
from projections.release.rules import Parameters
from schemas import codec
from schemas.sealing import sha256
from schemas.values import Month

FIRST, LAST = Month(2024, 1).index, Month(2025, 6).index
GM = 9901
PARK = "Bedrijvenpark"
SHARES = {
    "wmo": 0.24, "jeugdwet": 0.27, "participatiewet": 0.17, "overig": 0.32,
    "begeleiding": 0.08, "huishouden": 0.05, "dagbesteding": 0.04, "hulpmiddelen-en-vervoer": 0.03, "wonen-en-opvang": 0.03,
    "overige-wmo": 0.01, "verblijf": 0.1, "bescherming-en-reclassering": 0.03, "overige-jeugdhulp": 0.14, "inkomen": 0.14, "werk": 0.03,
}  # fmt: skip
STREAMS = ("wmo", "jeugdwet", "participatiewet", "overig")
COSTS: dict[str, int] = {}
"""Euros of a whole year by area; sums above the buurten."""
STREETS = ("Vlierlaan", "Beukenpad", "Eikendreef", "Lindestraat", "Elzenhof", "Wilgenkade", "Iepenweg", "Hazelgaarde")


@cache
def geography() -> dict[str, Any]:
    """The `published_geography` of Lindermonde, with invented numbers of people and street names."""
    town = make_municipalities(Random(7), 9_000)[0]
    areas, streets = [_area("GM9901", town.name, "gemeente", "", 0)], []
    for nth, buurt in enumerate(town.buurten):
        code = f"BU{buurt.code:08d}"
        wijk = f"WK{code[2:8]}"
        if all(a["code"] != wijk for a in areas):
            name = ("Lindermonde-Dorp", "Oud-Linde", "De Waarden", "Linderzoom", "Lindebroek")[int(wijk[-2:]) - 1]
            areas.append(_area(wijk, name, "wijk", "GM9901", 0))
        areas.append(_area(code, buurt.name, "buurt", wijk, len(buurt.homes), rings=town.plane.outlines(buurt.cells)))
        for n, cells in enumerate(parts(buurt.cells, buurt.clusters), 1):
            homes = [h for h in buurt.homes if h.cluster == n]
            cluster = _area(f"{code}.{n:02d}", "", "cluster", code, len(homes), rings=town.plane.outlines(cells))
            cluster["postcodes"] = sorted({h.postcode for h in homes})
            names = [STREETS[(nth + n + k) % len(STREETS)] for k in (0, 1)]
            cluster["name"] = " en ".join(names)
            streets += [{"name": name, "cluster": cluster["code"]} for name in names]
            areas.append(cluster)
    for level, inside in (("wijk", "buurt"), ("gemeente", "wijk")):
        for area in (a for a in areas if a["level"] == level):
            for field in ("inhabitants", "under_18", "aged_75_and_over", "households", "cost"):
                area[field] = sum(a[field] for a in areas if a["level"] == inside and a["parent"] == area["code"])
    for area in areas:
        COSTS[area["code"]] = area.pop("cost")
    return {
        "municipality": GM, "name": town.name, "year": 2025, "population_year": 2025, "areas": areas,
        "streets": sorted(streets, key=lambda s: (s["name"], s["cluster"])),
    }  # fmt: skip


def _area(code: str, name: str, level: str, parent: str, addresses: int, rings: Any = None) -> dict[str, Any]:
    geometry = as_json({"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}) if rings else ""
    people = {
        "inhabitants": round(addresses * 2.2), "under_18": round(addresses * 0.42), "aged_75_and_over": round(addresses * 0.19),
        "households": addresses, "cost": round(addresses * 2.2 * 1_900 * Random(code[:10]).uniform(0.45, 2.3)),
    }  # fmt: skip
    return {
        "code": code,
        "name": name,
        "level": level,
        "parent": parent,
        "geometry": geometry,
        "postcodes": [],
    } | people


def as_json(shape: dict[str, Any]) -> str:
    """GeoJSON as it is published."""
    return json.dumps(shape, separators=(",", ":"))


def euros(area: dict[str, Any], group: str, year: int, epoch: int) -> int:
    """The service year so far: two months late on average, and a providers' gap in spring 2025."""
    months = max(0.0, min(12.0, (epoch - year * 12 + 1) - 0.6 - {LAST - 1: 0.4, LAST: 1.1}.get(epoch, 0.0)))
    share = 1.0 if group == "total" else SHARES[group]
    return round(COSTS[area["code"]] * share * months / 12 * (1.06 if year == 2025 else 1) / 1_000) * 1_000


def held(area: dict[str, Any], group: str) -> bool:
    """One in ten, always the same ones; the park has too few households."""
    chance = 0.0 if area["level"] in ("gemeente", "wijk") else 0.12 if group == "total" else 0.2
    return area["name"] == PARK or Random(area["code"] + group).random() < chance


def epoch_of(ground: dict[str, Any], epoch: int, level: str) -> dict[str, Any]:
    """A `released_epoch` datum: gemeente and wijk each month, buurten and clusters at the end of a quarter."""
    cells = []
    for area in ground["areas"]:
        if (area["level"] == "cluster") != (level == "meso"):
            continue
        quarterly = area["level"] in ("buurt", "cluster")
        groups = ["total"] if level == "meso" else ["total", *(STREAMS if quarterly else SHARES)]
        for year in {Month.from_index(epoch).year, Month.from_index(epoch).year - 1} & {2024, 2025}:
            known = epoch - (epoch + 1) % 3 if quarterly else epoch
            if known < max(FIRST, year * 12):
                continue
            cells += [_cell(area, group, year, known) for group in groups]
    asked = (epoch - FIRST + 1) * 8
    missing = {LAST - 1: 5, LAST: 8}.get(epoch, 0)
    return released_epoch(
        epoch, level=level, version=epoch - FIRST + 1, cells=cells, protection="full", parameters=as_json(Parameters().as_dict()),
        completeness=[
            {"group": "wmo", "months_closed": asked, "months_asked": asked},
            {"group": "jeugdwet", "months_closed": asked - missing, "months_asked": asked},
            {"group": "participatiewet", "months_closed": asked // 8, "months_asked": asked // 8},
        ],
        geometry_hash=sha256(codec.encode("published_geography", ground)), ledger_hash=sha256(str(epoch).encode()), software="0.1.0",
    )  # fmt: skip


def _cell(area: dict[str, Any], group: str, year: int, known: int) -> dict[str, Any]:
    kept, amount = held(area, group), euros(area, group, year, known)
    placed = area["level"] == "gemeente"
    counts = area["level"] != "cluster" and not kept
    return {
        "area": area["code"] + ("P" if placed else ""), "area_level": "placed" if placed else area["level"], "group": group,
        "service_year": year, "decision": "held" if kept else "released", "euros": None if kept else amount,
        "households": max(10, round(area["households"] * 0.25 * SHARES.get(group, 1.0) ** 0.5 / 5) * 5) if counts else None,
        "known_until": None if kept else known,
    }  # fmt: skip


@cache
def ground_record() -> bytes:
    """The signed geography."""
    return record(geography())


@cache
def epoch_record(epoch: int, level: str) -> bytes:
    """One signed epoch."""
    return record(epoch_of(geography(), epoch, level))


def a_year(*, without: tuple[int, ...] = (), until: int = LAST) -> Released:
    """All epochs from January 2024 to `until`, but those left out."""
    epochs = [e for e in range(FIRST, until + 1) if e not in without]
    macro = [epoch_record(e, "macro") for e in epochs]
    return released(ground_record(), *macro, meso=tuple(epoch_record(e, "meso") for e in epochs))
