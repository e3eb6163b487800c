"""The ground: buurten that tile a plane, postcodes, clusters of at least 200 addresses, special addresses.

A postcode here ends in SA, SD or SS, pairs that were never issued. Distances are in metres.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

LETTERS: Final = ("SA", "SD", "SS")
CLUSTER_ADDRESSES: Final = 200
_BUURT_ADDRESSES: Final = 450
_POSTCODE_ADDRESSES: Final = 18
_CELL_METRES: Final = 700.0
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Home:
    """One address. `kind`: home, instelling or gedeeld; `cluster` in its buurt, from 1."""

    id: int
    gemeente: int
    buurt: int
    cluster: int
    postcode: str
    number: int
    kind: str

    @property
    def area(self) -> str:
        """Code of its cluster."""
        return f"BU{self.buurt:08d}.{self.cluster:02d}"


@dataclass(slots=True)
class Buurt:
    """A buurt: code as integer, name, corners of its shape, its addresses."""

    code: int
    name: str
    corners: tuple[Point, Point, Point, Point]
    homes: list[Home] = field(default_factory=list)
    clusters: int = 1


@dataclass(slots=True)
class Municipality:
    """An invented municipality."""

    number: int
    name: str
    buurten: list[Buurt]

    @property
    def homes(self) -> list[Home]:
        """All addresses."""
        return [h for b in self.buurten for h in b.homes]


NAMES: Final = {9901: "Lindermonde", 9902: "Waarderhoek"}
_FIRST: Final = ("Eiken", "Linden", "Wilgen", "Beuken", "Vlier", "Hazel", "Meidoorn", "Elzen", "Iepen", "Esdoorn", "Berken", "Populier")
_LAST: Final = ("wijk", "kwartier", "hof", "veld", "oord", "gaard", "zoom", "park", "donk", "horst", "laar", "waard")


def make_municipalities(random: Random, addresses: int) -> list[Municipality]:
    """Both municipalities, about 60 and 40 percent of the addresses, side by side."""
    counter, taken = [0], set[tuple[str, int]]()
    first = max(2 * CLUSTER_ADDRESSES, int(addresses * 0.6))
    sizes = {9901: first, 9902: max(CLUSTER_ADDRESSES, addresses - first)}
    made, offset, postcode = [], 0.0, 0
    for number, size in sizes.items():
        municipality, postcode, width = _municipality(random, number, size, offset, postcode, counter, taken)
        made.append(municipality)
        offset += width
    return made


def _municipality(
    random: Random, number: int, size: int, offset: float, postcode: int, counter: list[int], taken: set[tuple[str, int]]
) -> tuple[Municipality, int, float]:
    count = max(2, round(size / _BUURT_ADDRESSES)) + 1  # one more: the business park
    columns = max(2, round(count**0.5))
    rows = -(-count // columns)
    grid = _grid(random, columns, rows, offset, rightmost=number == max(NAMES))
    buurten: list[Buurt] = []
    for index in range(count):
        column, row = index % columns, index // columns
        corners = (grid[row][column], grid[row][column + 1], grid[row + 1][column + 1], grid[row + 1][column])
        wijk = number * 100 + 1 + row
        name = f"{_FIRST[(index * 5 + number) % len(_FIRST)]}{_LAST[(index * 7 + row) % len(_LAST)]}"
        buurten.append(Buurt(wijk * 100 + column + 1, name, corners))
    buurten[-1].name = "Bedrijvenpark"
    per, left = size // (count - 1), size
    for index, buurt in enumerate(buurten):
        share = 6 if index == count - 1 else (left - 6 if index == count - 2 else int(per * random.uniform(0.7, 1.2)))
        share = max(6, min(share, left - 6)) if index < count - 1 else 6
        postcode = _fill(random, buurt, number, share, postcode, counter, taken)
        left -= share
    return Municipality(number, NAMES[number], buurten), postcode, columns * _CELL_METRES


def _grid(random: Random, columns: int, rows: int, offset: float, *, rightmost: bool) -> list[list[Point]]:
    """Corner points that neighbours share; the edge between the municipalities stays straight so that they fit."""
    wobble = _CELL_METRES * 0.18
    points = []
    for row in range(rows + 1):
        line = []
        for column in range(columns + 1):
            edge = column == 0 or (column == columns and not rightmost)
            dx = 0.0 if edge else random.uniform(-wobble, wobble)
            dy = 0.0 if edge else random.uniform(-wobble, wobble)
            line.append((round(offset + column * _CELL_METRES + dx, 1), round(row * _CELL_METRES + dy, 1)))
        points.append(line)
    return points


def _postcode(index: int) -> str:
    return f"{9000 + index % 1000}{LETTERS[index // 1000 % len(LETTERS)]}"


def _fill(
    random: Random, buurt: Buurt, gemeente: int, size: int, postcode: int, counter: list[int], taken: set[tuple[str, int]]
) -> int:
    """Give a buurt its addresses; every twelfth postcode goes on in the next buurt. Returns the next postcode index."""
    homes: list[tuple[str, int]] = []
    while len(homes) < size:
        street = min(_POSTCODE_ADDRESSES + random.randrange(-4, 5), size - len(homes))
        code = _postcode(postcode)
        base = 1 if postcode % 12 else 101
        homes += [(code, base + 2 * i) for i in range(street)]
        postcode += 1
    if postcode % 12 == 0:
        postcode -= 1  # the next buurt begins in the last postcode of this one, with other house numbers
    cluster, inside, last_code = 1, 0, ""
    clusters: list[int] = []
    for code, _ in homes:
        if code != last_code and inside >= CLUSTER_ADDRESSES:
            cluster, inside = cluster + 1, 0
        last_code = code
        inside += 1
        clusters.append(cluster)
    if cluster > 1 and inside < CLUSTER_ADDRESSES:
        clusters = [min(c, cluster - 1) for c in clusters]
    buurt.clusters = max(clusters)
    for (code, number), own in zip(homes, clusters, strict=True):
        house = number
        while (code, house) in taken:
            house += 200
        taken.add((code, house))
        buurt.homes.append(Home(counter[0], gemeente, buurt.code, own, code, house, _kind(random, len(buurt.homes))))
        counter[0] += 1
    return postcode


def _kind(random: Random, index: int) -> str:
    if index == 5:
        return "instelling"
    return "gedeeld" if random.random() < 0.006 else "home"


def ring(buurt: Buurt, part: int = 0, parts: int = 1) -> list[list[float]]:
    """The closed outline of a buurt, or of strip `part` of `parts` of it (a cluster)."""
    a, b, c, d = buurt.corners

    def between(p: Point, q: Point, share: float) -> list[float]:
        return [round(p[0] + (q[0] - p[0]) * share, 1), round(p[1] + (q[1] - p[1]) * share, 1)]

    low, high = part / parts, (part + 1) / parts
    outline = [between(a, d, low), between(b, c, low), between(b, c, high), between(a, d, high)]
    return [*outline, outline[0]]
