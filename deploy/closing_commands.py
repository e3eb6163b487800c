"""`zorgstroom operator close-month` and `preview`: close a month that is over, and see beforehand what readers will see of it, and no more."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import psycopg
import typer

from deploy.awake import awake
from deploy.closing import calendar_of, check_over, close_month, days_of, days_to_come
from deploy.commands_frame import DataOption, Gemeente, gemeente_in, out, plainly, zone_of
from deploy.municipality_figures import cells_of_group, show
from deploy.zone import Zone
from projections.release.calendar import day_in_amsterdam
from schemas import codec, topics
from schemas.errors import Refused, SettingsWrong, Unavailable
from schemas.values import Month, day_number
from streams import release_store as store
from streams.release_outbox import topic_end
from streams.release_publication import cells_of
from streams.release_records import Head, Place, record


@plainly
def close(
    month: Annotated[str | None, typer.Option("--month", help="The month you mean, YYYY-MM (default: the one that is open).")] = None,
    data: DataOption = None,
) -> None:  # fmt: skip
    """Close the open month once it is over: what comes after belongs to the next. Waits until it is published, or decided."""
    zone = zone_of(data)
    epoch, following = next_epoch(zone)
    _check_meant(month, following)
    check_over(following, dt.datetime.now(dt.UTC))
    with out.status(f"Closing {following} ..."):
        coming = close_month(zone, epoch=epoch, month=following, seconds=300)
    if not coming:
        out.print(f"{following} is closed and published; {following.plus(1)} is open.")
        return
    out.print(
        f"{following} is closed and decided; {following.plus(1)} is open. Its figures go out by themselves on {' and '.join(map(str, coming))}; "
        "`zorgstroom operator preview` shows them."
    )


def _check_meant(month: str | None, following: Month) -> None:
    """Raise `Refused` where the month meant is not the one that is open."""
    try:
        meant = following if month is None else Month.parse(month)
    except ValueError as wrong:
        msg = "A month is YYYY-MM."
        raise SettingsWrong(msg) from wrong
    if meant.index < following.index:
        raise Refused("period", f"{meant} is closed already, and a month closes once. {following} is open.")
    if meant.index > following.index:
        raise Refused("period", f"{following} is open and comes first: months close in their order.")


def next_epoch(zone: Zone) -> tuple[int, Month]:
    """Number and label of the open epoch. Raises `Unavailable`."""
    first = Month.parse(zone.folder.settings()["first_month"])
    try:
        with psycopg.connect(zone.postgres.create_role_database("release")) as c:
            epoch = store.next_epoch(c)
    except psycopg.Error as away:
        msg = "PostgreSQL of this zone is not running; start it with `zorgstroom operator run`, or `zorgstroom demo`."
        raise Unavailable(msg) from away
    return epoch, first.plus(epoch)


@plainly
def preview(
    gemeente: Gemeente,
    level: Annotated[str, typer.Option(help="macro or meso.")] = "macro",
    group: Annotated[str, typer.Option(help="A money stream, total, a published care type, or all.")] = "total",
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    data: DataOption = None,
) -> None:
    """What readers will see of the month that waits for its day, and no more. No figure can be changed; from now on what was decided stays."""
    if form not in ("table", "csv", "json") or level not in ("macro", "meso"):
        raise typer.BadParameter("--format is table, csv or json; --level is macro or meso")
    zone = zone_of(data)
    number = gemeente_in(zone, gemeente)
    with awake(zone):
        coming, waiting = waiting_epoch(zone, number, level=level, now=dt.datetime.now(dt.UTC))
    show(waiting, cells_of_group(waiting, group), form=form)
    if form == "table":
        out.print(f"Goes out on {' and '.join(map(str, coming))}.")


def waiting_epoch(
    zone: Zone, municipality: int, *, level: str, now: dt.datetime
) -> tuple[list[dt.date], dict[str, Any]]:
    """The days on which a decided epoch goes out, and its record as readers will get it, buurten and clusters included. Raises `Refused`."""
    with psycopg.connect(zone.postgres.create_role_database("release"), autocommit=True) as own:
        closing = store.next_closing(own)
        if closing is None or not store.previewed(own, closing.epoch):
            raise Refused(
                "period", "No month waits for its day now; `zorgstroom municipality figures` shows what was published."
            )
        month = Month.from_index(closing.month)
        first = Month.parse(zone.folder.settings()["first_month"]).index
        found = cells_of(own, municipality, closing, first_month=first, awaits_quarter=False)
        head = Head.of(store.head(own, municipality, closing.epoch))
        version = (
            topic_end(
                own, topics.macro_topic(municipality) if level == "macro" else topics.meso_topic(municipality)
            ).version
            + 1
        )
    calendar = calendar_of(zone)
    coming = days_to_come(calendar, month, day_in_amsterdam(now)) or days_of(calendar, month)[-1:]
    place = Place(municipality, level, closing.month, version, bytes(32), day_number(coming[-1]), awaits_quarter=False)
    return coming, codec.decode("released_epoch", record(place, head, found[level]))
