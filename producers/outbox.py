"""The durable outbox at a sender: numbered, sealed envelopes until their final receipt; SQLite, since it lives with the sender.

Holds no BSN: sealed bytes, and for the sender's own eyes which handle stands for which reference, file and line. A
number and its sealed bytes are one transaction; sealed bytes are never sealed again.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from producers.deliveries import WITHDRAWAL_PREFIXES
from schemas.errors import SettingsWrong, Unavailable
from schemas.values import OutboxId

_DDL: Final = """
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), outbox BLOB NOT NULL, last_number INTEGER NOT NULL,
    receipts_offset INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS envelopes (position INTEGER PRIMARY KEY AUTOINCREMENT, outbox BLOB NOT NULL, number INTEGER NOT NULL,
    sealed BLOB NOT NULL, events INTEGER NOT NULL, file TEXT NOT NULL, UNIQUE (outbox, number));
CREATE TABLE IF NOT EXISTS handles (handle BLOB PRIMARY KEY, reference TEXT NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS receipts (outbox BLOB NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, code TEXT NOT NULL,
    events INTEGER NOT NULL, accepted INTEGER NOT NULL, duplicates INTEGER NOT NULL, refused TEXT NOT NULL,
    PRIMARY KEY (outbox, number));
CREATE TABLE IF NOT EXISTS log_heads (sequence INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (sequence, hash));
CREATE TABLE IF NOT EXISTS doubts (position INTEGER NOT NULL, number INTEGER NOT NULL, reference TEXT NOT NULL, file TEXT NOT NULL,
    line INTEGER NOT NULL, code TEXT NOT NULL, PRIMARY KEY (position, number));
CREATE TABLE IF NOT EXISTS months (payer INTEGER NOT NULL, stream TEXT NOT NULL, month INTEGER NOT NULL,
    PRIMARY KEY (payer, stream, month));
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An envelope without its final receipt. `position` orders all envelopes of all outboxes of this sender."""

    position: int
    outbox: OutboxId
    number: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused event, in the sender's own terms: its reference where known, file, line and code."""

    reference: str
    file: str
    line: int
    code: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one envelope."""

    number: int
    file: str
    code: str
    events: int
    accepted: int
    duplicates: int
    refused: tuple[Refusal, ...]


class Outbox:
    """One outbox file. Safe to use from several threads of one process; a second process is refused in one sentence."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises `SettingsWrong` when another program holds it or the disk is full."""
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1)
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_DDL)
            self._db.execute("INSERT OR IGNORE INTO state VALUES (1, ?, 0, 0)", (os.urandom(16),))
        except sqlite3.OperationalError as held:
            raise SettingsWrong(
                f"The outbox {path} is in use by another program, or its disk is full; close that program and try again.",
                dutch=f"De uitbak {path} is in gebruik door een ander programma, of de schijf is vol; sluit dat programma en probeer opnieuw.",
            ) from held
        except sqlite3.DatabaseError as broken:
            raise SettingsWrong(
                f"The outbox {path} is damaged; restore it from your backup, or move it away and publish the last month again.",
                dutch=f"De uitbak {path} is beschadigd; zet een back-up terug, of haal hem weg en verstuur de laatste maand opnieuw.",
            ) from broken
        os.chmod(path, 0o600)  # noqa: PTH101

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as full:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise Unavailable(
                    "The outbox can't be written: is the disk full? Make room and try again; what was kept before is safe.",
                    dutch="De uitbak kan niet worden geschreven: is de schijf vol? Maak ruimte en probeer opnieuw; wat er al in stond is veilig.",
                ) from full
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _one(self, query: str, *values: Any) -> Any:
        with self._lock:
            return self._db.execute(query, values).fetchone()

    @property
    def id(self) -> OutboxId:
        """The random id of the outbox that new envelopes are numbered in."""
        return OutboxId(self._one("SELECT outbox FROM state")[0])

    @property
    def last_number(self) -> int:
        """The last number given."""
        return int(self._one("SELECT last_number FROM state")[0])

    @property
    def receipts_offset(self) -> int:
        """Where to go on reading receipts."""
        return int(self._one("SELECT receipts_offset FROM state")[0])

    def waiting_count(self) -> int:
        """Envelopes without a final receipt."""
        return int(self._one("SELECT count(*) FROM envelopes")[0])

    def add(
        self,
        seal: Callable[[OutboxId, int], bytes],
        *,
        events: int,
        file: str,
        references: dict[bytes, tuple[str, int]],
    ) -> int:
        """Number, seal and keep one envelope; returns the number. If sealing fails no number is used up."""
        with self._transaction() as db:
            outbox, last = db.execute("SELECT outbox, last_number FROM state").fetchone()
            number = int(last) + 1
            sealed = seal(OutboxId(outbox), number)
            db.execute(
                "INSERT INTO envelopes (outbox, number, sealed, events, file) VALUES (?, ?, ?, ?, ?)",
                (outbox, number, sealed, events, file),
            )
            db.executemany(
                "INSERT OR REPLACE INTO handles VALUES (?, ?, ?, ?)",
                [(handle, reference, file, line) for handle, (reference, line) in references.items()],
            )
            db.execute("UPDATE state SET last_number = ?", (number,))
        return number

    def waiting(self, *, after: int, limit: int = 100) -> list[Waiting]:
        """Envelopes without a final receipt beyond a position, in order."""
        with self._lock:
            rows = self._db.execute(
                "SELECT position, outbox, number, sealed FROM envelopes WHERE position > ? ORDER BY position LIMIT ?",
                (after, limit),
            ).fetchall()
        return [Waiting(p, OutboxId(o), n, s) for p, o, n, s in rows]

    def position_of(self, outbox: OutboxId, number: int) -> int | None:
        """Position of a waiting envelope, or None."""
        row = self._one("SELECT position FROM envelopes WHERE outbox = ? AND number = ?", outbox.raw, number)
        return None if row is None else int(row[0])

    def take_receipt(self, fields: dict[str, Any], *, next_offset: int) -> Receipt | None:
        """Take in a final receipt: exactly that number is done. Returns it, or None when it was known or is a copy's.

        A receipt for a number this outbox never gave means it is a restored copy: a new outbox begins at 1.
        """
        outbox, number = fields["outbox"], fields["number"]
        with self._transaction() as db:
            db.execute("UPDATE state SET receipts_offset = max(receipts_offset, ?)", (next_offset,))
            self._keep_head(db, fields)
            own, last = db.execute("SELECT outbox, last_number FROM state").fetchone()
            if outbox == own and number > last:  # the zone knows a number we never gave: this is a restored copy
                db.execute("UPDATE state SET outbox = ?, last_number = 0", (os.urandom(16),))
            row = db.execute(
                "SELECT events, file FROM envelopes WHERE outbox = ? AND number = ?", (outbox, number)
            ).fetchone()
            if row is None:
                return None
            refused = [self._refusal(db, r, row[1]) for r in fields["refused"]]
            db.execute("DELETE FROM envelopes WHERE outbox = ? AND number = ?", (outbox, number))
            receipt = Receipt(
                number, row[1], fields["code"], row[0], fields["accepted"], fields["duplicates"], tuple(refused)
            )
            db.execute(
                "INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (outbox, number, receipt.file, receipt.code, receipt.events, receipt.accepted, receipt.duplicates,
                 json.dumps([[r.reference, r.file, r.line, r.code] for r in refused])),
            )  # fmt: skip
        return receipt

    def begin_anew(self) -> int:
        """Forget what waits and number from 1 in a new outbox; returns how many envelopes were forgotten.

        For when a key was revoked: what it signed and nobody took can't be sent any more; the files are published again.
        """
        with self._transaction() as db:
            forgotten = db.execute("DELETE FROM envelopes").rowcount
            db.execute("UPDATE state SET outbox = ?, last_number = 0", (os.urandom(16),))
        return int(forgotten)

    def take_doubt(self, fields: dict[str, Any], *, position: int) -> None:
        """Keep what a client says of deliveries of ours. `position`: of the record on the receipts topic; read twice it is one."""
        with self._transaction() as db:
            db.execute("UPDATE state SET receipts_offset = max(receipts_offset, ?)", (position + 1,))
            self._keep_head(db, fields)
            for number, r in enumerate(fields["refused"]):
                meant = self._refusal(db, r, "")
                db.execute(
                    "INSERT OR IGNORE INTO doubts VALUES (?, ?, ?, ?, ?, ?)",
                    (position, number, meant.reference, meant.file, meant.line, meant.code),
                )

    def doubts(self) -> list[Refusal]:
        """Deliveries of which a client says that they are not right, and why, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT reference, file, line, code FROM doubts ORDER BY position, number"
            ).fetchall()
        return [Refusal(*r) for r in rows]

    @staticmethod
    def _keep_head(db: sqlite3.Connection, fields: dict[str, Any]) -> None:
        if fields["log_sequence"]:
            db.execute("INSERT OR IGNORE INTO log_heads VALUES (?, ?)", (fields["log_sequence"], fields["log_hash"]))

    def log_heads(self) -> list[tuple[int, bytes]]:
        """Lines of the zone's access log that receipts showed: (number, hash), by number. Two hashes under one number: a forked log."""
        with self._lock:
            return [
                (int(n), bytes(h)) for n, h in self._db.execute("SELECT sequence, hash FROM log_heads ORDER BY 1, 2")
            ]

    @staticmethod
    def _refusal(db: sqlite3.Connection, fields: dict[str, Any], file: str) -> Refusal:
        row = db.execute(
            "SELECT reference, file, line FROM handles WHERE handle = ?", (fields["reference"],)
        ).fetchone()
        reference, where, line = row or ("", file, 0)
        return Refusal(reference, where, line, fields["code"])

    def receipts(self) -> list[Receipt]:
        """All final receipts so far, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT number, file, code, events, accepted, duplicates, refused FROM receipts ORDER BY rowid"
            ).fetchall()
        return [
            Receipt(n, file, code, events, accepted, duplicates, tuple(Refusal(*r) for r in json.loads(refused)))
            for n, file, code, events, accepted, duplicates, refused in rows
        ]

    def remember_months(self, months: Iterable[tuple[int, str, int]]) -> None:
        """Keep which months were said to be complete: (payer, stream, month index)."""
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO months VALUES (?, ?, ?)", months)

    def months_said(self) -> set[tuple[int, str, int]]:
        """Months said to be complete, as far as this outbox remembers: (payer, stream, month index)."""
        with self._lock:
            return set(self._db.execute("SELECT payer, stream, month FROM months").fetchall())

    def withdrawn_references(self) -> set[str]:
        """References of deliveries this sender took out again, as far as this outbox remembers: never to be used anew."""
        with self._lock:
            own = [r for (r,) in self._db.execute("SELECT reference FROM handles")]
        return {r.partition("|")[2] for r in own if r.startswith(WITHDRAWAL_PREFIXES)}

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
