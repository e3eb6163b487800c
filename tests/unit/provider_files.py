"""Reading the files of tests/files as the provider they are made for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from producers.checks import ProviderContext, check
from producers.deliveries import Reading
from producers.findings import Severity

FILES = Path(__file__).parents[1] / "files"
CONTEXT = ProviderContext(agb="98000001", municipalities=frozenset({9901, 9902}), today=dt.date(2026, 11, 23))


def read(name: str) -> Reading:
    return check(FILES / name, CONTEXT)


def refusals(reading: Reading) -> list[tuple[str, str | None]]:
    return [(f.code, f.where.reference) for f in reading.findings if f.severity is not Severity.NOTE]


def references(reading: Reading) -> list[str]:
    return [item.reference for item in reading.items]
