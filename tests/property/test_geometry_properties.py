"""Laws of clusters over invented graphs of postcodes: large enough, in one piece, the same again, never split by a later register."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.geometry.clusters import LEAST_ADDRESSES, draw, in_order
from projections.geometry.freezing import Cut, Drawn, cut_buurt
from projections.geometry.neighbours import reached

BUURT = 99010101


@st.composite
def grounds(draw_one, most: int = 40) -> tuple[dict[str, int], dict[str, set[str]], dict[str, frozenset[str]]]:
    """Postcodes with addresses, who is whose neighbour (all hang together), and their streets."""
    sizes = draw_one(st.lists(st.integers(1, 90), min_size=1, max_size=most))
    links = draw_one(st.lists(st.tuples(st.integers(0, most), st.integers(0, most)), max_size=most))
    back = draw_one(st.lists(st.integers(1, 6), min_size=1, max_size=most))
    names = [f"90{n:02d}AA" for n in range(len(sizes))]
    neighbours: dict[str, set[str]] = {n: set() for n in names}
    tree = [(n, max(0, n - back[n % len(back)])) for n in range(1, len(names))]
    for one, other in [*tree, *((a % len(names), b % len(names)) for a, b in links)]:
        if one != other:
            neighbours[names[one]].add(names[other])
            neighbours[names[other]].add(names[one])
    streets = {n: frozenset({f"S{sizes[at] % 6}"}) for at, n in enumerate(names)}
    return dict(zip(names, sizes, strict=True)), neighbours, streets


def one_piece(cluster, neighbours) -> bool:
    own = set(cluster)
    return reached({p: neighbours[p] & own for p in own}, min(own)) == own


def check(clusters, addresses) -> None:
    assert sorted(p for c in clusters for p in c) == sorted(addresses)
    assert len(clusters) == 1 or all(sum(addresses[p] for p in c) >= LEAST_ADDRESSES for c in clusters)
    assert sum(addresses.values()) >= LEAST_ADDRESSES or len(clusters) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(grounds())
def test_drawn_clusters_are_large_enough_hang_together_and_have_every_postcode_once(ground) -> None:
    addresses, neighbours, streets = ground
    clusters = draw(addresses, neighbours, streets)
    check(clusters, addresses)
    assert all(one_piece(c, neighbours) for c in clusters)
    check(in_order(addresses), addresses)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(grounds(), st.randoms())
def test_the_order_of_postcodes_changes_nothing(ground, random) -> None:
    addresses, neighbours, streets = ground
    turned = list(addresses)
    random.shuffle(turned)
    again = draw({p: addresses[p] for p in turned}, {p: neighbours[p] for p in turned}, streets)
    assert again == draw(addresses, neighbours, streets)


def cut(ground, before: Drawn, year: int) -> Cut:
    addresses, neighbours, streets = ground
    parts = {(p, BUURT) for p in addresses}
    return cut_buurt(BUURT, addresses, neighbours, streets, by_place=True, year=year, before=before, parts=parts)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(grounds(most=60), st.data())
def test_a_later_register_never_splits_a_cluster_and_none_that_stays_is_too_small(ground, data) -> None:
    addresses, _, streets = ground
    first = cut(ground, Drawn(), 2024)
    before = Drawn(
        {(p, BUURT): n for p, n in first.numbers.items()}, dict.fromkeys([(p, BUURT) for p in first.numbers], 2024)
    )
    sizes = data.draw(st.lists(st.integers(0, 90), min_size=1, max_size=60))
    later = {p: found for n, p in enumerate(addresses) if (found := sizes[n % len(sizes)])}
    later |= {f"91{n:02d}AA": found for n, found in enumerate(data.draw(st.lists(st.integers(1, 30), max_size=4)))}
    chain = {p: set() for p in later}
    for one, other in zip(list(later), list(later)[1:], strict=False):
        chain[one].add(other)
        chain[other].add(one)
    if not later:
        return
    second = cut((later, chain, streets), before, 2025)
    together = defaultdict(set)
    for postcode, number in second.numbers.items():
        if postcode in first.numbers:
            together[first.numbers[postcode]].add(number)
    assert all(len(found) == 1 for found in together.values())
    members = defaultdict(list)
    for postcode, number in second.numbers.items():
        members[number].append(postcode)
    check(list(members.values()), later)
    if set(later) & set(addresses):
        assert set(second.numbers.values()) <= set(first.numbers.values())
        assert set(second.since.values()) == {2024}
        assert set(second.merged) & set(members) == set()
