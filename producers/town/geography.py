"""The ground: wijken and buurten, postcodes, clusters of at least 200 addresses, institutions and shared addresses.

A postcode here ends in SA, SD or SS, letters that are never issued; gemeente codes above GM99 are not in use. Never looks at care.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from random import Random
from typing import Final

from producers.town.shapes import Cell, Plane

LETTERS: Final = ("SA", "SD", "SS")
CLUSTER_ADDRESSES: Final = 200
_BUURT_ADDRESSES: Final = 450
_POSTCODE_ADDRESSES: Final = (16, 20)
_BUSINESS_PARK_ADDRESSES: Final = 6
_SHARED: Final = 0.006
_WITH_LETTER: Final = 0.04
NAMES: Final = {9901: "Lindermonde", 9902: "Waarderhoek"}
_SHARES: Final = {9901: 0.6, 9902: 0.4}
_FIRST: Final = ("Eiken", "Linden", "Wilgen", "Beuken", "Vlier", "Hazel", "Meidoorn", "Elzen", "Iepen", "Esdoorn", "Berken", "Populieren")  # fmt: skip
_LAST: Final = ("wijk", "kwartier", "hof", "veld", "oord", "gaard", "zoom", "park", "donk", "horst", "laar", "waard")


@dataclass(frozen=True, slots=True)
class Home:
    """One address. `kind`: home, instelling or gedeeld; `cluster` in its buurt, from 1."""

    id: int
    gemeente: int
    buurt: int
    cluster: int
    postcode: str
    number: int
    suffix: str
    kind: str

    @property
    def area(self) -> str:
        """Code of its cluster."""
        return f"BU{self.buurt:08d}.{self.cluster:02d}"


@dataclass(slots=True)
class Buurt:
    """A buurt: code as integer, name, the cells of its shape, its addresses in the order of their postcodes."""

    code: int
    name: str
    cells: list[Cell]
    homes: list[Home] = field(default_factory=list)
    clusters: int = 1


@dataclass(slots=True)
class Municipality:
    """An invented municipality and the plane its shapes lie in."""

    number: int
    name: str
    plane: Plane
    buurten: list[Buurt]

    @property
    def homes(self) -> list[Home]:
        """All addresses."""
        return [h for b in self.buurten for h in b.homes]


@dataclass(slots=True)
class _Street:
    """What is handed out over both municipalities: the next address and postcode, and house numbers in use."""

    addresses: int = 0
    postcode: int = 0
    taken: set[tuple[str, int]] = field(default_factory=set)

    def code(self) -> str:
        """The postcode in use: 9000SA, 9001SA, ... 9999SS, then from the start again with higher house numbers."""
        return f"{9000 + self.postcode % 1000}{LETTERS[self.postcode // 1000 % len(LETTERS)]}"


def make_municipalities(random: Random, addresses: int) -> list[Municipality]:
    """Both municipalities, about 60 and 40 percent of the addresses, side by side; at least two clusters' worth each."""
    street, offset = _Street(), 0.0
    made = []
    for number, share in _SHARES.items():
        size = max(CLUSTER_ADDRESSES, round(addresses * share))
        municipality = _municipality(random, number, size=size, offset=offset, street=street)
        _cut(municipality, CLUSTER_ADDRESSES)
        offset += municipality.plane.width_metres
        made.append(municipality)
    return made


def make_municipality(
    random: Random, number: int, *, addresses: int, least: int = CLUSTER_ADDRESSES, buurt: int = _BUURT_ADDRESSES
) -> Municipality:
    """One municipality alone, with clusters of at least so many addresses and buurten of so many on average."""
    made = _municipality(random, number, size=addresses, offset=0.0, street=_Street(), buurt=buurt)
    _cut(made, least)
    return made


def municipality_of(
    random: Random, number: int, buurten: Mapping[int, int], *, least: int = CLUSTER_ADDRESSES
) -> Municipality:
    """One with these buurten: code as integer -> addresses, none where it is a buurt without any. Without shapes."""
    made = Municipality(number, NAMES.get(number, str(number)), Plane(random, rows=[1], offset_metres=0.0), [])
    street = _Street()
    for code, size in sorted(buurten.items()):
        if size:
            made.buurten.append(buurt := Buurt(code, str(code), []))
            _fill(random, buurt, number, size=size, street=street)
    _cut(made, least)
    return made


def _municipality(
    random: Random, number: int, *, size: int, offset: float, street: _Street, buurt: int = _BUURT_ADDRESSES
) -> Municipality:
    count = max(2, round(size / buurt)) + 1  # one more: the business park
    wijken = max(2, round(count**0.5))
    rows = [count // wijken + (1 if r < count % wijken else 0) for r in range(wijken)]
    plane = Plane(random, rows=rows, offset_metres=offset)
    codes = [(number * 100 + r + 1) * 100 + n + 1 for r, inside in enumerate(rows) for n in range(inside)]
    names = [f"{a}{b}" for a, b in random.sample(list(product(_FIRST, _LAST)), count - 1)] + ["Bedrijvenpark"]
    sizes = _sizes(random, size - _BUSINESS_PARK_ADDRESSES, count - 1)
    municipality = Municipality(number, NAMES[number], plane, [])
    for code, name, cells, own in zip(codes, names, plane.blocks, [*sizes, _BUSINESS_PARK_ADDRESSES], strict=True):
        made = Buurt(code, name, cells)
        _fill(random, made, number, size=own, street=street)
        if random.random() < 0.3 and code != codes[-1]:
            street.postcode -= 1  # the next buurt begins in the last postcode of this one
        municipality.buurten.append(made)
    return municipality


def _sizes(random: Random, total: int, count: int) -> list[int]:
    """Addresses per buurt, uneven: from some dozens to twice the average."""
    weights = [random.uniform(0.15, 2.0) for _ in range(count)]
    sizes = [max(20, int(total * w / sum(weights))) for w in weights]
    sizes[sizes.index(max(sizes))] += total - sum(sizes)
    return sizes


def _fill(random: Random, buurt: Buurt, gemeente: int, *, size: int, street: _Street) -> None:
    """Give a buurt its addresses, postcode by postcode."""
    streets: list[tuple[str, int]] = []
    while (left := size - sum(n for _, n in streets)) > 0:
        streets.append((street.code(), min(left, random.randint(*_POSTCODE_ADDRESSES))))
        street.postcode += 1
    has_institution = random.random() < 0.45 and size > _BUSINESS_PARK_ADDRESSES
    for nth, (code, count) in enumerate(streets):
        for place in range(count):
            number, suffix = _house(random, street, code, before=buurt.homes[-1] if place else None)
            kind = "gedeeld" if random.random() < _SHARED else "home"
            if has_institution and (nth, place) == (0, 5):
                kind = "instelling"
            buurt.homes.append(Home(street.addresses, gemeente, buurt.code, 1, code, number, suffix, kind))
            street.addresses += 1


def _cut(municipality: Municipality, least: int) -> None:
    for buurt in municipality.buurten:
        _cut_buurt(buurt, least)


def _cut_buurt(buurt: Buurt, least: int) -> None:
    """Clusters between postcodes, by what the register counts: a postcode and number once, whatever letters it has."""
    numbers: dict[str, set[int]] = {}
    for home in buurt.homes:
        numbers.setdefault(home.postcode, set()).add(home.number)
    cluster, inside, left = 1, 0, sum(map(len, numbers.values()))
    cluster_of: dict[str, int] = {}
    for code, own in numbers.items():
        if inside >= least and left >= least:
            cluster, inside = cluster + 1, 0
        cluster_of[code] = cluster
        inside += len(own)
        left -= len(own)
    buurt.homes = [replace(h, cluster=cluster_of[h.postcode]) for h in buurt.homes]
    buurt.clusters = cluster


def _house(random: Random, street: _Street, code: str, *, before: Home | None) -> tuple[int, str]:
    """The next house number of a postcode; now and then the letter A on the number of the house before in this buurt.

    A postcode and number lie in one buurt only, as in the register.
    """
    if before is not None and not before.suffix and random.random() < _WITH_LETTER:
        return before.number, "A"
    number = 1 if before is None else before.number + 2
    while (code, number) in street.taken:
        number += 100
    street.taken.add((code, number))
    return number, ""
