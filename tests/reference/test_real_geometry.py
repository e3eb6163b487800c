"""Real boundaries of CBS (Zwijndrecht and Hendrik-Ido-Ambacht, 2024) load, with an invented register over them. Needs the reference data; skips without."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random

import pytest
from geometry_builders import extract, postcode
from shapely.geometry import Point, shape
from typer.testing import CliRunner

from deploy.cli import app
from streams import release_geography
from streams.address_book import AddressBook

GEO = Path(os.environ.get("ZORGSTROOM_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "geo"
pytestmark = pytest.mark.skipif(not GEO.is_dir(), reason="the reference data (boundaries of CBS, 2024) is not here")
TOWNS = {"zwijndrecht": (642, 92, 9), "hendrik-ido-ambacht": (531, 12, 5)}


def invented(path: Path) -> tuple[list[tuple[str, int, int]], list[tuple[str, int, str, float, float]]]:
    """Addresses strewn over real buurten by their size, none in every fifth: a register and an extract."""
    random, rows, spots, nth = Random(1), [], [], 0
    for at, one in enumerate(json.loads(path.read_text("utf-8"))["features"]):
        ground, number = shape(one["geometry"]), int(one["properties"]["buurtcode"][2:])
        west, south, east, north = ground.bounds
        for _ in range(0 if at % 5 == 4 else min(40, int(ground.area / 15_000))):
            while not ground.contains(spot := Point(random.uniform(west, east), random.uniform(south, north))):
                pass
            for house in range(1, 40, 2):
                rows.append((postcode(nth), house, number))
                spots.append(
                    (postcode(nth), house, f"Laan {number}-{nth // 8}", round(spot.x + house, 1), round(spot.y, 1))
                )
            nth += 1
    return rows, spots


@pytest.mark.parametrize("system", ["rd", "wgs84"])
@pytest.mark.parametrize("name", TOWNS)
def test_real_buurten_load_in_rd_and_in_degrees_and_give_what_intake_and_release_read(tmp_path, name, system) -> None:
    path = GEO / f"buurten_2024_{name}_{system}.geojson"
    gemeente, buurten, wijken = TOWNS[name]
    rows, spots = invented(GEO / f"buurten_2024_{name}_rd.geojson")
    (tmp_path / "register.csv").write_text(
        "PC6;Huisnummer;Buurt2024;Wijk2024;Gemeente2024\n"
        + "".join(f"{p};{n};{b};{b // 100};{b // 10_000}\n" for p, n, b in rows)
    )
    (tmp_path / "places.csv").write_text(extract(spots))
    said = CliRunner().invoke(
        app,
        ["municipality", "geometry", f"GM{gemeente:04d}", "--boundaries", str(path), "--register", str(tmp_path / "register.csv"),
         "--places", str(tmp_path / "places.csv"), "--out", str(tmp_path / "out")],
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    areas = release_geography.read(tmp_path / "out", gemeente, year=1)["areas"]
    count = {level: sum(a["level"] == level for a in areas) for level in ("gemeente", "wijk", "buurt")}
    assert count == {"gemeente": 1, "wijk": wijken, "buurt": buurten}
    book = AddressBook.read([tmp_path / "out"])
    assert len(book) == len(rows)
    per_buurt: dict[int, list[int]] = {}
    for area, found in book.per_area().items():
        per_buurt.setdefault(area // 100, []).append(found)
    assert len(per_buurt) == len({b for _, _, b in rows})
    assert all(len(found) == 1 or min(found) >= 200 for found in per_buurt.values())
    assert any(len(found) > 1 for found in per_buurt.values())
    sizes = {a["code"]: shape(json.loads(a["geometry"])).area for a in areas}
    inside = sum(sizes[a["code"]] for a in areas if a["level"] == "cluster")
    assert inside == pytest.approx(sum(sizes[f"BU{b:08d}"] for b in per_buurt), rel=0.001)
