"""An invented municipality for tests of the ground: square buurten in RD metres, postcodes in a grid inside each, files of all of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from deploy.cli import app

GEMEENTE, YEAR = 9901, 2025
WEST, SOUTH, SIDE = 150_000.0, 520_000.0, 500.0
LETTERS = "ABCDEGHJKLMNPRSTVWXZ"


def buurt(wijk: int, nth: int) -> int:
    return GEMEENTE * 10_000 + wijk * 100 + nth


def square(x: float, y: float, side: float = SIDE) -> dict[str, Any]:
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(number: int, nth: int = 0, **more: Any) -> dict[str, Any]:
    """A CBS buurt, the `nth` in a row of squares."""
    properties = {
        "buurtcode": f"BU{number:08d}",
        "buurtnaam": f"Buurt {number % 100}",
        "gemeentenaam": "Lindermonde",
        "jaar": YEAR,
    } | more
    return {"type": "Feature", "properties": properties, "geometry": square(WEST + nth * SIDE, SOUTH)}


def collection(features: Iterable[dict[str, Any]], **members: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)} | members)


BUURTEN = (buurt(1, 1), buurt(1, 2), buurt(2, 1))


def boundaries() -> str:
    return collection([feature(b, n) for n, b in enumerate(BUURTEN)])


def postcode(nth: int) -> str:
    return f"{9000 + nth // 400}{LETTERS[nth // 20 % 20]}{LETTERS[nth % 20]}"


def addresses(
    per_buurt: Mapping[int, int] | None = None, *, each: int = 20, first: int = 0
) -> list[tuple[str, int, int]]:
    """(postcode, number, buurt): so many postcodes per buurt, `each` with so many addresses."""
    rows, nth = [], first
    for number, count in (per_buurt or dict.fromkeys(BUURTEN, 36)).items():
        for _ in range(count):
            rows += [(postcode(nth), 2 * house + 1, number) for house in range(each)]
            nth += 1
    return rows


def register(rows: Iterable[tuple[str, int, int]], year: int = YEAR) -> str:
    head = f"PC6;Huisnummer;Buurt{year};Wijk{year};Gemeente{year}\n"
    return head + "".join(f"{p};{n};{b};{b // 100};{b // 10_000}\n" for p, n, b in rows)


def spots(rows: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, str, float, float]]:
    """(postcode, number, street, x, y): the postcodes of a buurt in a grid of six by six, two rows of them to a street."""
    order: dict[int, list[str]] = {}
    for code, _, number in rows:
        own = order.setdefault(number, [])
        if code not in own:
            own.append(code)
    made = []
    for code, house, number in rows:
        nth = order[number].index(code)
        x, y = WEST + BUURTEN.index(number) * SIDE + 40 + nth % 6 * 80, SOUTH + 40 + nth // 6 % 6 * 80
        made.append((code, house, f"Laan {number % 1000}-{nth // 12}", x + house % 7 * 3, y + house // 7 * 3))
    return made


def extract(rows: Iterable[tuple[str, int, str, float, float]]) -> str:
    return "postcode;huisnummer;straat;x;y\n" + "".join(f"{p};{n};{s};{x};{y}\n" for p, n, s, x, y in rows)


def population(year: int = YEAR) -> str:
    codes = [f"GM{GEMEENTE}", f"WK{GEMEENTE}01", f"WK{GEMEENTE}02", *(f"BU{b:08d}" for b in BUURTEN)]
    people = [4800, 3200, 1600, 1600, 1600, 1600]
    rows = [f"{c};{year};{n};{n // 5};{n // 10};{n // 2}\n" for c, n in zip(codes, people, strict=True)]
    return "gebied;jaar;inwoners;jonger dan 18;75 en ouder;huishoudens\n" + "".join(rows)


class Files:
    """The files of one municipality in a folder, and the command on them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"
        folder.mkdir(parents=True, exist_ok=True)
        self.write("boundaries.geojson", boundaries())
        self.write("register.csv", register(addresses()))

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    @property
    def words(self) -> list[str]:
        """What is typed to draw them."""
        words = [
            "municipality",
            "geometry",
            f"GM{GEMEENTE}",
            "--register",
            str(self.folder / "register.csv"),
            "--out",
            str(self.out),
        ]
        options = {
            "boundaries.geojson": "--boundaries",
            "places.csv": "--places",
            "places.geojson": "--places",
            "population.csv": "--population",
        }
        for name, option in options.items():
            words += [option, str(self.folder / name)] if (self.folder / name).exists() else []
        return words

    def run(self, *more: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(app, [*self.words, *more], input=answer)

    def refused(self, *more: str) -> str:
        """The sentence with which it is refused; nothing is written."""
        result = self.run(*more)
        assert result.exit_code == 2, result.output
        assert not self.out.exists()
        assert "Traceback" not in result.output
        return " ".join(result.output.split())

    def geojson(self) -> dict[str, Any]:
        return json.loads((self.out / "geography.geojson").read_text("utf-8"))

    def clusters(self) -> dict[str, list[str]]:
        """Cluster code -> its postcodes."""
        found = {}
        for one in self.geojson()["features"]:
            if one["properties"]["level"] == "cluster":
                found[one["properties"]["code"]] = one["properties"]["postcodes"]
        return found
