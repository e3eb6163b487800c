"""Keys of roles, senders, the vault and the root turn on a real zone: what is new is learned, what is old opens as long as it should."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from runs import restarted, told, typed
from typer.testing import CliRunner

from deploy.cli import app
from deploy.commands_frame import asked_passphrase
from deploy.zone import Zone
from producers.profile import Profile
from producers.publisher import Publisher
from schemas.errors import ContractBroken
from schemas.values import day_number
from tests.integration.road_by_hand import TODAY, Road, Sender, a_delivery, admitted

PROVIDER = "p98222222"


def test_senders_learn_a_new_key_and_the_old_one_opens_until_it_is_destroyed(zone: Zone, road: Road) -> None:
    data = str(zone.folder.path)
    before, late = (Sender(admitted(road.demo, PROVIDER)) for _ in range(2))
    old_ids = before.profile.recipients(day_number(TODAY))
    sealed_before = [before.sealed(n, a_delivery(f"K{n}")) for n in (1, 2)]
    late_data = late.sealed(1, a_delivery("L1"))
    assert told(road, before, sealed_before[0]) == ("0200", 1)
    for use in ("identity", "content"):
        assert "Made and signed" in typed("operator", "keys", "new", use, "--data", data)
    with Publisher(Profile.load(before.profile.folder)) as publisher:
        deadline = time.monotonic() + 20
        while publisher.profile.recipients(day_number(TODAY)).identity_key_id == old_ids.identity_key_id:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        publisher.publish(a_delivery("P1"))
        publisher.flush()
        assert publisher.wait(seconds=30)
        assert [(r.code, r.accepted) for r in publisher.receipts()] == [("0200", 1)]
    learned = Profile.load(before.profile.folder).recipients(day_number(TODAY))
    assert {learned.identity_key_id, learned.content_key_id}.isdisjoint(
        {old_ids.identity_key_id, old_ids.content_key_id}
    )
    assert told(road, before, sealed_before[1]) == ("0200", 1), "what was sealed to the old keys still opens"

    assert "No key is due" in typed("operator", "keys", "destroy", "--data", data)
    zone.folder.save_settings(zone.folder.settings() | {"old_keys_open_days": 0})
    assert old_ids.identity_key_id in typed("operator", "keys", "destroy", "--dry-run", "--data", data)
    assert zone.folder.secret_file("intake", "identity").exists()
    assert "Destroyed" in typed("operator", "keys", "destroy", "--yes", "--data", data)
    assert not zone.folder.secret_file("intake", "identity").exists()
    restarted(zone)
    assert told(road, late, late_data) == ("unknown-key", 0)


def test_a_sender_renews_its_key_and_what_is_appended_with_a_revoked_one_does_not_count(
    zone: Zone, road: Road, tmp_path: Path
) -> None:
    folder, data = admitted(road.demo, PROVIDER).folder, str(zone.folder.path)
    old = Profile.load(folder)
    asking = Sender(old)
    asking_data = [asking.sealed(n, a_delivery(f"R{n}"), day=day_number(TODAY) - 30 * (n == 3)) for n in (1, 2, 3)]
    (request,) = (
        line
        for line in typed("provider", "--profile", str(folder), "--lang", "en", "renew").split()
        if "aanvraag" in line
    )
    typed(
        "municipality",
        "admit",
        request.rstrip("."),
        "--gemeente",
        "GM9901",
        "--out",
        str(tmp_path / "answer"),
        "--data",
        data,
    )
    typed("provider", "--profile", str(folder), "--lang", "en", "accept", str(tmp_path / "answer"))
    new = Profile.load(folder)
    assert new.signing_key_id != old.signing_key_id
    assert not list(folder.glob("*-next.key"))
    assert told(road, asking, asking_data[0]) == ("0200", 1), "both keys count"
    renewed = Sender(new)
    assert told(road, renewed, renewed.sealed(1, a_delivery("N1"))) == ("0200", 1)

    zone.supervisor.stop(["intake"])
    road.put(asking_data[1], sender=PROVIDER)
    assert "Revoked" in typed("municipality", "revoke-key", PROVIDER, old.signing_key_id, "--yes", "--data", data)
    zone.start_role("intake")
    zone.supervisor.wait_ready(["intake"])
    (receipt,) = road.heard(asking, count=1)
    assert (receipt["number"], receipt["accepted"]) == (2, 1), "appended before, taken after"
    assert road.reasons([asking_data[2]], sender=PROVIDER) == ["revoked-key"], "whatever day its header says"
    assert told(road, renewed, renewed.sealed(2, a_delivery("N2"))) == ("0200", 1)
    assert typed("municipality", "revoke-key", PROVIDER, "--data", data).split() == [new.signing_key_id]


def test_the_section_key_turns_in_one_round_and_every_key_is_listed_without_its_bytes(zone: Zone) -> None:
    data = str(zone.folder.path)
    made = typed("operator", "keys", "section", "--yes", "--data", data).split()[1].rstrip(".")
    deadline = time.monotonic() + 60
    while True:
        states = {(s["use"], s["state"]) for s in zone_keys(zone)}
        if ("section", "destroyed") in states:
            break
        assert time.monotonic() < deadline
        time.sleep(0.3)
    listed = typed("operator", "keys", "list", "--data", data)
    assert made in listed
    for name in (
        "intake identity",
        "ledger content",
        "pseudonyms",
        "section",
        "wrapping",
        "scalar",
        "certificate of intake",
        "root",
        "signing",
    ):
        assert name in listed
    for secret in zone.folder.path.rglob("*.key"):
        assert secret.read_bytes().hex()[:16] not in listed
    zone.folder.save_settings(zone.folder.settings() | {"key_days": {"content": 0}})
    late = CliRunner().invoke(app, ["operator", "keys", "list", "--data", data])
    assert late.exit_code in (0, 1)
    assert (
        typed("operator", "keys", "certificates", "--within", "9999", "--dry-run", "--data", data).count("cert.pem") > 5
    )


def test_the_section_key_turns_though_keyvault_and_projector_are_killed_meanwhile(zone: Zone) -> None:
    data, before = str(zone.folder.path), {s["key_id"]: s["state"] for s in zone_keys(zone) if s["use"] == "section"}
    made = typed("operator", "keys", "section", "--yes", "--data", data).split()[1].rstrip(".")
    for victim in ("projector", "keyvault", "projector"):
        zone.supervisor.kill9(victim)
        zone.supervisor.tend()
        zone.supervisor.wait_ready([victim])
    with psycopg.connect(zone.postgres.create_role_database("projector")) as c:  # who was killed holds it half a minute
        c.execute("UPDATE leases SET until = now() WHERE name = 'household records'")
    expected = dict.fromkeys(before, "destroyed") | {made: "active"}
    deadline = time.monotonic() + 60
    while {s["key_id"]: s["state"] for s in zone_keys(zone) if s["use"] == "section"} != expected:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert "whole and in order" in typed("operator", "log", "verify", "--data", data)


def test_a_lost_root_key_is_replaced_and_senders_follow_to_what_the_new_root_signs(zone: Zone, road: Road) -> None:
    data, folder = str(zone.folder.path), admitted(road.demo, PROVIDER).folder
    before = Profile.load(folder)
    (zone.folder.path / "root" / "root-2.key").unlink()
    assert "Version 2 of the root counts" in typed("operator", "keys", "root", "2", "--yes", "--data", data)
    typed("operator", "keys", "new", "identity", "--data", data)
    with Publisher(before) as publisher:
        deadline = time.monotonic() + 20
        while before.recipients(day_number(TODAY)).identity_key_id == admitted_identity(folder):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        publisher.publish(a_delivery("Q1"))
        publisher.flush()
        assert publisher.wait(seconds=30)
        assert (publisher.receipts()[-1].code, publisher.receipts()[-1].accepted) == ("0200", 1)
    assert Profile.load(folder).directory.roots == zone.roots.pinned
    assert zone.roots.pinned.version == 2


def admitted_identity(folder: Path) -> str:
    """The identity key of the register that was current before the last one."""
    records = json.loads((folder.parents[1] / "keys.json").read_text("utf-8"))
    return str([r["key_id"] for r in records if r["use"] == "identity"][-2])


def test_the_wrapping_key_turns_to_a_passphrase_and_back_while_the_keyvault_stands_still(
    zone: Zone, road: Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, typed_line = str(zone.folder.path), tmp_path / "passphrase"
    first, file = Sender(admitted(road.demo, PROVIDER)), zone.folder.secret_file("keyvault", "wrapping")
    assert told(road, first, first.sealed(1, a_delivery("W1"))) == ("0200", 1)
    running = CliRunner().invoke(app, ["operator", "keys", "wrapping", "--data", data])
    assert (running.exit_code, "The keyvault runs" in running.output) == (1, True)
    zone.supervisor.stop(["keyvault"])
    monkeypatch.setenv("ZORGSTROOM_PASSPHRASE_FILE", str(typed_line))
    typed_line.write_text("short\n")
    short = CliRunner().invoke(app, ["operator", "keys", "wrapping", "--passphrase", "--yes", "--data", data])
    assert (short.exit_code, "at least 12 characters" in short.output, file.exists()) == (2, True, True)
    typed_line.write_text("paard batterij nietje\n")
    assert "wrapped anew" in typed("operator", "keys", "wrapping", "--passphrase", "--yes", "--data", data)
    assert not file.exists()
    zone.passphrase = lambda: b"something else altogether"
    zone.start_role("keyvault")
    with pytest.raises(ContractBroken, match="do not open with this wrapping key, or this passphrase"):
        zone.supervisor.wait_ready(["keyvault"])
    zone.supervisor.stop(["keyvault"])
    zone.passphrase = asked_passphrase
    zone.start_role("keyvault")
    zone.supervisor.wait_ready(["keyvault"])
    assert told(road, first, first.sealed(2, a_delivery("W2"))) == ("0200", 1)
    zone.supervisor.kill9("keyvault")
    zone.supervisor.tend()
    zone.supervisor.wait_ready(["keyvault"])
    zone.supervisor.stop(["keyvault"])
    assert "wrapped anew" in typed("operator", "keys", "wrapping", "--yes", "--data", data)
    zone.start_role("keyvault")
    zone.supervisor.wait_ready(["keyvault"])
    assert told(road, first, first.sealed(3, a_delivery("W3"))) == ("0200", 1)


def zone_keys(zone: Zone) -> list[dict[str, Any]]:
    vault = zone.vault("operator")
    try:
        return vault.key_states()
    finally:
        vault.close()
