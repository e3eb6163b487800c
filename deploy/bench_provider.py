"""Benchmark of a provider's computer: reading and checking a file, packing and sealing it, beside floors of the same bytes."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lxml import etree

from producers.checks import ProviderContext, check
from producers.packing import pack
from producers.town.files import make_town
from schemas.envelope import Header, RecipientKeys, seal_envelope
from schemas.sealing import box_public_key, seal_to
from schemas.secrets import BoxKey, HandleKey, SigningKey
from schemas.values import OutboxId, SenderId


def files_of_a_town(folder: Path, *, addresses: int) -> list[Path]:
    """The 323 messages of one month of an invented town."""
    make_town(folder / "town", seed=1, months=1, addresses=addresses, world="town")
    return sorted((folder / "town" / "providers").rglob("20-*323*.xml"))


def provider_side(paths: list[Path]) -> dict[str, Any]:
    """Microseconds per line of reading and checking and of packing and sealing, and of their floors.

    Floors: parsing the same XML without looking at it; one X25519 box over the same bytes.
    """
    secret, signing = HandleKey.generate(), SigningKey.generate()
    public = box_public_key(BoxKey.generate())
    keys = RecipientKeys("i", public, "c", public)
    today = dt.datetime.now(dt.UTC).date()
    spent = dict.fromkeys(("read_and_check", "parse_only", "pack_and_seal", "seal_only"), 0.0)
    count = 0
    for path in paths:
        context = ProviderContext(path.parts[-3][1:], frozenset({9901, 9902}), today)
        with _timed(spent, "read_and_check"):
            reading = check(path, context)
        with _timed(spent, "parse_only"):
            etree.parse(path)
        count += len(reading.items)
        for number, packed in enumerate(pack(reading.items, secret=secret, lines=reading.lines), start=1):
            header = Header("delivered.v1", SenderId("p98000001"), OutboxId(bytes(16)), number, "i", "c", "s", 20_000)
            with _timed(spent, "pack_and_seal"):
                data = seal_envelope(
                    header=header, identity=packed.identity, content=packed.content, recipients=keys, signing=signing
                )
            with _timed(spent, "seal_only"):
                seal_to(public, data)
        with _timed(spent, "pack_and_seal"):
            for _ in pack(reading.items, secret=secret, lines=reading.lines):
                pass
    micro = {f"{name}_us": round(seconds / count * 1e6, 2) for name, seconds in spent.items()}
    return {"lines": count, **micro, "per_second": round(count / (spent["read_and_check"] + spent["pack_and_seal"]))}


@contextmanager
def _timed(spent: dict[str, float], what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    spent[what] += time.perf_counter() - started
