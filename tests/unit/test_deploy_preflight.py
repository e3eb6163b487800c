"""What stands in the way of a server is said in one sentence before anything is touched."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest import mock

import pytest

from deploy import preflight
from deploy.certificates import Authority
from deploy.embedded_kafka import EmbeddedKafka
from deploy.kafka_properties import as_text, properties
from deploy.supervisor import Program, Supervisor
from schemas.errors import SettingsWrong


def known(pid: int, folder: Path) -> bool:
    """Whether the process is known by its folder: a new one has its own command line only a moment after it began."""
    patience = time.monotonic() + 10
    while not (found := preflight.runs_on(pid, folder)) and time.monotonic() < patience:
        time.sleep(0.01)
    return found


def test_a_port_in_use_is_named_with_its_owner() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(SettingsWrong, match=f"^Port {port}, which belongs to the test, is in use"):
            preflight.check_port_free(port, whose="the test")
    preflight.check_port_free(port, whose="the test")


def test_a_steady_port_is_free_and_below_the_clients_range() -> None:
    port = preflight.steady_port()
    assert 15_000 <= port < 30_000
    preflight.check_port_free(port, whose="the test")


def test_a_disk_without_room_is_told_also_for_a_folder_to_come(tmp_path: Path) -> None:
    preflight.check_room(tmp_path / "later" / "much later", megabytes=1)
    with pytest.raises(SettingsWrong, match="MB needed; make room or choose another folder"):
        preflight.check_room(tmp_path / "later", megabytes=10**9)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsWrong, match="can't be made"):
        preflight.check_folder(tmp_path / "file" / "data")


def test_a_process_is_known_by_its_folder_and_not_by_its_number_alone(tmp_path: Path) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(tmp_path)])
    try:
        assert known(sleeper.pid, tmp_path)
        assert not preflight.runs_on(sleeper.pid, tmp_path / "other")
        assert not preflight.runs_on(os.getpid(), tmp_path)
    finally:
        sleeper.kill()
        sleeper.wait()
    assert not preflight.runs_on(sleeper.pid, tmp_path)


def test_a_kafka_left_by_an_earlier_run_is_named_with_how_to_stop_it(tmp_path: Path) -> None:
    server = EmbeddedKafka(tmp_path / "kafka", Authority(tmp_path / "root"), tmp_path / "cache")
    server.data_dir.mkdir()
    holder = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(server.data_dir)])
    (server.data_dir / "pid").write_text(str(holder.pid))
    try:
        assert known(holder.pid, server.data_dir)
        with pytest.raises(SettingsWrong, match=f"still holds .*; stop it with `kill {holder.pid}`"):
            server.start()
    finally:
        server.stop()
        holder.kill()
        holder.wait()
    assert not (tmp_path / "cache").exists(), "nothing was fetched or made before the check"


def test_every_listener_of_kafka_asks_for_a_certificate_and_nothing_is_allowed_by_default(tmp_path: Path) -> None:
    found = properties(
        client_port=20_001, controller_port=20_002, data=tmp_path, keystore=tmp_path / "k", authority=tmp_path / "a"
    )
    assert set(found["listener.security.protocol.map"].split(",")) == {"CLIENT:SSL", "CONTROLLER:SSL"}
    assert all(part.split("://")[1].startswith("127.0.0.1:") for part in found["listeners"].split(","))
    assert found["ssl.client.auth"] == "required"
    assert found["allow.everyone.if.no.acl.found"] == "false"
    assert found["auto.create.topics.enable"] == "false"
    assert as_text({"a": "b\\c"}) == "a=b\\\\c\n"


def test_two_that_tend_at_once_start_a_program_again_once(tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text("import time\ntime.sleep(60)\n")
    supervisor = Supervisor(tmp_path / "logs", {"PYTHONPATH": str(tmp_path)})
    supervisor.start(Program("sleeper", "sleeper", (), lambda: True))
    spawned: list[int] = []
    once = supervisor._spawn

    def counted(program: Program) -> object:
        time.sleep(0.2)  # room for the other to see it ended too
        process = once(program)
        spawned.append(process.pid)
        return process

    try:
        supervisor.kill9("sleeper")
        with mock.patch.object(Supervisor, "_spawn", lambda _, program: counted(program)):
            both = [threading.Thread(target=supervisor.tend) for _ in range(2)]
            for one in both:
                one.start()
            for one in both:
                one.join()
        assert spawned == list(supervisor.pids().values())
    finally:
        supervisor.stop()
        for pid in spawned:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
