"""Benchmark of the municipality's page: a hundred readers at once on a real port, and the weight of the first page."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import numpy as np
import uvicorn

import portals.municipality
from portals.municipality.app import build_app
from portals.municipality.released import Released
from producers.town.geography import make_municipalities
from producers.town.ground_files import write_ground
from projections.release.cells import LAYERS
from projections.release.rules import Parameters
from projections.release.signing import signed
from schemas import codec
from schemas.errors import Unavailable
from schemas.sealing import sha256, verify_key_of
from schemas.secrets import SigningKey
from schemas.values import Month, day_number
from streams import release_geography

READERS: Final = 100
_YEAR: Final = 2025
_STARTING_SECONDS: Final = 20
_CODES: Final = {"gemeente": "gemeente", "placed": "gemeente"}


def page_times(folder: Path, *, addresses: int, views: int) -> dict[str, Any]:
    """Milliseconds until a page has come, median and 99th percentile: of one reader alone, and of a hundred at once.

    `fresh`: each page for the first time since a release, made anew; `again`: pages somebody looked at before. Amounts are
    invented; areas, groups and months are those of a town of this many addresses (both municipalities) after a year. Each reader looks at `views` pages again.
    """
    released, epochs = a_year_of_a_town(folder, addresses)
    areas = [a["code"] for a in released.figures(epochs[-1]).of_level("buurt")]
    paths = [
        f"{view}?gebied={areas[n % len(areas)]}&maand={Month.from_index(epochs[n % len(epochs)])}&maat=inwoner"
        for n in range(READERS)
        for view in ("/", "/verloop", "/vergelijk", "/postcodes")
    ]
    with _served(released) as address:
        figures: dict[str, Any] = {"areas": len(released.figures(epochs[-1]).areas), "readers": READERS}
        with httpx.Client(base_url=address, timeout=60) as client:
            figures["first_page_kb"] = round(_weight(client) / 1_000, 1)
            figures["first_page_alone_ms"] = _percentiles([_seconds(client, "/") for _ in range(READERS)])
            figures["alone_fresh_ms"] = _percentiles([_seconds(client, p) for p in paths[:READERS]])
            figures["alone_again_ms"] = _percentiles([_seconds(client, p) for p in paths[:READERS]])
        figures["first_page_hundred_ms"] = _percentiles(_at_once(address, [["/"]] * READERS))
        figures["hundred_fresh_ms"] = _percentiles(_at_once(address, [[p] for p in paths[READERS : 2 * READERS]]))
        figures["hundred_again_ms"] = _percentiles(_at_once(address, [paths[:views]] * READERS))
    return figures


def a_year_of_a_town(folder: Path, addresses: int) -> tuple[Released, list[int]]:
    """A town with every cell released at the end of each month of a year."""
    town = make_municipalities(Random(1), addresses)[0]  # noqa: S311 - an invented town
    write_ground(folder, town)
    geography = release_geography.read(folder, town.number, year=_YEAR)
    for area in geography["areas"]:
        area.update(dict.fromkeys(release_geography.PEOPLE, 1_000))
    key = SigningKey(bytes(range(32)))
    released = Released({}, town.number, lambda _: [verify_key_of(key)])
    ground = codec.encode("published_geography", geography)
    released.macro.take(signed(key, ground), 0)
    epochs = [Month(_YEAR, month).index for month in range(1, 13)]
    for epoch in epochs:
        for level, topic in (("macro", released.macro), ("meso", released.meso)):
            datum = _epoch(geography, epoch, level) | {"geometry_hash": sha256(ground)}
            topic.take(signed(key, codec.encode("released_epoch", datum)), 0)
    return released, epochs


def _epoch(geography: dict[str, Any], epoch: int, level: str) -> dict[str, Any]:
    cells = []
    for layer in LAYERS:
        known = epoch - (epoch + 1) % 3 if layer.quarterly else epoch
        if layer.meso != (level == "meso") or known < _YEAR * 12:
            continue
        for area in geography["areas"]:
            if area["level"] != _CODES.get(layer.level, layer.level):
                continue
            code = area["code"] + ("P" if layer.level == "placed" else "")
            cells += [
                {
                    "area": code, "area_level": layer.level, "group": group, "service_year": _YEAR, "decision": "released",
                    "euros": 1_000 * (known - _YEAR * 12 + 1) * (1 + n), "households": 100 if layer.counts else None, "known_until": known,
                }
                for n, group in enumerate(layer.groups)
            ]  # fmt: skip
    return {
        "municipality": geography["municipality"], "level": level, "epoch": epoch, "version": epoch - _YEAR * 12 + 1, "cells": cells,
        "completeness": [{"group": "wmo", "months_closed": 9, "months_asked": 12}], "protection": "full",
        "parameters": json.dumps(Parameters().as_dict()), "geometry_hash": bytes(32), "ledger_hash": bytes(32), "software": "bench",
        "published_on": day_number(Month.from_index(epoch + 1).first_day), "previous": bytes(32), "given_up": [], "awaits_quarter": False, "concentration": [],
    }  # fmt: skip


@contextmanager
def _served(released: Released) -> Iterator[str]:
    """The page in a process of its own, as it runs in earnest; the readers' work is not its."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = get_context("fork").Process(target=_serve, args=(released, port), daemon=True)
    server.start()
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address)
        yield address
    finally:
        server.terminate()
        server.join(_STARTING_SECONDS)


def _serve(released: Released, port: int) -> None:
    uvicorn.run(
        build_app(released, ready=lambda: True), port=port, log_level="error", access_log=False, timeout_keep_alive=120
    )


def _wait_for(address: str) -> None:
    until = time.monotonic() + _STARTING_SECONDS
    while True:
        try:
            httpx.get(f"{address}/health").raise_for_status()
        except httpx.TransportError as away:
            if time.monotonic() > until:
                msg = "The page does not start; is this machine very busy?"
                raise Unavailable(msg) from away
            time.sleep(0.05)
        else:
            return


def _seconds(client: httpx.Client, path: str) -> float:
    started = time.perf_counter()
    client.get(path).raise_for_status()
    return time.perf_counter() - started


def _at_once(address: str, of_readers: list[list[str]]) -> list[float]:
    """Seconds of every page, where each reader asks for its pages one after the other, all readers at the same time."""
    start = threading.Barrier(len(of_readers))

    def reader(paths: list[str]) -> list[float]:
        with httpx.Client(base_url=address, timeout=60) as client:
            client.get("/health")  # the connection is there before the clock runs
            start.wait()
            return [_seconds(client, path) for path in paths]

    with ThreadPoolExecutor(len(of_readers)) as pool:
        return [s for found in pool.map(reader, of_readers) for s in found]


def _percentiles(seconds: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(seconds, [50, 99]) * 1_000
    return {"p50": round(float(p50), 1), "p99": round(float(p99), 1)}


def _weight(client: httpx.Client) -> int:
    """Bytes on the wire of the first page with all style sheets and scripts it names and the fonts of its letters, packed as sent."""
    total = _bytes(client, "/")
    static = Path(portals.municipality.__file__).parent / "static"
    for file in sorted(p for p in static.rglob("*") if p.is_file() and not p.name.startswith(".")):
        total += _bytes(client, f"/static/{file.relative_to(static).as_posix()}")
    return total


def _bytes(client: httpx.Client, path: str) -> int:
    with client.stream("GET", path) as answer:
        return sum(len(part) for part in answer.iter_raw())
