"""A month of birth reaches the sealed placement, whoever said it first: the municipality's word counts, of two equals the earlier."""

from __future__ import annotations

import itertools

import pytest

from schemas.frames import ALWAYS, PLACEMENT_ROW, UNKNOWN_BIRTH, rows_of
from schemas.values import Month
from streams import intake_store
from tests.contract.test_intake_links_at_once import ANNE, MARCH, heard, role, stores

__all__ = ["role", "stores"]
ADDRESS = {"postcode": "1234AB", "number": 7, "suffix": ""}
OLD, YOUNG, TOLD = Month(2012, 4).index, Month(2014, 9).index, Month(2013, 1).index
SAID = {
    "a message": ("p99000001", YOUNG), "another message": ("p99000002", OLD), "the municipality": ("gm9901", TOLD),
    "a message without": ("p99000001", None),
}  # fmt: skip


def born(role, stores, names: tuple[str, ...]) -> int:
    """What the placement says of Anne's birth after all of these said something of her, in this order."""
    for name in names:
        sender, month = SAID[name]
        with stores[0].transaction() as tx:
            role.placing.place(
                tx, [heard(sender, [ANNE], subjects=[{"address": ADDRESS, "as_of": MARCH, "born": month}])], {}
            )
    with stores[0].transaction() as tx:
        found = rows_of(intake_store.lock_placements(tx, [ANNE])[ANNE][1], PLACEMENT_ROW)
    assert found["from_day"].tolist() == [ALWAYS]
    return int(found["born"][0])


@pytest.mark.parametrize("names", list(itertools.permutations(SAID)), ids=", ".join)
def test_the_municipality_counts_whatever_the_order(role, stores, names: tuple[str, ...]) -> None:
    assert born(role, stores, names) == TOLD


@pytest.mark.parametrize("names", list(itertools.permutations(["a message", "another message", "a message without"])))
def test_of_messages_the_earlier_birth_counts(role, stores, names: tuple[str, ...]) -> None:
    assert born(role, stores, names) == OLD


def test_nobody_said(role, stores) -> None:
    assert born(role, stores, ("a message without",)) == UNKNOWN_BIRTH
