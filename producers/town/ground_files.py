"""A municipality's ground as files: address register in the CBS pc6hnr form, clusters, special addresses, geography.

What intake and release read; and places and numbers of people, so that `zorgstroom municipality geometry` can be tried. No person is in any of it.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from producers.town.geography import Buurt, Municipality
from producers.town.population import HEAD, NAMES, YEAR, people
from producers.town.shapes import Cell, parts
from producers.town.streets import cluster_names, spots, street_names, streets_of

_RD: Final = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::28992"}}


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write semicolon-separated rows, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=";", lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def write_ground(folder: Path, municipality: Municipality) -> None:
    """Write the six files of one municipality."""
    homes = municipality.homes
    write_csv(
        folder / "address_register.csv", ("PC6", "Huisnummer", "Buurt2025", "Wijk2025", "Gemeente2025"),
        sorted({(h.postcode, h.number, h.buurt, h.buurt // 100, h.gemeente) for h in homes}),
    )  # fmt: skip
    clusters = sorted({(h.postcode, h.buurt, h.cluster) for h in homes})
    write_csv(folder / "clusters.csv", ("PC6", "Buurt2025", "Cluster"), clusters)
    special = sorted((h.postcode, h.number, h.suffix, h.kind) for h in homes if h.kind != "home")
    write_csv(folder / "special_addresses.csv", ("PC6", "Huisnummer", "Toevoeging", "Soort"), special)
    streets = street_names(municipality)
    places = sorted((h.postcode, h.number, streets[h.postcode], x, y) for h, x, y in spots(municipality))
    write_csv(folder / "places.csv", ("postcode", "huisnummer", "straat", "x", "y"), places)
    numbers = people(municipality)
    write_csv(
        folder / "population.csv", HEAD, [(code, YEAR, *(own[n] for n in NAMES)) for code, own in numbers.items()]
    )
    text = json.dumps(_geography(municipality, streets, numbers), separators=(",", ":"))
    (folder / "geography.geojson").write_text(text, "utf-8")


def _geography(
    municipality: Municipality, streets: dict[str, str], numbers: dict[str, dict[str, int]]
) -> dict[str, Any]:
    gemeente, plane = f"GM{municipality.number:04d}", municipality.plane
    unknown: dict[str, int | None] = dict.fromkeys(NAMES)
    wijken: dict[int, list[Buurt]] = defaultdict(list)
    for buurt in municipality.buurten:
        wijken[buurt.code // 100].append(buurt)

    def feature(
        code: str, name: str, level: str, *, parent: str | None, cells: Iterable[Cell], **more: object
    ) -> dict[str, Any]:
        rings = plane.outlines(cells)
        shape = {"type": "Polygon", "coordinates": rings}
        if len(rings) > 1:
            shape = {"type": "MultiPolygon", "coordinates": [[r] for r in rings]}
        properties = {"code": code, "name": name, "level": level, "parent": parent} | numbers.get(code, unknown) | more
        return {"type": "Feature", "properties": properties, "geometry": shape}

    everything = [c for b in municipality.buurten for c in b.cells]
    features = [feature(gemeente, municipality.name, "gemeente", parent=None, cells=everything)]
    for number, own in sorted(wijken.items()):
        name, cells = f"Wijk {number % 100:02d} {own[0].name}", [c for b in own for c in b.cells]
        features.append(feature(f"WK{number:06d}", name, "wijk", parent=gemeente, cells=cells))
    called, through = cluster_names(municipality, streets), list[tuple[str, str]]()
    for buurt in municipality.buurten:
        code = f"BU{buurt.code:08d}"
        features.append(feature(code, buurt.name, "buurt", parent=f"WK{buurt.code // 100:06d}", cells=buurt.cells))
        for part, cells in enumerate(parts(buurt.cells, buurt.clusters), 1):
            homes = {(h.postcode, h.number) for h in buurt.homes if h.cluster == part}
            postcodes = sorted({postcode for postcode, _ in homes})
            features.append(
                feature(f"{code}.{part:02d}", called[buurt.code, part], "cluster", parent=code, cells=cells, postcodes=postcodes, addresses=len(homes))
            )  # fmt: skip
            through += [(street, f"{code}.{part:02d}") for street in streets_of(buurt, part, streets)]
    return {
        "type": "FeatureCollection", "crs": _RD, "year": YEAR, "population_year": YEAR, "features": features,
        "streets": [{"name": name, "cluster": cluster} for name, cluster in sorted(through)],
    }  # fmt: skip
