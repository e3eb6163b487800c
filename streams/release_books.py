"""What release sees of the books: four views in the projector's database, with a login that reads nothing else."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from projections.release.contributions import CONTRIBUTION
from schemas.errors import ContractBroken, Unavailable

Connection = psycopg.Connection[tuple[Any, ...]]
Covered = set[tuple[int, int, str, int]]

_WIRE: Final = {"V16": ("V16", 16), "<i8": (">i8", 8), "<i4": (">i4", 4)}
_NAMES: Final = CONTRIBUTION.names or ()
_COPY_ROW: Final = np.dtype(
    [("fields", ">i2")]
    + [part for n in _NAMES for part in ((f"length_{n}", ">i4"), (n, _WIRE[CONTRIBUTION[n].str.replace("|", "")][0]))]
)
_COPY_HEAD, _COPY_TAIL = 19, 2
_EXPECTED: Final = {n: _WIRE[CONTRIBUTION[n].str.replace("|", "")][1] for n in _NAMES}


def connect(dsn: str) -> Connection:
    """A read-only connection. Raises `Unavailable`."""
    try:
        connection = psycopg.connect(dsn, autocommit=True)
        connection.read_only = True
    except psycopg.OperationalError as away:
        msg = "The projector's database is away."
        raise Unavailable(msg) from away
    return connection


def passed_by_all(books: Connection, *, epoch: int, partitions: int) -> bool:
    """Whether every partition has passed the marker of `epoch`. Raises `Unavailable` while the views are not there."""
    try:
        row = books.execute("SELECT count(*) FROM release_passed WHERE epoch = %s", (epoch,)).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege) as absent:
        msg = "The projector's views for release are not there yet."
        raise Unavailable(msg) from absent
    return row is not None and int(row[0]) == partitions


def contributions(books: Connection, *, epoch: int) -> NDArray[np.void]:
    """All contributions known by the end of `epoch`, as columns of dtype `CONTRIBUTION`; by binary COPY, rows are never Python objects."""
    statement = f"COPY (SELECT {', '.join(_NAMES)} FROM release_contributions WHERE epoch <= {int(epoch)}) TO STDOUT (FORMAT BINARY)"  # noqa: S608 - names of our own dtype and an integer
    with books.cursor().copy(statement.encode()) as copy:
        data = b"".join(bytes(part) for part in copy)
    body = data[_COPY_HEAD : len(data) - _COPY_TAIL]
    if len(body) % _COPY_ROW.itemsize:
        msg = "The view release_contributions has not the columns release expects."
        raise ContractBroken(msg)
    rows = np.frombuffer(body, _COPY_ROW)
    out = np.zeros(len(rows), CONTRIBUTION)
    for name in _NAMES:
        if (rows[f"length_{name}"] != _EXPECTED[name]).any():
            msg = f"The column {name} of release_contributions is empty somewhere or of another type."
            raise ContractBroken(msg)
        out[name] = rows[name]
    return out


def mandated(books: Connection) -> set[bytes]:
    """Households under a mandate now or at its end."""
    return {bytes(h) for (h,) in books.execute("SELECT household FROM release_mandated")}


def coverage(books: Connection) -> Covered:
    """(provider, payer, stream, month index) of every month closed."""
    return {
        (int(a), int(b), str(s), int(m))
        for a, b, s, m in books.execute("SELECT provider, payer, stream, month FROM release_coverage")
    }
