"""Streets of an invented municipality, and where each address lies. Names of trees and birds; never looks at care.

Made from the ground alone, with chance of its own, so that streets change nothing of people and care.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import product
from random import Random
from typing import Final

from producers.town.geography import Buurt, Home, Municipality
from producers.town.shapes import parts

_FIRST: Final = (
    "Merel", "Lijster", "Spreeuw", "Kievit", "Reiger", "Zwaluw", "Koekoek", "Leeuwerik", "Fazant", "Kwartel", "Sperwer", "Havik", "Wulp",
    "Grutto", "Tureluur", "Ooievaar", "Appel", "Peren", "Kersen", "Pruimen", "Noten", "Hulst", "Klimop", "Brem", "Heide", "Varen",
)  # fmt: skip
_LAST: Final = ("straat", "laan", "weg", "plein", "pad", "hof", "singel", "dreef", "kade", "steeg", "plantsoen", "dijk")
_WHOLE: Final = 0.25
"""Of clusters: those that are one long street."""
_LONG: Final = 2
_ROOM: Final = 3
"""Clusters of a buurt in which two are one street: so that the street is not the whole buurt."""
_POSTCODES: Final = (2, 3, 4, 6)


def street_names(municipality: Municipality) -> dict[str, str]:
    """Postcode -> its street. Streets run over a few postcodes in a row, some over a whole cluster, some from one buurt into the next, one or two over two clusters."""
    random = Random(f"streets/{municipality.number}/{len(municipality.buurten)}")  # noqa: S311 - reproducible on purpose, nothing secret
    names = [f"{a}{b}" for a, b in product(_FIRST, _LAST)]
    random.shuffle(names)
    found: dict[str, str] = {}
    given = 0
    for buurt in municipality.buurten:
        for cluster in range(1, buurt.clusters + 1):
            postcodes = list(dict.fromkeys(h.postcode for h in buurt.homes if h.cluster == cluster))
            left = len(postcodes) if random.random() < _WHOLE else 0
            for postcode in postcodes:
                if left == 0 or not given:
                    given, left = given + 1, left or random.choice(_POSTCODES)
                found.setdefault(postcode, _nth(names, given))
                left -= 1
            given += 1
    return found | _long_streets(municipality, found)


def _long_streets(municipality: Municipality, names: dict[str, str]) -> dict[str, str]:
    """Postcode -> name, of one street in each of the two largest buurten that have room: two clusters beside each other, all of both."""
    buurten_of = Counter(p for b in municipality.buurten for p in {h.postcode for h in b.homes})
    found: dict[str, str] = {}
    long = 0
    for buurt in sorted(municipality.buurten, key=lambda b: (-len(b.homes), b.code)):
        for cluster in range(1, buurt.clusters if buurt.clusters >= _ROOM and long < _LONG else 1):
            postcodes = [h.postcode for h in buurt.homes if h.cluster in (cluster, cluster + 1)]
            if all(buurten_of[p] == 1 for p in postcodes):
                found |= dict.fromkeys(postcodes, f"Lange {names[postcodes[0]]}")
                long += 1
                break
    return found


def _nth(names: list[str], nth: int) -> str:
    """The nth name; when all were used, again with a word before it."""
    again, at = divmod(nth, len(names))
    return f"{'' if not again else 'Nieuwe ' if again == 1 else f'{again}e '}{names[at]}"


def streets_of(buurt: Buurt, cluster: int, names: dict[str, str]) -> list[str]:
    """The streets of a cluster, the one with the most addresses first."""
    counted = Counter(names[h.postcode] for h in buurt.homes if h.cluster == cluster)
    return sorted(counted, key=lambda s: (-counted[s], s))


def cluster_names(municipality: Municipality, names: dict[str, str]) -> dict[tuple[int, int], str]:
    """(buurt, cluster) -> what it is called: at most three streets, and its postcodes where another is called the same."""
    called: dict[tuple[int, int], str] = {}
    for buurt in municipality.buurten:
        for cluster in range(1, buurt.clusters + 1):
            streets = streets_of(buurt, cluster, names)
            called[buurt.code, cluster] = ", ".join(streets[:3]) + (" e.o." if len(streets) > 3 else "")
    often = Counter(called.values())
    for buurt in municipality.buurten:
        for cluster in range(1, buurt.clusters + 1):
            own = sorted({h.postcode for h in buurt.homes if h.cluster == cluster})
            if often[called[buurt.code, cluster]] > 1:
                called[buurt.code, cluster] += f" ({own[0]}-{own[-1]})"
    return called


def spots(municipality: Municipality) -> list[tuple[Home, float, float]]:
    """Every address with its place in metres, inside the shape of its cluster: postcode after postcode along its cells."""
    made: list[tuple[Home, float, float]] = []
    for buurt in municipality.buurten:
        for cluster, cells in enumerate(parts(buurt.cells, buurt.clusters), 1):
            per_postcode: dict[str, list[Home]] = defaultdict(list)
            for home in buurt.homes:
                if home.cluster == cluster:
                    per_postcode[home.postcode].append(home)
            for nth, homes in enumerate(per_postcode.values()):
                low, high = (n * len(cells) // len(per_postcode) for n in (nth, nth + 1))
                own = cells[low : max(high, low + 1)]
                for at, home in enumerate(homes):
                    place = (at + 0.5) / len(homes)
                    cell = own[min(len(own) - 1, int(place * len(own)))]
                    x, y = municipality.plane.inside(cell, 0.2 + 0.6 * place, 0.2 + 0.6 * (nth % 3 / 2))
                    made.append((home, x, y))
    return made
