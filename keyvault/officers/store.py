"""PostgreSQL behind the officers' work: its port is `keyvault.officers.ports.OfficerStore`, its tables are in `keyvault.tables`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from keyvault.officers.ports import ASKED, KeptRequest


@dataclass(frozen=True, slots=True)
class PostgresOfficerStore:
    """`transaction`: one of the vault's own store, which raises `Unavailable` when the database is away."""

    transaction: Callable[[], AbstractContextManager[Connection]]

    def _rows(self, query: str, **values: Any) -> list[Any]:
        with self.transaction() as c:
            return list(c.execute(text(query), values).fetchall())

    def _change(self, query: str, **values: Any) -> int:
        with self.transaction() as c:
            return int(c.execute(text(query), values).rowcount)

    def keep_identities(self, rows: Sequence[tuple[bytes, str, bytes]]) -> None:
        """As the port says."""
        with self.transaction() as c:
            for person, key_id, wrapped in sorted(rows):
                c.execute(
                    text(
                        "INSERT INTO sealed_identities (person, key_id, wrapped) SELECT :p, :k, :w "
                        "WHERE NOT EXISTS (SELECT 1 FROM erased_persons WHERE person = :p) ON CONFLICT DO NOTHING"
                    ), {"p": person, "k": key_id, "w": wrapped},
                )  # fmt: skip

    def identity(self, person: bytes) -> tuple[str, bytes] | None:
        """As the port says."""
        rows = self._rows("SELECT key_id, wrapped FROM sealed_identities WHERE person = :p", p=person)
        return (str(rows[0][0]), bytes(rows[0][1])) if rows else None

    def begin(self, ceremony: bytes, described: bytes) -> None:
        """As the port says."""
        with self.transaction() as c:
            c.execute(text("UPDATE officer_ceremonies SET ended = 'another was begun' WHERE ended IS NULL"))
            c.execute(
                text(
                    "INSERT INTO officer_ceremonies SELECT :i, COALESCE(max(place), 0) + 1, :d FROM officer_ceremonies"
                ),
                {"i": ceremony, "d": described},
            )

    def begun(self, ceremony: bytes) -> bool:
        """As the port says."""
        return bool(self._rows("SELECT 1 FROM officer_ceremonies WHERE id = :i", i=ceremony))

    def running(self) -> bytes | None:
        """As the port says."""
        rows = self._rows("SELECT described FROM officer_ceremonies WHERE ended IS NULL")
        return bytes(rows[0][0]) if rows else None

    def given_up(self) -> str:
        """As the port says."""
        rows = self._rows("SELECT COALESCE(ended, '') FROM officer_ceremonies ORDER BY place DESC LIMIT 1")
        return str(rows[0][0]) if rows else ""

    def said(self, ceremony: bytes) -> list[bytes]:
        """As the port says."""
        return [
            bytes(m)
            for (m,) in self._rows(
                "SELECT message FROM officer_messages WHERE ceremony = :c ORDER BY place", c=ceremony
            )
        ]

    def say(self, ceremony: bytes, round_: str, officer: str, message: bytes) -> bool:
        """As the port says."""
        said = (
            "INSERT INTO officer_messages SELECT :c, :r, :o, :m, COALESCE(max(place), 0) + 1 FROM officer_messages WHERE ceremony = :c "
            "ON CONFLICT DO NOTHING"
        )
        return self._change(said, c=ceremony, r=round_, o=officer, m=message) == 1

    def end(self, ceremony: bytes, why: str, committee: tuple[str, int, bytes] | None = None) -> None:
        """As the port says."""
        with self.transaction() as c:
            c.execute(text("UPDATE officer_ceremonies SET ended = :w WHERE id = :i"), {"w": why, "i": ceremony})
            if committee is not None:
                _put(c, *committee)

    def committees(self) -> list[bytes]:
        """As the port says."""
        return [bytes(c) for (c,) in self._rows("SELECT committee FROM officer_committees ORDER BY key_id, epoch")]

    def put_committee(self, key_id: str, epoch: int, committee: bytes) -> None:
        """As the port says."""
        with self.transaction() as c:
            _put(c, key_id, epoch, committee)

    def ask(self, request: bytes, *, signed: bytes, at_ms: int, told_from: int) -> bool:
        """As the port says."""
        asked = (
            "INSERT INTO officer_requests (id, signed, state, asked_at_ms, told_from) VALUES (:i, :s, :a, :m, :t) "
            "ON CONFLICT DO NOTHING"
        )
        return self._change(asked, i=request, s=signed, a=ASKED, m=at_ms, t=told_from) == 1

    def request(self, request: bytes) -> KeptRequest | None:
        """As the port says."""
        rows = self._rows("SELECT signed, state, asked_at_ms FROM officer_requests WHERE id = :i", i=request)
        return KeptRequest(bytes(rows[0][0]), str(rows[0][1]), int(rows[0][2])) if rows else None

    def requests(self, *, since_ms: int) -> list[bytes]:
        """As the port says."""
        asked = "SELECT signed FROM officer_requests WHERE state = :a AND asked_at_ms >= :s ORDER BY asked_at_ms, id"
        return [bytes(s) for (s,) in self._rows(asked, a=ASKED, s=since_ms)]

    def move(self, request: bytes, *, old: str, new: str) -> bool:
        """As the port says."""
        return (
            self._change("UPDATE officer_requests SET state = :n WHERE id = :i AND state = :o", n=new, i=request, o=old)
            == 1
        )

    def not_told_yet(self, today: int) -> set[bytes]:
        """As the port says."""
        return {bytes(i) for (i,) in self._rows("SELECT id FROM officer_requests WHERE told_from > :d", d=today)}


def _put(c: Connection, key_id: str, epoch: int, committee: bytes) -> None:
    c.execute(
        text(
            "INSERT INTO officer_committees (key_id, epoch, committee) VALUES (:k, :e, :c) "
            "ON CONFLICT (key_id, epoch) DO UPDATE SET committee = EXCLUDED.committee"
        ), {"k": key_id, "e": epoch, "c": committee},
    )  # fmt: skip
