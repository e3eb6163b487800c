"""The rules' numbers may be made stricter by their names, and looser only by a name that says what is given up."""

from __future__ import annotations

from dataclasses import fields

import pytest

from projections.release.chosen_parameters import BOUNDS, chosen, given_up
from projections.release.rules import Parameters
from schemas.errors import SettingsWrong

STANDARD = Parameters()


def test_every_number_of_the_rules_has_its_bounds_and_the_standard_lies_in_them() -> None:
    assert set(BOUNDS) == {f.name for f in fields(Parameters)}
    assert all(b.least <= getattr(STANDARD, n) <= b.most for n, b in BOUNDS.items())
    assert not {b.gives_up for b in BOUNDS.values()} & set(BOUNDS)


def test_without_a_setting_the_standard_holds_and_nothing_is_given_up() -> None:
    assert chosen(None) == chosen({}) == (STANDARD, ())


@pytest.mark.parametrize("name", BOUNDS)
def test_a_number_may_be_stricter_by_its_name_and_nothing_is_given_up(name: str) -> None:
    stricter = getattr(STANDARD, name) + BOUNDS[name].stricter
    settings = {name: stricter}
    if name == "two_largest_share":
        settings = {name: STANDARD.two_largest_share - 1}
    parameters, gone = chosen(settings)
    assert (getattr(parameters, name), gone) == (stricter, ())


@pytest.mark.parametrize("name", BOUNDS)
def test_a_number_is_looser_only_by_the_name_that_says_what_is_given_up(name: str) -> None:
    looser, gives_up = getattr(STANDARD, name) - BOUNDS[name].stricter, BOUNDS[name].gives_up
    with pytest.raises(
        SettingsWrong, match=f"may be stricter than .*, not looser. Whoever wants it looser writes `{gives_up}`"
    ):
        chosen({name: looser})
    parameters, gone = chosen({gives_up: looser})
    assert (getattr(parameters, name), gone) == (looser, (f"{gives_up}: {looser}",))
    with pytest.raises(SettingsWrong, match="gives nothing up"):
        chosen({gives_up: getattr(STANDARD, name)})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["least_contributors"], "names numbers of the rules"), ({"least": 5}, "one name in it is none of these"),
        ({"least_contributors": "12"}, "whole number from 3 to 1000"), ({"least_contributors": True}, "whole number"),
        ({"largest_share": 5}, "from 10 to 90"), ({"two_largest_share": 45}, "can't be lower than that of the largest"),
        ({"least_contributors": 12, "figures_of_fewer_than_10_contributors": 5}, "twice"), ({None: 5}, "none of these"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused_in_one_sentence(settings: object, says: str) -> None:
    with pytest.raises(SettingsWrong, match=says):
        chosen(settings)


def test_what_is_given_up_follows_from_the_numbers_alone() -> None:
    assert given_up(Parameters(least_contributors=5, largest_share=40)) == ("figures_of_fewer_than_10_contributors: 5",)
