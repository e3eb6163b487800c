"""Release's own log: closings, decisions with their reasons, and the records to publish. Its view on the books is read only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from projections.release.cells import CONTRIBUTION, CellId
from projections.release.gate import Decision, Published
from schemas.errors import Unavailable

DDL: Final = (
    "CREATE TABLE IF NOT EXISTS orders_read (one int PRIMARY KEY, next_offset bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS closings (epoch int PRIMARY KEY, month int NOT NULL, state text NOT NULL, positions text NOT NULL)",
    "CREATE TABLE IF NOT EXISTS decisions (municipality int, level text, area text, grp text, service_year int, epoch int, "
    "released boolean NOT NULL, reason text NOT NULL, euros bigint, households int, "
    "PRIMARY KEY (municipality, level, area, grp, service_year, epoch))",
    "CREATE TABLE IF NOT EXISTS outgoing (id bigserial PRIMARY KEY, topic text NOT NULL, key text NOT NULL, value bytea NOT NULL, "
    "sent boolean NOT NULL DEFAULT false)",
    "CREATE TABLE IF NOT EXISTS geographies (municipality int PRIMARY KEY, hash bytea NOT NULL)",
    "CREATE TABLE IF NOT EXISTS requests (request text PRIMARY KEY, municipality int NOT NULL, datum bytea NOT NULL)",
    "CREATE TABLE IF NOT EXISTS requests_read (one int PRIMARY KEY, next_offset bigint NOT NULL)",
)
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Closing:
    """An epoch on its way: ordered -> marked -> decided -> published."""

    epoch: int
    month: int
    state: str
    positions: str


def connect(dsn: str) -> Connection:
    """A connection. Raises `Unavailable`."""
    try:
        return psycopg.connect(dsn)
    except psycopg.OperationalError as away:
        msg = "PostgreSQL is away."
        raise Unavailable(msg) from away


def closings(c: Connection) -> list[Closing]:
    """All closings, oldest first."""
    return [Closing(*row) for row in c.execute("SELECT epoch, month, state, positions FROM closings ORDER BY epoch")]


def next_offset(c: Connection, table: str) -> int:
    """Where to go on reading `orders_read` or `requests_read`."""
    row = c.execute(sql.SQL("SELECT next_offset FROM {}").format(sql.Identifier(table))).fetchone()
    return int(row[0]) if row else 0


def save_offset(c: Connection, table: str, offset: int) -> None:
    """Remember where to go on."""
    c.execute(
        sql.SQL(
            "INSERT INTO {} VALUES (1, %s) ON CONFLICT (one) DO UPDATE SET next_offset = EXCLUDED.next_offset"
        ).format(sql.Identifier(table)), (offset,),
    )  # fmt: skip


def order(c: Connection, epoch: int, month: int) -> bool:
    """Take an order to close the next epoch; one for another epoch, or given before, changes nothing."""
    row = c.execute("SELECT coalesce(max(epoch) + 1, 0) FROM closings").fetchone()
    if row is None or int(row[0]) != epoch:
        return False
    c.execute("INSERT INTO closings VALUES (%s, %s, 'ordered', '')", (epoch, month))
    return True


def set_state(c: Connection, epoch: int, state: str, *, positions: str | None = None) -> None:
    """Move a closing on."""
    c.execute(
        "UPDATE closings SET state = %s, positions = coalesce(%s, positions) WHERE epoch = %s", (state, positions, epoch)
    )


def published(c: Connection, municipality: int) -> tuple[dict[CellId, list[int]], dict[CellId, Published]]:
    """Cell -> epochs at which it was released, and cell -> what readers see of it now."""
    epochs: dict[CellId, list[int]] = defaultdict(list)
    last: dict[CellId, Published] = {}
    for level, area, group, year, epoch, euros, households in c.execute(
        "SELECT level, area, grp, service_year, epoch, euros, households FROM decisions "
        "WHERE municipality = %s AND released ORDER BY epoch", (municipality,),
    ):  # fmt: skip
        cell = CellId(level, area, group, year)
        epochs[cell].append(epoch)
        last[cell] = Published(euros, households, epoch)
    return epochs, last


def latest(c: Connection, municipality: int) -> dict[CellId, bool]:
    """Cell -> whether its latest decision released it."""
    rows = c.execute(
        "SELECT DISTINCT ON (level, area, grp, service_year) level, area, grp, service_year, released FROM decisions "
        "WHERE municipality = %s ORDER BY level, area, grp, service_year, epoch DESC", (municipality,),
    )  # fmt: skip
    return {CellId(*row[:4]): bool(row[4]) for row in rows}


def save_decisions(c: Connection, municipality: int, epoch: int, decisions: Sequence[Decision]) -> None:
    """Append an epoch's decisions."""
    with c.cursor().copy("COPY decisions FROM STDIN") as copy:
        for d in decisions:
            k = d.cell
            copy.write_row(
                (municipality, k.level, k.area, k.group, k.service_year, epoch, d.released, d.reason, d.euros, d.households)
            )


def queue(c: Connection, topic: str, key: str, value: bytes) -> None:
    """A record to publish after the commit."""
    c.execute("INSERT INTO outgoing (topic, key, value) VALUES (%s, %s, %s)", (topic, key, value))


def unsent(c: Connection) -> list[tuple[int, str, str, bytes]]:
    """Records committed and not yet acknowledged, in order."""
    return [
        (int(i), str(t), str(k), bytes(v))
        for i, t, k, v in c.execute("SELECT id, topic, key, value FROM outgoing WHERE NOT sent ORDER BY id")
    ]


def mark_sent(c: Connection, ids: Sequence[int]) -> None:
    """Records Kafka has acknowledged."""
    c.execute("UPDATE outgoing SET sent = true WHERE id = ANY(%s)", (list(ids),))


# --- the books, read only ---------------------------------------------------------------------------------------------


def passed_by_all(books: Connection, epoch: int, partitions: int) -> bool:
    """Whether every partition has passed the marker of `epoch`."""
    row = books.execute("SELECT count(*) FROM release_passed WHERE epoch = %s", (epoch,)).fetchone()
    return row is not None and int(row[0]) == partitions


def contributions(books: Connection, epoch: int) -> NDArray[np.void]:
    """All contributions known by the end of `epoch`."""
    with books.cursor(binary=True) as cursor:
        cursor.execute(
            "SELECT area, household, contributor, provider, care_type, service_year, epoch, cents "
            "FROM release_contributions WHERE epoch <= %s", (epoch,),
        )  # fmt: skip
        rows = cursor.fetchall()
    out = np.zeros(len(rows), CONTRIBUTION)
    if rows:
        for name, column in zip(CONTRIBUTION.names or (), zip(*rows, strict=True), strict=True):
            if CONTRIBUTION[name].kind == "V":
                out[name] = np.frombuffer(b"".join(column), "V16")
            else:
                out[name] = np.array(column, dtype=np.int64)
    return out


def mandated(books: Connection) -> set[bytes]:
    """Households ever under a mandate."""
    return {bytes(h) for (h,) in books.execute("SELECT household FROM release_mandated")}


def coverage(books: Connection) -> set[tuple[int, int, str, int]]:
    """(provider, payer, stream, month index) of every month closed."""
    return {(int(a), int(b), str(s), int(m)) for a, b, s, m in books.execute("SELECT * FROM release_coverage")}
