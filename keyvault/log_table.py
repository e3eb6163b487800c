"""The rows of the access log: a chain in which each record is appended under one lock. Inside a transaction."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, text

from keyvault.access_log import FIRST, GIVEN, LIMIT, LOOK, NOBODY, Access, chained

_LOCK: Final = 7_201_003
FIELDS: Final = (
    "sequence", "at_ms", "action", "sections", "client", "household", "handle", "who", "source", "municipality", "grantor", "purpose",
    "ground", "result", "previous_hash", "hash",
)  # fmt: skip
_COLUMNS: Final = ", ".join(FIELDS)


def write(c: Connection, access: Access, *, most: int, since_ms: int) -> dict[str, Any]:
    """Append one access record; returns the `access_record` datum. A look past `most` households becomes `household-limit`."""
    others = text(
        "SELECT count(DISTINCT household) FROM access_log WHERE who = :w AND action = 'look' AND result = 'given' "
        "AND at_ms >= :s AND household <> :h"
    )
    c.execute(text("SELECT pg_advisory_xact_lock(:l)"), {"l": _LOCK})
    client = _client(c, access.person) if access.person != NOBODY else NOBODY
    if access.result == GIVEN and access.action == LOOK:
        seen = c.execute(others, {"w": access.who, "s": since_ms, "h": access.household}).scalar_one()
        access = replace(access, result=LIMIT, sections=()) if seen >= most else access
    last, previous = head(c)
    record = chained(access, client=client, sequence=last + 1, previous_hash=previous)
    append(c, record)
    return record


def append(c: Connection, record: dict[str, Any]) -> None:
    """Put down a record that is chained already."""
    values = ", ".join(f":{name}" for name in FIELDS)
    c.execute(text(f"INSERT INTO access_log ({_COLUMNS}) VALUES ({values})"), record)  # noqa: S608 - constants


def _client(c: Connection, person: bytes) -> bytes:
    """What the log calls a person: random, so that a line tells nothing once the person's row is gone."""
    made = text("INSERT INTO log_clients VALUES (:p, :c) ON CONFLICT DO NOTHING")
    c.execute(made, {"p": person, "c": os.urandom(16)})
    return bytes(c.execute(text("SELECT client FROM log_clients WHERE person = :p"), {"p": person}).scalar_one())


def select(c: Connection, condition: str, **values: Any) -> list[dict[str, Any]]:
    """Records by a condition made of constants, with values for its places."""
    rows = c.execute(text(f"SELECT {_COLUMNS} FROM access_log {condition}"), values).fetchall()  # noqa: S608 - constants
    return [{n: bytes(v) if isinstance(v, memoryview) else v for n, v in zip(FIELDS, r, strict=True)} for r in rows]


def head(c: Connection) -> tuple[int, bytes]:
    """Number and hash of the last record (0 and zeros when there is none)."""
    last = c.execute(text("SELECT sequence, hash FROM access_log ORDER BY sequence DESC LIMIT 1")).fetchone()
    return (int(last[0]), bytes(last[1])) if last is not None else (0, FIRST)
