"""Who lives where and gets what: persons in care, their household, address and arrangements. Every BSN is a test BSN.

Amounts are lognormal with sigma 1.88, so that about three percent of the households have half of the money.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import Final

from producers.town.geography import Home, Municipality
from producers.town.providers import PROVIDERS, TARIFFS, Provider
from schemas.care import CARE_TYPE_BY_CODE
from schemas.secrets import passes_eleven_test

SIGMA: Final = 1.88
_MEDIAN_CENTS: Final = 9_000
"""Median of one arrangement's month."""
_MAX_MONTH_CENTS: Final = 4_000_000


def test_bsns() -> list[str]:
    """The 9,091 BSNs that are reserved for tests."""
    return [text for n in range(999_900_006, 999_999_991) if passes_eleven_test(text := f"{n:09d}")]


@dataclass(slots=True)
class Arrangement:
    """Care one person gets of one provider from month `first` until month `last` (indexes), about `cents` a month."""

    care: str
    provider: Provider
    first: int
    last: int
    cents: int
    assignment: str


@dataclass(slots=True)
class Person:
    """A person in care. `known`: how the zone learns the address: residence, messages, nothing."""

    id: int
    bsn: str
    youth: bool
    home: Home
    secret: bool
    known: str
    known_from_month: int = 0
    arrangements: list[Arrangement] = field(default_factory=list)
    move_month: int | None = None
    move_to: Home | None = None
    move_known_month: int = 0
    parent: int | None = None
    linked_month: int = 0
    placed_step: int | None = None
    """Of someone known through messages: the first step in which a 301 or a spreadsheet names the address."""


_ADULT: Final = (
    ("wmo-01", 34), ("wmo-02", 16), ("wmo-07", 9), ("wmo-03", 4), ("wmo-08", 5), ("wmo-11", 2), ("wmo-12", 2), ("wmo-13", 2),
    ("wmo-14", 2), ("wmo-15", 1.5), ("wmo-16", 1), ("pw-bijstand", 18), ("pw-bijzondere-bijstand", 5), ("pw-reintegratie", 5),
    ("pw-beschut-werk", 3), ("zvw-wijkverpleging", 22), ("zvw-eerstelijnsverblijf", 1), ("zvw-ggz", 8), ("zvw-overig", 2),
    ("wlz-thuis", 4), ("wlz-verblijf", 2), ("wlz-ggz", 1.5), ("wmo-pgb", 4), ("wmo-09", 2),
)  # fmt: skip
_YOUTH: Final = (
    ("jw-45", 55), ("jw-41", 6), ("jw-42", 5), ("jw-43", 3), ("jw-44", 5), ("jw-47", 2), ("jw-48", 5), ("jw-50", 6), ("jw-51", 14),
    ("jw-54", 8), ("jw-pgb", 4),
)  # fmt: skip
_SERVICES: Final = (65, 34, 13, 4.5, 2, 1)


def make_people(random: Random, municipalities: list[Municipality], *, months: int) -> list[Person]:
    """Persons in care, at most as many as there are test BSNs (about 45 percent of the addresses if fewer)."""
    bsns = test_bsns()
    random.shuffle(bsns)
    homes = [h for m in municipalities for h in m.homes if h.kind == "home"]
    special = [h for m in municipalities for h in m.homes if h.kind != "home"]
    wanted = min(len(bsns), int((len(homes) + len(special)) * 0.4546))
    random.shuffle(homes)
    people: list[Person] = []
    spare = homes[len(homes) // 2 :]
    at = iter(homes[: len(homes) // 2])
    for home in special:
        people += [_person(random, len(people) + i, bsns, home, months) for i in range(3 if home.kind == "instelling" else 2)]
    while len(people) < wanted:
        home = next(at)
        size = random.choices((1, 2, 3, 4), (50, 30, 14, 6))[0]
        family = [_person(random, len(people) + i, bsns, home, months, youth=i >= 2 or random.random() < 0.2) for i in range(size)]
        secret = random.random() < 0.012
        for person in family:
            person.secret = secret
        _maybe_move(random, family, spare, months)
        _maybe_placed_elsewhere(random, family, spare, months)
        people += family
    return people[:wanted]


def _person(random: Random, index: int, bsns: list[str], home: Home, months: int, *, youth: bool = False) -> Person:
    draw = random.random()
    known = "residence" if draw < 0.86 else ("messages" if draw < 0.95 else "nothing")
    person = Person(index, bsns[index % len(bsns)], youth, home, secret=False, known=known)
    if known == "nothing" and months > 3 and random.random() < 0.5:
        person.known_from_month = random.randrange(2, months)
    count = random.choices(range(1, 7), _SERVICES)[0]
    table = _YOUTH if youth else _ADULT
    for care in dict.fromkeys(random.choices([c for c, _ in table], [w for _, w in table], k=count)):
        provider = _provider(random, care, home.gemeente)
        if provider is not None:
            person.arrangements.append(_arrangement(random, care, provider, months, index, len(person.arrangements)))
    return person


def _provider(random: Random, care: str, gemeente: int) -> Provider | None:
    able = [p for p in PROVIDERS if care in p.care and gemeente in p.municipalities]
    return random.choices(able, [p.weight for p in able])[0] if able else None


def _arrangement(random: Random, care: str, provider: Provider, months: int, person: int, nth: int) -> Arrangement:
    first = 0 if random.random() < 0.75 else random.randrange(months)
    last = months - 1 if random.random() < 0.7 else random.randrange(first, months)
    cents = min(_MAX_MONTH_CENTS, int(_MEDIAN_CENTS * math.exp(random.gauss(0, SIGMA))) + 1500)
    if CARE_TYPE_BY_CODE[care].code in TARIFFS:
        cents = max(cents, TARIFFS[care][1])
    return Arrangement(care, provider, first, last, cents, f"{(person * 10 + nth) % 10**9:d}")


def _maybe_move(random: Random, family: list[Person], spare: list[Home], months: int) -> None:
    if months < 3 or random.random() > 0.04 or any(p.known != "residence" for p in family):
        return
    month = random.randrange(1, months)
    target = random.choice(spare)
    known = min(months - 1, month + random.choice((0, 0, 0, 1, 2, 3)))
    for person in family:
        person.move_month, person.move_to, person.move_known_month = month, target, known


def _maybe_placed_elsewhere(random: Random, family: list[Person], spare: list[Home], months: int) -> None:
    children = [p for p in family[1:] if p.youth and p.known == "residence"]
    if not children or random.random() > 0.05 or family[0].known != "residence" or family[0].move_month is not None:
        return
    child = children[0]
    child.home = random.choice(spare)
    child.parent = family[0].id
    child.linked_month = random.randrange(min(2, months))
