"""The vault as it really runs: started from a settings file, mandates and access log on a real Kafka, killed and stopped."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from three_roots import pinned, two_of

from deploy.certificates import Authority
from deploy.cluster import Cluster
from deploy.zone_folder import free_port
from keyvault.access_log import first_break
from keyvault.client import VaultClient
from schemas import codec, topics
from schemas.directory import Entry, sign_entry
from schemas.errors import Refused, Unavailable
from schemas.household_record import COMMON_SECTION, Layout, open_section, seal_record
from schemas.mandate_terms import MandateTerms
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey
from schemas.values import MandateHandle, day_number

ROOT = Path(__file__).parent.parent.parent
PROJECTOR, ROOT_KEY = SigningKey(b"\x07" * 32), SigningKey(b"\x08" * 32)
PERSON, READER = b"\xab\xcd" * 8, "caseworker-gm9901-1"
GRANTOR, GRANTOR_KEY, REVOKED = "grantor-gm9901-anne", SigningKey(b"\x0a" * 32), SigningKey(b"\x0b" * 32)
TODAY = dt.datetime.now(dt.UTC).date()
"""The day these tests were read; midnight may come before they run."""
CARD = codec.encode("household_card", {"known_on": 1, "epoch": 1, "members": 1, "subject": 1, "lines": []})
LAYOUT = Layout.fitting([], classes=("ggz", "youth"))
"""Sections a record has here; what is in none of them is not asked."""
MEMBERS = topics.Members(("p99000001",), ("gm9901", "gm9902"), ((READER, "gm9901"),))


class Process:
    """One vault of this test and the settings it is started with."""

    def __init__(self, folder: Path, dsn: str, kafka: Any, authority: Authority) -> None:
        self.folder, self.dsn, self.kafka, self.authority = folder, dsn, kafka, authority
        files = authority.issue("keyvault", folder / "keyvault")
        own = {"cert": str(files.cert), "key": str(files.key), "ca": str(files.ca)}
        wrapping = folder / "wrapping.key"
        wrapping.write_bytes(b"\x09" * 32)
        wrapping.chmod(0o600)
        self.config: dict[str, Any] = {
            "database_dsn": dsn, "kafka": {"bootstrap": kafka.bootstrap, **own}, "tls": own, "host": "127.0.0.1",
            "port": free_port(), "metrics_port": free_port(), "wrapping": [{"file": str(wrapping)}],
            "inhabitants": 50_000,
            "roots": pinned(ROOT_KEY).told(),
        }  # fmt: skip
        self.url = f"https://127.0.0.1:{self.config['port']}"
        self.log = folder / "keyvault.log"
        self.running: subprocess.Popen[bytes] | None = None

    def spawn(self, **changes: Any) -> subprocess.Popen[bytes]:
        path = self.folder / "config.json"
        path.write_text(json.dumps(self.config | changes))
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "keyvault.process", "--config", str(path)],
                cwd=self.folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        return self.running

    def start(self) -> None:
        self.spawn()
        admin = self.as_("admin")
        assert within(30, admin.ready), self.log.read_text()
        admin.close()

    def as_(self, name: str) -> VaultClient:
        files = self.authority.issue(name, self.folder / name)
        return VaultClient(self.url, cert=files.cert, key=files.key, ca=files.ca)

    def give(self, *values: bytes) -> None:
        """Publish to mandates.v1 as the projector."""
        files = self.authority.issue("projector", self.folder / "projector")
        producer = Producer({**self.kafka.client(files), "acks": "all"})
        for value in values:
            producer.produce("mandates.v1", value=value, partition=0)
        assert producer.flush(20) == 0

    def access_log(self) -> list[dict[str, Any]]:
        """All of access-log.v1 as the operator reads it."""
        files = self.authority.issue("operator", self.folder / "operator")
        consumer = Consumer(
            {
                **self.kafka.client(files),
                "group.id": "operator.test",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
            }
        )
        consumer.assign([TopicPartition("access-log.v1", 0, OFFSET_BEGINNING)])
        records: list[dict[str, Any]] = []
        with contextlib.closing(consumer):
            while True:
                message = consumer.poll(10)
                assert message is not None, "Kafka does not answer"
                if message.error() is not None:
                    return records
                records.append(codec.decode("access_record", message.value()))

    def record(self, handle: bytes) -> dict[str, Any]:
        _, public = self.as_("projector").public_key("section")
        sealed = seal_record(
            handle=MandateHandle(handle),
            version=1,
            sections={COMMON_SECTION: CARD},
            layout=LAYOUT,
            vault_public=public,
            signing=PROJECTOR,
            household=b"H" * 16,
        )
        return codec.decode("household_record", sealed)

    def stop(self) -> int:
        assert self.running is not None
        self.running.terminate()
        return self.running.wait(30)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def a_state(
    handle: bytes, *, given: bool = True, key: SigningKey = GRANTOR_KEY, person: bytes = PERSON, **terms: Any
) -> bytes:
    """A mandate as the projector passes it on; `terms` in the place of those that are in order."""
    signed = MandateTerms(**{
        "handle": handle, "municipality": 9901, "revision": 1, "reader": READER, "purpose": "coordination", "ground": "wmo-2.3.2",
        "valid_from": day_number(TODAY), "valid_until": day_number(TODAY) + 1, "grantor": GRANTOR, "key_id": f"{GRANTOR}-1", **terms,
    })  # fmt: skip
    return codec.encode("mandate_state", {"person": person, "given": given, **signed.signed(key)})


@pytest.fixture
def process(fresh_database, kafka, authority: Authority, tmp_path: Path) -> Iterator[Process]:
    Cluster(kafka.admin()).apply(MEMBERS)
    admin = AdminClient(kafka.admin())
    emptied = admin.delete_records([TopicPartition("access-log.v1", 0, OFFSET_END)])
    for done in emptied.values():  # each test has a database of its own, and its log goes on from no other's
        done.result(20)
    made = Process(tmp_path, fresh_database("keyvault_process"), kafka, authority)
    gives = Entry("grantor", GRANTOR, f"{GRANTOR}-1", "signing", verify_key_of(GRANTOR_KEY), valid_from=0)
    producer = Producer({**kafka.admin(), "acks": "all"})
    for entry in (
        Entry("role_key", "projector", "projector-1", "signing", verify_key_of(PROJECTOR), valid_from=0),
        gives,
        replace(gives, key_id=f"{GRANTOR}-2", public_key=verify_key_of(REVOKED), revoked_at_ms=1),
        replace(gives, name="grantor-gm9901-1", key_id="grantor-gm9901-1-1"),
    ):
        producer.produce("directory.v1", key=entry.subject, value=sign_entry(two_of(ROOT_KEY), entry), partition=0)
    assert producer.flush(20) == 0
    yield made
    if made.running is not None and made.running.poll() is None:
        made.running.send_signal(signal.SIGKILL)
        made.running.wait(5)


def test_a_mandate_from_kafka_opens_a_card_and_the_look_is_on_the_access_log(process: Process) -> None:
    before = len(process.access_log())
    handle, gone = os.urandom(16), os.urandom(16)
    process.give(a_state(handle), b"poison", a_state(gone), codec.encode("vault_mandate", {"handle": handle}))
    process.start()
    reader, record = process.as_(READER), process.record(handle)
    assert open_section(secret=reader.look(record)[0], record=record, index=0)["members"] == 1
    process.give(a_state(gone, given=False))

    def withdrawn() -> bool:
        try:
            reader.look(process.record(gone))
        except Refused as refused:
            return refused.code == "withdrawn"
        return False

    assert within(10, withdrawn)
    made = process.access_log()[before:]
    assert (made[0]["result"], made[-1]["result"], made[0]["handle"]) == ("given", "withdrawn", handle)
    assert first_break(made) is None
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{process.config['metrics_port']}/metrics").read().decode()
    assert 'zorgstroom_ready{role="keyvault"} 1.0' in metrics
    assert 'zorgstroom_dead_letters_total{reason="unreadable",role="keyvault"} 1.0' in metrics
    assert 'zorgstroom_dead_letters_total{reason="schema",role="keyvault"} 1.0' in metrics
    assert 'zorgstroom_vault_looks_total{result="given",role="keyvault"}' in metrics
    assert process.stop() == 0
    for text in (process.log.read_text(), metrics):
        assert PERSON.hex() not in text
        assert handle.hex() not in text


def test_a_mandate_that_no_grantor_of_the_municipality_signed_opens_nothing_whatever_the_projector_says(
    process: Process,
) -> None:
    stands, theirs = os.urandom(16), b"\x77" * 16
    invented = {
        "by another key": {"key": REVOKED},
        "by a key nobody admitted": {"key_id": f"{GRANTOR}-9"},
        "by the projector": {"key": PROJECTOR, "grantor": "projector", "key_id": "projector-1"},
        "for another municipality": {"municipality": 9902, "reader": "caseworker-gm9902-1"},
        "by the reader": {"grantor": "grantor-gm9901-1", "key_id": "grantor-gm9901-1-1"},
    }
    handles = {os.urandom(16): fields for fields in invented.values()}
    fields = codec.decode("mandate_state", a_state(stands))
    longer = MandateTerms.decode(fields["terms"])
    changed = codec.encode("mandate_state", {**fields, "terms": replace(longer, handle=theirs).encoded()})
    process.give(*(a_state(handle, **fields) for handle, fields in handles.items()), changed)
    process.give(
        a_state(stands, key=REVOKED, key_id=f"{GRANTOR}-2"),
        a_state(stands, key=REVOKED, key_id=f"{GRANTOR}-2", person=theirs),
    )
    process.start()
    reader = process.as_(READER)
    record = process.record(stands)
    card = open_section(secret=reader.look(record)[0], record=record, index=0)
    assert card is not None
    assert card["members"] == 1
    for handle in (*handles, theirs):
        with pytest.raises(Refused) as told:
            reader.look(process.record(handle))
        assert told.value.code == "no-mandate"
    with psycopg.connect(process.dsn) as database:
        rows = database.execute("SELECT person FROM mandates WHERE handle = %s", (stands,))
        known = [bytes(person) for (person,) in rows]
    assert known == [PERSON], "whom a handle is about never changes"
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{process.config['metrics_port']}/metrics").read().decode()
    assert 'zorgstroom_dead_letters_total{reason="mandate-grantor",role="keyvault"} 6.0' in metrics
    assert process.stop() == 0
    assert READER not in process.log.read_text()


def test_sigterm_stops_it_though_a_client_stays_connected(process: Process) -> None:
    process.start()
    client = process.as_("intake")
    client.public_key("voprf")
    assert process.stop() == 0, "it waits for no client to go"
    with pytest.raises(Unavailable):
        client.public_key("voprf")


def test_kill_9_loses_no_key_no_mandate_and_no_count(process: Process) -> None:
    handle = os.urandom(16)
    process.give(a_state(handle))
    process.start()
    made = process.as_("ledger").person_keys([PERSON])
    pinned = process.as_("intake").public_key("voprf")
    elements = process.as_("intake").elements([b"a", b"b"], pinned)
    assert process.running is not None
    process.running.kill()
    process.running.wait(5)
    process.start()
    assert process.as_("projector").person_keys([PERSON]) == made
    assert process.as_("intake").public_key("voprf") == pinned
    assert process.as_("intake").elements([b"a", b"b"], pinned) == elements
    assert process.as_(READER).look(process.record(handle))[0] is not None
    with psycopg.connect(process.dsn) as c:
        assert c.execute("SELECT sum(count) FROM evaluations").fetchone() == (4,)


def test_without_kafka_no_key_leaves_and_afterwards_the_log_is_whole(process: Process) -> None:
    before = len(process.access_log())
    handle = os.urandom(16)
    process.give(a_state(handle))
    process.start()
    reader, record = process.as_(READER), process.record(handle)
    reader.look(record)
    process.kafka.stop()
    try:
        with pytest.raises(Unavailable, match="log"):
            reader.look(record)
        assert process.as_("ledger").person_keys([PERSON])[0] is not None
    finally:
        process.kafka.start()

    def looks() -> bool:
        try:
            return reader.look(record)[0] is not None
        except Unavailable:
            return False

    assert within(60, looks)
    numbers = {r["sequence"]: r for r in process.access_log()[before:]}
    whole = [numbers[n] for n in sorted(numbers)]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 3
    assert first_break(whole) is None


def ended(process: Process, **changes: Any) -> tuple[int, str]:
    code = process.spawn(**changes).wait(60)
    return code, process.log.read_text().splitlines()[-1]


def test_a_port_in_use_is_one_sentence_and_exit_code_2(process: Process) -> None:
    for name in ("port", "metrics_port"):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            code, sentence = ended(process, **{name: taken.getsockname()[1]})
        assert (code, "in use" in sentence) == (2, True)
    with psycopg.connect(process.dsn) as c:
        assert c.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_wrong_settings_and_an_expired_certificate_are_one_sentence_and_exit_code_2(process: Process) -> None:
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=900)
    files = process.authority.issue("keyvault", process.folder / "expired", valid_from=long_ago)
    expired = {"cert": str(files.cert), "key": str(files.key), "ca": str(files.ca)}
    assert ended(process, tls=expired)[0] == 2
    code, sentence = ended(process, wrapping=[{"file": str(process.folder / "absent")}])
    assert (code, sentence) == (2, f"The wrapping key {process.folder / 'absent'} can't be read.")
    assert ended(process, operators={"anne": "00"})[0] == 2


def test_another_wrapping_key_stops_it_with_one_sentence(process: Process) -> None:
    process.start()
    assert process.stop() == 0
    other = process.folder / "other.key"
    other.write_bytes(b"\x08" * 32)
    other.chmod(0o600)
    code, sentence = ended(process, wrapping=[{"file": str(other)}])
    assert (code, "do not open with this wrapping key" in sentence) == (3, True)


def test_a_database_ahead_of_mandates_v1_stops_it_with_one_sentence(process: Process) -> None:
    process.start()
    assert process.stop() == 0
    with psycopg.connect(process.dsn) as c:
        c.execute(
            "INSERT INTO mandates_read VALUES (0, 1000000) ON CONFLICT (partition) DO UPDATE SET next_offset = 1000000"
        )
    code, sentence = ended(process)
    assert (code, "restored or remade" in sentence) == (3, True)


def test_a_database_older_than_its_log_on_kafka_stops_it_with_one_sentence(process: Process) -> None:
    handle = os.urandom(16)
    process.give(a_state(handle))
    process.start()
    reader = process.as_(READER)
    for _ in range(3):
        reader.look(process.record(handle))
    assert process.stop() == 0
    with psycopg.connect(process.dsn) as c:
        c.execute("DELETE FROM access_log WHERE sequence > 1")
        c.execute("UPDATE access_log_published SET sequence = 1")
    code, sentence = ended(process)
    assert (code, "ends at line 1 of its access log, and line 3 lies on access-log.v1" in sentence) == (3, True)
    assert "operator backup restore keyvault" in sentence
    assert len(process.access_log()) == 3


def test_a_database_with_another_log_than_kafkas_stops_it_with_one_sentence(process: Process) -> None:
    handle = os.urandom(16)
    process.give(a_state(handle))
    process.start()
    process.as_(READER).look(process.record(handle))
    assert process.stop() == 0
    with psycopg.connect(process.dsn) as c:
        c.execute("UPDATE access_log SET hash = sha256(hash)")
    code, sentence = ended(process)
    assert (code, "is another one on access-log.v1" in sentence) == (3, True)
