"""Two worlds that began as one, of which one is broken off and the other is not; and what must be the same in both. For tests."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from broken_off import Steps
from psycopg import sql
from whole_road import ROLES, Road

from deploy.embedded_postgres import EmbeddedPostgres
from schemas import codec
from streams import projector_store as store
from streams.hop_engine import HopEngine
from streams.hop_store import PostgresHopStore, prepared

NOT_THE_SAME = {
    "hop_input",  # what was sent again lies on the topic twice
    "hop_outbox_id_seq", "leases", "vault_form", "access_log", "access_log_published", "log_clients",
}  # fmt: skip
"""Tables that say when, how often or under which random name something was done."""
WHEN = ["at", "since", "log_sequence", "log_hash", "sealed"]
"""Columns that do, and what is sealed under a fresh nonce."""


@dataclass
class Worlds:
    """Two that began as one: `struck` is broken off, `still` is not."""

    struck: Road
    still: Road


@contextmanager
def parted(struck: Road, postgres: EmbeddedPostgres) -> Iterator[Worlds]:
    """Let another world begin as this one is now."""
    struck.stop()
    with _copied(postgres, struck.dsns) as dsns:
        still = replace(struck, dsns=dsns, steps=Steps(), topics=copy.deepcopy(struck.topics))
        for road in (struck, still):
            road.start()
        with struck.steps.watched():
            yield Worlds(struck, still)
        for road in (struck, still):
            road.stop()


@contextmanager
def _copied(postgres: EmbeddedPostgres, dsns: dict[str, str]) -> Iterator[dict[str, str]]:
    """The same databases once more, each with the login of the first."""
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as c:
        try:
            for role in dsns:
                of, to = sql.Identifier(f"{role}_struck"), sql.Identifier(f"{role}_still")
                c.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(to, of, of))
            yield {role: dsn.removesuffix("struck") + "still" for role, dsn in dsns.items()}
        finally:
            for role in dsns:
                c.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(f"{role}_still")))


def rows_in(dsn: str) -> dict[str, list[str]]:
    """Everything in a role's database that tells what is, not when."""
    with psycopg.connect(dsn) as c:
        tables = [n for (n,) in c.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        return {
            name: sorted(r for (r,) in c.execute(f"SELECT (to_jsonb(t) - %s::text[])::text FROM {name} AS t", (WHEN,)))
            for name in tables if name not in NOT_THE_SAME
        }  # fmt: skip


def the_same(worlds: Worlds) -> None:
    """All four databases hold the same in both worlds."""
    for role in ROLES:
        was, now = rows_in(worlds.still.dsns[role]), rows_in(worlds.struck.dsns[role])
        assert {t: r for t, r in now.items() if was[t] != r} == {}, role


def total(road: Road) -> list[tuple[Any, ...]]:
    with psycopg.connect(road.dsns["projector"]) as c:
        return c.execute(
            "SELECT area, care_type, epoch, sum(cents) FROM bookings GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ).fetchall()


def told_once(lanes: dict[int, list[Any]]) -> None:
    """What lies on a topic under one number is one record, word for word."""
    for lane in lanes.values():
        known: dict[tuple[str, int, int], bytes] = {}
        for _, value in lane:
            hop = codec.decode("hop_record", value)
            assert known.setdefault((hop["role"], hop["source_partition"], hop["number"]), hop["body"]) == hop["body"]


def rebuilt(road: Road, dsn: str) -> str:
    """Books folded anew from the ledger's topic, with the keys that are left."""
    with prepared(dsn, store.DDL):
        pass
    role = road._projector()
    role.publish = False
    engine = HopEngine(role, PostgresHopStore(dsn, "projector"), role.metrics)
    for window in engine.windows(list(road._new("ledger.v1", dict.fromkeys(range(8), 0)))):
        engine.process(window)
    engine.store.close()
    return books(dsn)


def books(dsn: str) -> str:
    """The hash of a projector's books."""
    with psycopg.connect(dsn) as tx:
        return store.books_hash(tx)
