"""Who lives where and gets what: households, their persons in care and each arrangement. Every BSN is a test BSN.

Only persons in care exist here; the rest of a household is only there as chances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Final

from producers.town import care_mix
from producers.town.geography import Home, Municipality
from producers.town.providers import TARIFFS, Provider
from producers.town.scale import AS_IT_STANDS, Scale
from schemas.secrets import passes_eleven_test

_THIS_YEAR: Final = 2025
_SIZES: Final = (38, 33, 12, 12, 4, 1)
"""Households of 1 to 6 persons, in percent."""


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
    """A person in care. `known`: how the zone learns the address: residence, messages, nothing.

    `known_from_month`: month in which a residence file first names the person; of `nothing`, 0 means never.
    """

    id: int
    bsn: str
    birth_year: int
    home: Home
    secret: bool = False
    known: str = "residence"
    known_from_month: int = 0
    arrangements: list[Arrangement] = field(default_factory=list)
    move_month: int | None = None
    move_to: Home | None = None
    move_known_month: int = 0
    parent: int | None = None
    linked_month: int = 0

    @property
    def born(self) -> str:
        """Day of birth, `YYYY-MM-DD`."""
        return f"{self.birth_year}-{1 + self.id % 12:02d}-{1 + self.id % 28:02d}"

    @property
    def youth(self) -> bool:
        """Whether the Jeugdwet is for this person."""
        return self.birth_year > _THIS_YEAR - 18


@cache
def test_bsns() -> tuple[str, ...]:
    """The 9,091 BSNs that are reserved for tests."""
    return tuple(text for n in range(999_900_006, 999_999_991) if passes_eleven_test(text := f"{n:09d}"))


@dataclass(slots=True)
class _Draft:
    """A household in care before it has numbers: birth year and kinds of care of each member in care."""

    home: Home
    members: list[tuple[int, list[str]]]
    year_cents: int


def make_people(
    random: Random, municipalities: list[Municipality], *, months: int, scale: Scale = AS_IT_STANDS
) -> list[Person]:
    """Persons in care, at most as many as there are test BSNs. Whoever shares a home shares a household."""
    homes = [h for m in municipalities for h in m.homes]
    wanted = min(len(test_bsns()), round(len(homes) * scale.persons_per_address))
    drafts = [d for h in homes if h.kind != "home" for d in _special(random, h)]
    ordinary = [h for h in homes if h.kind == "home"]
    random.shuffle(ordinary)
    spare, lived_in = ordinary[: len(ordinary) // 20], ordinary[len(ordinary) // 20 :]
    drafts += [d for h in lived_in if (d := _household(random, h)).members]
    _fill(random, drafts, lived_in, wanted=wanted)
    if scale.of_all:
        _less_uneven(drafts, scale.sigma(len(drafts) / len(homes)))
    providers = scale.providers()
    with_youth = [d.year_cents for d in drafts if any(_is_youth(b) for b, _ in d.members)]
    stay_from = _quantile(with_youth, 1 - care_mix.YOUTH_WITH_STAY)
    random.shuffle(drafts)
    bsns = _numbers(random)
    people: list[Person] = []
    for draft in drafts:
        if len(people) + len(draft.members) > wanted:
            continue
        family = [
            Person(len(people) + n, bsns[len(people) + n], birth, draft.home)
            for n, (birth, _) in enumerate(draft.members)
        ]
        _give_care(random, draft, family, providers, months=months, stay_from=stay_from)
        _settle(random, family, spare, months=months)
        people += family
    return people


def _numbers(random: Random) -> list[str]:
    bsns = list(test_bsns())
    random.shuffle(bsns)
    return bsns


def _is_youth(birth_year: int) -> bool:
    return birth_year > _THIS_YEAR - 18


def _quantile(values: list[int], share: float) -> int:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0


def _special(random: Random, home: Home) -> list[_Draft]:
    """Everybody at an institution or a shared address is a household of one."""
    count = random.randint(6, 14) if home.kind == "instelling" else random.randint(2, 4)
    mix = care_mix.INSTITUTION if home.kind == "instelling" else (*care_mix.WMO, *care_mix.ASSISTANCE)
    return [
        _Draft(home, [(random.randint(1930, 1990), [care_mix.one_of(random, mix)])], care_mix.year_cents(random))
        for _ in range(count)
    ]  # fmt: skip


def _household(random: Random, home: Home) -> _Draft:
    """The members of one household who are in care, which may be none."""
    size = random.choices(range(1, 7), _SIZES)[0]
    old = size <= 2 and random.random() < 0.22
    adults = [random.randint(1930, 1949) if old else random.randint(1950, 2005) for _ in range(min(size, 2))]
    kinds: dict[int, list[str]] = {}
    if random.random() < (care_mix.WMO_HOUSEHOLDS_OLD if old else care_mix.WMO_HOUSEHOLDS_OTHER):
        for _ in range(care_mix.services(random)):
            kinds.setdefault(0 if random.random() < 0.8 else len(adults) - 1, []).append(
                care_mix.one_of(random, care_mix.WMO)
            )
    if not old and random.random() < care_mix.ASSISTANCE_HOUSEHOLDS:
        kinds.setdefault(0, []).append(care_mix.one_of(random, care_mix.ASSISTANCE))
    for nth in range(len(adults)):
        if random.random() < (0.25 if old else 0.05):
            kinds.setdefault(nth, []).append(care_mix.one_of(random, care_mix.INSURED_OLD if old else care_mix.INSURED))
    members = [(adults[nth], list(dict.fromkeys(own))) for nth, own in sorted(kinds.items())]
    members += [
        (random.randint(_THIS_YEAR - 17, _THIS_YEAR - 2), [care_mix.one_of(random, care_mix.YOUTH)])
        for _ in range(2, size) if random.random() < care_mix.YOUTH_IN_CARE
    ]  # fmt: skip
    return _Draft(home, members, care_mix.year_cents(random))


def _fill(random: Random, drafts: list[_Draft], homes: list[Home], *, wanted: int) -> None:
    """Add insured care until the wanted number of persons is there: nearly everybody has some."""
    taken = {d.home.id for d in drafts}
    free = iter([h for h in homes if h.id not in taken])
    missing = wanted - sum(len(d.members) for d in drafts)
    for home in free:
        if missing <= 0:
            return
        member = (random.randint(1935, 2005), [care_mix.one_of(random, care_mix.INSURED)])
        drafts.append(_Draft(home, [member], care_mix.year_cents(random)))
        missing -= 1


def _less_uneven(drafts: list[_Draft], sigma: float) -> None:
    """The same households in the same order, with amounts of this sigma in the place of the usual one and about the same mean."""
    middle = care_mix.MEDIAN_YEAR_CENTS * math.exp((care_mix.SIGMA**2 - sigma**2) / 2)
    for draft in drafts:
        draft.year_cents = round(middle * (draft.year_cents / care_mix.MEDIAN_YEAR_CENTS) ** (sigma / care_mix.SIGMA))


def _give_care(
    random: Random, draft: _Draft, family: list[Person], providers: tuple[Provider, ...], *, months: int, stay_from: int
) -> None:
    """Providers, months and amounts; the most expensive households are those with a stay."""
    kinds: list[tuple[Person, str]] = []
    for person, (_, own) in zip(family, draft.members, strict=True):
        kinds += [(person, kind) for kind in own]
        if person.youth and draft.year_cents >= stay_from:
            kinds.append((person, care_mix.one_of(random, care_mix.YOUTH_STAY)))
        elif not person.youth and draft.year_cents > 5_000_000 and own[0].startswith("wmo") and random.random() < 0.5:
            kinds.append((person, care_mix.one_of(random, care_mix.WMO_STAY)))
    weight = sum(care_mix.WEIGHTS.get(kind, 1.0) for _, kind in kinds)
    for person, kind in kinds:
        able = [p for p in providers if kind in p.care and person.home.gemeente in p.municipalities]
        if not able:
            continue
        cents = round(draft.year_cents * care_mix.WEIGHTS.get(kind, 1.0) / weight / 12)
        provider = random.choices(able, [p.weight for p in able])[0]
        person.arrangements.append(_arrangement(random, kind, provider, months=months, person=person, cents=cents))


def _arrangement(
    random: Random, kind: str, provider: Provider, *, months: int, person: Person, cents: int
) -> Arrangement:
    first = 0 if random.random() < 0.75 else random.randrange(months)
    last = months - 1 if random.random() < 0.7 else random.randrange(first, months)
    least = TARIFFS[kind][1] if kind in TARIFFS else 1000
    number = 1_000_000 + person.id * 100 + len(person.arrangements)
    return Arrangement(kind, provider, first, last, max(cents, least), str(number))


def _settle(random: Random, family: list[Person], spare: list[Home], *, months: int) -> None:
    """How the zone comes to know where they live, whether they move, and whether a child is placed elsewhere."""
    draw = random.random()
    known = "residence" if draw < 0.88 else "messages" if draw < 0.96 else "nothing"
    first = random.randrange(2, months) if known == "nothing" and months > 3 and random.random() < 0.4 else 0
    secret = family[0].home.kind == "home" and random.random() < 0.012
    for person in family:
        person.known, person.known_from_month, person.secret = known, first, secret and known == "residence"
    if months < 3 or known == "nothing":
        return
    children = [p for p in family[1:] if p.youth]
    if random.random() < 0.05:
        month, target = random.randrange(1, months), random.choice(spare)
        told = min(months - 1, month + random.choice((0, 0, 0, 1, 2, 3)))
        for person in family:
            person.move_month, person.move_to, person.move_known_month = month, target, told
    elif children and known == "residence" and random.random() < 0.25:
        child = children[0]
        child.home, child.parent, child.linked_month = random.choice(spare), family[0].id, random.randrange(months)
