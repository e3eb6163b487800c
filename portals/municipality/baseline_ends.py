"""What is said of the two ends of a comparison with a baseline: from which snapshot, how complete, and that a gap is no drop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portals.municipality.figures import STREAMS, Figures
from portals.municipality.own_words import own_text
from portals.municipality.trend import complete
from portals.municipality.words import day, group_short, month_name, text


@dataclass(frozen=True, slots=True)
class End:
    """One of the two months: its name, from which snapshot, and how complete each stream was then, all in words."""

    month: str
    snapshot: str
    complete: tuple[str, ...]


def ends(figures: Sequence[Figures], lang: str) -> tuple[End, ...]:
    """The baseline's month and the later one."""
    return tuple(End(month_name(of.epoch, lang), _snapshot(of, lang), _complete(of, lang)) for of in figures)


def partly(then: Figures, now: Figures, lang: str) -> str:
    """Which streams were not complete at either end, in one sentence that says what that does to a difference; empty where all told were."""
    said = []
    for stream in STREAMS:
        shares = [complete(of, stream) for of in (then, now)]
        if any(share.asked and not share.whole for share in shares):
            was, is_ = (f"{s.percent}%" if s.percent is not None else text("unknown", lang) for s in shares)
            said.append(own_text("partly_of", lang, group=group_short(stream, lang), was=was, now=is_))
    return own_text("partly", lang, streams="; ".join(said)) if said else ""


def _snapshot(of: Figures, lang: str) -> str:
    said = text("about_snapshot_line", lang, version=of.version, month=month_name(of.epoch, lang), ledger=of.ledger_hash.hex()[:12],
                areas=of.geometry_hash.hex()[:12], software=of.software)  # fmt: skip
    return said + (text("about_published", lang, day=day(of.published_on, lang)) if of.published_on is not None else "")


def _complete(of: Figures, lang: str) -> tuple[str, ...]:
    """One line per stream that tells it."""
    told = ((stream, complete(of, stream)) for stream in STREAMS)
    return tuple(
        text("complete_line", lang, group=group_short(stream, lang), closed=c.closed, asked=c.asked, percent=c.percent)
        for stream, c in told
        if c.asked
    ) or (text("complete_none", lang),)
