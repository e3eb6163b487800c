"""Evaluations per caller and day, and orders of operators: the rows the limits on pseudonyms are held with. Inside a transaction."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, text

from keyvault.limits import MEDIAN_DAYS, Taken, turns_allowed
from schemas.orders import FIRST_LOAD, TURN, Order


def take(c: Connection, caller: str, wanted: int, today: dt.date, *, per_day: int) -> Taken:
    """Count up to `wanted` evaluations for a caller, from the day's limit first, then from orders in force; never more."""
    day = {"c": caller, "d": today}
    c.execute(text("INSERT INTO evaluations VALUES (:c, :d, 0, 0) ON CONFLICT DO NOTHING"), day)
    row = c.execute(
        text("SELECT count, by_order FROM evaluations WHERE caller = :c AND day = :d FOR UPDATE"), day
    ).one()
    orders = c.execute(
        text(
            "SELECT id, number - used FROM evaluation_orders WHERE kind = :k AND caller = :c AND until >= :d AND number > used "
            "ORDER BY until, id FOR UPDATE"
        ), day | {"k": FIRST_LOAD},
    ).fetchall()  # fmt: skip
    standing = max(0, per_day - (int(row[0]) - int(row[1])))
    granted = min(wanted, standing + sum(int(n) for _, n in orders))
    ordered = rest = max(0, granted - standing)
    for identity, left in orders:
        part = min(rest, int(left))
        c.execute(
            text("UPDATE evaluation_orders SET used = used + :n WHERE id = :i"),
            {"n": part, "i": bytes(identity)},
        )
        rest -= part
    c.execute(
        text("UPDATE evaluations SET count = count + :n, by_order = by_order + :o WHERE caller = :c AND day = :d"),
        day | {"n": granted, "o": ordered},
    )
    available = standing + sum(int(n) for _, n in orders)
    return Taken(granted, available - granted, max(0, standing - granted))


def place_order(c: Connection, order: Order) -> bool:
    """Keep an order; False where it is there already: an order placed twice is one."""
    placed = text(
        "INSERT INTO evaluation_orders (id, kind, caller, key_id, number, used, until, why) "
        "VALUES (:i, :f, :c, :k, :n, 0, :u, :w) ON CONFLICT DO NOTHING"
    )
    fields = {
        "i": order.id, "f": order.kind, "c": order.caller, "k": order.key_id, "n": order.number, "u": order.until, "w": order.why,
    }  # fmt: skip
    return int(c.execute(placed, fields).rowcount) == 1


def take_turned(c: Connection, wanted: int, today: dt.date, *, key_id: str) -> int | None:
    """Count elements that turn away from a key, all or none; what its orders still allow after that, None where it is too many."""
    orders = c.execute(
        text(
            "SELECT id, number, used FROM evaluation_orders WHERE kind = :t AND key_id = :k AND until >= :d ORDER BY until, id FOR UPDATE"
        ), {"t": TURN, "k": key_id, "d": today},
    ).fetchall()  # fmt: skip
    left = {bytes(i): turns_allowed(int(number)) - int(used) for i, number, used in orders}
    if sum(left.values()) < wanted:
        return None
    rest = wanted
    for identity, available in left.items():
        part = min(rest, available)
        c.execute(text("UPDATE evaluation_orders SET used = used + :n WHERE id = :i"), {"n": part, "i": identity})
        rest -= part
    return sum(left.values()) - wanted


def days(c: Connection, today: dt.date) -> tuple[int, list[int]]:
    """Evaluations of today, and of each earlier day of the last four weeks that had any."""
    rows = c.execute(
        text("SELECT day, sum(count) FROM evaluations WHERE day > :f AND day <= :t AND count > 0 GROUP BY day"),
        {"f": today - dt.timedelta(days=MEDIAN_DAYS), "t": today},
    ).fetchall()
    counts = {day: int(count) for day, count in rows}
    return counts.pop(today, 0), list(counts.values())
