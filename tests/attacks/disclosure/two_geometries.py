"""SDC-13: two service years with clusters cut elsewhere, for costs that stay exactly the same, the worst there can be. Reported, not promised.

Who takes persistent costs for granted reads both years as rows over one set of amounts: a postcode that changed clusters is cut out twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from attackers_truth import KINDS, Flags, Row, kinds_in, rows_of, truth_of
from attacks import Attack, Tally
from figures_table import Table
from reading_releases import Figure, Released, figures, inside
from releases import mandated_of, release
from town_amounts import areas_of

from producers.town.files import FIRST_MONTH, invent
from producers.town.geography import Home

SHIFTED_POSTCODES = 3
Joint = dict[tuple[int, int], int]


@dataclass(frozen=True, eq=False)
class JointTable(Table):
    """Figures of two years over amounts that are told apart by their clusters in both. `first`: how many figures are of the first year."""

    first: int = 0
    areas_first: Sequence[int] = ()
    areas_second: Sequence[int] = ()

    @cached_property
    def masks(self) -> Flags:
        """Figure x atom."""
        out = [
            self._mask(f, self.areas_first if i < self.first else self.areas_second) for i, f in enumerate(self.figures)
        ]
        return np.array(out, dtype=bool).reshape(len(self.figures), -1)

    def _mask(self, figure: Figure, areas: Sequence[int]) -> Flags:
        out = np.zeros((len(areas), len(KINDS), self.epochs), dtype=bool)
        out[
            np.ix_(
                np.flatnonzero(inside(figure.level, figure.area, areas)),
                kinds_in(figure.group),
                np.arange(figure.epoch + 1),
            )
        ] = True
        return out.ravel()


def cut_elsewhere(homes: Sequence[Home]) -> dict[str, int]:
    """Address -> finest area when each cluster begins some postcodes later."""
    by_buurt: dict[int, dict[str, int]] = defaultdict(dict)
    for home in homes:
        by_buurt[home.buurt].setdefault(home.postcode, home.cluster)
    out = {}
    for home in homes:
        postcodes = list(by_buurt[home.buurt])
        before = postcodes[max(0, postcodes.index(home.postcode) - SHIFTED_POSTCODES)]
        out[f"A{home.id}"] = home.buurt * 100 + by_buurt[home.buurt][before]
    return out


def two_years(
    *, seed: int, months: int, addresses: int, municipality: int = 9901, world: str = "town"
) -> tuple[Tally, Tally]:
    """The outsider with one year, and with both: what it finds of those who stay where they are."""
    town = invent(seed=seed, months=months, addresses=addresses, world=world)
    rows, moved_to = rows_of(town, municipality, FIRST_MONTH.year), {}
    own = next(m for m in town.municipalities if m.number == municipality)
    elsewhere = cut_elsewhere(own.homes)
    for row, change in zip(rows, (c for c in town.books.changes if _counts(c, municipality)), strict=True):
        moved_to[id(row)] = elsewhere.get(change.spot.address, row.area) if row.area % 100 else row.area
    again = [replace(r, area=moved_to[id(r)]) for r in rows]
    areas, homes = areas_of(town, municipality)
    made = [
        release(r, areas, homes, municipality=municipality, first=first, months=months, mandated=mandated_of(rows))
        for r, first in ((rows, FIRST_MONTH), (again, FIRST_MONTH.plus(12)))
    ]
    pairs: Joint = {p: n for n, p in enumerate(sorted({(r.area, moved_to[id(r)]) for r in rows}))}
    joint = [replace(r, area=pairs[r.area, moved_to[id(r)]]) for r in rows]
    return _attacked(joint, pairs, made[:1], months), _attacked(joint, pairs, made, months)


def _counts(change: object, municipality: int) -> bool:
    return change.spot.gemeente == f"GM{municipality:04d}" and change.line.first.year == FIRST_MONTH.year


def _attacked(rows: list[Row], pairs: Joint, made: Sequence[Released], months: int) -> Tally:
    truth = truth_of(rows, range(len(pairs)))
    seen = [figures(m.payloads, first_month=m.first_month, year=m.year) for m in made]
    table = JointTable(
        truth, [f for own in seen for f in own], months, 50_000, first=len(seen[0]), areas_first=[a for a, _ in pairs],
        areas_second=[b for _, b in pairs],
    )  # fmt: skip
    table.assert_true()
    name = "outsider, one year" if len(made) == 1 else "outsider, two years and geometries, equal costs"
    return Attack(name, table, np.zeros(len(rows), dtype=bool), truth.household, truth.households).run()
