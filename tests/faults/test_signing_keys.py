"""The keys with which projector and release sign turn on a real zone: what was signed before counts, what a thief signs later does not."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

import pytest
from confluent_kafka import Producer
from erasing import GM, a_mandate, next_of, rebuilt, rows
from runs import told, typed
from typer.testing import CliRunner

from deploy import key_commands, key_register
from deploy.cli import app
from deploy.closing import close_month
from deploy.key_register import KeyRegister
from deploy.zone import Zone
from projections.release.signing import signed
from projections.subscribers import ReleaseSubscriber
from schemas import codec, topics
from schemas.directory_follower import ROLE_KEYS, DirectoryFollower
from schemas.errors import Refused
from schemas.household_record import check_signature, claims_of
from schemas.secrets import SigningKey
from schemas.values import Month
from tests.integration.road_by_hand import Road, Sender, a_delivery, admitted

PROVIDER, EVA = "p98444448", "999962012"
pytestmark = pytest.mark.usefixtures("municipality")


def signed_by(record: bytes, public: bytes) -> bool:
    fields = codec.decode("household_record", record)
    try:
        check_signature(
            projector_keys=[public],
            handle=fields["handle"],
            version=fields["version"],
            claims=claims_of(fields),
            signature=fields["signature"],
        )
    except Refused:
        return False
    return True


def test_the_projectors_key_turns_while_a_caseworker_looks(zone: Zone, road: Road) -> None:
    sender, data = Sender(admitted(road.demo, PROVIDER)), str(zone.folder.path)
    assert told(road, sender, sender.sealed(1, a_delivery("S1", bsn=EVA))) == ("0200", 1)
    handle, topic, vault = a_mandate(zone, "caseworker-gm9901-roos", EVA)
    before = KeyRegister.of(zone.folder).current("projector", "signing")
    kept = next_of(topic, handle)
    assert kept is not None
    assert signed_by(kept, bytes.fromhex(before.public))
    assert "projector signs with it within a minute" in typed("operator", "keys", "new", "records", "--data", data)
    now = KeyRegister.of(zone.folder).current("projector", "signing")
    while not signed_by(record := next_of(topic, handle) or b"", bytes.fromhex(now.public)):
        assert any(vault.look(codec.decode("household_record", record))), "what the key before signed opens too"
    assert any(vault.look(codec.decode("household_record", record)))
    typed("operator", "keys", "new", "records", "--leaked", "--yes", "--data", data)
    last = KeyRegister.of(zone.folder).current("projector", "signing")
    while not signed_by(record := next_of(topic, handle) or b"", bytes.fromhex(last.public)):
        pass
    assert any(vault.look(codec.decode("household_record", record)))
    topic.close()
    vault.close()


@pytest.fixture
def close_next(zone: Zone) -> Callable[[], int]:
    """Close the month that follows; its index."""

    def close() -> int:
        ((epoch,),) = rows(zone, "release", "SELECT count(*)::int FROM closings")
        month = Month(2025, 1).plus(epoch)
        close_month(zone, epoch=epoch, month=month, seconds=60)
        return month.index

    return close


def read(zone: Zone, follower: DirectoryFollower) -> ReleaseSubscriber:
    """All that was released, as a municipality reads it that was pinned to nothing but the root."""
    reader = ReleaseSubscriber(
        zone.kafka.client(zone.reader_certificate(GM)), f"{GM}.turned", topics.macro_topic(9901), follower.release_keys
    )
    deadline = time.monotonic() + 20
    while not reader.caught_up:
        assert time.monotonic() < deadline
        reader.poll(0.2)
    reader.close()
    return reader


def test_releases_key_turns_and_one_that_leaked_signs_nothing_that_counts(
    zone: Zone, close_next: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, roots = str(zone.folder.path), zone.roots.pinned
    follower = DirectoryFollower(roots, zone.kafka.client(zone.reader_certificate(GM)), role=GM, topic=ROLE_KEYS)
    follower.start()
    first = KeyRegister.of(zone.folder).current("release", "signing")
    secret = SigningKey(KeyRegister.of(zone.folder).current_secret("release", "signing"))
    months = [close_next()]
    assert "release signs with it within a minute" in typed("operator", "keys", "new", "releases", "--data", data)
    time.sleep(11)  # release looks every ten seconds
    months.append(close_next())
    monkeypatch.setattr(key_commands, "_today", lambda: dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1))
    assert first.key_id in typed("operator", "keys", "destroy", "--yes", "--data", data)
    assert not zone.folder.secret_file("release", first.file).exists()
    seen = read(zone, follower)
    assert (seen.refused, set(months) <= set(seen.epochs)) == (0, True)
    pinned = ReleaseSubscriber({}, "g", topics.macro_topic(9901), lambda _: [bytes.fromhex(first.public)])
    newest = codec.encode("released_epoch", seen.epochs[months[1]])
    assert pinned.take(signed(secret, newest), 0)
    assert rebuilt(zone), "markers of both keys close their epochs"

    monkeypatch.setattr(key_register, "_MOVING_MS", 0)
    said = " ".join(typed("operator", "keys", "new", "releases", "--leaked", "--yes", "--data", data).split())
    assert "counts only if Kafka took it in before" in said
    until = time.monotonic() + 20
    while bytes.fromhex(first.public) in follower.release_keys(int(time.time() * 1000)):
        assert time.monotonic() < until
        time.sleep(0.1)
    thief = Producer(zone.kafka.client(zone.certificate("release")) | {"acks": "all"})
    forged = seen.epochs[months[1]] | {"version": seen.epochs[months[1]]["version"] + 1}
    thief.produce(topics.macro_topic(9901), signed(secret, codec.encode("released_epoch", forged)), partition=0)
    assert thief.flush(20) == 0
    after = read(zone, follower)
    assert (after.refused, after.epochs) == (1, seen.epochs)
    follower.stop()


def test_what_is_sealed_to_a_key_is_not_revoked(zone: Zone) -> None:
    refused = CliRunner().invoke(
        app, ["operator", "keys", "new", "identity", "--leaked", "--yes", "--data", str(zone.folder.path)]
    )
    assert (refused.exit_code, "Only a key that signs" in refused.output) == (2, True)
    unknown = CliRunner().invoke(app, ["operator", "keys", "new", "nothing", "--data", str(zone.folder.path)])
    assert (unknown.exit_code, "identity, content, records, releases" in " ".join(unknown.output.split())) == (2, True)
