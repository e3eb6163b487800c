"""Shared by all tests: where the reference data is, and real servers that start once per run and are stopped at its end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The standard's own schemas and examples, not part of this project."""
    path = Path(os.environ.get("ZORGSTROOM_REFERENCE_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip("the reference data of iWmo/iJw is not here; name its folder in ZORGSTROOM_REFERENCE_DATA")
    return path


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder for servers' data, reachable for a system user, gone after the run."""
    folder = Path(tempfile.mkdtemp(prefix="zorgstroom-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(server_folder: Path):
    from deploy.certificates import Authority

    return Authority(server_folder / "root")


@pytest.fixture(scope="session")
def kafka(server_folder: Path, authority):
    """A real Apache Kafka (deploy.embedded_kafka.EmbeddedKafka), mutual TLS, deny by default."""
    from deploy.embedded_kafka import EmbeddedKafka
    from deploy.settings import load_settings

    server = EmbeddedKafka(server_folder / "kafka", authority, load_settings().cache)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres(server_folder: Path):
    """A real PostgreSQL (deploy.embedded_postgres.EmbeddedPostgres)."""
    from deploy.embedded_postgres import EmbeddedPostgres

    server = EmbeddedPostgres(server_folder / "postgres")
    server.start()
    yield server
    server.stop()
