"""The report of a full run: per attacker and world what was attacked, broken, narrowed by the rules alone, and the narrowest bound."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from attacks import Break, Tally
from usefulness import GOALS, Useful

HEAD = """# What attackers found in released figures

Made by `make attack`; the attackers are in `tests/attacks/disclosure/` and read the bytes of the released topics, plus what their role tells them. They share no code with the
gate. An amount is a household's year, funding group, epoch, or funding group in an epoch, above EUR 250. It is broken when it is bounded closer than 25% (GGZ: 50%). What only the rules say
of everyone (nobody is more than half of a published figure) is counted apart, as excepted. What stays useful in a town of ordinary size: [usefulness](usefulness.md).
"""

READING = """
How to read it: *programmes* are the linear programmes that were needed; of all other amounts an exchange of money between the target and others in amounts that no figure tells apart shows at once
that they are free. *Narrowest* is the smallest upper bound over true amount that a programme gave (1.25 is the promise, 1.5 for GGZ, none where nothing bounds).
*Afterwards*: others withdrew, after a figure was published, most of what stood in it beside the amount; no hold keeps that (decision 23).
*Excepted* of SDC-13 is what two years told; nothing is promised there. SDC-9 (each rule taken out in turn turns an attack red) is `test_rules_removed.py`, `test_figures_joined.py` and
`test_closed_wijken.py`.
"""

REASONED = """
## Reasoned, and tried on small towns only

- *Rates.* A rate is a rounded released figure over a published number of people. Who multiplies back has the figure again and no more
  (`test_a_rate_is_the_released_amount_over_the_published_number_to_the_unit_shown`).
- *Completeness.* Months closed of months asked, per group: no amount is in it. It tells when a provider caught up; what came in then is a window of every figure, and passes the rules with and without each provider.
- *Exports, the page, the API.* They read released topics only and show the same cells (`test_all_that_was_released_is_written_as_a_reader_has_it`, `test_the_csv_has_every_cell_of_the_topics`,
  `test_a_value_that_was_never_published_changes_no_byte`), so whoever joins them has what the attackers above read.
- *Households by number of providers.* Numbers to 5, no euros. With the number of households beside the total they tell about how many share an address, and no amount.
- *The curve with figures of areas.* The attack takes the closer of two bounds: by the curve and total, and by all figures. What the order of households says together with each cluster's sum needs
  programmes over ranks, which were not built.
- *The gate as an oracle.* A provider may declare so much for a household that a figure is held where the household would be more than half of it (`test_tuned.py`). Held, it learns nothing: any clause may have
  failed. Released, it learns that the rest is at most half the figure less its own part. That is the excepted bound, and by tuning it lies as close as the provider likes: one answer per publication (a cluster has
  four in a year), and between two publications no one may be more than half of what was added, so the sham can grow no faster than the figure. Every rule that reads amounts and is public has such an edge;
  what speaks against it is that the sham is of the order of the whole figure, signed, on the household's own card, and to be paid by the municipality. Not kept by the gate.
- *A known tariff.* Rounding to EUR 1,000 hides the one amount that is no multiple of a tariff everybody else has, up to EUR 2,000; above that, in a cell where all others have multiples of a larger tariff,
  it is found (`test_rounding_hides_the_one_that_is_no_multiple_of_the_tariff_up_to_two_thousand_euros`). The full run looks for such cells in every world (*who knows the tariff of all others*): declared care is in
  minutes, days and pieces of at most EUR 221, so there are none. A municipality that pays whole trajectories at a fixed price should round more coarsely (`euros_base` in its settings).
"""


@dataclass
class Found:
    """All results of a run. Tallies by (SDC id, attacker, world); breaks with where they were found."""

    tallies: dict[tuple[str, str, str], Tally] = field(default_factory=dict)
    breaks: list[tuple[str, int, str, Break, str]] = field(default_factory=list)
    useful: dict[str, list[Useful]] = field(default_factory=lambda: defaultdict(list))
    types: dict[str, tuple[int, int]] = field(default_factory=dict)
    protection: str = ""

    def add(self, sdc: str, world: str, tally: Tally) -> None:
        """Take in one attack on one municipality."""
        key = (sdc, tally.attacker, world)
        self.tallies.setdefault(key, Tally(tally.attacker)).add(tally)


def as_markdown(found: Found, *, command: str, day: str, what: str) -> str:
    """The whole report."""
    parts = [
        HEAD, f"Run of {day}: `{command}`. {what} Protection as released: `{found.protection}`.\n", READING, _summary(found), _table(found),
        _breaks(found), REASONED, _useful(found.useful), _types(found.types),
    ]  # fmt: skip
    return "\n".join(parts)


def _summary(found: Found) -> str:
    broken = sum(len(t.breaks) for t in found.tallies.values())
    attacked = sum(t.attacked for t in found.tallies.values())
    solved, later = (
        sum(t.programmes for t in found.tallies.values()),
        sum(len(t.afterwards) for t in found.tallies.values()),
    )
    return f"\n**{attacked:,} amounts and differences attacked, {solved:,} programmes, {broken} broken, {later} by what was withdrawn afterwards.**\n"


def _number(value: float) -> str:
    return "" if value == float("inf") else f"{value:.2f}"


def _table(found: Found) -> str:
    lines = [
        "\n## Per attacker and world\n",
        "| | attacker | world | attacked | programmes | broken | afterwards | excepted | narrowest |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for (sdc, attacker, world), t in sorted(
        found.tallies.items(), key=lambda item: (int(item[0][0].split("-")[1]), item[0][1:])
    ):
        broken = f"**{len(t.breaks)}**" if t.breaks else "0"
        lines.append(
            f"| {sdc} | {attacker} | {world} | {t.attacked:,} | {t.programmes:,} | {broken} | {len(t.afterwards) or ''} | {t.excepted or ''} | {_number(t.narrowest)} |"
        )
    return "\n".join(lines) + "\n"


def _breaks(found: Found) -> str:
    if not found.breaks:
        return "\n## Breaks\n\nNone.\n"
    by_amount: dict[tuple[str, int, str], list[tuple[str, Break, str]]] = defaultdict(list)
    for world, municipality, sdc, one, why in found.breaks:
        by_amount[world, municipality, one.of].append((sdc, one, why))
    lines = ["\n## Breaks\n", "Each amount once, with the closest bound; epochs count from 0.\n"]
    for (world, municipality, _), own in sorted(by_amount.items()):
        _, closest, _ = min(own, key=lambda item: item[1].most - item[1].least)
        why = next((w for _, _, w in own if w), "")
        ids = ", ".join(sorted({s for s, _, _ in own}))
        lines.append(
            f"- {world}, GM{municipality}, {ids}: {closest}{'; ' + why if why else ''}{f'; by {len(own)} attackers' if len(own) > 1 else ''}"
        )
    return "\n".join(lines) + "\n"


def _useful(worlds: Mapping[str, Sequence[Useful]]) -> str:
    lines = [
        "\n## What stays useful\n", "At the end of the year, all municipalities attacked together. Goals (for 20,000 households; a small town holds more): buurt totals 85 / 90 / 95, cluster totals 70 / 90 / 90.\n",
        "| world | level | group | cells | last epoch % | any epoch % | last values / true euros % | oldest (months) | mean age | largest error EUR |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    for world, all_found in worlds.items():
        for (level, group), own in _grouped(all_found).items():
            cells, ages = sum(u.cells for u in own), sum(u.mean_age_months * u.of_any_epoch for u in own)
            last, any_, true = (
                sum(u.of_last_epoch for u in own),
                sum(u.of_any_epoch for u in own),
                sum(u.true_cents for u in own),
            )
            euros = 100 * sum(u.shown_cents for u in own) / true if true else 100.0
            texts = [f"{100 * last / cells:.0f}", f"{100 * any_ / cells:.0f}", f"{euros:.0f}"]
            if group == "total" and level in GOALS:
                texts = [f"{text} (goal {goal})" for text, goal in zip(texts, GOALS[level], strict=True)]
            age = f"{ages / any_:.1f}" if any_ else ""
            lines.append(
                f"| {world} | {level} | {group} | {cells} | {' | '.join(texts)} | {max(u.oldest_months for u in own)} | {age} | {max(u.largest_error_euros for u in own):.0f} |"
            )
    return "\n".join(lines) + "\n"


def _grouped(found: Iterable[Useful]) -> dict[tuple[str, str], list[Useful]]:
    out: dict[tuple[str, str], list[Useful]] = defaultdict(list)
    for one in found:
        out[one.level, one.group].append(one)
    return out


def _types(types: Mapping[str, tuple[int, int]]) -> str:
    lines = [
        "\n## Care types per buurt and year, tried\n",
        "Buurten (world `town`) where a whole year of a care type would pass SAFE, and SAFE without any one provider, of those where it is used. The most there could be: no holds for sums yet.\n",
        "| care type | could be published | used in |", "|---|--:|--:|", *(f"| {name} | {safe} | {used} |" for name, (safe, used) in sorted(types.items())),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
