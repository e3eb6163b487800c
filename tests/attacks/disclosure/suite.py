"""SDC-1 to SDC-8 and SDC-10 to SDC-12 of one released town, each as tallies; the same functions serve the short run and the full one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

import numpy as np
from attacks import CLOSE, LEAST_CENTS, Attack, Break, Tally
from closed_wijken import against, figures_of, follows, wijk_of_the_largest
from counts import found_by_counts, remainders_with_counts
from curves import curves_attacked
from differences import remainders, spanned
from gate_switches import AT_THE_FIRST_BREAK, closed_wijk
from more_attacks import SHAM, capped, ggz_of_areas, moved, with_sham
from own_rules import OwnRules
from reading_releases import Released, snapshots
from releases import released_town
from roles import Read, contributors, funder, neighbours, outsider, providers, shared_addresses
from said_by_rules import SaidByRules
from tuned import by_tariffs, told_of_their_own_clients

Few = Callable[[Sequence[Attack]], Sequence[Attack]]


def the_largest(count: int) -> Few:
    """So many that know most rows; all of them where 0."""

    def chosen(attacks: Sequence[Attack]) -> Sequence[Attack]:
        return sorted(attacks, key=lambda a: (-int(a.known.sum()), a.name))[: count or None]

    return chosen


def together(name: str, tallies: Iterator[Tally] | Sequence[Tally]) -> Tally:
    """One tally of many."""
    found = Tally(name)
    for tally in tallies:
        found.add(tally)
    return found


def sdc_1(read: Read, few: Few) -> Iterator[Tally]:
    del few
    yield outsider(read).run()
    yield together("outsider, shared addresses and institutions", [contributors(read).run(shared_addresses(read))])


def sdc_2(read: Read, few: Few) -> Iterator[Tally]:
    del few
    yield neighbours(read)


def sdc_3(read: Read, few: Few) -> Iterator[Tally]:
    del few
    cells = {
        c[:3] for s in snapshots(read.released.payloads, first_month=read.released.first_month) for c in s.standing
    }
    rules, known = OwnRules(read.truth), {}
    for name, found in (("remainders", remainders(read.table)), ("combinations", spanned(read.table, cells))):
        tally = Tally(name)
        for difference in found:
            rows = difference.rows(read.table)
            tally.attacked += 1
            mark = rows.tobytes()
            if mark not in known:
                known[mark] = rules.is_safe(rows)
                if not known[mark]:
                    tally.breaks.append(Break(name, f"not SAFE: {difference.said}", "", 0, 0.0, 0.0))
        yield tally


def sdc_4(read: Read, few: Few) -> Iterator[Tally]:
    del few
    yield together("outsider, of whom something was withdrawn or moved", [outsider(read).run(read.truth.churn)])
    yield moved(outsider(read))


def sdc_5(read: Read, few: Few) -> Iterator[Tally]:
    yield together("outsider, GGZ", [outsider(read, ggz=True).run()])
    yield together("funder, GGZ", [funder(read, ggz=True).run()])
    yield together("partner providers, GGZ", [a.run() for a in few(list(providers(read, ggz=True)))])
    yield together("outsider, GGZ of areas", [ggz_of_areas(read, "outsider", read.nothing())])
    yield together("funder, GGZ of areas", [ggz_of_areas(read, "funder", read.funded())])


def sdc_6(read: Read, few: Few) -> Iterator[Tally]:
    yield together("providers", [a.run() for a in few(list(providers(read)))])


def sdc_7(read: Read, few: Few) -> Iterator[Tally]:
    del few
    yield funder(read).run()


def sdc_8(read: Read, few: Few) -> Iterator[Tally]:
    yield SaidByRules(outsider(read)).run()
    yield SaidByRules(funder(read), overig=True).run()
    chosen = few(list(providers(read)))
    yield together("providers with the rules", [SaidByRules(a).run() for a in chosen])
    yield told_of_their_own_clients(
        read, [read.truth.providers.index(a.name.removeprefix("provider ")) for a in chosen]
    )


def sdc_10(read: Read, few: Few) -> Iterator[Tally]:
    del few
    yield capped(outsider(read))
    yield capped(funder(read))


def sdc_11(read: Read, few: Few) -> Iterator[Tally]:
    del few
    rest = np.array(read.truth.areas)[read.truth.area] % 100 == 0
    yield together("outsider, of the rest", [outsider(read).run(rest)])
    yield together("funder, of the rest", [funder(read).run(rest)])


def sdc_12(read: Read, few: Few) -> Iterator[Tally]:
    yield curves_attacked(read, len(few(list(providers(read)))))
    yield by_tariffs(read)
    tally = Tally("counts", attacked=sum(1 for _ in remainders_with_counts(read)))
    tally.breaks = [
        Break("counts", s, "", 0, 0.0, 0.0) for s in found_by_counts(read, least_cents=LEAST_CENTS, close=CLOSE)
    ]
    yield tally


ATTACKS: Final = {
    "SDC-1": sdc_1, "SDC-2": sdc_2, "SDC-3": sdc_3, "SDC-4": sdc_4, "SDC-5": sdc_5, "SDC-6": sdc_6, "SDC-7": sdc_7, "SDC-8": sdc_8,
    "SDC-10": sdc_10, "SDC-11": sdc_11, "SDC-12": sdc_12,
}  # fmt: skip


def sham(world: str, *, seed: int, months: int, addresses: int, municipality: int = 9901) -> tuple[Released, Tally]:
    """SDC-6: a provider that invents clients around one household, credits them later, and reads."""
    released = released_town(
        world, seed=seed, months=months, addresses=addresses, municipality=municipality, change=with_sham
    )
    attack = next(a for a in providers(Read.of(released)) if a.name.endswith(SHAM))
    return released, together("sham provider", [attack.run()])


def closed(world: str, epochs: Collection[int], few: Few, **size: int) -> Iterator[tuple[Released, Tally]]:
    """SDC-11: the wijk of the dearest household fails closed for some epochs, and is attacked from all that is published around it."""
    town = released_town(world, **size, payloads=[])
    wijk = wijk_of_the_largest(town.truth)
    released = released_town(world, **size, switches=closed_wijk(wijk, epochs))
    read = Read.of(released)
    tally = Tally(
        "what of a wijk that failed closed is published, or follows", attacked=sum(e < size["months"] for e in epochs)
    )
    seen = [str(f.cell) for f in figures_of(read, wijk) if f.epoch in epochs] + follows(read, wijk, epochs)
    tally.breaks = [Break(tally.attacker, s, "", 0, 0.0, 0.0) for s in seen]
    for one in (tally, *against(read, wijk, len(few(list(providers(read)))))):
        yield released, one


def closed_at_the_first_break(world: str, few: Few, **size: int) -> Iterator[tuple[Released, Tally]]:
    """SDC-11: each wijk in which the audit breaks is closed at once; everybody is attacked."""
    released = released_town(world, **size, switches=AT_THE_FIRST_BREAK)
    read = Read.of(released)
    said = "where a wijk closes at the first break"
    yield released, together(f"outsider, {said}", [outsider(read).run(), outsider(read, ggz=True).run()])
    yield released, together(f"funder, {said}", [funder(read).run(), funder(read, ggz=True).run()])
    yield released, together(f"providers, {said}", [a.run() for a in few(list(providers(read)))])
