"""`zorgstroom municipality baseline ...` and `... intervention ...`: events on the municipality's own topic, signed with its own key."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from deploy.awake import awake
from deploy.commands_frame import DataOption, DryRunOption, Gemeente, YesOption, gemeente_of, out, plainly, zone_of
from deploy.municipal_topic import OwnTopic
from portals.municipality.figures import STREAMS
from portals.municipality.note_checks import refused_places
from producers.requests import read_requests
from projections.municipal_baseline import frozen_fields, providers_asked
from projections.municipal_events import LINE_AT_MOST, Baseline, Story, apply
from schemas.care import CARE_TYPES
from schemas.errors import Refused, SettingsWrong
from schemas.geography import gemeente_code
from schemas.municipal_events import Event, Kind
from schemas.values import Month, day_number

app = typer.Typer(no_args_is_help=True, help="The baseline (nulmeting): one service year as known at one month.")
intervention_app = typer.Typer(no_args_is_help=True, help="Dated marks in the trend: what the municipality changed.")
Name = Annotated[str, typer.Option("--name", help="What to call it, in one line.")]
By = Annotated[str, typer.Option("--by", help="Who does it: name or function; stands beside it.")]

_GROUPS: Final = {"total", *STREAMS, *(t.published_as for t in CARE_TYPES.values() if t.published_as)}
"""What figures are published of."""


@dataclass(frozen=True, slots=True)
class _Typed:
    """What a command appends, and who typed it when."""

    kind: Kind
    by: str
    fields: dict[str, Any]
    at: dt.datetime

    def check(self, municipality: int, story: Story) -> None:
        """Raises `Refused` where it would not count."""
        if not self.by.strip() or len(self.by) > LINE_AT_MOST:
            msg = f"--by is one line of at most {LINE_AT_MOST} characters."
            raise SettingsWrong(msg)
        if any(
            refused_places(text, held=True)
            for text in (self.by, *(str(self.fields.get(n, "")) for n in ("name", "what")))
        ):
            raise Refused(
                "unreadable",
                "What is typed may hold no citizen's number, address, e-mail, telephone number or amount; leave it out.",
            )
        who = {"municipality": municipality, "at_ms": _ms(self.at), "actor": "terminal", "actor_name": self.by}
        apply(story, Event(self.kind, who | self.fields))


def _ms(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)


def _append(topic: OwnTopic, typed: _Typed, *, question: str, dry_run: bool, yes: bool) -> bool:
    typed.check(topic.number, topic.story())
    if dry_run:
        out.print(f"{question} Nothing was done.", markup=False)
        return False
    if not yes:
        typer.confirm(question, abort=True)
    topic.append(typed.kind, by=typed.by, at_ms=_ms(typed.at), **typed.fields)
    return True


@app.command()
@plainly
def freeze(
    gemeente: Gemeente,
    year: Annotated[int, typer.Option(help="Service year.")],
    month: Annotated[str, typer.Option(help="As known at the end of this month, YYYY-MM.")],
    name: Name,
    by: By,
    data: DataOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Freeze a service year as known at the end of a month: an event that is never changed. Buurten are in it at a quarter's end."""
    try:
        epoch = Month.parse(month).index
    except ValueError as wrong:
        msg = "A month is YYYY-MM."
        raise SettingsWrong(msg) from wrong
    zone, number = zone_of(data), gemeente_of(gemeente)
    with awake(zone, kafka=True):
        topic = OwnTopic(zone, number)
        epochs, geography = topic.released()
        if epoch not in epochs:
            raise Refused(
                "unreadable",
                "Nothing was released for that month; `zorgstroom municipality figures` shows what there is.",
            )
        asked = providers_asked(read_requests(topic.profile).proved.values(), municipality=number, year=year)
        fields = frozen_fields(epochs[epoch], geography, service_year=year, providers=asked)
        fields |= {"baseline": secrets.token_hex(8), "name": name}
        typed = _Typed(Kind.BASELINE_FROZEN, by, fields, dt.datetime.now(dt.UTC))
        what = f"service year {year} as known at the end of {month}, boundaries of {fields['geometry_year']}, {asked} providers asked"
        if _append(topic, typed, question=f"Freeze {what}? It stays for good.", dry_run=dry_run, yes=yes):
            out.print(f"Frozen as {fields['baseline']}: {what}.", markup=False)


@app.command("list")
@plainly
def list_baselines(gemeente: Gemeente, data: DataOption = None) -> None:
    """Every baseline of a municipality, the oldest first."""
    zone, number = zone_of(data), gemeente_of(gemeente)
    with awake(zone, kafka=True):
        story = OwnTopic(zone, number).story()
    for frozen in sorted(story.baselines.values(), key=lambda b: (b.at_ms, b.id)):
        out.print(_told(frozen), markup=False)
    if not story.baselines:
        out.print(f"{gemeente_code(number)} has no baseline.")


def _told(frozen: Baseline) -> str:
    people = (
        f"inhabitants of {frozen.population_year}" if frozen.population_year is not None else "inhabitants not known"
    )
    on = dt.datetime.fromtimestamp(frozen.at_ms / 1000, dt.UTC).date()
    return (
        f"{frozen.id}  {frozen.service_year} as known at the end of {Month.from_index(frozen.epoch)}  {frozen.name}\n"
        f"    frozen {on} by {frozen.actor_name}; boundaries of {frozen.geometry_year} ({frozen.geometry_hash[:12]}), {people}, "
        f"{frozen.providers} providers asked"
    )


@intervention_app.command()
@plainly
def mark(
    gemeente: Gemeente,
    day: Annotated[str, typer.Option(help="Since when, YYYY-MM-DD.")],
    what: Annotated[str, typer.Option(help="What was changed, in one line.")],
    by: By,
    area: Annotated[str, typer.Option(help="Wijk or buurt (default: the whole municipality).")] = "",
    group: Annotated[str, typer.Option(help="Money stream, published care type, or total.")] = "total",
    data: DataOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Put a dated mark in the trend."""
    try:
        since = dt.date.fromisoformat(day)
    except ValueError as wrong:
        msg = "A day is YYYY-MM-DD."
        raise SettingsWrong(msg) from wrong
    zone, number = zone_of(data), gemeente_of(gemeente)
    place = area.upper() or f"{gemeente_code(number)}P"
    fields = {
        "intervention": secrets.token_hex(8),
        "area": place,
        "group": group,
        "day": day_number(since),
        "what": what,
    }
    with awake(zone, kafka=True):
        typed = _Typed(Kind.INTERVENTION_MARKED, by, fields, dt.datetime.now(dt.UTC))
        question = f"Mark {since} in the trend of {place}, {group}?"
        topic = OwnTopic(zone, number)
        _check_place(topic, place, group)
        if _append(topic, typed, question=question, dry_run=dry_run, yes=yes):
            out.print(f"Marked as {fields['intervention']}.", markup=False)


def _check_place(topic: OwnTopic, place: str, group: str) -> None:
    """Raises `Refused` for a group that is never published apart, and for an area that is not among those published last."""
    if group not in _GROUPS:
        raise Refused("unreadable", f"A mark is of a group that is published: {', '.join(sorted(_GROUPS))}.")
    _, geography = topic.released()
    known = {a["code"] for a in geography["areas"] if a["level"] in ("wijk", "buurt")} if geography else {place}
    if place not in known and not place.startswith("GM"):
        raise Refused(
            "unreadable", "There is no such area; a mark stands beside the whole municipality, a wijk or a buurt of it."
        )


@intervention_app.command()
@plainly
def withdraw(
    gemeente: Gemeente,
    intervention: Annotated[str, typer.Argument(help="Id, as `list` shows it.")],
    by: By,
    data: DataOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Take away a mark that was put in error; that it was there stays in the topic."""
    zone, number = zone_of(data), gemeente_of(gemeente)
    with awake(zone, kafka=True):
        typed = _Typed(Kind.INTERVENTION_WITHDRAWN, by, {"intervention": intervention}, dt.datetime.now(dt.UTC))
        if _append(OwnTopic(zone, number), typed, question=f"Take mark {intervention} away?", dry_run=dry_run, yes=yes):
            out.print(f"Taken away: {intervention}.", markup=False)


@intervention_app.command("list")
@plainly
def list_interventions(gemeente: Gemeente, data: DataOption = None) -> None:
    """Every mark of a municipality, by day."""
    zone, number = zone_of(data), gemeente_of(gemeente)
    with awake(zone, kafka=True):
        story = OwnTopic(zone, number).story()
    for found in sorted(story.interventions.values(), key=lambda m: (m.day, m.id)):
        out.print(
            f"{found.id}  {found.day}  {found.area} {found.group}  {found.what}  ({found.actor_name})", markup=False
        )
    if not story.interventions:
        out.print(f"{gemeente_code(number)} has no marks.")
