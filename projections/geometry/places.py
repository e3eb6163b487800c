"""Where postcodes lie and which streets they are on, from an optional third file: CBS postcode-6 areas, or an extract of a register.

CBS areas are GeoJSON with a property `postcode6`, and know no streets. An extract is a table: postcode, number, street, x, y, and
`woonplaats` where one has it (a street's name is unique within one).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import shapely

from projections.geometry.coordinates import Reference, reference_of, to_rd
from projections.geometry.geojson_files import Collection
from projections.geometry.tables import Row, Table
from schemas.errors import SettingsWrong

Address = tuple[str, int]
Point = tuple[float, float]
_COLUMNS: Final = {
    "postcode": "pc6|postcode6?", "number": "huisnummer|huisnr|number", "street": "straat(naam)?|street|openbare_?ruimte(naam)?",
    "x": "x|rd_?x|lon(gitude)?", "y": "y|rd_?y|lat(itude)?", "town": "woonplaats(naam)?|town|place",
}  # fmt: skip
_AREA_CODE: Final = ("postcode6", "postcode", "pc6")


@dataclass(slots=True)
class Places:
    """What the third file tells. `points` in RD metres; `areas`: postcode -> its shape in RD metres; empty where it tells nothing."""

    points: dict[Address, Point] = field(default_factory=dict)
    streets: dict[Address, str] = field(default_factory=dict)
    areas: dict[str, Any] = field(default_factory=dict)

    @property
    def drawn(self) -> bool:
        """Whether postcodes have a place at all."""
        return bool(self.points or self.areas)


def read_postcode_areas(collection: Collection, where: str) -> Places:
    """CBS postcode-6 areas. Raises `SettingsWrong`, naming the feature."""
    parts: dict[str, list[Any]] = defaultdict(list)
    for feature in collection.features:
        code = next((str(feature.properties[n]) for n in _AREA_CODE if feature.properties.get(n)), "").replace(" ", "")
        if not re.fullmatch(r"[1-9]\d{3}[A-Z]{2}", code.upper()):
            msg = f"{feature.where} has no postcode; a property `postcode6` like 1234AB is needed."
            raise SettingsWrong(msg)
        parts[code.upper()].append(feature.shape)
    if not parts:
        msg = f"{where} has no postcodes."
        raise SettingsWrong(msg)
    return Places(areas={code: shapely.union_all(found) for code, found in sorted(parts.items())})


def read_extract(lines: Iterable[str], where: str, wanted: Iterable[Address]) -> Places:
    """An extract of a register of addresses; only `wanted` addresses are kept. Raises `SettingsWrong`, naming file and line.

    Of an address that is there more than once (1, 1A, 1B) the least point counts; its street must be the same.
    """
    table = Table(lines, where, columns=_COLUMNS, optional=("town",))
    known, towns = set(wanted), dict[Address, str]()
    made = Places()
    for row in table:
        address = row.postcode(), row.whole("number", "the house number", most=99_999)
        if address not in known:
            continue
        street, point = " ".join(row.cells["street"].split()), _point(row)
        if street and made.streets.setdefault(address, street) != street:
            msg = f"{row.where}: this postcode and number is on another street here than above. It is on one; take a line out."
            raise SettingsWrong(msg)
        if point is not None:
            made.points[address] = min(point, made.points.get(address, point))
        towns[address] = row.cells["town"]
    if not made.streets and not made.points:
        msg = f"{where} has no address of the address register, or no streets and no places. Use an extract of the same municipality."
        raise SettingsWrong(msg)
    made.points = _in_rd(made.points, where)
    made.streets = _told_apart(made.streets, towns)
    return made


def _point(row: Row) -> Point | None:
    texts = row.cells["x"].replace(",", "."), row.cells["y"].replace(",", ".")
    if texts == ("", ""):
        return None
    if not all(re.fullmatch(r"-?\d{1,9}(\.\d+)?", t) for t in texts):
        msg = f"{row.where}: x and y must be numbers, both or none."
        raise SettingsWrong(msg)
    return float(texts[0]), float(texts[1])


def _in_rd(points: dict[Address, Point], where: str) -> dict[Address, Point]:
    if not points:
        return points
    lines = shapely.MultiPoint(list(points.values()))
    if reference_of(None, shapely.bounds(lines).tolist(), where) is Reference.WGS84:
        lines = to_rd(lines)
    return {a: (p.x, p.y) for a, p in zip(points, lines.geoms, strict=True)}


def _told_apart(streets: dict[Address, str], towns: dict[Address, str]) -> dict[Address, str]:
    """A name that streets in several towns have gets the town behind it."""
    found: dict[str, set[str]] = defaultdict(set)
    for address, street in streets.items():
        found[street].add(towns[address])
    return {a: f"{s} ({towns[a]})" if len(found[s]) > 1 and towns[a] else s for a, s in streets.items()}
