"""Everything that was ever released, as files: cells.csv, areas.csv, streets.csv, groups.csv, concentration.csv and a manifest per record. See docs/release.md.

Made from what a reader of the topics has; written whole or not at all.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from projections.release.cells import GROUPS, PUBLISHED_TYPES
from projections.release.concentration import MOST_PROVIDERS, POINTS
from projections.release.history import TopicHistory
from schemas.care import CARE_TYPES, Group
from schemas.errors import SettingsWrong
from schemas.geography import area_code, clusters_of_street, gemeente_code
from schemas.values import Month, day_of

CELLS: Final = (
    "gemeente", "level", "area", "group", "service_year", "epoch", "version", "cents", "households", "decision", "published_on", "known_until",
)  # fmt: skip
AREAS: Final = ("area", "parent", "level")
STREETS: Final = ("street", "cluster")
PARENT_GROUPS: Final = ("group", "parent")
CONCENTRATION: Final = (
    "gemeente", "level", "area", "service_year", "epoch", "version", "half_within", *(f"money_{p}" for p in POINTS),
    *(f"households_{n}" for n in range(1, MOST_PROVIDERS + 1)), "published_on",
)  # fmt: skip
Row = tuple[object, ...]


def check_free(folder: Path) -> None:
    """Raise `SettingsWrong` where a folder to write is there and not empty."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        msg = f"{folder} is there and not an empty folder; name another one with --out."
        raise SettingsWrong(msg)


def write(folder: Path, histories: Sequence[TopicHistory]) -> int:
    """Write what is on these topics into a new or empty folder; how many rows of cells. Raises `SettingsWrong`."""
    check_free(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as refused:
        msg = f"In {folder.parent} nothing can be written; name another folder with --out."
        raise SettingsWrong(msg) from refused
    try:
        count = _table(making / "cells.csv", CELLS, (row for h in histories for row in _cells(h)))
        _table(making / "areas.csv", AREAS, sorted({row for h in histories for row in _areas(h)}))
        _table(making / "streets.csv", STREETS, sorted({row for h in histories for row in _streets(h)}))
        _table(making / "groups.csv", PARENT_GROUPS, groups())
        _table(making / "concentration.csv", CONCENTRATION, (row for h in histories for row in _concentration(h)))
        for history in histories:
            for name, manifest in manifests(history):
                (making / name).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
        making.chmod(0o755)
        making.replace(folder)
    except OSError as refused:
        msg = f"{folder} can't be written; is the disk full?"
        raise SettingsWrong(msg) from refused
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return count


def _table(path: Path, head: Row, rows: Iterable[Row]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is the count
            writer.writerow(row)
    return count


def _month(index: int | None) -> str:
    return "" if index is None else str(Month.from_index(index))


def _cells(history: TopicHistory) -> Iterator[Row]:
    """Every cell of every record, as it stood in it."""
    for released in history.epochs:
        gemeente, epoch = gemeente_code(released["municipality"]), _month(released["epoch"])
        day = day_of(released["published_on"])
        for c in released["cells"]:
            yield (
                gemeente, c["area_level"], c["area"], c["group"], c["service_year"], epoch, released["version"],
                None if c["euros"] is None else c["euros"] * 100, c["households"], c["decision"], day, _month(c["known_until"]),
            )  # fmt: skip


def _concentration(history: TopicHistory) -> Iterator[Row]:
    """What each record says of how concentrated a service year is; percentages, and households by number of providers."""
    for released in history.epochs:
        gemeente, epoch, day = (
            gemeente_code(released["municipality"]),
            _month(released["epoch"]),
            day_of(released["published_on"]),
        )
        for c in released["concentration"]:
            money = {p["households"]: p["money"] for p in c["curve"]}
            yield (
                gemeente, c["area_level"], c["area"], c["service_year"], epoch, released["version"], c["half_within"],
                *(money.get(p) for p in POINTS), *(dict(enumerate(c["stacked"])).get(n) for n in range(MOST_PROVIDERS)), day,
            )  # fmt: skip


def _areas(history: TopicHistory) -> Iterator[Row]:
    """Every published area and the one whose figure it is a part of; the rest of the gemeente stands beside the placed whole, in no sum."""
    for geography in history.geographies:
        gemeente = gemeente_code(geography["municipality"])
        yield f"{gemeente}P", "", "placed"
        for area in geography["areas"]:
            yield area["code"], f"{gemeente}P" if area["level"] == "wijk" else area["parent"], area["level"]


def _streets(history: TopicHistory) -> Iterator[Row]:
    """By name each cluster a street runs through, as the geography has it; by the area in `cells.csv` exactly the clusters a street's figures are the sum of."""
    for code in sorted({c["area"] for e in history.epochs for c in e["cells"] if c["area_level"] == "street"}):
        for cluster in clusters_of_street(code):
            yield code, area_code(cluster)
    for geography in history.geographies:
        for street in geography["streets"]:
            yield street["name"], street["cluster"]


def groups() -> list[Row]:
    """Every published group and the one it is a part of: total, streams, care types."""
    total = Group.TOTAL.value
    of_type = {t.published_as: t.group.value for t in CARE_TYPES.values() if t.published_as}
    return [
        (total, ""), *((g, total) for g in GROUPS if g != total), *((t, of_type[t]) for t in PUBLISHED_TYPES),
    ]  # fmt: skip


def manifests(history: TopicHistory) -> Iterator[tuple[str, dict[str, Any]]]:
    """File name and content of each record's manifest: all it says but the cells themselves, its hash and release's signature."""
    for released, digest, signature in zip(history.epochs, history.hashes, history.signatures, strict=True):
        gemeente = gemeente_code(released["municipality"])
        told = {
            name: value.hex() if isinstance(value, bytes) else value for name, value in released.items() if name != "cells"
        }  # fmt: skip
        told |= {
            "municipality": gemeente, "epoch": _month(released["epoch"]), "published_on": str(day_of(released["published_on"])),
            "cells": len(released["cells"]), "parameters": json.loads(released["parameters"]), "topic": history.topic,
            "payload_sha256": digest.hex(), "signature": signature.hex(),
        }  # fmt: skip
        yield f"manifest-{gemeente}-{released['level']}-{released['version']:04d}.json", told
