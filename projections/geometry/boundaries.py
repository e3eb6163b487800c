"""The buurten of one municipality, with the names of its wijken, from CBS GeoJSON of any year and make. Nothing of addresses or people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import shapely

from projections.geometry.geojson_files import Collection, Feature
from schemas.errors import SettingsWrong
from schemas.geography import gemeente_code

_CODE: Final = ("buurtcode", "bu_code", "statcode", "code", "wijkcode", "wk_code", "gemeentecode", "gm_code")
_NAME: Final = {
    "BU": ("buurtnaam", "bu_naam", "statnaam", "name", "naam"), "WK": ("wijknaam", "wk_naam", "statnaam", "name", "naam"),
    "GM": ("gemeentenaam", "gm_naam", "statnaam", "name", "naam"),
}  # fmt: skip
_YEAR: Final = ("jaar", "year", "jrstatcode")
_WATER: Final = ("h2o", "water")
_DIGITS: Final = {"BU": 8, "WK": 6, "GM": 4}
_OVERLAP: Final = 0.01
"""Part of the smaller of two buurten that generalised outlines may share."""


@dataclass(frozen=True, slots=True)
class Buurt:
    """A buurt: CBS number (`ggggwwbb`), name, shape in RD metres."""

    number: int
    name: str
    shape: Any

    @property
    def code(self) -> str:
        """`BU06420101`."""
        return f"BU{self.number:08d}"


@dataclass(slots=True)
class Boundaries:
    """A municipality's boundaries of one year. `buurten` by number; `wijken`: names by number (`ggggww`)."""

    gemeente: int
    name: str
    year: int
    buurten: dict[int, Buurt]
    wijken: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Found:
    level: str
    number: int
    year: int | None
    feature: Feature

    def named(self, level: str) -> str:
        return _first(self.feature.properties, _NAME[level][:2] if level != self.level else _NAME[level])


def read_boundaries(files: Mapping[str, Collection], gemeente: int, *, year: int | None) -> Boundaries:
    """The boundaries of one municipality from the features of one or more files, by the files' names.

    `year`: of the boundaries, where the files do not say it or hold several years. Raises `SettingsWrong`.
    """
    names = ", ".join(files)
    found = [
        one for collection in files.values() for f in collection.features if (one := _of(f, collection.members)) is not None
    ]  # fmt: skip
    own = [f for f in found if int(f"{f.number:0{_DIGITS[f.level]}d}"[:4]) == gemeente]
    if not any(f.level == "BU" for f in own):
        msg = f"{names}: there is no buurt of {gemeente_code(gemeente)} in it; features with `buurtcode` BU{gemeente:04d}.... are needed."
        raise SettingsWrong(msg)
    chosen = _year(own, names, asked=year)
    own = [f for f in own if f.year in (None, chosen)]
    made = Boundaries(gemeente, gemeente_code(gemeente), chosen, _buurten(own))
    wijken = {number // 100 for number in made.buurten}
    for one in own:
        made.name = one.named("GM") or made.name
        wijk = one.number // 100 if one.level == "BU" else one.number
        if one.level in ("BU", "WK") and wijk in wijken and one.named("WK"):
            made.wijken[wijk] = one.named("WK")
    for wijk in wijken - set(made.wijken):
        made.wijken[wijk] = f"Wijk {wijk % 100:02d}"
    _check_overlap(made.buurten)
    return made


def _of(feature: Feature, members: Mapping[str, Any]) -> _Found | None:
    """What a feature is, or None for what is not of the three levels (a cluster, water)."""
    properties = feature.properties
    if any(str(properties.get(name, "")).upper() in ("JA", "B") for name in _WATER):
        return None
    code = _first(properties, _CODE)
    match = re.fullmatch(r"(BU|WK|GM)?0*(\d+)", code)
    if re.fullmatch(r"BU\d{8}\.\d{2}", code):
        return None
    level = (match[1] or "BU") if match else ""
    if match is None or len(match[2]) > _DIGITS[level]:
        msg = f"{feature.where} has no CBS code; a property `buurtcode` like BU06420101 is needed."
        raise SettingsWrong(msg)
    year = re.match(r"(20\d\d|19\d\d)", _first(properties, _YEAR) or str(members.get("year", "")))
    return _Found(level, int(match[2]), int(year[1]) if year else None, feature)


def _first(properties: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(properties[n]).strip() for n in names if properties.get(n) not in (None, "")), "")


def _year(own: list[_Found], names: str, *, asked: int | None) -> int:
    years = sorted({f.year for f in own if f.year is not None and f.level == "BU"})
    held = ", ".join(map(str, years))
    if asked is not None:
        if years and asked not in years:
            msg = f"{names}: there are no boundaries of {asked}, only of {held}. Fetch those of {asked} from CBS, or use files of {years[-1]} throughout."
            raise SettingsWrong(msg)
        return asked
    if len(years) != 1:
        what = f"holds boundaries of {held}" if years else "does not say of which year its boundaries are"
        msg = f"{names} {what}. Name the year with --year."
        raise SettingsWrong(msg)
    return years[0]


def _buurten(own: list[_Found]) -> dict[int, Buurt]:
    made: dict[int, Buurt] = {}
    places: dict[int, str] = {}
    for one in own:
        if one.level != "BU":
            continue
        buurt = Buurt(one.number, one.named("BU") or f"BU{one.number:08d}", one.feature.shape)
        if buurt.number in made:
            msg = f"{one.feature.where}: {buurt.code} is there twice, also as {places[buurt.number]}. A buurt stands once; take one out."
            raise SettingsWrong(msg)
        made[buurt.number], places[buurt.number] = buurt, one.feature.where
    return dict(sorted(made.items()))


def _check_overlap(buurten: Mapping[int, Buurt]) -> None:
    """Raises `SettingsWrong` where two buurten lie over each other."""
    rows = list(buurten.values())
    tree = shapely.STRtree([b.shape for b in rows])
    for nth, buurt in enumerate(rows):
        for other in sorted(int(i) for i in tree.query(buurt.shape) if i > nth):
            shared = shapely.intersection(buurt.shape, rows[other].shape).area
            if shared > _OVERLAP * min(buurt.shape.area, rows[other].shape.area):
                msg = f"{buurt.code} and {rows[other].code} lie over each other. Use boundaries of one year from one source."
                raise SettingsWrong(msg)
