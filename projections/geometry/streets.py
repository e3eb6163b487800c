"""Streets and clusters: which street runs through which cluster, and which streets are whole clusters, so that a figure of them is a sum."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

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


def most_first(streets: Iterable[str]) -> list[str]:
    """The known streets of some addresses, the one with the most addresses first, then by name."""
    counted = Counter(s for s in streets if s != UNKNOWN_STREET)
    return sorted(counted, key=lambda s: (-counted[s], s))
