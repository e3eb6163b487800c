"""The vault's mandates, as `mandates.v1` and withdrawals at the vault left them. Inside a transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, text

from keyvault.mandates import Mandate, gemeente_of

_FIELDS: Final = (
    "handle", "person", "municipality", "reader", "purpose", "ground", "valid_from", "valid_until", "state", "revision", "grantor",
)  # fmt: skip
_COLUMNS: Final = ", ".join(_FIELDS)


def next_offset(c: Connection, partition: int) -> int:
    """Where to go on reading mandates.v1."""
    found = c.execute(text("SELECT next_offset FROM mandates_read WHERE partition = :p"), {"p": partition}).scalar()
    return int(found or 0)


def learn(c: Connection, states: Sequence[Mandate], *, partition: int, next_offset: int) -> None:
    """Take in mandate states and move the offset. What was withdrawn stays so, and what is about someone erased is; whom a handle is about never changes."""
    take = text(
        f"INSERT INTO mandates ({_COLUMNS}) VALUES ({', '.join(f':{n}' for n in _FIELDS)}) "  # noqa: S608 - constants
        "ON CONFLICT (handle) DO UPDATE SET purpose = EXCLUDED.purpose, ground = EXCLUDED.ground, "
        "valid_until = EXCLUDED.valid_until, revision = EXCLUDED.revision, grantor = EXCLUDED.grantor, "
        "state = CASE WHEN mandates.state = 'withdrawn' THEN mandates.state ELSE EXCLUDED.state END "
        "WHERE EXCLUDED.revision >= mandates.revision"
    )
    end = text(
        "UPDATE mandates SET state = 'withdrawn' WHERE handle = ANY(:h) AND person IN (SELECT person FROM erased_persons)"
    )
    move = text(
        "INSERT INTO mandates_read VALUES (:p, :o) ON CONFLICT (partition) DO UPDATE "
        "SET next_offset = GREATEST(mandates_read.next_offset, EXCLUDED.next_offset)"
    )
    for m in states:
        fields = {n: getattr(m, n) for n in _FIELDS if n != "state"}
        fields["state"] = "given" if m.given else "withdrawn"
        c.execute(take, fields)
    c.execute(end, {"h": [m.handle for m in states]})
    c.execute(move, {"p": partition, "o": next_offset})


def mandate(c: Connection, handle: bytes) -> Mandate | None:
    """A mandate; `given` is False once it was withdrawn by the road, or at the vault by its own municipality."""
    row = (
        c.execute(
            text(
                f"SELECT {_COLUMNS}, ARRAY(SELECT w.withdrawn_by FROM withdrawn_here w WHERE w.handle = m.handle) AS by_them "  # noqa: S608 - constants
                "FROM mandates m WHERE handle = :h"
            ),
            {"h": handle},
        )
        .mappings()
        .fetchone()
    )
    if row is None:
        return None
    fields: dict[str, Any] = {
        n: bytes(row[n]) if n in ("handle", "person") else row[n] for n in _FIELDS if n != "state"
    }
    return Mandate(**fields, given=row["state"] == "given" and gemeente_of(row["municipality"]) not in row["by_them"])


def withdraw(c: Connection, handle: bytes, *, by: str, at: dt.datetime) -> None:
    """Close a mandate at once, whatever the road says later."""
    c.execute(
        text("INSERT INTO withdrawn_here (handle, withdrawn_by, at) VALUES (:h, :b, :t) ON CONFLICT DO NOTHING"),
        {"h": handle, "b": by, "t": at},
    )
