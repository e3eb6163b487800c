"""Draws the clusters of one buurt: neighbouring postcodes, at least 200 addresses each by the register. Never looks at care.

A buurt with fewer addresses is one cluster. The same postcodes give the same clusters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

LEAST_ADDRESSES: Final = 200
MOST_CLUSTERS: Final = 99
"""A cluster's number has two digits."""

Neighbours = Mapping[str, set[str]]
Streets = Mapping[str, frozenset[str]]
"""Postcode -> the streets it is on."""
_NONE: Final = frozenset[str]()


def in_order(addresses: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Clusters of postcodes in alphabetical order; `addresses`: per postcode in this buurt."""
    made: list[list[str]] = [[]]
    inside, left = 0, sum(addresses.values())
    least = max(LEAST_ADDRESSES, -(-left // MOST_CLUSTERS))
    for postcode in sorted(addresses):
        if inside >= least and left >= least:
            made.append([])
            inside = 0
        made[-1].append(postcode)
        inside += addresses[postcode]
        left -= addresses[postcode]
    return [tuple(c) for c in made if c]


def draw(addresses: Mapping[str, int], neighbours: Neighbours, streets: Streets) -> list[tuple[str, ...]]:
    """Clusters of neighbouring postcodes, by their first postcode; `neighbours` must hang together.

    One grows after the other, from the edge of what is left until it is large enough: along a street first, then where it stays round.
    What it cuts off and is too small by itself goes with it.
    """
    least = max(LEAST_ADDRESSES, -(-sum(addresses.values()) // MOST_CLUSTERS))
    left, made = set(addresses), list[set[str]]()
    while left:
        inside, size = set[str](), 0
        while left and size < least:
            taken = _next(inside, left, neighbours, streets)
            inside.add(taken)
            left.remove(taken)
            size += addresses[taken]
        for cut_off in _apart(left, neighbours):
            if sum(addresses[p] for p in cut_off) < least:
                inside |= cut_off
                left -= cut_off
        made.append(inside)
    return sorted(tuple(sorted(m)) for m in made)


def _next(inside: set[str], left: set[str], neighbours: Neighbours, streets: Streets) -> str:
    """The postcode a cluster takes next: one on its streets, with the most neighbours in it and the fewest left outside; by name."""
    own = _streets(inside, streets)
    beside = {n for p in inside for n in neighbours[p]} & left
    return min(
        beside or left,
        key=lambda p: (not own & streets.get(p, _NONE), -len(neighbours[p] & inside), len(neighbours[p] & left), p),
    )


def _apart(left: set[str], neighbours: Neighbours) -> list[set[str]]:
    """What is left, in parts that hang together."""
    parts, todo = list[set[str]](), set(left)
    while todo:
        part, edge = set[str](), {min(todo)}
        while edge:
            part |= edge
            edge = {n for p in edge for n in neighbours[p]} & todo - part
        parts.append(part)
        todo -= part
    return parts


def choose(
    group: str, groups: Mapping[str, set[str]], size: Mapping[str, int], *, neighbours: Neighbours, streets: Streets
) -> str:
    """The neighbour a group joins: on the same street first, then the one with the fewest addresses, then by name."""
    around = {n for p in groups[group] for n in neighbours[p]}
    own = _streets(groups[group], streets)
    beside = [g for g, members in groups.items() if g != group and members & around]
    return min(beside, key=lambda g: (not own & _streets(groups[g], streets), size[g], g))


def _streets(postcodes: set[str] | Sequence[str], streets: Streets) -> frozenset[str]:
    return frozenset().union(*(streets.get(p, _NONE) for p in postcodes))
