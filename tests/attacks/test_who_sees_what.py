"""After a town went through: its BSNs are in no file of Kafka, PostgreSQL, outboxes, logs or metrics, in no usual encoding."""

from __future__ import annotations

import base64
import re
import urllib.request
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from provider_profiles import encodings
from python_calamine import CalamineWorkbook

from deploy.cluster import expected_rights
from deploy.demo import Demo
from deploy.zone import WORKERS
from keyvault.client import PublicKey, VaultClient
from schemas import codec
from schemas.errors import ZorgstroomError
from tests.attacks.topic_bytes import certificate, client


def published_bsns(demo: Demo) -> set[str]:
    found: set[str] = set()
    for path in demo.town.rglob("*"):
        if path.suffix in (".xml", ".csv"):
            found |= set(re.findall(r"\b9999\d{5}\b", path.read_text("utf-8", "ignore")))
        if path.suffix == ".xlsx":
            rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
            found |= {
                digits
                for row in rows
                for cell in row
                if re.fullmatch(r"9999\d{5}", digits := str(cell).removesuffix(".0"))
            }
    return found


def surnames(demo: Demo) -> set[str]:
    """Of clients, as messages of the municipality to providers name them."""
    found: set[str] = set()
    for path in demo.town.rglob("*.xml"):
        found |= set(re.findall(r"Achternaam>(\w{4,})<", path.read_text("utf-8", "ignore")))
    return found


def test_no_byte_of_the_zone_holds_a_bsn_or_a_name(demo: Demo) -> None:
    bsns = sorted(published_bsns(demo))
    assert len(bsns) > 200
    people = surnames(demo)
    assert people
    needles = {e: b for b in bsns for e in encodings(b) if len(e) >= 8}
    for name in people:
        needles |= {name.encode(): name, name.encode("utf-16-le"): name}
    pattern = re.compile(b"|".join(re.escape(n) for n in needles))
    root = demo.zone.folder.path
    postgres = getattr(demo.zone.postgres, "folder", root / "postgres")
    searched, hits = 0, []
    for place in (root, postgres):
        for path in place.rglob("*"):
            if path.is_file() and demo.town not in path.parents:
                data = path.read_bytes()
                searched += len(data)
                hits += [f"{path.name}: {len(m)} bytes" for m in pattern.findall(data)[:3]]
    for role in WORKERS:
        with urllib.request.urlopen(demo.zone.metrics_url(role)) as answer:
            hits += [f"metrics of {role}" for _ in pattern.findall(answer.read())]
    assert searched > 1_000_000
    assert hits == []


def test_the_search_would_find_one(demo: Demo, tmp_path: Path) -> None:
    one = min(published_bsns(demo))
    for index, needle in enumerate(encodings(one)):
        (tmp_path / str(index)).write_bytes(b"xx" + needle + b"yy")
        assert needle in (tmp_path / str(index)).read_bytes()
    for offset in range(3):
        hidden = base64.b64encode(b"a" * offset + one.encode() + b"zzz")
        assert any(e in hidden for e in encodings(one))


def test_the_rights_on_the_broker_are_those_of_the_table(demo: Demo) -> None:
    from deploy.cluster import Cluster

    assert Cluster(demo.zone.kafka.admin()).rights() == expected_rights(demo.zone.folder.members())


def test_no_role_enters_the_database_of_another(demo: Demo) -> None:
    roles = ("intake", "ledger", "projector", "release", "keyvault")
    for role in roles:
        dsn = demo.zone.postgres.create_role_database(role)
        for other in roles:
            target = dsn.rsplit("/", 1)[0] + f"/{other}"
            if other == role or (role, other) == ("release", "projector"):
                psycopg.connect(target).close()
                continue
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(target)


def test_release_sees_its_views_and_no_person(demo: Demo) -> None:
    dsn = demo.zone.postgres.create_role_database("release").rsplit("/", 1)[0] + "/projector"
    with psycopg.connect(dsn, autocommit=True) as c:
        columns = [d.name for d in c.execute("SELECT * FROM release_contributions LIMIT 1").description or ()]
        assert "person" not in columns
        for table in ("bookings", "placements", "mandates", "hop_outbox"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                c.execute(f"SELECT * FROM {table}")


@pytest.mark.parametrize("name", ["ledger", "projector", "release", "gm9901", "p98000002"])
def test_nobody_but_intake_gets_a_pseudonym(demo: Demo, name: str) -> None:
    files = certificate(demo, name)
    vault = VaultClient(demo.zone.vault_url, cert=files.cert, key=files.key, ca=files.ca)
    with pytest.raises(ZorgstroomError):
        vault.elements([b"999900006"], PublicKey("voprf-1", bytes(32)))
    vault.close()


def test_one_municipality_reads_no_byte_of_another(demo: Demo) -> None:
    one, two = demo.zone.folder.members().municipalities[:2]
    reader = Consumer(client(demo, one) | {"group.id": f"{one}.peek", "enable.partition.eof": True})
    for topic in (f"macro.{two}.v1", f"meso.{two}.v1", f"household.{two}.v1", f"receipts.{two}.v1"):
        with pytest.raises(KafkaException):
            reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=5)
    low, _ = reader.get_watermark_offsets(TopicPartition(f"macro.{one}.v1", 0), timeout=5)
    reader.assign([TopicPartition(f"macro.{one}.v1", 0, low)])
    record = reader.poll(10)
    assert record is not None
    assert record.error() is None
    reader.close()


def test_dead_letters_and_receipts_repeat_no_content(demo: Demo) -> None:
    names = {f["name"] for f in codec.raw_schema("dead_letter")["fields"]}
    assert names == {"topic", "partition", "offset", "role", "reason", "sha256"}
    receipt = {f["name"] for f in codec.raw_schema("receipt")["fields"]}
    assert receipt == {
        "sender",
        "outbox",
        "number",
        "kind",
        "code",
        "accepted",
        "duplicates",
        "refused",
        "log_sequence",
        "log_hash",
    }
