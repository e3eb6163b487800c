"""A municipality's ground put together: areas with shapes, people and names, clusters kept or drawn, streets; and what is worth saying of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import shapely

from projections.geometry.boundaries import Boundaries
from projections.geometry.clusters import LEAST_ADDRESSES
from projections.geometry.freezing import Cut, Drawn, cut_buurt
from projections.geometry.names import by_postcodes, by_streets, told_apart
from projections.geometry.neighbours import Layout, by_alphabet, from_areas, from_points
from projections.geometry.places import Places, Point
from projections.geometry.population import People, Population
from projections.geometry.register import Register
from projections.geometry.streets import Address, most_first, street_pairs, streets_of
from schemas.geography import area_code, gemeente_code

Tell = Callable[[int, int], None]
"""How many buurten are done, of how many."""
NOBODY: Final = People()


@dataclass(frozen=True, slots=True)
class Area:
    """One area. `shape` in RD metres, None where it is not drawn; `postcodes` and `addresses` of a cluster, else empty and 0."""

    code: str
    name: str
    level: str
    parent: str
    shape: Any
    people: People = NOBODY
    postcodes: tuple[str, ...] = ()
    addresses: int = 0


@dataclass(slots=True)
class Ground:
    """All of one municipality. `streets`: (street, cluster code), empty where no street is known; `cuts`: per buurt number."""

    gemeente: int
    name: str
    year: int
    population_year: int | None
    areas: list[Area]
    streets: list[tuple[str, str]]
    cuts: dict[int, Cut]
    register: Register
    gone: dict[int, int] = field(default_factory=dict)
    """Area integers of all clusters there ever were and are no more -> the one it went up in, or 0."""

    def at(self, level: str) -> list[Area]:
        """The areas at a level."""
        return [a for a in self.areas if a.level == level]


def put_together(
    boundaries: Boundaries, register: Register, places: Places, *, population: Population | None, before: Drawn,
    tell: Tell = lambda _done, _all: None,
) -> Ground:  # fmt: skip
    """The ground from what the files say; `before`: the clusters a folder has already, which are kept."""
    of_buurt = register.by_buurt()
    streets = streets_of(register.addresses, places.streets) if places.streets else {}
    on_street = _streets_per_postcode(streets)
    points = _points(register, places)
    parts = {(p, b) for b, own in of_buurt.items() for p in own}
    cuts: dict[int, Cut] = {}
    layouts: dict[int, Layout] = {}
    for done, (number, addresses) in enumerate(of_buurt.items()):
        tell(done, len(of_buurt))
        layouts[number] = layout = _layout(boundaries.buurten[number].shape, addresses, points.get(number, {}), places)
        cuts[number] = cut_buurt(
            number, addresses, layout.neighbours, on_street, by_place=layout.by_place, year=boundaries.year, before=before, parts=parts
        )  # fmt: skip
    tell(len(of_buurt), len(of_buurt))
    cluster_of = {a: area_code(b * 100 + cuts[b].numbers[a[0]]) for a, b in register.addresses.items()}
    people = population.areas if population else {}
    areas = [*_upper(boundaries, people), *_clusters(boundaries, register, cuts, layouts, streets)]
    gone = before.gone | {b * 100 + n: b * 100 + into for b, cut in cuts.items() for n, into in cut.merged.items()}
    return Ground(
        boundaries.gemeente, boundaries.name, boundaries.year, population.year if population else None, areas,
        street_pairs(streets, cluster_of), cuts, register, gone,
    )  # fmt: skip


def _layout(shape: Any, addresses: Mapping[str, int], points: Mapping[str, list[Point]], places: Places) -> Layout:
    if places.areas:
        return from_areas(shape, places.areas, list(addresses))
    return from_points(shape, points, list(addresses)) if points else by_alphabet(list(addresses))


def _streets_per_postcode(streets: Mapping[Address, str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for (postcode, _), street in streets.items():
        found[postcode].add(street)
    return {p: frozenset(own) for p, own in found.items()}


def _points(register: Register, places: Places) -> dict[int, dict[str, list[Point]]]:
    """Buurt -> postcode -> where its addresses in that buurt are."""
    found: dict[int, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for address, point in sorted(places.points.items()):
        found[register.addresses[address]][address[0]].append(point)
    return found


def _upper(boundaries: Boundaries, people: Mapping[str, People]) -> list[Area]:
    """Gemeente, wijken and buurten; the first two are the union of their buurten."""
    gemeente, buurten = gemeente_code(boundaries.gemeente), boundaries.buurten.values()
    areas = [
        Area(gemeente, boundaries.name, "gemeente", "", shapely.union_all([b.shape for b in buurten]), people.get(gemeente, NOBODY))
    ]  # fmt: skip
    for number, name in sorted(boundaries.wijken.items()):
        code = f"WK{number:06d}"
        shape = shapely.union_all([b.shape for b in buurten if b.number // 100 == number])
        areas.append(Area(code, name, "wijk", gemeente, shape, people.get(code, NOBODY)))
    areas += [
        Area(b.code, b.name, "buurt", f"WK{b.number // 100:06d}", b.shape, people.get(b.code, NOBODY)) for b in buurten
    ]
    return areas


def _clusters(
    boundaries: Boundaries, register: Register, cuts: Mapping[int, Cut], layouts: Mapping[int, Layout], streets: Mapping[Address, str]
) -> list[Area]:  # fmt: skip
    inside: dict[int, list[str]] = defaultdict(list)
    for address, street in streets.items():
        at = register.addresses[address]
        inside[at * 100 + cuts[at].numbers[address[0]]].append(street)
    names: dict[str, tuple[str, str]] = {}
    made: list[Area] = []
    for number, addresses in register.by_buurt().items():
        buurt, members = boundaries.buurten[number], defaultdict[int, list[str]](list)
        for postcode, cluster in sorted(cuts[number].numbers.items()):
            members[cluster].append(postcode)
        for cluster, own in sorted(members.items()):
            code = area_code(number * 100 + cluster)
            shapes = [layouts[number].shapes[p] for p in own if p in layouts[number].shapes]
            shape = buurt.shape if len(members) == 1 else shapely.union_all(shapes) if shapes else None
            by_street = by_streets(most_first(inside[number * 100 + cluster]))
            names[code] = (by_street, f"{buurt.name} {by_postcodes(own, list(addresses))}")
            made.append(
                Area(code, "", "cluster", buurt.code, shape, NOBODY, tuple(own), sum(addresses[p] for p in own))
            )
    called = told_apart(names)
    return [Area(a.code, called[a.code], a.level, a.parent, a.shape, a.people, a.postcodes, a.addresses) for a in made]


def remarks(ground: Ground, places: Places) -> list[str]:
    """What whoever draws it should know: sentences, in order, each only where it holds."""
    clusters = ground.at("cluster")
    counted = Counter(a.parent for a in clusters)
    empty = [b.code for b in ground.at("buurt") if b.code not in counted]
    small = [a.code for a in clusters if a.addresses < LEAST_ADDRESSES]
    undrawn = [a.code for a in clusters if a.shape is None]
    several = ground.register.in_several_buurten()
    placeless = sum(1 for a in ground.register.addresses if places.points and a not in places.points)
    unknown = [a.code for a in ground.areas if a.level != "cluster" and a.people.inhabitants is None]
    said = [
        (empty, f"Buurten without an address, and so without a cluster: {_some(empty)}."),
        (small, f"Buurten with fewer than {LEAST_ADDRESSES} addresses, which are one cluster: {_some(small)}."),
        (undrawn, f"Clusters listed and not drawn, since no file says where their postcodes lie: {_some(undrawn)}."),
        (several, f"Postcodes in two or more buurten, of which each address counts in its own: {_some(several)}."),
        (placeless, f"Addresses of the register that are not in the file with places: {placeless}."),
        (ground.population_year and unknown, f"Areas without a number of inhabitants, and so without rates: {_some(unknown)}."),
    ]  # fmt: skip
    return [sentence for found, sentence in said if found]


def _some(codes: list[str]) -> str:
    return f"{len(codes)} ({', '.join(codes[:5])}{', ...' if len(codes) > 5 else ''})"
