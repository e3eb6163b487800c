"""How long it takes to turn the pseudonym key: links per second from the placed order to the destroyed key, beside its multiplications."""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import Any, Final

import psycopg

from deploy.bench_load import booked
from deploy.bench_vault import multiplications
from deploy.order_commands import place_order, signed_by_two
from deploy.zone import Zone
from keyvault import voprf
from schemas.errors import Unavailable
from schemas.orders import Order
from streams.pseudonym_table import save_persons

_AT_ONCE: Final = 20_000
_MULTIPLICATIONS: Final = 6
"""Of a point, per element: blinded, turned, weighed by who proves, twice weighed by who checks, unblinded."""


def turn(zone: Zone, links: int) -> dict[str, Any]:
    """Turn so many invented links while nothing else is delivered, with one process of intake and one keyvault."""
    dsn = zone.postgres.create_role_database("intake")
    _invent(dsn, links)
    vault = zone.vault("operator")
    key_id = vault.public_key("voprf").key_id
    vault.close()
    until = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    order = signed_by_two(
        zone,
        Order.turn(
            key_id=key_id,
            number=links + booked(zone.postgres.create_role_database("projector")),
            until=until,
            why="bench",
        ),
    )
    began = time.perf_counter()
    place_order(zone, order)
    turned = _until(dsn, "SELECT count(*) FROM pseudonym_keys WHERE state = 'in-use' AND key_id <> %s", key_id)
    ended = _until(dsn, "SELECT count(*) FROM pseudonym_keys WHERE state = 'gone' AND key_id = %s", key_id)
    per_second = links / (turned - began)
    return {
        "links": links, "seconds_to_the_new_key": round(turned - began, 1), "seconds_to_the_end": round(ended - began, 1),
        "links_per_second": round(per_second), "of_multiplication_floor_of_two_cores": round(per_second * _MULTIPLICATIONS / (2 * multiplications()), 3),
    }  # fmt: skip


def _invent(dsn: str, links: int) -> None:
    with psycopg.connect(dsn) as c:
        row = c.execute("SELECT generation FROM pseudonym_keys WHERE state = 'in-use'").fetchone()
        if row is None:
            msg = "Intake's table names no key in use."
            raise Unavailable(msg)
        for start in range(0, links, _AT_ONCE):
            count = min(_AT_ONCE, links - start)
            save_persons(c, int(row[0]), {voprf.hash_to_group(os.urandom(9)): os.urandom(16) for _ in range(count)})


def _until(dsn: str, question: str, key_id: str) -> float:
    with psycopg.connect(dsn, autocommit=True) as c:
        while not (c.execute(question.encode(), (key_id,)).fetchone() or (0,))[0]:
            time.sleep(0.1)
    return time.perf_counter()
