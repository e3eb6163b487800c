"""A person is erased: asked, decided by two, gone from the ledger's reach, the books, the keyvault; and what stays is what the totals need."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import time
from pathlib import Path

import psycopg
import pytest
from erasing import GM, GRANTORS, a_mandate, asked, cells, decided, next_of, persons, rebuilt, refused, rows, wait_for
from runs import told, typed
from typer.testing import CliRunner

from deploy.admission import admit_reader, grantor_folder
from deploy.cli import app
from deploy.database_backup import Header
from deploy.order_commands import order_first_load
from deploy.zone import Zone
from producers.deliveries import Withdrawal
from producers.municipal_mandates import Grantor
from producers.packing import Packed, Subjects, content_of, identity_of
from producers.profile import Profile
from producers.publisher import Publisher
from schemas import codec
from schemas.erasure import Decision, with_signature
from schemas.errors import Refused
from schemas.secrets import Bsn, passes_eleven_test
from schemas.values import day_number
from streams.config import RoleConfig
from streams.hop_store import prepared
from streams.projector_store import DDL as PROJECTOR_DDL
from streams.projector_store import grant_release
from streams.rebuild import rebuild
from tests.integration.road_by_hand import TODAY, Road, Sender, a_delivery, admitted

PROVIDER = "p98444441"
pytestmark = pytest.mark.usefixtures("municipality")
SETTLED = "SELECT DISTINCT person, household, contributor FROM bookings WHERE person = household"
ANNE, BRAM, NOBODY_KNOWN, CORA, DIRK = "999900031", "999900043", "999900055", "999900067", "999900079"


def test_a_person_is_erased_and_the_totals_stay(zone: Zone, road: Road, tmp_path: Path) -> None:
    data, sender = str(zone.folder.path), Sender(admitted(road.demo, PROVIDER))
    years = [dt.date(2024, 11, 1), dt.date(2025, 3, 1)]
    of_anne = [a_delivery(f"E{n}", bsn=ANNE, cents=10_000 + n, first=day) for n, day in enumerate(years)]
    booked = int(rows(zone, "projector", "SELECT coalesce(sum(count), 0) FROM bookings WHERE kind = 0")[0][0])
    assert told(road, sender, sender.sealed(1, a_delivery("E8", bsn=BRAM))) == ("0200", 1)
    wait_for(zone, booked + 1)
    before = persons(zone)
    assert told(road, sender, sender.sealed(2, *of_anne)) == ("0200", 2)
    wait_for(zone, booked + 3)
    (anne,) = persons(zone) - before
    settled_before = set(rows(zone, "projector", SETTLED))
    totals = cells(zone)
    request = asked(zone, ANNE)
    assert "open already" in refused("municipality", "erase", "ask", "GM9901", "--data", data, bsn=ANNE)
    assert "Nothing is known" in refused("municipality", "erase", "ask", "GM9901", "--data", data, bsn=NOBODY_KNOWN)
    dry = typed(
        "municipality",
        "erase",
        "decide",
        "GM9901",
        request,
        "--as",
        GRANTORS[0],
        "--grant",
        "--dry-run",
        "--data",
        data,
    )
    assert "would sign" in dry
    said = decided(zone, request, "--grant")
    assert "Last day on which a backup" in said
    assert cells(zone) == totals, "published totals stay what they were"
    assert anne not in persons(zone)
    assert rows(zone, "keyvault", "SELECT 1 FROM person_keys WHERE person = %s", anne) == []
    for role, table in (("intake", "elements"), ("intake", "dated_addresses"), ("intake", "placements"), ("projector", "placements"),
                        ("projector", "bookings"), ("ledger", "known_references"), ("ledger", "standing_grants")):  # fmt: skip
        assert rows(zone, role, f"SELECT 1 FROM {table} WHERE person = %s", anne) == [], table
    settled = set(rows(zone, "projector", SETTLED)) - settled_before
    assert len(settled) == 2, "one number per service year, linked to nothing"
    assert all(a == b == c for a, b, c in settled)
    assert rebuilt(zone)

    withdrawal = Withdrawal(of_anne[0].bsn, 9901, of_anne[0].care_type, of_anne[0].first_day, of_anne[0].last_day, of_anne[0].cents,
                            reference="E0-C", withdrawn_reference="E0")  # fmt: skip
    road.put(sender.sealed(3, withdrawal, *of_anne), sender=PROVIDER)
    (receipt,) = road.heard(sender, count=1)
    assert [r["code"] for r in receipt["refused"]] == ["gone"] * 3, (
        "late credits and the same once more: one neutral code"
    )
    assert told(road, sender, sender.sealed(4, a_delivery("E9", bsn=ANNE))) == ("0200", 1)
    wait_for(zone, booked + 4)
    (again,) = persons(zone) - before - {bytes(p) for p, _, _ in settled}
    assert again != anne, "new care starts a new person"
    assert rebuilt(zone)

    root, receipt_file = tmp_path / "root.json", zone.folder.path / "senders" / GM / "erasures" / f"{request}.receipt"
    typed("operator", "keys", "public-root", "--out", str(root), "--data", data)
    assert "Handtekening klopt" in typed("receipt", str(receipt_file), "--root", str(root)).replace(
        "De handtekening", "Handtekening"
    )
    forged = tmp_path / "forged"
    forged.write_bytes(receipt_file.read_bytes()[:-9] + b"\x00" * 9)
    assert CliRunner().invoke(app, ["receipt", str(forged), "--root", str(root)]).exit_code == 1
    assert request[:8] in typed("municipality", "erase", "list", "GM9901", "--data", data)
    assert "whole and in order" in typed("operator", "log", "verify", "--data", data)
    lines = rows(
        zone,
        "keyvault",
        "SELECT who, result FROM access_log WHERE action = 'erase' AND handle = %s",
        bytes.fromhex(request),
    )
    assert lines == [("projector", "given")]


def test_a_mandate_for_someone_who_is_erased_ends_and_opens_nothing_not_even_what_was_kept(
    zone: Zone, road: Road
) -> None:
    data, sender = str(zone.folder.path), Sender(admitted(road.demo, PROVIDER))
    assert told(road, sender, sender.sealed(1, a_delivery("M1", bsn=CORA))) == ("0200", 1)
    handle, topic, vault = a_mandate(zone, "caseworker-gm9901-kees", CORA)
    kept = next_of(topic, handle)
    assert kept is not None
    assert any(vault.look(codec.decode("household_record", kept)))
    decided(zone, asked(zone, CORA), "--grant")
    with pytest.raises(Refused) as refused:
        vault.look(codec.decode("household_record", kept))
    assert refused.value.code == "withdrawn"
    while next_of(topic, handle) is not None:
        pass  # records of the rounds before
    late = CliRunner().invoke(
        app, ["municipality", "mandate", "withdraw", "GM9901", handle.hex(), "--yes", "--data", data]
    )
    assert late.exit_code == 0, late.output
    topic.close()
    vault.close()


def test_a_mandate_for_somebody_nobody_knows_is_refused_and_makes_no_person(zone: Zone) -> None:
    count = "SELECT count(*) FROM elements"
    before, keys = rows(zone, "intake", count), rows(zone, "keyvault", "SELECT count(*) FROM person_keys")
    admit_reader(zone, "caseworker-gm9901-kees", gm=GM)
    give = ("municipality", "mandate", "give", "GM9901", "caseworker-gm9901-kees", "--grantor", GRANTORS[0])
    said = refused(*give, "--data", str(zone.folder.path), bsn=NOBODY_KNOWN)
    assert "Nothing is known of this person" in " ".join(said.split())
    assert NOBODY_KNOWN not in said
    assert rows(zone, "intake", count) == before
    assert rows(zone, "keyvault", "SELECT count(*) FROM person_keys") == keys


def test_a_hundred_erasures_under_kills_leave_the_books_what_the_ledger_says(zone: Zone, road: Road) -> None:
    sender, profile = Sender(admitted(road.demo, PROVIDER)), Profile.load(zone.folder.path / "senders" / GM)
    bsns = list(
        itertools.islice((b for n in range(999_950_000, 999_960_000) if passes_eleven_test(b := f"{n:09d}")), 120)
    )
    booked = int(rows(zone, "projector", "SELECT sum(count) FROM bookings WHERE kind = 0")[0][0])
    before = persons(zone)
    items = [a_delivery(f"H{b}{m}", bsn=b, cents=100 + m, first=dt.date(2025, m, 1)) for b in bsns for m in (1, 2, 3)]
    assert told(road, sender, sender.sealed(1, *items)) == ("0200", 360)
    wait_for(zone, booked + 360)
    known, totals = persons(zone) - before, cells(zone)
    gone = bsns[:100]
    requests = {b: os.urandom(16) for b in gone}
    subjects = Subjects(profile.handle_key())
    asked_for = [{"subject": subjects.index(Bsn(b)), "request": r} for b, r in requests.items()]
    today = day_number(TODAY)
    signed = []
    for request in requests.values():
        decision: bytes | Decision = Decision(request, 9901, True, "avg-17", "", today, today)
        for name in GRANTORS:
            grantor = Grantor(name, grantor_folder(zone, name))
            decision = with_signature(decision, name, grantor.key_id, grantor.key())
        signed.append(decision)
    with Publisher(profile) as publisher:
        publisher.publish_packed(
            Packed(identity_of(subjects=subjects.rows, erasures_asked=asked_for), content_of(), 100), file="asked"
        )
        assert publisher.wait(seconds=60)
        assert publisher.receipts()[-1].accepted == 100
        for start in range(0, 100, 10):
            part = signed[start : start + 10]
            publisher.publish_packed(Packed(identity_of(erasures_decided=part), content_of(), 10), file="decided")
        for victim in ("intake", "ledger", "projector", "keyvault", "projector", "ledger"):
            time.sleep(0.25)
            zone.supervisor.kill9(victim)
            zone.supervisor.tend()
            zone.supervisor.wait_ready([victim])
        assert publisher.wait(seconds=120)
        assert [r.code for r in publisher.receipts()[-10:]] == ["0200"] * 10
    until = time.monotonic() + 90
    while rows(
        zone, "keyvault", "SELECT count(*) FROM erased_persons WHERE request = ANY(%s)", list(requests.values())
    ) != [(100,)]:
        assert time.monotonic() < until, "not all keys are destroyed"
        time.sleep(0.2)
    assert len(persons(zone) & known) == 20
    assert cells(zone) == totals
    assert len(rows(zone, "intake", "SELECT 1 FROM elements WHERE person = ANY(%s)", list(known))) == 20
    assert rebuilt(zone)
    zone.supervisor.kill9("projector")  # what was settled is read once more by nobody
    zone.supervisor.tend()
    zone.supervisor.wait_ready(["projector"])
    assert cells(zone) == totals


def test_a_backup_older_than_receipts_promise_is_refused(zone: Zone, tmp_path: Path) -> None:
    data = str(zone.folder.path)
    typed("operator", "backup", "write", "intake", str(tmp_path / "old"), "--data", data)
    content = (tmp_path / "old").read_bytes()
    made = Header.read(tmp_path / "old").made_at
    (tmp_path / "old").write_bytes(content.replace(made.encode(), b"2020" + made.encode()[4:]))
    assert "no copy older than 97 days" in " ".join(
        refused("operator", "backup", "restore", "intake", str(tmp_path / "old"), "--yes", "--data", data).split()
    )


def test_copies_from_before_bring_nobody_back_and_lost_books_are_made_anew(
    zone: Zone, road: Road, tmp_path: Path
) -> None:
    """Keyvault and intake from their copies, ledger and projector from the ledger's topic, all of them at once."""
    data, sender = str(zone.folder.path), Sender(admitted(road.demo, PROVIDER))
    before = persons(zone)
    booked = int(rows(zone, "projector", "SELECT sum(count) FROM bookings WHERE kind = 0")[0][0])
    assert told(road, sender, sender.sealed(1, a_delivery("C1", bsn=DIRK))) == ("0200", 1)
    wait_for(zone, booked + 1)
    (dirk,) = persons(zone) - before
    for role in ("keyvault", "intake"):
        typed("operator", "backup", "write", role, str(tmp_path / role), "--data", data)
    request = asked(zone, DIRK)
    decided(zone, request, "--grant")
    receipt = zone.folder.path / "senders" / GM / "erasures" / f"{request}.receipt"
    first = receipt.read_bytes()
    totals, config = cells(zone), RoleConfig.load(zone.role_config("projector"))
    marks = rows(zone, "ledger", "SELECT mark FROM gone_references ORDER BY 1")
    gone = rows(zone, "ledger", "SELECT person FROM erased_persons ORDER BY 1")
    assert len(gone) > 100
    zone.supervisor.stop(["keyvault", "intake", "ledger", "projector"])
    for role in ("keyvault", "intake"):
        said = typed("operator", "backup", "restore", role, str(tmp_path / role), "--yes", "--data", data)
        assert "1 keys of persons erased since" in said or "persons who were erased nothing came back" in said
    for role in ("ledger", "projector"):
        with psycopg.connect(zone.postgres.admin_dsn, autocommit=True) as c:  # type: ignore[attr-defined]
            c.execute(f"DROP DATABASE {role} WITH (FORCE)")
    zone.start_role("keyvault")
    zone.supervisor.wait_ready(["keyvault"])
    typed("operator", "replay", "--data", data)
    dsn = zone.postgres.create_role_database("projector")
    with prepared(dsn, PROJECTOR_DDL):
        grant_release(dsn, "release")
    for role in ("intake", "ledger", "projector"):
        zone.start_role(role)
    zone.supervisor.wait_ready(["intake", "ledger", "projector"])
    order_first_load(zone, 100_000, why="after the restore")
    until = time.monotonic() + 60
    while rows(zone, "ledger", "SELECT mark FROM gone_references ORDER BY 1") != marks or cells(zone) != totals:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert rows(zone, "ledger", "SELECT person FROM erased_persons ORDER BY 1") == gone
    assert rows(zone, "keyvault", "SELECT 1 FROM person_keys WHERE person = %s", dirk) == []
    assert rows(zone, "intake", "SELECT 1 FROM elements WHERE person = %s", dirk) == []
    receipt.unlink()
    typed("municipality", "erase", "receipt", "GM9901", request[:8], "--data", data)
    assert receipt.read_bytes() == first, "the same receipt again"
    road.put(sender.sealed(2, a_delivery("E1", bsn=ANNE), a_delivery("C2", bsn=DIRK)), sender=PROVIDER)
    (heard,) = road.heard(sender, count=1)
    assert ([r["code"] for r in heard["refused"]], heard["accepted"]) == (["gone"], 1)
    wait_for(zone, booked + 2)
    assert dirk not in persons(zone)
    decided(zone, asked(zone, DIRK), "--grant")
    assert rebuild(config).equal
