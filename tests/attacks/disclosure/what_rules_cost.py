"""What a municipality of ordinary size can read at the end of a year, and which rule holds the rest: one invented municipality, released with step 1 alone, with 2, with 3.

    .venv/bin/python tests/attacks/disclosure/what_rules_cost.py --of-all --persons 27 --seed 1 --seed 2

Two municipalities of 20,000 have more persons in care than there are test BSNs, so each is invented alone. Real buurten are read where `ZORGSTROOM_REFERENCE_DATA` says,
for their numbers and sizes only. No mandates.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import releases
from attackers_truth import Row, rows_of
from gate_switches import NO_COMPLEMENTARY, switched
from releases import AS_IT_IS, Switches, release
from roles import Read
from town_amounts import areas_of, streets_of
from usefulness import by_level_and_group, care_types_per_buurt

from producers.town.evidence import make_evidence
from producers.town.files import FIRST_MONTH, Town
from producers.town.geography import Municipality, make_municipality, municipality_of
from producers.town.history import Habits, make_history
from producers.town.people import make_people
from producers.town.scale import Scale
from producers.town.truth import keep_books
from projections.release.gate import Decision
from projections.release.rules import REASONS
from schemas.care import CARE_TYPE_BY_CODE, Group

GEO: Final = Path(os.environ.get("ZORGSTROOM_REFERENCE_DATA", Path(__file__).parents[4] / "shared" / "data")) / "geo"
REAL: Final = {"zwijndrecht": 642, "hendrik-ido-ambacht": 531}
LEVELS: Final = ("placed", "wijk", "buurt", "street", "cluster")
STEPS: Final = {1: NO_COMPLEMENTARY, 2: switched(), 3: AS_IT_IS}
"""Which of the gate's steps run: the first alone, two, all three."""
WINDOW: Final = "a window"
"""Held by a rule over a window between two publications, not over the year so far."""


@dataclass
class Log:
    """Why each figure stood as it did at the end; the last decision of each."""

    last: dict[Any, Decision] = field(default_factory=dict)

    def watch(self, decide: Callable[..., list[Decision]]) -> Callable[..., list[Decision]]:
        """The same decisions, remembered."""

        def watched(*given: Any, **named: Any) -> list[Decision]:
            made = decide(*given, **named)
            self.last |= {d.cell: d for d in made}
            return made

        return watched

    def reasons(self, level: str) -> Counter[str]:
        """Of the totals at a level: by what they are held, the first that holds them."""
        of = [d.reason for c, d in self.last.items() if (c.level, c.group) == (level, "total") and not d.released]
        return Counter(WINDOW if " since " in r else r.split(":")[0] for r in of)


def real_ground(name: str, least: int) -> Municipality:
    """The buurten of a real municipality, numbered as GM9901's; the dwellings of each wijk over its buurten by their size on the map."""
    number = REAL[name]
    with (GEO / "cbs_kwb_2024_wijken.csv").open(encoding="utf-8") as lines:
        wijken = {r["regiocode"]: int(r["woningvoorraad"]) for r in csv.DictReader(lines)}
    found = json.loads((GEO / f"buurten_2024_{name}_rd.geojson").read_text("utf-8"))["features"]
    own: dict[str, dict[int, float]] = defaultdict(dict)
    for one in (f["properties"] for f in found):
        own[one["wijkcode"]][int(one["buurtcode"][2:])] = float(one["oppervlakte_ha_gegeneraliseerd"])
    sizes = {
        9901 * 10_000 + code - number * 10_000: round(wijken[wijk] * size / sum(buurten.values()))
        for wijk, buurten in own.items() for code, size in buurten.items()
    }  # fmt: skip
    return municipality_of(Random(name), 9901, sizes, least=least)


def invented(ground: Municipality, *, seed: int, scale: Scale, months: int) -> Town:
    """People and care on a ground, and what became of it: the plain town's."""
    random = Random(f"ordinary/{ground.number}/{seed}")
    people = make_people(random, [ground], months=months, scale=scale)
    calendar = tuple(FIRST_MONTH.plus(i) for i in range(months))
    history = make_history(random, people, months=calendar, habits=Habits())
    evidence = make_evidence(random, people, history=history)
    return Town([ground], people, history, evidence, keep_books(history, evidence))


def shape_of(town: Town, rows: list[Row]) -> str:
    """How large, how many in care, in a cluster in the middle too, and to how few half of the money goes."""
    ground = town.municipalities[0]
    cents: Counter[str] = Counter()
    inside: dict[bool, dict[int, set[str]]] = {True: defaultdict(set), False: defaultdict(set)}
    for row in rows:
        cents[row.household] += row.cents
        if row.area % 100:
            inside[CARE_TYPE_BY_CODE[row.care].group is Group.OVERIG][row.area].add(row.household)
    overig = {area: inside[True][area] for area in inside[False]}
    in_care, with_overig = (
        int(np.median([len(own) for own in found]))
        for found in ([o | inside[False][a] for a, o in overig.items()], overig.values())
    )
    amounts = np.sort([c for c in cents.values() if c > 0])[::-1]
    half = int(np.searchsorted(amounts.cumsum(), amounts.sum() / 2)) + 1
    return (
        f"{len(ground.homes):,} addresses, {len(ground.buurten)} buurten (the middle one {int(np.median([len(b.homes) for b in ground.buurten]))}), "
        f"{sum(b.clusters for b in ground.buurten)} clusters (the middle one {in_care} households in care, {with_overig} with overige zorg); {100 * len(amounts) / len(ground.homes):.0f}% of households in care, half of the money goes to "
        f"{100 * half / len(ground.homes):.1f}% of all ({100 * half / len(amounts):.1f}% of those in care), the dearest EUR {amounts[0] / 100:,.0f}"
    )


def released(town: Town, rows: list[Row], switches: Switches, months: int) -> tuple[Read, Log]:
    """What is read of it at the end, and why what is held is held."""
    number = town.municipalities[0].number
    areas, addresses = areas_of(town, number)
    log = Log()
    with patch.object(releases, "decide", log.watch(releases.decide)):
        made = release(
            rows, areas, addresses, municipality=number, first=FIRST_MONTH, months=months, switches=switches, streets=streets_of(town, number)
        )  # fmt: skip
    return Read.of(made), log


def lines(step: int, read: Read, log: Log) -> Iterator[str]:
    """Rows of a table: step, level, figures, December, any month, euros, and by what the others are held."""
    useful = by_level_and_group(read)
    for level in LEVELS:
        for one in (u for u in useful if (u.level, u.group) == (level, "total")):
            december, any_month, euros = one.percentages()
            found = log.reasons(level)
            held = [f"{found.pop(name, 0)}" for name in (*REASONS, WINDOW, "complementary")]
            yield f"| {step} | {level} | {one.cells} | {december:.0f} | {any_month:.0f} | {euros:.0f} | {' | '.join(held)} | {sum(found.values())} |"
    for one in (u for u in useful if u.level == "buurt" and u.group != "total"):
        yield f"| {step} | buurt, {one.group} | {one.cells} | {one.percentages()[0]:.0f} | {one.percentages()[1]:.0f} | {one.percentages()[2]:.0f} | | | | | | | |"


def types(read: Read) -> str:
    """Care types per buurt: what the most is that could be published of a year."""
    found = care_types_per_buurt(read)
    safe, used = (sum(n[i] for n in found.values()) for i in (0, 1))
    names = ", ".join(f"{name} {own[0]} of {own[1]}" for name, own in sorted(found.items()))
    return f"Care types of buurten of which a year passes SAFE, without any one provider too: {safe} of {used} ({100 * safe / max(1, used):.0f}%): {names}."


def main() -> None:
    """Measure and print a table for each seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addresses", type=int, default=20_000)
    parser.add_argument("--municipality", type=int, default=9901, choices=(9901, 9902), help="whose providers deliver")
    parser.add_argument("--real", choices=sorted(REAL), help="the buurten of this one in the place of invented ones")
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--persons", type=float, default=100 * Scale().persons_per_address, help="in care, per 100 addresses")  # fmt: skip
    parser.add_argument("--of-all", action="store_true", help="half of the money goes to 3%% of all households, not of those in care")  # fmt: skip
    parser.add_argument("--providers-each", type=int, default=1, help="so many in the place of each provider")
    parser.add_argument("--least", type=int, default=200, help="addresses of a cluster")
    parser.add_argument("--buurt", type=int, default=450, help="addresses of an invented buurt, on average")
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--step", type=int, action="append", choices=sorted(STEPS), help="1: single-cell rules alone; 2: holds for sums too; 3: the audit too (minutes)")  # fmt: skip
    parser.add_argument("--types", action="store_true", help="care types per buurt too")
    given = parser.parse_args()
    scale = Scale(given.persons / 100, of_all=given.of_all, providers_each=given.providers_each)
    for seed in given.seed or [1]:
        ground = (
            real_ground(given.real, given.least)
            if given.real
            else make_municipality(
                Random(f"ground/{given.municipality}/{seed}"), given.municipality, addresses=given.addresses, least=given.least,
                buurt=given.buurt,
            )
        )  # fmt: skip
        town = invented(ground, seed=seed, scale=scale, months=given.months)
        rows = rows_of(town, ground.number, FIRST_MONTH.year)
        print(f"\nSeed {seed}: {shape_of(town, rows)}.\n")
        print("| steps | level | figures | December % | any month % | euros % | held by SAFE | SAFE_PROV | SAFE_FUND | GGZ | only over a window | for sums | audit |")  # fmt: skip
        print("|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
        for step in given.step or [1, 2]:
            read, log = released(town, rows, STEPS[step], given.months)
            print("\n".join(lines(step, read, log)), flush=True)
        if given.types:
            print(f"\n{types(read)}")


if __name__ == "__main__":
    main()
