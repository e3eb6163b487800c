"""Officers on a real zone, typed: a person who came by the road is named by two, the key is handed on, who was erased is not named."""

from __future__ import annotations

import re
import time
from pathlib import Path

import psycopg
import pytest
from erasing import asked, decided, persons, rows
from runs import told, typed
from typer.testing import CliRunner

from deploy.bench_load import OFFICERS
from deploy.cli import app
from deploy.officer_admission import committee_here, officer_folder
from deploy.zone import Zone
from tests.integration.road_by_hand import Road, Sender, a_delivery, admitted

PROVIDER = "p98444442"
pytestmark = pytest.mark.usefixtures("municipality")
LENA, MAX, NOOR = "999900080", "999900092", "999900109"


def refusal(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1, result.output
    return " ".join(result.output.split())


def person_of(zone: Zone, road: Road, sender: Sender, number: int, bsn: str) -> bytes:
    """Have somebody come by the road whom this provider did not bring before; the pseudonym."""
    brought = "SELECT DISTINCT person FROM bookings WHERE provider = 98444442"
    before = set(rows(zone, "projector", brought))
    assert told(road, sender, sender.sealed(number, a_delivery(f"O{bsn[-4:]}", bsn=bsn))) == ("0200", 1)
    until = time.monotonic() + 30
    while not (new := set(rows(zone, "projector", brought)) - before):
        assert time.monotonic() < until, "the projector does not come along"
        time.sleep(0.1)
    ((person,),) = new
    return bytes(person)


def named(zone: Zone, person: bytes, *, first: str = "dora", second: str = "eli") -> str:
    """What two officers type, and the BSN that the first one sees."""
    data = str(zone.folder.path)
    typed("officer", "ask", "--as", first, "--person", person.hex(), "--reason", "wrong-person", "--ground", "avg-5", "--case", "Z-1", "--data", data)  # fmt: skip
    assert person.hex() in typed("officer", "requests", "--as", second, "--data", data)
    typed("officer", "approve", "--as", second, "--yes", "--data", data)
    said = typed("officer", "open", "--as", first, "--data", data)
    found = re.search(r"BSN: (\d{9})", said)
    assert found
    return found[1]


@pytest.fixture
def sender(road: Road) -> Sender:
    return Sender(admitted(road.demo, PROVIDER))


def test_a_person_who_came_by_the_road_is_named_by_two_officers_and_by_no_database(
    zone: Zone, road: Road, sender: Sender
) -> None:
    lena = person_of(zone, road, sender, 1, LENA)
    assert named(zone, lena) == LENA
    data = str(zone.folder.path)
    log = typed("operator", "log", "show", "--data", data)
    for action in ("name-ask", "name-approve", "name-part", "name-open", "name-end"):
        assert action in log
    assert "0 requests" in refusal("officer", "approve", "--as", "fay", "--data", data)
    letters = list(officer_folder(zone, "dora").glob("brief-*.txt"))
    assert letters
    assert LENA not in letters[-1].read_text()
    (kept,) = rows(zone, "keyvault", "SELECT wrapped FROM sealed_identities WHERE person = %s", lena)
    assert LENA.encode() not in bytes(kept[0])
    for file in (officer_folder(zone, n) for n in OFFICERS):
        assert not list(file.glob("once-*")), "one-time keys are gone"


def test_a_killed_keyvault_or_intake_loses_no_sealed_number(zone: Zone, road: Road, sender: Sender) -> None:
    fresh = sender.fresh()
    road.put(fresh.sealed(1, a_delivery("K1", bsn=MAX)), sender=PROVIDER)
    for victim in ("intake", "keyvault"):
        zone.supervisor.kill9(victim)
        zone.supervisor.tend()
        zone.supervisor.wait_ready([victim])
    (heard,) = road.heard(fresh, count=1)
    assert heard["accepted"] == 1
    absent = (
        "SELECT count(*) FROM elements e WHERE NOT EXISTS (SELECT 1 FROM identities_kept k WHERE k.person = e.person)"
    )
    assert rows(zone, "intake", absent) == [(0,)]
    kept = {bytes(p) for (p,) in rows(zone, "keyvault", "SELECT person FROM sealed_identities")}
    assert {bytes(p) for (p,) in rows(zone, "intake", "SELECT person FROM elements")} <= kept


def test_the_key_is_handed_on_typed_and_the_old_shares_go(zone: Zone, road: Road, sender: Sender) -> None:
    data, fresh = str(zone.folder.path), sender.fresh()
    noor = person_of(zone, road, fresh, 1, NOOR)
    sealed = rows(zone, "keyvault", "SELECT person, wrapped FROM sealed_identities ORDER BY 1")
    typed("operator", "officers", "admit", "gus", "--data", data)
    until = time.monotonic() + 20
    while CliRunner().invoke(app, ["operator", "officers", "begin", "--of", "fay,gus,dora", "--data", data]).exit_code:
        assert time.monotonic() < until, "the keyvault does not hear of the new officer"
        time.sleep(0.2)
    for _ in range(3):
        for name in ("dora", "fay", "gus"):
            typed("officer", "step", "--as", name, "--data", data)
    listed = typed("operator", "officers", "list", "--data", data)
    assert "epoch 2" in listed
    assert "officer-eli: share NOT destroyed yet" in listed
    assert "old share of officer-eli" in typed("operator", "keys", "list", "--data", data)
    assert "signed that it is gone" in " ".join(typed("officer", "step", "--as", "eli", "--data", data).split())
    for name in ("dora", "fay"):
        typed("officer", "step", "--as", name, "--data", data)
    assert "NOT destroyed" not in typed("operator", "officers", "list", "--data", data)
    typed("operator", "officers", "leave", "eli", "--yes", "--data", data)
    assert rows(zone, "keyvault", "SELECT person, wrapped FROM sealed_identities ORDER BY 1") == sealed, (
        "no record is touched"
    )
    assert named(zone, noor, first="gus", second="fay") == NOOR
    until = time.monotonic() + 20
    while "Only" not in (said := refusal("officer", "ask", "--as", "eli", "--person", noor.hex(), "--reason", "danger", "--ground", "avg-6",
                                         "--case", "Z", "--data", data)) and "signature" not in said and "Two different" not in said:  # fmt: skip
        assert time.monotonic() < until
    assert committee_here(zone, ("dora", "fay", "gus")).epoch == 2


def test_who_was_erased_is_not_named(zone: Zone, road: Road, sender: Sender) -> None:
    fresh = sender.fresh()
    before = persons(zone)
    known = {bytes(p): 1 for (p,) in rows(zone, "keyvault", "SELECT person FROM sealed_identities")}
    road.put(fresh.sealed(1, a_delivery("N1", bsn=LENA)), sender=PROVIDER)
    road.heard(fresh, count=1)
    assert persons(zone) == before
    decided(zone, asked(zone, LENA), "--grant")
    (gone,) = known.keys() - {bytes(p) for (p,) in rows(zone, "keyvault", "SELECT person FROM sealed_identities")}
    assert rows(zone, "intake", "SELECT 1 FROM identities_kept WHERE person = %s", gone) == []
    said = refusal("officer", "ask", "--as", "dora", "--person", gone.hex(), "--reason", "danger", "--ground", "avg-6", "--case", "Z",
                   "--data", str(zone.folder.path))  # fmt: skip
    assert "Nothing can be opened here" in said


def test_a_copy_of_the_keyvault_from_before_the_handing_on_is_refused(zone: Zone, tmp_path: Path) -> None:
    data, file = str(zone.folder.path), str(tmp_path / "copy")
    typed("operator", "backup", "write", "keyvault", file, "--data", data)
    typed("operator", "officers", "begin", "--of", "dora,fay", "--data", data)
    for _ in range(4):
        for name in ("dora", "fay", "gus"):
            typed("officer", "step", "--as", name, "--data", data)
    zone.supervisor.stop(["keyvault"])
    try:
        said = refusal("operator", "backup", "restore", "keyvault", file, "--yes", "--data", data)
    finally:
        zone.start_role("keyvault")
        zone.supervisor.wait_ready(["keyvault"])
    assert "before a turn of keys" in said
    with psycopg.connect(zone.postgres.create_role_database("keyvault")) as c:
        assert c.execute("SELECT max(epoch) FROM officer_committees").fetchone() == (3,)
