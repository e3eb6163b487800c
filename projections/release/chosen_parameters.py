"""The rules' numbers as a zone chooses them: stricter by their names, looser only by a name that says what is given up.

What was given up goes out with every release, and stands on every page and export.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from projections.release.rules import Parameters
from schemas.errors import SettingsWrong


@dataclass(frozen=True, slots=True)
class Bound:
    """One number of the rules. `stricter`: +1 where a higher one is stricter, -1 where a lower one is. `gives_up`: the setting that makes it looser.

    `least`, `most`: what it may be at all.
    """

    stricter: int
    gives_up: str
    least: int
    most: int


BOUNDS: Final = {
    "least_contributors": Bound(1, "figures_of_fewer_than_10_contributors", 3, 1_000),
    "largest_share": Bound(-1, "one_household_may_be_more_than_half_of_a_figure", 10, 90),
    "two_largest_share": Bound(-1, "two_households_may_be_more_than_three_quarters_of_a_figure", 10, 95),
    "least_not_ggz_share": Bound(1, "mental_health_care_may_be_more_than_60_percent_of_a_figure", 10, 90),
    "euros_base": Bound(1, "euros_finer_than_1000", 100, 1_000_000),
    "households_base": Bound(1, "households_finer_than_5", 1, 1_000),
    "least_households": Bound(1, "counts_of_fewer_than_10_households", 3, 1_000),
}
"""Every field of `Parameters`."""
OF_GIVING_UP: Final = {bound.gives_up: name for name, bound in BOUNDS.items()}
"""Setting that gives something up -> the number it makes looser."""
_STANDARD: Final = Parameters()


def chosen(settings: Any) -> tuple[Parameters, tuple[str, ...]]:
    """The rules' numbers of the setting `release_parameters`, and what was given up, sorted. Raises `SettingsWrong`, which says what to write.

    >>> chosen({"least_contributors": 15})[0].least_contributors
    15
    """
    if settings is None:
        return _STANDARD, ()
    if not isinstance(settings, dict):
        msg = 'The setting `release_parameters` names numbers of the rules: {"least_contributors": 15}.'
        raise SettingsWrong(msg)
    numbers: dict[str, int] = {}
    for written, value in settings.items():
        name = OF_GIVING_UP.get(written) or str(written)
        if name in numbers:
            msg = f"`release_parameters` sets {name} twice: by its name, and by {BOUNDS[name].gives_up}. Leave one out."
            raise SettingsWrong(msg)
        numbers[name] = _number(written, name, value)
    parameters = replace(_STANDARD, **numbers)
    if parameters.two_largest_share < parameters.largest_share:
        msg = "In `release_parameters` the share of the two largest households can't be lower than that of the largest one."
        raise SettingsWrong(msg)
    return parameters, given_up(parameters)


def _number(written: str, name: str, value: Any) -> int:
    bound = BOUNDS.get(name)
    if bound is None:
        msg = f"`release_parameters` knows {', '.join(BOUNDS)}; one name in it is none of these."
        raise SettingsWrong(msg)
    if type(value) is not int or not bound.least <= value <= bound.most:
        msg = f"`{written}` in `release_parameters` is a whole number from {bound.least} to {bound.most}."
        raise SettingsWrong(msg)
    standard = getattr(_STANDARD, name)
    looser = (value - standard) * bound.stricter < 0
    if looser and written != bound.gives_up:
        msg = (
            f"`{name}` in `release_parameters` may be stricter than {standard}, not looser. Whoever wants it looser writes `{bound.gives_up}` "
            "instead, which every page and export then shows."
        )
        raise SettingsWrong(msg)
    if not looser and written == bound.gives_up:
        msg = f"`{written}` in `release_parameters` gives nothing up with this number; write `{name}`, or leave it out."
        raise SettingsWrong(msg)
    return value


def given_up(parameters: Parameters) -> tuple[str, ...]:
    """What these numbers give up of the standard's, by the names of the settings that do, each with its number; sorted."""
    found = []
    for name, bound in BOUNDS.items():
        value, standard = getattr(parameters, name), getattr(_STANDARD, name)
        if (value - standard) * bound.stricter < 0:
            found.append(f"{bound.gives_up}: {value}")
    return tuple(sorted(found))
