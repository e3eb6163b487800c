"""A copy of one database in one sealed file: a snapshot of all its tables, in the clear only which database, when, and of which keys.

Sealed with libsodium's secret stream (XChaCha20-Poly1305): a changed, shortened or prolonged file does not open. The header is bound to it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

import psycopg
from nacl import bindings as sodium
from psycopg import sql

from schemas.errors import Refused, SettingsWrong, Unavailable
from schemas.secret_file import write_private
from schemas.secrets import DataKey

_MAGIC: Final = b"zorgstroom backup 2\n"
_FIRST_FORM: Final = b"zorgstroom backup 1\n"
_MADE_AT: Final = "%Y-%m-%dT%H:%M:%SZ"
_CHUNK: Final = 256 * 1024
_TAG = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_LAST = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
_OVERHEAD = sodium.crypto_secretstream_xchacha20poly1305_ABYTES


@dataclass(frozen=True, slots=True)
class Header:
    """What anybody may read of a backup. `form`: of the tables; `keys`: use -> id of keys it belongs to. Raises `ValueError` where `made_at` is no moment."""

    role: str
    form: str
    made_at: str
    tables: tuple[str, ...]
    keys: dict[str, str]

    def __post_init__(self) -> None:
        """Check the moment: of this century, as months' keys are named."""
        if self.made.year // 100 != 20:
            raise ValueError

    @property
    def made(self) -> dt.datetime:
        """The moment it is of."""
        return dt.datetime.strptime(self.made_at, _MADE_AT).replace(tzinfo=dt.UTC)

    def encoded(self) -> bytes:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True).encode() + b"\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Of a file, without opening it. Raises `Refused` (`unreadable`) for what is no backup, `SettingsWrong`."""
        try:
            with path.open("rb") as file:
                return cls.of(file)
        except OSError as absent:
            msg = f"The backup {path} can't be read."
            raise SettingsWrong(msg) from absent

    @classmethod
    def of(cls, file: BinaryIO) -> Self:
        """From the beginning of an open file. Raises `Refused` (`unreadable`)."""
        magic, line = file.readline(len(_MAGIC)), file.readline(64 * 1024)
        if magic == _FIRST_FORM:
            raise Refused(
                "unreadable",
                "This backup is of an earlier version of the software, whose backups no month's key closed; take a newer one, and destroy this one.",
            )
        try:
            d = json.loads(line if magic == _MAGIC else b"")
            keys = {str(use): str(key_id) for use, key_id in dict(d["keys"]).items()}
            return cls(str(d["role"]), str(d["form"]), str(d["made_at"]), tuple(map(str, d["tables"])), keys)
        except (ValueError, KeyError, TypeError, RecursionError) as broken:
            raise Refused(
                "unreadable", "This file is no backup of Zorgstroom, or its beginning is damaged; take another one."
            ) from broken


def form_of(statements: object) -> str:
    """A short name of the tables' form: another software version may have another."""
    return hashlib.sha256(repr(statements).encode()).hexdigest()[:12]


def backup_key(secret: bytes, month_key: bytes) -> DataKey:
    """The key of a role's backups of a month, from a secret of the role that lies outside its database and the month's own; neither alone gives it."""
    return DataKey(hashlib.blake2b(b"zorgstroom backup key 2" + month_key, key=secret, digest_size=32).digest())


def write_backup(
    dsn: str,
    path: Path,
    key: DataKey,
    *,
    role: str,
    form: str,
    keys: Mapping[str, str],
    at: dt.datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> Header:
    """Write a consistent copy of all tables, whole or not at all, under the key of the month of `at`.

    `progress` hears bytes. Raises `Unavailable`, `SettingsWrong`.
    """
    beside = path.with_name(path.name + ".new")
    write_private(beside, b"")
    try:
        with psycopg.connect(dsn) as c, beside.open("wb") as file:
            c.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            header = Header(role, form, at.astimezone(dt.UTC).strftime(_MADE_AT), _tables(c), dict(keys))
            sealer = _Sealer(file, key, header)
            for table in header.tables:
                with c.cursor().copy(
                    sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(sql.Identifier(table))
                ) as copy:
                    for piece in copy:
                        sealer.put(bytes(piece))
                        progress(len(piece))
                sealer.end_of_table()
            sealer.end()
    except psycopg.OperationalError as away:
        beside.unlink(missing_ok=True)
        msg = "PostgreSQL is away; no backup was written."
        raise Unavailable(msg) from away
    except OSError as full:
        beside.unlink(missing_ok=True)
        msg = f"{path} can't be written: is the disk full?"
        raise SettingsWrong(msg) from full
    beside.replace(path)
    return header


def read_backup(connection: psycopg.Connection[tuple[object, ...]], path: Path, key: DataKey, *, form: str) -> Header:
    """Put a backup in the place of all rows of its tables, in the caller's transaction.

    Raises `Refused`: `schema` for tables of another form, `unreadable` where the file does not open with this key, or is not whole.
    """
    with path.open("rb") as file:
        header = Header.of(file)
        if header.form != form or set(header.tables) != set(_tables(connection)):
            raise Refused(
                "schema",
                "This backup was made by another version of the software; restore it with that one, then update.",
            )
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, header.tables))))
        pieces = _opened(file, key, header)
        for table in header.tables:
            with connection.cursor().copy(
                sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table))
            ) as copy:
                for piece in pieces:
                    if not piece:
                        break
                    copy.write(piece)
        if next(pieces, None) is not None:
            raise _damaged()
    _set_sequences(connection, header.tables)
    return header


def _set_sequences(c: psycopg.Connection[tuple[object, ...]], tables: tuple[str, ...]) -> None:
    """Numbers that a table gives out go on after the highest it has."""
    found = c.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() AND column_default LIKE 'nextval%'"
    ).fetchall()
    for table, column in ((str(t), str(n)) for t, n in found if str(t) in tables):
        c.execute(
            sql.SQL(
                "SELECT setval(pg_get_serial_sequence({}, {}), coalesce((SELECT max({}) FROM {}), 0) + 1, false)"
            ).format(sql.Literal(table), sql.Literal(column), sql.Identifier(column), sql.Identifier(table))
        )


def _tables(c: psycopg.Connection[tuple[object, ...]]) -> tuple[str, ...]:
    rows = c.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    ).fetchall()
    return tuple(str(name) for (name,) in rows)


class _Sealer:
    """Seals pieces of tables; an empty piece ends a table."""

    def __init__(self, file: BinaryIO, key: DataKey, header: Header) -> None:
        self._file, self._associated = file, header.encoded()
        self._state = sodium.crypto_secretstream_xchacha20poly1305_state()
        start = sodium.crypto_secretstream_xchacha20poly1305_init_push(self._state, key.reveal())
        file.write(_MAGIC + self._associated + start)

    def put(self, data: bytes) -> None:
        for start in range(0, len(data), _CHUNK):
            self._push(data[start : start + _CHUNK], _TAG)

    def end_of_table(self) -> None:
        self._push(b"", _TAG)

    def end(self) -> None:
        self._push(b"", _LAST)

    def _push(self, piece: bytes, tag: int) -> None:
        sealed = sodium.crypto_secretstream_xchacha20poly1305_push(self._state, piece, self._associated, tag)
        self._file.write(len(sealed).to_bytes(4, "big") + sealed)


def _opened(file: BinaryIO, key: DataKey, header: Header) -> Iterator[bytes]:
    """The pieces as they were put; the end of the file is proved."""
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    start = file.read(sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES)
    try:
        sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, start, key.reveal())
        while True:
            length = int.from_bytes(file.read(4), "big")
            if not _OVERHEAD <= length <= _CHUNK + _OVERHEAD:
                raise _damaged()
            sealed = file.read(length)
            if len(sealed) != length:
                raise _damaged()
            piece, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(state, sealed, header.encoded())
            if tag == _LAST:
                if file.read(1):
                    raise _damaged()
                return
            yield piece
    except (RuntimeError, ValueError, TypeError) as wrong:
        raise _damaged() from wrong


def _damaged() -> Refused:
    return Refused(
        "unreadable",
        "This backup does not open: it is damaged or cut off, or its role's secrets are not those of its day.",
    )
