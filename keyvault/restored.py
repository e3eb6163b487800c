"""What a vault's restored database is told of the time since its backup, before it serves again.

The access log goes on from what lies on its topic, with the withdrawals that are in it. What was counted is not known any more: of today's
limit nothing is left, and of orders neither, so that a restored copy allows nothing twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from keyvault.access_log import ERASE, FIRST, GIVEN, OFFICERS_END, TURN_END, WITHDRAW, log_hash
from keyvault.access_log import TURN as SECTION_TURN
from keyvault.limits import turns_allowed
from keyvault.log_table import FIELDS
from schemas.erasure import read_decision
from schemas.errors import Refused
from schemas.orders import TURN

_KEY_TURNS: Final = (SECTION_TURN, TURN_END)
"""Lines of the log that say that a key was made in the place of another (section), or that one was destroyed (section, pseudonyms)."""


def erase_again(c: psycopg.Connection[tuple[Any, ...]], settled: Iterable[tuple[bytes, bytes]]) -> int:
    """After `catch_up`: destroy the keys of those whose key was destroyed since the copy, by the log; how many.

    `settled`: (person, signed decision) as the ledger's topic has them.
    """
    done = 0
    for person, signed in settled:
        decision, signers = read_decision(signed)
        line = c.execute(
            "SELECT at_ms, sequence, hash FROM access_log WHERE action = %s AND result = %s AND handle = %s ORDER BY sequence LIMIT 1",
            (ERASE, GIVEN, decision.request),
        ).fetchone()
        if line is None:
            continue  # not destroyed yet: the projector asks for it
        ended = c.execute(
            "UPDATE mandates SET state = 'withdrawn' WHERE person = %s AND state <> 'withdrawn'", (person,)
        )
        done += c.execute(
            "INSERT INTO erased_persons (person, request, decision, deciders, at_ms, mandates, log_sequence, log_hash) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (
                person,
                decision.request,
                decision.encoded(),
                ",".join(sorted(signers)),
                line[0],
                ended.rowcount,
                *line[1:],
            ),
        ).rowcount
        c.execute("DELETE FROM person_keys WHERE person = %s", (person,))
        c.execute("DELETE FROM log_clients WHERE person = %s", (person,))
        c.execute("DELETE FROM sealed_identities WHERE person = %s", (person,))
    return done


def close_years_again(c: psycopg.Connection[tuple[Any, ...]], closed: Iterable[tuple[int, int]]) -> None:
    """Destroy the keys of service years that closed for good. `closed`: (partition, year) as the ledger's topic has them."""
    for partition, year in closed:
        c.execute("UPDATE year_keys SET wrapped = ''::bytea WHERE partition = %s AND year = %s", (partition, year))


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """How many lines of the log, and withdrawals in them, came from the topic."""

    lines: int
    withdrawals: int


def catch_up(
    c: psycopg.Connection[tuple[Any, ...]], topic: Iterable[dict[str, Any]], *, today: dt.date, per_day: int
) -> CaughtUp:
    """In the transaction of the restore. `topic`: all of access-log.v1, in its order; `per_day`: the limit on pseudonyms.

    Raises `Refused` (`part`) where the topic's lines do not follow the backup's: then one of the two is not this zone's, or was changed; and
    where a key was turned or destroyed since the copy.
    """
    head = c.execute("SELECT sequence, hash FROM access_log ORDER BY sequence DESC LIMIT 1").fetchone()
    last, previous = (int(head[0]), bytes(head[1])) if head else (0, FIRST)
    lines = withdrawals = 0
    for record in topic:
        if record["sequence"] <= last:
            continue
        if record["sequence"] != last + 1 or record["previous_hash"] != previous or log_hash(record) != record["hash"]:
            raise Refused(
                "part",
                f"Line {last + 1} of access-log.v1 does not follow the log in this backup: nothing was restored.",
            )
        places = ", ".join(["%s"] * len(FIELDS))
        c.execute(
            f"INSERT INTO access_log ({', '.join(FIELDS)}) VALUES ({places})".encode(),  # noqa: S608 - constants
            [record[n] for n in FIELDS],
        )
        last, previous, lines = record["sequence"], record["hash"], lines + 1
        if record["action"] == OFFICERS_END and record["result"] == GIVEN:
            raise Refused(
                "part",
                "This backup is of before the officers' joint key was made or handed on: their shares of today would not fit it. Take a newer one.",
            )
        if record["action"] in _KEY_TURNS and record["result"] == GIVEN:
            raise Refused(
                "part",
                f"This backup is of before a turn of keys (line {last} of access-log.v1) and can't be put back: a key that was destroyed since would come back, "
                "or one that is used be missing. Take a newer one.",
            )
        if record["action"] == WITHDRAW and record["result"] == GIVEN:
            at = dt.datetime.fromtimestamp(record["at_ms"] / 1000, dt.UTC)
            c.execute(
                "INSERT INTO withdrawn_here (handle, withdrawn_by, at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (record["handle"], record["who"], at),
            )
            withdrawals += 1
    c.execute("UPDATE access_log_published SET sequence = %s", (last,))
    c.execute(
        "INSERT INTO evaluations (caller, day, count, by_order) VALUES ('intake', %s, %s, 0) ON CONFLICT (caller, day) "
        "DO UPDATE SET count = GREATEST(evaluations.count, EXCLUDED.count + evaluations.by_order)", (today, per_day),
    )  # fmt: skip
    for identity, kind, number in c.execute("SELECT id, kind, number FROM evaluation_orders").fetchall():
        used = turns_allowed(int(number)) if kind == TURN else int(number)
        c.execute("UPDATE evaluation_orders SET used = %s WHERE id = %s", (used, identity))
    return CaughtUp(lines, withdrawals)
