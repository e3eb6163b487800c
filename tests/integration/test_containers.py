"""A PostgreSQL someone else runs serves as well as the embedded one: tried on one in a container, where Docker is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.servers import ExternalPostgres
from streams.hop_store import PostgresHopStore


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExternalPostgres]:
    docker = pytest.importorskip("docker")
    try:
        docker.from_env().ping()
    except docker.errors.DockerException:
        pytest.skip("no Docker engine answers here")
    from testcontainers.postgres import PostgresContainer

    with PostgresContainer("postgres:17-alpine", driver=None) as server:
        yield ExternalPostgres(server.get_connection_url(), tmp_path_factory.mktemp("passwords"))


def test_a_role_gets_its_own_database_there(external: ExternalPostgres, tmp_path: Path) -> None:
    external.start()
    one, two = external.create_role_database("ledger"), external.create_role_database("intake")
    with psycopg.connect(one) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(two.replace("/intake", "/ledger"))
    assert external.create_role_database("ledger") == one


def test_the_hop_keeps_its_books_there(external: ExternalPostgres) -> None:
    store = PostgresHopStore(external.create_role_database("ledger"), "ledger")
    with store.transaction() as tx:
        assert store.next_offsets(tx, [3]) == {3: 0}
        store.save_offsets(tx, {3: 7})
    with store.transaction() as tx:
        assert store.next_offsets(tx, [3]) == {3: 7}
