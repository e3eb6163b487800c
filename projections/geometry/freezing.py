"""Keeps clusters as they were drawn, for five years: new postcodes join a neighbour, and what fell below 200 addresses goes up in one.

A cluster is never split and never loses a postcode to another. Its number is never given to another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from projections.geometry.clusters import LEAST_ADDRESSES, MOST_CLUSTERS, Neighbours, Streets, choose, draw, in_order
from schemas.errors import SettingsWrong

FROZEN_YEARS: Final = 5
Part = tuple[str, int]
"""A postcode as far as it lies in one buurt: postcode, buurt number."""


@dataclass(slots=True)
class Drawn:
    """Clusters as a folder has them. `clusters`: part -> number in its buurt; `since`: part -> year of the boundaries they were drawn on.

    `gone`: area integers of clusters there are no more, whose numbers stay unused -> the one it went up in, 0 where all was drawn anew.
    """

    clusters: dict[Part, int] = field(default_factory=dict)
    since: dict[Part, int] = field(default_factory=dict)
    gone: dict[int, int] = field(default_factory=dict)

    def may_be_redrawn_from(self) -> int:
        """The first year with whose boundaries clusters may be drawn anew; 0 where there are none."""
        return max(self.since.values(), default=-FROZEN_YEARS) + FROZEN_YEARS

    def let_go(self) -> Drawn:
        """No clusters, so that all are drawn anew; the numbers there were stay unused."""
        return Drawn(gone=self.gone | {b * 100 + n: 0 for (_, b), n in sorted(self.clusters.items())})


@dataclass(slots=True)
class Cut:
    """The clusters of one buurt: postcode -> number, and what happened to them."""

    numbers: dict[str, int]
    since: dict[str, int]
    joined: list[str] = field(default_factory=list)
    merged: dict[int, int] = field(default_factory=dict)
    """Number of a cluster that went up in another -> the other's."""
    is_new: bool = False


def cut_buurt(
    buurt: int, addresses: Mapping[str, int], neighbours: Neighbours, streets: Streets, *, by_place: bool, year: int, before: Drawn, parts: Collection[Part],
) -> Cut:  # fmt: skip
    """Clusters of one buurt: as `before`, else drawn. `addresses`: per postcode in this buurt; `year` of the boundaries; `parts`: all there are now."""
    labels = _labels(buurt, addresses, before, parts)
    if not labels:
        drawn = draw(addresses, neighbours, streets) if by_place else in_order(addresses)
        numbers = {p: n for n, cluster in enumerate(drawn, _first_free(buurt, before, {})) for p in cluster}
        _check_numbers(buurt, numbers)
        return Cut(numbers, dict.fromkeys(numbers, year), is_new=True)
    numbers = _numbered(buurt, labels, before)
    _check_numbers(buurt, numbers)
    joined = _join(numbers, addresses, neighbours)
    merged = _merge(numbers, addresses, neighbours, streets)
    since = _years(numbers, labels, before, year)
    return Cut(numbers, since, joined, merged)


def _check_numbers(buurt: int, numbers: Mapping[str, int]) -> None:
    if max(numbers.values()) > MOST_CLUSTERS:
        msg = f"BU{buurt:08d} has had {MOST_CLUSTERS} clusters, and their numbers are never given again. Begin in another folder, with a zone of its own."
        raise SettingsWrong(msg)


def _labels(buurt: int, postcodes: Iterable[str], before: Drawn, parts: Collection[Part]) -> dict[str, int]:
    """Postcode -> area integer of the cluster it was in: in this buurt, or, where boundaries changed, in the one other it left."""
    left: dict[str, list[int]] = defaultdict(list)
    for (postcode, other), number in before.clusters.items():
        if other == buurt or (postcode, other) not in parts:
            left[postcode].append(other * 100 + number)
    found: dict[str, int] = {}
    for postcode in sorted(postcodes):
        own = [a for a in left[postcode] if a // 100 == buurt] or left[postcode]
        if len(own) == 1:
            found[postcode] = own[0]
    return found


def _first_free(buurt: int, before: Drawn, numbers: Mapping[str, int]) -> int:
    used = [n for (_, b), n in before.clusters.items() if b == buurt]
    used += [area % 100 for area in before.gone if area // 100 == buurt]
    return max([*used, *numbers.values()], default=0) + 1


def _numbered(buurt: int, labels: Mapping[str, int], before: Drawn) -> dict[str, int]:
    """Own clusters keep their number; one that came from another buurt gets the next that was never used."""
    numbers = {p: area % 100 for p, area in labels.items() if area // 100 == buurt}
    for area in sorted({a for a in labels.values() if a // 100 != buurt}):
        free = _first_free(buurt, before, numbers)
        numbers |= {p: free for p, a in labels.items() if a == area}
    return dict(sorted(numbers.items()))


def _join(numbers: dict[str, int], addresses: Mapping[str, int], neighbours: Neighbours) -> list[str]:
    """Give each new postcode the cluster of a neighbour, the one with the fewest addresses; returns which they were."""
    size: Counter[int] = Counter()
    for postcode, number in numbers.items():
        size[number] += addresses[postcode]
    new = [p for p in sorted(addresses) if p not in numbers]
    left = list(new)
    while left:
        postcode = next(p for p in left if any(n in numbers for n in neighbours[p]))
        number = min({numbers[n] for n in neighbours[postcode] if n in numbers}, key=lambda n: (size[n], n))
        numbers[postcode] = number
        size[number] += addresses[postcode]
        left.remove(postcode)
    return new


def _merge(
    numbers: dict[str, int], addresses: Mapping[str, int], neighbours: Neighbours, streets: Streets
) -> dict[int, int]:
    """Let what is below 200 addresses go up in a neighbour, smallest first; a buurt's last cluster stays. Returns from -> into."""
    groups: dict[str, set[str]] = {}
    for postcode, number in numbers.items():
        groups.setdefault(f"{number:02d}", set()).add(postcode)
    size = {g: sum(addresses[p] for p in own) for g, own in groups.items()}
    merged: dict[int, int] = {}
    while len(groups) > 1:
        smallest = min(groups, key=lambda g: (size[g], g))
        if size[smallest] >= LEAST_ADDRESSES and len(groups) <= MOST_CLUSTERS:
            break
        into = choose(smallest, groups, size, neighbours=neighbours, streets=streets)
        moved = groups.pop(smallest)
        groups[into] |= moved
        size[into] += size.pop(smallest)
        merged |= dict.fromkeys([int(smallest), *(f for f, i in merged.items() if i == int(smallest))], int(into))
        numbers |= dict.fromkeys(moved, int(into))
    return dict(sorted(merged.items()))


def _years(numbers: Mapping[str, int], labels: Mapping[str, int], before: Drawn, year: int) -> dict[str, int]:
    """Per postcode since when its cluster stands: the newest year of what it was made of, so that freezing is never shortened."""
    of_area = {b * 100 + n: before.since[p, b] for (p, b), n in sorted(before.clusters.items())}
    newest: dict[int, int] = {}
    for postcode, area in labels.items():
        number = numbers[postcode]
        newest[number] = max(newest.get(number, 0), of_area.get(area, year))
    return {p: newest.get(number, year) for p, number in numbers.items()}
