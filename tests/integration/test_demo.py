"""The whole road, on real Kafka and PostgreSQL: what two towns published is in the books, to the cent, and readers see their part."""

from __future__ import annotations

import datetime as dt
import json
import time
import urllib.request
from pathlib import Path

import psycopg
import pytest

from deploy.demo import Demo
from deploy.key_register import KeyRegister
from producers.municipal_mandates import pack_mandate_withdrawal
from producers.profile import Profile
from producers.publisher import Publisher
from producers.town.oracle import compare
from projections.subscribers import HouseholdSubscriber, ReleaseSubscriber
from schemas import topics
from schemas.errors import Refused
from schemas.geography import parent_code
from schemas.values import MandateHandle
from streams.config import RoleConfig
from streams.rebuild import dump, rebuild


def test_every_cell_and_household_is_what_the_town_says(demo: Demo, tmp_path: Path) -> None:
    dump(RoleConfig.load(demo.zone.role_config("projector")), tmp_path)
    assert compare(tmp_path, demo.town) == []


def test_what_was_published_was_applied_refused_or_known_before(demo: Demo) -> None:
    assert demo.counted.counts["published"] > 1000
    assert demo.counted.counts["published"] == demo.counted.counts["applied"] + demo.counted.counts["duplicates"] + sum(
        demo.counted.refused.values()
    )
    assert {"8017", "8021", "9389", "9390"} <= set(demo.counted.refused)
    assert {"bsn", "9346"} <= set(demo.counted.refused_at_provider)


def test_the_metrics_of_each_worker_counted_it(demo: Demo) -> None:
    def counted(role: str, name: str) -> float:
        with urllib.request.urlopen(demo.zone.metrics_url(role)) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"zorgstroom_{name}{{"))

    assert counted("ledger", "events_out_total") >= demo.counted.counts["applied"]
    assert counted("projector", "events_out_total") >= demo.counted.counts["applied"]
    assert counted("ledger", "events_refused_total") >= sum(demo.counted.refused.values())
    for role in ("intake", "ledger", "projector"):
        assert counted(role, "envelopes_in_total") > 100
        assert counted(role, "window_events_count") > 0
        assert counted(role, "lag_seconds") < 3600
        until = time.monotonic() + 30  # a round of household records may be on its way
        while counted(role, "outbox_length"):
            assert time.monotonic() < until, f"the outbox of {role} does not empty"
            time.sleep(0.2)
        assert counted(role, "ready") == 1


def test_a_rebuild_from_the_ledger_equals_the_live_books(demo: Demo) -> None:
    compared = rebuild(RoleConfig.load(demo.zone.role_config("projector")))
    assert compared.equal
    assert compared.records > 100


def test_a_rebuild_sees_a_single_cent_that_was_changed(demo: Demo) -> None:
    config = RoleConfig.load(demo.zone.role_config("projector"))
    with psycopg.connect(config.database_dsn, autocommit=True) as c:
        c.execute("UPDATE bookings SET cents = cents + 1 WHERE ctid = (SELECT min(ctid) FROM bookings)")
        try:
            assert not rebuild(config).equal
        finally:
            c.execute("UPDATE bookings SET cents = cents - 1 WHERE ctid = (SELECT max(ctid) FROM bookings)")
    assert rebuild(config).equal


def released(demo: Demo, level: str) -> ReleaseSubscriber:
    municipality = demo.zone.folder.settings()["municipalities"][0]
    name = f"gm{municipality:04d}"
    files = demo.zone.reader_certificate(name)
    topic = topics.macro_topic(municipality) if level == "macro" else topics.meso_topic(municipality)
    reader = ReleaseSubscriber(
        demo.zone.kafka.client(files), f"{name}.test", topic, KeyRegister.of(demo.zone.folder).proves("release")
    )
    deadline = time.monotonic() + 20
    while len(reader.epochs) < demo.wish.months and time.monotonic() < deadline:
        reader.poll(0.2)
    reader.close()
    return reader


def test_the_municipality_reads_signed_epochs_of_its_own_areas(demo: Demo) -> None:
    macro, meso = released(demo, "macro"), released(demo, "meso")
    assert (macro.refused, meso.refused) == (0, 0)
    assert len(macro.epochs) == demo.wish.months
    newest = macro.latest()
    assert newest is not None
    assert newest["protection"] == "full"
    placed = {c["group"]: c for c in newest["cells"] if c["area_level"] == "placed" and c["service_year"] == 2025}
    assert placed["total"]["decision"] == "released"
    assert placed["total"]["euros"] % 1000 == 0
    assert not [c for c in newest["cells"] if "ggz" in c["group"]]
    assert {c["area_level"] for c in newest["cells"]} == {"gemeente", "placed", "wijk", "buurt"}
    assert all(c["households"] is None and c["group"] == "total" for c in meso.latest()["cells"])
    assert macro.geography is not None
    codes = {a["code"] for a in macro.geography["areas"]}
    assert all(parent_code(code) in codes or code.startswith("GM") for code in codes)
    assert all(c["months_closed"] == c["months_asked"] > 0 for c in newest["completeness"] if c["months_asked"])


def test_a_released_total_is_the_towns_own_to_the_rounding(demo: Demo) -> None:
    newest = released(demo, "macro").latest()
    assert newest is not None
    gm = f"GM{newest['municipality']:04d}"
    cents = 0
    for line in (demo.town / "history.csv").read_text().splitlines()[1:]:
        fields = line.split(",")
        if fields[3] == gm and fields[4] != gm and fields[8] == "2025":
            cents += int(fields[10])
    cell = next(
        c for c in newest["cells"] if c["area"] == f"{gm}P" and c["group"] == "total" and c["service_year"] == 2025
    )
    assert abs(cell["euros"] - cents / 100) <= 500


def caseworker(demo: Demo) -> tuple[HouseholdSubscriber, str]:
    name, gm = demo.zone.folder.members().readers[0]
    files = demo.zone.reader_certificate(name)
    handle = json.loads(demo.mandate_file(name).read_text())["handle"]
    reader = HouseholdSubscriber(
        demo.zone.kafka.client(files), f"{name}.test", int(gm[2:]), bytes.fromhex(handle), demo.zone.vault(name, files)
    )
    return reader, gm


def private(service: list[str], born: dict[str, str]) -> bool:
    """Whether a line of truth.csv is nobody's business but the person's: by the rule's own words, not by its code."""
    care, year_month = service[8], [int(n) for n in service[9].split("-")[:2]]
    year, month = (int(n) for n in born[service[0]].split("-"))
    older = (year_month[0] - year) * 12 + year_month[1] - month >= 12 * 12
    return care in ("jw-51", "jw-52", "jw-54", "zvw-ggz", "wlz-ggz", "wmo-15", "wmo-16", "wmo-17", "wmo-18") or (
        care.startswith("jw-") and older
    )


def test_a_caseworker_sees_the_household_of_the_mandate_to_the_cent(demo: Demo) -> None:
    reader, gm = caseworker(demo)
    example = json.loads((demo.town / "town.json").read_text())["examples"]
    chosen = next(e for key, e in (example.items() if isinstance(example, dict) else ()) if key.lower() == gm)
    expected: dict[str, int] = {}
    for line in (demo.town / "truth.csv").read_text().splitlines()[1:]:
        fields = line.split(",")
        if fields[1] == chosen["household"] and not private(fields, chosen["born"]):
            expected[fields[8]] = expected.get(fields[8], 0) + int(fields[12])
    deadline = time.monotonic() + 30
    found: dict[str, int] = {}
    while found != expected and time.monotonic() < deadline:
        reader.poll(0.5)
        card = reader.look()
        if card is not None:
            found = {}
            for line in card.lines:
                if line["cents"]:
                    found[line["care_type"]] = found.get(line["care_type"], 0) + line["cents"]
    reader.close()
    assert found == expected


def test_a_second_look_is_a_second_line_in_the_access_log(demo: Demo) -> None:
    def looks() -> int:
        with psycopg.connect(demo.zone.postgres.create_role_database("keyvault")) as c:
            row = c.execute("SELECT count(*) FROM access_log").fetchone()
        return int(row[0]) if row else 0

    reader, _ = caseworker(demo)
    deadline = time.monotonic() + 20
    while reader.look() is None and time.monotonic() < deadline:
        reader.poll(0.5)
    before = looks()
    reader.look()
    reader.close()
    assert looks() == before + 1


def test_a_mandate_withdrawn_at_the_vault_closes_at_once_and_leaves_the_topic_by_the_road(demo: Demo) -> None:
    reader, gm = caseworker(demo)
    deadline = time.monotonic() + 20
    while reader.look() is None and time.monotonic() < deadline:
        reader.poll(0.5)
    files = demo.zone.reader_certificate(gm)
    demo.zone.vault(gm, files).withdraw(reader.handle)
    with pytest.raises(Refused):
        reader.look()
    publisher = demo.publisher(gm)
    publisher.publish_packed(pack_mandate_withdrawal(MandateHandle(reader.handle)), file="mandate")
    assert publisher.wait(seconds=30)
    deadline = time.monotonic() + 20
    while not reader.withdrawn and time.monotonic() < deadline:
        reader.poll(0.5)
    reader.close()
    assert reader.withdrawn


def test_a_provider_that_sends_the_same_file_again_changes_nothing(demo: Demo) -> None:
    from producers.checks import ProviderContext, check

    sender = min(p.name for p in (demo.town / "providers").iterdir())
    folder = min((demo.town / "providers" / sender).iterdir())
    path = next(p for p in sorted(folder.iterdir()) if "323" in p.name and "fout" not in p.name)
    publisher = demo.publisher(sender)
    profile: Profile = publisher.profile
    context = ProviderContext(sender[1:], frozenset(profile.municipalities), dt.datetime.now(dt.UTC).date())
    reading = check(path, context)
    assert reading.items
    before = len(publisher.receipts())
    publisher.publish_items(reading.items, file=path.name, lines=reading.lines)
    assert publisher.wait(seconds=30)
    receipt = publisher.receipts()[before:][-1]
    assert receipt.duplicates == len(reading.items)
    assert receipt.accepted == 0


def test_a_second_program_on_the_same_outbox_is_told_in_one_sentence(demo: Demo) -> None:
    from schemas.errors import SettingsWrong

    sender = min(p.name for p in (demo.town / "providers").iterdir())
    demo.publisher(sender)
    with pytest.raises(SettingsWrong, match="in use"):
        Publisher(Profile.load(demo.sender_folder(sender)))
