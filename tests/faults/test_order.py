"""Files sent twice, providers in any order, months known late: the same households, and the same cells but for the epoch."""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path

import pytest
from runs import a_demo

from deploy.demo import Demo
from producers.town.oracle import dumped_cells, dumped_households, expected_households
from schemas.values import Month
from streams.config import RoleConfig
from streams.rebuild import dump, rebuild


def cents_without_epochs(cells: dict[tuple[str, str, str, str], tuple[int, int]]) -> dict[tuple[str, str, str], int]:
    summed: Counter[tuple[str, str, str]] = Counter()
    for (area, group, year, _), (cents, _) in cells.items():
        summed[area, group, year] += cents
    return {cell: cents for cell, cents in summed.items() if cents}


def towns_cells(history: Path) -> dict[tuple[str, str, str], int]:
    summed: Counter[tuple[str, str, str]] = Counter()
    with history.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            summed[row["area"], row["group"], row["service_year"]] += int(row["cents"])
    return {cell: cents for cell, cents in summed.items() if cents}


def shuffled_run(demo: Demo, *, chance: random.Random) -> None:
    """Each provider keeps its own order (its outbox sees to that); between providers there is none."""
    described = demo._make_town()
    months = [Month.parse(m) for m in described["months"]]
    demo._start(described, months[0])
    demo._join(described)
    behind: set[str] = set()
    for step, month in enumerate(months):
        demo._homes(described, month, str(month))
        todo = [(p, m) for p in described["providers"] for m in ([months[step - 1]] if p["agb"] in behind else [])]
        late = {p["agb"] for p in described["providers"] if chance.random() < 0.05} if step + 1 < len(months) else set()
        todo += [(p, month) for p in described["providers"] if p["agb"] not in late]
        again = [(p, m) for p, m in todo if chance.random() < 0.3]
        chance.shuffle(todo)
        todo.sort(
            key=lambda one: one[1].index
        )  # a provider's late month before its newer one; its neighbours in any order
        for provider, of in todo + again:
            demo._provider_month(provider, of)
        behind = late
        demo._wait_receipts(str(month))
        if step % 2:
            demo._close(step // 2, months[step // 2], str(month))


@pytest.mark.long
def test_doubles_shuffling_and_late_months_change_no_household_and_no_cell(tmp_path: Path) -> None:
    with a_demo(addresses=1200, months=4, seed=23) as demo:
        shuffled_run(demo, chance=random.Random(8))
        assert demo.counted.counts["duplicates"] > 0.2 * demo.counted.counts["applied"]
        config = RoleConfig.load(demo.zone.role_config("projector"))
        dump(config, tmp_path)
        assert dumped_households(tmp_path / "households.csv") == expected_households(demo.town / "truth.csv")
        assert cents_without_epochs(dumped_cells(tmp_path / "cells.csv")) == towns_cells(demo.town / "history.csv")
        assert rebuild(config).equal
