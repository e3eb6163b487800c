"""Putting all keys of a vault's database under another wrapping key, in one transaction, while no vault runs on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from keyvault.wrapping import Wrapping
from schemas.errors import ContractBroken, Refused, Unavailable
from schemas.secrets import WrappingKey

_VAULT_LOCK: Final = 7_201_010
_AT_ONCE: Final = 10_000
_NAMED_BY: Final = {"named_keys": ("use", "key_id"), "year_keys": ("partition", "year")}
_WAIT_SECONDS: Final = 10


@contextmanager
def only_vault(dsn: str, *, wait_seconds: int = _WAIT_SECONDS) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Be the only one who works on a vault's database, until the end.

    Raises `ContractBroken` when another still does after `wait_seconds` (one that was killed lets go within moments), `Unavailable`.
    """
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as c:
            c.execute(f"SET lock_timeout = '{wait_seconds}s'".encode())
            try:
                c.execute("SELECT pg_advisory_lock(%s)", (_VAULT_LOCK,))
            except psycopg.errors.LockNotAvailable as held:
                msg = "Another keyvault works on this database; two would undo each other's limits and logs. Stop one of them."
                raise ContractBroken(msg) from held
            c.execute("SET lock_timeout = 0")
            yield c
    except psycopg.OperationalError as away:
        msg = "PostgreSQL is away."
        raise Unavailable(msg) from away


def known_print(dsn: str) -> bytes | None:
    """The print of the wrapping key that a database's keys lie under; None for one that has none yet. Raises `Unavailable`."""
    try:
        with psycopg.connect(dsn, connect_timeout=5) as c:
            there = c.execute("SELECT to_regclass('vault_wrapping')").fetchone()
            if there is None or there[0] is None:
                return None
            row = c.execute("SELECT print FROM vault_wrapping").fetchone()
    except psycopg.OperationalError as away:
        msg = "PostgreSQL is away."
        raise Unavailable(msg) from away
    return None if row is None else bytes(row[0])


def rewrap(
    dsn: str,
    old: WrappingKey,
    new: WrappingKey,
    *,
    today: dt.date,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Wrap every key anew; returns how many. All or none.

    Raises `ContractBroken` while a vault runs, or where something does not open; `Refused` where the database lies under another key than
    `old`; `Unavailable`. `progress` hears (done, of).
    """
    before, after = Wrapping(old), Wrapping(new)
    with only_vault(dsn, wait_seconds=2) as c, c.transaction():
        row = c.execute("SELECT print FROM vault_wrapping FOR UPDATE").fetchone()
        if row is None or bytes(row[0]) != before.print:
            raise Refused(
                "unknown-key", "The vault's database lies under another wrapping key than the one given as the old one."
            )
        total = sum(
            int(_one(c, f"SELECT count(*) FROM {table} WHERE length(wrapped) > 0"))  # noqa: S608 - constants
            for table in ("person_keys", *_NAMED_BY)
        )
        done = 0
        for table, names in _NAMED_BY.items():
            named = c.execute(f"SELECT {', '.join(names)}, wrapped FROM {table} WHERE length(wrapped) > 0".encode())  # noqa: S608
            for *own, wrapped in named.fetchall():
                name = "/".join((table, *map(str, own))).encode()
                fresh = after.wrap(before.unwrap(bytes(wrapped), name), name)
                where = " AND ".join(f"{n} = %s" for n in names)
                c.execute(f"UPDATE {table} SET wrapped = %s WHERE {where}".encode(), (fresh, *own))  # noqa: S608
                done += 1
        for rows in _person_keys(c):
            fresh_rows = []
            for person, wrapped in rows:
                name = b"person_keys/" + bytes(person)
                fresh_rows.append((bytes(person), after.wrap(before.unwrap(bytes(wrapped), name), name)))
            persons, keys = map(list, zip(*fresh_rows, strict=True))
            c.execute(
                "UPDATE person_keys k SET wrapped = n.w FROM unnest(%b::bytea[], %b::bytea[]) AS n(p, w) WHERE k.person = n.p",
                (persons, keys),
            )
            done += len(rows)
            progress(done, total)
        c.execute("UPDATE vault_wrapping SET print = %s, since = %s", (after.print, today))
    return done


def _one(c: psycopg.Connection[tuple[Any, ...]], query: str) -> Any:
    row = c.execute(query.encode()).fetchone()
    return row[0] if row else 0


def _person_keys(c: psycopg.Connection[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    last = b""
    while True:
        rows = c.execute(
            "SELECT person, wrapped FROM person_keys WHERE person > %s ORDER BY person LIMIT %s", (last, _AT_ONCE)
        ).fetchall()
        if not rows:
            return
        yield rows
        last = bytes(rows[-1][0])
