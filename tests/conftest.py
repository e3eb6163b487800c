"""Shared by all tests: where the reference data is, and real servers that start once per run and are stopped at its end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

if TYPE_CHECKING:
    from deploy.certificates import Authority
    from deploy.demo import Demo
    from deploy.embedded_kafka import EmbeddedKafka
    from deploy.embedded_postgres import EmbeddedPostgres

ROOT = Path(__file__).parent.parent


_JAVA_OF_MINUTES = "-XX:TieredStopAtLevel=1"
"""A server that lives for minutes is not worth compiling twice: it takes half of the processor time."""


def pytest_configure() -> None:
    """A run has a folder of its own for all it makes, so that what it leaves behind is known to be its.

    A run that is told to end (by `timeout`, by a build machine) stops its servers as Ctrl-C does.
    """
    folder = Path(tempfile.mkdtemp(prefix="zorgstroom-run-"))
    folder.chmod(0o755)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)

    def end(number: int, _: object) -> None:
        raise KeyboardInterrupt(f"signal {number}")

    signal.signal(signal.SIGTERM, end)
    os.environ.setdefault("JAVA_TOOL_OPTIONS", _JAVA_OF_MINUTES)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as projections.release has it, whoever imports numpy first


def pytest_unconfigure() -> None:
    """The run's folder goes with it."""
    shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)


_SHARED = ("demo", "kafka", "postgres")
"""Servers of a whole run, in the order in which their tests come: each ends after its last test, since idle servers cost time too."""
_last_of: dict[str, pytest.Item] = {}
_ends: dict[str, Callable[[], None]] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a server carries the mark, so that `-m "not servers"` needs none; files that share one come together."""
    asked: dict[Path, set[str]] = {}
    for item in items:
        named = set(_SHARED) & set(getattr(item, "fixturenames", ()))
        if named:
            item.add_marker(pytest.mark.servers)
        if item.path not in asked:  # a fixture may also be asked for by its name while a test runs
            by_name = re.findall(r'getfixturevalue\(\s*"(\w+)"', item.path.read_text("utf-8"))
            asked[item.path] = {"postgres" if name == "fresh_database" else name for name in by_name} & set(_SHARED)
        asked[item.path] |= named
    items.sort(key=lambda item: [name not in asked[item.path] for name in _SHARED])
    for item in items:
        _last_of.update(dict.fromkeys(asked[item.path], item))


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid: str) -> None:
    """A shared server ends after its last test."""
    for name in [n for n, item in _last_of.items() if item.nodeid == nodeid and n in _ends]:
        _ends.pop(name)()


@contextmanager
def ending(name: str, end: Callable[[], None]) -> Iterator[None]:
    """For a shared server: `end` is called once, after the last test that asks for it or when the run is broken off."""
    _ends[name] = end
    try:
        yield
    finally:
        if name in _ends:
            _ends.pop(name)()


def _ours() -> dict[int, str]:
    """Processes that this run began: by its folder, in their command line or environment."""
    mark = tempfile.gettempdir()
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
            marked = mark.encode() in (place / "environ").read_bytes()
        except OSError:
            continue  # ended meanwhile, or another user's
        if int(place.name) != os.getpid() and (marked or mark in command):
            found[int(place.name)] = command[:200]
    return found


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Every process a test began has ended when the run ends."""
    yield
    deadline = time.monotonic() + 10
    while left := _ours():
        if time.monotonic() > deadline:
            pytest.fail(f"left behind: {left}")
        time.sleep(0.2)


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
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def authority(server_folder: Path) -> Authority:
    """The network's certificate authority (deploy.certificates.Authority)."""
    from deploy.certificates import Authority

    return Authority(server_folder / "root")


@pytest.fixture(scope="session")
def kafka(server_folder: Path, authority: Authority) -> Iterator[EmbeddedKafka]:
    """A real Apache Kafka, mutual TLS, deny by default; stopped also when the run is broken off."""
    from deploy.embedded_kafka import EmbeddedKafka
    from deploy.settings import load_settings

    server = EmbeddedKafka(server_folder / "kafka", authority, load_settings().cache)
    with ending("kafka", server.stop):
        server.start()
        yield server


@pytest.fixture(scope="session")
def postgres(server_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A real PostgreSQL; stopped also when the run is broken off.

    It need not outlive a power cut, so nothing is forced to the disk: hundreds of databases come and go here, and each waited a second for it.
    """
    from deploy import embedded_postgres

    server = embedded_postgres.EmbeddedPostgres(server_folder / "postgres")

    def end() -> None:
        server.stop()
        server.forget()

    with ending("postgres", end):
        with patch.dict(embedded_postgres._SETTINGS, fsync="off", full_page_writes="off"):
            server.start()
        yield server


@pytest.fixture
def fresh_database(postgres: EmbeddedPostgres) -> Iterator[Callable[[str], str]]:
    """`fresh_database(role)`: the address of an empty database with its own login, dropped after the test."""
    import psycopg
    from psycopg import sql

    made: set[str] = set()

    def make(role: str) -> str:
        made.add(role)
        return postgres.create_role_database(role)

    yield make
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as connection:
        for role in made:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(role)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """A whole zone that two invented municipalities published two months to, left running for all tests of a run."""
    from deploy.demo import Demo
    from deploy.demo_wish import Wish

    folder = Path(tempfile.mkdtemp(prefix="zorgstroom-demo-"))
    folder.chmod(0o755)
    running = Demo(Wish(folder / "data", addresses=800, months=3, seed=7))

    def end() -> None:
        running.stop()
        forget = getattr(running.zone.postgres, "forget", None)
        if forget is not None:
            forget()
        shutil.rmtree(folder, ignore_errors=True)

    with ending("demo", end):
        running.run()
        yield running
