"""When a promise broke: by the figures of which epoch, and whether holding them would have kept it.

What others withdraw becomes known to the attacker after figures were published in which it stood. A break that follows from that alone, without the
figures of the epoch in which it first shows, no decision of the gate could have kept.
"""

from __future__ import annotations

from attacks import Attack, Break, Tally
from reading_releases import Released
from roles import Read, funder, outsider, providers

AFTERWARDS = "what others withdrew in it, without any figure of that epoch"


def attacker(read: Read, name: str, *, ggz: bool) -> Attack | None:
    """The attack of a name; None for one that needs more than what it knows."""
    if name == "outsider":
        return outsider(read, ggz=ggz)
    if name == "funder":
        return funder(read, ggz=ggz)
    if name.startswith("household "):
        known = read.truth.of({name.removeprefix("household ")})
        return Attack(name, read.table, known, read.truth.household, read.truth.households, only_ggz=ggz)
    return next((a for a in providers(read, ggz=ggz) if a.name == name), None)


def sorted_out(released: Released, tally: Tally, *, months: int) -> dict[str, str]:
    """Move the breaks that no hold could have kept to `afterwards`; what is said of each amount."""
    said: dict[str, str] = {}
    breaks, tally.breaks = tally.breaks, []
    for one in breaks:
        key = str(one)
        said[key] = diagnosis(released, one, months=months)
        (tally.afterwards if said[key].endswith(AFTERWARDS) else tally.breaks).append(one)
    return said


def diagnosis(released: Released, found: Break, *, months: int) -> str:
    """In which epoch the break first shows, and by what; nothing where it can't be told."""
    for epoch in range(months):
        if _broken(released, found, upto=epoch, known_until=epoch):
            by = (
                AFTERWARDS
                if epoch and _broken(released, found, upto=epoch - 1, known_until=epoch)
                else "a figure of that epoch"
            )
            return f"first in epoch {epoch}, by {by}"
    return ""


def _broken(released: Released, found: Break, *, upto: int, known_until: int) -> bool:
    read = Read.of(released, upto=upto, truth=released.truth.until(known_until))
    attack = attacker(read, found.attacker, ggz=found.of.startswith("GGZ "))
    if attack is None or not read.table.figures:
        return False
    tally = Tally(found.attacker)
    for amount in attack.amounts():
        if amount.of == found.of:
            attack.judge(amount, tally)
    return bool(tally.breaks)
