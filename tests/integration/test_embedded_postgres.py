"""The embedded PostgreSQL: what its log keeps silent about, where it goes when root's folder is closed, and foreign servers."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.embedded_postgres import EmbeddedPostgres
from deploy.postgres_place import note_of_elsewhere
from deploy.servers import ExternalPostgres, postgres_server
from deploy.settings import Settings
from schemas.errors import SettingsWrong, Unavailable


@pytest.fixture
def as_in_a_zone(server_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server as zones start it; the one that tests share forces nothing to the disk."""
    server = EmbeddedPostgres(server_folder / "as-in-a-zone")
    server.start()
    yield server
    server.stop()
    server.forget()


def test_a_commit_is_on_the_disk_before_it_counts(as_in_a_zone: EmbeddedPostgres) -> None:
    with psycopg.connect(as_in_a_zone.admin_dsn) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)


def test_the_log_holds_no_value_of_a_failed_statement(
    postgres: EmbeddedPostgres, fresh_database: Callable[[str], str]
) -> None:
    with psycopg.connect(fresh_database("silent_log"), autocommit=True) as connection:
        connection.execute("CREATE TABLE once (word text PRIMARY KEY, short varchar(3))")
        connection.execute("INSERT INTO once VALUES ('rhododendron', 'a')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO once VALUES (%s, 'b')", ("rhododendron",))
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO once VALUES ('rhododendron', 'b')")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("ALTER TABLE once ADD CHECK (word <> 'rhododendron')")
    written = postgres.log_file.read_text()
    assert "duplicate key" in written
    assert "rhododendron" not in written


def test_no_role_reads_anothers_password_or_enters_the_administrators_database(
    postgres: EmbeddedPostgres, fresh_database: Callable[[str], str]
) -> None:
    mine = fresh_database("curious")
    for other in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(mine.rpartition("/")[0] + f"/{other}")
    with psycopg.connect(mine) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT rolpassword FROM pg_authid")
    for file in postgres.data_dir.glob("*.password"):
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_login_whose_password_file_was_lost_gets_a_new_one(
    postgres: EmbeddedPostgres, fresh_database: Callable[[str], str]
) -> None:
    before = fresh_database("forgetful")
    (postgres.data_dir / "forgetful.password").unlink()
    after = fresh_database("forgetful")
    assert after != before
    psycopg.connect(after).close()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(before)


def test_a_server_left_by_an_earlier_run_is_taken_over(postgres: EmbeddedPostgres) -> None:
    again = EmbeddedPostgres(postgres.data_dir)
    assert again.pid == postgres.pid
    again.start()
    assert again.admin_dsn == postgres.admin_dsn
    assert again.pid == postgres.pid


def test_a_port_taken_while_it_was_down_is_told(server_folder: Path) -> None:
    second = EmbeddedPostgres(server_folder / "second-postgres")
    with socket.socket() as intruder:
        intruder.bind(("127.0.0.1", second.port))
        intruder.listen()
        with pytest.raises(SettingsWrong, match=f"^Port {second.port}"):
            second.start()
    assert not (second.data_dir / "cluster").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another place for PostgreSQL")
def test_in_a_home_closed_to_others_the_cluster_goes_elsewhere_and_is_forgotten_with_it(server_folder: Path) -> None:
    home = server_folder / "home-of-root"
    home.mkdir(mode=0o700)
    told: list[str] = []
    server = EmbeddedPostgres(home / "postgres", tell=told.append)
    server.start()
    try:
        elsewhere = note_of_elsewhere(server.data_dir)
        assert elsewhere is not None
        assert told == [f"PostgreSQL can't run as root inside {server.data_dir}; its data are in {elsewhere}."]
        dsn = server.create_role_database("moved")
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        server.stop()
        again = EmbeddedPostgres(home / "postgres")
        again.start()
        with psycopg.connect(again.create_role_database("moved")) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
        with pytest.raises(SettingsWrong, match="still runs"):
            again.forget()
    finally:
        server.stop()
    server.forget()
    assert not elsewhere.exists()


def test_a_postgres_of_ones_own_is_used_when_the_settings_name_it(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    named = postgres_server(Settings(postgres=postgres.admin_dsn), folder=tmp_path)
    assert isinstance(named, ExternalPostgres)
    assert "postgresql" not in repr(named)
    named.start()
    with psycopg.connect(named.create_role_database("guest")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("guest",)
    named.stop()
    assert postgres.pid is not None
    with pytest.raises(Unavailable) as refused:
        ExternalPostgres(postgres.admin_dsn.replace("postgresql://", "postgresql://x"), tmp_path).start()
    assert "postgresql" not in str(refused.value)
