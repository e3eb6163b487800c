"""The invented town with other numbers in care, less uneven money, more providers: the same households, and what was asked for."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pytest

from producers.town.geography import make_municipality, municipality_of
from producers.town.people import make_people
from producers.town.providers import PROVIDERS
from producers.town.scale import Scale

MONTHS = 12


def people(scale: Scale = Scale(), *, addresses: int = 12_000) -> list:  # noqa: B008 - frozen
    random = Random(3)
    return make_people(random, [make_municipality(random, 9901, addresses=addresses)], months=MONTHS, scale=scale)


def yearly(found: list) -> np.ndarray:
    """Of each household in care, the dearest first: what its arrangements come to in full months."""
    cents: Counter[int] = Counter()
    for person in found:
        cents[person.home.id] += sum(a.cents * (a.last - a.first + 1) for a in person.arrangements)
    return np.sort(list(cents.values()))[::-1]


def test_half_of_the_money_goes_to_three_percent_of_all_households_where_that_is_asked_and_else_of_those_in_care() -> (
    None
):
    for scale, of_all in ((Scale(0.27, of_all=True), True), (Scale(0.27), False)):
        amounts = yearly(people(scale))
        of = 12_000 if of_all else len(amounts)
        share = amounts[: round(0.03 * of)].sum() / amounts.sum()
        assert 0.4 < share < 0.62
        assert len(amounts) / 12_000 == pytest.approx(0.25, abs=0.03)


def test_less_uneven_money_puts_nobody_else_in_care() -> None:
    usual, less = people(Scale(0.27), addresses=3_000), people(Scale(0.27, of_all=True), addresses=3_000)
    assert [(p.bsn, p.birth_year) for p in usual] == [(p.bsn, p.birth_year) for p in less]
    assert yearly(less)[0] < yearly(usual)[0] / 2
    assert yearly(less).mean() == pytest.approx(yearly(usual).mean(), rel=0.35)


def test_more_providers_are_as_many_of_each_with_a_code_of_their_own_and_uneven() -> None:
    made = Scale(providers_each=4).providers()
    assert len({p.agb for p in made}) == len(made) == 4 * len(PROVIDERS)
    assert Scale().providers() == PROVIDERS
    of_first = [p.weight for p in made if p.care == PROVIDERS[0].care]
    assert of_first == sorted(of_first, reverse=True) != [of_first[0]] * 4


def test_buurten_can_be_given_and_clusters_made_larger() -> None:
    sizes = {99010101: 950, 99010102: 0, 99010103: 90}
    for least, clusters in ((200, 4), (300, 3), (400, 2)):
        ground = municipality_of(Random(1), 9901, sizes, least=least)
        assert {b.code: len(b.homes) for b in ground.buurten} == {99010101: 950, 99010103: 90}
        assert [b.clusters for b in ground.buurten] == [clusters, 1]
        inside = Counter((h.cluster, h.postcode, h.number) for h in ground.buurten[0].homes)
        per_cluster = Counter(c for c, _, _ in inside)
        assert min(per_cluster.values()) >= least
