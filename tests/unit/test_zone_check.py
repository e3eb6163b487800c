"""What would stop a server is found before anything of a zone is made or started."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from deploy.demo import Demo
from deploy.demo_wish import Wish
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from schemas.errors import SettingsWrong


def files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("note", "told"), [("kafka/ports", "belongs to the Kafka of"), ("postgres/port", "belongs to the PostgreSQL of")]
)
def test_a_port_of_either_server_stops_both(tmp_path: Path, note: str, told: str) -> None:
    zone = Zone(ZoneFolder(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (tmp_path / note).parent.mkdir()
        (tmp_path / note).write_text(" ".join([str(taken.getsockname()[1])] * (2 if "ports" in note else 1)))
        before = files(tmp_path)
        with pytest.raises(SettingsWrong, match=told):
            zone.check()
    assert files(tmp_path) == before
    zone.check()


def test_a_full_disk_is_told_before_a_town_is_invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: Any = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: used._replace(free=10_000_000))
    demo = Demo(Wish(tmp_path / "data", addresses=400, months=1, seed=1))
    before = files(tmp_path)  # the network's own authority, made with the zone's first mention
    with pytest.raises(SettingsWrong, match="is full: 10 MB left"):
        demo.run()
    assert files(tmp_path) == before
    assert not demo.town.exists()


def test_a_wrong_retention_period_stops_a_zone_before_anything_is_touched(tmp_path: Path) -> None:
    zone = Zone(ZoneFolder(tmp_path))
    zone.folder.save_settings({"ports": {}, "retention_years": {"jeugdwet": "twenty"}})
    before = files(tmp_path)
    with pytest.raises(SettingsWrong, match="retention_years"):
        zone.check()
    assert files(tmp_path) == before
