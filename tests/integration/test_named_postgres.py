"""A PostgreSQL named by its address serves as one started here: tried on the embedded one and, where Docker is, on a container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.servers import ExternalPostgres
from streams.hop_store import PostgresHopStore, prepared


def in_a_container() -> Iterator[str]:
    docker = pytest.importorskip("docker")
    try:
        docker.from_env().ping()
    except docker.errors.DockerException:
        pytest.skip("no Docker engine answers here")
    from testcontainers.postgres import PostgresContainer

    with PostgresContainer("postgres:17-alpine", driver=None) as server:
        yield server.get_connection_url()


@pytest.fixture(scope="module", params=["embedded", "container"])
def external(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExternalPostgres]:
    embedded = request.param == "embedded"
    for address in [request.getfixturevalue("postgres").admin_dsn] if embedded else in_a_container():
        made = ExternalPostgres(address, tmp_path_factory.mktemp("passwords"))
        yield made
        with psycopg.connect(made.admin_dsn, autocommit=True) as connection:
            for role in ("elsewhere_one", "elsewhere_two"):
                connection.execute(f"DROP DATABASE IF EXISTS {role} WITH (FORCE)")
                connection.execute(f"DROP ROLE IF EXISTS {role}")


def test_a_role_gets_its_own_database_there(external: ExternalPostgres, tmp_path: Path) -> None:
    external.start()
    one, two = external.create_role_database("elsewhere_one"), external.create_role_database("elsewhere_two")
    with psycopg.connect(one) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(two.replace("/elsewhere_two", "/elsewhere_one"))
    assert external.create_role_database("elsewhere_one") == one


def test_the_hop_keeps_its_books_there(external: ExternalPostgres) -> None:
    dsn = external.create_role_database("elsewhere_one")
    with prepared(dsn):
        pass
    store = PostgresHopStore(dsn, "ledger")
    with store.transaction() as tx:
        assert store.next_offsets(tx, [3]) == {3: 0}
        store.save_offsets(tx, {3: 7})
    with store.transaction() as tx:
        assert store.next_offsets(tx, [3]) == {3: 7}
