"""Towns of one page: a few rows each, in which exactly one rule stands between an attacker and an amount.

Shares are of EUR 1,000,000, so that rounding is not what protects. Two wijken; the second has its own households, so that it can be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attackers_truth import Row
from reading_releases import Released
from releases import AS_IT_IS, Switches, release

from schemas.values import Month

CLUSTER, OTHER_CLUSTER, OTHER_WIJK, REST = 9901_01_01_01, 9901_01_02_01, 9901_02_01_01, 9901_00_00_00
AREAS: Final = {
    "gemeente": [9901], "placed": [9901], "wijk": [990101, 990102], "buurt": [99010101, 99010102, 99010201],
    "cluster": [CLUSTER, OTHER_CLUSTER, OTHER_WIJK],
}  # fmt: skip
ADDRESSES: Final = {CLUSTER: 210, OTHER_CLUSTER: 220, OTHER_WIJK: 230}
WHOLE: Final = 100_000_000
"""EUR 1,000,000 in cents."""
MARCH: Final = Month(2025, 3)


def a_row(
    household: str, percent: float, *, care: str = "wmo-01", provider: int = 1, area: int = CLUSTER, epoch: int = 0, service: str = "",
    contributor: str = "",
) -> Row:  # fmt: skip
    """One delivery (or, below nothing, what takes it away) of so many percent of the whole."""
    name = service or f"{household}/{care}/{provider}/{area}/{epoch}"
    return Row(
        name,
        household,
        contributor or household,
        area,
        str(98_000_000 + provider),
        care,
        epoch,
        round(WHOLE * percent / 100),
    )


def spread(
    name: str, percent: float, *, count: int, care: str = "wmo-01", providers: Sequence[int] = (1,), area: int = CLUSTER, epoch: int = 0,
    service: str = "",
) -> Iterator[Row]:  # fmt: skip
    """`count` households with equal amounts, each from all of the providers in equal parts."""
    for n in range(count):
        for p in providers:
            yield a_row(
                f"{name}{n}", percent / count / len(providers), care=care, provider=p, area=area, epoch=epoch,
                service=f"{service}{name}{n}/{p}" if service else "",
            )  # fmt: skip


def elsewhere(percent: float = 300, *, care: str = "wmo-01") -> list[Row]:
    """Many households in the other wijk and in the other buurt, of many providers: safe by every rule."""
    out: list[Row] = []
    for area, name in ((OTHER_WIJK, "E"), (OTHER_CLUSTER, "F")):
        out += spread(name, percent, count=40, care=care, providers=range(11, 16), area=area)
    return out


def small(
    rows: Sequence[Row], *, months: int = 1, first: Month = MARCH, erased: frozenset[str] = frozenset(),
    mandated: frozenset[str] = frozenset(), switches: Switches = AS_IT_IS, addresses: Mapping[int, int] = ADDRESSES,
) -> Released:  # fmt: skip
    """A page's town, released; the first month closes a quarter, so that every level is due."""
    ordered = sorted(rows, key=lambda r: r.epoch)
    return release(
        ordered, AREAS, addresses, municipality=9901, first=first, months=months, erased=erased, mandated=mandated, switches=switches
    )  # fmt: skip
