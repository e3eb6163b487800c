"""What no backup brings back: a key that was destroyed since, also where the database is lost; and anything, once its month's key is gone."""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path

import psycopg
from runs import typed
from typer.testing import CliRunner

from deploy.cli import app
from deploy.key_watch import KeyWatch
from deploy.order_commands import order_first_load
from deploy.zone import Zone
from deploy.zone_folder import free_port
from keyvault import group
from schemas.secret_file import write_private
from tests.integration.road_by_hand import Road

PROVIDER, ROLES = "p98444444", ("keyvault", "intake")


def refusal(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1, result.output
    return " ".join(result.output.split())


def lose(zone: Zone, role: str) -> None:
    with psycopg.connect(zone.postgres.admin_dsn, autocommit=True) as c:  # type: ignore[attr-defined]
        c.execute(f"DROP DATABASE {role} WITH (FORCE)")


def start(zone: Zone) -> None:
    for role in ROLES:
        zone.start_role(role)
        zone.supervisor.wait_ready([role])


def sections(zone: Zone) -> dict[str, tuple[str, int]]:
    """Section keys by id: state, and how many bytes there are of each."""
    with psycopg.connect(zone.postgres.create_role_database("keyvault")) as c:
        rows = c.execute("SELECT key_id, state, length(wrapped) FROM named_keys WHERE use = 'section'").fetchall()
    return {key_id: (state, length) for key_id, state, length in rows}


def turned(zone: Zone) -> str:
    """Turn the section key, once no earlier turn is on its way, and wait until nothing is left of the one before; its id."""
    settled(zone)
    (old,) = (key_id for key_id, (state, _) in sections(zone).items() if state == "active")
    typed("operator", "keys", "section", "--yes", "--data", str(zone.folder.path))
    settled(zone)
    assert sections(zone)[old] == ("destroyed", 0)
    return old


def settled(zone: Zone) -> None:
    deadline = time.monotonic() + 90
    while "leaving" in {state for state, _ in sections(zone).values()}:
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_a_lost_keyvault_does_not_get_a_destroyed_key_back_from_a_copy_of_before(
    zone: Zone, road: Road, tmp_path: Path
) -> None:
    data, copies = str(zone.folder.path), [str(tmp_path / n) for n in ("before", "after")]
    assert road is not None
    typed("operator", "backup", "write", "keyvault", copies[0], "--data", data)
    old = turned(zone)
    typed("operator", "backup", "write", "keyvault", copies[1], "--data", data)
    zone.supervisor.stop(list(ROLES))
    lose(zone, "keyvault")
    for more in (("--dry-run",), ("--yes",)):
        said = refusal("operator", "backup", "restore", "keyvault", copies[0], *more, "--data", data)
        assert "of before a turn of keys (line" in said
        assert "Take a newer one" in said
        assert sections(zone) == {}, "nothing was put back"
    typed("operator", "backup", "restore", "keyvault", copies[1], "--yes", "--data", data)
    assert sections(zone)[old] == ("destroyed", 0)
    start(zone)
    order_first_load(zone, 100_000, why="after the restore")


def test_a_lost_intake_is_not_put_back_to_a_scalar_or_a_pseudonym_key_that_is_gone(
    zone: Zone, road: Road, tmp_path: Path
) -> None:
    data, copy, file = str(zone.folder.path), tmp_path / "intake", zone.folder.secret_file("intake", "scalar")
    assert road is not None
    typed("operator", "backup", "write", "intake", str(copy), "--data", data)
    zone.supervisor.stop(list(ROLES))
    lose(zone, "intake")
    again = ("operator", "backup", "restore", "intake", str(copy), "--yes", "--data", data)
    mid_turn = tmp_path / "mid-turn"
    mid_turn.write_bytes(copy.read_bytes().replace(b'"voprf in-use"', b'"voprf coming"'))
    assert "the last turn of the pseudonym key" in refusal(*again[:4], str(mid_turn), *again[5:])
    scalar = file.read_bytes()
    write_private(file, group.random_scalar().reveal())
    try:
        assert "the last turn of intake's scalar" in refusal(*again)
    finally:
        write_private(file, scalar)
    assert "Start the zone" in typed(*again)
    start(zone)


def test_a_backup_opens_with_its_months_key_and_never_without(zone: Zone, road: Road, tmp_path: Path) -> None:
    data, copy = str(zone.folder.path), str(tmp_path / "keyvault")
    assert road is not None
    month = f"{dt.datetime.now(dt.UTC):backup.%Y%m}"
    file = zone.folder.secret_file("keyvault", month)
    file.unlink(missing_ok=True)
    assert f"Made: {month} of keyvault" in typed("operator", "backup", "write", "keyvault", copy, "--data", data)
    assert "Made:" not in typed("operator", "backup", "write", "keyvault", copy, "--data", data)
    secret = file.read_bytes()
    assert secret not in Path(copy).read_bytes()
    listed = " ".join(CliRunner().invoke(app, ["operator", "keys", "list", "--data", data]).output.split())
    assert f"backups of keyvault {month} opens" in listed
    zone.supervisor.stop(["keyvault"])
    again = ("operator", "backup", "restore", "keyvault", copy, "--dry-run", "--data", data)
    assert "could be put back" in typed(*again)
    file.unlink()
    assert f"{month}.key, is not there, and nothing else opens this backup" in refusal(*again)
    write_private(file, os.urandom(32))
    assert "does not open" in refusal(*again)
    write_private(file, secret)
    assert "could be put back" in typed(*again)
    zone.start_role("keyvault")
    zone.supervisor.wait_ready(["keyvault"])


def test_a_months_key_whose_days_have_passed_goes_by_command_by_a_backup_and_where_the_zone_runs(
    zone: Zone, road: Road, tmp_path: Path
) -> None:
    data, old = str(zone.folder.path), zone.folder.secret_file("intake", "backup.202401")
    assert road is not None
    typed("operator", "backup", "write", "intake", str(tmp_path / "copy"), "--data", data)
    kept = zone.folder.secret_file("intake", f"{dt.datetime.now(dt.UTC):backup.%Y%m}").read_bytes()
    write_private(old, os.urandom(32))
    assert "backup.202401: intake's backups of 2024-01, last day 2024-05-07" in typed(
        "operator", "keys", "destroy", "--dry-run", "--data", data
    )
    late = CliRunner().invoke(app, ["operator", "keys", "list", "--data", data])
    assert "backups of intake" in late.output.rpartition("Overdue")[2]
    assert old.exists()
    assert "Destroyed: backup.202401" in typed("operator", "keys", "destroy", "--yes", "--data", data)
    assert not old.exists()
    write_private(old, os.urandom(32))
    assert "Destroyed: backup.202401" in typed(
        "operator", "backup", "write", "intake", str(tmp_path / "copy"), "--data", data
    )
    assert not old.exists()
    write_private(old, os.urandom(32))
    watch = KeyWatch(zone)
    watch.start(free_port())
    try:
        deadline = time.monotonic() + 20
        while old.exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        watch.stop()
    assert zone.folder.secret_file("intake", f"{dt.datetime.now(dt.UTC):backup.%Y%m}").read_bytes() == kept
