"""What a released record may change of the one before it on its topic: new values of cells that are due, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any, Final

from projections.release.cells import LAYERS, CellId
from projections.release.chosen_parameters import given_up
from projections.release.rules import Parameters
from schemas.values import Month

_QUARTERLY: Final = frozenset(layer.level for layer in LAYERS if layer.quarterly)
_NUMBERS: Final = {f.name for f in fields(Parameters)}
Cell = dict[str, Any]
Seen = tuple[int | None, int | None, int | None]


def changes_against(before: dict[str, Any] | None, after: dict[str, Any], areas: Collection[str]) -> Iterator[str]:
    """What is wrong with a `released_epoch` after the one before it, as ends of a sentence that begins with the record.

    `areas`: codes of the published areas now; cells of others stay as they were, and are decided no more.
    """
    known = {} if before is None else {_id(c): c for c in before["cells"]}
    now: dict[CellId, Cell] = {}
    for cell in after["cells"]:
        if _id(cell) in now:
            yield f"has {_name(cell)} twice"
        now[_id(cell)] = cell
        yield from _of_cell(known.get(_id(cell)), cell, before, after, decided=cell["area"] in areas)
    year = Month.from_index(after["epoch"]).year
    for which, cell in known.items():
        if which not in now and which.service_year >= year - 1:
            yield f"lacks {_name(cell)}, which was there before"
    yield from _of_concentration(before, after)
    yield from rules_of(after)


def _of_concentration(before: dict[str, Any] | None, after: dict[str, Any]) -> Iterator[str]:
    """It comes once, with the last figures of a service year, and again only in the record that adds the quarter."""
    month = Month.from_index(after["epoch"])
    if any(c["service_year"] != month.year - 1 or month.month != 12 for c in after["concentration"]):
        yield "says how concentrated a service year is with which it does not end"
    if before is not None and before["epoch"] == after["epoch"] and before["concentration"] != after["concentration"]:
        yield "restates how concentrated a service year is"


def _id(cell: Cell) -> CellId:
    return CellId(cell["area_level"], cell["area"], cell["group"], cell["service_year"])


def _name(cell: Cell) -> str:
    return f"{cell['area']} {cell['group']} of {cell['service_year']}"


def _seen(cell: Cell | None) -> Seen:
    return (None, None, None) if cell is None else (cell["euros"], cell["households"], cell["known_until"])


def _of_cell(
    before: Cell | None, cell: Cell, last: dict[str, Any] | None, record: dict[str, Any], *, decided: bool
) -> Iterator[str]:  # fmt: skip
    """At most one fault of a cell: the first of what a reader would ask."""
    epoch, month = record["epoch"], Month.from_index(record["epoch"])
    if cell["service_year"] not in (month.year - 1, month.year):
        yield f"changes {_name(cell)}, a year that is {'closed' if cell['service_year'] < month.year else 'still to come'}"
    elif cell["decision"] == "held" and _seen(cell) != _seen(before):
        yield f"changes {_name(cell)} though it is held: a held cell keeps its last published value and date"
    elif _seen(cell) == _seen(before):
        changed = before is None or cell["decision"] != before["decision"]
        due = decided and _due(cell, record) and cell["known_until"] != epoch
        if cell["decision"] == "released" and (changed or due):
            yield f"calls {_name(cell)} released and gives no figure of this epoch"
        elif cell["decision"] == "held" and changed and not _due(cell, record):
            yield f"holds {_name(cell)}, which is not due in this epoch"
    elif cell["known_until"] != epoch or (before is not None and before["known_until"] == epoch):
        yield f"restates {_name(cell)}: a figure that was published never changes"
    elif cell["euros"] is None:
        yield f"gives {_name(cell)} a date and no figure"
    elif not _due(cell, record) or _out_already(cell, last, record):
        yield f"gives {_name(cell)} a new figure, which is not due in this epoch"


def _due(cell: Cell, record: dict[str, Any]) -> bool:
    quarterly = cell["area_level"] in _QUARTERLY
    return not quarterly or (Month.from_index(record["epoch"]).month % 3 == 0 and not record["awaits_quarter"])


def _out_already(cell: Cell, last: dict[str, Any] | None, record: dict[str, Any]) -> bool:
    """Whether the cell's figures of this epoch went out with the record before, which awaited the quarter."""
    return last is not None and last["epoch"] == record["epoch"] and cell["area_level"] not in _QUARTERLY


def rules_of(record: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the rules a `released_epoch` names, whatever lies before it."""
    try:
        numbers = json.loads(record["parameters"])
        parameters = Parameters(**{n: int(v) for n, v in numbers.items() if n in _NUMBERS})
    except (ValueError, TypeError, AttributeError):
        yield "does not name its rules' numbers"
        return
    if list(given_up(parameters)) != record["given_up"]:
        yield "has rules that are looser than it says it gave up"
