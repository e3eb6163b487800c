"""Keys turn on a real zone: the pseudonym key with every test BSN there is, under kills and deliveries."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import psycopg
import pytest
from runs import restarted, typed
from typer.testing import CliRunner

from deploy.bench_load import PROVIDERS, Load, NewBookings
from deploy.cli import app
from deploy.scraped import Scraped
from deploy.zone import Zone
from keyvault import group, voprf
from keyvault.store import VaultStore
from schemas.secrets import WrappingKey
from streams.config import RoleConfig
from streams.rebuild import rebuild

EVERY_TEST_BSN = 9_091


def every_bsn_by(load: Load, provider: str) -> int:
    """Publish a delivery for each test BSN by one provider, in envelopes of a thousand; how many deliveries."""
    load.numbers[provider] = 0
    envelopes = [e for e in load.envelopes(8 * 10_000, per_envelope=1000, share=1.0) if e[0] == provider]
    load.publish(envelopes)
    return 1000 * len(envelopes)


def asked(zone: Zone) -> int:
    with psycopg.connect(zone.postgres.create_role_database("keyvault")) as c:
        row = c.execute("SELECT sum(count) FROM evaluations").fetchone()
    return int(row[0]) if row else 0


def persons(zone: Zone) -> set[bytes]:
    with psycopg.connect(zone.postgres.create_role_database("projector")) as c:
        return {bytes(p) for (p,) in c.execute("SELECT DISTINCT person FROM bookings")}


def elements(zone: Zone) -> dict[bytes, bytes]:
    """Person -> element."""
    with psycopg.connect(zone.postgres.create_role_database("intake")) as c:
        rows = c.execute("SELECT person, element FROM elements").fetchall()
    assert len(rows) == len({bytes(p) for p, _ in rows})
    return {bytes(p): bytes(e) for p, e in rows}


def until(zone: Zone, state: str, *, there: bool, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with psycopg.connect(zone.postgres.create_role_database("intake")) as c:
            if (c.execute("SELECT 1 FROM pseudonym_keys WHERE state = %s", (state,)).fetchone() is not None) == there:
                return
        assert time.monotonic() < deadline, (zone.supervisor.logs / "intake.log").read_text()[-800:]
        time.sleep(0.05)


def place_turn(zone: Zone, folder: Path) -> None:
    """Type what an operator and a colleague type."""
    data, file = str(zone.folder.path), str(folder / "turn")
    written = typed("operator", "order", "turn", "--why", "yearly", "--out", file, "--data", data)
    assert f"{EVERY_TEST_BSN} elements turn" in " ".join(written.split())
    refused = CliRunner().invoke(app, ["operator", "order", "place", file, "--yes", "--data", data])
    assert refused.exit_code != 0
    assert "2 different operators" in refused.output
    for name in ("anne", "bob"):
        typed("operator", "order", "sign", file, "--as", name, "--data", data)
    assert "Intake turns by itself" in typed("operator", "order", "place", file, "--yes", "--data", data)


@pytest.mark.timeout(900)
def test_with_kills_and_deliveries_every_test_bsn_is_who_it_was(zone: Zone, tmp_path: Path) -> None:
    load = Load(zone)
    load.admit()
    books = NewBookings(zone.postgres.create_role_database("projector"))
    expected = every_bsn_by(load, PROVIDERS[0])
    books.wait(expected)
    before, known = elements(zone), persons(zone)
    assert len(before) == len(known & set(before)) == EVERY_TEST_BSN, (
        "what erased persons left lies under other numbers"
    )
    counted(zone)
    place_turn(zone, tmp_path)
    expected += every_bsn_by(load, PROVIDERS[1])
    for victim in ("intake", "keyvault", "intake"):
        until(zone, "coming", there=True)
        time.sleep(0.7)
        zone.supervisor.kill9(victim)
        zone.supervisor.tend()
        zone.supervisor.wait_ready([victim])
    until(zone, "coming", there=False, seconds=120)
    until(zone, "leaving", there=False)
    books.wait(expected)
    books.close()
    after = elements(zone)
    assert persons(zone) == known
    assert set(after) == set(before), "every link stays"
    assert set(after.values()) == under_the_keys_in_use(zone, load.bsns)
    assert rebuild(RoleConfig.load(zone.role_config("projector"))).equal


def test_no_bsn_is_asked_for_a_turn_and_of_the_old_key_nothing_is_left(zone: Zone, tmp_path: Path) -> None:
    before, old_answers = elements(zone), asked(zone)
    place_turn(zone, tmp_path)
    until(zone, "coming", there=True)
    until(zone, "coming", there=False, seconds=120)
    until(zone, "leaving", there=False)
    assert "Nothing is being turned" in typed("operator", "order", "progress", "--data", str(zone.folder.path))
    after = elements(zone)
    assert asked(zone) == old_answers
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    with psycopg.connect(zone.postgres.create_role_database("keyvault")) as c:
        states = c.execute("SELECT state, length(wrapped) FROM named_keys WHERE use = 'voprf'").fetchall()
        used = [int(n) for (n,) in c.execute("SELECT used FROM evaluation_orders WHERE kind = 'turn'")]
    assert [s for s, length in states if length] == ["active"]
    destroyed = [s for s, length in states if not length]
    assert destroyed == ["destroyed"] * len(used)
    assert used, "each turn has its order"
    assert all(EVERY_TEST_BSN <= n <= EVERY_TEST_BSN * 1.05 for n in used), used


def test_intakes_own_scalar_turns_with_one_command_typed_twice(zone: Zone) -> None:
    before, data = elements(zone), str(zone.folder.path)
    assert "Made:" in typed("operator", "keys", "scalar", "--data", data)
    early = CliRunner().invoke(app, ["operator", "keys", "scalar", "--data", data])
    assert early.exit_code == 1
    assert "not on the next scalar yet" in " ".join(early.output.split())
    restarted(zone)
    deadline = time.monotonic() + 60
    while CliRunner().invoke(app, ["operator", "keys", "scalar", "--yes", "--data", data]).exit_code:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    after = elements(zone)
    assert set(after) == set(before)
    assert set(after.values()) == under_the_keys_in_use(zone, Load(zone).bsns)
    restarted(zone)
    time.sleep(1)
    assert elements(zone) == after


def counted(zone: Zone) -> None:
    """Until an operator is told how many elements there are: intake counts them every ten seconds."""
    deadline = time.monotonic() + 30
    while Scraped.of(zone.metrics_url("intake")).one("zorgstroom_pseudonym_elements") != EVERY_TEST_BSN:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def under_the_keys_in_use(zone: Zone, bsns: list[str]) -> set[bytes]:
    """Elements of BSNs, made with the vault's key and intake's scalar, which only a test has together."""
    wrapping = WrappingKey(zone.folder.secret_file("keyvault", "wrapping").read_bytes())
    store = VaultStore(zone.postgres.create_role_database("keyvault"), wrapping)
    _, key = store.pseudonym_key(dt.datetime.now(dt.UTC).date())
    store.close()
    both = group.product(key.reveal(), zone.folder.secret_file("intake", "scalar").read_bytes())
    return {group.multiply(both, voprf.hash_to_group(bsn.encode())) for bsn in bsns}
