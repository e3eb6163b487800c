"""On the road: what municipalities ask reaches the providers they name, and nobody asks in another one's name."""

from __future__ import annotations

import dataclasses
import time
import urllib.request

from confluent_kafka import Producer

from deploy.demo import Demo
from producers.profile import Profile
from producers.requests import read_requests
from schemas.requests import TOPIC, DataRequest, signed_request


def refused_by_release(demo: Demo) -> float:
    with urllib.request.urlopen(demo.zone.metrics_url("release")) as answer:
        lines = answer.read().decode().splitlines()
    return sum(
        float(line.split()[-1]) for line in lines
        if line.startswith("zorgstroom_events_refused_total{") and 'code="signature"' in line
    )  # fmt: skip


def test_a_neighbours_certificate_asks_nothing_in_another_municipalitys_name(demo: Demo) -> None:
    number = min(demo.zone.folder.members().providers)
    provider = Profile.load(demo.sender_folder(number))
    before, counted = read_requests(provider), refused_by_release(demo)
    ours = [r for r in before.proved.values() if r.asks(provider.sender)]
    assert ours
    assert before.refused == 0
    assert {len(list(r.months(since=0, until=10**6))) for r in ours} == {
        demo.wish.months * len(r.providers) for r in ours
    }

    asked = next(r for r in ours if r.municipality == 9901)
    forged: DataRequest = dataclasses.replace(asked, why="in naam van een ander")
    neighbour = Profile.load(demo.sender_folder("gm9902"))
    producer = Producer(neighbour.kafka() | {"acks": "all"})
    producer.produce(
        TOPIC, signed_request(forged, entry=neighbour.own_entry(), signing=neighbour.signing_key()), partition=0
    )
    producer.produce(TOPIC, b"\x00random", partition=0)
    assert producer.flush(20) == 0

    after = read_requests(provider)
    assert after.proved == before.proved
    assert after.refused == 2
    deadline = time.monotonic() + 20
    while refused_by_release(demo) < counted + 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert refused_by_release(demo) == counted + 1
