"""Streets and clusters: which street runs through which cluster, and which streets are whole clusters, so that a figure of them is a sum."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from schemas.geography import area_number, is_street, parent_code, street_code

Address = tuple[str, int]

UNKNOWN_STREET: Final = "(straat onbekend)"
"""Stands for addresses whose street no file tells, so that their cluster is never taken for part of one street."""


def streets_of(addresses: Iterable[Address], known: Mapping[Address, str]) -> dict[Address, str]:
    """The street of every address: as told, else that of its postcode where all the told ones are on one street, else unknown."""
    rows = list(addresses)
    of_postcode: dict[str, set[str]] = defaultdict(set)
    for (postcode, _), street in known.items():
        of_postcode[postcode].add(street)
    alone = {p: next(iter(found)) for p, found in of_postcode.items() if len(found) == 1}
    return {a: known.get(a) or alone.get(a[0]) or UNKNOWN_STREET for a in rows}


def street_pairs(streets: Mapping[Address, str], cluster_of: Mapping[Address, str]) -> list[tuple[str, str]]:
    """(street, cluster code) for each cluster a street runs through, in order."""
    return sorted({(street, cluster_of[a]) for a, street in streets.items()})


def whole_streets(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Streets that consist of whole clusters -> the codes of these clusters: no address of another street lies in any of them.

    `pairs`: (street, cluster code) as published. Such a street's total is the sum of its clusters, so it tells nothing that they do not.
    """
    clusters: dict[str, set[str]] = defaultdict(set)
    streets: dict[str, set[str]] = defaultdict(set)
    for street, cluster in pairs:
        clusters[street].add(cluster)
        streets[cluster].add(street)
    return {
        street: sorted(own)
        for street, own in sorted(clusters.items())
        if street != UNKNOWN_STREET and all(streets[c] == {street} for c in own)
    }


def figures_of_streets(pairs: Iterable[tuple[str, str]], clusters: Iterable[str]) -> dict[str, str]:
    """Street -> code of the area whose figure is its total: a cluster, a whole buurt, else a street of its own. Streets without one are left out.

    `pairs`: (street, cluster code) as published; `clusters`: codes of all. Streets of two buurten are left out, since streets of the same name in two
    villages of a municipality can't be told from them.
    """
    in_buurt, found = Counter(_buurt(c) for c in clusters), {}
    for street, own in whole_streets(pairs).items():
        if len(own) == 1:
            found[street] = own[0]
        elif len({_buurt(c) for c in own}) == 1:
            all_of_it = len(own) == in_buurt[_buurt(own[0])]
            found[street] = _buurt(own[0]) if all_of_it else street_code([area_number(c) for c in own])
    return found


def street_cells(pairs: Iterable[tuple[str, str]], clusters: Iterable[str]) -> dict[str, str]:
    """Code -> name of the streets with a cell of their own: two or more whole clusters of one buurt, and not all there are in it."""
    return {code: name for name, code in figures_of_streets(pairs, clusters).items() if is_street(code)}


def street_cells_of(geography: Mapping[str, Any]) -> dict[str, str]:
    """The same of a `published_geography` datum."""
    pairs = ((s["name"], s["cluster"]) for s in geography["streets"])
    return street_cells(pairs, [a["code"] for a in geography["areas"] if a["level"] == "cluster"])


def _buurt(cluster: str) -> str:
    return str(parent_code(cluster))


def most_first(streets: Iterable[str]) -> list[str]:
    """The known streets of some addresses, the one with the most addresses first, then by name."""
    counted = Counter(s for s in streets if s != UNKNOWN_STREET)
    return sorted(counted, key=lambda s: (-counted[s], s))
