"""What the municipality can still read at the end of the year, beside the goals; read from the released bytes and held against the truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from attackers_truth import FUNDING, KINDS, kinds_in
from own_rules import OwnRules
from reading_releases import Figure, inside
from roles import Read, in_window

from schemas.care import CARE_TYPES, Group

GOALS: Final = {"buurt": (85, 90, 95), "cluster": (70, 90, 90)}
"""Percent with a value of the last epoch, with any value of the year, last values over true euros."""
TYPES: Final = tuple(sorted({t.published_as for t in CARE_TYPES.values() if t.published_as}))


@dataclass(frozen=True, slots=True)
class Useful:
    """One level and group: counts of cells, euros in cents, ages in months, the largest error of a value at its own epoch in euros."""

    level: str
    group: str
    cells: int
    of_last_epoch: int
    of_any_epoch: int
    shown_cents: int
    true_cents: int
    oldest_months: int
    mean_age_months: float
    largest_error_euros: float

    def percentages(self) -> tuple[float, float, float]:
        """The three that have goals."""
        if not self.cells:
            return 0.0, 0.0, 0.0
        euros = 100 * self.shown_cents / self.true_cents if self.true_cents else 100.0
        return 100 * self.of_last_epoch / self.cells, 100 * self.of_any_epoch / self.cells, euros


def useful(read: Read, level: str, group: str, areas: Iterable[str]) -> Useful:
    """How useful one level and group was at the end."""
    last: dict[str, Figure] = {}
    for figure in read.table.figures:
        if (figure.level, figure.group) == (level, group):
            last[figure.area] = max(last.get(figure.area, figure), figure, key=lambda f: f.epoch)
    end, names = read.table.epochs - 1, sorted(set(areas))
    errors = [abs(f.euros - read.truth.cents[in_window(read.truth, None, f)].sum() / 100) for f in last.values()]
    ages = [end - f.epoch for f in last.values()]
    kinds = np.isin(read.truth.kind, kinds_in(group))
    true = sum(int(read.truth.cents[inside(level, a, read.truth.areas)[read.truth.area] & kinds].sum()) for a in names)
    return Useful(
        level, group, len(names), sum(not a for a in ages), len(last), sum(f.euros * 100 for f in last.values()), true,
        max(ages, default=0), float(np.mean(ages)) if ages else 0.0, float(max(errors, default=0.0)),
    )  # fmt: skip


def all_areas(read: Read, level: str) -> set[str]:
    """Codes of the areas at a level."""
    placed = [a for a in read.truth.areas if a % 100]
    match level:
        case "cluster":
            return {f"BU{a // 100:08d}.{a % 100:02d}" for a in placed}
        case "buurt":
            return {f"BU{a // 100:08d}" for a in placed}
        case "wijk":
            return {f"WK{a // 10_000:06d}" for a in placed}
        case "street":
            return set(read.streets)
        case _:
            return {f"GM{a // 1_000_000:04d}P" for a in placed}


def by_level_and_group(read: Read) -> list[Useful]:
    """Totals of all levels, and groups of buurten. Streets where there are any with a figure of their own."""
    total = Group.TOTAL.value
    levels = ("placed", "wijk", "buurt", *(["street"] if read.streets else []), "cluster")
    found = [useful(read, level, total, all_areas(read, level)) for level in levels]
    return found + [useful(read, "buurt", group, all_areas(read, "buurt")) for group in FUNDING]


def care_types_per_buurt(read: Read) -> dict[str, tuple[int, int]]:
    """Published care type -> (buurten where its year would pass SAFE and SAFE without any provider, buurten where it is used). A most: no sums held."""
    rules, out = OwnRules(read.truth), {}
    for name in TYPES:
        kinds = np.isin(read.truth.kind, [i for i, (n, _) in enumerate(KINDS) if n == name])
        safe = used = 0
        for area in all_areas(read, "buurt"):
            rows = inside("buurt", area, read.truth.areas)[read.truth.area] & kinds
            used += bool(rows.any())
            safe += bool(rows.any()) and rules.is_safe(rows) and rules.is_safe_without_any_provider(rows)
        out[name] = (safe, used)
    return out
