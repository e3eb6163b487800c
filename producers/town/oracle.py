"""What a dump of the zone must say, summed in plain Python from `history.csv` and `truth.csv`. Shares no code with the folds.

Households are compared as a sorted multiset of their rows, since their ids are the zone's own.
"""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from schemas.errors import SettingsWrong

Cell = tuple[str, str, str, str]
"""Area, group, service year, epoch."""
Household = tuple[tuple[str, str, int], ...]
"""A household's rows (group, service month, cents), sorted."""

_SHOWN: Final = 20


def expected_cells(history: Path) -> dict[Cell, tuple[int, int]]:
    """Cell -> (cents, households whose net in it is not zero); cells of neither are left out. Raises `SettingsWrong`."""
    sums: dict[Cell, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in _rows(history):
        cell = (row["area"], row["group"], row["service_year"], row["epoch"])
        sums[cell][row["household"]] += int(row["cents"])
    counted = {cell: (sum(m.values()), sum(1 for v in m.values() if v)) for cell, m in sums.items()}
    return {cell: found for cell, found in counted.items() if found != (0, 0)}


def expected_households(truth: Path) -> Counter[Household]:
    """How often each household's set of rows occurs. Raises `SettingsWrong`."""
    return _households((r["household"], r["group"], r["service_date"][:7], int(r["cents"])) for r in _rows(truth))


def dumped_cells(cells: Path) -> dict[Cell, tuple[int, int]]:
    """The same of a dump's `cells.csv`. Raises `SettingsWrong`."""
    return {
        (r["area"], r["group"], r["service_year"], r["epoch"]): (int(r["cents"]), int(r["households"]))
        for r in _rows(cells)
    }


def dumped_households(households: Path) -> Counter[Household]:
    """The same of a dump's `households.csv`. Raises `SettingsWrong`."""
    return _households((r["household"], r["group"], r["service_month"], int(r["cents"])) for r in _rows(households))


def compare(dump: Path, town: Path) -> list[str]:
    """Every difference between a dump and what the town knows, one sentence each; empty when they agree.

    Raises `SettingsWrong` where a file is missing or lacks a column.
    """
    wanted, found = expected_cells(town / "history.csv"), dumped_cells(dump / "cells.csv")
    differences = [
        f"cell {' '.join(cell)}: expected {_cell_text(wanted.get(cell))}, found {_cell_text(found.get(cell))}"
        for cell in sorted(wanted.keys() | found.keys())
        if wanted.get(cell) != found.get(cell)
    ]
    people, seen = expected_households(town / "truth.csv"), dumped_households(dump / "households.csv")
    differences += [f"household missing {n} times: {_household_text(h)}" for h, n in sorted((people - seen).items())]
    differences += [f"household too many {n} times: {_household_text(h)}" for h, n in sorted((seen - people).items())]
    return differences


def summary(differences: list[str]) -> list[str]:
    """The first differences and how many more there are."""
    more = len(differences) - _SHOWN
    return [*differences[:_SHOWN], *([f"... and {more} more"] if more > 0 else [])]


def example_household(town: Path, gemeente: int) -> str:
    """The test BSN of the person whose household's card is the one to look at in a municipality. Raises `SettingsWrong`."""
    try:
        examples = json.loads((town / "town.json").read_text("utf-8"))["examples"]
        return str(examples[f"GM{gemeente:04d}"]["bsn"])
    except (OSError, ValueError, KeyError) as wrong:
        msg = f"The town in {town} names no example household of GM{gemeente:04d}; make it again with `zorgstroom town make`."
        raise SettingsWrong(msg) from wrong


def _households(rows: Iterable[tuple[str, str, str, int]]) -> Counter[Household]:
    sums: dict[str, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for household, group, month, cents in rows:
        sums[household][group, month] += cents
    kept = (tuple(sorted((g, m, v) for (g, m), v in own.items() if v)) for own in sums.values())
    return Counter(household for household in kept if household)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))
    except OSError as absent:
        msg = f"{path} can't be read."
        raise SettingsWrong(msg) from absent


def _cell_text(cell: tuple[int, int] | None) -> str:
    return "nothing" if cell is None else f"{cell[0]} cents of {cell[1]} households"


def _household_text(household: Household) -> str:
    return ", ".join(f"{g} {m} {v}" for g, m, v in household[:4]) + (" ..." if len(household) > 4 else "")
