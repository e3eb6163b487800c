"""Attacks that need more than the plain programmes: GGZ of whole areas, caps, moves that are known, a provider that invents deliveries."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
from attackers_truth import GGZ_KIND, KINDS, Flags, Ints, Row, Truth
from attacks import CLOSE, Attack, Break, Tally
from figures_table import Floats
from programmes import Limit, Target
from reading_releases import inside
from roles import Read

from producers.town.providers import TARIFFS
from schemas.care import CARE_TYPE_BY_CODE

UNIT_OF_LEVEL: Final = {"cluster": 1, "buurt": 100, "wijk": 10_000, "gemeente": 1_000_000}
"""Level -> by what the number of a finest area is divided. Streets have none: their codes say which clusters they are."""
MONTH_OF_UNIT: Final = {1: 60 * 24 * 31, 4: 24 * 31, 14: 31, 16: 3 * 31, 82: 31}
"""The most units of a kind that a month holds: minutes, hours, nights, parts of a day, pieces (one a day)."""
SHAM: Final = "98000099"
SHAM_CLIENTS: Final = 14


def ggz_of_areas(read: Read, name: str, known: Flags) -> Tally:
    """The GGZ sum of each area at each level, and of the rest: nobody may bound it closer than half either side."""
    tally, truth = Tally(name), read.truth
    numbers = np.array(truth.areas)[truth.area]
    for level, unit in UNIT_OF_LEVEL.items():
        placed = numbers % 100 != 0
        codes, who = np.unique(np.where(placed, numbers // unit, -1), return_inverse=True)
        tally.add(_ggz_of(read, name, known, who=who, names=[f"{level} {c}" for c in codes.tolist()]))
    for street in read.streets:
        elsewhere = ~inside("street", street, truth.areas)[truth.area]
        tally.add(_ggz_of(read, name, known, who=elsewhere.astype(np.int64), names=[f"street {street}"]))
    return tally


def _ggz_of(read: Read, name: str, known: Flags, *, who: Ints, names: list[str]) -> Tally:
    """The GGZ of each of the areas in which rows lie: `who` is a row's area as an index of `names`, past their end: elsewhere."""
    others = np.where(GGZ_KIND[read.truth.kind], who, len(names))
    return Attack(name, read.table, known, others, [*names, "others"], only_ggz=True).run()


def caps_of(truth: Truth) -> Floats:
    """Per row the most its care can cost in a month: tariff times what a month holds, never less than the town's dearest row of that care."""
    dearest: Counter[str] = Counter()
    for row in truth.rows:
        dearest[row.care] = max(dearest[row.care], row.cents)
    most = {care: max(cents, _public(care)) for care, cents in dearest.items()}
    return np.array([float(most[r.care]) for r in truth.rows])


def _public(care: str) -> int:
    unit, tariff = TARIFFS.get(care, (0, 0))
    return tariff * MONTH_OF_UNIT.get(unit, 0)


def capped(attack: Attack) -> Tally:
    """SDC-10: who knows everybody in care and the public maxima bounds the others from above, hence the target from below."""
    table, truth = attack.table, attack.table.truth
    tally, rows = Tally(f"{attack.name} with caps"), ~attack.known & ~truth.churn
    per_row = caps_of(truth)
    every = np.zeros(len(attack.programmes.pool))
    np.add.at(every, table.class_of[table.atom_of_row[rows]], per_row[rows])
    for amount in attack.amounts():
        if amount.cents < 0:
            continue
        tally.attacked += 1
        target = attack.target_of(amount.target)
        own = np.zeros_like(every)
        mine = rows & (attack.who == amount.target)
        np.add.at(own, table.class_of[table.atom_of_row[mine]], per_row[mine])
        caps, rest = every - own, attack.programmes.pool - target.standing
        classes = table.class_of[np.array(target.atoms, dtype=np.int64)]
        net = np.zeros(len(caps))
        np.add.at(net, classes, np.array(target.cents, dtype=float))
        if ((caps - rest >= CLOSE * 1.0001 * net) & (rest >= -CLOSE * 1.0001 * net))[~table.unseen].all():
            continue
        wanted = set(table.atom_of_row[amount.rows].tolist())
        low = attack.programmes.bound(target, wanted, most=False, caps=caps)
        if low > amount.cents * (1 - CLOSE) + 1:
            tally.breaks.append(Break(tally.attacker, amount.of, "lower bound", amount.cents, low, float("inf")))
    tally.programmes = attack.programmes.solved
    return tally


def moved(attack: Attack) -> Tally:
    """Who knows that a household moved knows too that the area it came to gains at least what the area it left loses."""
    table, tally = attack.table, Tally(f"{attack.name} who knows of the move")
    for amount in attack.amounts():
        target = attack.target_of(amount.target)
        limits = _moves(target, table.epochs, len(attack.programmes.pool))
        wanted = set(table.atom_of_row[amount.rows].tolist())
        if not limits or not wanted & {a for limit in limits for a in limit.target}:
            continue
        tally.attacked += 1
        size, sign = abs(amount.cents), 1 if amount.cents > 0 else -1
        high = sign * attack.programmes.bound(target, wanted, most=sign > 0, limits=limits)
        low = sign * attack.programmes.bound(target, wanted, most=sign < 0, limits=limits)
        tally.narrowest = min(tally.narrowest, high / size)
        if high < size * (1 + CLOSE) - 1 or low > size * (1 - CLOSE) + 1:
            tally.breaks.append(Break(tally.attacker, amount.of, "a move", size, max(low, 0.0), high))
    tally.programmes = attack.programmes.solved
    return tally


def _moves(target: Target, epochs: int, classes: int) -> list[Limit]:
    """Of each atom from which something was taken in an epoch: another area's atom of the same kind got at least as much then."""
    found, taken = [], set()
    of = dict(zip(target.atoms, target.cents, strict=True))
    per_area = len(KINDS) * epochs
    for atom, cents in of.items():
        for other, gained in of.items():
            if cents < 0 <= cents + gained and atom % per_area == other % per_area and other not in taken:
                taken.add(other)
                found.append(Limit({atom: -1.0, other: -1.0}, np.zeros(classes), 0.0))
                break
    return found


def with_sham(rows: list[Row], *, area: int | None = None) -> list[Row]:
    """A provider invents clients around the dearest household of an area in the first month, and credits them two months later."""
    totals: Counter[tuple[int, str]] = Counter()
    for row in rows:
        if row.area % 100 and row.epoch == 0 and area in (None, row.area):
            totals[row.area, row.household] += row.cents
    (where, _), most = max(totals.items(), key=lambda item: (item[1], item[0]))
    care = next(c for c in CARE_TYPE_BY_CODE if c.startswith("wmo-"))
    last = max(r.epoch for r in rows)
    sham = [
        Row(f"X{n}", f"X{n}", f"X{n}", where, SHAM, care, epoch, sign * (most // 2 + n))
        for n in range(SHAM_CLIENTS) for epoch, sign in ((0, 1), (min(2, last), -1))
    ]  # fmt: skip
    return sorted([*rows, *sham], key=lambda r: r.epoch)


def by_the_tariff(euros: int, *, step: int, base: int) -> tuple[float, float]:
    """Who knows that all others cost multiples of a tariff of `step` euros: where the one amount below it lies that is none."""
    low, high = euros - base / 2, euros + base / 2
    if high - low >= step:
        return 0.0, float(step)
    return (low % step, high % step) if low % step <= high % step else (0.0, float(step))
