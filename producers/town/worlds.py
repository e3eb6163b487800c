"""Towns with something in them that disclosure control must bear: each is the plain town with one thing changed.

Changes persons and arrangements before anything is sent; the truth follows from what is sent, as in the plain town.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from producers.town.geography import Home, Municipality
from producers.town.history import Habits
from producers.town.people import Person
from producers.town.providers import PROVIDERS
from schemas.care import CARE_TYPE_BY_CODE, Group

_EXPENSIVE_MONTH_CENTS: Final = 4_166_666
"""EUR 500,000 in a year."""
_LITTLE_MONTH_CENTS: Final = 8_000
_STAY_MONTH_CENTS: Final = 550_000
Change = Callable[[Random, Sequence[Municipality], Sequence[Person], int], None]
"""Random source, municipalities, persons, number of months."""


@dataclass(frozen=True, slots=True)
class World:
    """What a world is, how it changes the people, and how providers declare in it."""

    what: str
    change: Change
    habits: Habits = field(default_factory=Habits)


def _plain(random: Random, municipalities: Sequence[Municipality], people: Sequence[Person], months: int) -> None:
    """Nothing is changed."""
    del random, municipalities, people, months


def _settled(people: Sequence[Person], buurt: int) -> list[Person]:
    """Those in an ordinary home of a buurt, with care, who are in the residence file and stay where they are."""
    return [
        p for p in people if p.home.buurt == buurt and p.home.kind == "home" and p.arrangements and p.move_to is None
        and p.known == "residence" and not p.secret and p.parent is None
    ]  # fmt: skip


def _poorest_buurt(municipality: Municipality, people: Sequence[Person]) -> list[Person]:
    """The settled persons of the buurt that has most of them."""
    return max((_settled(people, b.code) for b in municipality.buurten), key=len)


def _spread(person: Person, cents: int, months: int) -> None:
    """One arrangement over all months at this amount a month; the others at little."""
    for nth, arrangement in enumerate(person.arrangements):
        arrangement.cents = min(arrangement.cents, _LITTLE_MONTH_CENTS)
        if nth == 0:
            arrangement.first, arrangement.last, arrangement.cents = 0, months - 1, cents


def _poor_street(random: Random, municipalities: Sequence[Municipality], people: Sequence[Person], months: int) -> None:
    del random
    neighbours = _poorest_buurt(municipalities[0], people)
    for nth, person in enumerate(neighbours):
        _spread(person, _LITTLE_MONTH_CENTS if nth else _EXPENSIVE_MONTH_CENTS, months)


def _two_giants(random: Random, municipalities: Sequence[Municipality], people: Sequence[Person], months: int) -> None:
    del random
    neighbours = _poorest_buurt(municipalities[0], people)
    homes = list(dict.fromkeys(p.home.id for p in neighbours))[:2]
    for home in homes:
        _spread(next(p for p in neighbours if p.home.id == home), _EXPENSIVE_MONTH_CENTS, months)


def _all_equal(random: Random, municipalities: Sequence[Municipality], people: Sequence[Person], months: int) -> None:
    del random, municipalities, months
    for person in people:
        for arrangement in person.arrangements:
            arrangement.cents = 30_000


def _one_carer(random: Random, municipalities: Sequence[Municipality], people: Sequence[Person], months: int) -> None:
    """In each postcode of the first buurt only one person keeps care."""
    del random, months
    kept: set[str] = set()
    for person in people:
        if person.home.buurt == municipalities[0].buurten[0].code:
            if person.home.postcode in kept:
                person.arrangements.clear()
            elif person.arrangements:
                kept.add(person.home.postcode)


def _one_provider(
    random: Random, municipalities: Sequence[Municipality], people: Sequence[Person], months: int
) -> None:
    """In one buurt a single provider delivers all there is."""
    del random, months
    only = next(p for p in PROVIDERS if p.agb == "98000002")
    for person in _poorest_buurt(municipalities[0], people):
        person.arrangements[:] = person.arrangements[:1]
        person.arrangements[0].care, person.arrangements[0].provider = only.care[0], only


def _into(homes: Sequence[Home], residents: Sequence[Person]) -> None:
    for home, person in zip(homes, residents, strict=False):
        person.home = home


def _business_park(
    random: Random, municipalities: Sequence[Municipality], people: Sequence[Person], months: int
) -> None:
    """Three households with much care live in each business park."""
    del random
    for municipality in municipalities:
        park = [h for h in municipality.buurten[-1].homes if h.kind == "home"][:3]
        _into(park, _poorest_buurt(municipality, people)[:3])
        for person in _settled(people, municipality.buurten[-1].code):
            _spread(person, 400_000, months)


def _three_secrets(
    random: Random, municipalities: Sequence[Municipality], people: Sequence[Person], months: int
) -> None:
    """Three expensive persons with a secret address in each municipality, and no others."""
    for person in people:
        person.secret = False
    for municipality in municipalities:
        for person in random.sample(_poorest_buurt(municipality, people), 3):
            _spread(person, 900_000, months)
            person.secret = True


def _movers(random: Random, municipalities: Sequence[Municipality], people: Sequence[Person], months: int) -> None:
    """A third of the households moves to another wijk, half of them known months later."""
    empty = [h for m in municipalities for h in m.homes if h.kind == "home"]
    families: dict[int, list[Person]] = defaultdict(list)
    for person in people:
        families[person.home.id].append(person)
    for family in families.values():
        if months < 2 or any(p.known != "residence" or p.parent is not None for p in family) or random.random() > 1 / 3:
            continue
        elsewhere = random.choice(
            [h for h in random.sample(empty, 20) if h.buurt // 100 != family[0].home.buurt // 100] or empty
        )
        month = random.randrange(1, months)
        told = min(months - 1, month + random.choice((0, 1, 2, 3)))
        for person in family:
            person.move_month, person.move_to, person.move_known_month = month, elsewhere, told


def _institution_everywhere(
    random: Random, municipalities: Sequence[Municipality], people: Sequence[Person], months: int
) -> None:
    """Each buurt has an institution, in which some of its people now live."""
    del random, months
    long_stay = next(p for p in PROVIDERS if "wlz-verblijf" in p.care)
    for buurt in (b for m in municipalities for b in m.buurten):
        place = min(5, len(buurt.homes) - 1)
        house = replace(buurt.homes[place], kind="instelling")
        for person in people:
            if person.home == buurt.homes[place]:
                person.home = house
        buurt.homes[place] = house
        for person in _settled(people, buurt.code)[:8]:
            person.home = house
            person.arrangements[0].care, person.arrangements[0].provider = "wlz-verblijf", long_stay
            person.arrangements[0].cents = max(person.arrangements[0].cents, _STAY_MONTH_CENTS)


def _dominant_nursing(
    random: Random, municipalities: Sequence[Municipality], people: Sequence[Person], months: int
) -> None:
    """All insured care that is not mental health care is district nursing by one provider."""
    del random, municipalities, months
    one = next(p for p in PROVIDERS if p.agb == "98000020")
    for arrangement in (a for p in people for a in p.arrangements):
        if CARE_TYPE_BY_CODE[arrangement.care].group is Group.OVERIG and not CARE_TYPE_BY_CODE[arrangement.care].ggz:
            arrangement.care, arrangement.provider = one.care[0], one


WORLDS: Final = {
    "town": World("the plain town", _plain),
    "poor-street": World("one household of EUR 500,000 in a poor buurt", _poor_street),
    "two-giants": World("two households with most of a buurt's money", _two_giants),
    "all-equal": World("all amounts about equal", _all_equal),
    "one-carer": World("postcodes with one person in care", _one_carer),
    "one-provider": World("a buurt with one provider only", _one_provider),
    "business-park": World("three households with much care in each business park", _business_park),
    "three-secrets": World("three expensive persons with a secret address", _three_secrets),
    "institutions": World("an institution in each buurt", _institution_everywhere),
    "dominant-nursing": World("one provider with nearly all insured care, district nursing", _dominant_nursing),
    "movers": World("a third of the households moves across wijken", _movers),
    "mass-redeclaration": World("four in five debits credited and declared anew", _plain, Habits(credited=0.8)),
    "negative-net": World("most debits credited later and not declared anew", _plain, Habits(credited=0.7, again=0.0)),
}
