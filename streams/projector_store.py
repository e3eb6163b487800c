"""The projector's tables: bookings (only added to), placements, epochs, closed months, mandates. Written by binary COPY.

A rebuild uses the same tables in another schema. The hash is over the sorted sums of bookings, the placements, and when care ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any, Final, cast

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from projections.bookings import BOOKING
from schemas.frames import ZERO16
from streams.hop_store import Transaction
from streams.retention_table import DDL as RETENTION_DDL

DDL: Final = (
    """CREATE TABLE IF NOT EXISTS bookings (person bytea NOT NULL, household bytea NOT NULL, contributor bytea NOT NULL,
    area bigint NOT NULL, provider bigint NOT NULL, payer int NOT NULL, care_type int NOT NULL, unit int NOT NULL,
    kind int NOT NULL, service_day int NOT NULL, epoch int NOT NULL, cents bigint NOT NULL, volume bigint NOT NULL,
    count int NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS bookings_person ON bookings (person)",
    "CREATE INDEX IF NOT EXISTS bookings_household ON bookings (household)",
    "CREATE TABLE IF NOT EXISTS placements (person bytea PRIMARY KEY, version bigint NOT NULL, packed bytea NOT NULL)",
    "CREATE TABLE IF NOT EXISTS epochs (partition int PRIMARY KEY, epoch int NOT NULL)",
    "CREATE TABLE IF NOT EXISTS passed (partition int, epoch int, PRIMARY KEY (partition, epoch))",
    """CREATE TABLE IF NOT EXISTS months_closed (provider bigint, payer int, stream text, month int,
    nothing_delivered boolean NOT NULL, PRIMARY KEY (provider, payer, stream, month))""",
    """CREATE TABLE IF NOT EXISTS mandates (handle bytea PRIMARY KEY, person bytea NOT NULL, municipality int NOT NULL,
    valid_until int NOT NULL, given boolean NOT NULL, household bytea, marked boolean NOT NULL DEFAULT false)""",
    "ALTER TABLE mandates ADD COLUMN IF NOT EXISTS purpose text NOT NULL DEFAULT ''",
    "ALTER TABLE mandates ADD COLUMN IF NOT EXISTS ended_on int",
    "CREATE SEQUENCE IF NOT EXISTS household_rounds",
    "CREATE INDEX IF NOT EXISTS mandates_household ON mandates (household)",
    "CREATE INDEX IF NOT EXISTS mandates_person ON mandates (person)",
    "CREATE TABLE IF NOT EXISTS erased_persons (person bytea PRIMARY KEY, settled boolean NOT NULL)",
    "CREATE TABLE IF NOT EXISTS settled_years (contributor bytea PRIMARY KEY, partition int NOT NULL, year int NOT NULL)",
    "CREATE TABLE IF NOT EXISTS closed_years (partition int, year int, settled boolean NOT NULL, PRIMARY KEY (partition, year))",
    "CREATE TABLE IF NOT EXISTS lasting_care (person bytea NOT NULL, care_type int NOT NULL, month int NOT NULL, count int NOT NULL)",
    "CREATE INDEX IF NOT EXISTS lasting_care_person ON lasting_care (person)",
    "CREATE TABLE IF NOT EXISTS leases (name text PRIMARY KEY, holder text NOT NULL, until timestamptz NOT NULL)",
    *RETENTION_DDL,
    """CREATE OR REPLACE VIEW release_contributions AS SELECT area, household, contributor, provider, care_type,
    extract(year FROM date '1970-01-01' + service_day)::int AS service_year, epoch, sum(cents)::bigint AS cents,
    (person = household)::int AS erased FROM bookings WHERE kind = 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 9 HAVING sum(cents) <> 0""",
    "CREATE OR REPLACE VIEW release_passed AS SELECT partition, epoch FROM passed",
    "CREATE OR REPLACE VIEW release_mandated AS SELECT DISTINCT household FROM mandates WHERE household IS NOT NULL",
    "CREATE OR REPLACE VIEW release_coverage AS SELECT provider, payer, stream, month FROM months_closed",
)
_VIEWS: Final = ("release_contributions", "release_passed", "release_coverage", "release_mandated")

_COPY_TYPES: Final = {"V16": ("V16", 16), "<i8": (">i8", 8), "<i4": (">i4", 4)}
_COPY_ROW: Final = np.dtype(
    [("n", ">i2")]
    + [
        part
        for name in BOOKING.names or ()
        for part in ((f"l_{name}", ">i4"), (name, _COPY_TYPES[BOOKING[name].str.replace("|", "")][0]))
    ]
)
_COPY_HEAD: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)


def grant_release(dsn: str, login: str) -> None:
    """Let release's login read its views and nothing else."""
    with psycopg.connect(dsn) as connection:
        name = sql.Identifier(login)
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, name))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
        for view in _VIEWS:
            connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(view), name))


def add_bookings(tx: Transaction, bookings: NDArray[np.void]) -> None:
    """Append bookings: one binary COPY, its bytes made by numpy."""
    if not len(bookings):
        return
    rows = np.zeros(len(bookings), _COPY_ROW)
    names = BOOKING.names or ()
    rows["n"] = len(names)
    for name in names:
        rows[f"l_{name}"] = BOOKING[name].itemsize
        rows[name] = bookings[name]
    with tx.cursor().copy("COPY bookings FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(_COPY_HEAD + rows.tobytes() + b"\xff\xff")


def _frame(rows: Sequence[tuple[Any, ...]]) -> NDArray[np.void]:
    out = np.zeros(len(rows), BOOKING)
    if rows:
        for name, column in zip(BOOKING.names or (), zip(*rows, strict=True), strict=True):
            if BOOKING[name].kind == "V":
                out[name] = np.frombuffer(b"".join(bytes(v) for v in column), "V16")
            else:
                out[name] = np.array(column, dtype=np.int64)
    return out


_SUMS: Final = "sum(cents)::bigint, sum(volume)::bigint, sum(count)::int"
_KEY: Final = "person, household, contributor, area, provider, payer, care_type, unit, kind, service_day"
_NOT_ZERO: Final = "HAVING sum(cents) <> 0 OR sum(volume) <> 0 OR sum(count) <> 0"


def standing_of(tx: Transaction, persons: Sequence[bytes]) -> NDArray[np.void]:
    """What stands for these persons, summed per key without epoch."""
    rows = tx.execute(
        f"SELECT {_KEY}, 0, {_SUMS} FROM bookings WHERE person = ANY(%b) GROUP BY {_KEY} {_NOT_ZERO}",  # noqa: S608
        (list(persons),), binary=True,
    ).fetchall()  # fmt: skip
    return _frame(rows)


def take_out(tx: Transaction, person: bytes, *, settled: bool) -> NDArray[np.void]:
    """Delete all that is known of a person, for good; what stood, summed per key with epoch. `settled`: whether that is booked elsewhere."""
    rows = tx.execute(
        f"SELECT {_KEY}, epoch, {_SUMS} FROM bookings WHERE person = %b GROUP BY {_KEY}, epoch {_NOT_ZERO}",  # noqa: S608
        (person,), binary=True,
    ).fetchall()  # fmt: skip
    tx.execute("DELETE FROM bookings WHERE person = %b", (person,))
    tx.execute("DELETE FROM lasting_care WHERE person = %b", (person,))
    tx.execute("DELETE FROM placements WHERE person = %b", (person,))
    tx.execute("UPDATE mandates SET given = false, person = %b WHERE person = %b", (ZERO16, person))
    tx.execute("INSERT INTO erased_persons VALUES (%b, %b) ON CONFLICT DO NOTHING", (person, settled))
    return _frame(rows)


def add_ends(tx: Transaction, rows: Sequence[tuple[bytes, int, int, int]]) -> None:
    """Person, care type, month index in which care ends, +1 or -1 where it is taken back."""
    tx.execute(
        "INSERT INTO lasting_care SELECT * FROM unnest(%b::bytea[], %b::int[], %b::int[], %b::int[])",
        [list(column) for column in zip(*rows, strict=True)],
    )


def ends_of(tx: Transaction, persons: Sequence[bytes]) -> list[tuple[bytes, int, int]]:
    """Person, care type and month of what stands and lasts beyond the month it began in."""
    rows = tx.execute(
        "SELECT person, care_type, month FROM lasting_care WHERE person = ANY(%b) GROUP BY 1, 2, 3 HAVING sum(count) > 0",
        (list(persons),), binary=True,
    )  # fmt: skip
    return [(bytes(p), int(str(c)), int(str(m))) for p, c, m in rows]  # type: ignore[call-overload]


def settle(tx: Transaction, person: bytes) -> bool:
    """Whether what an erased person left is still to be booked; from here on it is."""
    row = tx.execute(
        "UPDATE erased_persons SET settled = true WHERE person = %b AND NOT settled RETURNING 1", (person,)
    ).fetchone()
    return row is not None


def remember_settled(tx: Transaction, contributor: bytes, *, partition: int, year: int) -> None:
    """Of which partition and service year a settled contributor is."""
    tx.execute("INSERT INTO settled_years VALUES (%b, %s, %s) ON CONFLICT DO NOTHING", (contributor, partition, year))


def take_out_year(tx: Transaction, *, partition: int, year: int, settled: bool) -> NDArray[np.void]:
    """Delete what erased persons left in a service year of a partition; what stood. `settled`: whether that is booked elsewhere."""
    of = [
        bytes(c)  # type: ignore[call-overload]
        for (c,) in tx.execute(
            "DELETE FROM settled_years WHERE partition = %s AND year = %s RETURNING contributor", (partition, year)
        )
    ]
    rows = standing_of(tx, of)
    tx.execute("DELETE FROM bookings WHERE person = ANY(%b)", (of,))
    tx.execute("INSERT INTO closed_years VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", (partition, year, settled))
    return rows


def settle_year(tx: Transaction, *, partition: int, year: int) -> bool:
    """Whether the total of a closed year is still to be booked; from here on it is."""
    row = tx.execute(
        "UPDATE closed_years SET settled = true WHERE partition = %s AND year = %s AND NOT settled RETURNING 1", (partition, year)
    ).fetchone()  # fmt: skip
    return row is not None


def erased(tx: Transaction, persons: Collection[bytes]) -> set[bytes]:
    """Which of these persons were erased."""
    if not persons or tx.execute("SELECT 1 FROM erased_persons LIMIT 1").fetchone() is None:
        return set()
    rows = tx.execute("SELECT person FROM erased_persons WHERE person = ANY(%b)", (list(persons),), binary=True)
    return {bytes(p) for (p,) in rows}  # type: ignore[arg-type, call-overload]


def household_bookings(tx: Transaction, household: bytes) -> NDArray[np.void]:
    """What stands for one household, summed per key without epoch."""
    rows = tx.execute(
        f"SELECT {_KEY}, 0, {_SUMS} FROM bookings WHERE household = %s GROUP BY {_KEY} {_NOT_ZERO}",  # noqa: S608
        (household,), binary=True,
    ).fetchall()  # fmt: skip
    return _frame(rows)


def placements_of(tx: Transaction, persons: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
    """Person -> (version, packed rows)."""
    rows = tx.execute(
        "SELECT person, version, packed FROM placements WHERE person = ANY(%b)", (list(persons),), binary=True
    )
    return {bytes(p): (int(str(v)), bytes(k)) for p, v, k in rows}  # type: ignore[arg-type, call-overload]


def save_placements(tx: Transaction, rows: dict[bytes, tuple[int, bytes]]) -> None:
    """Keep higher versions."""
    if rows:
        persons, values = list(rows), list(rows.values())
        tx.execute(
            "INSERT INTO placements SELECT * FROM unnest(%b::bytea[], %b::bigint[], %b::bytea[]) ON CONFLICT (person) "
            "DO UPDATE SET version = EXCLUDED.version, packed = EXCLUDED.packed",
            (persons, [v for v, _ in values], [k for _, k in values]),
        )


def epochs(tx: Transaction) -> dict[int, int]:
    """Partition -> number of markers taken."""
    return {int(str(p)): int(str(e)) for p, e in tx.execute("SELECT partition, epoch FROM epochs")}


def pass_marker(tx: Transaction, partition: int, epoch: int) -> None:
    """A partition has passed the marker of `epoch`: what comes now belongs to the next."""
    tx.execute("INSERT INTO passed VALUES (%s, %s) ON CONFLICT DO NOTHING", (partition, epoch))
    tx.execute(
        "INSERT INTO epochs VALUES (%s, %s) ON CONFLICT (partition) DO UPDATE SET epoch = EXCLUDED.epoch",
        (partition, epoch + 1),
    )


def close_months(tx: Transaction, rows: Sequence[tuple[int, int, str, int, bool]]) -> None:
    """Provider, payer, stream, month index, nothing delivered; said twice is said once, the last word counts."""
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO months_closed VALUES (%s, %s, %s, %s, %s) ON CONFLICT (provider, payer, stream, month) "
            "DO UPDATE SET nothing_delivered = EXCLUDED.nothing_delivered", rows,
        )  # fmt: skip


def next_round(tx: Transaction) -> int:
    """The number of a new round of household records: above every one before, not always the next."""
    return int(str(tx.execute("SELECT nextval('household_rounds')").fetchone()[0]))  # type: ignore[index]


def rounds_from_now(tx: Transaction) -> None:
    """Of a database made anew: number rounds above all that readers have seen, of which there were fewer than milliseconds."""
    tx.execute("SELECT setval('household_rounds', (extract(epoch FROM clock_timestamp()) * 1000)::bigint)")


def records_on_their_way(tx: Transaction) -> bool:
    """Whether household records of an earlier tick are not acknowledged yet."""
    return tx.execute("SELECT 1 FROM hop_outbox WHERE topic LIKE 'household.%' LIMIT 1").fetchone() is not None


_DUMPED: Final = (
    f"SELECT {_KEY}, epoch, {_SUMS} FROM bookings GROUP BY {_KEY}, epoch {_NOT_ZERO}",  # noqa: S608
    "SELECT person, packed FROM placements",
    "SELECT person, care_type, month, sum(count) FROM lasting_care GROUP BY 1, 2, 3 HAVING sum(count) <> 0",
)
_BLOCK: Final = 10_000


def books_hash(tx: Transaction) -> str:
    """SHA-256 (hex) over bookings, placements and ends of care of the transaction's schema, sorted, as text, in blocks of 10,000 rows.

    PostgreSQL hashes the blocks itself, so that no row leaves it for this.
    """
    digest = hashlib.sha256()
    for query in _DUMPED:
        lines = f"SELECT row::text AS line, (row_number() OVER (ORDER BY row) - 1) / {_BLOCK} AS block FROM ({query}) AS row"  # noqa: S608
        blocks = f"SELECT sha256(convert_to(string_agg(line, E'\\n' ORDER BY line), 'UTF8')) FROM ({lines}) AS l GROUP BY block ORDER BY block"  # noqa: S608
        for (block,) in tx.execute(blocks.encode()):
            digest.update(cast("bytes", block))
        digest.update(b"\x00")
    return digest.hexdigest()
