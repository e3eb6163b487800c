"""The databases of keyvault and intake are lost and put back from their copies; copies from before a turn of keys are refused."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest
from runs import told, typed
from typer.testing import CliRunner

from deploy.cli import app
from deploy.order_commands import order_first_load
from deploy.zone import Zone
from producers.deliveries import Withdrawal
from streams import ledger_replay
from streams.config import RoleConfig
from streams.hop_store import prepared
from streams.projector_store import DDL as PROJECTOR_DDL
from streams.projector_store import books_hash, grant_release
from streams.rebuild import rebuild
from tests.integration.road_by_hand import Road, Sender, a_delivery, admitted

PROVIDER, ROLES = "p98333333", ("keyvault", "intake")


def persons(zone: Zone) -> set[bytes]:
    with psycopg.connect(zone.postgres.create_role_database("projector")) as c:
        return {bytes(p) for (p,) in c.execute("SELECT DISTINCT person FROM bookings")}


def lose(zone: Zone, role: str) -> None:
    with psycopg.connect(zone.postgres.admin_dsn, autocommit=True) as c:  # type: ignore[attr-defined]
        c.execute(f"DROP DATABASE {role} WITH (FORCE)")


def start(zone: Zone) -> None:
    for role in ROLES:
        zone.start_role(role)
        zone.supervisor.wait_ready([role])


def test_lost_databases_are_put_back_and_every_person_is_who_it_was(zone: Zone, road: Road, tmp_path: Path) -> None:
    data, sender = str(zone.folder.path), Sender(admitted(road.demo, PROVIDER))
    assert told(road, sender, sender.sealed(1, a_delivery("B1"))) == ("0200", 1)
    for role in ROLES:
        assert role in typed("operator", "backup", "write", role, str(tmp_path / role), "--data", data)
    assert "voprf" in typed("operator", "backup", "show", str(tmp_path / "keyvault"))
    typed("operator", "log", "show", "--data", data)  # a line that only the topic has
    assert told(road, sender, sender.sealed(2, a_delivery("B2"))) == ("0200", 1)
    known = persons(zone)
    running = CliRunner().invoke(
        app, ["operator", "backup", "restore", "keyvault", str(tmp_path / "keyvault"), "--yes", "--data", data]
    )
    assert (running.exit_code, "The keyvault runs" in running.output) == (1, True)
    zone.supervisor.stop(list(ROLES))
    swapped = CliRunner().invoke(
        app, ["operator", "backup", "restore", "intake", str(tmp_path / "keyvault"), "--yes", "--data", data]
    )
    assert (swapped.exit_code, "a backup of keyvault" in swapped.output) == (1, True)
    for role in ROLES:
        lose(zone, role)
    for role in ROLES:
        dry = typed("operator", "backup", "restore", role, str(tmp_path / role), "--dry-run", "--data", data)
        assert "nothing was changed" in dry
        assert "Start the zone again" in typed(
            "operator", "backup", "restore", role, str(tmp_path / role), "--yes", "--data", data
        )
    start(zone)
    order_first_load(zone, 100_000, why="after the restore")
    assert "whole and in order" in typed("operator", "log", "verify", "--data", data)
    assert told(road, sender, sender.sealed(3, a_delivery("B3"))) == ("0200", 1)
    assert persons(zone) == known


def test_an_empty_database_in_the_place_of_a_lost_one_makes_no_new_key(zone: Zone, road: Road, tmp_path: Path) -> None:
    data = str(zone.folder.path)
    typed("operator", "backup", "write", "keyvault", str(tmp_path / "copy"), "--data", data)
    zone.supervisor.stop(["keyvault"])
    lose(zone, "keyvault")
    zone.start_role("keyvault")
    with pytest.raises(Exception, match="database is empty, and this zone has the pseudonym key"):
        zone.supervisor.wait_ready(["keyvault"])
    zone.supervisor.stop(["keyvault"])
    typed("operator", "backup", "restore", "keyvault", str(tmp_path / "copy"), "--yes", "--data", data)
    zone.start_role("keyvault")
    zone.supervisor.wait_ready(["keyvault"])
    order_first_load(zone, 100_000, why="after the restore")


def test_a_copy_from_before_a_turn_is_refused_and_changes_nothing(zone: Zone, road: Road, tmp_path: Path) -> None:
    data = str(zone.folder.path)
    for role in ROLES:
        typed("operator", "backup", "write", role, str(tmp_path / role), "--data", data)
    typed("operator", "keys", "section", "--yes", "--data", data)
    zone.supervisor.stop(list(ROLES))
    refused = CliRunner().invoke(
        app, ["operator", "backup", "restore", "keyvault", str(tmp_path / "keyvault"), "--yes", "--data", data]
    )
    assert (refused.exit_code, "of before a turn of keys" in " ".join(refused.output.split())) == (1, True)
    with psycopg.connect(zone.postgres.create_role_database("intake")) as c:
        c.execute("UPDATE pseudonym_keys SET key_id = 'voprf-20990101-abcdef' WHERE state = 'in-use'")
    refused = CliRunner().invoke(
        app, ["operator", "backup", "restore", "intake", str(tmp_path / "intake"), "--yes", "--data", data]
    )
    assert (refused.exit_code, "of before a turn of keys" in " ".join(refused.output.split())) == (1, True)
    with psycopg.connect(zone.postgres.create_role_database("intake")) as c:
        c.execute("DELETE FROM pseudonym_keys")
    zone.folder.save_settings(
        zone.folder.settings()
        | {"pseudonym_keys": [*zone.folder.settings()["pseudonym_keys"], "voprf-20990101-abcdef"]}
    )
    refused = CliRunner().invoke(
        app, ["operator", "backup", "restore", "intake", str(tmp_path / "intake"), "--yes", "--data", data]
    )
    assert (refused.exit_code, "before the last turn of the pseudonym key" in " ".join(refused.output.split())) == (
        1,
        True,
    )
    zone.folder.save_settings(
        zone.folder.settings() | {"pseudonym_keys": zone.folder.settings()["pseudonym_keys"][:-1]}
    )
    assert "Start the zone" in typed(
        "operator", "backup", "restore", "intake", str(tmp_path / "intake"), "--yes", "--data", data
    )
    start(zone)


def tables(zone: Zone, role: str, *names: str) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(zone.postgres.create_role_database(role)) as c:
        rows = {n: c.execute(f"SELECT * FROM {n}").fetchall() for n in names}
    return {
        n: sorted((r for r in found if r[-1] != 0 or n not in ("hop_input", "hop_streams")), key=repr)
        for n, found in rows.items()
    }


def level(zone: Zone, wanted: dict[str, list[tuple[object, ...]]], role: str) -> None:
    deadline = time.monotonic() + 60
    while (now := tables(zone, role, *wanted)) != wanted:
        assert time.monotonic() < deadline, {n: [x for x in rows if x not in now[n]][:3] for n, rows in wanted.items()}
        time.sleep(0.3)


def test_lost_databases_of_ledger_and_projector_are_made_anew_from_the_ledger(
    zone: Zone, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_replay, "_AGAIN", 4)
    data, sender = str(zone.folder.path), Sender(admitted(road.demo, PROVIDER))
    debits = [a_delivery(f"L{n}", bsn=bsn) for n, bsn in enumerate(("999900006", "999900018", "999900031"))]
    back = [
        Withdrawal(d.bsn, d.payer, d.care_type, d.first_day, d.last_day, d.cents, f"{d.reference}-c", d.reference)
        for d in debits
    ]
    assert told(road, sender, sender.sealed(1, *debits, back[0])) == ("0200", 4)
    for number in range(2, 9):  # more than are judged again
        assert told(road, sender, sender.sealed(number, a_delivery(f"M{number}"))) == ("0200", 1)
    assert told(road, sender, sender.sealed(9, back[1])) == ("0200", 1)
    of_ledger = tables(
        zone,
        "ledger",
        "known_references",
        "open_debits",
        "standing_grants",
        "mandate_handles",
        "hop_input",
        "hop_streams",
    )
    level(zone, {"hop_input": tables(zone, "projector", "hop_input")["hop_input"]}, "projector")
    time.sleep(1)
    books = books_of(zone)

    rounds = tables(zone, "projector", "household_rounds")["household_rounds"][0][0]
    zone.supervisor.stop(["ledger", "projector"])
    assert typed("operator", "replay", "--data", data).count("its database is there") == 3
    for role in ("ledger", "projector"):
        lose(zone, role)
    assert "references" in typed("operator", "replay", "--data", data)
    made = tables(zone, "ledger", "known_references")["known_references"]
    assert 0 < len(made) < len(of_ledger["known_references"]), "the last inputs are judged again"
    dsn = zone.postgres.create_role_database("projector")
    with prepared(dsn, PROJECTOR_DDL):
        grant_release(dsn, "release")
    for role in ("ledger", "projector"):
        zone.start_role(role)
    zone.supervisor.wait_ready(["ledger", "projector"])
    level(zone, of_ledger, "ledger")
    deadline = time.monotonic() + 60
    while books_of(zone) != books:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert rebuild(RoleConfig.load(zone.role_config("projector"))).equal
    later = tables(zone, "projector", "household_rounds")["household_rounds"][0][0]
    assert isinstance(rounds, int)
    assert isinstance(later, int)
    assert later > rounds, "readers take only higher versions"

    again = sender.sealed(10, debits[2], back[0], back[1])
    road.put(again, sender=PROVIDER)
    receipt = next(r for r in iter(lambda: road.heard(sender, count=1)[0], None) if r["number"] == 10)
    assert (receipt["accepted"], receipt["duplicates"]) == (0, 3), "what it knew it knows, withdrawals too"
    assert rebuild(RoleConfig.load(zone.role_config("projector"))).equal


def books_of(zone: Zone) -> str:
    with psycopg.connect(zone.postgres.create_role_database("projector")) as c:
        return books_hash(c)
