"""The released figures on a terminal: as a table, as csv, as json. Reads the municipality's own topics with its own certificate."""

from __future__ import annotations

import csv
import json
import sys
import time
from typing import Any, Final

from rich.table import Table

from deploy.commands_frame import out
from deploy.key_register import KeyRegister
from deploy.zone import Zone
from projections.subscribers import ReleaseSubscriber
from schemas import topics
from schemas.errors import Refused, SettingsWrong, Unavailable
from schemas.values import Month

HELD_SENTENCE = "kept back to protect households: too few of them or of providers, or one weighs too much"
PRELIMINARY_SENTENCE = (
    "Preliminary protection: sums and differences are guarded, the audit over all figures together is not in force yet."
)


GIVEN_UP_SENTENCE = "This municipality gave up some of the protection: {what}."
_PATIENCE_SECONDS: Final = 20.0
_COLUMNS: Final = (
    "area",
    "level",
    "group",
    "service_year",
    "decision",
    "euros",
    "households",
    "known_until",
    "protection",
)


def show(released: dict[str, Any], cells: list[dict[str, Any]], *, form: str) -> None:
    """Print cells of a released epoch. `form`: table, csv or json."""
    if form == "json":
        plain = {k: v for k, v in released.items() if not isinstance(v, bytes)} | {"cells": cells}
        if released["protection"] == "preliminary":
            plain = {"note": PRELIMINARY_SENTENCE} | plain
        print(json.dumps(plain, indent=2, ensure_ascii=False))
    elif form == "csv":
        if released["given_up"] and not cells:
            print(GIVEN_UP_SENTENCE.format(what="; ".join(released["given_up"])), file=sys.stderr)
        writer = csv.writer(sys.stdout, lineterminator="\n")
        if released["protection"] == "preliminary" and not cells:
            print(PRELIMINARY_SENTENCE, file=sys.stderr)
        writer.writerow(_COLUMNS)
        for c in cells:
            writer.writerow(
                (c["area"], c["area_level"], c["group"], c["service_year"], c["decision"], c["euros"], c["households"],
                 _month(c["known_until"]), "; ".join([f"{released['protection']} protection", *released["given_up"]]))
            )  # fmt: skip
    else:
        _table(released, cells)


def _month(index: int | None) -> str:
    return "" if index is None else str(Month.from_index(index))


def released_epoch(zone: Zone, number: int, *, level: str, month: str | None) -> dict[str, Any]:
    """The released epoch of a municipality as known at the end of `month` (default: the newest). Raises `Refused`, `SettingsWrong`, `Unavailable`."""
    asked = _month_of(month) if month else None
    name = f"gm{number:04d}"
    files = zone.reader_certificate(name)
    keys = KeyRegister.of(zone.folder).proves("release")
    topic = topics.macro_topic(number) if level == "macro" else topics.meso_topic(number)
    reader = ReleaseSubscriber(zone.kafka.client(files) | {"log_level": 0}, f"{name}.figures", topic, keys)
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not reader.caught_up and time.monotonic() < deadline:
            reader.poll(0.5)
    finally:
        reader.close()
    if not reader.caught_up:
        msg = "Kafka does not answer; is the zone running?"
        raise Unavailable(msg)
    wanted = asked.index if asked else max(reader.epochs, default=0)
    if wanted not in reader.epochs:
        raise Refused("unreadable", "Nothing was released for that month yet; close a month first.")
    return reader.epochs[wanted]


def _month_of(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as wrong:
        msg = "A month is YYYY-MM."
        raise SettingsWrong(msg) from wrong


def cells_of_group(released: dict[str, Any], group: str) -> list[dict[str, Any]]:
    """The cells of one group, or of `all`. Raises `Refused`, with the groups there are, for one of which nothing was ever decided."""
    found = [c for c in released["cells"] if group in ("all", c["group"])]
    if not found and released["cells"]:
        groups = ", ".join(sorted({c["group"] for c in released["cells"]}))
        raise Refused("unreadable", f"There are no figures of that group; choose one of {groups}, or all.")
    return found


def _table(released: dict[str, Any], cells: list[dict[str, Any]]) -> None:
    month = Month.from_index(released["epoch"])
    out.print(f"Service year so far, as known at the end of {month}.")
    if released["awaits_quarter"]:
        out.print("Buurten and clusters of this quarter are still to come; they stand as they were.")
    if released["protection"] == "preliminary":
        out.print(PRELIMINARY_SENTENCE, style="yellow")
    if released["given_up"]:
        out.print(GIVEN_UP_SENTENCE.format(what="; ".join(released["given_up"])), style="yellow", markup=False)
    table = Table(box=None, pad_edge=False)
    for head in ("Area", "Level", "Group", "Year", "Euros", "Households", "Known until", ""):
        table.add_column(head, justify="right" if head in ("Euros", "Households") else "left")
    for c in cells:
        euros = "" if c["euros"] is None else f"{c['euros']:,}"
        table.add_row(
            c["area"], c["area_level"], c["group"], str(c["service_year"]), euros, "" if c["households"] is None else str(c["households"]),
            _month(c["known_until"]), "held" if c["decision"] == "held" else "",
        )  # fmt: skip
    out.print(table)
    if any(c["decision"] == "held" for c in cells):
        out.print(f"held: {HELD_SENTENCE}")
    for c in released["completeness"]:
        if c["months_asked"]:
            out.print(f"Complete for {c['group']}: {c['months_closed']} of {c['months_asked']} provider months asked.")
