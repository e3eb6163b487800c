"""The vault's named keys: per use one active, of the pseudonym key a next one while it is turned. Inside a transaction."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from keyvault import group
from keyvault.wrapping import Wrapping

PSEUDONYM: Final = "voprf"
ACTIVE, NEXT, LEAVING = "active", "next", "leaving"


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key without its bytes. `state`: active, next, leaving, destroyed; `ended_on`: the day it was destroyed."""

    use: str
    key_id: str
    state: str
    made_on: dt.date
    ended_on: dt.date | None = None


_LOCK: Final = 7_201_002


def in_state(c: Connection, wrapping: Wrapping, use: str, state: str = ACTIVE) -> tuple[str, bytes] | None:
    """(key id, secret) of a use's key in a state that has a secret, or None."""
    row = c.execute(
        text("SELECT key_id, wrapped FROM named_keys WHERE use = :u AND state = :s"), {"u": use, "s": state}
    ).fetchone()
    return row and (str(row[0]), wrapping.unwrap(bytes(row[1]), f"named_keys/{use}/{row[0]}".encode()))


def lock(c: Connection) -> None:
    """Nobody else makes or turns a key until the transaction ends."""
    c.execute(text("SELECT pg_advisory_xact_lock(:l)"), {"l": _LOCK})


def made(
    c: Connection, wrapping: Wrapping, use: str, secret: bytes, today: dt.date, *, state: str = ACTIVE
) -> tuple[str, bytes]:
    """The key of a use in a state, made of `secret` where there is none; under the lock."""
    lock(c)
    found = in_state(c, wrapping, use, state)
    if found is None:
        key_id = f"{use}-{today:%Y%m%d}-{os.urandom(3).hex()}"
        wrapped = wrapping.wrap(secret, f"named_keys/{use}/{key_id}".encode())
        c.execute(
            text("INSERT INTO named_keys (use, key_id, state, made_on, wrapped) VALUES (:u, :k, :s, :d, :w)"),
            {"u": use, "k": key_id, "s": state, "d": today, "w": wrapped},
        )
        found = key_id, secret
    return found


def fresh_pseudonym_key() -> bytes:
    """A scalar for a pseudonym key."""
    return group.random_scalar().reveal()


def turn(c: Connection, wrapping: Wrapping, use: str, secret: bytes, today: dt.date) -> str | None:
    """Make a further key the active one; the one before stays, leaving. Its id, or None while an earlier one is still leaving."""
    lock(c)
    if in_state(c, wrapping, use, LEAVING) is not None:
        return None
    c.execute(text("UPDATE named_keys SET state = 'leaving' WHERE use = :u AND state = 'active'"), {"u": use})
    return made(c, wrapping, use, secret, today)[0]


def settle(c: Connection, use: str, *, active: str, today: dt.date) -> bool:
    """Destroy what is leaving, if `active` names the active key. False where nothing was leaving, or it does not."""
    lock(c)
    ended = c.execute(
        text(
            "UPDATE named_keys SET state = 'destroyed', wrapped = ''::bytea, ended_on = :d WHERE use = :u AND state = 'leaving' "
            "AND EXISTS (SELECT 1 FROM named_keys WHERE use = :u AND key_id = :k AND state = 'active')"
        ), {"u": use, "k": active, "d": today},
    )  # fmt: skip
    return ended.rowcount == 1


def states(c: Connection) -> list[KeyState]:
    """All keys there are and were, without their bytes."""
    rows = c.execute(text("SELECT use, key_id, state, made_on, ended_on FROM named_keys ORDER BY use, made_on, key_id"))
    return [KeyState(*row) for row in rows]


def replace_active(c: Connection, use: str, *, old: str, new: str, today: dt.date) -> bool:
    """Make the next key the active one and destroy the old: its row stays, without bytes. False where that was done before."""
    lock(c)
    ended = c.execute(
        text(
            "UPDATE named_keys SET state = 'destroyed', wrapped = ''::bytea, ended_on = :d "
            "WHERE use = :u AND key_id = :o AND state = 'active' "
            "AND EXISTS (SELECT 1 FROM named_keys WHERE use = :u AND key_id = :n AND state = 'next')"
        ), {"u": use, "o": old, "n": new, "d": today},
    )  # fmt: skip
    if ended.rowcount == 1:
        c.execute(text("UPDATE named_keys SET state = 'active' WHERE use = :u AND key_id = :n"), {"u": use, "n": new})
    return ended.rowcount == 1
