"""A municipality's ground as files: address register in the CBS pc6hnr form, clusters, special addresses, geography.

What intake and release read; no person is in any of it.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from producers.town.geography import Buurt, Municipality, ring


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write semicolon-separated rows, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=";", lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def write_ground(folder: Path, municipality: Municipality) -> None:
    """Write the four files of one municipality."""
    homes = municipality.homes
    write_csv(
        folder / "address_register.csv", ("PC6", "Huisnummer", "Buurt2025", "Wijk2025", "Gemeente2025"),
        sorted((h.postcode, h.number, h.buurt, h.buurt // 100, h.gemeente) for h in homes),
    )  # fmt: skip
    clusters = sorted({(h.postcode, h.buurt, h.cluster) for h in homes})
    write_csv(folder / "clusters.csv", ("PC6", "Buurt2025", "Cluster"), clusters)
    special = sorted((h.postcode, h.number, "", h.kind) for h in homes if h.kind != "home")
    write_csv(folder / "special_addresses.csv", ("PC6", "Huisnummer", "Toevoeging", "Soort"), special)
    text = json.dumps(_geography(municipality), separators=(",", ":"))
    (folder / "geography.geojson").write_text(text, "utf-8")


def _geography(municipality: Municipality) -> dict[str, Any]:
    gemeente = f"GM{municipality.number:04d}"
    wijken: dict[int, list[Buurt]] = defaultdict(list)
    for buurt in municipality.buurten:
        wijken[buurt.code // 100].append(buurt)
    features = [_feature(gemeente, municipality.name, "gemeente", None, [ring(b) for b in municipality.buurten])]
    features += [
        _feature(f"WK{code:06d}", f"Wijk {code % 100:02d} {own[0].name}", "wijk", gemeente, [ring(b) for b in own])
        for code, own in sorted(wijken.items())
    ]
    for buurt in municipality.buurten:
        code = f"BU{buurt.code:08d}"
        features.append(_feature(code, buurt.name, "buurt", f"WK{buurt.code // 100:06d}", [ring(buurt)]))
        for part in range(1, buurt.clusters + 1):
            postcodes = sorted({h.postcode for h in buurt.homes if h.cluster == part})
            name = f"{buurt.name} {postcodes[0]}-{postcodes[-1]}"
            features.append(_feature(f"{code}.{part:02d}", name, "cluster", code, [ring(buurt, part - 1, buurt.clusters)]))
    return {"type": "FeatureCollection", "features": features}


def _feature(code: str, name: str, level: str, parent: str | None, rings: list[list[list[float]]]) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "MultiPolygon", "coordinates": [[r] for r in rings]}
    if len(rings) == 1:
        shape = {"type": "Polygon", "coordinates": rings}
    return {"type": "Feature", "properties": {"code": code, "name": name, "level": level, "parent": parent}, "geometry": shape}
