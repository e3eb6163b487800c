"""Release's own log: closings, decisions with their reasons, what was fixed with them, and the records to publish.

One process at a time: whoever holds the lock of the database works, over the very connection that holds it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from projections.release.cells import CellId
from projections.release.gate import Decision, Published
from schemas.errors import ContractBroken, Refused, Unavailable
from schemas.values import Month

DDL: Final = (
    "CREATE TABLE IF NOT EXISTS orders_read (one int PRIMARY KEY, next_offset bigint NOT NULL)",
    """CREATE TABLE IF NOT EXISTS closings (epoch int PRIMARY KEY, month int NOT NULL, state text NOT NULL, positions text NOT NULL,
    previewed boolean NOT NULL DEFAULT false, under_mandate int NOT NULL DEFAULT -1)""",
    """CREATE TABLE IF NOT EXISTS decisions (municipality int, level text, area text, grp text, service_year int, epoch int,
    released boolean NOT NULL, reason text NOT NULL, euros bigint, households int,
    PRIMARY KEY (municipality, level, area, grp, service_year, epoch))""",
    """CREATE TABLE IF NOT EXISTS outgoing (id bigserial PRIMARY KEY, topic text NOT NULL, key text NOT NULL, payload bytea NOT NULL,
    sent boolean NOT NULL DEFAULT false)""",
    "CREATE INDEX IF NOT EXISTS outgoing_unsent ON outgoing (id) WHERE NOT sent",
    "CREATE TABLE IF NOT EXISTS geographies (municipality int PRIMARY KEY, hash bytea NOT NULL)",
    "CREATE TABLE IF NOT EXISTS requests (request text PRIMARY KEY, municipality int NOT NULL, datum bytea NOT NULL)",
    "CREATE TABLE IF NOT EXISTS requests_read (one int PRIMARY KEY, next_offset bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS heads (municipality int, epoch int, told text NOT NULL, PRIMARY KEY (municipality, epoch))",
    """CREATE TABLE IF NOT EXISTS topic_ends (topic text PRIMARY KEY, version int NOT NULL, hash bytea NOT NULL, next_offset bigint NOT NULL,
    epoch int NOT NULL, awaits_quarter boolean NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS mandated (household bytea PRIMARY KEY)",
)
Connection = psycopg.Connection[tuple[Any, ...]]
_ONE_AT_A_TIME: Final = 7_201_002
ALL_EPOCHS: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Closing:
    """An epoch on its way: ordered -> marked -> decided (-> month: gemeente and wijken are out, the quarter waits) -> published.

    `previewed`: somebody has seen what was decided; `under_mandate`: how many households ever under a mandate counted in the decision.
    """

    epoch: int
    month: int
    state: str
    positions: str
    previewed: bool
    under_mandate: int


def connect(dsn: str) -> Connection:
    """A connection that commits each statement, or what stands in `with c.transaction()`. Raises `Unavailable`."""
    try:
        return psycopg.connect(dsn, autocommit=True)
    except psycopg.OperationalError as away:
        msg = "PostgreSQL is away."
        raise Unavailable(msg) from away


def take_the_lead(c: Connection) -> bool:
    """Whether this connection holds the lock now; it does until it is closed or broken."""
    row = c.execute("SELECT pg_try_advisory_lock(%s)", (_ONE_AT_A_TIME,)).fetchone()
    return row is not None and bool(row[0])


def next_closing(c: Connection) -> Closing | None:
    """The oldest closing that is not through."""
    row = c.execute(
        "SELECT epoch, month, state, positions, previewed, under_mandate FROM closings WHERE state <> 'published' ORDER BY epoch LIMIT 1"
    ).fetchone()
    return Closing(*row) if row else None


def locked(c: Connection, closing: Closing) -> Closing:
    """The closing as it is now, kept as it is until the transaction ends."""
    row = c.execute(
        "SELECT epoch, month, state, positions, previewed, under_mandate FROM closings WHERE epoch = %s FOR UPDATE", (closing.epoch,)
    ).fetchone()  # fmt: skip
    return Closing(*row) if row else closing


def next_epoch(c: Connection) -> int:
    """Number of the epoch that is open: the one after the last that was ordered to be closed."""
    row = c.execute("SELECT coalesce(max(epoch) + 1, 0) FROM closings").fetchone()
    return int(row[0]) if row else 0


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


def order(c: Connection, *, epoch: int, month: int, first_month: int) -> bool:
    """Take an order to close the next epoch; False for one given before. Raises `Refused` for another epoch or month."""
    following = next_epoch(c)
    if month != first_month + epoch or epoch > following or epoch < 0:
        open_month = Month.from_index(first_month + following)
        raise Refused(
            "period",
            f"An order to close an epoch was ignored: {open_month} (epoch {following}) is the one to close, and months are closed in their order.",
        )
    if epoch < following:
        return False
    c.execute("INSERT INTO closings (epoch, month, state, positions) VALUES (%s, %s, 'ordered', '')", (epoch, month))
    return True


def ask(c: Connection, *, request: str, municipality: int, datum: bytes) -> None:
    """Keep a municipality's request; the same id replaces it, for that municipality only."""
    c.execute(
        "INSERT INTO requests VALUES (%s, %s, %s) ON CONFLICT (request) DO UPDATE SET datum = EXCLUDED.datum "
        "WHERE requests.municipality = EXCLUDED.municipality", (request, municipality, datum),
    )  # fmt: skip


def requests(c: Connection, municipality: int) -> list[bytes]:
    """Encoded requests of a municipality."""
    return [
        bytes(d)
        for (d,) in c.execute("SELECT datum FROM requests WHERE municipality = %s ORDER BY request", (municipality,))
    ]


def set_state(c: Connection, epoch: int, state: str, *, positions: str | None = None) -> None:
    """Move a closing on."""
    c.execute(
        "UPDATE closings SET state = %s, positions = coalesce(%s, positions) WHERE epoch = %s",
        (state, positions, epoch),
    )


def mandated_ever(c: Connection, now: Collection[bytes]) -> set[bytes]:
    """All households ever seen under a mandate, those of `now` included and kept."""
    c.execute("INSERT INTO mandated SELECT unnest(%s::bytea[]) ON CONFLICT DO NOTHING", (sorted(now),))
    return {bytes(h) for (h,) in c.execute("SELECT household FROM mandated")}


def published(
    c: Connection, municipality: int, *, through: int = ALL_EPOCHS, without: Collection[str] = ()
) -> tuple[dict[CellId, list[int]], dict[CellId, Published]]:
    """Cell -> epochs at which it was released, and cell -> what readers see of it, up to an epoch; of that one itself not the levels of `without`."""
    epochs: dict[CellId, list[int]] = defaultdict(list)
    last: dict[CellId, Published] = {}
    for level, area, group, year, epoch, euros, households in c.execute(
        "SELECT level, area, grp, service_year, epoch, euros, households FROM decisions WHERE municipality = %s AND released "
        "AND (epoch < %s OR (epoch = %s AND level <> ALL(%s))) ORDER BY epoch", (municipality, through, through, sorted(without)),
    ):  # fmt: skip
        cell = CellId(level, area, group, year)
        epochs[cell].append(epoch)
        last[cell] = Published(euros, households, epoch)
    return epochs, last


def latest(
    c: Connection, municipality: int, *, through: int = ALL_EPOCHS, without: Collection[str] = ()
) -> dict[CellId, bool]:
    """Cell -> whether its latest decision released it; epochs and levels as in `published`."""
    rows = c.execute(
        "SELECT DISTINCT ON (level, area, grp, service_year) level, area, grp, service_year, released FROM decisions "
        "WHERE municipality = %s AND (epoch < %s OR (epoch = %s AND level <> ALL(%s))) "
        "ORDER BY level, area, grp, service_year, epoch DESC", (municipality, through, through, sorted(without)),
    )  # fmt: skip
    return {CellId(*row[:4]): bool(row[4]) for row in rows}


def decisions(c: Connection, municipality: int, epoch: int) -> list[Decision]:
    """What was decided of an epoch, by cell."""
    rows = c.execute(
        "SELECT level, area, grp, service_year, released, reason, euros, households FROM decisions "
        "WHERE municipality = %s AND epoch = %s ORDER BY level, area, grp, service_year", (municipality, epoch),
    )  # fmt: skip
    return [Decision(CellId(*row[:4]), *row[4:]) for row in rows]


def take_back(c: Connection, municipality: int, epoch: int, levels: Collection[str]) -> None:
    """Take decisions that were not published out of the log."""
    c.execute(
        "DELETE FROM decisions WHERE municipality = %s AND epoch = %s AND level = ANY(%s)",
        (municipality, epoch, sorted(levels)),
    )


def decided(c: Connection, epoch: int, *, under_mandate: int) -> None:
    """Remember how many households ever under a mandate counted in an epoch's decisions."""
    c.execute("UPDATE closings SET under_mandate = %s WHERE epoch = %s", (under_mandate, epoch))


def previewed(c: Connection, epoch: int) -> bool:
    """Note that somebody is going to see what was decided of an epoch; False where it does not wait for its day."""
    done = c.execute(
        "UPDATE closings SET previewed = true WHERE epoch = %s AND state IN ('decided', 'month') RETURNING epoch", (epoch,)
    ).fetchone()  # fmt: skip
    return done is not None


def save_head(c: Connection, municipality: int, epoch: int, told: str) -> None:
    """Keep what was fixed with an epoch's decisions."""
    c.execute(
        "INSERT INTO heads VALUES (%s, %s, %s) ON CONFLICT (municipality, epoch) DO UPDATE SET told = EXCLUDED.told",
        (municipality, epoch, told),
    )


def head(c: Connection, municipality: int, epoch: int) -> str:
    """What was fixed with an epoch's decisions. Raises `ContractBroken`."""
    row = c.execute("SELECT told FROM heads WHERE municipality = %s AND epoch = %s", (municipality, epoch)).fetchone()
    if row is None:
        msg = "Release's log lacks what was decided with an epoch; restore its database, or drop it and type `zorgstroom operator replay`."
        raise ContractBroken(msg)
    return str(row[0])


def save_decisions(c: Connection, municipality: int, epoch: int, decisions: Sequence[Decision]) -> None:
    """Append an epoch's decisions."""
    with c.cursor().copy("COPY decisions FROM STDIN") as copy:
        for d in decisions:
            k = d.cell
            copy.write_row(
                (
                    municipality,
                    k.level,
                    k.area,
                    k.group,
                    k.service_year,
                    epoch,
                    d.released,
                    d.reason,
                    d.euros,
                    d.households,
                )
            )


def geography_hashes(c: Connection) -> dict[int, bytes]:
    """Municipality -> hash of the geography last published."""
    return {int(m): bytes(h) for m, h in c.execute("SELECT municipality, hash FROM geographies")}


def save_geography(c: Connection, municipality: int, digest: bytes) -> None:
    """Remember the geography published."""
    c.execute(
        "INSERT INTO geographies VALUES (%s, %s) ON CONFLICT (municipality) DO UPDATE SET hash = EXCLUDED.hash",
        (municipality, digest),
    )
