"""A file whose retention period has passed goes by itself once its preview has stood; who got care in between stays. Under kills."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from erasing import cells, persons, rebuilt, rows, wait_for
from runs import told, typed
from typer.testing import CliRunner

from deploy.admission import admit_grantor, admit_here
from deploy.bench_load import bench_zone
from deploy.cli import app
from deploy.retention_watch import RetentionWatch
from deploy.zone import Zone
from producers.profile import Profile
from producers.retention_heard import Told, heard
from schemas.directory import role_key_id
from schemas.retention import request_of
from schemas.retention_rules import RetentionRules
from schemas.sealing import box_public_key
from schemas.secrets import BoxKey, SigningKey
from schemas.values import day_number
from streams.config import RoleConfig
from streams.hop_store import PostgresHopStore
from streams.metrics import WorkerMetrics
from streams.outbox import OutboxSender
from streams.retention_notices import RetentionNotices
from tests.integration.road_by_hand import TODAY, Road, Sender, a_delivery, admitted

PROVIDER, GM = "p98444442", "gm9901"
GRANTORS = ("grantor-gm9901-gerda", "grantor-gm9901-henk")
ANNE, BRAM, CORA = "999900080", "999900092", "999900109"
LONG_AGO = dt.date(TODAY.year - 4, 3, 1)
SETTINGS = {"retention_years": {"wmo": 3}, "retention_preview_days": 1}


@pytest.fixture(scope="module")
def zone() -> Iterator[Zone]:
    """One of its own: whose keys have not turned, and in which nobody is known yet."""
    with bench_zone() as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def profile(zone: Zone) -> Iterator[Profile]:
    """The municipality as a sender on this machine, with two who sign; three years for Wmo, and a preview of a day."""
    folder = admit_here(zone, GM, name="Proefgemeente", municipalities=[9901])
    for name in GRANTORS:
        admit_grantor(zone, name)
    before = zone.folder.settings()
    with_settings(zone, before | SETTINGS)
    yield Profile.load(folder)
    zone.folder.save_settings(before)


def with_settings(zone: Zone, settings: dict) -> None:
    zone.folder.save_settings(settings)
    zone.supervisor.stop(["projector"])
    zone.start_role("projector")
    zone.supervisor.wait_ready(["projector"])


def notices_of(profile: Profile, count: int) -> Told:
    until = time.monotonic() + 60
    while len((found := heard(profile)).notices) != count:
        assert time.monotonic() < until, f"{len(found.notices)} notices instead of {count}"
        time.sleep(0.5)
    return found


def look_again(zone: Zone, day: dt.date) -> None:
    """The projector's round of another day, with its database, keys and certificate."""
    config = RoleConfig.load(zone.role_config("projector"))
    store, sender = (
        PostgresHopStore(config.database_dsn, "projector"),
        OutboxSender(config.kafka.client(), WorkerMetrics("projector")),
    )
    public = box_public_key(BoxKey(zone.folder.secret_file("intake", "identity").read_bytes()))
    notices = RetentionNotices(
        store, RetentionRules.of(SETTINGS), frozenset({9901}), lambda: (role_key_id("intake", public), public),
        lambda: SigningKey(config.secret("signing")), lambda: day,
    )  # fmt: skip
    with store.transaction() as tx:
        tx.execute(
            "UPDATE retention_rounds SET day = 0 WHERE day = %s", (day_number(TODAY),)
        )  # today's round may be over
    for _ in range(4):
        notices.tick(sender)
        until = time.monotonic() + 20
        while not sender.idle():
            assert time.monotonic() < until
            time.sleep(0.05)
        with store.transaction() as tx:
            store.delete(tx, done := sender.acknowledged())
        sender.forget(done)
    sender.stop()
    store.close()


def test_a_due_person_goes_by_itself_and_one_who_got_care_in_between_stays(
    zone: Zone, road: Road, profile: Profile
) -> None:
    data, sender = str(zone.folder.path), Sender(admitted(road.demo, PROVIDER))
    booked = int(rows(zone, "projector", "SELECT coalesce(sum(count), 0) FROM bookings WHERE kind = 0")[0][0])
    known: dict[str, bytes] = {}
    for number, bsn in enumerate((ANNE, BRAM, CORA), 1):
        before = persons(zone)
        first = LONG_AGO if bsn != CORA else dt.date(TODAY.year - 1, 3, 1)
        assert told(
            road, sender, sender.sealed(number, a_delivery(f"R{number}", bsn=bsn, cents=500 + number, first=first))
        ) == ("0200", 1)
        wait_for(zone, booked + number)
        (known[bsn],) = persons(zone) - before
    look_again(zone, TODAY)
    found = notices_of(profile, 2)
    assert set(found.notices) == {request_of(known[b]).hex() for b in (ANNE, BRAM)}, "who had care last year is not due"
    assert all(known[b] not in data for data, _ in found.notices.values() for b in known), (
        "the municipality learns of nobody"
    )

    said = typed("municipality", "retention", "preview", "GM9901", "--data", data)
    assert f"wmo                      {LONG_AGO.year}  fewer than 10" in said
    for name in GRANTORS:
        said = typed("municipality", "retention", "decide", "GM9901", "--as", name, "--yes", "--data", data)
    assert "In force" in said
    assert "0 files would go" in typed("municipality", "retention", "run", "GM9901", "--dry-run", "--data", data)
    look_again(zone, TODAY + dt.timedelta(days=1))
    assert "2 files would go" in typed("municipality", "retention", "run", "GM9901", "--dry-run", "--data", data)
    bram = request_of(known[BRAM]).hex()
    typed("municipality", "retention", "keep", "GM9901", bram[:8], "--why", "legal-claim", "--data", data)
    assert "kept (legal-claim)" in typed("municipality", "retention", "list", "GM9901", "--data", data)
    assert "1 files would go" in typed("municipality", "retention", "run", "GM9901", "--dry-run", "--data", data)
    typed("municipality", "retention", "let-go", "GM9901", bram[:8], "--data", data)
    assert told(road, sender, sender.sealed(4, a_delivery("R4", bsn=BRAM))) == ("0200", 1)
    wait_for(zone, booked + 4)
    totals = cells(zone)

    lines: list[str] = []
    watch = threading.Thread(target=RetentionWatch(zone, lines.append).look, args=(TODAY,))
    watch.start()
    for victim in ("intake", "ledger", "keyvault", "projector"):
        time.sleep(0.3)
        zone.supervisor.kill9(victim)
        zone.supervisor.tend()
        zone.supervisor.wait_ready([victim])
    watch.join(timeout=150)
    assert not watch.is_alive()
    assert [line.split(";")[0] for line in lines] == [
        "GM9901: 1 files went",
        f"GM9901: {bram[:8]} stays: The preview has not stood long enough",
    ]

    request = request_of(known[ANNE])
    until = time.monotonic() + 60
    while rows(zone, "keyvault", "SELECT 1 FROM person_keys WHERE person = %s", known[ANNE]):
        assert time.monotonic() < until, "the key is not destroyed"
        time.sleep(0.2)
    assert cells(zone) == totals, "totals stay what they were"
    assert persons(zone) & set(known.values()) == {known[BRAM], known[CORA]}
    for role, table in (("intake", "elements"), ("intake", "placements"), ("intake", "retention_due"), ("projector", "lasting_care"),
                        ("ledger", "known_references")):  # fmt: skip
        assert rows(zone, role, f"SELECT 1 FROM {table} WHERE person = %s", known[ANNE]) == [], table
    assert rows(zone, "intake", "SELECT 1 FROM elements WHERE person = %s", known[BRAM]) == [(1,)]
    assert rebuilt(zone)
    assert "the retention period has passed" in typed(
        "municipality", "erase", "receipt", "GM9901", request.hex()[:8], "--data", data
    )
    assert "retention" in typed("municipality", "erase", "list", "GM9901", "--data", data)
    assert rows(
        zone, "keyvault", "SELECT who, result FROM access_log WHERE action = 'erase' AND handle = %s", request
    ) == [("projector", "given")]
    look_again(zone, TODAY + dt.timedelta(days=2))
    assert notices_of(profile, 0).counts({}) == [], "a notice of someone who is gone, or got care, is taken back"


def test_without_a_standing_decision_nothing_goes_and_what_is_wrong_is_said_in_a_sentence(
    zone: Zone, profile: Profile
) -> None:
    data = str(zone.folder.path)
    typed("municipality", "retention", "end", "GM9901", "--yes", "--data", data)
    for words, expected in (
        (("end", "GM9901", "--yes"), "no standing decision"),
        (("keep", "GM9901", "ab", "--why", "legal-claim"), "No notice of this municipality"),
        (("let-go", "GM9901", "ab"), "Nothing is held back"),
        (("keep", "GM9901", "ab", "--why", "because"), "kept for one of"),
        (("decide", "GM9901", "--as", GRANTORS[0], "--until", "2099-01-01", "--yes"), "at most 366 days"),
        (("decide", "GM9901", "--as", GRANTORS[0], "--until", "soon", "--yes"), "YYYY-MM-DD"),
        (("decide", "GM9901", "--as", "grantor-gm9902-x", "--yes"), "is no grantor of GM9901"),
    ):
        result = CliRunner().invoke(app, ["municipality", "retention", *words, "--data", data])
        assert result.exit_code in (1, 2), words
        assert expected in " ".join(result.output.split())
        assert "Traceback" not in result.output
    assert not (Path(profile.folder) / "retention" / "standing.decision").exists()
