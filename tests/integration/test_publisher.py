"""The library for a provider's own system, against a real broker: batches, back-pressure, order, gaps, outages, copies."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from answering_zone import Answer, AnsweringZone, accepts, says_nothing
from provider_profiles import deliveries, receipt

from deploy.certificates import Authority
from deploy.embedded_kafka import EmbeddedKafka
from producers.deliveries import MonthClosed
from producers.packing import pack
from producers.publisher import Publisher, PublishError
from schemas.care import Stream
from schemas.values import Month

ROOT = Path(__file__).parents[2]


@pytest.fixture
def zone_of(kafka: EmbeddedKafka, authority: Authority, tmp_path: Path) -> Iterator[Callable[..., AnsweringZone]]:
    made: list[AnsweringZone] = []

    def make(answer: Answer = accepts) -> AnsweringZone:
        agb = f"9800{abs(hash(tmp_path)) % 10_000:04d}"
        made.append(AnsweringZone(kafka, authority, tmp_path, agb, answer))
        return made[-1]

    yield make
    for zone in made:
        zone.close()


def cents_in_order(zone: AnsweringZone) -> list[int]:
    """Cents of the first arrival of each number, in order of arrival."""
    firsts = {e.header.number: e for e in reversed(zone.seen)}
    ordered = sorted(firsts.values(), key=lambda e: [s.header.number for s in zone.seen].index(e.header.number))
    return [c for e in ordered for c in zone.provider.opened(_raw(e))[2]]


def _raw(envelope: object) -> bytes:
    from schemas import codec

    fields = {
        "header": envelope.header_bytes,
        "identity": envelope.identity,
        "content": envelope.content,
        "signature": envelope.signature,
    }
    return codec.encode("envelope", fields)


def test_it_batches_by_size_and_each_batch_arrives_once_in_order(zone_of: Callable[..., AnsweringZone]) -> None:
    zone, heard = zone_of(), []
    with Publisher(zone.provider.profile, batch_events=10, batch_seconds=600, told=heard.append) as publisher:
        for delivery in deliveries(25):
            publisher.publish(delivery)
        assert zone.has(2)
        publisher.close_months([MonthClosed(9901, Stream.WMO, Month(2025, 3), nothing_delivered=False)])
        assert publisher.wait(seconds=30)
        assert publisher.state() == {"waiting": 0, "waiting_for": "", "on_hold": False}
    assert zone.numbers() == [1, 2, 3, 4]
    assert [zone.events_of(e) for e in zone.seen] == [10, 10, 5, 0]
    assert cents_in_order(zone) == list(range(1, 26))
    assert [(r.number, r.accepted, r.code) for r in heard] == [
        (1, 10, "0200"),
        (2, 10, "0200"),
        (3, 5, "0200"),
        (4, 0, "0200"),
    ]


def test_it_batches_by_time(zone_of: Callable[..., AnsweringZone]) -> None:
    zone = zone_of()
    with Publisher(zone.provider.profile, batch_seconds=0.3) as publisher:
        publisher.publish(deliveries(1)[0])
        assert zone.has(1), "nobody flushed, time did"
        publisher.publish(deliveries(1, start=1)[0])
        assert zone.has(2)


def test_leaving_the_block_keeps_what_was_taken_and_the_next_one_sends_it(
    zone_of: Callable[..., AnsweringZone],
) -> None:
    zone = zone_of()
    with Publisher(zone.provider.profile, batch_seconds=600) as publisher:
        publisher.publish(deliveries(1)[0])
    with Publisher(zone.provider.profile) as publisher:
        assert publisher.wait(seconds=30)
        assert [r.number for r in publisher.receipts()] == [1]
    assert zone.numbers()[0] == 1


def test_a_full_outbox_makes_the_caller_wait(zone_of: Callable[..., AnsweringZone]) -> None:
    zone = zone_of(says_nothing)
    with Publisher(zone.provider.profile, batch_events=1, max_waiting=3) as publisher:
        done = threading.Event()

        def publish() -> None:
            for delivery in deliveries(5):
                publisher.publish(delivery)
            done.set()

        caller = threading.Thread(target=publish)
        caller.start()
        assert zone.has(3)
        assert not done.wait(1)
        assert publisher.outbox.waiting_count() == 3
        zone.answer = accepts
        for envelope in list(zone.seen):
            zone.tell(receipt(envelope))
        assert done.wait(20)
        assert publisher.wait(seconds=30)
        caller.join()
    assert zone.numbers() == [1, 2, 3, 4, 5]


def test_what_is_asked_for_again_is_sent_again_from_there(zone_of: Callable[..., AnsweringZone]) -> None:
    asked = threading.Event()

    def forgetful(envelope: object, zone: AnsweringZone) -> list[dict[str, object]]:
        if envelope.header.number == 4 and not asked.is_set():
            asked.set()
            return [receipt(envelope, kind="expects", number=2, accepted=0)]
        return [receipt(envelope)] if asked.is_set() or envelope.header.number == 1 else []

    zone = zone_of(forgetful)
    with Publisher(zone.provider.profile, batch_events=1, batch_seconds=600) as publisher:
        for delivery in deliveries(4):
            publisher.publish(delivery)
        assert publisher.wait(seconds=30)
    assert zone.numbers() == [1, 2, 3, 4, 2, 3, 4]


def test_while_kafka_is_away_everything_is_taken_and_afterwards_it_goes_in_order(
    kafka: EmbeddedKafka, zone_of: Callable[..., AnsweringZone]
) -> None:
    zone = zone_of()
    with Publisher(zone.provider.profile, batch_events=1, batch_seconds=600) as publisher:
        publisher.publish(deliveries(1)[0])
        assert publisher.wait(seconds=30)
        kafka.stop()
        try:
            began = time.monotonic()
            for delivery in deliveries(20, start=1):
                publisher.publish(delivery)
            assert publisher.outbox.waiting_count() == 20
            deadline = began + 40
            while publisher.state()["waiting_for"] != "Kafka" and time.monotonic() < deadline:
                time.sleep(0.1)
            assert publisher.state() == {"waiting": 20, "waiting_for": "Kafka", "on_hold": False}
        finally:
            kafka.start()
        assert publisher.wait(seconds=120)
        assert publisher.state()["waiting_for"] == ""
    assert list(dict.fromkeys(zone.numbers())) == list(range(1, 22))
    assert cents_in_order(zone) == list(range(1, 22))


def test_an_envelope_above_1_mib_is_refused_before_it_has_a_number(zone_of: Callable[..., AnsweringZone]) -> None:
    zone = zone_of()
    with Publisher(zone.provider.profile) as publisher:
        packed = next(pack(deliveries(1), secret=zone.provider.profile.handle_key()))
        packed.content["rows"] *= 20_000
        with pytest.raises(PublishError, match="above 1 MiB; send fewer"):
            publisher.publish_packed(packed, file="")
        publisher.publish_items(deliveries(1), file="")
        assert publisher.wait(seconds=30)
    assert zone.numbers() == [1]


def test_a_thousand_events_fit(zone_of: Callable[..., AnsweringZone]) -> None:
    zone = zone_of()
    with Publisher(zone.provider.profile) as publisher:
        assert publisher.publish_items(deliveries(1000), file="") == 1
        assert publisher.wait(seconds=30)
    assert [zone.events_of(e) for e in zone.seen] == [1000]


def test_on_hold_nothing_more_is_sent_and_the_caller_hears_why(zone_of: Callable[..., AnsweringZone]) -> None:
    zone = zone_of(lambda envelope, _: [receipt(envelope, kind="hold")])
    with Publisher(zone.provider.profile, batch_events=1, max_waiting=2) as publisher:
        publisher.publish(deliveries(1)[0])
        assert not publisher.wait(seconds=20)
        assert publisher.state()["on_hold"]
        publisher.publish(deliveries(1, start=1)[0])
        publisher.publish(deliveries(1, start=2)[0])
        with pytest.raises(PublishError, match="call the municipality"):
            publisher.publish(deliveries(1, start=3)[0])
        publisher._buffer.clear()
    assert zone.numbers() == [1]


def test_an_outbox_restored_from_yesterday_finds_out_and_goes_on_in_a_new_one(
    zone_of: Callable[..., AnsweringZone],
) -> None:
    zone = zone_of()
    folder = zone.provider.profile.folder
    with Publisher(zone.provider.profile, batch_events=1) as publisher:
        publisher.publish(deliveries(1)[0])
        assert publisher.wait(seconds=30)
        first = publisher.outbox.id
    yesterday = {p.name: p.read_bytes() for p in folder.glob("outbox.sqlite*")}
    with Publisher(zone.provider.profile, batch_events=1) as publisher:
        for delivery in deliveries(2, start=1):
            publisher.publish(delivery)
        assert publisher.wait(seconds=30)
    for path in folder.glob("outbox.sqlite*"):
        path.unlink()
    for name, data in yesterday.items():
        (folder / name).write_bytes(data)
    with Publisher(zone.provider.profile, batch_events=1) as publisher:
        assert publisher.link.caught_up(seconds=30)
        publisher.publish(deliveries(1, start=3)[0])
        assert publisher.wait(seconds=30)
        assert publisher.outbox.id != first
    last = zone.seen[-1].header
    assert (last.outbox != first, last.number) == (True, 1)


CHILD = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/tests/unit"]
from provider_profiles import deliveries
from producers.profile import Profile
from producers.publisher import Publisher
publisher = Publisher(Profile.load(Path(sys.argv[1])), batch_events=1, max_waiting=10_000)
start = publisher.outbox.last_number
for n in range(start, start + 400):
    publisher.publish(deliveries(1, start=n)[0])
    sys.stdout.write("x"); sys.stdout.flush()
"""


def test_kill_9_while_publishing_loses_doubles_and_reorders_nothing(zone_of: Callable[..., AnsweringZone]) -> None:
    zone = zone_of()
    folder = zone.provider.profile.folder
    given = 0
    for many in (5, 60, 150):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder), str(ROOT)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        given += len(child.stdout.read(many))
        child.send_signal(signal.SIGKILL)
        given += len(child.stdout.read())
        child.wait()
        child.stdout.close()
    with Publisher(zone.provider.profile) as publisher:
        assert publisher.wait(seconds=60)
        last = publisher.outbox.last_number
    assert given <= last <= given + 3
    assert list(dict.fromkeys(zone.numbers())) == list(range(1, last + 1))
    assert cents_in_order(zone) == list(range(1, last + 1))
