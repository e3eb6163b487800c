"""Intake's tables. No row names a sender beside a person: who is a client of whom is health data already.

PostgreSQL keeps in each row which transaction wrote it; so no row that is written with a person's names a sender either, but a hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from schemas.sealing import sha256
from streams.hop_store import Transaction
from streams.intake import Dated, Link, Residence, Spot
from streams.intake_retention import DDL as RETENTION_DDL
from streams.pseudonym_table import DDL as PSEUDONYM_DDL

DDL: Final = (
    "CREATE TABLE IF NOT EXISTS handle_cache (lookup bytea PRIMARY KEY, sealed bytea NOT NULL, asked_month int NOT NULL)",
    *PSEUDONYM_DDL,
    "CREATE TABLE IF NOT EXISTS dated_addresses (person bytea, day int, address bytea, household bytea NOT NULL, "
    "contributor bytea NOT NULL, area bigint NOT NULL, place int NOT NULL, PRIMARY KEY (person, day, address))",
    "CREATE TABLE IF NOT EXISTS residences (person bytea, municipality int, from_day int, until_day int, "
    "household bytea NOT NULL, contributor bytea NOT NULL, area bigint NOT NULL, place int NOT NULL, "
    "PRIMARY KEY (person, municipality, from_day))",
    "CREATE TABLE IF NOT EXISTS links (person bytea, to_person bytea, from_day int, until_day int, "
    "PRIMARY KEY (person, from_day))",
    "CREATE INDEX IF NOT EXISTS links_to ON links (to_person)",
    "CREATE TABLE IF NOT EXISTS placements (person bytea PRIMARY KEY, version bigint NOT NULL, packed bytea NOT NULL)",
    "CREATE TABLE IF NOT EXISTS births (person bytea PRIMARY KEY, month int NOT NULL, by_municipality boolean NOT NULL)",
    "CREATE TABLE IF NOT EXISTS envelope_hashes (stream bytea, number bigint, hash bytea NOT NULL, PRIMARY KEY (stream, number))",
    "CREATE TABLE IF NOT EXISTS holds (sender text PRIMARY KEY, since timestamptz NOT NULL DEFAULT now())",
    "CREATE TABLE IF NOT EXISTS erasure_requests (request bytea PRIMARY KEY, municipality int NOT NULL, person bytea NOT NULL, "
    "state text NOT NULL CHECK (state IN ('asked', 'granted', 'refused')))",
    *RETENTION_DDL,
    "CREATE TABLE IF NOT EXISTS gaps_told (stream bytea PRIMARY KEY, expected bigint NOT NULL, at timestamptz NOT NULL)",
)


def stream_of(sender: str, outbox: bytes) -> bytes:
    """How intake's tables call an outbox: who does not know its random id can't tell whose it is."""
    return sha256(b"outbox" + sender.encode() + b"/" + outbox)[:20]


def cached_handles(tx: Transaction, lookups: Sequence[bytes]) -> dict[bytes, tuple[bytes, int]]:
    """Lookup -> (sealed person id, month it was last asked)."""
    rows = tx.execute(
        "SELECT lookup, sealed, asked_month FROM handle_cache WHERE lookup = ANY(%b)", (list(lookups),), binary=True
    )
    return {bytes(k): (bytes(s), int(str(m))) for k, s, m in rows}  # type: ignore[arg-type, call-overload]


def save_handles(tx: Transaction, rows: Sequence[tuple[bytes, bytes, int]]) -> None:
    """Remember answers of the vault."""
    if rows:
        lookups, sealed, months = zip(*rows, strict=True)
        tx.execute(
            "INSERT INTO handle_cache SELECT * FROM unnest(%b::bytea[], %b::bytea[], %b::int[]) "
            "ON CONFLICT (lookup) DO UPDATE SET sealed = EXCLUDED.sealed, asked_month = EXCLUDED.asked_month",
            (list(lookups), list(sealed), list(months)),
        )


def add_dated(tx: Transaction, rows: Iterable[tuple[bytes, Dated]]) -> set[bytes]:
    """Add dated addresses; returns the persons for whom one was new."""
    items = sorted({(p, d) for p, d in rows})
    if not items:
        return set()
    columns = [
        [p for p, _ in items], [d.day for _, d in items], [d.address for _, d in items],
        [d.spot.household for _, d in items], [d.spot.contributor for _, d in items], [d.spot.area for _, d in items],
        [d.spot.place for _, d in items],
    ]  # fmt: skip
    new = tx.execute(
        "INSERT INTO dated_addresses SELECT * FROM unnest(%b::bytea[], %b::int[], %b::bytea[], %b::bytea[], %b::bytea[], "
        "%b::bigint[], %b::int[]) ON CONFLICT DO NOTHING RETURNING person",
        columns,
    )
    return {bytes(p) for (p,) in new}  # type: ignore[arg-type, call-overload]


def add_births(tx: Transaction, rows: dict[bytes, int], *, by_municipality: bool) -> set[bytes]:
    """Remember months of birth; returns for whom that is news.

    The municipality's word counts before a message's, the earlier of two equals: what someone keeps private is private too soon
    rather than too late, and the order of arrival decides nothing.
    """
    if not rows:
        return set()
    news = tx.execute(
        "INSERT INTO births SELECT p, m, %b FROM unnest(%b::bytea[], %b::int[]) AS n(p, m) ON CONFLICT (person) DO UPDATE "
        "SET month = EXCLUDED.month, by_municipality = EXCLUDED.by_municipality "
        "WHERE (NOT EXCLUDED.by_municipality, EXCLUDED.month) < (NOT births.by_municipality, births.month) RETURNING person",
        (by_municipality, *map(list, zip(*sorted(rows.items()), strict=True))),
    )
    return {bytes(p) for (p,) in news}  # type: ignore[arg-type, call-overload]


def births(tx: Transaction, persons: Sequence[bytes]) -> dict[bytes, int]:
    """Person -> month index of birth, where known."""
    rows = tx.execute("SELECT person, month FROM births WHERE person = ANY(%b)", (list(persons),), binary=True)
    return {bytes(p): int(str(m)) for p, m in rows}  # type: ignore[arg-type, call-overload]


def replace_residences(tx: Transaction, *, person: bytes, municipality: int, stays: Sequence[Residence]) -> None:
    """Put a person's whole list of one municipality in the place of the old one."""
    tx.execute("DELETE FROM residences WHERE person = %s AND municipality = %s", (person, municipality))
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO residences VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (
                    person,
                    municipality,
                    s.from_day,
                    s.until_day,
                    s.spot.household,
                    s.spot.contributor,
                    s.spot.area,
                    s.spot.place,
                )
                for s in stays
            ],
        )


def add_links(tx: Transaction, rows: Sequence[tuple[bytes, Link]]) -> None:
    """Add or change links."""
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO links VALUES (%s, %s, %s, %s) ON CONFLICT (person, from_day) "
            "DO UPDATE SET to_person = EXCLUDED.to_person, until_day = EXCLUDED.until_day",
            [(p, k.to_person, k.from_day, k.until_day) for p, k in rows],
        )


def linked_to(tx: Transaction, persons: Sequence[bytes]) -> set[bytes]:
    """Who is linked to any of these."""
    rows = tx.execute("SELECT DISTINCT person FROM links WHERE to_person = ANY(%b)", (list(persons),), binary=True)
    return {bytes(p) for (p,) in rows}  # type: ignore[arg-type, call-overload]


def links_of(tx: Transaction, persons: Sequence[bytes]) -> dict[bytes, list[Link]]:
    """Each person's links."""
    found: dict[bytes, list[Link]] = defaultdict(list)
    for p, to, first, last in tx.execute(
        "SELECT person, to_person, from_day, until_day FROM links WHERE person = ANY(%b)", (list(persons),), binary=True
    ):
        found[bytes(p)].append(Link(bytes(to), int(str(first)), last))  # type: ignore[arg-type, call-overload]
    return found


def evidence(
    tx: Transaction, persons: Sequence[bytes]
) -> tuple[dict[bytes, list[Dated]], dict[bytes, list[Residence]]]:
    """All that is known of where these persons live."""
    dated: dict[bytes, list[Dated]] = defaultdict(list)
    stays: dict[bytes, list[Residence]] = defaultdict(list)
    wanted = (list(persons),)
    for p, day, address, *spot in tx.execute(
        "SELECT person, day, address, household, contributor, area, place FROM dated_addresses WHERE person = ANY(%b)",
        wanted,
        binary=True,
    ):
        dated[bytes(p)].append(Dated(int(str(day)), bytes(address), Spot(*spot)))  # type: ignore[arg-type, call-overload]
    for p, first, last, *spot in tx.execute(
        "SELECT person, from_day, until_day, household, contributor, area, place FROM residences WHERE person = ANY(%b)",
        wanted,
        binary=True,
    ):
        stays[bytes(p)].append(Residence(int(str(first)), last, Spot(*spot)))  # type: ignore[arg-type, call-overload]
    return dated, stays


def lock_placements(tx: Transaction, persons: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
    """Lock the placement rows in one order for all workers, making absent ones; person -> (version, packed)."""
    ordered = sorted(persons)
    tx.execute(
        "INSERT INTO placements SELECT p, 0, ''::bytea FROM unnest(%b::bytea[]) AS n(p) ON CONFLICT DO NOTHING",
        (ordered,),
    )
    rows = tx.execute(
        "SELECT person, version, packed FROM placements WHERE person = ANY(%b) ORDER BY person FOR UPDATE",
        (ordered,),
        binary=True,
    )
    return {bytes(p): (int(str(v)), bytes(k)) for p, v, k in rows}  # type: ignore[arg-type, call-overload]


def placement(tx: Transaction, person: bytes) -> bytes:
    """A person's packed placements; empty where there are none."""
    row = tx.execute("SELECT packed FROM placements WHERE person = %s", (person,)).fetchone()
    return b"" if row is None else bytes(row[0])  # type: ignore[call-overload]


def save_placements(tx: Transaction, rows: dict[bytes, tuple[int, bytes]]) -> None:
    """Keep new versions."""
    with tx.cursor() as cursor:
        cursor.executemany(
            "UPDATE placements SET version = %s, packed = %s WHERE person = %s",
            [(version, packed, person) for person, (version, packed) in rows.items()],
        )


def forget(tx: Transaction, persons: Collection[bytes]) -> set[bytes]:
    """Delete all that is known of where these persons live; returns who was linked to any of them."""
    wanted = (list(persons),)
    followers = linked_to(tx, list(persons)) - set(persons)
    for table in ("dated_addresses", "residences", "placements", "births", "links"):
        tx.execute(f"DELETE FROM {table} WHERE person = ANY(%b)".encode(), wanted)  # noqa: S608 - constants
    tx.execute("DELETE FROM links WHERE to_person = ANY(%b)", wanted)
    return followers


def save_hashes(tx: Transaction, rows: Sequence[tuple[bytes, int, bytes]]) -> None:
    """Remember what lay under each number."""
    with tx.cursor() as cursor:
        cursor.executemany("INSERT INTO envelope_hashes VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", rows)


def hash_of(tx: Transaction, stream: bytes, number: int) -> bytes | None:
    """What lay under a number, or None."""
    row = tx.execute("SELECT hash FROM envelope_hashes WHERE stream = %s AND number = %s", (stream, number)).fetchone()
    return None if row is None else bytes(row[0])  # type: ignore[arg-type, call-overload]


def hold(tx: Transaction, sender: str) -> None:
    """Put a sender on hold."""
    tx.execute("INSERT INTO holds (sender) VALUES (%s) ON CONFLICT DO NOTHING", (sender,))


def on_hold(tx: Transaction, senders: Iterable[str]) -> set[str]:
    """Which of these senders are on hold."""
    rows = tx.execute("SELECT sender FROM holds WHERE sender = ANY(%s)", (list(set(senders)),))
    return {str(s) for (s,) in rows}


def may_tell_gap(tx: Transaction, stream: bytes, expected: int) -> bool:
    """Whether this gap was not told within the last minute; remembers that it is told now."""
    row = tx.execute(
        "INSERT INTO gaps_told VALUES (%s, %s, now()) ON CONFLICT (stream) DO UPDATE SET expected = EXCLUDED.expected, "
        "at = now() WHERE gaps_told.expected <> EXCLUDED.expected OR gaps_told.at < now() - interval '1 minute' RETURNING 1",
        (stream, expected),
    ).fetchone()
    return row is not None
