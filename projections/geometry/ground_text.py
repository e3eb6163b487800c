"""The ground as the files that intake and release read, and clusters read back from them. Text only; who writes it is elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import shapely

from projections.geometry.coordinates import RD_CRS
from projections.geometry.freezing import Drawn
from projections.geometry.ground import Area, Ground
from projections.geometry.population import PEOPLE
from projections.geometry.tables import Table
from schemas.errors import SettingsWrong
from schemas.geography import area_code, area_number

REGISTER, CLUSTERS, FORMER, SPECIAL, GEOGRAPHY = (
    "address_register.csv", "clusters.csv", "former_clusters.csv", "special_addresses.csv", "geography.geojson",
)  # fmt: skip
DECIMALS: Final = 1
"""Of metres in the published shapes."""
_BUURT: Final = r"buurt(code)?_?(20\d\d)?"
_CLUSTER_COLUMNS: Final = {"postcode": "pc6", "buurt": _BUURT, "cluster": "cluster", "since": "getrokken"}
_FORMER_COLUMNS: Final = {"cluster": "cluster", "into": "opgegaan in"}


def files_of(ground: Ground) -> dict[str, str]:
    """File name -> text, in the order to write them: clusters that are gone, clusters, register, geography.

    `Getrokken` is the year of the boundaries a cluster was drawn on; `Opgegaan in` is empty for one that was drawn anew.
    """
    year = ground.year
    addresses = [(p, n, b, b // 100, b // 10_000) for (p, n), b in sorted(ground.register.addresses.items())]
    clusters = sorted((p, b, n, cut.since[p]) for b, cut in ground.cuts.items() for p, n in cut.numbers.items())
    gone = [(area_code(area), area_code(into) if into else "") for area, into in sorted(ground.gone.items())]
    return {
        FORMER: _csv(("Cluster", "Opgegaan in"), gone),
        CLUSTERS: _csv(("PC6", f"Buurt{year}", "Cluster", "Getrokken"), clusters),
        REGISTER: _csv(("PC6", "Huisnummer", f"Buurt{year}", f"Wijk{year}", f"Gemeente{year}"), addresses),
        GEOGRAPHY: json.dumps(geojson_of(ground), ensure_ascii=False, separators=(",", ":")) + "\n",
    }


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return "".join(";".join(map(str, row)) + "\n" for row in (head, *rows))


def geojson_of(ground: Ground) -> dict[str, Any]:
    """The geography that release reads: features with code, name, level, parent and numbers of people; year and streets beside them."""
    return {
        "type": "FeatureCollection", "crs": RD_CRS, "year": ground.year, "population_year": ground.population_year,
        "streets": [{"name": name, "cluster": cluster} for name, cluster in ground.streets],
        "features": [_feature(a) for a in ground.areas],
    }  # fmt: skip


def _feature(area: Area) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "code": area.code,
        "name": area.name,
        "level": area.level,
        "parent": area.parent or None,
    }
    properties |= {name: getattr(area.people, name) for name in PEOPLE}
    if area.level == "cluster":
        properties |= {"postcodes": list(area.postcodes), "addresses": area.addresses}
    return {"type": "Feature", "properties": properties, "geometry": _geometry(area.shape)}


def _geometry(shape: Any) -> dict[str, Any] | None:
    if shape is None:
        return None
    rounded = shapely.transform(shape, lambda points: np.round(points, DECIMALS))
    made: dict[str, Any] = json.loads(shapely.to_geojson(rounded))
    return made


def read_drawn(clusters: Iterable[str], where: str, *, former: Sequence[str], former_where: str) -> Drawn:
    """The clusters a folder has, from the lines of its two files (`former` may be empty). Raises `SettingsWrong`, naming file and line.

    Clusters without a year of their own were drawn in the year of the column of buurten.
    """
    table, made = Table(clusters, where, columns=_CLUSTER_COLUMNS, optional=("since",)), Drawn()
    digits = table.heading("buurt")[-4:]
    for row in table:
        postcode, text = row.postcode(), row.cells["buurt"].upper().removeprefix("BU")
        if not (text.isascii() and text.isdecimal() and len(text) <= 8):
            msg = f"{row.where}: the buurt must be a CBS code."
            raise SettingsWrong(msg)
        number = row.whole("cluster", "the cluster", most=99)
        year = row.cells["since"] or digits
        if not number or not year.isdecimal() or made.clusters.setdefault((postcode, int(text)), number) != number:
            msg = f"{row.where}: a postcode has one cluster in a buurt, from 1 to 99, and the year it was drawn. Put the file back as it was."
            raise SettingsWrong(msg)
        made.since[postcode, int(text)] = int(year)
    for row in Table(former, former_where, columns=_FORMER_COLUMNS) if former else ():
        try:
            made.gone[area_number(row.cells["cluster"])] = area_number(into) if (into := row.cells["into"]) else 0
        except ValueError as wrong:
            msg = f"{row.where}: codes of clusters like BU06420101.03 are needed. Put the file back as it was."
            raise SettingsWrong(msg) from wrong
    return made
