"""Bad envelopes on the running road: each is told with its reason, nothing of the good is lost, nothing stops.

A provider admitted for this alone sends them by hand. (What it books would disturb the comparison with the town, so
this file stands after the demo's in the alphabet.)
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo import Demo
from producers.deliveries import Withdrawal
from producers.profile import Profile
from schemas import codec, topics
from schemas.sealing import box_public_key, partition_of
from schemas.secrets import BoxKey, SigningKey
from schemas.values import SenderId, day_number
from tests.integration.road_by_hand import SOMEONE, TODAY, Road, Sender, a_delivery, admitted, road_of


@pytest.fixture(scope="module")
def profile(demo: Demo) -> Profile:
    return admitted(demo, "p98111111")


@pytest.fixture(scope="module")
def road(demo: Demo, profile: Profile) -> Iterator[Road]:
    yield from road_of(demo, profile)


@pytest.fixture
def sender(profile: Profile) -> Sender:
    return Sender(profile)


def accepted(road: Road, sender: Sender, data: bytes) -> None:
    road.put(data, sender=sender.profile.sender.text)
    (receipt,) = road.heard(sender, count=1)
    assert (receipt["code"], receipt["accepted"], receipt["refused"]) == ("0200", 1, [])


def test_a_byte_flipped_anywhere_is_a_dead_letter_and_the_good_one_goes_on(road: Road, sender: Sender) -> None:
    good = sender.sealed(1, a_delivery("A1"))
    chance = random.Random(4)
    spoiled = []
    for place in sorted({0, 1, 9, 10, len(good) - 1, *chance.sample(range(len(good)), 60)}):
        one = bytearray(good)
        one[place] ^= 1 << chance.randrange(8)
        spoiled.append(bytes(one))
    reasons = road.reasons(spoiled, sender=sender.profile.sender.text)
    assert set(reasons) <= {"signature", "unreadable", "schema", "unknown-key", "unknown-sender", "part"}
    assert "signature" in reasons
    accepted(road, sender, good)


def test_parts_of_two_envelopes_exchanged_are_dead_letters(road: Road, sender: Sender) -> None:
    one = codec.decode("envelope", sender.sealed(1, a_delivery("B1")))
    two = codec.decode("envelope", sender.sealed(1, a_delivery("B2", cents=99)))
    mixed = [
        codec.encode("envelope", one | {part: two[part]}) for part in ("identity", "content", "header", "signature")
    ]
    assert road.reasons(mixed[:2], sender=sender.profile.sender.text) == ["signature", "signature"]
    assert road.reasons(mixed[3:], sender=sender.profile.sender.text) == ["signature"]


def test_who_is_not_proved_gets_no_receipt_but_a_dead_letter(road: Road, sender: Sender, demo: Demo) -> None:
    name = sender.profile.sender.text
    other = Profile.load(demo.sender_folder(f"p{min(demo.zone.folder.members().providers).removeprefix('p')}"))
    cases = {
        "signature": sender.sealed(1, a_delivery("C1"), signing=other.signing_key()),
        "unknown-key": sender.sealed(1, a_delivery("C2"), signing_key_id="s99", signing=SigningKey.generate()),
        "unreadable": b"",
    }
    assert road.reasons(list(cases.values()), sender=name) == list(cases)
    assert set(road.reasons([os.urandom(n) for n in (1, 9, 300, 70_000)], sender=name)) <= {"unreadable", "schema"}
    stranger = SenderId("p98999998")
    unknown = sender.sealed(1, a_delivery("C3"), sender=stranger)
    assert road.reasons([unknown], sender=stranger.text) == ["unknown-sender"]
    elsewhere = (partition_of(name.encode(), topics.ROAD_PARTITIONS) + 1) % topics.ROAD_PARTITIONS
    assert road.reasons([sender.sealed(1, a_delivery("C4"))], sender=name, partition=elsewhere) == ["part"]


def test_parts_that_do_not_open_are_dead_letters_with_a_receipt_and_the_next_number_goes_on(
    road: Road, sender: Sender
) -> None:
    ours = sender.profile.recipients(day_number(TODAY))
    stranger = box_public_key(BoxKey.generate())
    others = [
        dataclasses.replace(ours, identity_public=stranger), dataclasses.replace(ours, content_public=stranger),
        dataclasses.replace(ours, content_key_id="c99"),
    ]  # fmt: skip
    spoiled = [sender.sealed(n, a_delivery(f"D{n}"), recipients=other) for n, other in enumerate(others, 1)]
    # the ledger's letter is about what intake sent on: its hash and place are those of rekeyed.v1
    assert road.reasons(spoiled[:1], sender=sender.profile.sender.text) == ["part"]
    road.put(*spoiled[1:], sender.sealed(4, a_delivery("D4")), sender=sender.profile.sender.text)
    told = {r["number"]: (r["code"], r["accepted"]) for r in road.heard(sender, count=4)}
    assert told == {1: ("part", 0), 2: ("part", 0), 3: ("unknown-key", 0), 4: ("0200", 1)}
    assert [road.letter(topic="rekeyed.v1")["reason"] for _ in spoiled[1:]] == ["part", "unknown-key"]


def test_events_are_refused_one_by_one_and_the_others_of_their_envelope_go_on(road: Road, sender: Sender) -> None:
    road.put(
        sender.sealed(1, a_delivery("E1"), a_delivery("E2", first=TODAY + dt.timedelta(days=9))),
        sender.sealed(2, a_delivery("E1", cents=1), a_delivery("E3", first=dt.date(2016, 1, 1)), a_delivery("E4")),
        sender.sealed(3, a_delivery("E5"), a_delivery("E6", bsn="999900031"), bsns=["123456789"]),
        sender.sealed(4, _credit("E7", of="nothing"), _credit("E8", of="E4"), _credit("E9", of="E4")),
        sender=sender.profile.sender.text,
    )
    told = {r["number"]: (r["accepted"], [x["code"] for x in r["refused"]]) for r in road.heard(sender, count=4)}
    assert told == {1: (1, ["future"]), 2: (1, ["8021", "too-old"]), 3: (1, ["bsn"]), 4: (1, ["8017", "9390"])}


def _credit(reference: str, *, of: str) -> Withdrawal:
    debit = a_delivery(of)
    return Withdrawal(
        bsn=debit.bsn, payer=debit.payer, care_type=debit.care_type, first_day=debit.first_day, last_day=debit.last_day,
        cents=debit.cents, reference=reference, withdrawn_reference=of,
    )  # fmt: skip


def test_an_envelope_twice_is_skipped(road: Road, sender: Sender) -> None:
    one, two = sender.sealed(1, a_delivery("F1")), sender.sealed(2, a_delivery("F2"))
    road.put(one, one, one, two, two, sender=sender.profile.sender.text)
    assert [(r["number"], r["accepted"]) for r in road.heard(sender, count=2)] == [(1, 1), (2, 1)]


def test_a_missing_number_is_asked_for_and_what_lay_beyond_it_is_taken_when_sent_again(
    road: Road, sender: Sender
) -> None:
    name = sender.profile.sender.text
    one, two, three = (sender.sealed(n, a_delivery(f"G{n}")) for n in (1, 2, 3))
    road.put(one, three, sender=name)
    told = road.heard(sender, count=2)
    assert sorted((r["kind"], r["number"]) for r in told) == [("expects", 2), ("final", 1)]
    road.put(two, three, sender=name)
    assert [(r["kind"], r["number"], r["accepted"]) for r in road.heard(sender, count=2)] == [
        ("final", 2, 1), ("final", 3, 1)
    ]  # fmt: skip


def test_a_new_outbox_begins_at_one_and_doubles_are_found_by_reference(road: Road, sender: Sender) -> None:
    accepted(road, sender, sender.sealed(1, a_delivery("H1")))
    lost = sender.fresh()
    road.put(lost.sealed(1, a_delivery("H1"), a_delivery("H2")), sender=sender.profile.sender.text)
    (receipt,) = road.heard(lost, count=1)
    assert (receipt["duplicates"], receipt["accepted"]) == (1, 1)


def test_something_else_under_a_number_puts_the_sender_and_nobody_else_on_hold(
    road: Road, sender: Sender, demo: Demo
) -> None:
    liar = Sender(admitted(demo, "p98222222"))
    for theirs in road_of(demo, liar.profile):
        name = liar.profile.sender.text
        accepted(theirs, liar, liar.sealed(1, a_delivery("I1")))
        theirs.put(liar.sealed(1, a_delivery("I2", cents=999)), sender=name)
        assert [(r["kind"], r["code"]) for r in theirs.heard(liar, count=1)] == [("hold", "equivocation")]
        theirs.put(liar.sealed(2, a_delivery("I3")), sender=name)
        assert [(r["kind"], r["code"]) for r in theirs.heard(liar, count=1)] == [("final", "on-hold")]
    accepted(road, sender, sender.sealed(1, a_delivery("I4")))


def test_no_log_line_repeats_a_person(demo: Demo) -> None:
    logs = list(Path(demo.zone.supervisor.logs).glob("*.log"))
    assert logs
    for path in logs:
        text = path.read_text("utf-8", "replace")
        assert SOMEONE not in text
        assert "123456789" not in text
        assert "Traceback" not in text, path.name
