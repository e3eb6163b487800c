"""A copy of a database: whole, sealed, of one moment; changed anywhere or cut off, nothing of it is put back."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.database_backup import Header, backup_key, read_backup, write_backup
from keyvault.access_log import FIRST, GIVEN, TURN, TURN_END, WITHDRAW, Access, chained
from keyvault.restored import catch_up
from keyvault.store import VaultStore
from schemas.errors import Refused
from schemas.orders import Order
from schemas.secrets import WrappingKey

SECRET, MONTH_KEY = b"\x05" * 32, b"\x07" * 32
KEY = backup_key(SECRET, MONTH_KEY)
DAY = dt.date(2025, 6, 1)
AT = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
AT_MS = 1_748_779_200_000


@pytest.fixture
def dsn(fresh_database: Callable[[str], str]) -> str:
    made = fresh_database("backup_test")
    with psycopg.connect(made) as c:
        c.execute("CREATE TABLE things (id bigserial PRIMARY KEY, what bytea NOT NULL, day date, note text)")
        c.execute("CREATE TABLE empty (id int)")
        for n in range(3_000):
            c.execute(
                "INSERT INTO things (what, day, note) VALUES (%s, %s, %s)",
                (os.urandom(200), DAY if n % 2 else None, "é\t\\N\n"),
            )
    return made


def rows(dsn: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as c:
        return c.execute("SELECT * FROM things ORDER BY id").fetchall()


def written(dsn: str, path: Path) -> Header:
    return write_backup(dsn, path, KEY, role="keyvault", form="f1", keys={"voprf active": "voprf-1"}, at=AT)


def restored(dsn: str, path: Path, *, form: str = "f1", key: Any = KEY) -> None:
    with psycopg.connect(dsn) as c:
        read_backup(c, path, key, form=form)


def test_what_was_there_is_there_again_and_numbers_go_on_after_it(dsn: str, tmp_path: Path) -> None:
    before = rows(dsn)
    header = written(dsn, tmp_path / "copy")
    assert Header.read(tmp_path / "copy") == header
    assert header.tables == ("empty", "things")
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    with psycopg.connect(dsn) as c:
        c.execute("TRUNCATE things RESTART IDENTITY")
        c.execute("INSERT INTO empty VALUES (1)")
    restored(dsn, tmp_path / "copy")
    assert rows(dsn) == before
    with psycopg.connect(dsn) as c:
        assert c.execute("SELECT count(*) FROM empty").fetchone() == (0,)
        assert c.execute("INSERT INTO things (what) VALUES ('x') RETURNING id").fetchone() == (3_001,)


def test_no_byte_of_the_file_is_of_a_row(dsn: str, tmp_path: Path) -> None:
    written(dsn, tmp_path / "copy")
    data = (tmp_path / "copy").read_bytes()
    assert not any(bytes(what)[:8] in data for _, what, *_ in rows(dsn)[:200])


def test_any_change_a_cut_a_longer_file_and_another_key_put_nothing_back(dsn: str, tmp_path: Path) -> None:
    before = rows(dsn)
    written(dsn, tmp_path / "copy")
    good = (tmp_path / "copy").read_bytes()
    places = [
        0,
        25,
        60,
        good.index(b"\n", 30) + 5,
        *range(400, len(good), len(good) // 25),
        *range(len(good) - 21, len(good)),
    ]
    bad = [good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :] for i in places]
    bad += [good[:n] for n in (0, 10, 300, len(good) // 2, len(good) - 1, len(good) - 21)] + [
        good + b"x",
        good.replace(b"voprf-1", b"voprf-2"),
    ]
    for data in bad:
        (tmp_path / "bad").write_bytes(data)
        with pytest.raises(Refused):
            restored(dsn, tmp_path / "bad")
    for secret, month_key in ((b"\x06" * 32, MONTH_KEY), (SECRET, b"\x06" * 32), (SECRET, b"")):
        with pytest.raises(Refused, match="does not open"):
            restored(dsn, tmp_path / "copy", key=backup_key(secret, month_key))
    with pytest.raises(Refused, match="another version"):
        restored(dsn, tmp_path / "copy", form="f2")
    assert rows(dsn) == before


def a_line(sequence: int, previous: bytes, *, action: str = "log", result: str = GIVEN) -> dict[str, Any]:
    access = Access(AT_MS, action, bytes([sequence]) * 16, "gm9901", "127.0.0.1", None, result)
    return chained(access, client=bytes(16), sequence=sequence, previous_hash=previous)


def test_a_restored_vault_takes_its_log_from_the_topic_with_its_withdrawals_and_allows_nothing_twice(
    fresh_database: Callable[[str], str], tmp_path: Path
) -> None:
    dsn = fresh_database("backup_vault")
    store = VaultStore(dsn, WrappingKey(b"\x09" * 32))
    store.prepare(DAY)
    store.place_order(Order(b"f" * 16, "first-load", "intake", "", 50, DAY, "load"), DAY)
    first = store.write_log(Access(AT_MS, "log", bytes(16), "operator", "", None, GIVEN), most=60, since_ms=0)
    written(dsn, tmp_path / "copy")
    topic = [first, a_line(2, first["hash"], action=WITHDRAW)]
    topic.append(a_line(3, topic[-1]["hash"], action=WITHDRAW, result="no-mandate"))
    with psycopg.connect(dsn) as c:
        read_backup(c, tmp_path / "copy", KEY, form="f1")
        caught = catch_up(c, topic, today=DAY, per_day=100)
        assert (caught.lines, caught.withdrawals) == (2, 1)
        assert c.execute("SELECT handle, withdrawn_by FROM withdrawn_here").fetchall() == [(b"\x02" * 16, "gm9901")]
    assert store.log_head() == (3, topic[-1]["hash"])
    assert store.unpublished_log(10) == []
    assert store.take_evaluations("intake", 10, DAY, per_day=100).granted == 0
    assert store.take_evaluations("intake", 10, DAY + dt.timedelta(days=1), per_day=100).granted == 10
    forged = a_line(4, FIRST)
    with psycopg.connect(dsn) as c, pytest.raises(Refused, match=r"Line 4 of access-log\.v1 does not follow"):
        catch_up(c, [*topic, forged], today=DAY, per_day=100)
    store.close()


@pytest.mark.parametrize("action", [TURN, TURN_END])
def test_a_copy_from_before_a_turn_that_the_log_tells_of_is_refused_even_where_the_database_is_lost(
    fresh_database: Callable[[str], str], tmp_path: Path, action: str
) -> None:
    dsn = fresh_database("backup_turned")
    store = VaultStore(dsn, WrappingKey(b"\x09" * 32))
    store.prepare(DAY)
    first = store.write_log(Access(AT_MS, "log", bytes(16), "operator", "", None, GIVEN), most=60, since_ms=0)
    written(dsn, tmp_path / "copy")
    tried = a_line(2, first["hash"], action=action, result="unknown-key")
    turned = a_line(3, tried["hash"], action=action)
    with psycopg.connect(dsn) as c:
        c.execute("DELETE FROM named_keys")

    def put_back(topic: list[dict[str, Any]]) -> int:
        with psycopg.connect(dsn) as c:
            read_backup(c, tmp_path / "copy", KEY, form="f1")
            return catch_up(c, topic, today=DAY, per_day=100).lines

    with pytest.raises(Refused, match=r"before a turn of keys \(line 3 of access-log\.v1\)"):
        put_back([first, tried, turned])
    with psycopg.connect(dsn) as c:
        assert c.execute("SELECT count(*) FROM named_keys").fetchone() == (0,)
    assert put_back([first, tried]) == 1, "a try that was refused turned nothing"
    store.close()


@pytest.mark.parametrize(
    "made_at", ["x", "", "2025-06-01", "2025-06-01T12:00:00", "2025-06-31T12:00:00Z", "9999-12-31T12:00:00Z", "0001-01-01T00:00:00Z", 5, None]
)  # fmt: skip
def test_a_moment_that_is_none_is_told_in_a_sentence(tmp_path: Path, made_at: object) -> None:
    line = {"role": "keyvault", "form": "f", "made_at": made_at, "tables": ["a"], "keys": {"voprf active": "v"}}
    (tmp_path / "copy").write_bytes(b"zorgstroom backup 2\n" + json.dumps(line).encode() + b"\n")
    with pytest.raises(Refused, match="its beginning is damaged; take another one"):
        Header.read(tmp_path / "copy")


def test_a_backup_of_an_earlier_version_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"zorgstroom backup 1\n{}\n")
    with pytest.raises(Refused, match=r"earlier version of the software.*take a newer one, and destroy this one"):
        Header.read(tmp_path / "copy")
